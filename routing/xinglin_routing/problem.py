"""The problem: who waits where for how much, which vehicles there are, how long the ways take.

Whole metres, seconds, grams, cubic centimetres and fen. Seconds count from an origin of the caller's
choice; sentences print them as a clock, so midnight in the county's zone is the natural one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .faults import Fault, ProblemError, say

Table = NDArray[np.int64]
Window = tuple[int, int]
Source = Literal["estimate", "matrix"]

# Bounds far beyond any county, so that sums of products stay inside 64 bits in every solver.
MOST_SECONDS = 10**8
MOST_METRES = 10**8
MOST_LOAD = 10**12
MOST_FEN = 10**10
MOST_RATE_FEN = 10**6
MOST_TABLE_FAULTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point on the map: a depot or somewhere to stop. Degrees WGS 84."""

    id: str
    lat: float
    lon: float
    name: str = ""

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.name or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A delivery wanted at a place.

    `windows`: when service may begin, in order, several a day; empty means any time.
    `cold_cm3` is the part that needs the cold box; count it in `volume_cm3` too if the box fills the hold.
    `worth_fen`: the price of leaving it out; None means it must be served. `forced` overrules a price.
    `needs`: skills its vehicle must have.
    """

    id: str
    place: str
    load_g: int = 0
    volume_cm3: int = 0
    cold_cm3: int = 0
    windows: tuple[Window, ...] = ()
    service_s: int = 0
    worth_fen: int | None = None
    forced: bool = False
    needs: tuple[str, ...] = ()

    @property
    def must_be_served(self) -> bool:
        """Whether leaving it out is a violation and not only a price."""
        return self.forced or self.worth_fen is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A vehicle with its driver for the day.

    `end` None means back to `start`. It leaves and returns within `shift`; `max_duration_s` is the longest
    time between the two (None: the whole shift). Costs: `fixed_fen` when used at all, per kilometre driven,
    per hour from departure to return.
    """

    id: str
    start: str
    load_g: int
    volume_cm3: int
    shift: Window
    end: str | None = None
    cold_cm3: int = 0
    max_duration_s: int | None = None
    fixed_fen: int = 0
    fen_per_km: int = 0
    fen_per_hour: int = 0
    skills: tuple[str, ...] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.name or self.id

    @property
    def end_place(self) -> str:
        """Where it returns to."""
        return self.end if self.end is not None else self.start

    @property
    def longest_s(self) -> int:
        """The longest time it may be out."""
        shift_s = self.shift[1] - self.shift[0]
        return shift_s if self.max_duration_s is None else min(shift_s, self.max_duration_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Travel:
    """Metres and seconds from each place to each, in the order of the problem's places; row is from.

    `source` says whether the numbers were measured on roads ("matrix") or only estimated; `note` says how.
    Refuses tables that are not square, not whole, have holes, negative numbers or a way from a place to itself.
    """

    distance_m: Table
    duration_s: Table
    source: Source = "matrix"
    note: str = ""

    def __post_init__(self) -> None:
        distance, duration = np.asarray(self.distance_m), np.asarray(self.duration_s)
        faults = [
            *_table_faults("distance_m", distance, MOST_METRES),
            *_table_faults("duration_s", duration, MOST_SECONDS),
        ]
        if not faults and distance.shape != duration.shape:
            what = "The two tables differ in size: {metres} and {seconds} places."
            faults.append(Fault("travel", say(what, metres=len(distance), seconds=len(duration))))
        if self.source not in ("estimate", "matrix"):
            what = "source must be estimate or matrix, not {source}."
            faults.append(Fault("travel.source", say(what, source=str(self.source))))
        if faults:
            raise ProblemError(faults)
        object.__setattr__(self, "distance_m", _sealed(distance))
        object.__setattr__(self, "duration_s", _sealed(duration))

    def __len__(self) -> int:
        return len(self.distance_m)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Travel)
            and (self.source, self.note) == (other.source, other.note)
            and np.array_equal(self.distance_m, other.distance_m)
            and np.array_equal(self.duration_s, other.duration_s)
        )

    def __hash__(self) -> int:
        return hash((self.source, self.note, self.distance_m.tobytes(), self.duration_s.tobytes()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Everything a plan has to answer to. Refuses with ProblemError, every fault at once."""

    places: tuple[Place, ...]
    stops: tuple[Stop, ...]
    vehicles: tuple[Vehicle, ...]
    travel: Travel
    name: str = ""
    place_index: dict[str, int] = field(init=False, repr=False, compare=False)
    stop_by_id: dict[str, Stop] = field(init=False, repr=False, compare=False)
    vehicle_by_id: dict[str, Vehicle] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("places", "stops", "vehicles"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if faults := tuple(_problem_faults(self)):
            raise ProblemError(faults)
        object.__setattr__(self, "place_index", {place.id: row for row, place in enumerate(self.places)})
        object.__setattr__(self, "stop_by_id", {stop.id: stop for stop in self.stops})
        object.__setattr__(self, "vehicle_by_id", {vehicle.id: vehicle for vehicle in self.vehicles})

    def label_of(self, stop: Stop) -> str:
        """What a person calls the place of a stop."""
        return self.places[self.place_index[stop.place]].label


def _sealed(table: NDArray[Any]) -> Table:
    """A copy of the table that nobody can write to."""
    copy = np.array(table, dtype=np.int64)
    copy.flags.writeable = False
    return copy


def _table_faults(name: str, table: NDArray[Any], most: int) -> Iterator[Fault]:
    where = f"travel.{name}"
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        yield Fault(where, say("The table must be square, not {shape}.", shape=str(table.shape)))
    elif table.dtype.kind not in "iuf":
        yield Fault(where, say("The table must hold numbers, not {kind}.", kind=str(table.dtype)))
    else:
        yield from _cell_faults(where, table, most)


def _cell_faults(where: str, table: NDArray[Any], most: int) -> Iterator[Fault]:
    with np.errstate(invalid="ignore"):
        wrong = ~((table >= 0) & (table <= most) & (table == np.floor(table)))
    wrong |= np.eye(len(table), dtype=bool) & (table != 0)
    cells = np.argwhere(wrong)
    for row, column in cells[:MOST_TABLE_FAULTS].tolist():
        spot, value = f"{where}[{row}][{column}]", str(table[row, column])
        if row == column:
            yield Fault(spot, say("The way from a place to itself must be 0, not {value}.", value=value))
        else:
            what = "Must be a whole number from 0 to {most}, not {value}."
            yield Fault(spot, say(what, most=most, value=value))
    if len(cells) > MOST_TABLE_FAULTS:
        yield Fault(where, say("{count} more cells are wrong.", count=len(cells) - MOST_TABLE_FAULTS))


def _problem_faults(problem: Problem) -> Iterator[Fault]:
    known = {place.id for place in problem.places}
    yield from _twice("places", [place.id for place in problem.places])
    yield from _twice("stops", [stop.id for stop in problem.stops])
    yield from _twice("vehicles", [vehicle.id for vehicle in problem.vehicles])
    for row, place in enumerate(problem.places):
        yield from _place_faults(f"places[{row}]", place)
    for row, stop in enumerate(problem.stops):
        yield from _stop_faults(f"stops[{row}]", stop, known)
    for row, vehicle in enumerate(problem.vehicles):
        yield from _vehicle_faults(f"vehicles[{row}]", vehicle, known)
    if len(problem.travel) != len(problem.places):
        what = "The travel tables know {known} places, the problem has {count}."
        yield Fault("travel", say(what, known=len(problem.travel), count=len(problem.places)))


def _twice(where: str, ids: Sequence[str]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for row, one in enumerate(ids):
        if not isinstance(one, str) or not one:
            yield Fault(f"{where}[{row}].id", say("The id must be text and not empty."))
        elif one in seen:
            what = "The id {id} is already that of number {first}."
            yield Fault(f"{where}[{row}].id", say(what, id=one, first=seen[one]))
        else:
            seen[one] = row


def _place_faults(where: str, place: Place) -> Iterator[Fault]:
    for name, most in (("lat", 90), ("lon", 180)):
        value = getattr(place, name)
        if type(value) not in (int, float) or not -most <= value <= most:
            what = "{name} of {id} must be degrees from -{most} to {most}, not {value}."
            yield Fault(f"{where}.{name}", say(what, name=name, id=place.id, most=most, value=str(value)))


def _stop_faults(where: str, stop: Stop, known: set[str]) -> Iterator[Fault]:
    yield from _place_known(f"{where}.place", stop.place, known)
    for name in ("load_g", "volume_cm3", "cold_cm3"):
        yield from _whole(where, stop, name, MOST_LOAD)
    yield from _whole(where, stop, "service_s", MOST_SECONDS)
    if stop.worth_fen is not None:
        yield from _whole(where, stop, "worth_fen", MOST_FEN)
    yield from _words(f"{where}.needs", stop.id, stop.needs)
    closed_s = -1
    for row, window in enumerate(stop.windows):
        yield from _window_faults(f"{where}.windows[{row}]", stop.id, window, after_s=closed_s)
        closed_s = window[-1] if _is_window(window) else closed_s


def _vehicle_faults(where: str, vehicle: Vehicle, known: set[str]) -> Iterator[Fault]:
    yield from _place_known(f"{where}.start", vehicle.start, known)
    if vehicle.end is not None:
        yield from _place_known(f"{where}.end", vehicle.end, known)
    for name in ("load_g", "volume_cm3", "cold_cm3"):
        yield from _whole(where, vehicle, name, MOST_LOAD)
    if vehicle.max_duration_s is not None:
        yield from _whole(where, vehicle, "max_duration_s", MOST_SECONDS)
    yield from _whole(where, vehicle, "fixed_fen", MOST_FEN)
    for name in ("fen_per_km", "fen_per_hour"):
        yield from _whole(where, vehicle, name, MOST_RATE_FEN)
    yield from _words(f"{where}.skills", vehicle.id, vehicle.skills)
    yield from _window_faults(f"{where}.shift", vehicle.id, vehicle.shift)


def _place_known(where: str, place: str, known: set[str]) -> Iterator[Fault]:
    if place not in known:
        yield Fault(where, say("There is no place {place}.", place=str(place)))


def _whole(where: str, owner: Stop | Vehicle, name: str, most: int) -> Iterator[Fault]:
    value = getattr(owner, name)
    if type(value) is not int or not 0 <= value <= most:
        what = "{name} of {id} must be a whole number from 0 to {most}, not {value}."
        yield Fault(f"{where}.{name}", say(what, name=name, id=owner.id, most=most, value=str(value)))


def _words(where: str, owner: str, words: tuple[str, ...]) -> Iterator[Fault]:
    # A lone text would fall apart into its letters.
    if not isinstance(words, tuple) or not all(isinstance(word, str) and word for word in words):
        yield Fault(where, say("The skills of {id} must be a tuple of texts.", id=owner))


def _is_window(window: object) -> bool:
    return (
        isinstance(window, tuple)
        and len(window) == 2
        and all(type(edge) is int and 0 <= edge <= MOST_SECONDS for edge in window)
    )


def _window_faults(where: str, owner: str, window: Window, after_s: int = -1) -> Iterator[Fault]:
    if not _is_window(window):
        what = "The window of {id} must be two whole seconds (from, to) from 0 to {most}, not {value}."
        yield Fault(where, say(what, id=owner, most=MOST_SECONDS, value=str(window)))
    elif window[0] > window[1]:
        what = "The window of {id} closes at {to_s} s before it opens at {from_s} s."
        yield Fault(where, say(what, id=owner, from_s=window[0], to_s=window[1]))
    elif window[0] <= after_s:
        what = "The windows of {id} must be in order and apart: one opens at {from_s} s, the last closed at {to_s} s."
        yield Fault(where, say(what, id=owner, from_s=window[0], to_s=after_s))
