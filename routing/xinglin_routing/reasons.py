"""Why a stop was left out, in words and numbers, found by asking the judge and not the solver."""

from collections.abc import Sequence

from .check import thousandths
from .faults import Sentence, say
from .insertion import Block, Search, is_possible, lacks
from .plan import LeftOut
from .problem import Problem, Stop, Vehicle
from .schedule import best_times, drive, path_of


def reason(search: Search, stop: Stop) -> LeftOut:
    """Why none of the plan's vehicles serves this stop."""
    problem = search.problem
    if not any(is_possible(problem, vehicle, stop) for vehicle in problem.vehicles):
        kind, what = _impossible(problem, stop)
    else:
        kind, what = _crowded(search, stop)
    return LeftOut(stop=stop.id, kind=kind, reason=what)


def _impossible(problem: Problem, stop: Stop) -> tuple[str, Sentence]:
    """Not even alone: what no vehicle has, or what no one vehicle has together, or the hours."""
    vehicles, place = problem.vehicles, problem.label_of(stop)
    if not vehicles:
        return "no_vehicle", say("There is no vehicle to serve {place}.", place=place)
    if simple := _beyond_all(vehicles, stop, place):
        return simple
    able = [vehicle for vehicle in vehicles if not lacks(vehicle, [stop])]
    if not able:
        what = "No one vehicle has all that {place} needs: {kg} kg, {litres} L, {cold} L cold, {skills}."
        return "no_vehicle", say(what, place=place, skills=_listed(stop.needs), **_sizes(stop))
    return _closed(problem, able, stop, place) or _too_long(problem, able, stop, place)


def _beyond_all(vehicles: Sequence[Vehicle], stop: Stop, place: str) -> tuple[str, Sentence] | None:
    """A need that no vehicle at all can meet."""
    if not any(set(stop.needs) <= set(vehicle.skills) for vehicle in vehicles):
        what = "No vehicle has what {place} needs: {skills}."
        return "no_skill", say(what, place=place, skills=_listed(stop.needs))
    if stop.load_g > (most := max(vehicle.load_g for vehicle in vehicles)):
        what = "{place} needs {kg} kg; the largest vehicle carries {most} kg."
        return "too_heavy", say(what, place=place, kg=thousandths(stop.load_g), most=thousandths(most))
    if stop.volume_cm3 > (most := max(vehicle.volume_cm3 for vehicle in vehicles)):
        what = "{place} needs {litres} L; the largest vehicle holds {most} L."
        return "too_bulky", say(
            what, place=place, litres=thousandths(stop.volume_cm3), most=thousandths(most)
        )
    if stop.cold_cm3 > (most := max(vehicle.cold_cm3 for vehicle in vehicles)):
        what = "{place} needs {litres} L of cold box; the largest holds {most} L."
        return "no_cold_box", say(
            what, place=place, litres=thousandths(stop.cold_cm3), most=thousandths(most)
        )
    return None


def _closed(
    problem: Problem, vehicles: Sequence[Vehicle], stop: Stop, place: str
) -> tuple[str, Sentence] | None:
    """The door is closed for good before the first vehicle comes."""
    if not stop.windows:
        return None
    arrivals = [drive(path_of(problem, v, [stop]), v.shift[0]).arrivals_s[0] for v in vehicles]
    if (first_s := min(arrivals)) <= stop.windows[-1][1]:
        return None
    what = "{place} closes at {closes}; the first vehicle can be there at {arrives}."
    # The arrival is rounded up, so that it never reads as in time.
    arrives, closes = _clock(first_s + 59), _clock(stop.windows[-1][1])
    return "closed", say(what, place=place, closes=closes, arrives=arrives)


def _too_long(problem: Problem, vehicles: Sequence[Vehicle], stop: Stop, place: str) -> tuple[str, Sentence]:
    """It is reached in time, but the vehicle cannot be back in time or is out too long."""
    overs = []
    for vehicle in vehicles:
        times = best_times(path_of(problem, vehicle, [stop]), vehicle)
        over_s = max(times.return_s - vehicle.shift[1], times.duration_s - vehicle.longest_s)
        overs.append((over_s, vehicle.label))
    over_s, label = min(overs)
    what = "Serving only {place} keeps {vehicle} out {minutes} min longer than it may be."
    return "too_far", say(what, place=place, vehicle=label, minutes=-(-over_s // 60))


def _crowded(search: Search, stop: Stop) -> tuple[str, Sentence]:
    """Possible alone, but not beside the others, or not at its price."""
    best = search.best(stop)
    place = search.problem.label_of(stop)
    if best:
        what = "Serving {place} would cost {extra} yuan more; leaving it out costs {worth} yuan."
        return "not_worth", say(
            what, place=place, extra=_yuan(best.extra_fen), worth=_yuan(stop.worth_fen or 0)
        )
    if search.trials_left <= 0:
        return "no_place_found", say("No place was found for {place} beside the other stops.", place=place)
    return _full(search.blocks(stop), stop, place)


def _full(blocks: set[Block], stop: Stop, place: str) -> tuple[str, Sentence]:
    sizes = _sizes(stop)
    if blocks == {"load"}:
        what = "Beside the other stops no vehicle has {kg} kg left for {place}."
        return "full_load", say(what, place=place, kg=sizes["kg"])
    if blocks == {"volume"}:
        what = "Beside the other stops no vehicle has {litres} L left for {place}."
        return "full_volume", say(what, place=place, litres=sizes["litres"])
    if blocks == {"cold"}:
        what = "Beside the other stops no cold box has {litres} L left for {place}."
        return "full_cold", say(what, place=place, litres=sizes["cold"])
    if blocks == {"time"}:
        return "full_time", say("Beside the other stops no vehicle has time left for {place}.", place=place)
    return "full", say(
        "Beside the other stops no vehicle has both room and time left for {place}.", place=place
    )


def _sizes(stop: Stop) -> dict[str, str]:
    return {
        "kg": thousandths(stop.load_g),
        "litres": thousandths(stop.volume_cm3),
        "cold": thousandths(stop.cold_cm3),
    }


def _listed(skills: Sequence[str]) -> str:
    return ", ".join(skills) or "-"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}" if fen >= 0 else f"-{_yuan(-fen)}"
