"""What bodies and answers share: versions as ETags, pages by cursor, days and quantities within reason."""

import base64
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import HeaderParameter, QueryParameter
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)
from pydantic_core import PydanticCustomError

from xinglin.base.errors import N_, BadInput

Item = TypeVar("Item", bound=BaseModel)

KeyHeader = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[!-~]{8,200}$",
        description="New for each wish; sent again, the first answer comes back.",
    ),
]
VersionHeader = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description="The ETag the paper had when it was read.", required=False),
]
Cursor = Annotated[str | None, QueryParameter(name="cursor", max_length=1000, required=False)]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200)]
Query = Annotated[str, QueryParameter(name="q", max_length=100, required=False)]

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
LARGEST = 1_000_000_000
"""Of any quantity: below what the database counts in, above what a county can hold."""


def _only_text(value: Any) -> Any:
    """A number is no day: what looks like seconds since 1970 is a mistake here."""
    if not isinstance(value, str):
        raise PydanticCustomError("day_type", "not text")
    return value


def _only_whole(value: Any) -> Any:
    """Neither "24" nor true nor 24.0 is a number of tablets."""
    if type(value) is not int:
        raise PydanticCustomError("int_type", "not a whole number")
    return value


OnlyWhole = BeforeValidator(_only_whole, json_schema_input_type=int)
Day = Annotated[
    date, BeforeValidator(_only_text, json_schema_input_type=date), Field(ge=FIRST_DAY, le=LAST_DAY)
]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_only_text, json_schema_input_type=datetime),
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC)),
]
Note = Annotated[str, StringConstraints(max_length=500)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Quantity = Annotated[int, OnlyWhole, Field(gt=0, le=LARGEST, description="Whole base units.")]
Count = Annotated[int, OnlyWhole, Field(ge=0, le=LARGEST, description="Whole base units, or none.")]
Whole = Annotated[int, OnlyWhole, Field(ge=0, le=LARGEST)]
AboveZero = Annotated[int, OnlyWhole, Field(gt=0, le=LARGEST)]
UnitPrice = Annotated[
    Decimal, Field(ge=0, max_digits=13, decimal_places=4, description="Yuan per base unit.")
]


Yuan = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, Decimal) else value),
    Field(description="Yuan per base unit, as text, so that no digit is lost."),
]
"""A price in an answer."""


class In(BaseModel):
    """A body: unknown fields are a mistake, and no text holds a character the database cannot keep."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        if _has_nul(value):
            raise PydanticCustomError("nul", "NUL character")
        return value


def _has_nul(value: Any) -> bool:
    """Whether a text has one, or any text within plain lists and objects."""
    if isinstance(value, dict):
        return any(map(_has_nul, (*value, *value.values())))
    return (
        any(map(_has_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\x00" in value
    )


class NoteIn(In):
    """A remark."""

    note: Note = ""


class ReasonIn(In):
    """Why."""

    reason: Reason


class Made(BaseModel):
    """What came into being."""

    id: UUID


class Page(BaseModel, Generic[Item]):
    """Some of many; `next` is the cursor of the following page, null on the last."""

    items: list[Item]
    next: str | None = None


def page_of(kind: type[Item], rows: list[Any], limit: int, *keys: str) -> Page[Item]:
    """Rows as a page that goes on after the last row's `keys`."""
    is_full = len(rows) == limit
    return Page(
        items=[kind.model_validate(dict(row)) for row in rows],
        next=to_cursor(*(rows[-1][key] for key in keys)) if is_full else None,
    )


def version_of(etag: str | None) -> int | None:
    """The version an If-Match header names."""
    if etag is None or etag.strip() == "*":
        return None
    found = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', etag.strip(), re.ASCII)
    if not found:
        raise BadInput(
            N_('If-Match holds the ETag of the paper as it was read, such as "3"; {value} is none.'),
            value=etag[:80],
        )
    return int(found[1])


def with_version(body: Item, version: int, *, status: int = 200) -> Response[Item]:
    """An answer that says which version it is."""
    return Response(body, status_code=status, headers={"etag": f'"{version}"'})


def to_cursor(*parts: object) -> str:
    """Where a page ended, opaque to callers."""
    return base64.urlsafe_b64encode(msgspec.json.encode([str(part) for part in parts])).decode().rstrip("=")


def from_cursor(cursor: str | None, *kinds: Any) -> Any:
    """Where to go on: one value of each kind. Refuses anything that is no cursor of this service."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = msgspec.json.decode(text, type=list[str])
        if len(parts) != len(kinds) or any("\x00" in part for part in parts):
            raise ValueError(parts)
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, msgspec.MsgspecError):
        raise BadInput(N_("This is no cursor: take it from `next` of the page before.")) from None


def whole(text: str) -> int:
    """A number, out of a cursor."""
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def day(text: str) -> date:
    """A day within reason, out of a cursor."""
    found = date.fromisoformat(text)
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ValueError(text)
    return found


def instant(text: str) -> datetime:
    """An aware moment within reason, out of a cursor."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None or not FIRST_DAY <= found.date() <= LAST_DAY:
        raise ValueError(text)
    return found


def id_cursor(cursor: str | None) -> UUID | None:
    """A cursor that is one id."""
    found = from_cursor(cursor, UUID)
    return found[0] if found else None
