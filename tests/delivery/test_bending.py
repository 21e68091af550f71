"""A draft plan bent by hand, and cold boxes that were not cold."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from xinglin.base.errors import BadInput
from xinglin.delivery import planning, rules
from xinglin.delivery.rules import Carried, Counted

PLAN: dict[str, Any] = {
    "form": "xinglin-routing-plan/1",
    "routes": [
        {"vehicle": "van1", "stops": ["a", "b", "c"], "departure_s": 30_000},
        {"vehicle": "van2", "stops": ["d"], "departure_s": 31_000},
    ],
    "left_out": [
        {"stop": "e", "kind": "too_far", "reason": {"template": "Far.", "params": {}, "text": "Far."}}
    ],
}
STOPS = "abcde"


def stops_of(plan: dict[str, Any]) -> dict[str, list[str]]:
    return {route["vehicle"]: route["stops"] for route in plan["routes"]}


@given(st.sampled_from(STOPS), st.sampled_from(["van1", "van2", "van3", None]), st.integers(0, 6))
def test_a_move_loses_no_stop_and_doubles_none(stop: str, vehicle: str | None, position: int) -> None:
    bent = planning.moved(PLAN, stop, vehicle, position)
    seats = [s for stops in stops_of(bent).values() for s in stops] + [o["stop"] for o in bent["left_out"]]
    assert sorted(seats) == list(STOPS)
    assert planning.seat_of(bent, stop).split(" ")[0] == (vehicle or "-")


@given(st.sampled_from(STOPS), st.sampled_from(["van1", "van2"]), st.integers(0, 6))
def test_the_others_keep_their_order(stop: str, vehicle: str, position: int) -> None:
    bent = stops_of(planning.moved(PLAN, stop, vehicle, position))
    for name, before in stops_of(PLAN).items():
        assert [s for s in bent[name] if s != stop] == [s for s in before if s != stop]


def test_the_number_given_is_the_number_it_gets() -> None:
    assert stops_of(planning.moved(PLAN, "a", "van1", 2))["van1"] == ["b", "c", "a"]
    assert stops_of(planning.moved(PLAN, "d", "van1", 0))["van1"] == ["d", "a", "b", "c"]


def test_only_a_route_that_changes_looks_for_a_new_hour_to_leave() -> None:
    routes = {r["vehicle"]: r for r in planning.moved(PLAN, "a", "van1", 1)["routes"]}
    assert routes["van1"]["departure_s"] is None
    assert routes["van2"]["departure_s"] == 31_000


def test_a_stop_taken_out_says_that_a_hand_did_it() -> None:
    bent = planning.moved(PLAN, "a", None, 0)
    assert [(o["stop"], o["kind"]) for o in bent["left_out"]] == [("e", "too_far"), ("a", "by_hand")]


def carried(accepted: int) -> tuple[Carried, Counted]:
    item = Carried(UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), 10, "胰岛素")
    return item, Counted(accepted, refused=10 - accepted, reason="x")


@pytest.mark.parametrize("celsius", [1.9, 8.1, -3.0])
def test_nothing_cold_is_accepted_out_of_a_box_that_was_not(celsius: float) -> None:
    with pytest.raises(BadInput, match="goes back for a decision"):
        rules.check_cold([carried(4)], {UUID(int=2)}, celsius)
    rules.check_cold([carried(0)], {UUID(int=2)}, celsius)
    rules.check_cold([carried(4)], set(), celsius)


@pytest.mark.parametrize("celsius", [2.0, 5.5, 8.0, None])
def test_a_box_that_was_cold_hinders_nobody(celsius: float | None) -> None:
    rules.check_cold([carried(10)], {UUID(int=2)}, celsius)
