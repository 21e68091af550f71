"""Columns that recur: instants, money, structured notes, and the stamp that seals a row in time."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

MOST_UNITS = 1_000_000_000
"""Base units on one line, at most: far above a county's need, far below what a column can count to."""


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: tells which rows were written before a seal."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


def instant_column(*, nullable: bool = False, index: bool = False) -> Column[Any]:
    """A moment: timestamptz."""
    return Column(DateTime(timezone=True), nullable=nullable, index=index)


def unit_price_column(*, nullable: bool = False) -> Column[Any]:
    """Yuan per base unit, four places (R5: zero mark-up is compared per smallest unit)."""
    return Column(Numeric(14, 4), nullable=nullable)


def amount_column(*, nullable: bool = False) -> Column[Any]:
    """Yuan, two places."""
    return Column(Numeric(16, 2), nullable=nullable)


def quantity_column(*, nullable: bool = False, default: int | None = None) -> Column[Any]:
    """Whole base units."""
    return Column(
        BigInteger, nullable=nullable, server_default=None if default is None else text(str(default))
    )


def note_column(*, nullable: bool = False) -> Column[Any]:
    """A structured note (jsonb)."""
    return Column(JSONB, nullable=nullable)


def xid_column() -> Column[Any]:
    """The transaction that wrote the row, filled in by the database."""
    return Column(Xid8, nullable=False, server_default=text("pg_current_xact_id()"))


def incarnation_column() -> Column[Any]:
    """Which life of the database wrote the row: transaction ids begin anew after a restore."""
    return Column(Integer, nullable=False, server_default=text("public.incarnation()"))
