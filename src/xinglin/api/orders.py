"""Requisitions by machine."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field

from xinglin.api.entry import ask, do, make, replace
from xinglin.api.forms import (
    Count,
    Cursor,
    In,
    KeyHeader,
    Limit,
    Note,
    NoteIn,
    Page,
    Quantity,
    Reason,
    VersionHeader,
    Yuan,
    id_cursor,
    page_of,
    version_of,
    with_version,
)
from xinglin.base.language import translate
from xinglin.gate import Here, Visit
from xinglin.orders import actions as orders, queries as order_queries
from xinglin.orders.rules import Asked, Rejected

State = Literal[
    "draft", "submitted", "returned", "approved", "allocated", "picked", "shipped", "closed", "cancelled"
]
StateQuery = Annotated[State | None, QueryParameter(name="state", required=False)]


class AskedIn(In):
    """A product and how many base units of it, in whole packs."""

    product_id: UUID
    quantity: Quantity


class RequisitionIn(In):
    """A requisition to be made; with `submit` it is sent at once."""

    place_id: UUID
    lines: Annotated[list[AskedIn], Field(max_length=2000)]
    is_urgent: bool = False
    note: Note = ""
    submit: bool = True


class LinesIn(In):
    """All lines of a draft as they are now wanted."""

    lines: Annotated[list[AskedIn], Field(max_length=2000)]
    is_urgent: bool | None = None
    note: Note | None = None


class ChangedIn(In):
    """Another quantity than was asked for, and why."""

    line_id: UUID
    quantity: Count
    note: Reason


class ApprovalIn(In):
    """What is approved otherwise than asked; everything else as asked."""

    changes: Annotated[list[ChangedIn], Field(max_length=2000)] = []
    note: Note = ""


class AllocationIn(In):
    """Which of a supplier's approved requisitions share; without a list, all."""

    supplier_id: UUID
    requisitions: Annotated[list[UUID], Field(max_length=2000)] | None = None


class ShortPickIn(In):
    """A hold of which fewer units lay on the shelf, and what was seen."""

    hold_id: UUID
    quantity: Count
    reason: Reason


class PickIn(In):
    """What was not found as promised; everything else was."""

    short: Annotated[list[ShortPickIn], Field(max_length=2000)] = []


class RejectedOut(BaseModel):
    """A line that could not stay, and why."""

    product_id: UUID
    message: str


class PlacedOut(BaseModel):
    """A requisition after lines were put on it."""

    id: UUID
    number: str
    version: int
    lines: int
    rejected: list[RejectedOut]


class RequisitionOut(BaseModel):
    """A requisition as it stands."""

    id: UUID
    number: str
    state: str
    place_id: UUID
    place: str
    supplier_id: UUID
    supplier: str
    made_on: date
    made_by: str
    is_urgent: bool
    note: str
    review_note: str
    submitted_at: datetime | None
    approved_at: datetime | None
    allocated_at: datetime | None
    picked_at: datetime | None
    shipped_at: datetime | None
    closed_at: datetime | None
    version: int


class LineOut(BaseModel):
    """A line: the four numbers apart, what was allocated, picked, shipped, and what came of it. Base units."""

    id: UUID
    product_id: UUID
    code: str
    generic_name: str
    dosage_form: str
    strength: str
    base_unit: str
    pack_unit: str
    pack_size: int
    asked: int
    suggested: int
    approved: int | None
    approval_note: str
    rationed: int | None
    ration_reason: str
    passed_over: list[dict[str, Any]]
    allocated: int
    picked: int
    shipped: int
    accepted: int
    damaged: int
    short: int
    refused: int
    unit_price: Yuan


class RequisitionWithLines(RequisitionOut):
    """A requisition with its lines."""

    lines: list[LineOut]


class WaveOut(BaseModel):
    """What one round of allocation came to. Base units."""

    requisitions: int
    lines: int
    approved: int
    allocated: int
    shortages: int


