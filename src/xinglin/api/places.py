"""Places by machine."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel, Field, StringConstraints

from xinglin.api.entry import ask, change, make
from xinglin.api.forms import (
    Cursor,
    In,
    KeyHeader,
    Limit,
    Name,
    OnlyWhole,
    Page,
    Reason,
    Whole,
    Word,
    from_cursor,
    to_cursor,
    whole,
)
from xinglin.base.errors import N_, BadInput
from xinglin.gate import Here
from xinglin.places import actions as places, queries as place_queries
from xinglin.places.models import Place
from xinglin.places.rules import PlaceKind

Second = Annotated[int, OnlyWhole, Field(ge=0, le=24 * 3600)]
Window = Annotated[list[Second], Field(min_length=2, max_length=2)]
Opening = Annotated[
    list[Window], Field(max_length=12, description="From and to, in seconds of the county's day, in order.")
]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
Membership = Literal["member", "extension_point", "loose", "outside"]


class PlaceIn(In):
    """A place to be added."""

    code: Code
    kind: PlaceKind
    name: Name
    name_en: Word = ""
    membership: Membership = "member"
    town: Word = ""
    supplied_by_id: UUID | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    is_position_synthetic: bool = False
    opening: Opening = []
    population: Whole = 0
    contact: Word = ""
    phone: Word = ""


class PlaceChangesIn(In):
    """What is to be changed; everything not named stays. `reason` goes into the trail."""

    name: Name = ""
    name_en: Word = ""
    membership: Membership = "member"
    supplied_by_id: UUID | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    is_position_synthetic: bool = False
    opening: Opening = []
    population: Whole = 0
    contact: Word = ""
    phone: Word = ""
    closed: bool = False
    reason: Reason


class PlaceOut(BaseModel):
    """A place as it is known."""

    id: UUID
    no: int
    code: str
    kind: str
    name: str
    name_en: str
    tier: str | None
    membership: str
    town: str
    supplied_by_id: UUID | None
    latitude: float | None
    longitude: float | None
    is_position_synthetic: bool
    opening: list[list[int]]
    population: int
    contact: str
    phone: str
    closed: bool


class Places(Controller):
    """Where goods can be."""

    path = "/places"
    tags = ("Places",)

    @ask("places.read")
    async def list(
        self, visit: Here, kind: FromQuery[PlaceKind | None] = None, cursor: Cursor = None, limit: Limit = 100
    ) -> Page[PlaceOut]:
        """Places in reach, by number."""
        (after,) = from_cursor(cursor, whole) or (0,)
        found = await place_queries.places(
            visit.session, visit.actor, kinds=[kind] if kind else [], after_no=after, limit=limit
        )
        return Page(
            items=[place_out(place.model_dump()) for place in found],
            next=to_cursor(found[-1].no) if len(found) == limit else None,
        )

    @ask("places.read", "/{place_id:uuid}")
    async def read(self, visit: Here, place_id: FromPath[UUID]) -> PlaceOut:
        """One place in reach."""
        return place_out(dict(await place_queries.place_in_reach(visit.session, visit.actor, place_id)))

    @make("places.add")
    async def add(self, visit: Here, data: JSONBody[PlaceIn], idempotency_key: KeyHeader) -> PlaceOut:
        """Add a place to the county."""
        place = Place(no=0, **data.model_dump())
        return place_out((await places.add(visit.session, visit.actor, place)).model_dump())

    @change("places.amend", "/{place_id:uuid}")
    async def amend(
        self,
        visit: Here,
        place_id: FromPath[UUID],
        data: JSONBody[PlaceChangesIn],
        idempotency_key: KeyHeader,
    ) -> PlaceOut:
        """Change what is known of a place; what it was before stays in the trail."""
        changes = data.model_dump(exclude_unset=True, exclude={"reason"})
        if not changes:
            raise BadInput(N_("Name at least one thing to be changed."))
        place = await places.amend(visit.session, visit.actor, place_id, changes, reason=data.reason)
        return place_out(place.model_dump())


def place_out(row: dict[str, Any]) -> PlaceOut:
    """A place from its row, whose opening hours may still be text."""
    opening = row["opening"]
    return PlaceOut.model_validate(
        row | {"opening": msgspec.json.decode(opening) if isinstance(opening, str) else opening}
    )
