"""The audit trail: each action leaves exactly one row, `room.verb`, that nobody can change unseen."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.base.columns import incarnation_column, instant_column, note_column, xid_column
from xinglin.base.ids import new_id


class Trail(SQLModel, table=True):
    """Who did what to which paper, when, and what came of it. Rows are only ever added."""

    __tablename__ = "trail"
    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_column=instant_column(index=True))
    account_id: UUID
    actor: str
    role: str
    place_id: UUID | None = None
    verb: str = Field(index=True)
    subject: UUID | None = Field(default=None, index=True)
    paper: str | None = None
    note: dict[str, Any] = Field(sa_column=note_column())
    xid: int = Field(sa_column=xid_column())
    incarnation: int = Field(sa_column=incarnation_column())


async def record(
    session: AsyncSession,
    actor: Actor,
    verb: str,
    subject: UUID | None = None,
    *,
    paper: str | None = None,
    **note: Any,
) -> None:
    """Tell the trail what was done. `note` holds what the row itself cannot say: before, after, why."""
    await database.run(
        session,
        """INSERT INTO trail (id, at, account_id, actor, role, place_id, verb, subject, paper, note)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb)""",
        new_id(),
        clock.now(),
        actor.account_id,
        actor.name,
        actor.role,
        actor.place_id,
        verb,
        subject,
        paper,
        msgspec.json.encode(note, enc_hook=str).decode(),
    )


async def of(session: AsyncSession, subjects: list[UUID]) -> list[database.Row]:
    """What was done to these papers, oldest first; the note as text."""
    return await database.rows(
        session,
        """SELECT at, actor, role, verb, subject, paper, note::text AS note FROM trail
           WHERE subject = ANY($1) ORDER BY id""",
        subjects,
    )
