"""The door to the solvers: feasible, cheap, explained, interruptible, the same for the same seed."""

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from tests.routing.builders import HOUR_S, MINUTE_S, make_problem, make_stop, make_vehicle, one_route
from xinglin_routing import (
    LeftOut,
    Place,
    Plan,
    Problem,
    ProblemError,
    Progress,
    Route,
    Stop,
    Travel,
    check,
    estimate,
    solve,
)

OPEN = ((10 * HOUR_S, 14 * HOUR_S), (16 * HOUR_S, 20 * HOUR_S))


def county(count: int, vans: int, *, seed: int = 1, spread: float = 0.25, **fields) -> Problem:
    """Villages scattered around a county seat, with hours, loads and some cold goods."""
    random = np.random.default_rng(seed)
    spots = random.uniform(-spread, spread, (count + 1, 2))
    places = [
        Place(id=f"p{row}", lat=44.3 + lat, lon=85.6 + lon) for row, (lat, lon) in enumerate(spots.tolist())
    ]
    loads = random.integers(3_000, 25_000, count).tolist()
    stops = [
        Stop(
            id=f"s{row}",
            place=f"p{row + 1}",
            load_g=load_g,
            volume_cm3=load_g * 6,
            cold_cm3=1000 if row % 7 == 0 else 0,
            windows=OPEN,
            service_s=15 * MINUTE_S,
            worth_fen=20_000,
        )
        for row, load_g in enumerate(loads)
    ]
    van = make_vehicle(
        start="p0", load_g=1_000_000, volume_cm3=4_000_000, cold_cm3=60_000, shift=(8 * HOUR_S, 19 * HOUR_S)
    )
    van = replace(van, **({"fixed_fen": 5000, "fen_per_km": 120, "fen_per_hour": 3000} | fields))
    vehicles = tuple(replace(van, id=f"van{row}") for row in range(vans))
    return Problem(places=tuple(places), stops=tuple(stops), vehicles=vehicles, travel=estimate(places))


def reasons(problem: Problem, **fields) -> dict[str, tuple[str, str]]:
    plan = solve(problem, **({"time_limit_s": 5} | fields))
    assert {violation.kind for violation in check(problem, plan).violations} <= {"forced_left_out"}
    return {left.stop: (left.kind, str(left.reason)) for left in plan.left_out}


def test_seventeen_clinics_and_one_van_are_done_long_before_the_time_is_up() -> None:
    problem, before = county(17, 1, spread=0.06), perf_counter()
    plan = solve(problem, time_limit_s=30)
    assert perf_counter() - before < 10
    assert check(problem, plan).is_ok and check(problem, plan).served == 17


def test_the_van_leaves_late_enough_not_to_wait_for_the_first_door() -> None:
    plan = solve(make_problem([make_stop("a", windows=OPEN)]), time_limit_s=5)
    assert plan.routes == (Route(vehicle="van", stops=("a",), departure_s=10 * HOUR_S - 60),)


def test_waiting_is_paid_so_the_plan_avoids_it() -> None:
    # By distance alone b would come first; its door opens so late that the paid hours decide otherwise.
    stops = [make_stop("a", windows=((0, HOUR_S),)), make_stop("b", windows=((2 * HOUR_S, 9 * HOUR_S),))]
    vans = [make_vehicle("one", fen_per_hour=3600), make_vehicle("two", fen_per_hour=3600)]
    problem = make_problem(stops, vans)
    plan = solve(problem, time_limit_s=5)
    assert check(problem, plan).wait_s == 0 and len(plan.routes) == 2


def test_the_cheaper_vehicle_goes() -> None:
    vans = [make_vehicle("dear", fixed_fen=9000), make_vehicle("cheap", fixed_fen=10)]
    plan = solve(make_problem([make_stop("a")], vans), time_limit_s=5)
    assert [route.vehicle for route in plan.routes] == ["cheap"]


