"""A state machine over the ledger: random steps on real PostgreSQL, a plain Python model beside it."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.day import EVERYBODY
from tests.world import COUNTY, id_of
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.base.errors import NotEnough, Refusal, WrongState
from xinglin.base.ids import new_id
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Issued, Received
from xinglin.stock.ledger import apply
from xinglin.stock.rules import Answer, Condition, HoldDraft, Kind, Move

PLACES = [id_of(name) for name in ("township1", "township2", "clinic1")]
PRODUCT = id_of("morphine")
LOTS = ("M1", "M2", "M3")
SUPPLIER = id_of("supplier")
RELEASED, QUARANTINE = Condition.RELEASED, Condition.QUARANTINE

places = st.sampled_from(PLACES)
lots = st.integers(0, len(LOTS) - 1)
quantities = st.integers(1, 12)


class Transactions:
    """One connection for all examples; each example is one transaction that is rolled back."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.base = Database(url, pool_size=1)
        self.session: AsyncSession

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.runner.run(awaited())

    def begin(self) -> None:
        self.session, _ = self.run(self.base.begin(f"SET LOCAL search_path TO county_{COUNTY}, public"))

    def roll_back(self) -> None:
        self.run(self.session.rollback())
        self.run(self.session.close())

    def attempt(self, work: Awaitable[Any]) -> Any:
        """What a request is: done whole, or refused and nothing left behind."""
        self.run(database.run(self.session, "SAVEPOINT step"))
        try:
            done = self.run(work)
        except Refusal:
            self.run(database.run(self.session, "ROLLBACK TO SAVEPOINT step"))
            raise
        self.run(database.run(self.session, "RELEASE SAVEPOINT step"))
        return done

    def close(self) -> None:
        self.run(self.base.close())
        self.runner.close()


@pytest.fixture
def transactions(shared_url: str) -> Iterator[Transactions]:
    opened = Transactions(shared_url)
    yield opened
    opened.close()


