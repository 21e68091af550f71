"""Problems, plans and verdicts as plain JSON values, and back with every fault named."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from .check import Verdict
from .faults import Fault, ProblemError, Sentence, say
from .plan import LeftOut, Plan, Route
from .problem import Place, Problem, Stop, Travel, Vehicle

PROBLEM_FORM = "xinglin-routing-problem/1"
PLAN_FORM = "xinglin-routing-plan/1"


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """The problem as dicts, lists, text and numbers."""
    return {
        "form": PROBLEM_FORM,
        "name": problem.name,
        "places": [asdict(place) for place in problem.places],
        "stops": [asdict(stop) | {"windows": [list(w) for w in stop.windows]} for stop in problem.stops],
        "vehicles": [asdict(vehicle) | {"shift": list(vehicle.shift)} for vehicle in problem.vehicles],
        "travel": travel_to_json(problem.travel),
    }


def travel_to_json(travel: Travel) -> dict[str, Any]:
    """The travel tables as nested lists."""
    return {
        "distance_m": travel.distance_m.tolist(),
        "duration_s": travel.duration_s.tolist(),
        "source": travel.source,
        "note": travel.note,
    }


def problem_from_json(data: object) -> Problem:
    """Read a problem; refuses with ProblemError naming every wrong field."""
    reader = _Reader()
    values = reader.record(data, "", _PROBLEM)
    reader.form(values, PROBLEM_FORM)
    travel = reader.travel(values.pop("travel", None))
    reader.stop_if_faulty()
    assert travel is not None
    return Problem(travel=travel, **values)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as dicts, lists, text and numbers."""
    return {
        "form": PLAN_FORM,
        "routes": [asdict(route) | {"stops": list(route.stops)} for route in plan.routes],
        "left_out": [
            {"stop": left.stop, "kind": left.kind, "reason": _sentence_to_json(left.reason)}
            for left in plan.left_out
        ],
    }


