"""The life of plans and runs, and what may become of a parcel."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st

from xinglin.base.errors import BadInput, WrongState
from xinglin.delivery import rules
from xinglin.delivery.rules import Carried, Counted, settle_outcomes


def carried(no: int, quantity: int = 10) -> Carried:
    return Carried(UUID(int=no), UUID(int=no + 50), UUID(int=99), UUID(int=98), quantity, "阿莫西林")


def key(item: Carried) -> tuple[UUID, UUID]:
    return item.line_id, item.lot_id


def test_what_nobody_speaks_of_was_accepted() -> None:
    assert settle_outcomes([carried(1)], {}) == [(carried(1), Counted(10))]


@st.composite
def counts(draw: st.DrawFn) -> tuple[list[Carried], dict[tuple[UUID, UUID], Counted]]:
    items = [carried(i, draw(st.integers(1, 50))) for i in range(draw(st.integers(1, 5)))]
    counted = {}
    for item in items:
        if draw(st.booleans()):
            cuts = sorted(draw(st.lists(st.integers(0, item.quantity), min_size=3, max_size=3)))
            accepted, damaged, short = cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1]
            counted[key(item)] = Counted(accepted, damaged, short, item.quantity - cuts[2], "box was wet")
    return items, counted


@settings(max_examples=200, deadline=None)
@given(counts())
def test_every_unit_has_exactly_one_outcome(
    case: tuple[list[Carried], Mapping[tuple[UUID, UUID], Counted]],
) -> None:
    items, counted = case
    settled = settle_outcomes(items, counted)
    assert [item for item, _ in settled] == items
    assert all(sum(count[:4]) == item.quantity for item, count in settled)


@pytest.mark.parametrize(
    "count", [Counted(9), Counted(11), Counted(5, 5, 5, reason="x"), Counted(0, reason="x")]
)
def test_counts_that_do_not_add_up_to_what_was_shipped_are_refused(count: Counted) -> None:
    with pytest.raises(BadInput, match="must add up to the 10 shipped"):
        settle_outcomes([carried(1)], {key(carried(1)): count})


def test_a_count_below_zero_is_refused_even_if_the_sum_is_right() -> None:
    with pytest.raises(BadInput, match="must add up"):
        settle_outcomes([carried(1)], {key(carried(1)): Counted(12, -2, reason="x")})


@pytest.mark.parametrize("reason", ["", "   "])
def test_what_was_not_accepted_needs_a_reason(reason: str) -> None:
    with pytest.raises(BadInput, match="say why"):
        settle_outcomes([carried(1)], {key(carried(1)): Counted(9, 1, reason=reason)})


def test_what_is_not_on_the_vehicle_cannot_be_counted() -> None:
    with pytest.raises(BadInput, match="not shipped to this stop"):
        settle_outcomes([carried(1)], {key(carried(2)): Counted(10)})


STEPS = {
    "adopt_plan": {"draft"},
    "discard_plan": {"draft", "solving"},
    "depart": {"planned"},
    "hand_over": {"under_way"},
    "come_back": {"under_way"},
}


@pytest.mark.parametrize("state", [*rules.PLAN_STATES, *rules.RUN_STATES])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_taken_from_its_states_and_refused_from_all_others(step: str, state: str) -> None:
    if state in STEPS[step]:
        rules.check_step(state, step, "RUN-1")
    else:
        with pytest.raises(WrongState, match="RUN-1"):
            rules.check_step(state, step, "RUN-1")


@pytest.mark.parametrize("warm_c", [1.9, 8.1, 25.0, -3.0, float("nan")])
def test_cold_goods_from_a_box_that_was_not_cold_are_not_accepted(warm_c: float) -> None:
    with pytest.raises(BadInput, match="cold box"):
        rules.check_cold([(carried(1), Counted(10))], {carried(1).lot_id}, warm_c)


def test_a_warm_box_bars_neither_the_goods_that_need_no_cold_nor_their_refusal() -> None:
    rules.check_cold([(carried(1), Counted(10))], {carried(2).lot_id}, 25.0)
    rules.check_cold([(carried(1), Counted(0, refused=10, reason="warm"))], {carried(1).lot_id}, 25.0)
    rules.check_cold([(carried(1), Counted(10))], {carried(1).lot_id}, 5.0)
