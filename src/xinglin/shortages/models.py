"""The shortage register: what was asked for and could not be had."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from xinglin.base.columns import instant_column, quantity_column
from xinglin.base.ids import new_id


class Shortage(SQLModel, table=True):
    """One place short of one product: registered, answered, closed (R9)."""

    __tablename__ = "shortage"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_above_zero"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True)
    place_id: UUID = Field(foreign_key="place.id", index=True)
    supplier_id: UUID = Field(foreign_key="place.id", index=True)
    product_id: UUID = Field(foreign_key="product.id", index=True)
    quantity: int = Field(sa_column=quantity_column())
    priority: str
    reason: str
    """out_of_stock, not_listed, damaged, short_delivered, refused, or told: a person registered it."""
    paper_id: UUID | None = Field(default=None, index=True)
    line_id: UUID | None = Field(default=None, index=True)
    note: str = ""
    registered_at: datetime = Field(sa_column=instant_column(index=True))
    answered_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    answered_by: str | None = None
    answer: str | None = None
    """purchase, transfer, substitute or unavailable."""
    answer_note: str = ""
    promised_on: date | None = None
    closed_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    outcome: str | None = None
    """supplied, substituted, unavailable or withdrawn."""
    version: int = 1
