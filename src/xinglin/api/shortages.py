"""The shortage register by machine."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller, Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel

from xinglin.api.entry import ask, do, make
from xinglin.api.forms import (
    Cursor,
    Day,
    In,
    KeyHeader,
    Limit,
    Note,
    Page,
    Quantity,
    VersionHeader,
    id_cursor,
    page_of,
    version_of,
    with_version,
)
from xinglin.gate import Here, Visit
from xinglin.shortages import actions as shortages, queries as shortage_queries

Shown = Annotated[
    Literal["open", "closed", "all"],
    QueryParameter(name="state", description="Open entries, closed ones, or all."),
]
Priority = Literal["rescue", "mother_child", "chronic", "other"]


class ShortageIn(In):
    """What a place lacks."""

    place_id: UUID
    product_id: UUID
    quantity: Quantity
    note: Note = ""


class AnswerIn(In):
    """What will be done, and until when."""

    answer: Literal["purchase", "transfer", "substitute", "unavailable"]
    promised_on: Day | None = None
    note: Note = ""


class OutcomeIn(In):
    """What came of it."""

    outcome: Literal["supplied", "substituted", "unavailable", "withdrawn"]
    note: Note = ""


class ShortageOut(BaseModel):
    """An entry of the register. Base units."""

    id: UUID
    number: str
    state: str
    place_id: UUID
    place: str
    supplier_id: UUID
    supplier: str
    product_id: UUID
    generic_name: str
    dosage_form: str
    strength: str
    base_unit: str
    pack_unit: str
    pack_size: int
    quantity: int
    priority: str
    reason: str
    paper_id: UUID | None
    line_id: UUID | None
    note: str
    registered_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    answer: str | None
    answer_note: str
    promised_on: date | None
    closed_at: datetime | None
    outcome: str | None
    version: int


class Shortages(Controller):
    """What was asked for and could not be had."""

    path = "/shortages"
    tags = ("Shortages",)

    @ask("shortages.read")
    async def list(
        self, visit: Here, shown: Shown = "open", priority: FromQuery[Priority | None] = None,
        cursor: Cursor = None, limit: Limit = 50,
    ) -> Page[ShortageOut]:  # fmt: skip
        """Entries in reach, newest first."""
        found = await shortage_queries.shortages(
            visit.session, visit.actor, is_open={"open": True, "closed": False, "all": None}[shown],
            priority=priority, before=id_cursor(cursor), limit=limit,
        )  # fmt: skip
        return page_of(ShortageOut, found, limit, "id")

    @ask("shortages.read", "/{shortage_id:uuid}")
    async def read(self, visit: Here, shortage_id: FromPath[UUID]) -> Response[ShortageOut]:
        """One entry."""
        return await _now(visit, shortage_id)

    @make("shortages.register")
    async def register(
        self, visit: Here, data: JSONBody[ShortageIn], idempotency_key: KeyHeader
    ) -> Response[ShortageOut]:
        """Register what a place lacks."""
        entry = await shortages.register(
            visit.session, visit.actor, data.place_id, data.product_id, data.quantity, note=data.note
        )
        return await _now(visit, entry, status=201)

    @do("shortages.answer", "/{shortage_id:uuid}/answer")
    async def answer(
        self, visit: Here, shortage_id: FromPath[UUID], data: JSONBody[AnswerIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[ShortageOut]:  # fmt: skip
        """Say what will be done about it."""
        await shortages.answer(
            visit.session, visit.actor, shortage_id, data.answer, note=data.note, promised_on=data.promised_on,
            version=version_of(if_match),
        )  # fmt: skip
        return await _now(visit, shortage_id)

    @do("shortages.close", "/{shortage_id:uuid}/close")
    async def close(
        self, visit: Here, shortage_id: FromPath[UUID], data: JSONBody[OutcomeIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[ShortageOut]:  # fmt: skip
        """Close it with what came of it."""
        await shortages.close(
            visit.session,
            visit.actor,
            shortage_id,
            data.outcome,
            note=data.note,
            version=version_of(if_match),
        )
        return await _now(visit, shortage_id)


async def _now(visit: Visit, shortage_id: UUID, *, status: int = 200) -> Response[ShortageOut]:
    """An entry as it stands."""
    found = await shortage_queries.shortage(visit.session, visit.actor, shortage_id)
    return with_version(ShortageOut.model_validate(dict(found)), found["version"], status=status)
