"""A requisition from basket to receipt, and everything it refuses on the way."""

import asyncio
import json
from collections.abc import Awaitable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import COUNTY, id_of
from xinglin.base import clock, database
from xinglin.base.database import Database, Row
from xinglin.base.errors import BadInput, ChangedMeanwhile, NotFound, Refusal, WrongState
from xinglin.formulary import actions as formulary
from xinglin.orders import actions as orders, queries as order_queries
from xinglin.orders.actions import Approval, ShortPick
from xinglin.orders.rules import LARGEST_LINE, LONGEST_ORDER, Asked
from xinglin.shortages import queries as shortage_queries
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Issued

CLINIC, TOWNSHIP, AMOXICILLIN = id_of("clinic1"), id_of("township1"), id_of("amoxicillin")


async def lines_of(session: AsyncSession, requisition: UUID) -> dict[str, Row]:
    return {line["code"].removeprefix("P-"): line for line in await order_queries.lines(session, requisition)}


async def refused(session: AsyncSession, kind: type[Refusal], match: str, work: Awaitable[Any]) -> None:
    before = await day.trail_length(session)
    with pytest.raises(kind) as found:
        await work
    assert match in str(found.value)
    assert await day.trail_length(session) == before


async def test_a_basket_becomes_a_numbered_requisition_with_what_the_system_would_have_asked(
    session: AsyncSession,
) -> None:
    asked = [Asked(AMOXICILLIN, 48)]
    placed = await orders.place(session, day.DOCTOR, CLINIC, asked, note=" for the week ")
    found = await order_queries.requisition(session, day.DOCTOR, placed.id)
    assert placed.number == f"REQ-{clock.today():%Y%m%d}-005-1"
    assert (found["state"], found["supplier_id"], found["note"]) == ("submitted", TOWNSHIP, "for the week")
    line = (await lines_of(session, placed.id))["amoxicillin"]
    assert (line["asked"], line["suggested"], line["approved"], line["rationed"]) == (48, 0, None, None)


async def test_a_narcotic_line_is_rejected_with_its_rule_while_the_rest_passes(session: AsyncSession) -> None:
    asked = [
        Asked(id_of("morphine"), 20),
        Asked(AMOXICILLIN, 24),
        Asked(UUID(int=1), 1),
        Asked(id_of("insulin"), 0),
    ]
    placed = await orders.place(session, day.PHARMACIST, TOWNSHIP, asked)
    assert placed.lines == 1
    reasons = {line.product_id: line.message.format(**line.fields) for line in placed.rejected}
    assert set(reasons) == {id_of("morphine"), UUID(int=1), id_of("insulin")}
    assert reasons[id_of("morphine")].startswith("吗啡 may not be ordered here")


async def test_an_order_of_which_nothing_can_stay_is_refused_with_the_reason(session: AsyncSession) -> None:
    narcotic = orders.place(session, day.DOCTOR, CLINIC, [Asked(id_of("morphine"), 20)])
    await refused(session, BadInput, "may not be ordered here", narcotic)
    await refused(session, BadInput, "at least one line", orders.place(session, day.DOCTOR, CLINIC, []))
    assert not await database.value(session, "SELECT count(*) FROM requisition")


async def test_a_basket_that_makes_no_sense_is_refused(session: AsyncSession) -> None:
    twice = orders.place(session, day.DOCTOR, CLINIC, [Asked(AMOXICILLIN, 24)] * 2)
    await refused(session, BadInput, "two lines", twice)
    endless = [Asked(UUID(int=i), 1) for i in range(LONGEST_ORDER + 1)]
    await refused(session, BadInput, "2000 lines at most", orders.place(session, day.DOCTOR, CLINIC, endless))
    nobody = orders.place(session, day.EVERYBODY, id_of("supplier"), [Asked(AMOXICILLIN, 24)])
    await refused(session, BadInput, "Nobody supplies", nobody)


