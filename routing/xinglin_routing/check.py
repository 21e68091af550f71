"""The judge: prices and faults any plan, made by machine or by hand. It knows no solver."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .faults import Sentence, say
from .plan import Plan, Route
from .problem import Problem, Vehicle
from .schedule import Path, Times, best_times, drive, late_s, path_of

Kind = Literal[
    "late",
    "load_over",
    "volume_over",
    "cold_over",
    "skill_missing",
    "departs_early",
    "shift_over",
    "duration_over",
    "stop_twice",
    "unknown_stop",
    "unknown_vehicle",
    "vehicle_twice",
    "forced_left_out",
    "unaccounted",
]
Unit = Literal["s", "g", "cm3", "count"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule broken: by whom, where, by how much (`amount` in `unit`), and in words."""

    kind: Kind
    what: Sentence
    route: str | None = None
    stop: str | None = None
    amount: int = 1
    unit: Unit = "count"

    def __str__(self) -> str:
        return str(self.what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a plan costs, in fen by kind; each kind is rounded once per route, so parts add up."""

    fixed_fen: int = 0
    distance_fen: int = 0
    time_fen: int = 0
    left_out_fen: int = 0

    @property
    def total_fen(self) -> int:
        """All kinds together."""
        return self.fixed_fen + self.distance_fen + self.time_fen + self.left_out_fen

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            fixed_fen=self.fixed_fen + other.fixed_fen,
            distance_fen=self.distance_fen + other.distance_fen,
            time_fen=self.time_fen + other.time_fen,
            left_out_fen=self.left_out_fen + other.left_out_fen,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stop on a route: the leg that leads there, the hours, and what is on board afterwards."""

    stop: str
    place: str
    distance_m: int
    drive_s: int
    arrival_s: int
    wait_s: int
    start_s: int
    leave_s: int
    late_s: int
    load_after_g: int
    volume_after_cm3: int
    cold_after_cm3: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSheet:
    """A route with its hours and sums; loads are what leaves the start."""

    vehicle: str
    departure_s: int
    return_s: int
    distance_m: int
    drive_s: int
    service_s: int
    wait_s: int
    late_s: int
    load_g: int
    volume_cm3: int
    cold_cm3: int
    cost: Cost
    visits: tuple[Visit, ...]

    @property
    def duration_s(self) -> int:
        """From leaving to being back."""
        return self.return_s - self.departure_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge says of a plan. Routes without stops have no sheet: the vehicle stays at home."""

    cost: Cost
    routes: tuple[RouteSheet, ...]
    violations: tuple[Violation, ...]
    served: int
    left_out: int
    distance_m: int = field(init=False)
    duration_s: int = field(init=False)
    drive_s: int = field(init=False)
    wait_s: int = field(init=False)
    late_s: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("distance_m", "duration_s", "drive_s", "wait_s", "late_s"):
            object.__setattr__(self, name, sum(getattr(sheet, name) for sheet in self.routes))

    @property
    def is_ok(self) -> bool:
        """Whether the plan breaks no rule."""
        return not self.violations


def check(problem: Problem, plan: Plan) -> Verdict:
    """Price a plan and name every rule it breaks, in words and numbers.

    A route whose vehicle is unknown cannot be priced; an unknown stop is passed over.
    """
    sheets: list[RouteSheet] = []
    violations = list(_roll_call(problem, plan))
    for route in plan.routes:
        vehicle = problem.vehicle_by_id.get(route.vehicle)
        stops = [problem.stop_by_id[id] for id in route.stops if id in problem.stop_by_id]
        if vehicle and stops:
            path = path_of(problem, vehicle, stops)
            sheet = judge_route(path, vehicle, departure_s=route.departure_s)
            sheets.append(sheet)
            violations += route_violations(problem, vehicle, path, sheet)
    served = {id for route in plan.routes for id in route.stops}
    missed = [stop for stop in problem.stops if stop.id not in served]
    cost = sum((sheet.cost for sheet in sheets), Cost(left_out_fen=sum(s.worth_fen or 0 for s in missed)))
    left_out = len(missed)
    return Verdict(
        cost=cost,
        routes=tuple(sheets),
        violations=tuple(violations),
        served=len(problem.stops) - left_out,
        left_out=left_out,
    )


def judge_route(path: Path, vehicle: Vehicle, *, departure_s: int | None = None) -> RouteSheet:
    """The hours, loads and cost of one vehicle's way through its stops."""
    times = best_times(path, vehicle) if departure_s is None else drive(path, departure_s)
    distance_m, stops = sum(path.distance_m), path.stops
    return RouteSheet(
        vehicle=vehicle.id,
        departure_s=times.departure_s,
        return_s=times.return_s,
        distance_m=distance_m,
        drive_s=sum(path.drive_s),
        service_s=sum(stop.service_s for stop in stops),
        wait_s=sum(times.starts_s) - sum(times.arrivals_s),
        late_s=sum(map(late_s, stops, times.starts_s)),
        load_g=sum(stop.load_g for stop in stops),
        volume_cm3=sum(stop.volume_cm3 for stop in stops),
        cold_cm3=sum(stop.cold_cm3 for stop in stops),
        cost=price(vehicle, distance_m, times.duration_s),
        visits=tuple(_visits(path, times)),
    )


def price(vehicle: Vehicle, distance_m: int, duration_s: int) -> Cost:
    """What a vehicle that leaves its yard costs; half a fen rounds up."""
    return Cost(
        fixed_fen=vehicle.fixed_fen,
        distance_fen=(distance_m * vehicle.fen_per_km + 500) // 1000,
        time_fen=(duration_s * vehicle.fen_per_hour + 1800) // 3600,
    )


def _visits(path: Path, times: Times) -> Iterator[Visit]:
    load_g = sum(stop.load_g for stop in path.stops)
    volume_cm3 = sum(stop.volume_cm3 for stop in path.stops)
    cold_cm3 = sum(stop.cold_cm3 for stop in path.stops)
    for row, stop in enumerate(path.stops):
        load_g, volume_cm3 = load_g - stop.load_g, volume_cm3 - stop.volume_cm3
        cold_cm3 -= stop.cold_cm3
        arrival_s, start_s = times.arrivals_s[row], times.starts_s[row]
        yield Visit(
            stop=stop.id,
            place=stop.place,
            distance_m=path.distance_m[row],
            drive_s=path.drive_s[row],
            arrival_s=arrival_s,
            wait_s=start_s - arrival_s,
            start_s=start_s,
            leave_s=start_s + stop.service_s,
            late_s=late_s(stop, start_s),
            load_after_g=load_g,
            volume_after_cm3=volume_cm3,
            cold_after_cm3=cold_cm3,
        )


def route_violations(
    problem: Problem, vehicle: Vehicle, path: Path, sheet: RouteSheet
) -> Iterator[Violation]:
    """The rules one route breaks."""
    yield from _load_violations(vehicle, sheet)
    yield from _hour_violations(vehicle, sheet)
    for stop, visit in zip(path.stops, sheet.visits, strict=True):
        place = problem.label_of(stop)
        if visit.late_s:
            what = say("late {minutes} min at {place}", minutes=_minutes(visit.late_s), place=place)
            yield Violation(
                kind="late", route=vehicle.id, stop=stop.id, amount=visit.late_s, unit="s", what=what
            )
        for skill in sorted(set(stop.needs) - set(vehicle.skills)):
            what = say("{vehicle} lacks {skill} for {place}", vehicle=vehicle.label, skill=skill, place=place)
            yield Violation(kind="skill_missing", route=vehicle.id, stop=stop.id, what=what)


def _load_violations(vehicle: Vehicle, sheet: RouteSheet) -> Iterator[Violation]:
    name, on = vehicle.label, vehicle.id
    if (over := sheet.load_g - vehicle.load_g) > 0:
        what = say("load {kg} kg over on {vehicle}", kg=thousandths(over), vehicle=name)
        yield Violation(kind="load_over", route=on, amount=over, unit="g", what=what)
    if (over := sheet.volume_cm3 - vehicle.volume_cm3) > 0:
        what = say("volume {litres} L over on {vehicle}", litres=thousandths(over), vehicle=name)
        yield Violation(kind="volume_over", route=on, amount=over, unit="cm3", what=what)
    if (over := sheet.cold_cm3 - vehicle.cold_cm3) > 0:
        what = say("cold box {litres} L over on {vehicle}", litres=thousandths(over), vehicle=name)
        yield Violation(kind="cold_over", route=on, amount=over, unit="cm3", what=what)


def _hour_violations(vehicle: Vehicle, sheet: RouteSheet) -> Iterator[Violation]:
    name, on = vehicle.label, vehicle.id
    if (over := vehicle.shift[0] - sheet.departure_s) > 0:
        what = say("{vehicle} leaves {minutes} min before its shift", vehicle=name, minutes=_minutes(over))
        yield Violation(kind="departs_early", route=on, amount=over, unit="s", what=what)
    if (over := sheet.return_s - vehicle.shift[1]) > 0:
        what = say("shift over by {minutes} min on {vehicle}", vehicle=name, minutes=_minutes(over))
        yield Violation(kind="shift_over", route=on, amount=over, unit="s", what=what)
    longest_s = vehicle.max_duration_s
    if longest_s is not None and (over := sheet.duration_s - longest_s) > 0:
        what = say("{vehicle} is out {minutes} min too long", vehicle=name, minutes=_minutes(over))
        yield Violation(kind="duration_over", route=on, amount=over, unit="s", what=what)


def _roll_call(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Every stop stands somewhere, and only once; every name is known."""
    yield from _vehicle_call(problem, plan.routes)
    seen: set[str] = set()
    places = [(route.vehicle, stop) for route in plan.routes for stop in route.stops]
    for vehicle, stop in [*places, *((None, left.stop) for left in plan.left_out)]:
        if stop not in problem.stop_by_id:
            what = say("there is no stop {stop}", stop=stop)
            yield Violation(kind="unknown_stop", route=vehicle, stop=stop, what=what)
        elif stop in seen:
            what = say("{stop} stands in the plan twice", stop=stop)
            yield Violation(kind="stop_twice", route=vehicle, stop=stop, what=what)
        seen.add(stop)
    yield from _missed_call(problem, {stop for _, stop in places}, seen)


def _vehicle_call(problem: Problem, routes: Sequence[Route]) -> Iterator[Violation]:
    seen: set[str] = set()
    for route in routes:
        if route.vehicle not in problem.vehicle_by_id:
            what = say("there is no vehicle {vehicle}", vehicle=route.vehicle)
            yield Violation(kind="unknown_vehicle", route=route.vehicle, what=what)
        elif route.vehicle in seen:
            what = say("{vehicle} has two routes", vehicle=problem.vehicle_by_id[route.vehicle].label)
            yield Violation(kind="vehicle_twice", route=route.vehicle, what=what)
        seen.add(route.vehicle)


def _missed_call(problem: Problem, served: Iterable[str], seen: set[str]) -> Iterator[Violation]:
    for stop in problem.stops:
        if stop.id not in served and stop.must_be_served:
            what = say("{place} must be served and is left out", place=problem.label_of(stop))
            yield Violation(kind="forced_left_out", stop=stop.id, what=what)
        elif stop.id not in seen:
            what = say("{place} is neither served nor left out", place=problem.label_of(stop))
            yield Violation(kind="unaccounted", stop=stop.id, what=what)


def _minutes(seconds: int) -> int:
    """Whole minutes, a begun one counted: a violation never reads as nothing."""
    return -(-seconds // 60)


def thousandths(amount: int) -> str:
    """Grams as kilograms, cubic centimetres as litres, without a trailing zero: 3000 is "3", 3200 is "3.2"."""
    whole, rest = divmod(amount, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")