class Ledger(RuleBasedStateMachine):
    """Goods of one product in three lots at three places."""

    def __init__(self, transactions: Transactions) -> None:
        super().__init__()
        self.db = transactions
        self.db.begin()
        lines = [
            Received(PRODUCT, number, clock.today() + timedelta(days=100 * i), 1, Decimal(1))
            for i, number in enumerate(LOTS, 1)
        ]
        self.lots: list[UUID] = self.db.run(stock.lots_named(self.db.session, lines))
        self.received = lines
        self.opening = self.db.run(balances(self.db.session))
        self.on_hand: dict[tuple[UUID, UUID, str], int] = defaultdict(int)
        self.holds: dict[UUID, HoldDraft] = {}
        self.answered: list[UUID] = []
        self.moved: dict[UUID, Move] = {}
        self.reversed: set[UUID] = set()
        for place in PLACES:
            for lot in range(len(LOTS)):
                self.stock_up(place, lot, 15)

    def teardown(self) -> None:
        self.db.roll_back()

    def held(self, place: UUID, lot: UUID) -> int:
        return sum(h.quantity for h in self.holds.values() if (h.place_id, h.lot_id) == (place, lot))

    def free(self, place: UUID, lot: UUID, condition: str = RELEASED) -> int:
        promised = self.held(place, lot) if condition == RELEASED else 0
        return self.on_hand[place, lot, condition] - promised

    def move(
        self, kind: Kind, lot: UUID, quantity: int, source: UUID, target: UUID, before: str = RELEASED,
        after: str = RELEASED, reverses: UUID | None = None,
    ) -> Move:  # fmt: skip
        return Move(kind, PRODUCT, lot, quantity, source, target, Decimal(1), clock.today(), before, after,
                    None, reverses)  # fmt: skip

    def expect(self, is_possible: bool, work: Awaitable[Any], refusal: type[Refusal] = NotEnough) -> Any:
        """Possible in the model and done, or impossible in the model and refused."""
        if is_possible:
            return self.db.attempt(work)
        with pytest.raises(refusal):
            self.db.attempt(work)
        return None

    def book(self, movements: list[UUID], moves: list[Move]) -> None:
        for id, move in zip(movements, moves, strict=True):
            self.moved[id] = move
            for key, sign in ((move.source, -1), (move.target, 1)):
                if key.place_id in PLACES:
                    self.on_hand[tuple(key)] += sign * move.quantity  # type: ignore[index]

    @rule(place=places, lot=lots, quantity=quantities)
    def receive(self, place: UUID, lot: int, quantity: int) -> None:
        self.stock_up(place, lot, quantity)

    def stock_up(self, place: UUID, lot: int, quantity: int) -> None:
        lines = [self.received[lot]._replace(quantity=quantity)]
        ids = self.db.attempt(stock.receive(self.db.session, EVERYBODY, place, lines, supplier_id=SUPPLIER))
        self.book(ids, [self.move(Kind.RECEIVE, self.lots[lot], quantity, SUPPLIER, place)])

    @rule(place=places, quantity=quantities)
    def issue(self, place: UUID, quantity: int) -> None:
        """The lot that expires first leaves first: the model takes from M1, then M2, then M3."""
        is_possible = sum(self.free(place, lot) for lot in self.lots) >= quantity
        takes, left = [], quantity
        for lot in self.lots:
            if part := min(left, self.free(place, lot)):
                takes.append(self.move(Kind.ISSUE, lot, part, place, id_of("patients-of-the-model")))
                left -= part
        work = stock.issue(self.db.session, EVERYBODY, place, [Issued(PRODUCT, quantity)])
        ids = self.expect(is_possible, work)
        if ids is not None:
            self.book(ids, takes)

    @rule(place=places, lot=lots, quantity=quantities)
    def hold(self, place: UUID, lot: int, quantity: int) -> None:
        draft = HoldDraft(new_id(), place, PRODUCT, self.lots[lot], quantity, new_id(), new_id())
        is_possible = self.free(place, self.lots[lot]) >= quantity
        if self.expect(is_possible, apply(self.db.session, holds=[draft])) is not None:
            self.holds[draft.id] = draft

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), to=places)
    def settle(self, data: st.DataObject, to: UUID) -> None:
        """The promise is kept, in whole or in part, and the goods go to another place."""
        hold = data.draw(st.sampled_from(list(self.holds.values())))
        part = data.draw(st.integers(0, hold.quantity))
        moves = [self.move(Kind.LOAD, hold.lot_id, part, hold.place_id, to)]
        if not part or to == hold.place_id:
            part, moves = 0, []
        ids = self.db.attempt(apply(self.db.session, moves=moves, answers=[Answer(hold.id, part)]))
        self.answered.append(self.holds.pop(hold.id).id)
        self.book(ids, moves)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(list(self.holds)))
        self.db.attempt(stock.release(self.db.session, [hold]))
        self.answered.append(self.holds.pop(hold).id)

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def answer_again(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(self.answered))
        self.expect(False, stock.release(self.db.session, [hold]), WrongState)

    @rule(
        lot=lots,
        quantity=quantities,
        ends=st.permutations(PLACES),
        condition=st.sampled_from(list(Condition)),
    )
    def deliver(self, lot: int, quantity: int, ends: list[UUID], condition: str) -> None:
        move = self.move(Kind.DELIVER, self.lots[lot], quantity, ends[0], ends[1], condition, condition)
        is_possible = self.free(ends[0], self.lots[lot], condition) >= quantity
        ids = self.expect(is_possible, apply(self.db.session, moves=[move]))
        if ids is not None:
            self.book(ids, [move])

    @rule(place=places, lot=lots, difference=st.integers(-8, 8).filter(bool))
    def adjust(self, place: UUID, lot: int, difference: int) -> None:
        work = stock.adjust(self.db.session, EVERYBODY, place, self.lots[lot], difference, reason="counted")
        id = self.expect(self.free(place, self.lots[lot]) >= -difference, work)
        if id is not None:
            losses = id_of("losses-of-the-model")
            source, target = (losses, place) if difference > 0 else (place, losses)
            self.book([id], [self.move(Kind.ADJUST, self.lots[lot], abs(difference), source, target)])

    @rule(place=places, lot=lots, quantity=quantities, release=st.booleans())
    def quarantine(self, place: UUID, lot: int, quantity: int, release: bool) -> None:
        before, after = (QUARANTINE, RELEASED) if release else (RELEASED, QUARANTINE)
        work = stock.quarantine(
            self.db.session, EVERYBODY, place, self.lots[lot], quantity, reason="wet", release=release
        )
        id = self.expect(self.free(place, self.lots[lot], before) >= quantity, work)
        if id is not None:
            self.book(
                [id], [self.move(Kind.QUARANTINE, self.lots[lot], quantity, place, place, before, after)]
            )

    @precondition(lambda self: self.moved)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(list(self.moved)))
        move = self.moved[id]
        work = stock.reverse(self.db.session, EVERYBODY, id, reason="typed wrongly")
        if move.kind not in stock.REVERSIBLE or id in self.reversed:
            self.expect(False, work, WrongState)
            return
        target = tuple(move.target)
        is_possible = move.target_id not in PLACES or self.free(*target) >= move.quantity
        made = self.expect(is_possible, work)
        if made is not None:
            self.reversed.add(id)
            self.book(
                [made],
                [self.move(Kind.REVERSE, move.lot_id, move.quantity, move.target_id, move.source_id,
                           move.target_condition, move.source_condition, id)],
            )  # fmt: skip

    @invariant()
    def the_books_are_the_model(self) -> None:
        now = self.db.run(balances(self.db.session))
        for (place, lot, condition), quantity in self.on_hand.items():
            if lot in self.lots:
                held = self.held(place, lot) if condition == RELEASED else 0
                assert now.pop((place, lot, condition), (0, 0)) == (quantity, held)
                assert 0 <= held <= quantity
        strange = {key: row for key, row in now.items() if key[1] in self.lots and row != (0, 0)}
        assert not strange, "goods that the model does not know of"
        assert {k: v for k, v in now.items() if k[1] not in self.lots} == self.opening

    @invariant()
    def the_ledger_is_the_balance(self) -> None:
        assert not self.db.run(stock_queries.books_disagree(self.db.session))


async def balances(session: AsyncSession) -> dict[tuple[UUID, UUID, str], tuple[int, int]]:
    found = await database.rows(session, "SELECT place_id, lot_id, condition, on_hand, held FROM balance")
    return {tuple(row[:3]): (row["on_hand"], row["held"]) for row in found}


def test_whatever_is_done_balance_model_and_movements_agree(transactions: Transactions) -> None:
    run_state_machine_as_test(
        lambda: Ledger(transactions),
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )
