"""The brute-force twin: the same rules told again by trial of every second and every order."""

from collections.abc import Iterator
from itertools import pairwise, permutations, product

from xinglin_routing import Plan, Problem, Route, Stop, Vehicle

# Hypothesis problems use rates of whole fen per second and metre, so nothing is ever rounded here.
Fault = tuple[str, str | None, int]


def drive(problem: Problem, vehicle: Vehicle, stops: list[Stop], departure_s: int) -> tuple[int, list[Fault]]:
    """Second by second: the return, and what was late by how much."""
    clock_s, here, late = departure_s, problem.place_index[vehicle.start], []
    for stop in stops:
        there = problem.place_index[stop.place]
        clock_s += int(problem.travel.duration_s[here, there])
        here = there
        if stop.windows and clock_s > max(to_s for _, to_s in stop.windows):
            late.append(("late", stop.id, clock_s - max(to_s for _, to_s in stop.windows)))
        elif stop.windows:
            while not any(from_s <= clock_s <= to_s for from_s, to_s in stop.windows):
                clock_s += 1
        clock_s += stop.service_s
    return clock_s + int(problem.travel.duration_s[here, problem.place_index[vehicle.end_place]]), late


def metres(problem: Problem, vehicle: Vehicle, stops: list[Stop]) -> int:
    rows = [vehicle.start, *(stop.place for stop in stops), vehicle.end_place]
    index = problem.place_index
    return sum(int(problem.travel.distance_m[index[one], index[two]]) for one, two in pairwise(rows))


def faults(problem: Problem, vehicle: Vehicle, stops: list[Stop], departure_s: int) -> set[Fault]:
    """Everything wrong with one route that leaves at a given second."""
    return_s, late = drive(problem, vehicle, stops, departure_s)
    found = set(late)
    for kind, name in (("load_over", "load_g"), ("volume_over", "volume_cm3"), ("cold_over", "cold_cm3")):
        found.add((kind, None, sum(getattr(stop, name) for stop in stops) - getattr(vehicle, name)))
    found.add(("departs_early", None, vehicle.shift[0] - departure_s))
    found.add(("shift_over", None, return_s - vehicle.shift[1]))
    if vehicle.max_duration_s is not None:
        found.add(("duration_over", None, return_s - departure_s - vehicle.max_duration_s))
    for stop in stops:
        found |= {("skill_missing", stop.id, 1) for need in stop.needs if need not in vehicle.skills}
    return {fault for fault in found if fault[2] > 0}


def cost(problem: Problem, vehicle: Vehicle, stops: list[Stop], departure_s: int) -> int:
    duration_s = drive(problem, vehicle, stops, departure_s)[0] - departure_s
    by_metre, by_second = vehicle.fen_per_km // 1000, vehicle.fen_per_hour // 3600
    return vehicle.fixed_fen + metres(problem, vehicle, stops) * by_metre + duration_s * by_second


def shortest(problem: Problem, vehicle: Vehicle, stops: list[Stop]) -> int | None:
    """The shortest time out over every departure that breaks no rule; None if there is none."""
    return min(
        (
            drive(problem, vehicle, stops, departure_s)[0] - departure_s
            for departure_s in range(vehicle.shift[0], vehicle.shift[1] + 1)
            if not faults(problem, vehicle, stops, departure_s)
        ),
        default=None,
    )


def best(problem: Problem) -> tuple[int, int]:
    """The fewest forced stops left out, then the lowest cost, over all plans there are."""
    routes = [_routes(problem, vehicle) for vehicle in problem.vehicles]
    return min(_totals(problem, routes))


def _routes(problem: Problem, vehicle: Vehicle) -> dict[frozenset[str], int]:
    """For each set of stops the cheapest order in which the vehicle can serve it."""
    found: dict[frozenset[str], int] = {frozenset(): 0}
    for count in range(1, len(problem.stops) + 1):
        for order in permutations(problem.stops, count):
            duration_s = shortest(problem, vehicle, list(order))
            if duration_s is not None:
                fen = vehicle.fixed_fen + metres(problem, vehicle, list(order)) * (vehicle.fen_per_km // 1000)
                fen += duration_s * (vehicle.fen_per_hour // 3600)
                ids = frozenset(stop.id for stop in order)
                found[ids] = min(fen, found.get(ids, fen))
    return found


def _totals(problem: Problem, routes: list[dict[frozenset[str], int]]) -> Iterator[tuple[int, int]]:
    for sets in product(*(by_set.items() for by_set in routes)):
        served = [id for ids, _ in sets for id in ids]
        if len(served) == len(set(served)):
            missed = [stop for stop in problem.stops if stop.id not in served]
            forced = sum(stop.forced or stop.worth_fen is None for stop in missed)
            yield forced, sum(fen for _, fen in sets) + sum(stop.worth_fen or 0 for stop in missed)


def plan_of(orders: list[list[str]], problem: Problem, departures: list[int | None]) -> Plan:
    """One route a vehicle."""
    rows = zip(problem.vehicles, orders, departures, strict=True)
    return Plan(routes=tuple(Route(vehicle=v.id, stops=tuple(o), departure_s=d) for v, o, d in rows))
