"""The ledger of goods: rows are only ever added; balances stand beside it, guarded by the database."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from xinglin.base.columns import (
    incarnation_column,
    instant_column,
    quantity_column,
    unit_price_column,
    xid_column,
)
from xinglin.base.ids import new_id


class Lot(SQLModel, table=True):
    """Goods of one product made together: one lot number, one expiry day."""

    __tablename__ = "lot"
    __table_args__ = (UniqueConstraint("product_id", "number", "expires_on"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    product_id: UUID = Field(foreign_key="product.id", index=True)
    number: str
    made_on: date | None = None
    expires_on: date
    recalled: bool = False


class Movement(SQLModel, table=True):
    """So many base units of a lot went from one place to another. Never changed; a mistake is reversed."""

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_above_zero"),
        CheckConstraint(
            "source_id <> target_id OR source_condition <> target_condition", name="goes_somewhere"
        ),
        Index("ix_movement_source", "source_id", "product_id", "occurred_on"),
        Index("ix_movement_target", "target_id", "product_id", "occurred_on"),
    )
    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_column=instant_column())
    occurred_on: date
    kind: str
    product_id: UUID = Field(foreign_key="product.id")
    lot_id: UUID = Field(foreign_key="lot.id", index=True)
    quantity: int = Field(sa_column=quantity_column())
    source_id: UUID = Field(foreign_key="place.id")
    source_condition: str = "released"
    target_id: UUID = Field(foreign_key="place.id")
    target_condition: str = "released"
    unit_price: Decimal = Field(sa_column=unit_price_column())
    paper_id: UUID | None = Field(default=None, index=True)
    reverses_id: UUID | None = Field(default=None, foreign_key="movement.id", unique=True)
    xid: int = Field(sa_column=xid_column())
    incarnation: int = Field(sa_column=incarnation_column())


class Balance(SQLModel, table=True):
    """What lies at a place of a lot in a condition, and how much of it is promised."""

    __tablename__ = "balance"
    __table_args__ = (
        CheckConstraint("held >= 0 AND on_hand >= held", name="nothing_below_zero"),
        Index("ix_balance_place_product", "place_id", "product_id"),
    )
    place_id: UUID = Field(foreign_key="place.id", primary_key=True)
    lot_id: UUID = Field(foreign_key="lot.id", primary_key=True)
    condition: str = Field(primary_key=True)
    product_id: UUID = Field(foreign_key="product.id")
    on_hand: int = Field(sa_column=quantity_column(default=0))
    held: int = Field(sa_column=quantity_column(default=0))


class Hold(SQLModel, table=True):
    """Released goods promised to a line of a paper. Answered once, by what was settled and released."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_above_zero"),
        UniqueConstraint("id", "quantity"),
    )
    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_column=instant_column())
    place_id: UUID = Field(foreign_key="place.id")
    product_id: UUID = Field(foreign_key="product.id")
    lot_id: UUID = Field(foreign_key="lot.id", index=True)
    quantity: int = Field(sa_column=quantity_column())
    paper_id: UUID = Field(index=True)
    line_id: UUID = Field(index=True)
    xid: int = Field(sa_column=xid_column())
    incarnation: int = Field(sa_column=incarnation_column())


class HoldAnswer(SQLModel, table=True):
    """The one answer to a hold; settled and released together are the hold, to the last unit."""

    __tablename__ = "hold_answer"
    __table_args__ = (
        CheckConstraint(
            "settled >= 0 AND released >= 0 AND settled + released = quantity", name="answers_the_whole_hold"
        ),
    )
    hold_id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_column=instant_column())
    quantity: int = Field(sa_column=quantity_column())
    settled: int = Field(sa_column=quantity_column())
    released: int = Field(sa_column=quantity_column())
    xid: int = Field(sa_column=xid_column())
    incarnation: int = Field(sa_column=incarnation_column())
