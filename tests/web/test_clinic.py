"""The clinic's desk, page by page: what a village doctor reads and what comes of what is sent."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.web.conftest import Desk
from tests.world import World
from xinglin.base import database
from xinglin.base.actor import worker_of
from xinglin.base.database import Database
from xinglin.delivery import actions as delivery, planning, queries as delivery_queries
from xinglin.delivery.rules import Counted
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked
from xinglin.stock import actions as stock
from xinglin.stock.actions import Issued

At = Callable[[str], Desk]
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
async def used(base: Database, world: World) -> None:
    """The first clinic has given all its amoxicillin and some metformin to patients."""
    async with base.transaction(world.county) as session:
        given = [Issued(world.product("amoxicillin"), 96), Issued(world.product("metformin"), 70)]
        await stock.issue(session, world.actor("doctor1"), world.place("clinic1"), given)


async def placed(
    base: Database, world: World, *asked: tuple[str, int], submit: bool = True, clinic: int = 1
) -> UUID:
    """A requisition of a clinic, in base units."""
    async with base.transaction(world.county) as session:
        lines = [Asked(world.product(name), quantity) for name, quantity in asked]
        doctor, here = world.actor(f"doctor{clinic}"), world.place(f"clinic{clinic}")
        made = await orders.place(session, doctor, here, lines, submit=submit)
    return made.id


async def on_a_run(base: Database, world: World, *papers: UUID) -> UUID:
    """The run on which these requisitions ride, planned and adopted."""
    pharmacist, worker = world.actor("pharmacist1"), worker_of(world.county, "delivery.keep_solution")
    async with base.transaction(world.county) as session:
        for paper in papers:
            await orders.approve(session, pharmacist, paper)
        await orders.allocate(session, pharmacist, world.place("township1"))
        for paper in papers:
            await orders.pick(session, pharmacist, paper)
        plan = await delivery.request_plan(session, pharmacist, world.place("township1"))
        posed = msgspec.json.decode((await delivery_queries.plan(session, worker, plan))["problem_text"])
        await delivery.keep_solution(session, worker, plan, *planning.solve_json(posed, 0.1, 0))
        (run,) = await delivery.adopt_plan(session, pharmacist, plan)
    return run


async def delivered(base: Database, world: World, *papers: UUID) -> UUID:
    """The first clinic's stop, handed over with one pack of the first lot damaged."""
    run = await on_a_run(base, world, *papers)
    async with base.transaction(world.county) as session:
        await delivery.depart(session, world.actor("pharmacist1"), run)
        stops = await delivery_queries.stops(session, run)
        stop: UUID = next(stop["id"] for stop in stops if stop["place_id"] == world.place("clinic1"))
        first = (await delivery_queries.cargo(session, stop))[0]
        counted = {
            (first["line_id"], first["lot_id"]): Counted(
                first["quantity"] - 20, damaged=20, reason="one box crushed"
            )
        }
        await delivery.hand_over(session, world.actor("driver1"), stop, counted, received_by="Wang")
    return stop


async def number_of(base: Database, world: World, sql: str, *values: Any) -> Any:
    """One figure of the county."""
    async with base.transaction(world.county) as session:
        return await database.value(session, sql, *values)


@pytest.mark.usefixtures("used")
async def test_the_basket_proposes_itself_with_a_reason_and_a_total(desk: At, world: World) -> None:
    page = await desk("doctor1").see("/clinic/orders/new")
    assert f'name="quantity-{world.product("amoxicillin")}"' in page
    assert "Uses 1.1 a day; what is there lasts 0 days, to cover are 14 days." in page
    assert f'name="quantity-{world.product("ibuprofen")}"' not in page, "what is not used is not proposed"
    assert re.search(r"data-total>¥\d+\.\d\d<", page)


async def test_a_medicine_found_by_initials_says_its_price_and_why_it_is_barred(
    desk: At, world: World
) -> None:
    doctor = desk("doctor1")
    assert "¥6.00/box" in await doctor.see("/clinic/orders/medicines?q=amxl")
    for text in ("吗啡", "mafei", "mf", "P-morphine", "Morphine"):
        hits = await doctor.see(f"/clinic/orders/medicines?q={text}")
        assert "Not to be ordered here: narcotic medicine, R11" in hits, text


