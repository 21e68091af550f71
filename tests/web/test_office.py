"""The office's desk, page by page: a township pharmacist decides, shares and picks; the chief keeps the formulary."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.web.conftest import Desk
from tests.world import World
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked
from xinglin.shortages import actions as shortages
from xinglin.stock import actions as stock
from xinglin.stock.actions import Issued

At = Callable[[str], Desk]
MINE = {"doctor1": "clinic1", "doctor2": "clinic2", "doctor3": "clinic3", "pharmacist1": "township1"}


async def placed(
    base: Database, world: World, who: str, *asked: tuple[str, int], is_urgent: bool = False
) -> UUID:
    """A submitted requisition, in base units."""
    async with base.transaction(world.county) as session:
        lines = [Asked(world.product(name), quantity) for name, quantity in asked]
        made = await orders.place(
            session, world.actor(who), world.place(MINE[who]), lines, is_urgent=is_urgent
        )
    return made.id


async def approved(base: Database, world: World, *papers: UUID) -> None:
    """They may go ahead."""
    async with base.transaction(world.county) as session:
        for paper in papers:
            await orders.approve(session, world.actor("pharmacist1"), paper)


async def number_of(base: Database, world: World, sql: str, *values: Any) -> Any:
    """One figure of the county."""
    async with base.transaction(world.county) as session:
        return await database.value(session, sql, *values)


async def line_of(base: Database, world: World, paper: UUID) -> Any:
    """The only line of a requisition."""
    async with base.transaction(world.county) as session:
        return await database.row(session, "SELECT * FROM requisition_line WHERE requisition_id = $1", paper)


@pytest.fixture
async def used(base: Database, world: World) -> None:
    """The first clinic used 84 tablets of metformin in twelve weeks: one a day."""
    async with base.transaction(world.county) as session:
        given = [Issued(world.product("metformin"), 42)]
        for back in (0, 1):
            await stock.issue(
                session, world.actor("doctor1"), world.place("clinic1"), given,
                occurred_on=clock.today() - timedelta(days=back),
            )  # fmt: skip
            given = [Issued(world.product("metformin"), 38)]


@pytest.mark.usefixtures("used")
async def test_a_reviewer_sees_what_the_place_has_uses_and_what_is_free_here(
    desk: At, base: Database, world: World
) -> None:
    paper = await placed(base, world, "doctor1", ("metformin", 200))
    page = await desk("pharmacist1").see(f"/office/review/{paper}")
    assert "over its use" in page and "0 → 210" in page.replace("\n", ""), "80 used in 84 days, 200 asked"
    assert f"/office/stock/{world.product('metformin')}?place={world.place('clinic1')}" in page
    assert re.search(r"80 boxes", page), "what the township may send"


async def test_a_line_is_changed_only_with_a_reason(desk: At, base: Database, world: World) -> None:
    paper = await placed(base, world, "doctor1", ("metformin", 200))
    line, pharmacist = await line_of(base, world, paper), desk("pharmacist1")
    await pharmacist.see(f"/office/review/{paper}")
    form = {f"packs-{line['id']}": "4", "version": "1", "note": "kept words"}
    answer = await pharmacist.submit(f"/office/review/{paper}/approve", 422, **form)
    assert "say why another quantity is approved" in answer.text and "kept words" in answer.text
    assert 'value="4"' in answer.text
    form |= {f"why-{line['id']}": "two weeks are enough"}
    answer = await pharmacist.submit(f"/office/review/{paper}/approve", **form)
    assert "1 order was approved." in answer.text
    line = await line_of(base, world, paper)
    assert (line["asked"], line["approved"], line["approval_note"]) == (200, 80, "two weeks are enough")
    assert "two weeks are enough" in await desk("doctor1").see(f"/clinic/orders/{paper}")


async def test_a_count_that_is_none_is_refused_in_words(desk: At, base: Database, world: World) -> None:
    paper = await placed(base, world, "doctor1", ("metformin", 200))
    line, pharmacist = await line_of(base, world, paper), desk("pharmacist1")
    await pharmacist.see(f"/office/review/{paper}")
    answer = await pharmacist.submit(
        f"/office/review/{paper}/approve", 422, version="1", **{f"packs-{line['id']}": "a few"}
    )
    assert "二甲双胍: write a whole number" in answer.text and 'value="a few"' in answer.text


async def test_an_order_is_sent_back_with_a_note_and_never_without(
    desk: At, base: Database, world: World
) -> None:
    paper, pharmacist = await placed(base, world, "doctor1", ("metformin", 200)), desk("pharmacist1")
    await pharmacist.see(f"/office/review/{paper}")
    await pharmacist.submit(f"/office/review/{paper}/send-back", 422, version="1", note=" ")
    await pharmacist.submit(f"/office/review/{paper}/send-back", version="1", note="Half is enough.")
    page = await desk("doctor1").see(f"/clinic/orders/{paper}")
    assert "Half is enough." in page and "Sent back by pharmacist1" in page and "Change" in page


async def test_several_are_approved_at_once_or_none(desk: At, base: Database, world: World) -> None:
    papers = [await placed(base, world, who, ("metformin", 20)) for who in ("doctor1", "doctor2")]
    pharmacist = desk("pharmacist1")
    page = await pharmacist.see("/office/review")
    assert all(f"approve-{paper}" in page for paper in papers)
    ticked = {f"approve-{paper}": "on" for paper in papers}
    stale = {f"version-{papers[0]}": "1", f"version-{papers[1]}": "7"}
    await pharmacist.submit("/office/review", 412, **ticked, **stale)
    assert await number_of(base, world, "SELECT count(*) FROM requisition WHERE state = 'approved'") == 0
    await pharmacist.submit("/office/review", 422)
    answer = await pharmacist.submit("/office/review", **ticked)
    assert "2 orders were approved." in answer.text and "Nothing waits for review" in answer.text


async def test_a_shared_depot_tells_who_got_what_and_why(desk: At, base: Database, world: World) -> None:
    papers = [await placed(base, world, who, ("metformin", 1000)) for who in ("doctor1", "doctor2")]
    await approved(base, world, *papers)
    pharmacist = desk("pharmacist1")
    assert "Allocate" in await pharmacist.see("/office/depot")
    answer = await pharmacist.submit("/office/depot/allocate")
    assert re.fullmatch(r"/office/depot/waves/\d+", answer.url.path)
    assert "Not enough for all: shared by equal days of cover" in answer.text
    assert all(f"/office/orders/{paper}" in answer.text for paper in papers)
    given = await number_of(base, world, "SELECT sum(allocated) FROM requisition_line")
    assert given == 1600, "all that the township has, in whole packs"
    assert answer.url.path in await pharmacist.see("/office/depot")
    assert "The supplying place had too little" in await pharmacist.see(
        "/office/shortages/" + str(await number_of(base, world, "SELECT id FROM shortage LIMIT 1"))
    )


async def test_a_short_pick_says_why_and_sets_the_rest_aside(desk: At, base: Database, world: World) -> None:
    paper = await placed(base, world, "doctor1", ("metformin", 200))
    await approved(base, world, paper)
    pharmacist = desk("pharmacist1")
    await pharmacist.see("/office/depot")
    await pharmacist.submit("/office/depot/allocate")
    hold = await number_of(base, world, "SELECT id FROM hold")
    page = await pharmacist.see(f"/office/depot/picking/{paper}")
    assert "ATOW" in page and f"found-{hold}" in page and "Picked by" in page
    form = {f"found-{hold}": "180"}
    answer = await pharmacist.submit(f"/office/depot/picking/{paper}", 422, **form)
    assert 'value="180"' in answer.text
    answer = await pharmacist.submit(
        f"/office/depot/picking/{paper}", **form, **{f"why-{hold}": "one box is missing"}
    )
    assert "9 boxes" in answer.text
    assert (
        await number_of(base, world, "SELECT sum(on_hand) FROM balance WHERE condition = 'quarantine'") == 20
    )
    assert (
        await number_of(base, world, "SELECT note FROM shortage WHERE reason = 'short_pick'")
        == "one box is missing"
    )


async def test_the_own_order_goes_to_the_county_by_the_same_pages(
    desk: At, base: Database, world: World
) -> None:
    pharmacist = desk("pharmacist1")
    await pharmacist.see("/office/orders/new")
    answer = await pharmacist.submit(
        "/office/orders/new", started="1", verb="submit", **{f"quantity-{world.product('insulin')}": "5"}
    )
    assert answer.url.path.startswith("/office/orders/") and "沙湾市中心药房" in answer.text
    assert "insulin" not in await desk("pharmacist1").see("/office/review"), "it is not decided by who asks"
    chief = desk("chief")
    assert answer.url.path.replace("orders", "review") in await chief.see("/office/review")


@pytest.mark.usefixtures("used")
async def test_the_stock_of_every_village_is_one_look(desk: At, world: World) -> None:
    pharmacist = desk("pharmacist1")
    page = await pharmacist.see("/office/stock/places")
    assert "上沙门子村卫生室" in page and "夹河子村卫生室" not in page, "only the places it supplies"
    assert "Used up" in await pharmacist.see(f"/office/stock?place={world.place('clinic1')}")
    await pharmacist.see(f"/office/stock?place={world.place('clinic3')}", 404)
    assert "夹河子村卫生室" in await desk("chief").see("/office/stock")


async def test_a_shortage_is_answered_with_a_day(desk: At, base: Database, world: World) -> None:
    async with base.transaction(world.county) as session:
        entry = await shortages.register(
            session, world.actor("doctor1"), world.place("clinic1"), world.product("adrenaline"), 4
        )
    pharmacist, tomorrow = desk("pharmacist1"), clock.today() + timedelta(days=1)
    assert "of rescue medicines" in await pharmacist.see("/office")
    await pharmacist.see(f"/office/shortages/{entry}")
    said = (
        await pharmacist.submit(f"/office/shortages/{entry}/answer", 422, answer="purchase", note="by van")
    ).text
    assert "Say until which day" in said and "by van" in said
    form = {"answer": "transfer", "promised_on": tomorrow.isoformat(), "note": "from the next township"}
    await pharmacist.submit(f"/office/shortages/{entry}/answer", **form, version="1")
    page = await desk("doctor1").see(f"/clinic/shortages/{entry}")
    assert "from the next township" in page and "Transfer" in page and "Give an answer" not in page
    await pharmacist.submit(f"/office/shortages/{entry}/answer", 412, **form, version="1")
    wrong = form | {"promised_on": "tomorrow"}
    assert "is not a day" in (await pharmacist.submit(f"/office/shortages/{entry}/answer", 422, **wrong)).text


async def test_the_chief_forbids_with_a_rule_and_the_clinic_reads_it(desk: At, world: World) -> None:
    chief, product = desk("chief"), world.product("ibuprofen")
    page = await chief.see(f"/office/medicines/{product}")
    assert "is printed in the 2026 list" in page or "No entry of edition 2026" in page
    form = {"tier": "village", "may": "not_allowed", "rule": ""}
    answer = await chief.submit(f"/office/medicines/{product}/listing", 422, **form)
    assert "Say which rule forbids it." in answer.text
    await chief.submit(f"/office/medicines/{product}/listing", **form | {"rule": "committee of 3 March"})
    assert "committee of 3 March" in await desk("doctor1").see("/clinic/orders/medicines?q=blf")


async def test_a_price_holds_from_a_day_on_and_is_refused_in_words(
    desk: At, base: Database, world: World
) -> None:
    chief, product = desk("chief"), world.product("ibuprofen")
    await chief.see(f"/office/medicines/{product}")
    today = clock.today().isoformat()
    for price, begins, said in (
        ("cheap", today, "is no price"), ("0.12345", today, "is no price"), ("1e40", today, "is no price"),
        ("NaN", today, "is no price"), ("0.09", "soon", "is not a day"), ("0.09", date(2020, 1, 1).isoformat(), "holds from today on"),
        ("-1", today, "is no price"),
    ):  # fmt: skip
        answer = await chief.submit(
            f"/office/medicines/{product}/price", 422, unit_price=price, valid_from=begins
        )
        assert said in answer.text and f'value="{price}"' in answer.text, price
    answer = await chief.submit(f"/office/medicines/{product}/price", unit_price="0.0900", valid_from=today)
    assert "¥9.00" in answer.text and "¥8.00" in answer.text, "the old price stays in the history"


async def test_the_county_says_which_edition_it_goes_by(desk: At, world: World) -> None:
    chief = desk("chief")
    assert "2026" in await chief.see("/office/medicines/editions")
    answer = await chief.submit("/office/medicines/editions", 404, edition="1949", valid_from="2026-09-01")
    assert "There is no edition 1949" in answer.text
    assert (
        "in force from"
        in (
            await chief.submit("/office/medicines/editions", 422, edition="2026", valid_from="2020-01-01")
        ).text
    )
    await chief.submit("/office/medicines/editions", edition="2026", valid_from="2026-10-01")


async def test_a_pharmacist_may_not_what_the_chief_may(desk: At, world: World) -> None:
    pharmacist, product = desk("pharmacist1"), world.product("ibuprofen")
    page = await pharmacist.see(f"/office/medicines/{product}")
    assert "Set the price" not in page and "Set this price" not in page
    form = {"unit_price": "1", "valid_from": clock.today().isoformat()}
    await pharmacist.submit(f"/office/medicines/{product}/price", 403, **form)
    await pharmacist.submit("/office/medicines/editions", 403, edition="2026", valid_from="2026-10-01")
    doctor = desk("doctor1")
    for address in ("/office/review", "/office/depot"):
        await doctor.see(address, 403)
    await doctor.see("/office")


async def test_another_townships_papers_are_not_there(desk: At, base: Database, world: World) -> None:
    paper, stranger = await placed(base, world, "doctor1", ("metformin", 200)), desk("pharmacist2")
    for address in (f"/office/review/{paper}", f"/office/orders/{paper}", f"/office/depot/picking/{paper}"):
        await stranger.see(address, 404)
    await stranger.see("/office")
    for step in (f"review/{paper}/approve", f"review/{paper}/send-back", f"depot/picking/{paper}"):
        await stranger.submit(f"/office/{step}", 404, note="mine")
    assert "No orders here" in await stranger.see("/office/orders")
    await stranger.see("/office/depot/waves/12345", 404)


async def test_an_empty_office_says_on_every_page_what_will_stand_there(desk: At, world: World) -> None:
    pharmacist = desk("pharmacist2")
    for address, said in (
        ("/office", "Nothing waits for review"), ("/office/review", "Baskets that are sent appear here at once."),
        ("/office/depot", "Nothing was allocated yet"), ("/office/shortages", "No shortages here"),
        ("/office/deliveries", "Nothing is on its way"),
    ):  # fmt: skip
        assert said in await pharmacist.see(address), address