async def test_lines_not_named_any_more_are_taken_off_a_draft(session: AsyncSession) -> None:
    draft = await day.placed(session, submit=False)
    await orders.put_lines(session, day.DOCTOR, draft, [Asked(id_of("ibuprofen"), 100)])
    assert set(await lines_of(session, draft)) == {"ibuprofen"}


async def test_an_empty_draft_is_not_submitted(session: AsyncSession) -> None:
    draft = await day.placed(session, submit=False)
    await orders.put_lines(session, day.DOCTOR, draft, [])
    await refused(session, BadInput, "no lines yet", orders.submit(session, day.DOCTOR, draft))


async def test_who_writes_over_a_version_he_has_not_read_is_told(session: AsyncSession) -> None:
    draft = await day.placed(session, submit=False)
    await orders.put_lines(session, day.DOCTOR, draft, [Asked(AMOXICILLIN, 24)], version=1)
    late = orders.submit(session, day.DOCTOR, draft, version=1)
    await refused(session, ChangedMeanwhile, "after you read it", late)
    await orders.submit(session, day.DOCTOR, draft, version=2)


async def test_a_paper_sent_back_says_what_to_change_and_can_be_sent_again(session: AsyncSession) -> None:
    paper = await day.placed(session)
    silent = orders.send_back(session, day.PHARMACIST, paper, note=" ")
    await refused(session, BadInput, "Say what should be changed", silent)
    await orders.send_back(session, day.PHARMACIST, paper, note="half of it")
    assert await day.state(session, paper) == "returned"
    await orders.submit(session, day.DOCTOR, paper)
    assert await day.state(session, paper) == "submitted"


async def test_another_quantity_is_approved_only_with_a_reason_and_in_whole_packs(
    session: AsyncSession,
) -> None:
    paper = await day.placed(session)
    line = (await lines_of(session, paper))["amoxicillin"]["id"]

    def approve(quantity: int, note: str = "", id: UUID = line) -> Awaitable[Any]:
        return orders.approve(session, day.PHARMACIST, paper, {id: Approval(quantity, note)})

    await refused(session, BadInput, "say why", approve(24))
    for quantity in (25, -24, LARGEST_LINE + 8, 2**70):
        await refused(session, BadInput, "whole packs", approve(quantity, "as agreed"))
    await refused(session, BadInput, "not on this requisition", approve(24, "as agreed", UUID(int=1)))
    await approve(24, "two boxes are in the cupboard")
    found = (await lines_of(session, paper))["amoxicillin"]
    assert (found["asked"], found["approved"], found["approval_note"]) == (
        48,
        24,
        "two boxes are in the cupboard",
    )


async def test_the_price_of_the_day_of_the_order_is_kept(session: AsyncSession) -> None:
    paper = await day.placed(session)
    await formulary.set_price(
        session, day.WORLD.actor("chief"), AMOXICILLIN, Decimal("9.0000"), valid_from=clock.today()
    )
    await orders.approve(session, day.PHARMACIST, paper)
    await orders.allocate(session, day.PHARMACIST, TOWNSHIP)
    assert (await lines_of(session, paper))["amoxicillin"]["unit_price"] == Decimal("0.2500")
    later = await day.placed(session, {"amoxicillin": 24})
    assert (await lines_of(session, later))["amoxicillin"]["unit_price"] == Decimal("9.0000")


async def test_four_numbers_of_a_line_are_kept_apart(session: AsyncSession) -> None:
    await day.emptied(session, "township1", "amoxicillin")
    await day.arrived(session, "township1", "amoxicillin", 24)
    await stock.issue(session, day.DOCTOR, CLINIC, [Issued(AMOXICILLIN, 84)])
    paper = await day.placed(session, {"amoxicillin": 96})
    line = (await lines_of(session, paper))["amoxicillin"]["id"]
    await orders.approve(session, day.PHARMACIST, paper, {line: Approval(72, "enough")})
    await orders.allocate(session, day.PHARMACIST, TOWNSHIP)
    found = (await lines_of(session, paper))["amoxicillin"]
    assert (found["asked"], found["suggested"], found["approved"], found["rationed"]) == (96, 24, 72, 24)
    assert json.loads(found["ration_text"])["rule"] == "equal_days"


