"""What was found, and what the trail says."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, seals
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.stock import queries as stock_queries


class Verified(NamedTuple):
    """Whether trail and ledger are what they were, and where not."""

    seals: int
    sealed_rows: int
    broken: seals.Broken | None
    unequal: list[Row]

    @property
    def is_whole(self) -> bool:
        """Nothing changed, nothing missing, ledger = balance."""
        return self.broken is None and not self.unequal


async def verify(session: AsyncSession) -> Verified:
    """Recompute every seal and every balance; nothing is written."""
    checked = await seals.verify(session)
    return Verified(checked.seals, checked.rows, checked.broken, await stock_queries.books_disagree(session))


async def findings(
    session: AsyncSession,
    actor: Actor,
    *,
    is_open: bool = True,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 200,
) -> list[Row]:
    """Findings, newest first; those that come after a moment and an id."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        """SELECT id, check_name, severity, message, fields::text AS fields, evidence::text AS evidence, found_at, gone_at
           FROM finding WHERE (gone_at IS NULL) = $1 AND ($2::timestamptz IS NULL OR (found_at, id) < ($2, $3))
           ORDER BY found_at DESC, id DESC LIMIT $4""",
        is_open,
        *(after or (None, None)),
        limit,
    )


async def rounds(
    session: AsyncSession, actor: Actor, *, before: UUID | None = None, limit: int = 20
) -> list[Row]:
    """Rounds of checks, newest first."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        """SELECT id, at, by, findings, figures::text AS figures FROM check_round
           WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2""",
        before,
        limit,
    )


async def trail(
    session: AsyncSession,
    actor: Actor,
    *,
    verb: str = "",
    subject: UUID | None = None,
    person: str = "",
    paper: str = "",
    on: date | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """The trail, newest first, of one verb, one room (`orders.`), one paper, one person or one day."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        """SELECT t.id, t.at, t.account_id, t.actor, t.role, t.verb, t.subject, t.paper, t.note::text AS note,
             p.name AS place, t.xid::text AS xid
           FROM trail t LEFT JOIN place p ON p.id = t.place_id
           WHERE ($1 = '' OR t.verb LIKE $1 || '%') AND ($2::uuid IS NULL OR t.subject = $2)
             AND ($3::uuid IS NULL OR t.id < $3) AND ($4 = '' OR strpos(lower(t.actor), lower($4)) > 0)
             AND ($5 = '' OR strpos(upper(t.paper), upper($5)) > 0)
             AND ($6::timestamptz IS NULL OR (t.at >= $6 AND t.at < $7))
           ORDER BY t.id DESC LIMIT $8""",
        verb,
        subject,
        before,
        person.strip(),
        paper.strip(),
        clock.instant(on, 0) if on else None,
        clock.instant(on + timedelta(days=1), 0) if on else None,
        limit,
    )


async def chain(
    session: AsyncSession, actor: Actor, *, before: int | None = None, limit: int = 20
) -> list[Row]:
    """The newest seals of the chain."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        """SELECT number, rows, sealed_at, encode(root, 'hex') AS root, encode(hash, 'hex') AS hash
           FROM seal WHERE $1::bigint IS NULL OR number < $1 ORDER BY number DESC LIMIT $2""",
        before,
        limit,
    )


async def state_of_seals(session: AsyncSession, actor: Actor) -> Row:
    """How long the chain is, how much it covers, and its head."""
    actor.must("inspection.read")
    return await database.row(
        session,
        """SELECT coalesce(max(number), 0) AS seals, coalesce(sum(rows), 0)::bigint AS rows, max(sealed_at) AS sealed_at,
             (SELECT encode(hash, 'hex') FROM seal ORDER BY number DESC LIMIT 1) AS head FROM seal""",
    )


async def open_by_severity(session: AsyncSession, actor: Actor) -> dict[str, int]:
    """How many open findings there are of each severity."""
    actor.must("inspection.read")
    found = await database.rows(
        session, "SELECT severity, count(*) AS findings FROM finding WHERE gone_at IS NULL GROUP BY 1"
    )
    return {row["severity"]: row["findings"] for row in found}


async def entry(session: AsyncSession, actor: Actor, entry_id: UUID) -> Row | None:
    """One entry of the trail."""
    actor.must("inspection.read")
    return await database.row(
        session,
        """SELECT t.id, t.at, t.account_id, t.actor, t.role, t.verb, t.subject, t.paper, t.note::text AS note,
             p.name AS place
           FROM trail t LEFT JOIN place p ON p.id = t.place_id WHERE t.id = $1""",
        entry_id,
    )


async def names(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    """What the ids in notes are called: places, medicines, lines (by their medicine), runs, lots, people."""
    found = await database.rows(
        session,
        """WITH asked AS (SELECT unnest($1::uuid[]) AS id)
           SELECT id, name FROM place JOIN asked USING (id)
           UNION ALL SELECT id, generic_name FROM product JOIN asked USING (id)
           UNION ALL SELECT l.id, d.generic_name FROM requisition_line l JOIN asked USING (id)
             JOIN product d ON d.id = l.product_id
           UNION ALL SELECT h.id, d.generic_name FROM hold h JOIN asked USING (id) JOIN product d ON d.id = h.product_id
           UNION ALL SELECT id, number FROM run JOIN asked USING (id)
           UNION ALL SELECT id, number FROM lot JOIN asked USING (id)
           UNION ALL SELECT id, name FROM public.account JOIN asked USING (id)""",
        list(ids),
    )
    return {row["id"]: row["name"] for row in found}
