"""Builders for routing tests: a depot, villages east of it, a minute and a kilometre apart."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xinglin_routing import Place, Plan, Problem, Route, Stop, Travel, Vehicle

HOUR_S = 3600
MINUTE_S = 60


def line_travel(count: int) -> Travel:
    """Places on a line: neighbours are 1,000 m and 60 s apart."""
    steps = np.abs(np.arange(count)[:, None] - np.arange(count)[None, :])
    return Travel(distance_m=steps * 1000, duration_s=steps * MINUTE_S, note="made for a test")


def make_stop(id: str, **fields: Any) -> Stop:
    """A small stop at the place of the same name."""
    return replace(Stop(id=id, place=id, load_g=1000, volume_cm3=1000), **fields)


def make_vehicle(id: str = "van", **fields: Any) -> Vehicle:
    """A van at the depot with room and time to spare."""
    plenty = Vehicle(id=id, start="depot", load_g=100_000, volume_cm3=100_000, shift=(0, 12 * HOUR_S))
    return replace(plenty, **({"cold_cm3": 10_000, "fen_per_km": 100} | fields))


def make_problem(stops: Sequence[Stop], vehicles: Sequence[Vehicle] = (), **fields: Any) -> Problem:
    """The depot and one place for each stop, in order, on a line."""
    ids = ["depot", *dict.fromkeys(stop.place for stop in stops)]
    places = [Place(id=id, lat=44.3, lon=85.6 + row / 100, name=f"村{id}") for row, id in enumerate(ids)]
    travel = fields.get("travel", line_travel(len(places)))
    vehicles = vehicles or [make_vehicle()]
    return Problem(places=tuple(places), stops=tuple(stops), vehicles=tuple(vehicles), travel=travel)


def one_route(*stops: str, vehicle: str = "van", departure_s: int | None = None) -> Plan:
    """A plan with one route."""
    return Plan(routes=(Route(vehicle=vehicle, stops=stops, departure_s=departure_s),))
