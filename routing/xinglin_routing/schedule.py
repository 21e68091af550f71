"""When a vehicle is where: arrival, waiting, service, and the departure that keeps it out the least."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .problem import Problem, Stop, Vehicle, Window


@dataclass(frozen=True, slots=True)
class Path:
    """A vehicle's way through its stops: one leg more than there are stops."""

    stops: tuple[Stop, ...]
    drive_s: tuple[int, ...]
    distance_m: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """The hours of a path: arrival and begin of service at each stop, and the return."""

    departure_s: int
    arrivals_s: tuple[int, ...]
    starts_s: tuple[int, ...]
    return_s: int

    @property
    def duration_s(self) -> int:
        """From leaving to being back."""
        return self.return_s - self.departure_s

    @property
    def waits(self) -> bool:
        """Whether the vehicle stands before a closed door anywhere."""
        return self.arrivals_s != self.starts_s


def path_of(problem: Problem, vehicle: Vehicle, stops: Sequence[Stop]) -> Path:
    """The legs from the vehicle's start through the stops to its end."""
    index, travel = problem.place_index, problem.travel
    rows = [index[vehicle.start], *(index[stop.place] for stop in stops), index[vehicle.end_place]]
    drive_s = travel.duration_s[rows[:-1], rows[1:]].tolist()
    return Path(tuple(stops), tuple(drive_s), tuple(travel.distance_m[rows[:-1], rows[1:]].tolist()))


def start_at(windows: Sequence[Window], arrival_s: int) -> int:
    """When service begins: at once, when the next window opens, or, too late for all, on arrival."""
    for from_s, to_s in windows:
        if arrival_s <= to_s:
            return max(arrival_s, from_s)
    return arrival_s


def late_s(stop: Stop, start_s: int) -> int:
    """How long after the last window has closed."""
    return max(0, start_s - stop.windows[-1][1]) if stop.windows else 0


def drive(path: Path, departure_s: int) -> Times:
    """The hours when the vehicle leaves at `departure_s` and waits where a door is closed."""
    arrivals, starts, clock_s = [], [], departure_s
    for stop, leg_s in zip(path.stops, path.drive_s, strict=False):
        arrivals.append(clock_s + leg_s)
        starts.append(start_at(stop.windows, clock_s + leg_s))
        clock_s = starts[-1] + stop.service_s
    return Times(departure_s, tuple(arrivals), tuple(starts), clock_s + path.drive_s[-1])


def is_in_time(path: Path, times: Times, vehicle: Vehicle) -> bool:
    """Whether every stop is open, the vehicle back in its shift and not out too long."""
    return (
        times.departure_s >= vehicle.shift[0]
        and times.return_s <= vehicle.shift[1]
        and times.duration_s <= vehicle.longest_s
        and not any(late_s(stop, start_s) for stop, start_s in zip(path.stops, times.starts_s, strict=True))
    )


def is_reachable(path: Path, vehicle: Vehicle) -> bool:
    """Whether leaving as early as can be comes nowhere too late: quicker to ask than the best hours."""
    clock_s = vehicle.shift[0]
    for stop, leg_s in zip(path.stops, path.drive_s, strict=False):
        start_s = start_at(stop.windows, clock_s + leg_s)
        if stop.windows and start_s > stop.windows[-1][1]:
            return False
        clock_s = start_s + stop.service_s
    return clock_s + path.drive_s[-1] <= vehicle.shift[1]


def best_times(path: Path, vehicle: Vehicle) -> Times:
    """The hours with the shortest time out; among equals the earliest return.

    Where a stop is late however early the vehicle leaves, it leaves so that no stop gets later.
    """
    earliest = drive(path, vehicle.shift[0])
    best = drive(path, _latest_departure(path, earliest, len(path.stops) - 1, earliest.return_s))
    if not best.waits or all(len(stop.windows) < 2 for stop in path.stops):
        return best  # With one window a stop, leaving later still cannot save time.
    for departure_s in sorted(set(_later_departures(path, earliest))):
        times = drive(path, departure_s)
        if times.duration_s < best.duration_s and _no_worse(path, times, earliest, vehicle):
            best = times
    return best


def _no_worse(path: Path, times: Times, earliest: Times, vehicle: Vehicle) -> bool:
    """A later departure must not make anything late; what is late already gets no later."""
    if times.return_s > max(vehicle.shift[1], earliest.return_s):
        return False
    starts = zip(path.stops, times.starts_s, earliest.starts_s, strict=True)
    return all(late_s(stop, start_s) <= late_s(stop, before_s) for stop, start_s, before_s in starts)


def _later_departures(path: Path, earliest: Times) -> Iterator[int]:
    """Departures worth a try: those that reach some stop just when one of its later windows opens.

    The shortest way to be out either waits nowhere or begins at the last stop it waits for as it opens.
    """
    for row, stop in enumerate(path.stops):
        for from_s, _ in stop.windows:
            if from_s > earliest.starts_s[row]:
                departure_s = _latest_departure(path, earliest, row, from_s, is_start=True)
                if departure_s > earliest.departure_s:
                    yield departure_s


def _latest_departure(path: Path, earliest: Times, last: int, by_s: int, *, is_start: bool = False) -> int:
    """The latest departure after which stop `last` still begins by `by_s` (or the return comes by then)."""
    for row in range(last, -1, -1):
        stop = path.stops[row]
        if not is_start:
            by_s -= path.drive_s[row + 1] + stop.service_s
        is_start = False
        by_s = _latest_start(stop.windows, by_s, earliest.starts_s[row])
    return by_s - path.drive_s[0] if last >= 0 else by_s - sum(path.drive_s)


def _latest_start(windows: Sequence[Window], by_s: int, earliest_s: int) -> int:
    """The latest moment up to `by_s` at which the stop is open; never before its earliest."""
    if not windows:
        return by_s
    for from_s, to_s in reversed(windows):
        if from_s <= by_s:
            return max(min(by_s, to_s), earliest_s)
    return earliest_s
