"""The register: who lacks what, since when, and what was answered."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, NotFound

SELECT = """SELECT s.*, p.name AS place, u.name AS supplier, d.generic_name, d.generic_name_en, d.dosage_form,
    d.strength, d.base_unit, d.pack_unit, d.pack_size,
    CASE WHEN s.closed_at IS NOT NULL THEN 'closed' WHEN s.answered_at IS NOT NULL THEN 'answered' ELSE 'open' END
      AS state
  FROM shortage s JOIN place p ON p.id = s.place_id JOIN place u ON u.id = s.supplier_id
    JOIN product d ON d.id = s.product_id
  WHERE ($1::uuid IS NULL OR s.place_id = $1 OR s.supplier_id = $1)"""


async def shortages(
    session: AsyncSession,
    actor: Actor,
    *,
    is_open: bool | None = True,
    priority: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Entries in reach, newest first; open ones only, closed ones only, or all."""
    return await database.rows(
        session,
        f"""{SELECT} AND ($2::bool IS NULL OR (s.closed_at IS NULL) = $2)
             AND ($3::text IS NULL OR s.priority = $3) AND ($4::uuid IS NULL OR s.id < $4)
           ORDER BY s.id DESC LIMIT $5""",
        actor.place_id,
        is_open,
        priority,
        before,
        limit,
    )


async def shortage(session: AsyncSession, actor: Actor, shortage_id: UUID) -> Row:
    """One entry in reach."""
    found = await database.row(session, f"{SELECT} AND s.id = $2", actor.place_id, shortage_id)
    if found is None:
        raise NotFound(N_("There is no such shortage, or it is not one of yours."))
    return found


async def by_class(session: AsyncSession, actor: Actor, since: date | None = None) -> dict[str, int]:
    """How many open entries there are in each priority class."""
    found = await database.rows(
        session,
        """SELECT priority, count(*) AS entries FROM shortage
           WHERE closed_at IS NULL AND ($1::uuid IS NULL OR place_id = $1 OR supplier_id = $1)
             AND ($2::date IS NULL OR registered_at >= $2) GROUP BY 1""",
        actor.place_id,
        since,
    )
    return {row["priority"]: row["entries"] for row in found}


async def of_lines(session: AsyncSession, lines: Iterable[UUID]) -> dict[UUID, Row]:
    """What these lines of requisitions could not get, by line: the first entry of each."""
    found = await database.rows(
        session,
        """SELECT DISTINCT ON (line_id) line_id, id, number, quantity, reason, closed_at FROM shortage
           WHERE line_id = ANY($1) ORDER BY line_id, id""",
        list(lines),
    )
    return {row["line_id"]: row for row in found}