async def test_adding_and_removing_keeps_what_was_typed(desk: At, world: World) -> None:
    amoxicillin, metformin = world.product("amoxicillin"), world.product("metformin")
    address = f"/clinic/orders/new?started=1&quantity-{amoxicillin}=7&note=soon&is_urgent=on"
    page = await desk("doctor1").see(f"{address}&add={metformin}")
    assert (
        f'name="quantity-{metformin}"' in page
        and 'value="7"' in page
        and ">soon<" in page
        and "checked" in page
    )
    page = await desk("doctor1").see(f"{address}&remove={amoxicillin}")
    assert "The basket is empty" in page


async def test_an_order_is_sent_in_whole_packs(desk: At, base: Database, world: World) -> None:
    doctor, amoxicillin = desk("doctor1"), world.product("amoxicillin")
    await doctor.see("/clinic/orders/new")
    answer = await doctor.submit(
        "/clinic/orders/new",
        started="1",
        **{f"quantity-{amoxicillin}": "3"},
        note="market day",
        verb="submit",
    )
    assert re.fullmatch(f"/clinic/orders/{ID}", answer.url.path)
    assert "REQ-" in answer.text and "Submitted" in answer.text and "market day" in answer.text
    assert await number_of(base, world, "SELECT asked FROM requisition_line") == 72


async def test_a_line_that_may_not_be_ordered_is_left_behind_alone(
    desk: At, base: Database, world: World
) -> None:
    doctor = desk("doctor1")
    await doctor.see("/clinic/orders/new")
    form = {f"quantity-{world.product(name)}": "1" for name in ("amoxicillin", "morphine")}
    answer = await doctor.submit("/clinic/orders/new", started="1", **form, verb="submit")
    assert "吗啡 may not be ordered here: narcotic medicine, R11." in answer.text
    assert await number_of(base, world, "SELECT count(*) FROM requisition_line") == 1


async def test_a_refused_basket_keeps_what_was_typed_and_writes_nothing(
    desk: At, base: Database, world: World
) -> None:
    doctor, amoxicillin = desk("doctor1"), world.product("amoxicillin")
    await doctor.see("/clinic/orders/new")
    for typed, said in (
        ("2.5", "write a whole number"),
        ("-1", "write a whole number"),
        ("0", "at least one line"),
    ):
        form = {f"quantity-{amoxicillin}": typed, "note": "kept words"}
        answer = await doctor.submit("/clinic/orders/new", 422, started="1", **form, verb="submit")
        assert said in answer.text and f'value="{typed}"' in answer.text and "kept words" in answer.text
    assert await number_of(base, world, "SELECT count(*) FROM requisition") == 0


async def test_a_form_sent_twice_makes_one_order(desk: At, base: Database, world: World) -> None:
    doctor = desk("doctor1")
    await doctor.see("/clinic/orders/new")
    form = {
        f"quantity-{world.product('amoxicillin')}": "1",
        "verb": "submit",
        "idempotency_key": "the-same-click",
    }
    first = await doctor.submit("/clinic/orders/new", started="1", **form)
    again = await doctor.submit("/clinic/orders/new", started="1", **form)
    assert first.url == again.url and await number_of(base, world, "SELECT count(*) FROM requisition") == 1


async def test_a_draft_is_changed_sent_and_withdrawn(desk: At, base: Database, world: World) -> None:
    doctor = desk("doctor1")
    paper = await placed(base, world, ("amoxicillin", 24), submit=False)
    page = await doctor.see(f"/clinic/orders/{paper}/edit")
    assert 'value="1"' in page and "Save the changes" in page
    form = {f"quantity-{world.product('amoxicillin')}": "4", "version": "1"}
    answer = await doctor.submit(f"/clinic/orders/{paper}/edit", started="1", **form)
    assert "4 boxes" in answer.text
    answer = await doctor.submit(f"/clinic/orders/{paper}/submit", version="2")
    assert "Submitted" in answer.text and "Withdraw" in answer.text
    answer = await doctor.submit(f"/clinic/orders/{paper}/cancel", version="3")
    assert "This order was withdrawn." in answer.text