async def test_expired_and_short_dated_lots_are_allocated_to_nobody_not_even_urgently_and_are_named(
    session: AsyncSession,
) -> None:
    await day.emptied(session, "township1", "amoxicillin")
    await day.arrived(session, "township1", "amoxicillin", 240, days=1, lot="EXPIRES")
    await day.arrived(session, "township1", "amoxicillin", 240, days=100, lot="SHORT")
    good = await day.arrived(session, "township1", "amoxicillin", 24, days=400, lot="GOOD")
    with clock.set_to(clock.instant(clock.today() + timedelta(days=1), 36000)):
        paper = await day.allocated(session, {"amoxicillin": 48}, is_urgent=True)
    line = (await lines_of(session, paper))["amoxicillin"]
    assert line["allocated"] == 24
    assert {row["lot_id"] for row in await order_queries.pick_list(session, paper)} == {good}
    told = {over["number"]: over["why"] for over in json.loads(line["passed_over_text"])}
    assert told == {"EXPIRES": "expired", "SHORT": "too_short"}


async def test_a_line_that_gets_nothing_is_told_which_lots_may_not_go(session: AsyncSession) -> None:
    await day.emptied(session, "township1", "amoxicillin")
    await day.arrived(session, "township1", "amoxicillin", 240, days=179, lot="SHORT")
    paper = await day.allocated(session, {"amoxicillin": 48})
    line = (await lines_of(session, paper))["amoxicillin"]
    assert line["allocated"] == 0
    assert [over["why"] for over in json.loads(line["passed_over_text"])] == ["too_short"]
    assert await day.state(session, paper) == "closed"


async def test_a_recalled_lot_stays_where_it_is(session: AsyncSession) -> None:
    await database.run(session, "UPDATE lot SET recalled = true WHERE product_id = $1", AMOXICILLIN)
    paper = await day.allocated(session, {"amoxicillin": 48, "metformin": 20})
    lines = await lines_of(session, paper)
    assert (lines["amoxicillin"]["allocated"], lines["metformin"]["allocated"]) == (0, 20)


async def test_what_a_line_cannot_get_is_in_the_register_by_name(session: AsyncSession) -> None:
    await day.emptied(session, "township1", "adrenaline")
    await day.arrived(session, "township1", "adrenaline", 4)
    paper = await day.allocated(session, {"adrenaline": 10})
    (entry,) = await shortage_queries.shortages(session, day.DOCTOR)
    assert (entry["quantity"], entry["reason"], entry["priority"], entry["paper_id"]) == (
        6,
        "out_of_stock",
        "rescue",
        paper,
    )


async def test_two_clinics_share_what_there_is_by_days_of_cover(session: AsyncSession) -> None:
    await day.emptied(session, "township1", "metformin")
    await day.arrived(session, "township1", "metformin", 100)
    for doctor, clinic in (("doctor1", "clinic1"), ("doctor2", "clinic2")):
        await stock.issue(session, day.WORLD.actor(doctor), id_of(clinic), [Issued(id_of("metformin"), 40)])
    # Both use the same; the first has 40 left, the second none.
    papers = [
        await day.approved(session, {"metformin": 100}, by=f"doctor{i}", place=f"clinic{i}") for i in (1, 2)
    ]
    wave = await orders.allocate(session, day.PHARMACIST, TOWNSHIP)
    first, second = [(await lines_of(session, paper))["metformin"]["allocated"] for paper in papers]
    assert (wave.requisitions, wave.allocated, wave.shortages) == (2, 100, 2)
    assert (first, second) in {(40, 60), (20, 80)}


async def test_an_opened_pack_is_not_sent_on(session: AsyncSession) -> None:
    await day.emptied(session, "township1", "amoxicillin")
    await day.arrived(session, "township1", "amoxicillin", 47)
    paper = await day.allocated(session, {"amoxicillin": 48})
    assert (await lines_of(session, paper))["amoxicillin"]["allocated"] == 24


