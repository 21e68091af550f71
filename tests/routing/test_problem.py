"""Problems and plans: what is refused, with every fault at once, and how they travel as JSON."""

import json
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.routing import strategies
from tests.routing.builders import line_travel, make_problem, make_stop, make_vehicle
from xinglin_routing import (
    LeftOut,
    Place,
    Plan,
    Problem,
    ProblemError,
    Route,
    Sentence,
    Stop,
    Travel,
    Vehicle,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
)


def faults_of(build, *args, **fields) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        build(*args, **fields)
    return [str(fault) for fault in caught.value.faults]


def test_every_fault_of_a_problem_is_named_with_its_field() -> None:
    places = (Place(id="depot", lat=44.3, lon=85.6), Place(id="depot", lat=444, lon=85.6))
    stops = (
        Stop(id="a", place="nowhere", load_g=-1, windows=((600, 300),)),
        Stop(id="a", place="depot", windows=((0, 300), (200, 400)), worth_fen=-5),
        Stop(id="", place="depot", service_s=1.5),  # type: ignore[arg-type]
    )
    vehicles = (Vehicle(id="van", start="moon", load_g=1, volume_cm3=1, shift=(9, 3)),)
    found = faults_of(Problem, places=places, stops=stops, vehicles=vehicles, travel=line_travel(3))
    assert found == [
        "places[1].id: The id depot is already that of number 0.",
        "stops[1].id: The id a is already that of number 0.",
        "stops[2].id: The id must be text and not empty.",
        "places[1].lat: lat of depot must be degrees from -90 to 90, not 444.",
        "stops[0].place: There is no place nowhere.",
        "stops[0].load_g: load_g of a must be a whole number from 0 to 1000000000000, not -1.",
        "stops[0].windows[0]: The window of a closes at 300 s before it opens at 600 s.",
        "stops[1].worth_fen: worth_fen of a must be a whole number from 0 to 10000000000, not -5.",
        "stops[1].windows[1]: The windows of a must be in order and apart: "
        "one opens at 200 s, the last closed at 300 s.",
        "stops[2].service_s: service_s of  must be a whole number from 0 to 100000000, not 1.5.",
        "vehicles[0].start: There is no place moon.",
        "vehicles[0].shift: The window of van closes at 3 s before it opens at 9 s.",
        "travel: The travel tables know 3 places, the problem has 2.",
    ]


def test_a_table_with_holes_and_negative_numbers_is_refused_cell_by_cell() -> None:
    metres = np.array([[0, np.nan], [-3, 7]])
    found = faults_of(Travel, distance_m=metres, duration_s=np.zeros((2, 3), dtype=int))
    assert found == [
        "travel.distance_m[0][1]: Must be a whole number from 0 to 100000000, not nan.",
        "travel.distance_m[1][0]: Must be a whole number from 0 to 100000000, not -3.0.",
        "travel.distance_m[1][1]: The way from a place to itself must be 0, not 7.0.",
        "travel.duration_s: The table must be square, not (2, 3).",
    ]


def test_a_problem_cannot_be_changed_not_even_its_tables() -> None:
    problem = make_problem([make_stop("a")])
    with pytest.raises(FrozenInstanceError):
        problem.name = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        problem.travel.distance_m[0, 1] = 5


def test_the_tables_handed_in_may_change_afterwards_without_harm() -> None:
    metres = np.array([[0, 5], [5, 0]])
    travel = Travel(distance_m=metres, duration_s=metres)
    metres[0, 1] = 99
    assert travel.distance_m[0, 1] == 5


@given(strategies.problems())
def test_a_problem_comes_back_from_json_and_pickle_as_it_was(problem: Problem) -> None:
    assert problem_from_json(json.loads(json.dumps(problem_to_json(problem)))) == problem
    assert pickle.loads(pickle.dumps(problem)) == problem
    assert hash(pickle.loads(pickle.dumps(problem.travel))) == hash(problem.travel)


def test_a_plan_comes_back_from_json_as_it_was() -> None:
    reason = Sentence("{place} is closed", (("place", "老沙湾"),))
    plan = Plan(
        routes=(Route(vehicle="van", stops=("b", "a"), departure_s=28_800), Route(vehicle="cart")),
        left_out=(LeftOut(stop="c", kind="closed", reason=reason), LeftOut(stop="d")),
    )
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_bad_json_is_refused_with_every_field_that_is_wrong() -> None:
    data = {
        "form": "something/9",
        "places": [{"id": 1, "lat": "north", "lon": 85.6}],
        "stops": [{"id": "a", "windows": [[1, 2, 3]], "load_kg": 5}],
        "travel": {"distance_m": [[0, 1], [2]], "duration_s": [["a"]]},
    }
    found = faults_of(problem_from_json, data)
    assert [fault.split(": ")[0] for fault in found] == [
        "vehicles",
        "places[0].id",
        "places[0].lat",
        "stops[0].place",
        "stops[0].load_kg",
        "stops[0].windows[0]",
        "form",
        "travel.distance_m[1]",
        "travel.duration_s[0][0]",
    ]
    assert "places[0].lat: Must be a whole number or a number, not text." in found


@pytest.mark.parametrize("data", [None, [], "text", {"routes": 3}, {"routes": [{"vehicle": None}]}])
def test_a_plan_that_is_none_is_refused_in_a_sentence(data: object) -> None:
    if data == {"routes": 3}:
        assert faults_of(plan_from_json, data) == ["routes: Must be a list, not a whole number."]
    else:
        assert faults_of(plan_from_json, data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.data())
def test_no_json_whatever_brings_anything_but_faults(data: st.DataObject) -> None:
    whole = problem_to_json(make_problem([make_stop("a")], [make_vehicle()]))
    spot = data.draw(st.sampled_from(["form", "name", "places", "stops", "vehicles", "travel"]))
    bad = whole | {spot: data.draw(json_values)}
    try:
        problem_from_json(bad)
    except ProblemError as error:
        assert all(str(fault) for fault in error.faults)


def test_a_template_from_a_file_cannot_reach_into_objects() -> None:
    assert str(Sentence("{place.__class__}", (("place", "x"),))) == "{place.__class__}"