def test_a_stop_with_needs_rides_with_who_meets_them() -> None:
    vans = [make_vehicle("plain"), make_vehicle("locked", skills=("safe",), fixed_fen=5000)]
    stops = [make_stop("a"), make_stop("b", needs=("safe",))]
    plan = solve(make_problem(stops, vans), time_limit_s=5)
    assert "b" in next(route.stops for route in plan.routes if route.vehicle == "locked")


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"load_g": 120_500}, "too_heavy", "村a needs 120.5 kg; the largest vehicle carries 100 kg."),
        ({"volume_cm3": 120_000}, "too_bulky", "村a needs 120 L; the largest vehicle holds 100 L."),
        ({"cold_cm3": 12_000}, "no_cold_box", "村a needs 12 L of cold box; the largest holds 10 L."),
        ({"needs": ("safe",)}, "no_skill", "No vehicle has what 村a needs: safe."),
        (
            {"windows": ((0, 8 * HOUR_S),)},
            "closed",
            "村a closes at 08:00; the first vehicle can be there at 08:01.",
        ),
        (
            {"service_s": 4 * HOUR_S},
            "too_far",
            "Serving only 村a keeps van out 2 min longer than it may be.",
        ),
    ],
)
def test_a_stop_nobody_can_serve_is_left_out_with_the_reason(fields, kind, words) -> None:
    van = make_vehicle(shift=(8 * HOUR_S, 12 * HOUR_S))
    problem = make_problem([make_stop("a", **fields), make_stop("b")], [van])
    assert reasons(problem) == {"a": (kind, words)}


def test_what_no_single_vehicle_has_together_is_said_so() -> None:
    vans = [make_vehicle("big", cold_cm3=0), make_vehicle("cold", load_g=10)]
    found = reasons(make_problem([make_stop("a", load_g=500, cold_cm3=2000)], vans))
    assert found["a"][0] == "no_vehicle"
    assert found["a"][1] == "No one vehicle has all that 村a needs: 0.5 kg, 1 L, 2 L cold, -."


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"load_g": 60_000}, "full_load", "Beside the other stops no vehicle has 60 kg left for 村a."),
        ({"volume_cm3": 60_000}, "full_volume", "Beside the other stops no vehicle has 60 L left for 村a."),
        ({"cold_cm3": 6000}, "full_cold", "Beside the other stops no cold box has 6 L left for 村a."),
        (
            {"service_s": 7 * HOUR_S},
            "full_time",
            "Beside the other stops no vehicle has time left for 村a.",
        ),
    ],
)
def test_a_stop_that_fits_only_alone_is_left_out_with_what_is_full(fields, kind, words) -> None:
    stops = [make_stop("a", worth_fen=5000, **fields), make_stop("b", **fields)]
    assert reasons(make_problem(stops)) == {"a": (kind, words)}


def test_a_stop_that_costs_more_than_its_worth_is_left_out_with_both_prices() -> None:
    problem = make_problem([make_stop("a", worth_fen=199)])
    assert reasons(problem) == {
        "a": ("not_worth", "Serving 村a would cost 2.00 yuan more; leaving it out costs 1.99 yuan.")
    }
    assert reasons(make_problem([make_stop("a", worth_fen=201)])) == {}


def test_a_forced_stop_goes_before_dearer_ones() -> None:
    van = make_vehicle(load_g=1000)
    stops = [make_stop("a", worth_fen=10**9), make_stop("b", worth_fen=0, forced=True)]
    assert solve(make_problem(stops, [van]), time_limit_s=5).routes[0].stops == ("b",)


def test_an_impossible_forced_stop_does_not_spoil_the_rest() -> None:
    problem = make_problem([make_stop("a", load_g=10**9, forced=True), make_stop("b")])
    plan = solve(problem, time_limit_s=5)
    assert [violation.kind for violation in check(problem, plan).violations] == ["forced_left_out"]
    assert plan.routes[0].stops == ("b",)


def test_nothing_to_do_and_nothing_to_do_it_with_are_plans_too() -> None:
    assert solve(make_problem([]), time_limit_s=1) == Plan()
    bare = replace(make_problem([make_stop("a")]), vehicles=())
    plan = solve(bare, time_limit_s=1)
    assert [(left.kind, str(left.reason)) for left in plan.left_out] == [
        ("no_vehicle", "There is no vehicle to serve 村a.")
    ]


def test_the_same_seed_and_limit_give_the_same_plan() -> None:
    problem = county(25, 3)
    plans = [solve(problem, time_limit_s=60, seed=4, solution_limit=25) for _ in range(2)]
    assert plans[0] == plans[1]


