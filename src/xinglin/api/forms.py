"""What the API's answers share: versions as ETags, pages by cursor, quantities checked."""

import base64
import re
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import HeaderParameter, QueryParameter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from xinglin.base.errors import N_, BadInput

Item = TypeVar("Item")

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
Cursor = Annotated[str | None, QueryParameter(name="cursor", max_length=400, required=False)]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200)]
Note = Annotated[str, StringConstraints(max_length=500)]
Quantity = Annotated[int, Field(gt=0, le=1_000_000_000, description="Whole base units.")]


class In(BaseModel):
    """A body: unknown fields are a mistake."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """Some of many; `next` is the cursor of the following page, null on the last."""

    items: list[Item]
    next: str | None = None


def version_of(etag: str | None) -> int | None:
    """The version an If-Match header names."""
    if etag is None or etag.strip() == "*":
        return None
    found = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', etag.strip())
    if not found:
        raise BadInput(
            N_('If-Match holds the ETag of the paper as it was read, such as "3"; {value} is none.'),
            value=etag,
        )
    return int(found[1])


def with_version(body: Any, version: int, *, status: int = 200) -> Response[Any]:
    """An answer that says which version it is."""
    return Response(body, status_code=status, headers={"etag": f'"{version}"'})


def to_cursor(*parts: object) -> str:
    """Where a page ended, opaque to callers."""
    return base64.urlsafe_b64encode(msgspec.json.encode([str(part) for part in parts])).decode().rstrip("=")


def from_cursor(cursor: str | None, length: int) -> list[str] | None:
    """Where to go on. Refuses anything that is no cursor of this service."""
    if cursor is None:
        return None
    try:
        parts = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str]
        )
    except (ValueError, msgspec.DecodeError):
        parts = []
    if len(parts) != length:
        raise BadInput(N_("This is no cursor: take it from `next` of the page before."))
    return parts


def id_cursor(cursor: str | None) -> UUID | None:
    """A cursor that is one id."""
    parts = from_cursor(cursor, 1)
    if parts is None:
        return None
    try:
        return UUID(parts[0])
    except ValueError:
        raise BadInput(N_("This is no cursor: take it from `next` of the page before.")) from None