def plan_from_json(data: object) -> Plan:
    """Read a plan; refuses with ProblemError naming every wrong field. Whether it is any good, `check` says."""
    reader = _Reader()
    values = reader.record(data, "", _PLAN)
    reader.form(values, PLAN_FORM)
    reader.stop_if_faulty()
    return Plan(**values)


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict for a screen or an API; violations carry template and params for translation."""
    return {
        "is_ok": verdict.is_ok,
        "cost": asdict(verdict.cost) | {"total_fen": verdict.cost.total_fen},
        "served": verdict.served,
        "left_out": verdict.left_out,
        **{name: getattr(verdict, name) for name in _SUMS},
        "routes": [asdict(sheet) | {"duration_s": sheet.duration_s} for sheet in verdict.routes],
        "violations": [
            asdict(violation) | {"what": _sentence_to_json(violation.what)}
            for violation in verdict.violations
        ],
    }


_SUMS = ("distance_m", "duration_s", "drive_s", "wait_s", "late_s")


def _sentence_to_json(sentence: Sentence) -> dict[str, Any]:
    return {"template": sentence.template, "params": sentence.params, "text": str(sentence)}


Read = Callable[["_Reader", object, str], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """How each field of a record is read, and what the record becomes."""

    reads: Mapping[str, Read]
    needed: frozenset[str]
    build: Callable[..., Any]


@dataclass(slots=True)
class _Reader:
    """Walks through JSON values and collects what is wrong, with where."""

    faults: list[Fault] = field(default_factory=list)

    def wrong(self, where: str, template: str, **params: str | int) -> None:
        self.faults.append(Fault(where or "the file", say(template, **params)))

    def stop_if_faulty(self) -> None:
        if self.faults:
            raise ProblemError(self.faults)

    def form(self, values: dict[str, Any], wanted: str) -> None:
        if (form := values.pop("form", wanted)) != wanted:
            self.wrong("form", "The form must be {wanted}, not {form}.", wanted=wanted, form=str(form))

    def record(self, value: object, where: str, form: _Form) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            self.wrong(where, "Must be an object, not {kind}.", kind=_kind(value))
            return {}
        for name in sorted(form.needed - set(value)):
            self.wrong(_under(where, name), "The field is missing.")
        for name in value:
            if name not in form.reads:
                known = ", ".join(form.reads)
                self.wrong(_under(where, str(name)), "No such field; there are {known}.", known=known)
        return {
            name: read(self, value[name], _under(where, name))
            for name, read in form.reads.items()
            if name in value
        }

    def built(self, value: object, where: str, form: _Form) -> Any:
        before = len(self.faults)
        values = self.record(value, where, form)
        return form.build(**values) if len(self.faults) == before else None

    def travel(self, value: object) -> Travel | None:
        try:
            built: Travel | None = self.built(value, "travel", _TRAVEL)
            return built
        except ProblemError as error:
            self.faults += error.faults
            return None


def _under(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


_KINDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number", list: "a list"}


def _kind(value: object) -> str:
    return "nothing" if value is None else _KINDS.get(type(value), "an object")


def _of(*types: type) -> Read:
    """Reads a value of one of these exact types (true is no number)."""

    def read(reader: _Reader, value: object, where: str) -> Any:
        if type(value) not in types:
            wanted = " or ".join(_KINDS[kind] for kind in types)
            reader.wrong(where, "Must be {wanted}, not {kind}.", wanted=wanted, kind=_kind(value))
        return value

    return read


def _maybe(inner: Read) -> Read:
    """Reads null as None."""
    return lambda reader, value, where: None if value is None else inner(reader, value, where)


def _many(inner: Read) -> Read:
    """Reads a list into a tuple."""

    def read(reader: _Reader, value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            reader.wrong(where, "Must be a list, not {kind}.", kind=_kind(value))
            return ()
        return tuple(inner(reader, one, f"{where}[{row}]") for row, one in enumerate(value))

    return read


def _pair(reader: _Reader, value: object, where: str) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        reader.wrong(where, "Must be a list of two whole seconds: from, to.")
        return (0, 0)
    return tuple(_whole(reader, edge, f"{where}[{row}]") for row, edge in enumerate(value))


def _grid(reader: _Reader, value: object, where: str) -> Any:
    rows = _many(_many(_of(int)))(reader, value, where)
    for row, cells in enumerate(rows):
        if len(cells) != len(rows):
            template = "The row must have {wanted} numbers, not {count}."
            reader.wrong(f"{where}[{row}]", template, wanted=len(rows), count=len(cells))
    return rows


def _values(reader: _Reader, value: object, where: str) -> tuple[tuple[str, str | int], ...]:
    if not isinstance(value, Mapping):
        reader.wrong(where, "Must be an object, not {kind}.", kind=_kind(value))
        return ()
    return tuple(
        (str(name), _of(str, int)(reader, one, _under(where, str(name)))) for name, one in value.items()
    )


def _nested(form: _Form) -> Read:
    return lambda reader, value, where: reader.built(value, where, form)


_text, _whole, _flag, _number = _of(str), _of(int), _of(bool), _of(int, float)
_loads: dict[str, Read] = {"load_g": _whole, "volume_cm3": _whole, "cold_cm3": _whole}


def _form(build: Any, **reads: Read) -> _Form:
    """A form whose needed fields are those without a default."""
    needed = {
        f.name for f in fields(build) if f.init and f.default is MISSING and f.default_factory is MISSING
    }
    return _Form(reads, frozenset(needed), build)


_PLACE = _form(Place, id=_text, lat=_number, lon=_number, name=_text)
_STOP = _form(
    Stop,
    id=_text,
    place=_text,
    **_loads,
    windows=_many(_pair),
    service_s=_whole,
    worth_fen=_maybe(_whole),
    forced=_flag,
    needs=_many(_text),
)
_VEHICLE = _form(
    Vehicle,
    id=_text,
    start=_text,
    end=_maybe(_text),
    **_loads,
    shift=_pair,
    max_duration_s=_maybe(_whole),
    fixed_fen=_whole,
    fen_per_km=_whole,
    fen_per_hour=_whole,
    skills=_many(_text),
    name=_text,
)
_TRAVEL = _form(Travel, distance_m=_grid, duration_s=_grid, source=_text, note=_text)
_PROBLEM = _form(
    Problem,
    form=_text,
    name=_text,
    places=_many(_nested(_PLACE)),
    stops=_many(_nested(_STOP)),
    vehicles=_many(_nested(_VEHICLE)),
    travel=lambda reader, value, where: value,
)
_ROUTE = _form(Route, vehicle=_text, stops=_many(_text), departure_s=_maybe(_whole))
_SENTENCE = _Form(
    {"template": _text, "params": _values, "text": _text},
    frozenset({"template"}),
    lambda template, params=(), text="": Sentence(template, params),
)
_LEFT_OUT = _form(LeftOut, stop=_text, kind=_text, reason=_nested(_SENTENCE))
_PLAN = _form(Plan, form=_text, routes=_many(_nested(_ROUTE)), left_out=_many(_nested(_LEFT_OUT)))
