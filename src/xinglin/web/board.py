"""What plans and runs look like: routes with their hours and bars, what was left out and why, the map."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from xinglin.base import clock, language
from xinglin.base.database import Row

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Words = Callable[[str, Mapping[str, Any]], str]


def hour(second_of_day: int) -> str:
    """A second of the county's day as a clock shows it."""
    return f"{second_of_day // 3600:02}:{second_of_day % 3600 // 60:02}"


def hours(windows: Iterable[Sequence[int]]) -> str:
    """When a door is open: 10:00–14:00, 16:00–20:00."""
    return ", ".join(f"{hour(start)}–{hour(end)}" for start, end in windows)


def letter(position: int) -> str:
    """The letter of a route, as the map gives it."""
    return LETTERS[position] if position < len(LETTERS) else str(position + 1)


def routes_of(problem: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every vehicle of a plan with its stops in order; those that drive first, each with its letter."""
    stops = {stop["id"]: stop for stop in problem["stops"]}
    names = {place["id"]: place["name"] or place["id"] for place in problem["places"]}
    vehicles = {vehicle["id"]: vehicle for vehicle in problem["vehicles"]}
    driving = [
        {
            "vehicle": vehicles[sheet["vehicle"]],
            "sheet": sheet,
            "letter": letter(position),
            "cost_fen": sum(fen for kind, fen in sheet["cost"].items() if kind != "total_fen"),
            "bars": bars(sheet, vehicles[sheet["vehicle"]]),
            "visits": [_visit(visit, stops, names) for visit in sheet["visits"]],
        }
        for position, sheet in enumerate(verdict["routes"])
    ]
    used = {sheet["vehicle"] for sheet in verdict["routes"]}
    resting = [
        {"vehicle": vehicle, "sheet": None, "letter": "", "cost_fen": 0, "bars": [], "visits": []}
        for id, vehicle in vehicles.items()
        if id not in used
    ]
    return driving + resting


def _visit(visit: Mapping[str, Any], stops: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    stop = stops[visit["stop"]]
    return dict(visit) | {
        "name": names[visit["place"]], "load_g": stop["load_g"], "cold_cm3": stop["cold_cm3"],
        "forced": stop["forced"], "open": hours(stop["windows"]), "arrives": hour(visit["arrival_s"]),
        "leaves": hour(visit["leave_s"]),
    }  # fmt: skip


def bars(load: Mapping[str, Any], vehicle: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """What rides against what may ride: (kind, on board, capacity) in g and cm³; no bar where nothing fits."""
    kinds = ("load_g", "volume_cm3", "cold_cm3")
    return [(kind, load[kind], vehicle[kind]) for kind in kinds if vehicle[kind] or load[kind]]


def left_out_of(problem: Mapping[str, Any], result: Mapping[str, Any], words: Words) -> list[dict[str, Any]]:
    """The stops nobody visits, each with the reason in the reader's language."""
    stops = {stop["id"]: stop for stop in problem["stops"]}
    names = {place["id"]: place["name"] or place["id"] for place in problem["places"]}
    return [
        {
            "stop": left["stop"],
            "name": names[stops[left["stop"]]["place"]],
            "why": words(left["reason"]["template"], left["reason"]["params"]),
            "load_g": stops[left["stop"]]["load_g"],
            "open": hours(stops[left["stop"]]["windows"]),
            "forced": stops[left["stop"]]["forced"],
        }
        for left in result["left_out"]
    ]


def plan_map(
    problem: Mapping[str, Any], routes: Sequence[Mapping[str, Any]], left_out: Sequence[Mapping[str, Any]],
    say: language.Speech,
) -> dict[str, Any]:  # fmt: skip
    """A plan as features for the map: routes first, so that their letters are those of the lists."""
    at = {place["id"]: (place["lon"], place["lat"]) for place in problem["places"]}
    place_of = {stop["id"]: stop["place"] for stop in problem["stops"]}
    features = []
    for route in routes:
        if route["sheet"]:
            vehicle, sheet = route["vehicle"], route["sheet"]
            way = [at[vehicle["start"]], *(at[visit["place"]] for visit in route["visits"])]
            way.append(at[vehicle["end"] or vehicle["start"]])
            text = f"{say.distance(sheet['distance_m'])} · {say.duration(sheet['duration_s'])}"
            features.append(line(way, vehicle["id"], vehicle["name"] or vehicle["id"], text))
    for route in routes:
        features += [
            point(
                at[visit["place"]],
                kind="stop",
                route=route["vehicle"]["id"],
                number=number,
                name=visit["name"],
                text=f"{visit['arrives']} · {say.weight(visit['load_g'])}",
            )
            for number, visit in enumerate(route["visits"], 1)
        ]
    features += [
        point(at[place_of[left["stop"]]], kind="left_out", name=left["name"], text=left["why"])
        for left in left_out
    ]
    depots = {vehicle["start"] for vehicle in problem["vehicles"]}
    names = {place["id"]: place["name"] for place in problem["places"]}
    features += [point(at[id], kind="depot", name=names[id]) for id in sorted(depots)]
    return collection(features)


def runs_map(runs: Sequence[Row], stops: Sequence[Row], say: language.Speech) -> dict[str, Any]:
    """The runs of a day as features for the map: planned ways, stops with their planned hour and what came of them."""
    features: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for run in runs:
        start = (run["depot_longitude"], run["depot_latitude"])
        own = [stop for stop in stops if stop["run_id"] == run["id"] and stop["longitude"] is not None]
        way = [start, *((stop["longitude"], stop["latitude"]) for stop in own), start]
        text = f"{say.distance(run['distance_m'])} · {say.duration(run['duration_s'])}"
        features.append(line(way, str(run["id"]), run["plate"], text))
        for stop in own:
            done = f" → {say.time(stop['handed_over_at'])}" if stop["handed_over_at"] else ""
            marks.append(
                point(
                    (stop["longitude"], stop["latitude"]), kind="stop", route=str(run["id"]),
                    number=stop["position"], name=stop["name"],
                    text=f"{say.time(stop['planned_arrival_at'])}{done} · {say.weight(stop['load_g'])}",
                )
            )  # fmt: skip
    return collection(features + marks)


def places_map(places: Iterable[Any], kind: str) -> list[dict[str, Any]]:
    """Places that orient the reader: depots, townships."""
    return [
        point((place.longitude, place.latitude), kind=kind, name=place.name)
        for place in places
        if place.longitude is not None
    ]


def line(way: Sequence[tuple[float, float]], route: str, name: str, text: str) -> dict[str, Any]:
    """A route on the map."""
    geometry = {"type": "LineString", "coordinates": [list(spot) for spot in way]}
    shown = {"route": route, "route_name": name, "name": name, "text": text}
    return {"type": "Feature", "geometry": geometry, "properties": shown}


def point(spot: tuple[float, float], **shown: Any) -> dict[str, Any]:
    """A spot on the map."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(spot)},
        "properties": shown,
    }


def collection(features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """GeoJSON."""
    return {"type": "FeatureCollection", "features": list(features)}


def punctuality(stops: Iterable[Row], on_time: timedelta) -> dict[str, int]:
    """How many stops are done, and how many of them in time."""
    done = [stop for stop in stops if stop["handed_over_at"]]
    kept = [stop for stop in done if stop["handed_over_at"] <= stop["planned_arrival_at"] + on_time]
    return {"done": len(done), "on_time": len(kept)}


def seconds_of(text: str) -> int | None:
    """A time of day as a form writes it, 07:30, in seconds of the county's day; None if it is none."""
    hours_text, _, minutes = text.strip().partition(":")
    if not (hours_text.isascii() and minutes.isascii() and hours_text.isdigit() and minutes.isdigit()):
        return None
    seconds = int(hours_text) * 3600 + int(minutes) * 60
    return seconds if int(minutes) < 60 and seconds <= 24 * 3600 else None


def next_departure() -> tuple[date, str]:
    """For when a plan is most likely wanted: today from now on, or after noon the whole of tomorrow."""
    now_s = clock.second_of_day(clock.now())
    if now_s >= 12 * 3600:
        return clock.today() + timedelta(days=1), ""
    return clock.today(), hour(-(-now_s // 600) * 600)
