"""Findings: what a check found, with the rows that prove it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from xinglin.base.columns import instant_column, note_column
from xinglin.base.ids import new_id


class FindingRow(SQLModel, table=True):
    """A finding as it was written down: found in one round of checks, gone in a later one."""

    __tablename__ = "finding"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    check_name: str = Field(index=True)
    severity: str
    message: str
    fields: dict[str, Any] = Field(sa_column=note_column())
    evidence: list[Any] = Field(sa_column=note_column())
    fingerprint: str = Field(unique=True)
    found_at: datetime = Field(sa_column=instant_column(index=True))
    gone_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))


class CheckRound(SQLModel, table=True):
    """One round of checks: when, by whom, what it read and how much it found."""

    __tablename__ = "check_round"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(sa_column=instant_column(index=True))
    by: str
    findings: int
    figures: dict[str, Any] = Field(sa_column=note_column())