def test_it_ends_when_told_and_keeps_the_best_so_far() -> None:
    problem, before, seen = county(60, 5), perf_counter(), []
    plan = solve(
        problem, time_limit_s=60, on_progress=seen.append, stop=lambda: perf_counter() - before > 1.0
    )
    assert perf_counter() - before < 10
    verdict = check(problem, plan)
    assert verdict.is_ok and verdict.served > 0
    assert seen and verdict.cost.total_fen <= min(one.verdict.cost.total_fen for one in seen)


def test_told_to_stop_before_it_begins_it_still_answers() -> None:
    problem = county(12, 1)
    plan = solve(problem, time_limit_s=60, stop=lambda: True)
    assert check(problem, plan).is_ok


def test_progress_tells_plans_that_break_no_rule_and_get_cheaper() -> None:
    problem, seen = county(40, 4), list[Progress]()
    solve(problem, time_limit_s=2, on_progress=seen.append)
    costs = [one.verdict.cost.total_fen for one in seen]
    assert seen and costs == sorted(costs, reverse=True)
    assert all(one.verdict.is_ok and one.verdict == check(problem, one.plan) for one in seen)


def test_what_the_caller_raises_comes_back_to_the_caller() -> None:
    def tired(_: Progress) -> None:
        raise RuntimeError("tired of plans")

    before = perf_counter()
    with pytest.raises(RuntimeError, match="tired of plans"):
        solve(county(30, 3), time_limit_s=60, on_progress=tired)
    assert perf_counter() - before < 10


def test_the_last_progress_is_the_plan_that_comes_back() -> None:
    problem, seen = county(17, 1), list[Progress]()
    plan = solve(problem, time_limit_s=30, on_progress=seen.append)
    assert seen[-1].plan.routes == plan.routes


def test_it_goes_on_from_a_start_and_never_gets_worse() -> None:
    problem = county(30, 3)
    good = solve(problem, time_limit_s=60, solution_limit=60)
    again = solve(problem, time_limit_s=60, solution_limit=1, seed=9, start=good)
    assert check(problem, again).cost.total_fen <= check(problem, good).cost.total_fen


def test_a_start_that_breaks_the_rules_is_refused_before_any_search() -> None:
    problem = make_problem([make_stop("a", windows=((0, 40),)), make_stop("b")])
    with pytest.raises(ProblemError, match="late 3 min at 村a") as caught:
        solve(problem, time_limit_s=5, start=one_route("b", "a"))
    assert [fault.where for fault in caught.value.faults] == ["start"]


def test_a_start_may_leave_out_what_the_search_then_serves() -> None:
    problem = make_problem([make_stop("a"), make_stop("b")])
    start = Plan(routes=(Route(vehicle="van", stops=("b",)),), left_out=(LeftOut(stop="a"),))
    assert check(problem, solve(problem, time_limit_s=5, start=start)).is_ok


@pytest.mark.parametrize("fields", [{"time_limit_s": 0}, {"workers": 0}, {"solution_limit": 0}])
def test_limits_must_be_above_zero(fields) -> None:
    with pytest.raises(ValueError, match="above zero"):
        solve(make_problem([]), **({"time_limit_s": 1} | fields))


def test_one_way_roads_are_taken_the_right_way_round() -> None:
    # A ring: from each place to the next 60 s, the other way almost an hour.
    steps = (np.arange(5)[None, :] - np.arange(5)[:, None]) % 5
    ring = Travel(distance_m=steps * 1000, duration_s=steps * 60)
    problem = make_problem([make_stop(id) for id in "dbca"], travel=ring)
    assert solve(problem, time_limit_s=5).routes[0].stops == ("d", "b", "c", "a")


def test_a_stop_on_the_only_quick_way_to_another_is_not_lost_in_the_search() -> None:
    # b is two hours off by itself and two minutes by way of a: tables from a file need not be closed.
    seconds = np.array([[0, 60, 7200], [60, 0, 60], [60, 60, 0]])
    problem = make_problem(
        [make_stop("a"), make_stop("b")],
        [make_vehicle(shift=(0, HOUR_S))],
        travel=Travel(distance_m=seconds, duration_s=seconds),
    )
    assert solve(problem, time_limit_s=5).routes[0].stops == ("a", "b")
