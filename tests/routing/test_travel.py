"""Travel tables: the estimate says it is one, files tell their faults by line, closing closes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.routing import strategies
from xinglin_routing import WINTER, Place, ProblemError, Roads, closed, estimate, from_csv, from_numpy
from xinglin_routing.problem import Travel

SEAT = Place(id="seat", lat=44.32597, lon=85.62009)
NORTH = Place(id="north", lat=44.32597 + 0.5, lon=85.62009)
PLACES = (SEAT, NORTH)

points = st.builds(Place, id=st.just("p"), lat=st.floats(43, 46, width=32), lon=st.floats(84, 87, width=32))


def test_half_a_degree_north_is_76_road_kilometres_and_an_hour_and_a_quarter() -> None:
    travel = estimate(PLACES)
    # 55.6 km straight x 1.37; ten of them at 40 km/h, the rest at 70.
    assert abs(int(travel.distance_m[0, 1]) - 76_170) < 20
    assert abs(int(travel.duration_s[0, 1]) - (900 + 66_170 * 3600 // 70_000)) < 5


def test_an_estimate_says_so_and_names_its_assumptions() -> None:
    travel = estimate(PLACES)
    assert travel.source == "estimate"
    assert "Not measured on roads" in travel.note and "1.37" in travel.note


def test_winter_is_slower_and_no_farther() -> None:
    summer, winter = estimate(PLACES), estimate(PLACES, roads=WINTER)
    assert winter.duration_s[0, 1] > summer.duration_s[0, 1]
    assert winter.distance_m[0, 1] == summer.distance_m[0, 1]


@given(st.lists(points, min_size=3, max_size=6))
def test_no_detour_is_shorter_than_the_estimate_of_the_straight_way(places: list[Place]) -> None:
    travel = estimate(places)
    for table in (travel.distance_m, travel.duration_s):
        through = (table[:, :, None] + table[None, :, :]).min(axis=1)
        assert (table <= through).all() and (table == table.T).all()


@given(st.integers(1, 6).flatmap(lambda count: st.tuples(*[strategies.tables(count)] * 2)))
def test_closing_keeps_the_quickest_way_and_closes_but_once(tables: tuple[np.ndarray, np.ndarray]) -> None:
    before = Travel(distance_m=tables[0], duration_s=tables[1])
    after = closed(before)
    through = (after.duration_s[:, :, None] + after.duration_s[None, :, :]).min(axis=1)
    assert (after.duration_s <= before.duration_s).all()
    assert (after.duration_s <= through).all()
    assert closed(after) == after
    unchanged = after.duration_s == before.duration_s
    assert (after.distance_m <= before.distance_m)[unchanged].all()


def test_a_csv_file_gives_the_ways_in_the_order_of_the_places(tmp_path: Path) -> None:
    path = tmp_path / "ways.csv"
    path.write_text(
        "\ufefffrom,to,distance_m,duration_s\nnorth,seat,900,90\nseat,north,1000,80\n", encoding="utf-8"
    )
    travel = from_csv(path, PLACES, note="by hand")
    assert travel.distance_m.tolist() == [[0, 1000], [900, 0]]
    assert travel.duration_s.tolist() == [[0, 80], [90, 0]]
    assert (travel.source, travel.note) == ("matrix", "by hand")


def test_a_csv_file_with_faults_lists_them_all_by_line(tmp_path: Path) -> None:
    path = tmp_path / "ways.csv"
    path.write_text(
        "from,to,distance_m,duration_s\nseat,moon,1,1\nseat,north,-5,x\nseat,north,1,1\nseat,seat,3,0\n",
        encoding="utf-8",
    )
    with pytest.raises(ProblemError) as caught:
        from_csv(path, PLACES)
    assert [str(fault) for fault in caught.value.faults] == [
        "ways.csv:2: There is no place moon.",
        "ways.csv:3: distance_m must be a whole number from 0 to 100000000, not -5.",
        "ways.csv:3: duration_s must be a whole number from 0 to 100000000, not x.",
        "ways.csv:4: The way from seat to north is given twice.",
        "ways.csv:5: The way from a place to itself must be 0, not 3.",
        "ways.csv: There is no way from north to seat.",
    ]


def test_a_csv_file_without_its_columns_is_refused_at_line_one(tmp_path: Path) -> None:
    path = tmp_path / "ways.csv"
    path.write_text("from,to\n", encoding="utf-8")
    with pytest.raises(ProblemError, match="missing: distance_m, duration_s"):
        from_csv(path, PLACES)


def test_a_file_in_another_encoding_or_form_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ways.csv"
    path.write_bytes("from,to,distance_m,duration_s\n老沙湾".encode("gbk"))
    with pytest.raises(ProblemError, match="not UTF-8"):
        from_csv(path, PLACES)
    with pytest.raises(ProblemError, match=r"not an \.npz"):
        from_numpy(path)
    np.save(tmp_path / "one.npy", np.zeros((2, 2)))
    with pytest.raises(ProblemError, match="holds one array"):
        from_numpy(tmp_path / "one.npy")


def test_numpy_files_are_read_and_their_holes_named(tmp_path: Path) -> None:
    path = tmp_path / "ways.npz"
    np.savez(path, distance_m=[[0, 2], [3, 0]], duration_s=[[0, 4], [5, 0]])
    assert from_numpy(path).duration_s.tolist() == [[0, 4], [5, 0]]
    np.savez(path, distance_m=[[0, np.nan], [3, 0]])
    with pytest.raises(ProblemError, match="no array duration_s"):
        from_numpy(path)


def test_roads_can_be_told() -> None:
    fast = Roads(detour_percent=100, main_kmh=100, village_kmh=100)
    assert abs(int(estimate(PLACES, roads=fast).duration_s[0, 1]) - 2002) < 3
