"""The OR-Tools routing model: it can say all of a problem, and searches by guided local search."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import gcd
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from ..problem import Problem, Stop, Table, Vehicle

# A step of cost so small that metres at fen per km and seconds at fen per hour both come out whole.
STEPS_PER_FEN = 18_000
STEPS_PER_METRE = STEPS_PER_FEN // 1000
STEPS_PER_SECOND = STEPS_PER_FEN // 3600
# Forced stops outweigh any route, and sums of them still fit in 64 bits.
MOST_PENALTIES = 10**18
# Above this many stops the best first plan takes longer to find than a worse one takes to mend.
MOST_STOPS_INSERTED_IN_PARALLEL = 60

Orders = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When to end: by the clock, by solutions seen, or when told.

    `patience`: how many steps of the search may go by without a better plan. Steps, not seconds, so that the
    same seed ends at the same plan on a slow machine.
    """

    time_limit_s: float
    solution_limit: int | None = None
    patience: int | None = None
    stop: Callable[[], bool] | None = None


def search(
    problem: Problem,
    stops: tuple[Stop, ...],
    *,
    limits: Limits,
    seed: int,
    start: Orders | None,
    on_better: Callable[[Orders], None],
) -> None:
    """Hand each better plan to `on_better`: the stops' ids in order, a row for each vehicle of the problem.

    Uses one core. `stops` are those worth trying; the rest of the problem's stops stay out.
    """
    model = _Model(problem, stops)
    model.build()
    parameters = _parameters(len(stops), limits)
    model.routing.CloseModelWithParameters(parameters)
    model.routing.solver().ReSeed(seed)
    watch = _Watch(model, limits, on_better)
    model.routing.AddAtSolutionCallback(watch.seen)
    model.routing.AddSearchMonitor(model.routing.solver().CustomLimit(watch.is_over))
    first = model.assignment(start) if start else None
    if first is not None:
        model.routing.SolveFromAssignmentWithParameters(first, parameters)
    else:
        model.routing.SolveWithParameters(parameters)
    if watch.raised is not None:
        raise watch.raised


def _parameters(count: int, limits: Limits) -> Any:
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    strategy = routing_enums_pb2.FirstSolutionStrategy
    parameters.first_solution_strategy = (
        strategy.PARALLEL_CHEAPEST_INSERTION
        if count <= MOST_STOPS_INSERTED_IN_PARALLEL
        else strategy.SEQUENTIAL_CHEAPEST_INSERTION
    )
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(max(1, round(limits.time_limit_s * 1000)))
    if limits.solution_limit is not None:
        parameters.solution_limit = limits.solution_limit
    return parameters


@dataclass(slots=True)
class _Watch:
    """Sees every solution pass, hands on the better ones and says when it is enough."""

    model: "_Model"
    limits: Limits
    on_better: Callable[[Orders], None]
    best: int | None = None
    steps: int = 0
    better_at: int = 0
    told: bool = False
    raised: BaseException | None = None

    def seen(self) -> None:
        """A solution passes; called from inside the solver, which must not be left by an exception."""
        cost = self.model.routing.CostVar().Max()
        if self.best is None or cost < self.best:
            self.best, self.better_at = cost, self.steps
            self._guarded(lambda: self.on_better(self.model.orders()))

    def is_over(self) -> bool:
        """Asked at every step, so the caller's own question is asked only now and then."""
        self.steps += 1
        if self.limits.stop is not None and self.steps % 64 == 1:
            self._guarded(self._ask)
        patience = self.limits.patience
        return self.told or (patience is not None and self.steps - self.better_at > patience)

    def _ask(self) -> None:
        self.told = self.told or (self.limits.stop is not None and self.limits.stop())

    def _guarded(self, call: Callable[[], None]) -> None:
        """Keep what the caller's code raises until the solver has come to its end."""
        try:
            call()
        except BaseException as error:
            self.raised, self.told = self.raised or error, True


