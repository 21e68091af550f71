"""The books of goods by machine."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field

from xinglin.api.entry import ask, do, make
from xinglin.api.forms import (
    LARGEST,
    Cursor,
    Day,
    In,
    KeyHeader,
    Limit,
    Made,
    Name,
    OnlyWhole,
    Page,
    Quantity,
    Query,
    Reason,
    ReasonIn,
    UnitPrice,
    Word,
    Yuan,
    from_cursor,
    id_cursor,
    page_of,
)
from xinglin.gate import Here
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.rules import Condition


class ReceivedIn(In):
    """One line of goods that came in. Base units; yuan per base unit."""

    product_id: UUID
    lot_number: Name
    expires_on: Day
    quantity: Quantity
    unit_price: UnitPrice
    made_on: Day | None = None


class ReceiptIn(In):
    """Goods from a supplier."""

    supplier_id: UUID
    lines: Annotated[list[ReceivedIn], Field(min_length=1, max_length=2000)]
    occurred_on: Day | None = None
    invoice: Word = ""


class IssuedIn(In):
    """So many base units of a product, on the day of the paper or on one of its own."""

    product_id: UUID
    quantity: Quantity
    used_on: Day | None = None


class IssueIn(In):
    """Goods given to patients."""

    lines: Annotated[list[IssuedIn], Field(min_length=1, max_length=2000)]
    occurred_on: Day | None = None


class AdjustmentIn(In):
    """What a count found: the difference to the books, below or above zero. Base units."""

    lot_id: UUID
    difference: Annotated[int, OnlyWhole, Field(ge=-LARGEST, le=LARGEST)]
    reason: Reason
    condition: Condition = Condition.RELEASED


class SetAsideIn(In):
    """So many base units of a lot, and why."""

    lot_id: UUID
    quantity: Quantity
    reason: Reason


class MovedOut(BaseModel):
    """The movements that came of it."""

    movements: list[UUID]


class OnHandOut(BaseModel):
    """A product at a place. Base units."""

    product_id: UUID
    code: str
    generic_name: str
    dosage_form: str
    strength: str
    base_unit: str
    pack_unit: str
    pack_size: int
    storage: str
    released: int
    held: int
    quarantine: int
    lots: int
    next_expiry: date | None


class LotOut(BaseModel):
    """A lot at a place in a condition. Base units."""

    lot_id: UUID
    number: str
    made_on: date | None
    expires_on: date
    recalled: bool
    condition: str
    on_hand: int
    held: int


class LotsOut(BaseModel):
    """Every lot of a product at a place."""

    items: list[LotOut]


class CardLineOut(BaseModel):
    """A movement in or out, and who stands at the other end."""

    id: UUID
    at: datetime
    occurred_on: date
    kind: str
    is_in: bool
    quantity: int
    lot: str
    expires_on: date
    other: str
    source_condition: str
    target_condition: str
    unit_price: Yuan
    paper_id: UUID | None
    reverses_id: UUID | None
    is_reversed: bool


class PlaceStock(Controller):
    """What lies at a place."""

    path = "/places/{place_id:uuid}"
    tags = ("Stock",)

    @ask("stock.read", "/stock")
    async def list(
        self,
        visit: Here,
        place_id: FromPath[UUID],
        text: Query = "",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[OnHandOut]:
        """Product by product, by name; `q` searches name, pinyin, initials, code, English."""
        found = await stock_queries.stock_list(
            visit.session, visit.actor, place_id, text=text, after=from_cursor(cursor, str, UUID), limit=limit
        )
        return page_of(OnHandOut, found, limit, "generic_name", "product_id")

    @ask("stock.read", "/stock/{product_id:uuid}")
    async def lots(self, visit: Here, place_id: FromPath[UUID], product_id: FromPath[UUID]) -> LotsOut:
        """Every lot of a product, the one that expires first on top."""
        found = await stock_queries.lots_of(visit.session, visit.actor, place_id, product_id)
        return LotsOut(items=[LotOut.model_validate(dict(row)) for row in found])

    @ask("stock.read", "/stock/{product_id:uuid}/card")
    async def card(
        self, visit: Here, place_id: FromPath[UUID], product_id: FromPath[UUID], cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[CardLineOut]:  # fmt: skip
        """Every movement of a product in and out, newest first."""
        found = await stock_queries.stock_card(
            visit.session, visit.actor, place_id, product_id, before=id_cursor(cursor), limit=limit
        )
        return page_of(CardLineOut, found, limit, "id")

    @make("stock.receive", "/receipts")
    async def receive(
        self, visit: Here, place_id: FromPath[UUID], data: JSONBody[ReceiptIn], idempotency_key: KeyHeader
    ) -> MovedOut:
        """Take goods from a supplier into stock."""
        lines = [stock.Received(**line.model_dump()) for line in data.lines]
        movements = await stock.receive(
            visit.session, visit.actor, place_id, lines, supplier_id=data.supplier_id,
            occurred_on=data.occurred_on, paper=data.invoice,
        )  # fmt: skip
        return MovedOut(movements=movements)

    @make("stock.issue", "/issues")
    async def issue(
        self, visit: Here, place_id: FromPath[UUID], data: JSONBody[IssueIn], idempotency_key: KeyHeader
    ) -> MovedOut:
        """Give goods to patients; the lot that expires first leaves first."""
        lines = [stock.Issued(**line.model_dump()) for line in data.lines]
        movements = await stock.issue(
            visit.session, visit.actor, place_id, lines, occurred_on=data.occurred_on
        )
        return MovedOut(movements=movements)

    @make("stock.adjust", "/adjustments")
    async def adjust(
        self, visit: Here, place_id: FromPath[UUID], data: JSONBody[AdjustmentIn], idempotency_key: KeyHeader
    ) -> Made:
        """Post what a count found."""
        movement = await stock.adjust(
            visit.session, visit.actor, place_id, data.lot_id, data.difference, reason=data.reason,
            condition=data.condition,
        )  # fmt: skip
        return Made(id=movement)

    @make("stock.quarantine", "/quarantine")
    async def quarantine(
        self, visit: Here, place_id: FromPath[UUID], data: JSONBody[SetAsideIn], idempotency_key: KeyHeader
    ) -> Made:
        """Set goods aside until somebody has decided."""
        movement = await stock.quarantine(
            visit.session, visit.actor, place_id, data.lot_id, data.quantity, reason=data.reason
        )
        return Made(id=movement)

    @make("stock.quarantine", "/release")
    async def release(
        self, visit: Here, place_id: FromPath[UUID], data: JSONBody[SetAsideIn], idempotency_key: KeyHeader
    ) -> Made:
        """Let goods that were set aside go back to the shelf."""
        movement = await stock.quarantine(
            visit.session, visit.actor, place_id, data.lot_id, data.quantity, reason=data.reason, release=True
        )
        return Made(id=movement)


class Movements(Controller):
    """What moved."""

    path = "/movements"
    tags = ("Stock",)

    @do("stock.reverse", "/{movement_id:uuid}/reverse")
    async def reverse(
        self, visit: Here, movement_id: FromPath[UUID], data: JSONBody[ReasonIn], idempotency_key: KeyHeader
    ) -> Made:
        """Undo a movement by its opposite, which names it; the id of the reversal."""
        return Made(id=await stock.reverse(visit.session, visit.actor, movement_id, reason=data.reason))