class PickedOut(BaseModel):
    """How many lots were picked."""

    lots: int


class ProposedOut(BaseModel):
    """A line the place should send now, and why. Base units, in whole packs."""

    product_id: UUID
    name: str
    quantity: int
    pack_size: int
    pack_unit: str
    unit_price: Yuan
    reason: str


class ProposalOut(BaseModel):
    """The basket a place should send now."""

    lines: list[ProposedOut]


def placed_out(visit: Visit, placed: orders.Placed) -> PlacedOut:
    """What came of putting lines on a requisition, in the reader's language."""
    return PlacedOut(
        id=placed.id, number=placed.number, version=placed.version, lines=placed.lines,
        rejected=[RejectedOut(product_id=line.product_id, message=reason(visit, line)) for line in placed.rejected],
    )  # fmt: skip


def reason(visit: Visit, line: Rejected) -> str:
    """Why a line could not stay."""
    return translate(visit.locale, line.message, **line.fields)


def line_out(visit: Visit, row: Any) -> LineOut:
    """A line with its reasons in words."""
    ration = msgspec.json.decode(row["ration_text"]) if row["ration_text"] else None
    passed = msgspec.json.decode(row["passed_over_text"]) if row["passed_over_text"] else []
    said = translate(visit.locale, ration["message"], **ration["fields"]) if ration else ""
    return LineOut.model_validate(
        {**row, "ration_reason": said,
         "passed_over": [lot | {"message": translate(visit.locale, lot["message"])} for lot in passed]}
    )  # fmt: skip


def proposed_out(visit: Visit, line: Any) -> ProposedOut:
    """A proposed line with its reason in words."""
    return ProposedOut(reason=translate(visit.locale, line["message"], **line["fields"]), **{
        name: line[name] for name in ProposedOut.model_fields if name != "reason"
    })  # fmt: skip


def asked(lines: list[AskedIn]) -> list[Asked]:
    """Lines as the room wants them."""
    return [Asked(line.product_id, line.quantity) for line in lines]


