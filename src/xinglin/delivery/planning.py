"""From picked requisitions to a routing problem, and from a solved problem to runs. Pure, but for solve."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from xinglin_routing import (
    LeftOut,
    Place,
    Plan,
    Problem,
    Stop,
    Vehicle,
    check,
    estimate,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    verdict_to_json,
)

CLINIC_SERVICE_S = 8 * 60
LINE_SERVICE_S = 30
TOWNSHIP_SERVICE_S = 25 * 60
"""Unloading: domain.md 3.2, own estimates."""
WORTH_FEN = 100_000
"""What leaving a stop to the next day is priced at: far more than any detour within a county."""


class Load(NamedTuple):
    """What is ready for one place."""

    place_id: UUID
    code: str
    name: str
    tier: str
    latitude: float
    longitude: float
    opening: tuple[tuple[int, int], ...]
    requisitions: tuple[UUID, ...]
    picks: int
    load_g: int
    volume_cm3: int
    cold_cm3: int
    urgency: int
    """0 where rescue medicine is among it: such a stop must be served."""


class Van(NamedTuple):
    """A vehicle as the planner sees it."""

    code: str
    plate: str
    capacity_g: int
    capacity_cm3: int
    capacity_cold_cm3: int
    shift: tuple[int, int]
    fixed_cost_fen: int
    cost_per_km_fen: int
    cost_per_hour_fen: int


class Depot(NamedTuple):
    """Where the vehicles start and come back to."""

    code: str
    name: str
    latitude: float
    longitude: float


def to_problem(depot: Depot, vans: Sequence[Van], loads: Sequence[Load], *, not_before_s: int = 0) -> Problem:
    """A stop for each place that is waiting; times in seconds of the county's day."""
    places = [Place(id=depot.code, name=depot.name, lat=depot.latitude, lon=depot.longitude)] + [
        Place(id=load.code, name=load.name, lat=load.latitude, lon=load.longitude) for load in loads
    ]
    return Problem(
        name=depot.name,
        places=tuple(places),
        stops=tuple(_stop(load) for load in loads),
        vehicles=tuple(
            _vehicle(van, depot.code, not_before_s) for van in vans if van.shift[1] > not_before_s
        ),
        travel=estimate(places),
    )


def _stop(load: Load) -> Stop:
    service_s = (
        TOWNSHIP_SERVICE_S if load.tier != "village" else CLINIC_SERVICE_S + LINE_SERVICE_S * load.picks
    )
    return Stop(
        id=load.code, place=load.code, load_g=load.load_g, volume_cm3=load.volume_cm3, cold_cm3=load.cold_cm3,
        windows=load.opening, service_s=service_s, worth_fen=WORTH_FEN * (4 - load.urgency),
        forced=load.urgency == 0,
    )  # fmt: skip


def _vehicle(van: Van, depot: str, not_before_s: int) -> Vehicle:
    return Vehicle(
        id=van.code, name=van.plate, start=depot, load_g=van.capacity_g, volume_cm3=van.capacity_cm3,
        cold_cm3=van.capacity_cold_cm3, shift=(max(van.shift[0], not_before_s), van.shift[1]),
        fixed_fen=van.fixed_cost_fen, fen_per_km=van.cost_per_km_fen, fen_per_hour=van.cost_per_hour_fen,
    )  # fmt: skip


def solve_json(
    problem: dict[str, Any], time_limit_s: float, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Think: a plan and its verdict, both plain JSON. Runs in a process of its own."""
    from xinglin_routing import solve  # the solver is loaded only where it thinks

    posed = problem_from_json(problem)
    plan = solve(posed, time_limit_s=time_limit_s, seed=seed)
    return plan_to_json(plan), verdict_to_json(check(posed, plan))


def judge_json(problem: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    """What the judge says of any plan, made by machine or by hand."""
    posed = problem_from_json(problem)
    return verdict_to_json(check(posed, plan_from_json(plan)))


def pose(problem: Problem) -> dict[str, Any]:
    """The problem as plain JSON."""
    return problem_to_json(problem)


def moved(plan: Mapping[str, Any], stop: str, vehicle: str | None, position: int) -> dict[str, Any]:
    """The plan with one stop elsewhere: before stop number `position` (from 0) of a vehicle, or left out.

    A route that changes leaves again whenever its time out is shortest.
    """
    routes = {route["vehicle"]: list(route["stops"]) for route in plan["routes"]}
    for stops in routes.values():
        if stop in stops:
            stops.remove(stop)
    left_out = [left for left in plan["left_out"] if left["stop"] != stop]
    if vehicle is None:
        left_out.append(plan_to_json(Plan(left_out=(LeftOut(stop=stop),)))["left_out"][0])
    else:
        routes.setdefault(vehicle, []).insert(max(0, position), stop)
    before = {route["vehicle"]: route for route in plan["routes"]}
    return dict(plan) | {
        "routes": [_route(name, stops, before.get(name)) for name, stops in routes.items()],
        "left_out": left_out,
    }


def _route(vehicle: str, stops: list[str], before: Mapping[str, Any] | None) -> dict[str, Any]:
    if before is not None and list(before["stops"]) == stops:
        return dict(before)
    return {"vehicle": vehicle, "stops": stops, "departure_s": None}


def seat_of(plan: Mapping[str, Any], stop: str) -> str:
    """Where a stop stands in a plan: vehicle and number (from 1), or "-" where it is left out."""
    for route in plan["routes"]:
        if stop in route["stops"]:
            return f"{route['vehicle']} {route['stops'].index(stop) + 1}"
    return "-"
