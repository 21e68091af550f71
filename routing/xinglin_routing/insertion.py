"""What it takes to serve one more stop: the cheapest place for it in a plan, or what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .check import price
from .problem import Problem, Stop, Table, Vehicle
from .schedule import best_times, is_in_time, is_reachable, path_of

Block = Literal["skill", "load", "volume", "cold", "time"]

# Enough for every left-out stop of a county's day; far beyond, reasons stay general instead of late.
MOST_TRIALS = 5_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stop would go: the vehicle's new order and what it adds to the cost."""

    vehicle: Vehicle
    order: tuple[Stop, ...]
    extra_fen: int


def search_in(problem: Problem, orders: dict[str, tuple[Stop, ...]]) -> "Search":
    """A search in the routes of a plan that breaks no rule."""
    fens = {v.id: route_fen(problem, v, orders.get(v.id, ())) for v in problem.vehicles}
    assert None not in fens.values(), "a plan to be searched is in time"
    return Search(problem, dict(orders), {id: fen for id, fen in fens.items() if fen is not None})


@dataclass(slots=True)
class Search:
    """Tries stops in the routes of a plan; counts the trials so that it always ends soon."""

    problem: Problem
    orders: dict[str, tuple[Stop, ...]]
    costs: dict[str, int]
    trials_left: int = MOST_TRIALS

    def best(self, stop: Stop) -> Place | None:
        """The cheapest place for a stop that is left out; None if no vehicle can take it on."""
        best: Place | None = None
        for vehicle in self.problem.vehicles:
            order = self.orders.get(vehicle.id, ())
            place = None if lacks(vehicle, [*order, stop]) else self._place(vehicle, order, stop)
            if place and (best is None or place.extra_fen < best.extra_fen):
                best = place
        return best

    def serve(self, stop: Stop) -> None:
        """Put the stop in its cheapest place if it is forced or worth what it costs."""
        place = self.best(stop)
        if place and (stop.must_be_served or place.extra_fen < (stop.worth_fen or 0)):
            self.orders[place.vehicle.id] = place.order
            self.costs[place.vehicle.id] += place.extra_fen

    def blocks(self, stop: Stop) -> set[Block]:
        """What stands in the way with the vehicles that could serve the stop alone."""
        return {
            lacks(vehicle, [*self.orders.get(vehicle.id, ()), stop]) or "time"
            for vehicle in self.problem.vehicles
            if is_possible(self.problem, vehicle, stop)
        }

    def _place(self, vehicle: Vehicle, order: tuple[Stop, ...], stop: Stop) -> Place | None:
        best: Place | None = None
        before_fen = self.costs[vehicle.id]
        for least_fen, row in self._rows(vehicle, order, stop):
            if best and least_fen - before_fen >= best.extra_fen:
                break  # Rows come cheapest first, and waiting only adds.
            self.trials_left -= 1
            longer = (*order[:row], stop, *order[row:])
            cost_fen = route_fen(self.problem, vehicle, longer)
            if cost_fen is not None and (best is None or cost_fen - before_fen < best.extra_fen):
                best = Place(vehicle, longer, cost_fen - before_fen)
        return best

    def _rows(self, vehicle: Vehicle, order: Sequence[Stop], stop: Stop) -> list[tuple[int, int]]:
        """Positions where driving and service alone do not fill the day, with the cost if nothing waits."""
        if self.trials_left <= 0:
            return []
        index, travel = self.problem.place_index, self.problem.travel
        rows = [index[vehicle.start], *(index[one.place] for one in order), index[vehicle.end_place]]
        here, before, after = index[stop.place], rows[:-1], rows[1:]
        busy_s = sum(one.service_s for one in order) + stop.service_s
        seconds = busy_s + _lengths(travel.duration_s, before, here, after)
        metres = _lengths(travel.distance_m, before, here, after)
        return sorted(
            (price(vehicle, distance_m, duration_s).total_fen, row)
            for row, (distance_m, duration_s) in enumerate(
                zip(metres.tolist(), seconds.tolist(), strict=True)
            )
            if duration_s <= vehicle.longest_s
        )


def route_fen(problem: Problem, vehicle: Vehicle, order: Sequence[Stop]) -> int | None:
    """What a route costs; None if it is not in time. Loads are not looked at."""
    if not order:
        return 0
    path = path_of(problem, vehicle, order)
    if not is_reachable(path, vehicle):
        return None
    times = best_times(path, vehicle)
    if not is_in_time(path, times, vehicle):
        return None
    return price(vehicle, sum(path.distance_m), times.duration_s).total_fen


def _lengths(table: Table, before: list[int], here: int, after: list[int]) -> Table:
    """How long the route gets with one place more between each two."""
    legs = table[before, after]
    lengths: Table = legs.sum() - legs + table[before, here] + table[here, after]
    return lengths


def lacks(vehicle: Vehicle, stops: Sequence[Stop]) -> Block | None:
    """What the vehicle has too little of for these stops, hours apart."""
    if any(not set(stop.needs) <= set(vehicle.skills) for stop in stops):
        return "skill"
    if sum(stop.load_g for stop in stops) > vehicle.load_g:
        return "load"
    if sum(stop.volume_cm3 for stop in stops) > vehicle.volume_cm3:
        return "volume"
    return "cold" if sum(stop.cold_cm3 for stop in stops) > vehicle.cold_cm3 else None


def is_possible(problem: Problem, vehicle: Vehicle, stop: Stop) -> bool:
    """Whether the vehicle could serve this stop and nothing else."""
    if lacks(vehicle, [stop]):
        return False
    path = path_of(problem, vehicle, [stop])
    return is_in_time(path, best_times(path, vehicle), vehicle)