class Requisitions(Controller):
    """From basket to picked goods."""

    path = "/requisitions"
    tags = ("Requisitions",)

    @ask("orders.read")
    async def list(
        self, visit: Here, in_state: StateQuery = None, place_id: FromQuery[UUID | None] = None,
        cursor: Cursor = None, limit: Limit = 50,
    ) -> Page[RequisitionOut]:  # fmt: skip
        """Requisitions in reach, newest first."""
        found = await order_queries.requisitions(
            visit.session, visit.actor, states=[in_state] if in_state else [], place_id=place_id,
            before=id_cursor(cursor), limit=limit,
        )  # fmt: skip
        return page_of(RequisitionOut, found, limit, "id")

    @make("orders.open")
    async def place(
        self, visit: Here, data: JSONBody[RequisitionIn], idempotency_key: KeyHeader
    ) -> Response[PlacedOut]:
        """Make a requisition, and send it unless a draft is wanted. Lines that may not be ordered are rejected."""
        placed = await orders.place(
            visit.session, visit.actor, data.place_id, asked(data.lines), is_urgent=data.is_urgent,
            note=data.note, submit=data.submit,
        )  # fmt: skip
        return with_version(placed_out(visit, placed), placed.version, status=201)

    @ask("orders.read", "/{requisition_id:uuid}")
    async def read(self, visit: Here, requisition_id: FromPath[UUID]) -> Response[RequisitionWithLines]:
        """One requisition with its lines."""
        found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
        lines = await order_queries.lines(visit.session, requisition_id)
        body = RequisitionWithLines.model_validate(
            {**found, "lines": [line_out(visit, line) for line in lines]}
        )
        return with_version(body, found["version"])

    @replace("orders.put_lines", "/{requisition_id:uuid}/lines")
    async def put_lines(
        self, visit: Here, requisition_id: FromPath[UUID], data: JSONBody[LinesIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[PlacedOut]:  # fmt: skip
        """Put a draft's lines as they are now wanted."""
        placed = await orders.put_lines(
            visit.session, visit.actor, requisition_id, asked(data.lines), version=version_of(if_match),
            is_urgent=data.is_urgent, note=data.note,
        )  # fmt: skip
        return with_version(placed_out(visit, placed), placed.version)

    @do("orders.submit", "/{requisition_id:uuid}/submit")
    async def submit(
        self,
        visit: Here,
        requisition_id: FromPath[UUID],
        idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[RequisitionOut]:
        """Send a draft to the place that supplies."""
        await orders.submit(visit.session, visit.actor, requisition_id, version=version_of(if_match))
        return await _now(visit, requisition_id)

    @do("orders.cancel", "/{requisition_id:uuid}/cancel")
    async def cancel(
        self, visit: Here, requisition_id: FromPath[UUID], data: JSONBody[NoteIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[RequisitionOut]:  # fmt: skip
        """Withdraw a requisition that nobody has approved yet."""
        await orders.cancel(
            visit.session, visit.actor, requisition_id, note=data.note, version=version_of(if_match)
        )
        return await _now(visit, requisition_id)

    @do("orders.send_back", "/{requisition_id:uuid}/send-back")
    async def send_back(
        self, visit: Here, requisition_id: FromPath[UUID], data: JSONBody[NoteIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[RequisitionOut]:  # fmt: skip
        """Give a submitted requisition back, saying what to change."""
        await orders.send_back(
            visit.session, visit.actor, requisition_id, note=data.note, version=version_of(if_match)
        )
        return await _now(visit, requisition_id)

    @do("orders.approve", "/{requisition_id:uuid}/approve")
    async def approve(
        self, visit: Here, requisition_id: FromPath[UUID], data: JSONBody[ApprovalIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[RequisitionOut]:  # fmt: skip
        """Let a submitted requisition go ahead."""
        changes = {line.line_id: orders.Approval(line.quantity, line.note) for line in data.changes}
        await orders.approve(
            visit.session, visit.actor, requisition_id, changes, note=data.note, version=version_of(if_match)
        )
        return await _now(visit, requisition_id)

    @do("orders.allocate", "/allocate")
    async def allocate(
        self, visit: Here, data: JSONBody[AllocationIn], idempotency_key: KeyHeader
    ) -> WaveOut:
        """Share a supplier's stock fairly among its approved requisitions and promise it lot by lot."""
        wave = await orders.allocate(visit.session, visit.actor, data.supplier_id, data.requisitions)
        return WaveOut(**wave._asdict())

    @do("orders.pick", "/{requisition_id:uuid}/pick")
    async def pick(
        self, visit: Here, requisition_id: FromPath[UUID], data: JSONBody[PickIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[PickedOut]:  # fmt: skip
        """Take the promised goods from the shelf."""
        short = {line.hold_id: orders.ShortPick(line.quantity, line.reason) for line in data.short}
        lots = await orders.pick(
            visit.session, visit.actor, requisition_id, short, version=version_of(if_match)
        )
        found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
        return with_version(PickedOut(lots=lots), found["version"])


class Proposals(Controller):
    """What a place should order now."""

    path = "/places/{place_id:uuid}/proposal"
    tags = ("Requisitions",)

    @ask("orders.read")
    async def read(self, visit: Here, place_id: FromPath[UUID]) -> ProposalOut:
        """The basket a place should send now: what it uses and may order, less what is there and on its way."""
        found = await order_queries.proposal(visit.session, visit.actor, place_id)
        return ProposalOut(lines=[proposed_out(visit, line) for line in found])


async def _now(visit: Visit, requisition_id: UUID) -> Response[RequisitionOut]:
    """A requisition after a step."""
    found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    return with_version(RequisitionOut.model_validate(dict(found)), found["version"])