@dataclass(slots=True)
class _Model:
    """The problem in the solver's words. Nodes are the stops, then the yards."""

    problem: Problem
    stops: tuple[Stop, ...]
    yards: list[int] = field(init=False)
    manager: Any = field(init=False)
    routing: Any = field(init=False)

    def __post_init__(self) -> None:
        index, vehicles = self.problem.place_index, self.problem.vehicles
        starts, ends = [index[v.start] for v in vehicles], [index[v.end_place] for v in vehicles]
        self.yards = sorted({*starts, *ends})
        node_of = {yard: len(self.stops) + row for row, yard in enumerate(self.yards)}
        nodes = len(self.stops) + len(self.yards)
        self.manager = pywrapcp.RoutingIndexManager(
            nodes, len(vehicles), [node_of[yard] for yard in starts], [node_of[yard] for yard in ends]
        )
        self.routing = pywrapcp.RoutingModel(self.manager)

    def build(self) -> None:
        """Say everything: hours, costs, loads, and what may stay out."""
        index, travel = self.problem.place_index, self.problem.travel
        rows = np.array([*(index[stop.place] for stop in self.stops), *self.yards])
        service_s = np.array([*(stop.service_s for stop in self.stops), *(0 for _ in self.yards)])
        seconds = travel.duration_s[np.ix_(rows, rows)] + service_s[:, None]
        self._hours(seconds)
        self._costs(travel.distance_m[np.ix_(rows, rows)], seconds)
        for load in ("load_g", "volume_cm3", "cold_cm3"):
            self._load(load)
        for node, stop in enumerate(self.stops):
            self._crew(self.manager.NodeToIndex(node), stop)

    def _hours(self, seconds: Table) -> None:
        horizon_s = max(vehicle.shift[1] for vehicle in self.problem.vehicles)
        transit = self.routing.RegisterTransitMatrix(seconds.tolist())
        self.routing.AddDimension(transit, horizon_s, horizon_s, False, "time")
        clock = self.routing.GetDimensionOrDie("time")
        for row, vehicle in enumerate(self.problem.vehicles):
            clock.CumulVar(self.routing.Start(row)).SetRange(*vehicle.shift)
            clock.CumulVar(self.routing.End(row)).SetRange(*vehicle.shift)
            if vehicle.max_duration_s is not None:
                clock.SetSpanUpperBoundForVehicle(vehicle.longest_s, row)
        for node, stop in enumerate(self.stops):
            _open(clock.CumulVar(self.manager.NodeToIndex(node)), stop)

    def _costs(self, metres: Table, seconds: Table) -> None:
        """Driving and service are paid by the leg.

        Waiting is not priced here: that would slow every step tenfold and more, and `ruin` does it after.
        """
        step = self._step()
        evaluators: dict[tuple[int, int], int] = {}
        for row, vehicle in enumerate(self.problem.vehicles):
            rates = (
                STEPS_PER_METRE * vehicle.fen_per_km // step,
                STEPS_PER_SECOND * vehicle.fen_per_hour // step,
            )
            if rates not in evaluators:
                legs = metres * rates[0] + seconds * rates[1]
                evaluators[rates] = self.routing.RegisterTransitMatrix(legs.tolist())
            self.routing.SetArcCostEvaluatorOfVehicle(evaluators[rates], row)
            self.routing.SetFixedCostOfVehicle(vehicle.fixed_fen * STEPS_PER_FEN // step, row)
        self._penalties(metres, seconds, step)

    def _step(self) -> int:
        """The largest step that every cost is a multiple of: smaller numbers, the same order of plans."""
        steps = [(s.worth_fen or 0) * STEPS_PER_FEN for s in self.stops]
        for vehicle in self.problem.vehicles:
            steps.append(vehicle.fixed_fen * STEPS_PER_FEN)
            steps += [STEPS_PER_METRE * vehicle.fen_per_km, STEPS_PER_SECOND * vehicle.fen_per_hour]
        return gcd(*steps) or 1

    def _penalties(self, metres: Table, seconds: Table, step: int) -> None:
        """Any stop may stay out at its worth; a forced one at more than a whole plan can cost."""
        vehicles, legs = self.problem.vehicles, len(self.stops) + len(self.problem.vehicles)
        dearest = sum(v.fixed_fen for v in vehicles) * STEPS_PER_FEN
        dearest += legs * int(metres.max()) * STEPS_PER_METRE * max(v.fen_per_km for v in vehicles)
        dearest += sum(STEPS_PER_SECOND * v.fen_per_hour * v.longest_s for v in vehicles)
        dearest += sum(stop.worth_fen or 0 for stop in self.stops) * STEPS_PER_FEN
        forced = min(dearest // step + 1, MOST_PENALTIES // len(self.stops))
        for node, stop in enumerate(self.stops):
            worth = forced if stop.must_be_served else (stop.worth_fen or 0) * STEPS_PER_FEN // step
            self.routing.AddDisjunction([self.manager.NodeToIndex(node)], worth)

    def _load(self, name: str) -> None:
        demands = [*(getattr(stop, name) for stop in self.stops), *(0 for _ in self.yards)]
        if any(demands):
            capacities = [getattr(vehicle, name) for vehicle in self.problem.vehicles]
            transit = self.routing.RegisterUnaryTransitVector(demands)
            self.routing.AddDimensionWithVehicleCapacity(transit, 0, capacities, True, name)

    def _crew(self, index: int, stop: Stop) -> None:
        """Only vehicles with the skills it needs; `stops` holds none that no vehicle has."""
        if stop.needs:
            able = [row for row, vehicle in enumerate(self.problem.vehicles) if _may(vehicle, stop)]
            self.routing.VehicleVar(index).SetValues([-1, *able])  # -1: left out

    def assignment(self, start: Orders) -> Any:
        """A start plan in the solver's words; None if it cannot be said."""
        node_of = {stop.id: node for node, stop in enumerate(self.stops)}
        indices = [[self.manager.NodeToIndex(node_of[id]) for id in order] for order in start]
        return self.routing.ReadAssignmentFromRoutes(indices, True)

    def orders(self) -> Orders:
        """The solution just seen, as stop ids."""
        return tuple(self._order(row) for row in range(len(self.problem.vehicles)))

    def _order(self, row: int) -> tuple[str, ...]:
        order, index = [], self.routing.NextVar(self.routing.Start(row)).Value()
        while not self.routing.IsEnd(index):
            order.append(self.stops[self.manager.IndexToNode(index)].id)
            index = self.routing.NextVar(index).Value()
        return tuple(order)


def _may(vehicle: Vehicle, stop: Stop) -> bool:
    return set(stop.needs) <= set(vehicle.skills)


def _open(moment: Any, stop: Stop) -> None:
    """Service begins inside one of the windows."""
    if stop.windows:
        moment.SetRange(stop.windows[0][0], stop.windows[-1][1])
        for (_, closed_s), (open_s, _) in zip(stop.windows, stop.windows[1:], strict=False):
            if closed_s + 1 <= open_s - 1:
                moment.RemoveInterval(closed_s + 1, open_s - 1)
