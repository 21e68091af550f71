"""What is wrong with a request: each fault with its place and one sentence of what would be right."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, NamedTuple, get_args, get_origin
from uuid import UUID

from litestar import Request
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import ParameterKwarg
from litestar.typing import FieldDefinition
from pydantic import BaseModel, ValidationError

from xinglin.base.errors import N_, BadInput

Anything = Request[Any, Any, Any]
SECRETS = ("password", "token", "signature")
LONGEST_SHOWN = 40


class Wrong(NamedTuple):
    """A fault: where, and a template with its fields."""

    where: str
    message: str
    fields: dict[str, Any]


class ManyFaults(BadInput):
    """A file or list with several faults: all are told, and nothing is written."""

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__(wrong[0].message, **wrong[0].fields)
        self.wrong = list(wrong)


WHOLE = N_("Must be a whole number, not {value}.")
DECIMAL = N_("Must be a number such as 12.5, not {value}.")
PLACES = N_("Has too many digits: at most {whole} before and {places} after the point.")
TEXT = N_("Must be text, not {value}.")
YES_NO = N_("Must be true or false, not {value}.")
ID = N_("Must be an id such as 01981b5e-3c00-7000-8000-000000000001, not {value}.")
DAY = N_("Must be a day such as 2026-03-14, not {value}.")
INSTANT = N_("Must be a moment with its zone such as 2026-03-14T08:30:00+08:00, not {value}.")
LIST = N_("Must be a list, not {value}.")
OBJECT = N_("Must be an object with named fields, not {value}.")
CHOICE = N_("Must be one of {choices}, not {value}.")
MISSING = N_("Is missing.")
OTHER = N_("Cannot be taken as it is: {value}.")
NUL = N_("Holds a NUL character, which no text has: leave it out.")

BY_KIND = {
    "missing": MISSING,
    "extra_forbidden": N_("Is not known here; possible are {choices}."),
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_from_float": WHOLE,
    "float_type": DECIMAL,
    "float_parsing": DECIMAL,
    "finite_number": DECIMAL,
    "decimal_type": DECIMAL,
    "decimal_parsing": DECIMAL,
    "decimal_max_digits": PLACES,
    "decimal_max_places": PLACES,
    "decimal_whole_digits": PLACES,
    "greater_than": N_("Must be above {gt}, not {value}."),
    "greater_than_equal": N_("Must be {ge} or more, not {value}."),
    "less_than": N_("Must be below {lt}, not {value}."),
    "less_than_equal": N_("Must be {le} or less, not {value}."),
    "string_type": TEXT,
    "string_unicode": TEXT,
    "string_too_short": N_("Is too short: at least {min_length} characters."),
    "string_too_long": N_("Is too long: at most {max_length} characters."),
    "string_pattern_mismatch": N_("Is not of the form {pattern}."),
    "bool_type": YES_NO,
    "bool_parsing": YES_NO,
    "uuid_type": ID,
    "uuid_parsing": ID,
    "day_type": DAY,
    "date_type": DAY,
    "date_parsing": DAY,
    "date_from_datetime_parsing": DAY,
    "date_from_datetime_inexact": DAY,
    "datetime_type": INSTANT,
    "datetime_parsing": INSTANT,
    "datetime_from_date_parsing": INSTANT,
    "datetime_object_invalid": INSTANT,
    "timezone_aware": INSTANT,
    "list_type": LIST,
    "tuple_type": LIST,
    "too_long": N_("Has {actual_length} entries: at most {max_length}."),
    "too_short": N_("Has {actual_length} entries: at least {min_length}."),
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "dict_type": OBJECT,
    "literal_error": CHOICE,
    "enum": CHOICE,
    "nul": NUL,
}
"""Sentences by pydantic's kind of error."""


