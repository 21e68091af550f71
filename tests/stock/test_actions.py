"""Goods come in, go out, are set aside, corrected; each refusal says why and leaves nothing behind."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import COUNTY, id_of
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.base.errors import BadInput, NotEnough, NotFound, Refusal, WrongState
from xinglin.base.ids import new_id
from xinglin.orders import actions as orders
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Issued, Received
from xinglin.stock.ledger import apply
from xinglin.stock.rules import Answer, HoldDraft, Kind, Move

TOWNSHIP, CLINIC, SUPPLIER = id_of("township1"), id_of("clinic1"), id_of("supplier")
MORPHINE = id_of("morphine")
"""Of which the township has none but what a test brings in."""


def line(quantity: int = 20, *, days: int = 500, lot: str = "L1", price: str = "1.0000") -> Received:
    return Received(MORPHINE, lot, clock.today() + timedelta(days=days), quantity, Decimal(price))


def receive(session: AsyncSession, *lines: Received, **options: Any) -> Awaitable[list[UUID]]:
    return stock.receive(session, day.PHARMACIST, TOWNSHIP, lines, supplier_id=SUPPLIER, **options)


async def refused(session: AsyncSession, kind: type[Refusal], match: str, work: Awaitable[Any]) -> None:
    """Refused in these words, with no movement, hold, answer or trail entry."""
    counted = "SELECT " + " + ".join(
        f"(SELECT count(*) FROM {book})" for book in ("trail", "movement", "hold", "hold_answer")
    )
    before = await database.value(session, counted)
    with pytest.raises(kind) as found:
        await work
    assert match in str(found.value)
    assert await database.value(session, counted) == before


async def test_goods_that_come_in_lie_released_at_the_place_and_are_told_by_their_lot(
    session: AsyncSession,
) -> None:
    lot = await day.arrived(session, "township1", "morphine", 40, lot="X1")
    assert await day.on_hand(session, "township1", lot) == 40
    (card,) = await stock_queries.stock_card(session, day.PHARMACIST, TOWNSHIP, MORPHINE)
    assert (card["kind"], card["is_in"], card["quantity"], card["lot"]) == ("receive", True, 40, "X1")


async def test_one_lot_number_that_comes_again_is_the_same_lot_but_not_with_another_expiry(
    session: AsyncSession,
) -> None:
    first = await day.arrived(session, "township1", "morphine", 10, lot="X1", days=400)
    again = await day.arrived(session, "township1", "morphine", 10, lot="X1", days=400)
    other = await day.arrived(session, "township1", "morphine", 10, lot="X1", days=401)
    assert first == again != other
    assert await day.on_hand(session, "township1", first) == 20


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([], "at least one line"),
        ([line(0)], "above zero"),
        ([line(), line(-1)], "Line 2"),
        ([line(2**63)], "more than one line can carry"),
        ([line(days=0)], "expired"),
        ([line(days=-1)], "expired"),
        ([line(lot="  ")], "lot number"),
        ([line(price="-0.0001")], "no price"),
        ([line(price="NaN")], "no price"),
        ([line(price="0.00001")], "no price"),
        ([line(price="99999999999")], "no price"),
    ],
)
async def test_a_delivery_note_that_cannot_be_right_is_refused_whole(
    session: AsyncSession, lines: list[Received], match: str
) -> None:
    await refused(session, BadInput, match, receive(session, *lines))


async def test_goods_do_not_come_in_tomorrow_nor_from_a_place_that_is_no_supplier(
    session: AsyncSession,
) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    await refused(session, WrongState, "future", receive(session, line(), occurred_on=tomorrow))
    from_clinic = stock.receive(session, day.PHARMACIST, TOWNSHIP, [line()], supplier_id=CLINIC)
    await refused(session, NotFound, "no such place", from_clinic)


async def test_patients_get_the_lot_that_expires_first(session: AsyncSession) -> None:
    later = await day.arrived(session, "township1", "morphine", 10, lot="A", days=300)
    sooner = await day.arrived(session, "township1", "morphine", 10, lot="B", days=200)
    await stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 12)])
    assert await day.on_hand(session, "township1", sooner) == 0
    assert await day.on_hand(session, "township1", later) == 8


async def test_what_goes_to_patients_leaves_at_the_price_at_which_it_came(session: AsyncSession) -> None:
    await day.arrived(session, "township1", "morphine", 10, price="1.2345")
    (movement,) = await stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 3)])
    assert await database.value(
        session, "SELECT unit_price FROM movement WHERE id = $1", movement
    ) == Decimal("1.2345")


async def test_expired_goods_go_to_no_patient_but_may_have_gone_before_they_expired(
    session: AsyncSession,
) -> None:
    today = clock.today()
    soon = line(10, days=1)
    await receive(session, soon, occurred_on=today - timedelta(days=30))
    with clock.set_to(clock.instant(today + timedelta(days=1), 36000)):
        issued = stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 1)])
        await refused(session, NotEnough, "Only 0 of 1 片 of 吗啡", issued)
        await stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 1, used_on=today)])


async def test_a_paper_over_two_days_may_not_issue_what_expired_between_them(session: AsyncSession) -> None:
    today = clock.today()
    await receive(session, line(10, days=1), occurred_on=today - timedelta(days=30))
    with clock.set_to(clock.instant(today + timedelta(days=1), 36000)):
        days = [Issued(MORPHINE, 1, used_on=today), Issued(MORPHINE, 1, used_on=today + timedelta(days=1))]
        issued = stock.issue(session, day.PHARMACIST, TOWNSHIP, days, occurred_on=today)
        await refused(session, NotEnough, "Only 0 of 1", issued)


@pytest.mark.parametrize(
    ("lines", "kind", "match"),
    [
        ([], BadInput, "at least one line"),
        ([Issued(MORPHINE, 0)], BadInput, "above zero"),
        ([Issued(MORPHINE, 2**70)], BadInput, "more than one line can carry"),
        ([Issued(MORPHINE, 5), Issued(MORPHINE, 6)], NotEnough, "Only 10 of 11 片 of 吗啡"),
        ([Issued(UUID(int=1), 1)], NotFound, "no such product"),
    ],
)
async def test_an_issue_that_cannot_be_is_refused_whole(
    session: AsyncSession, lines: list[Issued], kind: type[Refusal], match: str
) -> None:
    await day.arrived(session, "township1", "morphine", 10)
    await refused(session, kind, match, stock.issue(session, day.PHARMACIST, TOWNSHIP, lines))


async def test_promised_goods_are_not_issued(session: AsyncSession) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    await apply(session, holds=[HoldDraft(new_id(), TOWNSHIP, MORPHINE, lot, 8, new_id(), new_id())])
    issued = stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 3)])
    await refused(session, NotEnough, "Only 2 of 3", issued)


async def test_a_count_posts_the_difference_and_the_loss_has_a_place(session: AsyncSession) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    movement = await stock.adjust(session, day.PHARMACIST, TOWNSHIP, lot, -3, reason="counted 7")
    assert await day.on_hand(session, "township1", lot) == 7
    target = await database.value(
        session, "SELECT p.kind FROM movement m JOIN place p ON p.id = m.target_id WHERE m.id = $1", movement
    )
    assert target == "losses"
    await stock.adjust(session, day.PHARMACIST, TOWNSHIP, lot, 2, reason="found behind the shelf")
    assert await day.on_hand(session, "township1", lot) == 9
    assert not await stock_queries.books_disagree(session)


@pytest.mark.parametrize(
    ("difference", "reason", "condition", "kind", "match"),
    [
        (0, "counted", "released", BadInput, "difference other than zero"),
        (-1, "  ", "released", BadInput, "reason"),
        (-11, "counted", "released", NotEnough, "Only 10 of 11 片 of 吗啡, lot L1"),
        (-1, "counted", "quarantine", NotEnough, "Only 0 of 1"),
        (1, "counted", "in the cellar", BadInput, "no condition"),
        (2**70, "counted", "released", BadInput, "more than one line can carry"),
    ],
)
async def test_a_count_that_cannot_be_is_refused(
    session: AsyncSession, difference: int, reason: str, condition: str, kind: type[Refusal], match: str
) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    adjusted = stock.adjust(
        session, day.PHARMACIST, TOWNSHIP, lot, difference, reason=reason, condition=condition
    )
    await refused(session, kind, match, adjusted)


async def test_goods_in_quarantine_are_there_but_free_for_nobody_until_released(
    session: AsyncSession,
) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    await stock.quarantine(session, day.PHARMACIST, TOWNSHIP, lot, 8, reason="box was wet")
    assert await day.on_hand(session, "township1", lot, "quarantine") == 8
    issued = stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 3)])
    await refused(session, NotEnough, "Only 2 of 3", issued)
    await stock.quarantine(session, day.PHARMACIST, TOWNSHIP, lot, 8, reason="dry inside", release=True)
    assert await day.on_hand(session, "township1", lot) == 10


@pytest.mark.parametrize(
    ("quantity", "reason", "release", "kind"),
    [(0, "wet", False, BadInput), (1, " ", False, BadInput), (11, "wet", False, NotEnough), (1, "dry", True, NotEnough),
     (2**70, "wet", False, BadInput)],
)  # fmt: skip
async def test_setting_aside_what_is_not_there_is_refused(
    session: AsyncSession, quantity: int, reason: str, release: bool, kind: type[Refusal]
) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    aside = stock.quarantine(session, day.PHARMACIST, TOWNSHIP, lot, quantity, reason=reason, release=release)
    await refused(session, kind, "", aside)


async def test_a_mistake_is_reversed_by_its_opposite_which_names_it(session: AsyncSession) -> None:
    (movement,) = await receive(session, line(10))
    back = await stock.reverse(session, day.PHARMACIST, movement, reason="typed twice")
    row = await database.row(session, "SELECT * FROM movement WHERE id = $1", back)
    assert row is not None
    assert (row["reverses_id"], row["source_id"], row["target_id"]) == (movement, TOWNSHIP, SUPPLIER)
    (lot,) = await stock.lots_named(session, [line()])
    assert await day.on_hand(session, "township1", lot) == 0


async def test_a_movement_is_reversed_once_and_a_reversal_never(session: AsyncSession) -> None:
    (movement,) = await receive(session, line(10))
    back = await stock.reverse(session, day.PHARMACIST, movement, reason="typed twice")
    again = stock.reverse(session, day.PHARMACIST, movement, reason="typed thrice")
    await refused(session, WrongState, "already reversed", again)
    of_back = stock.reverse(session, day.PHARMACIST, back, reason="after all")
    await refused(session, WrongState, "put right by its paper", of_back)


async def test_goods_that_have_gone_on_cannot_be_called_back_by_a_reversal(session: AsyncSession) -> None:
    (movement,) = await receive(session, line(10))
    await stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 1)])
    back = stock.reverse(session, day.PHARMACIST, movement, reason="typed twice")
    await refused(session, NotEnough, "Only 9 of 10", back)


async def test_what_a_paper_moved_is_put_right_by_papers(session: AsyncSession) -> None:
    paper = await day.picked(session)
    run = await day.under_way(session)
    assert paper
    load = await database.value(
        session, "SELECT id FROM movement WHERE kind = 'load' AND paper_id = $1 LIMIT 1", run
    )
    reverse = stock.reverse(session, day.EVERYBODY, load, reason="no")
    await refused(session, WrongState, "put right by its paper", reverse)


async def test_what_a_short_pick_set_aside_is_not_reversed_behind_the_picker_s_back(
    session: AsyncSession,
) -> None:
    paper = await day.allocated(session, {"amoxicillin": 48})
    hold = await database.value(session, "SELECT id FROM hold WHERE paper_id = $1", paper)
    await orders.pick(session, day.PHARMACIST, paper, {hold: orders.ShortPick(24, "one box crushed")})
    aside = await database.value(
        session, "SELECT id FROM movement WHERE kind = 'quarantine' AND paper_id = $1", paper
    )
    reverse = stock.reverse(session, day.PHARMACIST, aside, reason="no")
    await refused(session, WrongState, "put right by its paper", reverse)


# The ledger's own door


async def test_a_hold_is_answered_once_even_when_nothing_else_is_held(session: AsyncSession) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    hold = HoldDraft(new_id(), TOWNSHIP, MORPHINE, lot, 6, new_id(), new_id())
    await apply(session, holds=[hold])
    await stock.release(session, [hold.id])
    await refused(session, WrongState, "already taken", stock.release(session, [hold.id]))
    await refused(session, NotFound, "no such hold", stock.release(session, [new_id()]))
    await refused(session, NotFound, "no such hold", stock.release(session, [hold.id, hold.id]))


async def test_more_than_is_free_is_promised_to_nobody(session: AsyncSession) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    holds = [HoldDraft(new_id(), TOWNSHIP, MORPHINE, lot, 6, new_id(), new_id()) for _ in range(2)]
    await refused(session, NotEnough, "Only 10 of 12", apply(session, holds=holds))


async def test_a_part_may_be_settled_and_the_rest_is_free_again(session: AsyncSession) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    hold = HoldDraft(new_id(), TOWNSHIP, MORPHINE, lot, 6, new_id(), new_id())
    await apply(session, holds=[hold])
    move = Move(Kind.LOAD, MORPHINE, lot, 4, TOWNSHIP, CLINIC, Decimal(1), clock.today())
    await apply(session, moves=[move], answers=[Answer(hold.id, 4)])
    row = await database.row(
        session, "SELECT on_hand, held FROM balance WHERE place_id = $1 AND lot_id = $2", TOWNSHIP, lot
    )
    assert row is not None and tuple(row) == (6, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE balance SET on_hand = held - 1 WHERE on_hand > 0",
        "UPDATE balance SET held = -1",
        "INSERT INTO movement (id, at, occurred_on, kind, product_id, lot_id, quantity, source_id, source_condition, "
        "target_id, target_condition, unit_price) SELECT gen_random_uuid(), at, occurred_on, kind, product_id, lot_id, "
        "0, source_id, source_condition, target_id, target_condition, 0 FROM movement LIMIT 1",
        "INSERT INTO movement (id, at, occurred_on, kind, product_id, lot_id, quantity, source_id, source_condition, "
        "target_id, target_condition, unit_price) SELECT gen_random_uuid(), at, occurred_on, kind, product_id, lot_id, "
        "1, source_id, source_condition, source_id, source_condition, 0 FROM movement LIMIT 1",
        "INSERT INTO hold (id, at, place_id, product_id, lot_id, quantity, paper_id, line_id) SELECT "
        "gen_random_uuid(), now(), place_id, product_id, lot_id, 0, lot_id, lot_id FROM balance LIMIT 1",
    ],
)
async def test_the_database_itself_refuses_what_the_law_forbids(
    session: AsyncSession, statement: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await database.run(session, statement)


async def test_an_answer_that_is_not_the_whole_hold_does_not_stand_in_the_books(
    session: AsyncSession,
) -> None:
    lot = await day.arrived(session, "township1", "morphine", 10)
    hold = HoldDraft(new_id(), TOWNSHIP, MORPHINE, lot, 6, new_id(), new_id())
    await apply(session, holds=[hold])
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await database.run(
            session,
            "INSERT INTO hold_answer (hold_id, at, quantity, settled, released) VALUES ($1, now(), 5, 5, 0)",
            hold.id,
        )


async def test_of_two_who_want_the_last_box_one_gets_it_and_the_other_is_told(base: Database) -> None:
    async with base.transaction(COUNTY) as session:
        lot = await day.arrived(session, "township1", "morphine", 20)

    async def want() -> str:
        try:
            async with base.transaction(COUNTY) as session:
                await stock.issue(session, day.PHARMACIST, TOWNSHIP, [Issued(MORPHINE, 15)])
            return "got it"
        except NotEnough as refusal:
            return str(refusal)

    answers = sorted(await asyncio.gather(*(want() for _ in range(4))))
    assert answers[-1] == "got it" and answers.count("got it") == 1
    assert all("Only 5 of 15" in answer for answer in answers[:-1])
    async with base.transaction(COUNTY) as session:
        assert await day.on_hand(session, "township1", lot) == 5


async def test_two_reversals_at_the_same_moment_are_one(base: Database) -> None:
    async with base.transaction(COUNTY) as session:
        (movement,) = await receive(session, line(10))

    async def undo() -> str:
        try:
            async with base.transaction(COUNTY) as session:
                await stock.reverse(session, day.PHARMACIST, movement, reason="typed twice")
            return "done"
        except WrongState as refusal:
            return str(refusal)

    assert sorted(await asyncio.gather(*(undo() for _ in range(4)))) == [
        "This movement was already reversed."
    ] * 3 + ["done"]


async def test_use_per_day_counts_what_patients_got_here_and_below_and_not_what_was_reversed(
    session: AsyncSession,
) -> None:
    amoxicillin = id_of("amoxicillin")
    for _ in range(2):
        movements = await stock.issue(session, day.DOCTOR, CLINIC, [Issued(amoxicillin, 42)])
    for movement in movements:
        await stock.reverse(session, day.EVERYBODY, movement, reason="typed twice")
    used = await stock_queries.daily_use(session, [CLINIC, TOWNSHIP], clock.today(), [amoxicillin])
    assert used[CLINIC, amoxicillin] == used[TOWNSHIP, amoxicillin] == Decimal("0.5")
