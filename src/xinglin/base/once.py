"""Every write is done once: a key, sent again, brings the first answer back."""

import hashlib
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.columns import instant_column
from xinglin.base.errors import N_, KeyReused


class DoneOnce(SQLModel, table=True):
    """A write that was done under a key, and what was answered."""

    __tablename__ = "done_once"
    account_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=200)
    request: bytes
    status: int | None = None
    headers: str | None = None
    body: bytes | None = None
    done_at: datetime = Field(sa_column=instant_column())


class Answer(NamedTuple):
    """What was answered the first time."""

    status: int
    headers: str
    body: bytes


def fingerprint(*parts: bytes) -> bytes:
    """What the request asked for, in 32 bytes: the same key must not carry another wish."""
    return hashlib.sha256(b"\x1f".join(parts)).digest()


async def claim(session: AsyncSession, account_id: UUID, key: str, request: bytes) -> Answer | None:
    """Take a key for this transaction; None if it is new, else the first answer.

    A second request under way at the same moment waits here until the first has committed.
    """
    taken = await database.run(
        session,
        "INSERT INTO done_once (account_id, key, request, done_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        account_id,
        key,
        request,
        clock.now(),
    )
    if taken:
        return None
    first = await database.row(
        session,
        "SELECT request, status, headers, body FROM done_once WHERE account_id = $1 AND key = $2",
        account_id,
        key,
    )
    assert first is not None
    if first["request"] != request:
        raise KeyReused(N_("This idempotency key was already used for another request. Send a new key."))
    return Answer(first["status"] or 204, first["headers"] or "[]", first["body"] or b"")


async def keep(session: AsyncSession, account_id: UUID, key: str, answer: Answer) -> None:
    """Keep the answer beside the key, in the same transaction as the write."""
    await database.run(
        session,
        "UPDATE done_once SET status = $3, headers = $4, body = $5 WHERE account_id = $1 AND key = $2",
        account_id,
        key,
        *answer,
    )
