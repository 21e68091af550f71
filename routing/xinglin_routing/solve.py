"""The door: one function that finds a plan. Loads a solver only when it is asked for one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from .check import Verdict, check, judge_route
from .faults import Fault, ProblemError, say
from .insertion import MOST_TRIALS, Search, lacks, search_in
from .plan import LeftOut, Plan, Route
from .problem import Problem, Stop
from .reasons import reason
from .ruin import Ruin
from .schedule import path_of

SECONDS_BETWEEN_PROGRESS = 0.2
# Measured: the solver's steps bring more at first, ruin and recreate more after.
SOLVER_SHARE = 0.4
MOST_ROUNDS = 10**9
NOT_YET = say("Not placed yet.")
# What a plan made by `solve` may still be guilty of: a stop that must be served and cannot be.
FORGIVEN = frozenset({"forced_left_out", "unaccounted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The best plan so far, with what the judge says of it. Reasons for left-out stops come at the end."""

    seconds: float
    plan: Plan
    verdict: Verdict


def solve(
    problem: Problem,
    *,
    time_limit_s: float,
    seed: int = 0,
    workers: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    start: Plan | None = None,
    stop: Callable[[], bool] | None = None,
    solution_limit: int | None = None,
) -> Plan:
    """Find a plan that breaks no rule, at the lowest cost the time allows; a reason for each stop left out.

    Never worse than `start`, which must break no rule itself (ProblemError names those it breaks). Ends early
    when nothing better has come for a while or `stop()` says so. The same seed and `solution_limit` give the
    same plan as long as the clock does not cut in. `workers`: the one engine there is uses one core.
    """
    if time_limit_s <= 0 or workers < 1 or (solution_limit is not None and solution_limit < 1):
        raise ValueError("time_limit_s, workers and solution_limit must be above zero.")
    best = _Best(problem, on_progress)
    if start is not None:
        _refuse_broken(problem, start)
        best.offer(_orders_of(problem, start))
    stops = tuple(one for one in problem.stops if _is_worth_trying(problem, one))
    if stops:
        effort = _Effort(time_limit_s, solution_limit, stop)
        _search(problem, stops, best, effort, seed)
        _mend(problem, best, effort, seed)
        best.tell()
    return _finished(problem, best.orders)


Orders = tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class _Best:
    """The best plan so far, by the judge's price and not by the solver's."""

    problem: Problem
    on_progress: Callable[[Progress], None] | None
    started: float = field(default_factory=monotonic)
    orders: Orders = ()
    rank: tuple[int, int] | None = None
    told_at: float = 0.0
    untold: Progress | None = None

    def __post_init__(self) -> None:
        self.offer(tuple(() for _ in self.problem.vehicles))

    def offer(self, orders: Orders) -> None:
        """Keep it if it breaks no rule and is better; tell, but not too often."""
        plan = _plan_of(self.problem, orders, lambda stop: LeftOut(stop=stop.id, kind="open", reason=NOT_YET))
        verdict = check(self.problem, plan)
        rank = _rank(verdict)
        if rank is None or (self.rank is not None and rank >= self.rank):
            return
        self.orders, self.rank = orders, rank
        if any(orders):
            now = monotonic()
            self.untold = Progress(seconds=now - self.started, plan=plan, verdict=verdict)
            if now - self.told_at >= SECONDS_BETWEEN_PROGRESS:
                self.tell()

    def tell(self) -> None:
        """Tell the caller the best plan, if it is news."""
        progress, self.untold = self.untold, None
        if self.on_progress and progress:
            self.told_at = monotonic()
            self.on_progress(progress)


def _rank(verdict: Verdict) -> tuple[int, int] | None:
    """Forced stops first, then the price; None for a plan that breaks a rule."""
    kinds = [violation.kind for violation in verdict.violations]
    if set(kinds) - FORGIVEN:
        return None
    return kinds.count("forced_left_out"), verdict.cost.total_fen


def _refuse_broken(problem: Problem, start: Plan) -> None:
    wrong = [violation for violation in check(problem, start).violations if violation.kind not in FORGIVEN]
    if wrong:
        raise ProblemError(Fault("start", violation.what) for violation in wrong)


