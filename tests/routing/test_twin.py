"""The judge and the solver against the brute-force twin, on random small problems."""

from hypothesis import HealthCheck, given, settings, strategies as st

from tests.routing import brute, strategies
from xinglin_routing import Problem, check, closed, solve

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def faults_of(problem: Problem, orders: list[list[str]], departures: list[int | None]) -> set:
    verdict = check(problem, brute.plan_of(orders, problem, departures))
    kinds = ("forced_left_out", "unaccounted")
    return {(v.route, v.kind, v.stop, v.amount) for v in verdict.violations if v.kind not in kinds}


@given(st.data())
@settings(calm, max_examples=80)
def test_a_given_departure_is_priced_and_faulted_as_the_twin_does(data: st.DataObject) -> None:
    problem = data.draw(strategies.problems())
    orders = data.draw(strategies.orders(problem))
    departures = [data.draw(st.integers(0, strategies.DAY_S)) for _ in problem.vehicles]
    rows = [
        (vehicle, [problem.stop_by_id[id] for id in order], departure_s)
        for vehicle, order, departure_s in zip(problem.vehicles, orders, departures, strict=True)
        if order
    ]
    expected = {(row[0].id, *fault) for row in rows for fault in brute.faults(problem, *row)}
    assert faults_of(problem, orders, list(departures)) == expected
    verdict = check(problem, brute.plan_of(orders, problem, list(departures)))
    cost = verdict.cost
    assert cost.total_fen - cost.left_out_fen == sum(brute.cost(problem, *row) for row in rows)


@given(st.data())
@settings(calm, max_examples=80)
def test_an_open_departure_is_the_one_with_the_shortest_time_out(data: st.DataObject) -> None:
    problem = data.draw(strategies.problems(most_vehicles=1))
    orders = data.draw(strategies.orders(problem))
    if not problem.vehicles or not orders[0]:
        return
    vehicle, stops = problem.vehicles[0], [problem.stop_by_id[id] for id in orders[0]]
    sheet = check(problem, brute.plan_of(orders, problem, [None])).routes[0]
    shortest_s = brute.shortest(problem, vehicle, stops)
    if shortest_s is None:
        assert brute.faults(problem, vehicle, stops, sheet.departure_s)
    else:
        assert sheet.duration_s == shortest_s
        assert not brute.faults(problem, vehicle, stops, sheet.departure_s)


@given(st.data())
@settings(calm, max_examples=60)
def test_an_open_departure_makes_no_stop_later_than_leaving_at_once(data: st.DataObject) -> None:
    problem = data.draw(strategies.problems(most_vehicles=1))
    orders = data.draw(strategies.orders(problem))
    if not problem.vehicles or not orders[0]:
        return
    at_once = check(problem, brute.plan_of(orders, problem, [problem.vehicles[0].shift[0]]))
    at_will = check(problem, brute.plan_of(orders, problem, [None]))
    assert at_will.late_s == at_once.late_s
    assert [v.late_s for v in at_will.routes[0].visits] == [v.late_s for v in at_once.routes[0].visits]


@given(strategies.problems(most_stops=6, most_vehicles=3))
@settings(calm, max_examples=60)
def test_every_plan_of_solve_passes_the_judge_and_accounts_for_every_stop(problem: Problem) -> None:
    plan = solve(problem, time_limit_s=5, solution_limit=50)
    verdict = check(problem, plan)
    assert {violation.kind for violation in verdict.violations} <= {"forced_left_out"}
    assert all(str(left.reason) and "{" not in str(left.reason) for left in plan.left_out)


@given(strategies.problems(most_stops=4))
@settings(calm, max_examples=40)
def test_solve_finds_the_best_plan_of_a_tiny_problem(problem: Problem) -> None:
    """Closed ways: through what is forbidden alone, no stop becomes possible in company."""
    ways = closed(problem.travel)
    problem = Problem(places=problem.places, stops=problem.stops, vehicles=problem.vehicles, travel=ways)
    verdict = check(problem, solve(problem, time_limit_s=5))
    forced = sum(violation.kind == "forced_left_out" for violation in verdict.violations)
    assert (forced, verdict.cost.total_fen) == brute.best(problem)
