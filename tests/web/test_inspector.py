"""The inspector's desk: the books in plain words, the evidence behind every number, nothing for others."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.web.conftest import Desk
from tests.world import World
from xinglin.base import clock, database, seals
from xinglin.base.database import Database
from xinglin.base.ids import new_id
from xinglin.delivery import actions as delivery
from xinglin.delivery.rules import Counted
from xinglin.inspection import papers
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked
from xinglin.stock import actions as stock
from xinglin.stock.actions import Issued
from xinglin.web import reading
from xinglin.web.inspector import csv_of

PNG = b"\x89PNG\r\n\x1a\n" + b"drawn on a phone"


async def one_order(base: Database, world: World) -> str:
    """A requisition of clinic 1, all the way to the signature: one box refused on arrival."""
    doctor, office, driver = (world.actor(name) for name in ("doctor1", "pharmacist1", "driver1"))
    asked = [Asked(world.product("amoxicillin"), 48), Asked(world.product("metformin"), 20)]
    async with base.transaction(world.county) as session:
        placed = await orders.place(session, doctor, world.place("clinic1"), asked)
        await orders.approve(session, office, placed.id)
        await orders.allocate(session, office, world.place("township1"))
        await orders.pick(session, office, placed.id)
        run_id = await a_run(session, world, placed.id)
        await delivery.depart(session, driver, run_id)
        (stop,) = await delivery.queries.stops(session, run_id)
        cargo = await delivery.queries.cargo(session, stop["id"])
        refused = {(cargo[0]["line_id"], cargo[0]["lot_id"]): counted(cargo[0]["quantity"])}
        await delivery.hand_over(session, driver, stop["id"], refused, received_by="王医生", signature=PNG)
        await delivery.come_back(session, driver, run_id)
    return placed.number


def counted(quantity: int) -> Counted:
    """Everything of a lot refused."""
    return Counted(accepted=0, damaged=0, short=0, refused=quantity, reason="wrong strength")


async def a_run(session: AsyncSession, world: World, requisition_id: UUID) -> UUID:
    """A run of one stop as an adopted plan leaves it, without asking a solver."""
    plan, run, stop = new_id(), new_id(), new_id()
    depot, now = world.place("township1"), clock.now()
    await database.run(
        session,
        """INSERT INTO plan (id, number, depot_id, planned_on, problem, parcels, requested_by, requested_at, solved_at,
             adopted_at, version) VALUES ($1, 'PLAN-20260314-003-1', $2, $3, '{}', '{}', 'pharmacist1', $4, $4, $4, 1)""",
        plan, depot, clock.today(), now,
    )  # fmt: skip
    await database.run(
        session,
        """INSERT INTO run (id, number, plan_id, depot_id, vehicle_id, driver_id, runs_on, planned_departure_at,
             planned_return_at, distance_m, duration_s, load_g, volume_cm3, cold_cm3, cost_fen, adopted_at, version)
           SELECT $1, 'RUN-20260314-003-1', $2, $3, id, $4, $5, $6, $6, 0, 0, 0, 0, 0, 0, $6, 1
           FROM vehicle WHERE home_id = $3""",
        run, plan, depot, world.actor("driver1").account_id, clock.today(), now,
    )  # fmt: skip
    await database.run(
        session,
        """INSERT INTO stop (id, run_id, position, place_id, planned_arrival_at, planned_leave_at, load_g, volume_cm3,
             cold_cm3) VALUES ($1, $2, 1, $3, $4, $4, 0, 0, 0)""",
        stop, run, world.place("clinic1"), now,
    )  # fmt: skip
    await database.run(
        session, "INSERT INTO parcel (requisition_id, stop_id) VALUES ($1, $2)", requisition_id, stop
    )
    return run


@pytest.fixture
def inspector(desk: Callable[[str], Desk]) -> Desk:
    """Somebody from the audit office."""
    return desk("inspector")


async def sealed(base: Database, world: World) -> None:
    """What the worker does every moment."""
    async with base.transaction(world.county) as session:
        await seals.seal(session)


async def test_who_may_not_read_all_books_is_turned_away(desk: Callable[[str], Desk]) -> None:
    for address in ("/inspector", "/inspector/trail", "/inspector/flows", "/inspector/find?q=REQ"):
        await desk("doctor1").see(address, 403)


async def test_whole_books_are_said_to_be_whole(inspector: Desk, base: Database, world: World) -> None:
    await sealed(base, world)
    assert "Not checked yet" in await inspector.see("/inspector")
    verified = await inspector.submit("/inspector/verify")
    assert "The books are whole" in verified.text


async def test_a_row_changed_behind_the_service_is_named_with_what_to_do(
    inspector: Desk, base: Database, world: World
) -> None:
    await sealed(base, world)
    async with base.transaction(world.county) as session:
        row = await database.value(session, "SELECT id FROM movement ORDER BY id LIMIT 1")
        await database.run(session, "ALTER TABLE movement DISABLE TRIGGER only_ever_added")
        await database.run(session, "UPDATE movement SET quantity = quantity + 1 WHERE id = $1", row)
    await inspector.see("/inspector")
    verified = (await inspector.submit("/inspector/verify")).text
    assert "The trail is broken at seal 1" in verified
    assert f"/inspector/rows/movement/{row}" in verified
    assert "change nothing" in verified
    assert "Ledger ≠ balance" in verified
    assert "Not as it was sealed" in await inspector.see(f"/inspector/rows/movement/{row}")


async def test_a_round_of_checks_leads_to_its_findings_and_their_rows(
    inspector: Desk, base: Database, world: World
) -> None:
    async with base.transaction(world.county) as session:
        await database.run(
            session, "UPDATE balance SET on_hand = on_hand + 7 WHERE place_id = $1", world.place("clinic2")
        )
    await inspector.see("/inspector")
    found = (await inspector.submit("/inspector/check")).text
    assert "the balance says" in found
    assert "/inspector/lots/" in found
    assert "Serious" in found
    assert ">No<" in (await inspector.see("/inspector")).replace("\n", "").replace(" ", "")


async def test_a_requisition_leads_down_to_the_signature_and_up_to_the_supplier(
    inspector: Desk, base: Database, world: World
) -> None:
    number = await one_order(base, world)
    page = await inspector.see(f"/inspector/papers/{number}")
    for word in (
        "新疆医药公司", "阿莫西林", "RUN-20260314-003-1", "POD-", "王医生", "data:image/png;base64,", "wrong strength",
        "Approved a requisition", "Shared out what there is", "Handed goods over", "Evidence 7",
    ):  # fmt: skip
        assert word in page, word


async def test_every_paper_of_a_delivery_shows_the_same_requisition(
    inspector: Desk, base: Database, world: World
) -> None:
    number = await one_order(base, world)
    async with base.transaction(world.county) as session:
        proof = await database.value(session, "SELECT number FROM proof")
    for paper in ("RUN-20260314-003-1", "PLAN-20260314-003-1", proof):
        assert number in await inspector.see(f"/inspector/papers/{paper}")


async def test_a_run_adds_up_on_paper(base: Database, world: World) -> None:
    await one_order(base, world)
    async with base.transaction(world.county) as session:
        chain = await papers.chain(session, world.actor("inspector"), "RUN-20260314-003-1")
    (run,) = chain.runs
    assert run["loaded"] == 68
    assert run["loaded"] == run["delivered"] + run["missing"] + run["back"]
    assert run["back"] > 0


async def test_an_unknown_number_is_answered_with_a_search(inspector: Desk) -> None:
    assert "There is no paper with the number REQ-1." in await inspector.see("/inspector/papers/REQ-1", 404)


async def test_one_box_finds_papers_lots_places_and_medicines(
    inspector: Desk, base: Database, world: World
) -> None:
    number = await one_order(base, world)
    for text, href in (
        ("ACEN", "/inspector/lots/"), ("夹河子", f"/inspector/ledger/{world.place('clinic3')}"),
        ("amxl", f"/inspector/flows?product={world.product('amoxicillin')}"), (number[:12], f"/inspector/papers/{number}"),
    ):  # fmt: skip
        assert href in await inspector.see(f"/inspector/find?q={text}"), text
    assert "Evidence 1" in await inspector.see(f"/inspector/find?q={number}")


async def test_the_trail_is_read_in_words_and_filtered(inspector: Desk, base: Database, world: World) -> None:
    await one_order(base, world)
    trail = await inspector.see("/inspector/trail?room=orders&person=pharm")
    assert "Approved a requisition" in trail
    assert "Took goods in</div>" not in trail
    assert "{&#34;" not in trail and "{&quot;" not in trail
    yesterday = clock.today() - timedelta(days=1)
    assert "No entry answers to this" in await inspector.see(f"/inspector/trail?day={yesterday}")
    assert "is no day" in await inspector.see("/inspector/trail?day=yesterday", 422)


async def test_the_trail_goes_on_where_a_page_ends(inspector: Desk, base: Database, world: World) -> None:
    async with base.transaction(world.county) as session:
        for _ in range(60):
            await stock.issue(
                session,
                world.actor("doctor1"),
                world.place("clinic1"),
                [Issued(world.product("ibuprofen"), 1)],
            )
        last = await database.value(
            session, "SELECT id FROM trail WHERE verb = 'stock.issue' ORDER BY id LIMIT 1"
        )
    first = await inspector.see("/inspector/trail?verb=stock.issue")
    assert str(last) not in first
    address = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert str(last) in await inspector.see(f"/inspector/trail{address}")


async def test_a_row_is_proved_without_the_rest(inspector: Desk, base: Database, world: World) -> None:
    await sealed(base, world)
    async with base.transaction(world.county) as session:
        row = await database.value(session, "SELECT id FROM trail ORDER BY id LIMIT 1 OFFSET 3")
    page = await inspector.see(f"/inspector/trail/{row}")
    assert "Proved" in page
    assert "leaf" in page and "root" in page


async def test_a_row_that_is_not_sealed_yet_says_so(inspector: Desk, base: Database, world: World) -> None:
    async with base.transaction(world.county) as session:
        row = await database.value(session, "SELECT id FROM movement ORDER BY id LIMIT 1")
    assert "younger than the last seal" in await inspector.see(f"/inspector/rows/movement/{row}")
    await inspector.see(f"/inspector/rows/account/{row}", 404)


async def test_every_place_reconciles_and_the_file_says_the_same(
    inspector: Desk, base: Database, world: World
) -> None:
    await one_order(base, world)
    assert "Every row adds up, and closing is what the balances say now." in await inspector.see(
        "/inspector/flows"
    )
    rows = list(
        csv.reader(io.StringIO((await inspector.get("/inspector/flows.csv")).content.decode("utf-8-sig")))
    )
    clinic = next(row for row in rows if "上沙门子村卫生室" in row)
    opening, bought, delivered, back, issued, sent, corrected, closing, on_hand = map(int, clinic[3:12])
    assert opening + bought + delivered + back - issued - sent + corrected == closing == on_hand
    assert delivered > 0


async def test_a_period_that_ends_before_it_begins_is_said_to_be_none(inspector: Desk) -> None:
    today: date = clock.today()
    page = await inspector.see(f"/inspector/flows?since={today}&until={today - timedelta(days=1)}", 422)
    assert "A period goes from a day to a later one" in page


async def test_a_sale_above_the_purchase_price_is_found(
    inspector: Desk, base: Database, world: World
) -> None:
    async with base.transaction(world.county) as session:
        await stock.issue(
            session, world.actor("doctor1"), world.place("clinic1"), [Issued(world.product("metformin"), 3)]
        )
    assert "No issue at another price" in await inspector.see("/inspector/mark-up")
    async with base.transaction(world.county) as session:
        await database.run(session, "ALTER TABLE movement DISABLE TRIGGER only_ever_added")
        await database.run(
            session, "UPDATE movement SET unit_price = unit_price + 0.005 WHERE kind = 'issue'"
        )
    assert "1 of 1 issues were at another price." in await inspector.see("/inspector/mark-up")


async def test_a_lot_is_followed_from_the_supplier_to_the_patient(
    inspector: Desk, base: Database, world: World
) -> None:
    async with base.transaction(world.county) as session:
        await stock.issue(
            session, world.actor("doctor1"), world.place("clinic1"), [Issued(world.product("metformin"), 3)]
        )
        lot = await database.value(session, "SELECT lot_id FROM movement WHERE kind = 'issue'")
    page = await inspector.see(f"/inspector/lots/{lot}")
    assert "bought − used − lost = on hand" in page
    assert "新疆医药公司" in page and "患者" in page
    card = await inspector.see(f"/inspector/ledger/{world.place('clinic1')}/{world.product('metformin')}")
    assert "Issued to patients" in card


def test_no_cell_of_a_file_is_read_as_a_formula() -> None:
    assert b"'=1+1" in csv_of(["a"], [["=1+1"]])
    assert csv_of(["a"], [[-5]]).endswith(b"-5\r\n")


def test_before_and_after_are_told_field_by_field() -> None:
    before = {"opening": [[36000, 50400]], "name": "a", "closed": False}
    after = {"opening": [[32400, 50400]], "name": "a", "closed": True}
    assert reading.changes("en", before, after, {}) == [
        ("Opening hours", "10:00–14:00", "09:00–14:00"),
        ("Out of service", "No", "Yes"),
    ]


def test_ids_in_a_note_are_told_by_name() -> None:
    id = "0c5f3ad2-4cf8-4a4f-9f39-3d1f6a2a6f10"
    assert reading.ids_in({"a": [id], id: {"b": None}}) == {UUID(id)}
    assert reading.told("en", [id, True, None], {id: "Depot"}) == "Depot、Yes、–"


async def test_every_page_of_the_desk_answers_in_a_county_where_nothing_happened(
    inspector: Desk, world: World
) -> None:
    clinic = world.place("clinic3")
    for address in (
        "/inspector", "/inspector/findings", "/inspector/findings?tab=gone", "/inspector/trail", "/inspector/ledger",
        f"/inspector/ledger/{clinic}", f"/inspector/ledger/{clinic}/{world.product('insulin')}", "/inspector/seals",
        f"/inspector/flows/{clinic}", "/inspector/flows", f"/inspector/flows?product={world.product('insulin')}",
        "/inspector/find", "/inspector/mark-up",
    ):  # fmt: skip
        await inspector.see(address)


async def test_a_character_no_book_can_hold_is_no_failure_of_the_service(inspector: Desk) -> None:
    for address in ("/inspector/trail?person=%00", "/inspector/find?q=%00", "/inspector/papers/REQ%00"):
        assert (await inspector.get(address)).status_code < 500, address