def _is_worth_trying(problem: Problem, stop: Stop) -> bool:
    """Whether any vehicle has all it needs and is on the road when it is open; ways are the solver's matter."""
    return any(
        not lacks(vehicle, [stop])
        and (
            not stop.windows
            or (stop.windows[0][0] <= vehicle.shift[1] and stop.windows[-1][1] >= vehicle.shift[0])
        )
        for vehicle in problem.vehicles
    )


@dataclass(slots=True)
class _Effort:
    """How long the search may go on."""

    time_limit_s: float
    solution_limit: int | None
    stop: Callable[[], bool] | None
    started: float = field(default_factory=monotonic)

    def is_over(self) -> bool:
        """Out of time, or told to stop."""
        spent_s = monotonic() - self.started
        return spent_s >= self.time_limit_s or (self.stop is not None and self.stop())


def _search(problem: Problem, stops: tuple[Stop, ...], best: _Best, effort: _Effort, seed: int) -> None:
    """The solver's share: from nothing, or from the best plan so far, to a good plan."""
    if effort.is_over():
        return
    # Here and not at the top: who only judges should not wait for a solver to load.
    from .engines import or_tools

    known = {one.id for one in stops}
    is_sayable = any(best.orders) and all(id in known for order in best.orders for id in order)
    limits = or_tools.Limits(
        time_limit_s=effort.time_limit_s * SOLVER_SHARE,
        solution_limit=effort.solution_limit,
        patience=20_000 + 2_000 * len(stops),
        stop=effort.stop,
    )
    start = best.orders if is_sayable else None
    or_tools.search(problem, stops, limits=limits, seed=seed, start=start, on_better=best.offer)


def _mend(problem: Problem, best: _Best, effort: _Effort, seed: int) -> None:
    """The rest of the time: ruin and recreate at the judge's own prices."""
    rows = zip(problem.vehicles, best.orders, strict=True)
    orders = {v.id: tuple(problem.stop_by_id[id] for id in order) for v, order in rows}
    Ruin(problem, orders, Random(seed)).improve(  # noqa: S311 - a search, not a secret
        rounds=effort.solution_limit or MOST_ROUNDS,
        patience=30 + 2 * len(problem.stops),
        is_over=effort.is_over,
        on_better=lambda found: best.offer(_ids(problem, found)),
    )


def _ids(problem: Problem, orders: Mapping[str, tuple[Stop, ...]]) -> Orders:
    return tuple(tuple(stop.id for stop in orders[vehicle.id]) for vehicle in problem.vehicles)


def _orders_of(problem: Problem, plan: Plan) -> Orders:
    by_vehicle = {route.vehicle: route.stops for route in plan.routes}
    return tuple(by_vehicle.get(vehicle.id, ()) for vehicle in problem.vehicles)


def _plan_of(problem: Problem, orders: Orders, why: Callable[[Stop], LeftOut]) -> Plan:
    served = {id for order in orders for id in order}
    return Plan(
        routes=tuple(
            _route(problem, row, [problem.stop_by_id[id] for id in order])
            for row, order in enumerate(orders)
            if order
        ),
        left_out=tuple(why(stop) for stop in problem.stops if stop.id not in served),
    )


def _route(problem: Problem, row: int, stops: list[Stop]) -> Route:
    vehicle = problem.vehicles[row]
    sheet = judge_route(path_of(problem, vehicle, stops), vehicle)
    return Route(vehicle=vehicle.id, stops=tuple(stop.id for stop in stops), departure_s=sheet.departure_s)


def _finished(problem: Problem, orders: Orders) -> Plan:
    """Serve what still pays, then say why the rest is left out."""
    rows = zip(problem.vehicles, orders, strict=True)
    search = search_in(problem, {v.id: tuple(problem.stop_by_id[id] for id in order) for v, order in rows})
    _fill(search)
    search.trials_left = MOST_TRIALS
    return _plan_of(problem, _ids(problem, search.orders), lambda stop: reason(search, stop))


def _fill(search: Search) -> None:
    """Insert left-out stops that are forced or worth more than they cost; dearest first."""
    served = {stop.id for order in search.orders.values() for stop in order}
    left = [stop for stop in search.problem.stops if stop.id not in served]
    for stop in sorted(left, key=lambda one: (not one.must_be_served, -(one.worth_fen or 0))):
        search.serve(stop)