async def test_an_old_version_is_told_and_nothing_is_overwritten(
    desk: At, base: Database, world: World
) -> None:
    doctor = desk("doctor1")
    paper = await placed(base, world, ("amoxicillin", 24), submit=False)
    await doctor.see(f"/clinic/orders/{paper}/edit")
    form = {f"quantity-{world.product('amoxicillin')}": "4", "version": "9"}
    answer = await doctor.submit(f"/clinic/orders/{paper}/edit", 412, started="1", **form)
    assert "Somebody changed REQ-" in answer.text
    assert await number_of(base, world, "SELECT asked FROM requisition_line") == 24


async def test_what_is_not_possible_now_is_said_on_the_paper_itself(
    desk: At, base: Database, world: World
) -> None:
    doctor = desk("doctor1")
    paper = await placed(base, world, ("amoxicillin", 24))
    await doctor.see(f"/clinic/orders/{paper}")
    answer = await doctor.submit(f"/clinic/orders/{paper}/submit", 409, version="1")
    assert "this step is not possible now" in answer.text and "History" in answer.text


@pytest.mark.usefixtures("used")
async def test_a_received_order_shows_its_numbers_its_proof_and_every_paper(
    desk: At, base: Database, world: World
) -> None:
    paper = await placed(base, world, ("metformin", 200), ("insulin", 2))
    stop = await delivered(base, world, paper)
    doctor = desk("doctor1")
    page = await doctor.see(f"/clinic/orders/{paper}")
    assert (
        "Given in full" in page
        and "9 boxes" in page
        and "Damaged" in page
        and f"/clinic/deliveries/{stop}" in page
    )
    assert f"/clinic/deliveries/{stop}" in await doctor.see("/clinic/deliveries")
    proof = await doctor.see(f"/clinic/deliveries/{stop}")
    assert "Wang" in proof and "one box crushed" in proof and f"/clinic/orders/{paper}" in proof
    card = await doctor.see(f"/clinic/stock/{world.product('metformin')}")
    assert f'href="/clinic/deliveries/{stop}"' in card, "a movement links to the paper behind it"
    assert "Given to patients" in card
    assert "Asked by" in await doctor.see(f"/clinic/orders/{paper}/print")


async def test_home_says_when_the_van_comes(desk: At, base: Database, world: World) -> None:
    doctor = desk("doctor1")
    assert "Nothing is on its way" in await doctor.see("/clinic")
    paper = await placed(base, world, ("metformin", 200))
    await on_a_run(base, world, paper)
    page = await doctor.see("/clinic")
    assert "新G20001" in page and "Nothing is on its way" not in page


async def test_several_medicines_are_given_at_once(desk: At, base: Database, world: World) -> None:
    doctor = desk("doctor1")
    await doctor.see(f"/clinic/stock/issue?add={world.product('metformin')}")
    form = {f"quantity-{world.product('metformin')}": "6", f"quantity-{world.product('ibuprofen')}": "10"}
    answer = await doctor.submit("/clinic/stock/issue", **form)
    assert "2 medicines were booked out." in answer.text
    assert await number_of(base, world, "SELECT sum(quantity) FROM movement WHERE kind = 'issue'") == 16


async def test_more_than_is_there_is_not_given_and_the_list_stays(
    desk: At, base: Database, world: World
) -> None:
    doctor = desk("doctor1")
    await doctor.see("/clinic/stock/issue")
    answer = await doctor.submit(
        "/clinic/stock/issue", 409, **{f"quantity-{world.product('metformin')}": "999"}
    )
    assert "Only 80 of 999" in answer.text and 'value="999"' in answer.text
    assert await number_of(base, world, "SELECT count(*) FROM movement WHERE kind = 'issue'") == 0
    await doctor.submit("/clinic/stock/issue", 422)


