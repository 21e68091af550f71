"""Random small problems, in seconds and metres small enough to try every one of them."""

import numpy as np
from hypothesis import strategies as st

from xinglin_routing import Place, Problem, Stop, Travel, Vehicle

DAY_S = 40
small = st.integers(0, 9)


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    edges = sorted(draw(st.sets(st.integers(0, DAY_S), min_size=0, max_size=4)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def stops(draw: st.DrawFn, id: str, places: int) -> Stop:
    return Stop(
        id=id,
        place=f"p{draw(st.integers(0, places - 1))}",
        load_g=draw(small),
        volume_cm3=draw(small),
        cold_cm3=draw(st.sampled_from((0, 0, 1, 5))),
        windows=draw(windows()),
        service_s=draw(st.integers(0, 5)),
        worth_fen=draw(st.none() | st.integers(0, 200)),
        forced=draw(st.booleans()),
        needs=draw(st.sampled_from(((), (), (), ("lift",)))),
    )


@st.composite
def vehicles(draw: st.DrawFn, id: str, places: int) -> Vehicle:
    starts_s = draw(st.integers(0, DAY_S // 2))
    return Vehicle(
        id=id,
        start=f"p{draw(st.integers(0, places - 1))}",
        end=draw(st.none() | st.integers(0, places - 1).map(lambda row: f"p{row}")),
        load_g=draw(st.integers(0, 30)),
        volume_cm3=draw(st.integers(0, 30)),
        cold_cm3=draw(st.integers(0, 9)),
        shift=(starts_s, draw(st.integers(starts_s, DAY_S))),
        max_duration_s=draw(st.none() | st.integers(0, DAY_S)),
        fixed_fen=draw(st.integers(0, 50)),
        fen_per_km=draw(st.integers(0, 3)) * 1000,
        fen_per_hour=draw(st.integers(0, 3)) * 3600,
        skills=draw(st.sampled_from(((), ("lift",)))),
    )


@st.composite
def tables(draw: st.DrawFn, count: int) -> np.ndarray:
    cells = draw(st.lists(small, min_size=count * count, max_size=count * count))
    table = np.array(cells, dtype=np.int64).reshape(count, count)
    np.fill_diagonal(table, 0)
    return table


@st.composite
def problems(draw: st.DrawFn, most_stops: int = 5, most_vehicles: int = 2) -> Problem:
    """Any mixture of the rules, ways neither symmetric nor closed."""
    places = draw(st.integers(1, 5))
    return Problem(
        places=tuple(Place(id=f"p{row}", lat=44.0, lon=85.0) for row in range(places)),
        stops=tuple(draw(stops(f"s{row}", places)) for row in range(draw(st.integers(0, most_stops)))),
        vehicles=tuple(
            draw(vehicles(f"v{row}", places)) for row in range(draw(st.integers(0, most_vehicles)))
        ),
        travel=Travel(distance_m=draw(tables(places)), duration_s=draw(tables(places))),
    )


@st.composite
def orders(draw: st.DrawFn, problem: Problem) -> list[list[str]]:
    """Some of the stops, dealt to the vehicles in any order."""
    dealt: list[list[str]] = [[] for _ in problem.vehicles]
    for stop in draw(st.permutations(problem.stops)):
        row = draw(st.integers(-1, len(problem.vehicles) - 1))
        if row >= 0:
            dealt[row].append(stop.id)
    return dealt