async def test_a_round_with_nothing_approved_promises_nothing(session: AsyncSession) -> None:
    await day.placed(session)
    assert await orders.allocate(session, day.PHARMACIST, TOWNSHIP) == (0, 0, 0, 0, 0)


async def test_two_rounds_at_the_same_moment_promise_each_paper_once(base: Database) -> None:
    async with base.transaction(COUNTY) as session:
        papers = [await day.approved(session, {"amoxicillin": 48}) for _ in range(3)]

    async def allocate() -> int:
        async with base.transaction(COUNTY) as session:
            return (await orders.allocate(session, day.PHARMACIST, TOWNSHIP)).requisitions

    assert sorted(await asyncio.gather(*(allocate() for _ in range(4)))) == [0, 0, 0, 3]
    async with base.transaction(COUNTY) as session:
        held = await database.value(
            session, "SELECT sum(quantity) FROM hold WHERE paper_id = ANY($1)", papers
        )
        assert held == 3 * 48
        assert not await stock_queries.books_disagree(session)


async def test_a_short_pick_sets_the_rest_aside_and_registers_it(session: AsyncSession) -> None:
    paper = await day.allocated(session, {"amoxicillin": 48})
    (hold,) = await order_queries.pick_list(session, paper)
    await orders.pick(session, day.PHARMACIST, paper, {hold["hold_id"]: ShortPick(24, "one box is crushed")})
    line = (await lines_of(session, paper))["amoxicillin"]
    assert (line["allocated"], line["picked"]) == (48, 24)
    assert await day.on_hand(session, "township1", hold["lot_id"], "quarantine") == 24
    (entry,) = await shortage_queries.shortages(session, day.DOCTOR)
    assert (entry["quantity"], entry["reason"], entry["note"]) == (24, "short_pick", "one box is crushed")
    assert (await order_queries.on_order(session, CLINIC))[AMOXICILLIN] == 24
    assert not await stock_queries.books_disagree(session)


async def test_a_paper_of_which_nothing_was_found_on_the_shelf_is_closed(session: AsyncSession) -> None:
    paper = await day.allocated(session, {"amoxicillin": 48})
    holds = await order_queries.pick_list(session, paper)
    await orders.pick(session, day.PHARMACIST, paper, {h["hold_id"]: ShortPick(0, "empty") for h in holds})
    assert await day.state(session, paper) == "closed"


async def test_a_short_pick_that_is_none_is_refused(session: AsyncSession) -> None:
    paper = await day.allocated(session, {"amoxicillin": 48})
    (hold,) = await order_queries.pick_list(session, paper)
    wrong = [
        (hold["hold_id"], 48, "all there"),
        (hold["hold_id"], -1, "x"),
        (hold["hold_id"], 1, " "),
        (UUID(int=1), 1, "x"),
    ]
    for id, quantity, reason in wrong:
        pick = orders.pick(session, day.PHARMACIST, paper, {id: ShortPick(quantity, reason)})
        await refused(session, BadInput, "A short pick names", pick)


async def test_what_is_approved_is_not_withdrawn_any_more(session: AsyncSession) -> None:
    paper = await day.approved(session)
    await refused(session, WrongState, "not possible now", orders.cancel(session, day.DOCTOR, paper))
    unknown = orders.cancel(session, day.DOCTOR, UUID(int=1))
    await refused(session, NotFound, "no such requisition", unknown)


async def test_a_proposal_fills_up_what_is_used_and_leaves_out_what_is_on_order(
    session: AsyncSession,
) -> None:
    await stock.issue(session, day.DOCTOR, CLINIC, [Issued(AMOXICILLIN, 84)])
    (proposed,) = await order_queries.proposal(session, day.DOCTOR, CLINIC)
    # One a day, 12 left, two weeks to cover: one box.
    assert (proposed["product_id"], proposed["quantity"]) == (AMOXICILLIN, 24)
    await day.placed(session, {"amoxicillin": 24})
    assert not await order_queries.proposal(session, day.DOCTOR, CLINIC)
