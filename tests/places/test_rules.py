"""Kinds of place, tiers, and opening windows."""

import pytest
from hypothesis import given, settings, strategies as st

from xinglin.base.errors import BadInput
from xinglin.places import rules

DAY_S = 24 * 3600


def test_a_clinic_may_close_at_noon_and_open_again() -> None:
    rules.check_opening([[36000, 50400], [57600, 72000]])


def test_a_place_may_be_open_all_day_or_not_at_all() -> None:
    rules.check_opening([[0, DAY_S]])
    rules.check_opening([])


@pytest.mark.parametrize(
    "windows",
    [
        [[50400, 36000]], [[36000, 36000]], [[-1, 10]], [[0, DAY_S + 1]], [[0, 10], [5, 20]], [[10, 20], [0, 5]],
        [[10]], [[10, 20, 30]], [["8:00", "9:00"]], [10], [[1.5, 2.5]],
    ],
)  # fmt: skip
def test_hours_that_make_no_day_are_refused(windows: list[list[int]]) -> None:
    with pytest.raises(BadInput, match="Opening hours"):
        rules.check_opening(windows)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, DAY_S), unique=True, max_size=8).map(sorted))
def test_sorted_times_taken_in_pairs_are_always_opening_hours(times: list[int]) -> None:
    rules.check_opening([times[i : i + 2] for i in range(0, len(times) - 1, 2)])


def test_every_kind_of_place_has_a_name_and_those_with_patients_a_tier() -> None:
    assert set(rules.KIND_NAMES) == set(rules.PlaceKind)
    assert set(rules.TIER_OF.values()) == {"county", "township", "village"}
    assert not {rules.PlaceKind.VEHICLE, rules.PlaceKind.SUPPLIER} & set(rules.TIER_OF)