def faults_of(request: Anything, error: HTTPException) -> list[Wrong]:
    """Everything wrong with a request that could not be read; empty if that is not what happened."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ValidationError):
            return body_faults(request, cause)
        cause = cause.__cause__
    if isinstance(error, ValidationException):
        return list(parameter_faults(request, error))
    return []


def body_faults(request: Anything, error: ValidationError) -> list[Wrong]:
    """The faults of a body, as pydantic found them."""
    body = _parameters(request).get("data")
    return [
        _body_fault(fault, body.annotation if body else None) for fault in error.errors(include_url=False)
    ]


def _body_fault(fault: Any, model: Any) -> Wrong:
    steps: tuple[int | str, ...] = fault["loc"]
    context = {"min_length": 0, "max_length": 0, "actual_length": 0} | fault.get("ctx", {})
    choices = context.get("expected") or ", ".join(_fields_at(model, steps[:-1]))
    digits = int(context.get("max_digits", 13)), int(context.get("decimal_places", 4))
    fields = context | {
        "value": shown(fault["input"], steps), "choices": str(choices).replace("'", "").replace(" or ", ", "),
        "whole": digits[0] - digits[1], "places": digits[1],
    }  # fmt: skip
    message = BY_KIND.get(fault["type"], OTHER)
    return Wrong(_path(steps), message, {name: str(value) for name, value in fields.items()})


def _path(steps: Sequence[int | str]) -> str:
    """`lines[0].quantity`; the whole body is `body`."""
    told = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return told.lstrip(".")[:200] or "body"


def _fields_at(model: Any, steps: Sequence[int | str]) -> list[str]:
    """The names of the fields an object at this place may have."""
    found = _model_in(model)
    for step in steps:
        if found is not None and isinstance(step, str):
            field = found.model_fields.get(step)
            found = _model_in(field.annotation) if field else None
    return list(found.model_fields) if found else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model within `list[Model]`, `Model | None` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def shown(value: Any, steps: Sequence[int | str] = ()) -> str:
    """What was sent, as it was written, cut short; never a secret."""
    if any(word in str(step).lower() for step in steps for word in SECRETS):
        return "***"
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = type(value).__name__
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= LONGEST_SHOWN else clean[: LONGEST_SHOWN - 1] + "…"


def parameter_faults(request: Anything, error: ValidationException) -> Iterator[Wrong]:
    """The faults of query, path and header parameters, told by what would be right."""
    known = _parameters(request)
    extra = [item for item in error.extra or () if isinstance(item, dict)]
    names = [str(item.get("key", "")).partition(".")[0] for item in extra]
    if isinstance(error.__cause__, KeyError):
        names = [str(error.__cause__.args[0])]
    for name in names:
        definition = known.get(name) or _by_alias(known, name)
        if definition is None or name == "data":
            missing_body = name == "data" or "data" in known
            yield Wrong(
                "body" if missing_body else name or "?", MISSING if missing_body else OTHER, {"value": name}
            )
        else:
            yield _parameter_fault(request, definition)
    if not names:
        yield Wrong("body" if "data" in known else "?", MISSING if "data" in known else OTHER, {"value": ""})


def _parameters(request: Anything) -> dict[str, FieldDefinition]:
    """What the handler takes."""
    return dict(request.route_handler.parsed_fn_signature.parameters)


def _by_alias(known: dict[str, FieldDefinition], alias: str) -> FieldDefinition | None:
    return next((one for one in known.values() if alias_of(one).lower() == alias.lower()), None)


def alias_of(definition: FieldDefinition) -> str:
    """The name a parameter has on the wire."""
    kwarg = definition.kwarg_definition
    named = kwarg.name if isinstance(kwarg, ParameterKwarg) else None
    return named or definition.name


def _parameter_fault(request: Anything, definition: FieldDefinition) -> Wrong:
    alias = alias_of(definition)
    sent = request.query_params.get(alias) or request.headers.get(alias) or request.path_params.get(alias)
    if sent is None:
        return Wrong(alias, MISSING, {})
    kwarg: Any = definition.kwarg_definition
    limits = {
        name: getattr(kwarg, name, None) for name in ("ge", "le", "min_length", "max_length", "pattern")
    }
    message = expectation(definition.annotation, limits)
    fields = {name: value for name, value in limits.items() if value is not None}
    return Wrong(
        alias, message, fields | {"value": shown(str(sent)), "choices": choices_of(definition.annotation)}
    )


def expectation(annotation: Any, limits: dict[str, Any]) -> str:
    """The sentence that says what a parameter should have been."""
    kinds = [kind for kind in (get_args(annotation) or (annotation,)) if kind is not type(None)]
    if choices_of(annotation):
        return CHOICE
    if int in kinds and limits["le"] is not None:
        return N_("Must be a whole number from {ge} to {le}, not {value}.")
    if str in kinds and limits["max_length"] is not None:
        return BY_KIND["string_too_long"]
    by_kind = {bool: YES_NO, int: WHOLE, UUID: ID, datetime: INSTANT, date: DAY}
    return next((by_kind[kind] for kind in kinds if kind in by_kind), OTHER)


def choices_of(annotation: Any) -> str:
    """The words a parameter may be, where they are few."""
    if get_origin(annotation) is Literal:
        return ", ".join(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(one.value) for one in annotation)
    return next(filter(None, map(choices_of, get_args(annotation))), "")
