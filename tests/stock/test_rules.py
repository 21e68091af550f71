"""Which lot goes first, and what movements do to balances: without a database."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings, strategies as st

from xinglin.stock.rules import (
    HoldDraft,
    Kind,
    LotOnHand,
    Move,
    Want,
    allot,
    fefo,
    net_changes,
    passed_over,
    usable,
    why_not,
)

TODAY = date(2026, 9, 30)
PRODUCTS = [UUID(int=900), UUID(int=901)]


def lot(no: int, free: int, days: int, *, recalled: bool = False, product: int = 0) -> LotOnHand:
    expires_on = TODAY + timedelta(days=days)
    return LotOnHand(UUID(int=no), PRODUCTS[product], f"L{no}", expires_on, free, recalled)


@st.composite
def piles(draw: st.DrawFn) -> list[LotOnHand]:
    facts = st.tuples(st.integers(0, 60), st.integers(-40, 400), st.booleans(), st.integers(0, 1))
    found = draw(st.lists(facts, max_size=12))
    return [
        lot(no, free, days, recalled=recalled and no % 3 == 0, product=product)
        for no, (free, days, recalled, product) in enumerate(found)
    ]


@st.composite
def wishes(draw: st.DrawFn) -> list[Want]:
    facts = st.tuples(st.integers(0, 1), st.integers(0, 80), st.sampled_from([0, 30, 180]))
    found = draw(st.lists(facts, max_size=8))
    return [
        Want(UUID(int=100 + i), PRODUCTS[product], quantity, life)
        for i, (product, quantity, life) in enumerate(found)
    ]


def test_the_lot_that_expires_first_leaves_first() -> None:
    taken = fefo([lot(1, 30, 300), lot(2, 30, 100)], 40, TODAY).takes
    assert [(take.lot_id.int, take.quantity) for take in taken] == [(2, 30), (1, 10)]


def test_lots_that_expire_on_one_day_leave_by_their_number_so_that_two_lists_agree() -> None:
    first = fefo([lot(2, 5, 100), lot(1, 5, 100)], 5, TODAY)
    assert [take.lot_id.int for take in first.takes] == [1]


def test_a_lot_that_expires_on_the_day_it_would_leave_stays() -> None:
    left = fefo([lot(1, 30, 0)], 10, TODAY)
    assert left.quantity == 0
    assert [(over.number, over.why) for over in left.passed_over] == [("L1", "expired")]


def test_a_lot_with_exactly_the_asked_life_may_go_and_one_with_a_day_less_may_not() -> None:
    assert why_not(lot(1, 1, 180), TODAY, 180) is None
    short = why_not(lot(1, 1, 179), TODAY, 180)
    assert short is not None and short[0] == "too_short"


def test_a_recalled_lot_is_passed_over_however_fresh_it_is() -> None:
    served = fefo([lot(1, 30, 500, recalled=True), lot(2, 30, 600)], 10, TODAY)
    assert [take.lot_id.int for take in served.takes] == [2]
    assert served.passed_over[0].why == "recalled" and served.passed_over[0].message


def test_an_empty_lot_is_not_worth_a_reason() -> None:
    assert passed_over([lot(1, 0, -1), lot(2, 3, -1)], TODAY)[0].lot_id.int == 2


def test_a_lot_that_expires_later_than_what_was_taken_was_not_passed_over() -> None:
    assert not fefo([lot(1, 30, 100), lot(2, 30, 200, recalled=True)], 30, TODAY).passed_over


@settings(max_examples=120, deadline=None)
@given(piles(), wishes())
def test_allotting_takes_no_unit_twice_and_none_that_may_not_go(
    lots: list[LotOnHand], wants: list[Want]
) -> None:
    by_id = {lot.lot_id: lot for lot in lots}
    served = allot(wants, lots, TODAY)
    taken: Counter[UUID] = Counter()
    for want in wants:
        for take in served[want.line_id].takes:
            source = by_id[take.lot_id]
            assert take.quantity > 0 and source.product_id == want.product_id
            assert why_not(source, TODAY, want.minimum_life_days) is None
            taken[take.lot_id] += take.quantity
        assert served[want.line_id].quantity <= want.quantity
    assert all(quantity <= by_id[id].free for id, quantity in taken.items())


@settings(max_examples=120, deadline=None)
@given(piles(), wishes())
def test_a_line_that_is_short_has_left_nothing_it_may_have(lots: list[LotOnHand], wants: list[Want]) -> None:
    free = {lot.lot_id: lot.free for lot in lots}
    served = allot(wants, lots, TODAY)
    for want in wants:
        for take in served[want.line_id].takes:
            free[take.lot_id] -= take.quantity
        ours = [lot._replace(free=free[lot.lot_id]) for lot in lots if lot.product_id == want.product_id]
        if served[want.line_id].quantity < want.quantity:
            assert usable(ours, TODAY, want.minimum_life_days) == 0


@settings(max_examples=120, deadline=None)
@given(piles(), st.integers(1, 200), st.sampled_from([0, 90]))
def test_what_expires_earlier_was_taken_or_passed_over_with_a_reason(
    lots: list[LotOnHand], wanted: int, life: int
) -> None:
    served = fefo(lots, wanted, TODAY, life)
    days = [next(x.expires_on for x in lots if x.lot_id == take.lot_id) for take in served.takes]
    assert days == sorted(days)
    told = {over.lot_id for over in served.passed_over}
    touched = told | {take.lot_id for take in served.takes}
    if days:
        earlier = [lot for lot in lots if lot.free and lot.expires_on < days[-1]]
        assert all(lot.lot_id in touched for lot in earlier)
    assert all(
        over.why in {"expired", "recalled", "too_short"} and over.message for over in served.passed_over
    )


PLACES = [UUID(int=i) for i in range(1, 6)]
EDGE = frozenset(PLACES[:1])


@st.composite
def moves(draw: st.DrawFn) -> list[Move]:
    made = []
    for _ in range(draw(st.integers(0, 8))):
        source, target = draw(st.permutations(PLACES))[:2]
        made.append(
            Move(Kind.DELIVER, PRODUCTS[0], UUID(int=draw(st.integers(50, 52))), draw(st.integers(1, 99)), source,
                 target, Decimal(1), TODAY)
        )  # fmt: skip
    return made


@settings(max_examples=200, deadline=None)
@given(moves())
def test_what_moves_take_from_one_place_they_bring_to_another(made: list[Move]) -> None:
    changes = net_changes(made, [], [], frozenset())
    assert sum(change.on_hand for change in changes.values()) == 0
    assert all(change.held == 0 for change in changes.values())


@settings(max_examples=200, deadline=None)
@given(moves())
def test_balances_are_changed_in_locking_order_and_none_is_kept_beyond_the_books(made: list[Move]) -> None:
    changes = net_changes(made, [], [], EDGE)
    assert list(changes) == sorted(changes)
    assert not {key.place_id for key in changes} & EDGE
    from_outside = sum(m.quantity for m in made if m.source_id in EDGE)
    to_outside = sum(m.quantity for m in made if m.target_id in EDGE)
    assert sum(change.on_hand for change in changes.values()) == from_outside - to_outside


def test_a_hold_that_is_made_and_answered_leaves_the_balance_as_it_was() -> None:
    hold = HoldDraft(UUID(int=7), PLACES[1], PRODUCTS[0], UUID(int=50), 12, UUID(int=8), UUID(int=9))
    (change,) = net_changes([], [hold], [hold], EDGE).values()
    assert (change.on_hand, change.held) == (0, 0)