@pytest.mark.usefixtures("used")
async def test_what_is_used_up_is_shown_first_and_reported_in_one_tap(
    desk: At, base: Database, world: World
) -> None:
    doctor, amoxicillin = desk("doctor1"), world.product("amoxicillin")
    for address in ("/clinic", "/clinic/stock"):
        page = await doctor.see(address)
        assert "Used up" in page and f"/clinic/shortages/new?product={amoxicillin}" in page
    page = await doctor.see(f"/clinic/shortages/new?product={amoxicillin}")
    answer = await doctor.submit(
        "/clinic/shortages/new", product_id=str(amoxicillin), packs="2", note="refill"
    )
    assert "SHO-" in answer.text and "No answer yet" in answer.text
    assert await number_of(base, world, "SELECT quantity FROM shortage") == 48
    answer = await doctor.submit(str(answer.url.path) + "/close", outcome="withdrawn")
    assert "Withdrawn" in answer.text
    assert "No shortages here" in await doctor.see("/clinic/shortages")


async def test_a_shortage_without_a_medicine_or_a_count_is_refused_in_words(desk: At, world: World) -> None:
    doctor = desk("doctor1")
    await doctor.see("/clinic/shortages/new")
    assert "Say which medicine is missing." in (await doctor.submit("/clinic/shortages/new", 422)).text
    form = {"product_id": str(world.product("insulin"))}
    answer = await doctor.submit("/clinic/shortages/new", 422, **form, packs="many")
    assert "not “many”" in answer.text
    assert "above zero" in (await doctor.submit("/clinic/shortages/new", 422, **form, packs="0")).text


@pytest.mark.usefixtures("used")
async def test_another_clinics_papers_are_not_there(desk: At, base: Database, world: World) -> None:
    paper = await placed(base, world, ("metformin", 200))
    theirs = await placed(base, world, ("metformin", 200), clinic=2)
    stop = await delivered(base, world, paper, theirs)
    neighbour = desk("doctor2")
    for address in (
        f"/clinic/orders/{paper}", f"/clinic/orders/{paper}/print", f"/clinic/orders/{paper}/edit",
        f"/clinic/deliveries/{stop}", f"/clinic/stock?place={world.place('clinic1')}",
        f"/clinic/stock/{world.product('metformin')}?place={world.place('clinic1')}",
    ):  # fmt: skip
        await neighbour.see(address, 404)
    await neighbour.see("/clinic")
    await neighbour.submit(f"/clinic/orders/{paper}/cancel", 404)


async def test_an_empty_desk_says_on_every_page_what_will_stand_there(desk: At, world: World) -> None:
    doctor = desk("doctor3")
    for address, said in (
        ("/clinic", "No order is under way"), ("/clinic/orders", "No orders here"),
        ("/clinic/orders/new", "The basket is empty"), ("/clinic/stock", "The shelf is empty"),
        ("/clinic/stock/issue", "Nothing on the list yet"), ("/clinic/deliveries", "Nothing was received"),
        ("/clinic/shortages", "No shortages here"), ("/clinic/medicines?q=zzzz", "Nothing is called “zzzz” here."),
    ):  # fmt: skip
        assert said in await doctor.see(address), address


async def test_an_address_that_means_nothing_is_no_error_of_ours(desk: At, world: World) -> None:
    doctor = desk("doctor1")
    nobody = world.place("clinic1")
    for address, status in (
        (f"/clinic/orders/new?started=1&quantity-{nobody}=1", 200), ("/clinic/orders/new?started=1&quantity-x=1&add=y", 200),
        ("/clinic/orders?tab=nothing", 200), ("/clinic/stock?cursor=nonsense", 200),
        (f"/clinic/stock/issue?quantity-{nobody}=1", 200), (f"/clinic/orders/{nobody}", 404),
        (f"/clinic/medicines/{nobody}", 404), (f"/clinic/shortages/{nobody}", 404), (f"/clinic/deliveries/{nobody}", 404),
        (f"/clinic/shortages/new?product={nobody}", 404), ("/clinic/shortages?priority=none", 200),
        ("/clinic/orders/new?started=1&quantity-" + str(world.product("insulin")) + "=99999999999999", 200),
    ):  # fmt: skip
        await doctor.see(address, status)
