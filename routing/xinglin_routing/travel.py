"""Travel tables: an honest estimate from coordinates, tables from files, and closing them."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .faults import Fault, ProblemError, say
from .problem import MOST_METRES, MOST_SECONDS, Place, Travel

EARTH_RADIUS_M = 6_371_009
COLUMNS = ("from", "to", "distance_m", "duration_s")
Legs = dict[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """Assumptions of the estimate. They are rules of thumb, to be replaced by measured roads.

    `detour_percent`: road for each 100 of straight line. A leg runs its first `village_m` metres (both ends
    together) at village speed and the rest on the main road.
    """

    detour_percent: int = 137
    main_kmh: int = 70
    village_kmh: int = 40
    village_m: int = 10_000

    @property
    def note(self) -> str:
        """What a reader of the numbers should know."""
        return (
            f"Estimate: straight line x {self.detour_percent / 100:g}, the first {self.village_m / 1000:g} km "
            f"of a leg at {self.village_kmh} km/h, the rest at {self.main_kmh} km/h. Not measured on roads."
        )


SUMMER = Roads()
WINTER = Roads(village_kmh=25)


def estimate(places: Sequence[Place], *, roads: Roads = SUMMER) -> Travel:
    """Metres and seconds guessed from coordinates; says so in `source` and `note`.

    Symmetric, and a detour is never shorter or quicker: longer legs are faster, but rounded up.
    """
    metres = np.ceil(_straight_m(places) * (roads.detour_percent / 100))
    village_m = np.minimum(metres, roads.village_m)
    hours = village_m / (1000 * roads.village_kmh) + (metres - village_m) / (1000 * roads.main_kmh)
    # Floating dust must not add a second to a leg that comes out even.
    seconds = np.ceil(np.round(hours * 3600, 6))
    return Travel(
        distance_m=metres.astype(np.int64),
        duration_s=seconds.astype(np.int64),
        source="estimate",
        note=roads.note,
    )


def _straight_m(places: Sequence[Place]) -> NDArray[np.float64]:
    """Great-circle metres between all pairs (haversine)."""
    lat = np.radians([place.lat for place in places])
    lon = np.radians([place.lon for place in places])
    half_lat = np.sin((lat[:, None] - lat[None, :]) / 2) ** 2
    half_lon = np.sin((lon[:, None] - lon[None, :]) / 2) ** 2
    chord = half_lat + np.cos(lat)[:, None] * np.cos(lat)[None, :] * half_lon
    straight: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    return straight


def closed(travel: Travel) -> Travel:
    """The same tables with every way replaced by the quickest one, through other places if need be.

    Afterwards the seconds keep the triangle inequality; the metres are those of the quickest way.
    """
    seconds, metres = travel.duration_s.copy(), travel.distance_m.copy()
    for via in range(len(travel)):
        through_s = seconds[:, via, None] + seconds[None, via, :]
        through_m = metres[:, via, None] + metres[None, via, :]
        better = (through_s < seconds) | ((through_s == seconds) & (through_m < metres))
        seconds, metres = np.where(better, through_s, seconds), np.where(better, through_m, metres)
    return Travel(distance_m=metres, duration_s=seconds, source=travel.source, note=travel.note)


def from_numpy(path: Path, *, note: str = "") -> Travel:
    """Tables from an .npz file with the arrays distance_m and duration_s, in the order of the places."""
    try:
        arrays = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, BadZipFile) as error:
        raise ProblemError([Fault(path.name, say("This is not an .npz file."))]) from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise ProblemError([Fault(path.name, say("This holds one array; an .npz file with two is wanted."))])
    with arrays:
        missing = [name for name in ("distance_m", "duration_s") if name not in arrays]
        if missing:
            raise ProblemError(
                Fault(path.name, say("There is no array {name}.", name=name)) for name in missing
            )
        return Travel(distance_m=arrays["distance_m"], duration_s=arrays["duration_s"], note=note)


def from_csv(path: Path, places: Sequence[Place], *, note: str = "") -> Travel:
    """Tables from a CSV file with the columns from, to, distance_m, duration_s, one way a line.

    Refuses with every fault by line: unknown places, numbers that are none, ways given twice, ways missing.
    """
    faults: list[Fault] = []
    legs = _legs(path, {place.id for place in places}, faults)
    pairs = [(one.id, other.id) for one in places for other in places if one.id != other.id]
    for pair in pairs:
        if pair not in legs:
            faults.append(
                Fault(
                    path.name, say("There is no way from {origin} to {goal}.", origin=pair[0], goal=pair[1])
                )
            )
    if faults:
        raise ProblemError(faults)
    return _travel_of(legs, places, note)


def _legs(path: Path, known: set[str], faults: list[Fault]) -> Legs:
    legs: Legs = {}
    rows = csv.DictReader(StringIO(_text_of(path), newline=""))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        what = "The first line must name the columns {columns}; missing: {missing}."
        sentence = say(what, columns=", ".join(COLUMNS), missing=", ".join(missing))
        raise ProblemError([Fault(f"{path.name}:1", sentence)])
    for row in rows:
        line, pair = f"{path.name}:{rows.line_num}", (row["from"] or "", row["to"] or "")
        wrong = [*_leg_faults(line, row, pair, known, legs)]
        faults += wrong
        # A faulty line still counts as given: one mistake is one fault.
        legs[pair] = (0, 0) if wrong else (int(row["distance_m"]), int(row["duration_s"]))
    return legs


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = "The file is not UTF-8: byte {byte} cannot be read. Save it as CSV UTF-8."
        raise ProblemError([Fault(path.name, say(what, byte=error.start))]) from error


def _leg_faults(
    line: str, row: dict[str, str], pair: tuple[str, str], known: set[str], legs: Legs
) -> Iterator[Fault]:
    for place in pair:
        if place not in known:
            yield Fault(line, say("There is no place {place}.", place=place))
    if pair in legs:
        yield Fault(
            line, say("The way from {origin} to {goal} is given twice.", origin=pair[0], goal=pair[1])
        )
    for name, most in (("distance_m", MOST_METRES), ("duration_s", MOST_SECONDS)):
        value = row[name] or ""
        if not (value.isascii() and value.isdigit() and len(value) <= 12 and int(value) <= most):
            what = "{name} must be a whole number from 0 to {most}, not {value}."
            yield Fault(line, say(what, name=name, most=most, value=value or "nothing"))
        elif pair[0] == pair[1] and int(value):
            yield Fault(line, say("The way from a place to itself must be 0, not {value}.", value=value))


def _travel_of(legs: Legs, places: Sequence[Place], note: str) -> Travel:
    tables = [
        [[legs.get((one.id, other.id), (0, 0))[part] for other in places] for one in places]
        for part in (0, 1)
    ]
    return Travel(distance_m=np.array(tables[0]), duration_s=np.array(tables[1]), note=note)
