"""Requisitions and their lines. A state is never written down: it follows from times and quantities."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Computed, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from xinglin.base.columns import instant_column, note_column, quantity_column, unit_price_column
from xinglin.base.ids import new_id

STATE_SQL = """CASE
    WHEN cancelled_at IS NOT NULL THEN 'cancelled'
    WHEN closed_at IS NOT NULL THEN 'closed'
    WHEN shipped_at IS NOT NULL THEN 'shipped'
    WHEN picked_at IS NOT NULL THEN 'picked'
    WHEN allocated_at IS NOT NULL THEN 'allocated'
    WHEN approved_at IS NOT NULL THEN 'approved'
    WHEN submitted_at IS NOT NULL THEN 'submitted'
    WHEN returned_at IS NOT NULL THEN 'returned'
    ELSE 'draft' END"""


class Requisition(SQLModel, table=True):
    """What a place asks of the place that supplies it (请领单)."""

    __tablename__ = "requisition"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True)
    place_id: UUID = Field(foreign_key="place.id", index=True)
    supplier_id: UUID = Field(foreign_key="place.id", index=True)
    made_on: date
    is_urgent: bool = False
    note: str = ""
    made_by: str
    made_at: datetime = Field(sa_column=instant_column(index=True))
    submitted_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    returned_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    approved_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    allocated_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    picked_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    shipped_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    cancelled_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    review_note: str = ""
    reviewed_by: str = ""
    version: int = 1
    state: str = Field(
        default="draft",
        sa_column=Column(Text, Computed(STATE_SQL, persisted=True), nullable=False, index=True),
    )


class RequisitionLine(SQLModel, table=True):
    """One product on a requisition. Asked, suggested, approved and rationed are four numbers, kept apart."""

    __tablename__ = "requisition_line"
    __table_args__ = (
        UniqueConstraint("requisition_id", "product_id"),
        CheckConstraint("asked > 0 AND suggested >= 0 AND approved >= 0", name="quantities_make_sense"),
        CheckConstraint("rationed <= approved AND allocated <= rationed", name="never_more_than_approved"),
        CheckConstraint("picked <= allocated AND shipped <= picked", name="never_more_than_allocated"),
        CheckConstraint(
            "accepted + damaged + short + refused <= shipped AND "
            "accepted >= 0 AND damaged >= 0 AND short >= 0 AND refused >= 0",
            name="every_unit_has_one_outcome",
        ),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    requisition_id: UUID = Field(foreign_key="requisition.id", index=True)
    position: int
    product_id: UUID = Field(foreign_key="product.id", index=True)
    asked: int = Field(sa_column=quantity_column())
    suggested: int = Field(sa_column=quantity_column(default=0))
    suggestion: str = ""
    approved: int | None = Field(default=None, sa_column=quantity_column(nullable=True))
    approval_note: str = ""
    rationed: int | None = Field(default=None, sa_column=quantity_column(nullable=True))
    ration: dict[str, Any] | None = Field(default=None, sa_column=note_column(nullable=True))
    """Why this much: {"rule": ..., "days": ..., "message": ..., "fields": ...}."""
    passed_over: list[Any] | None = Field(default=None, sa_column=note_column(nullable=True))
    """Lots that expire earlier but were not taken, each with the reason."""
    allocated: int = Field(default=0, sa_column=quantity_column(default=0))
    picked: int = Field(default=0, sa_column=quantity_column(default=0))
    shipped: int = Field(default=0, sa_column=quantity_column(default=0))
    accepted: int = Field(default=0, sa_column=quantity_column(default=0))
    damaged: int = Field(default=0, sa_column=quantity_column(default=0))
    short: int = Field(default=0, sa_column=quantity_column(default=0))
    refused: int = Field(default=0, sa_column=quantity_column(default=0))
    unit_price: Decimal = Field(sa_column=unit_price_column())


class Pick(SQLModel, table=True):
    """So many units of a lot taken from the shelf for a line; its hold lasts until the van departs."""

    __tablename__ = "pick"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    requisition_id: UUID = Field(foreign_key="requisition.id", index=True)
    line_id: UUID = Field(foreign_key="requisition_line.id", index=True)
    hold_id: UUID = Field(foreign_key="hold.id", unique=True)
    lot_id: UUID = Field(foreign_key="lot.id")
    quantity: int = Field(sa_column=quantity_column())
    picked_by: str
    picked_at: datetime = Field(sa_column=instant_column())
