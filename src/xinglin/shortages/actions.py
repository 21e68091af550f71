"""Register a shortage, answer it, close it (缺药登记, R9)."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, trail
from xinglin.base.actor import Actor
from xinglin.base.columns import MOST_UNITS
from xinglin.base.errors import N_, BadInput, ChangedMeanwhile, NotFound, WrongState
from xinglin.base.ids import new_id, paper_number
from xinglin.places import queries as place_queries

ANSWERS = ("purchase", "transfer", "substitute", "unavailable")
OUTCOMES = ("supplied", "substituted", "unavailable", "withdrawn")


class Missing(NamedTuple):
    """What a place could not get of a product, in base units."""

    place_id: UUID
    product_id: UUID
    quantity: int
    reason: str
    paper_id: UUID | None = None
    line_id: UUID | None = None
    note: str = ""


async def note_missing(session: AsyncSession, place_no: int, missing: Sequence[Missing]) -> list[UUID]:
    """Enter what papers could not get, numbered by the place that noticed.

    For the rooms above, which tell the trail themselves.
    """
    if not missing:
        return []
    first = await paper_number(session, "SHO", clock.today(), place_no)
    ids = [new_id() for _ in missing]
    await database.run(
        session,
        """INSERT INTO shortage (id, number, place_id, supplier_id, product_id, quantity, priority, reason,
             paper_id, line_id, note, registered_at, answer_note, version)
           SELECT s.id, $9 || '.' || s.position, s.place_id, coalesce(p.supplied_by_id, p.id), s.product_id, s.quantity,
             d.priority, s.reason, s.paper_id, s.line_id, s.note, $10, '', 1
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::uuid[], $7::uuid[],
             $8::text[]) WITH ORDINALITY
             AS s (id, place_id, product_id, quantity, reason, paper_id, line_id, note, position)
           JOIN place p ON p.id = s.place_id JOIN product d ON d.id = s.product_id""",
        ids,
        *(list(column) for column in zip(*missing, strict=True)),
        first,
        clock.now(),
    )
    return ids


async def register(
    session: AsyncSession, actor: Actor, place_id: UUID, product_id: UUID, quantity: int, *, note: str = ""
) -> UUID:
    """Register what a place lacks, by hand (“缺这个药”). Base units, above zero."""
    actor.must("shortages.register")
    place = await place_queries.place_in_reach(session, actor, place_id)
    if quantity <= 0:
        raise BadInput(N_("The quantity must be above zero, not {value}."), value=quantity)
    if quantity > MOST_UNITS:
        raise BadInput(
            N_("{value} units are more than one line can carry ({most})."), value=quantity, most=MOST_UNITS
        )
    if not await database.value(session, "SELECT 1 FROM product WHERE id = $1", product_id):
        raise NotFound(N_("There is no such product in this county's formulary."))
    (entry,) = await note_missing(
        session, place["no"], [Missing(place_id, product_id, quantity, "told", note=note.strip())]
    )
    await trail.record(
        session,
        actor,
        "shortages.register",
        entry,
        place=place["name"],
        product=product_id,
        quantity=quantity,
    )
    return entry


async def answer(
    session: AsyncSession, actor: Actor, shortage_id: UUID, answer: str, *, note: str = "",
    promised_on: date | None = None, version: int | None = None,
) -> None:  # fmt: skip
    """Say what will be done: purchase, transfer, substitute or unavailable, and until when."""
    actor.must("shortages.answer")
    found = await _for_change(session, actor, shortage_id, version)
    if actor.place_id not in (None, found["supplier_id"]):
        raise no_such_shortage()  # who asks does not answer
    if answer not in ANSWERS:
        raise BadInput(
            N_("{value} is no answer; possible are {choices}."), value=answer, choices=", ".join(ANSWERS)
        )
    if answer in ("purchase", "transfer") and (promised_on is None or promised_on < clock.today()):
        raise BadInput(N_("Say until which day the goods will be there, today or later."))
    await database.run(
        session,
        """UPDATE shortage SET answered_at = $2, answered_by = $3, answer = $4, answer_note = $5,
             promised_on = $6, version = version + 1 WHERE id = $1""",
        shortage_id,
        clock.now(),
        actor.name,
        answer,
        note.strip(),
        promised_on,
    )
    await trail.record(
        session, actor, "shortages.answer", shortage_id, paper=found["number"],
        before=found["answer"], after=answer, promised_on=promised_on, note=note,
    )  # fmt: skip


async def close(
    session: AsyncSession, actor: Actor, shortage_id: UUID, outcome: str, *, note: str = "",
    version: int | None = None,
) -> None:  # fmt: skip
    """Close an entry with what came of it: supplied, substituted, unavailable or withdrawn."""
    actor.must("shortages.close")
    found = await _for_change(session, actor, shortage_id, version)
    if outcome not in OUTCOMES:
        raise BadInput(
            N_("{value} is no outcome; possible are {choices}."), value=outcome, choices=", ".join(OUTCOMES)
        )
    await database.run(
        session,
        "UPDATE shortage SET closed_at = $2, outcome = $3, version = version + 1 WHERE id = $1",
        shortage_id,
        clock.now(),
        outcome,
    )
    await trail.record(
        session, actor, "shortages.close", shortage_id, paper=found["number"], outcome=outcome, note=note
    )


def no_such_shortage() -> NotFound:
    """The answer for an entry that is not there and for one that is out of reach."""
    return NotFound(N_("There is no such shortage, or it is not one of yours."))


async def _for_change(
    session: AsyncSession, actor: Actor, shortage_id: UUID, version: int | None
) -> database.Row:
    """An open entry in reach, locked."""
    found = await database.row(
        session,
        """SELECT * FROM shortage WHERE id = $1 AND ($2::uuid IS NULL OR place_id = $2 OR supplier_id = $2)
           FOR UPDATE""",
        shortage_id,
        actor.place_id,
    )
    if found is None:
        raise no_such_shortage()
    if version is not None and version != found["version"]:
        raise ChangedMeanwhile(N_("Somebody changed {number} after you read it."), number=found["number"])
    if found["closed_at"] is not None:
        raise WrongState(N_("{number} is closed already."), number=found["number"])
    return found
