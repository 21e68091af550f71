"""Names of things: time-ordered ids for machines, paper numbers for people."""

from datetime import date
from uuid import UUID

import uuid_utils.compat
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database


def new_id() -> UUID:
    """A uuid7: later rows sort after earlier ones."""
    return uuid_utils.compat.uuid7()


class PaperCounter(SQLModel, table=True):
    """How many papers of a kind a place has made on a day."""

    __tablename__ = "paper_counter"
    kind: str = Field(primary_key=True)
    made_on: date = Field(primary_key=True)
    place_no: int = Field(primary_key=True)
    last: int


async def paper_number(session: AsyncSession, kind: str, made_on: date, place_no: int = 0) -> str:
    """The next number of a kind of paper at a place, such as REQ-20260314-083-1.

    Numbers have no gaps, because a rolled back paper gives its number back; places do not wait
    for one another, because each counts its own (docs/decisions/0002).
    """
    last = await database.value(
        session,
        """INSERT INTO paper_counter (kind, made_on, place_no, last) VALUES ($1, $2, $3, 1)
           ON CONFLICT (kind, made_on, place_no) DO UPDATE SET last = paper_counter.last + 1
           RETURNING last""",
        kind,
        made_on,
        place_no,
    )
    return f"{kind}-{made_on:%Y%m%d}-{place_no:03d}-{last}"
