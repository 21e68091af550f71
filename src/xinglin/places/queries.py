"""Where: places in a person's reach, edges of the books, the network of who supplies whom."""

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, NotFound
from xinglin.places.models import Place


def no_such_place() -> NotFound:
    """The answer for a place that is not there and for one that is out of reach."""
    return NotFound(N_("There is no such place, or it is not one of yours."))


async def place_in_reach(session: AsyncSession, actor: Actor, place_id: UUID) -> Row:
    """A place the actor may see: the own one, one it supplies, or any for county-wide posts."""
    found = await database.row(
        session,
        "SELECT * FROM place WHERE id = $1 AND ($2::uuid IS NULL OR id = $2 OR supplied_by_id = $2)",
        place_id,
        actor.place_id,
    )
    if found is None:
        raise no_such_place()
    return found


async def own_place(session: AsyncSession, actor: Actor, place_id: UUID) -> Row:
    """A place in whose name the actor may act: the own one, or any for county-wide posts.

    Who supplies a place may look into its books, but does not order, receive or issue in its name.
    """
    found = await place_in_reach(session, actor, place_id)
    if actor.place_id not in (None, place_id):
        raise no_such_place()
    return found


async def one_in_reach(session: AsyncSession, actor: Actor, places: Iterable[UUID]) -> None:
    """Refuse unless at least one of the places is the actor's own (or the post is county-wide)."""
    if actor.place_id is not None and actor.place_id not in set(places):
        raise no_such_place()


async def place_of_kind(session: AsyncSession, place_id: UUID, *kinds: str) -> Row:
    """A place that must be of one of these kinds."""
    found = await database.row(
        session, "SELECT * FROM place WHERE id = $1 AND kind = ANY($2)", place_id, list(kinds)
    )
    if found is None:
        raise no_such_place()
    return found


async def edge(session: AsyncSession, kind: str) -> UUID:
    """The county's one place of patients, of losses, or of goods under investigation."""
    found: UUID | None = await database.value(session, "SELECT id FROM place WHERE kind = $1", kind)
    assert found is not None, f"a county is made with its {kind}"
    return found


async def places(
    session: AsyncSession, actor: Actor, *, kinds: Iterable[str] = (), after_no: int = 0, limit: int = 500
) -> list[Place]:
    """Places in reach, by number."""
    asked = select(Place).where(col(Place.no) > after_no).order_by(col(Place.no)).limit(limit)
    if chosen := list(kinds):
        asked = asked.where(col(Place.kind).in_(chosen))
    if actor.place_id is not None:
        own = actor.place_id
        asked = asked.where((col(Place.id) == own) | (col(Place.supplied_by_id) == own))
    return list((await session.exec(asked)).all())


async def names(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names by id."""
    found = await database.rows(session, "SELECT id, name FROM place WHERE id = ANY($1)", list(set(ids)))
    return {row["id"]: row["name"] for row in found}


async def suppliers(session: AsyncSession) -> list[Row]:
    """The suppliers a county buys from: known to everybody who takes goods in."""
    return await database.rows(
        session, "SELECT id, name FROM place WHERE kind = 'supplier' AND NOT closed ORDER BY no"
    )


async def has_synthetic(session: AsyncSession, ids: Iterable[UUID]) -> bool:
    """Whether the position of any of these places was made up."""
    found: bool = await database.value(
        session,
        "SELECT EXISTS (SELECT 1 FROM place WHERE id = ANY($1) AND is_position_synthetic)",
        list(set(ids)),
    )
    return found


async def named(session: AsyncSession, actor: Actor, text: str, *, limit: int = 10) -> list[Row]:
    """Places in reach whose name, code or town contains what was typed."""
    return await database.rows(
        session,
        """SELECT id, no, code, kind, name, town, closed FROM place
           WHERE strpos(lower(concat_ws(' ', name, name_en, code, town)), lower($1)) > 0
             AND ($2::uuid IS NULL OR id = $2 OR supplied_by_id = $2) ORDER BY no LIMIT $3""",
        text.strip(),
        actor.place_id,
        limit,
    )


async def network(
    session: AsyncSession, actor: Actor, *, tier: str = "", town: str = "", text: str = ""
) -> list[Row]:
    """The county's places with who supplies whom, tier by tier; without vehicles and edges."""
    return await database.rows(
        session,
        """SELECT p.id, p.no, p.code, p.kind, p.name, p.tier, p.town, p.membership, p.closed, p.opening::text AS opening,
             p.population, p.contact, p.phone, s.name AS supplier, s.id AS supplier_id,
             (SELECT count(*) FROM place c WHERE c.supplied_by_id = p.id AND NOT c.closed) AS supplies
           FROM place p LEFT JOIN place s ON s.id = p.supplied_by_id
           WHERE p.kind NOT IN ('vehicle', 'patients', 'losses', 'investigation')
             AND ($1 = '' OR coalesce(p.tier, 'supplier') = $1) AND ($2 = '' OR p.town = $2)
             AND ($3 = '' OR strpos(lower(concat_ws(' ', p.name, p.name_en, p.code, p.town)), lower($3)) > 0)
             AND ($4::uuid IS NULL OR p.id = $4 OR p.supplied_by_id = $4)
           ORDER BY p.closed, array_position(ARRAY['supplier', 'county', 'township', 'village'],
             coalesce(p.tier, 'supplier')), p.no LIMIT 3000""",
        tier,
        town,
        text.strip(),
        actor.place_id,
    )


async def towns(session: AsyncSession) -> list[str]:
    """The towns in which there are places."""
    found = await database.rows(session, "SELECT DISTINCT town FROM place WHERE town <> '' ORDER BY town")
    return [row["town"] for row in found]


async def tally(session: AsyncSession) -> dict[str, int]:
    """How many open places there are in each tier, and how many vehicles."""
    found = await database.rows(
        session,
        """SELECT coalesce(tier, kind) AS tier, count(*) AS places FROM place WHERE NOT closed GROUP BY 1""",
    )
    return {row["tier"]: row["places"] for row in found}
