"""What there is: lots on hand, stock cards, use per day."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, NotFound
from xinglin.places import queries as place_queries
from xinglin.stock.rules import LotOnHand
from xinglin_catalog.search import query_keys

USE_WINDOW_DAYS = 84


async def lots_at(session: AsyncSession, place_id: UUID, products: Iterable[UUID]) -> list[LotOnHand]:
    """Released lots of these products at a place, with what is free of each."""
    found = await database.rows(
        session,
        """SELECT b.lot_id, b.product_id, l.number, l.expires_on, b.on_hand - b.held AS free, l.recalled
           FROM balance b JOIN lot l ON l.id = b.lot_id
           WHERE b.place_id = $1 AND b.product_id = ANY($2) AND b.condition = 'released' AND b.on_hand > 0
           ORDER BY l.expires_on, l.number, b.lot_id""",
        place_id,
        list(products),
    )
    return [LotOnHand(*row) for row in found]


async def lock_lots(session: AsyncSession, place_id: UUID, products: Iterable[UUID]) -> list[LotOnHand]:
    """The same, with the balances locked in the ledger's order: nobody else promises them meanwhile."""
    await database.run(
        session,
        """SELECT 1 FROM balance WHERE place_id = $1 AND product_id = ANY($2) AND condition = 'released'
           ORDER BY place_id, lot_id, condition FOR UPDATE""",
        place_id,
        list(products),
    )
    return await lots_at(session, place_id, products)


async def on_hand(
    session: AsyncSession, places: Iterable[UUID], products: Iterable[UUID], on: date
) -> dict[tuple[UUID, UUID], int]:
    """Released, unexpired, not recalled base units by (place, product), less what is promised to others."""
    found = await database.rows(
        session,
        """SELECT b.place_id, b.product_id, sum(b.on_hand - b.held)::bigint AS quantity
           FROM balance b JOIN lot l ON l.id = b.lot_id
           WHERE b.place_id = ANY($1) AND b.product_id = ANY($2) AND b.condition = 'released'
             AND l.expires_on > $3 AND NOT l.recalled
           GROUP BY 1, 2""",
        list(places),
        list(products),
        on,
    )
    return {(row["place_id"], row["product_id"]): row["quantity"] for row in found}


async def daily_use(
    session: AsyncSession, places: Iterable[UUID], on: date, products: Iterable[UUID] | None = None
) -> dict[tuple[UUID, UUID], Decimal]:
    """Average base units per day by (place, product) over twelve weeks: what went to patients.

    A place that supplies others uses what they use, all the way down. What was reversed does not count.
    Stock-out days are not yet told from days without need.
    """
    chosen = [] if products is None else [list(products)]
    # Place by place through the index, whatever the planner believes of the size of the network.
    found = await database.rows(
        session,
        f"""WITH RECURSIVE under AS (
             SELECT id AS root, id FROM unnest($1::uuid[]) AS asked (id)
             UNION
             SELECT u.root, p.id FROM under u JOIN place p ON p.supplied_by_id = u.id)
           SELECT u.root, m.product_id, sum(m.quantity)::numeric / $3 AS per_day
           FROM under u, LATERAL (
             SELECT m.product_id, sum(m.quantity) AS quantity FROM movement m
             WHERE m.source_id = u.id AND m.kind = 'issue' AND m.occurred_on > $2 AND m.occurred_on <= $4
               {"AND m.product_id = ANY($5)" if chosen else ""}
               AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses_id = m.id)
             GROUP BY 1) m
           GROUP BY 1, 2""",
        list(places),
        on - timedelta(days=USE_WINDOW_DAYS),
        USE_WINDOW_DAYS,
        on,
        *chosen,
    )
    return {(row["root"], row["product_id"]): row["per_day"] for row in found}


async def stock_list(
    session: AsyncSession,
    actor: Actor,
    place_id: UUID,
    *,
    text: str = "",
    after: tuple[str, UUID] | None = None,
    limit: int = 50,
) -> list[Row]:
    """What lies at a place, product by product: on hand, held, in quarantine, next expiry; by name."""
    await place_queries.place_in_reach(session, actor, place_id)
    name, last = after or ("", UUID(int=0))
    return await database.rows(
        session,
        """SELECT d.id AS product_id, d.code, d.generic_name, d.generic_name_en, d.dosage_form, d.strength,
             d.base_unit, d.pack_unit, d.pack_size, d.case_size, d.storage,
             coalesce(sum(b.on_hand) FILTER (WHERE b.condition = 'released'), 0)::bigint AS released,
             coalesce(sum(b.held), 0)::bigint AS held,
             coalesce(sum(b.on_hand) FILTER (WHERE b.condition = 'quarantine'), 0)::bigint AS quarantine,
             min(l.expires_on) FILTER (WHERE b.condition = 'released' AND b.on_hand > 0) AS next_expiry,
             count(*) FILTER (WHERE b.on_hand > 0) AS lots
           FROM balance b JOIN lot l ON l.id = b.lot_id JOIN product d ON d.id = b.product_id
           WHERE b.place_id = $1 AND d.search_keys @> $2::text[]
             AND (d.generic_name, d.id) > ($3, $4) AND b.on_hand > 0
           GROUP BY d.id ORDER BY d.generic_name, d.id LIMIT $5""",
        place_id,
        query_keys(text),
        name,
        last,
        limit,
    )


async def lots_of(session: AsyncSession, actor: Actor, place_id: UUID, product_id: UUID) -> list[Row]:
    """Every lot of a product at a place, in every condition."""
    await place_queries.place_in_reach(session, actor, place_id)
    return await database.rows(
        session,
        """SELECT l.id AS lot_id, l.number, l.made_on, l.expires_on, l.recalled, b.condition, b.on_hand, b.held
           FROM balance b JOIN lot l ON l.id = b.lot_id
           WHERE b.place_id = $1 AND b.product_id = $2 AND b.on_hand > 0
           ORDER BY l.expires_on, l.number, b.condition""",
        place_id,
        product_id,
    )


async def stock_card(
    session: AsyncSession,
    actor: Actor,
    place_id: UUID,
    product_id: UUID,
    *,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Every movement of a product in and out of a place, newest first, with who stands at the other end."""
    await place_queries.place_in_reach(session, actor, place_id)
    return await database.rows(
        session,
        """SELECT m.id, m.at, m.occurred_on, m.kind, m.quantity, m.paper_id, m.reverses_id, l.number AS lot,
             l.expires_on, m.target_id = $1 AS is_in, m.source_condition, m.target_condition, m.unit_price,
             CASE WHEN m.target_id = $1 THEN s.name ELSE t.name END AS other,
             EXISTS (SELECT 1 FROM movement r WHERE r.reverses_id = m.id) AS is_reversed
           FROM movement m JOIN lot l ON l.id = m.lot_id
             JOIN place s ON s.id = m.source_id JOIN place t ON t.id = m.target_id
           WHERE (m.source_id = $1 OR m.target_id = $1) AND m.product_id = $2
             AND ($3::uuid IS NULL OR m.id < $3)
           ORDER BY m.id DESC LIMIT $4""",
        place_id,
        product_id,
        before,
        limit,
    )


async def lots_to_watch(
    session: AsyncSession, actor: Actor, place_id: UUID, *, condition: str = "released",
    expires_by: date | None = None, limit: int = 200,
) -> list[Row]:  # fmt: skip
    """Lots at a place in a condition, those that expire first in front; only up to a day if one is given."""
    await place_queries.place_in_reach(session, actor, place_id)
    return await database.rows(
        session,
        """SELECT b.lot_id, b.product_id, l.number AS lot, l.expires_on, l.recalled, b.on_hand, b.held, d.code,
             d.generic_name, d.dosage_form, d.strength, d.base_unit, d.pack_unit, d.pack_size, d.storage
           FROM balance b JOIN lot l ON l.id = b.lot_id JOIN product d ON d.id = b.product_id
           WHERE b.place_id = $1 AND b.condition = $2 AND b.on_hand > 0 AND ($3::date IS NULL OR l.expires_on <= $3)
           ORDER BY l.expires_on, d.generic_name, l.number LIMIT $4""",
        place_id,
        condition,
        expires_by,
        limit,
    )


async def watch(session: AsyncSession, actor: Actor, place_id: UUID, expires_by: date) -> Row:
    """How many lots of a place are in quarantine, and how many expire by a day."""
    await place_queries.place_in_reach(session, actor, place_id)
    return await database.row(
        session,
        """SELECT count(*) FILTER (WHERE b.condition = 'quarantine') AS quarantine,
             count(*) FILTER (WHERE b.condition = 'released' AND l.expires_on <= $2) AS expiring,
             count(DISTINCT b.product_id) AS products
           FROM balance b JOIN lot l ON l.id = b.lot_id WHERE b.place_id = $1 AND b.on_hand > 0""",
        place_id,
        expires_by,
    )


async def receipts(session: AsyncSession, actor: Actor, place_id: UUID, *, limit: int = 100) -> list[Row]:
    """Goods that came from suppliers, newest first, with the price and whether the line was reversed."""
    await place_queries.place_in_reach(session, actor, place_id)
    return await database.rows(
        session,
        """SELECT m.id, m.at, m.occurred_on, m.quantity, m.unit_price, m.product_id, l.number AS lot, l.expires_on,
             s.name AS supplier, d.generic_name, d.dosage_form, d.strength, d.base_unit, d.pack_unit, d.pack_size, d.storage,
             EXISTS (SELECT 1 FROM movement r WHERE r.reverses_id = m.id) AS is_reversed
           FROM movement m JOIN lot l ON l.id = m.lot_id JOIN place s ON s.id = m.source_id
             JOIN product d ON d.id = m.product_id
           WHERE m.target_id = $1 AND m.kind = 'receive' ORDER BY m.id DESC LIMIT $2""",
        place_id,
        limit,
    )


async def movement_in_reach(session: AsyncSession, actor: Actor, movement_id: UUID) -> Row:
    """A movement in or out of the actor's place, or of one it supplies: a clinic's slip is put right above it."""
    found = await database.row(
        session,
        """SELECT m.* FROM movement m WHERE m.id = $1 AND ($2::uuid IS NULL OR EXISTS (
             SELECT 1 FROM place p WHERE p.id IN (m.source_id, m.target_id) AND $2 IN (p.id, p.supplied_by_id)))""",
        movement_id,
        actor.place_id,
    )
    if found is None:
        raise NotFound(N_("There is no such movement, or it is not one of yours."))
    return found


async def books_disagree(session: AsyncSession) -> list[Row]:
    """Balances that are not the sum of their movements, or hold other than their open holds."""
    return await database.rows(
        session,
        """WITH moved AS (
             SELECT place_id, lot_id, condition, sum(quantity)::bigint AS quantity FROM (
               SELECT target_id AS place_id, lot_id, target_condition AS condition, quantity FROM movement
               UNION ALL
               SELECT source_id, lot_id, source_condition, -quantity FROM movement) m
             WHERE place_id NOT IN (SELECT id FROM place WHERE kind = ANY($1))
             GROUP BY 1, 2, 3),
           promised AS (
             SELECT h.place_id, h.lot_id, 'released' AS condition, sum(h.quantity)::bigint AS quantity
             FROM hold h WHERE NOT EXISTS (SELECT 1 FROM hold_answer a WHERE a.hold_id = h.id) GROUP BY 1, 2)
           SELECT place_id, lot_id, condition, coalesce(b.on_hand, 0) AS on_hand, coalesce(m.quantity, 0) AS moved,
             coalesce(b.held, 0) AS held, coalesce(p.quantity, 0) AS promised, pl.name AS place, l.number AS lot
           FROM balance b FULL JOIN moved m USING (place_id, lot_id, condition)
             FULL JOIN promised p USING (place_id, lot_id, condition)
             LEFT JOIN place pl ON pl.id = place_id LEFT JOIN lot l ON l.id = lot_id
           WHERE coalesce(b.on_hand, 0) <> coalesce(m.quantity, 0) OR coalesce(b.held, 0) <> coalesce(p.quantity, 0)
           ORDER BY place_id, lot_id, condition LIMIT 100""",
        ["supplier", "patients", "losses"],
    )


async def figures(session: AsyncSession) -> dict[str, Any]:
    """How much the books hold."""
    found = await database.row(
        session,
        """SELECT (SELECT count(*) FROM movement) AS movements, (SELECT count(*) FROM hold) AS holds,
             (SELECT count(*) FROM balance WHERE on_hand > 0) AS balances, (SELECT count(*) FROM lot) AS lots""",
    )
    assert found is not None
    return dict(found)


LOW_DAYS = 7
NEAR_EXPIRY_DAYS = 90


async def used_up(session: AsyncSession, actor: Actor, place_id: UUID, on: date) -> list[Row]:
    """Products a place has used in the last twelve weeks and has none of now; most used first."""
    await place_queries.place_in_reach(session, actor, place_id)
    used = await daily_use(session, [place_id], on)
    found = await database.rows(
        session,
        """SELECT d.id AS product_id, d.code, d.generic_name, d.generic_name_en, d.dosage_form, d.strength, d.maker,
             d.base_unit, d.pack_unit, d.pack_size, d.storage, d.priority
           FROM product d WHERE d.id = ANY($1) AND NOT EXISTS (
             SELECT 1 FROM balance b JOIN lot l ON l.id = b.lot_id
             WHERE b.place_id = $2 AND b.product_id = d.id AND b.condition = 'released' AND b.on_hand > 0
               AND l.expires_on > $3 AND NOT l.recalled)""",
        [product for _, product in used],
        place_id,
        on,
    )
    return sorted(found, key=lambda row: -used[place_id, row["product_id"]])


async def overview(session: AsyncSession, actor: Actor, on: date) -> list[Row]:
    """Every pharmacy and clinic in reach: how many products it has, runs low on, is out of, soon loses.

    Low: less than a week by its own use over twelve weeks. Soon: expires within 90 days.
    """
    return await database.rows(
        session,
        """WITH here AS (
             SELECT id, no, name, tier FROM place
             WHERE tier IS NOT NULL AND NOT closed AND ($1::uuid IS NULL OR id = $1 OR supplied_by_id = $1)),
           used AS (
             SELECT m.source_id AS place_id, m.product_id, sum(m.quantity)::numeric / $3 AS per_day
             FROM movement m JOIN here h ON h.id = m.source_id
             WHERE m.kind = 'issue' AND m.occurred_on > $2::date - $3::int AND m.occurred_on <= $2
               AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses_id = m.id)
             GROUP BY 1, 2),
           there AS (
             SELECT b.place_id, b.product_id,
               coalesce(sum(b.on_hand) FILTER (WHERE l.expires_on > $2 AND NOT l.recalled), 0) AS on_hand,
               bool_or(l.expires_on <= $2::date + $5::int) AS is_near
             FROM balance b JOIN here h ON h.id = b.place_id JOIN lot l ON l.id = b.lot_id
             WHERE b.condition = 'released' AND b.on_hand > 0 GROUP BY 1, 2)
           SELECT h.id AS place_id, h.no, h.name, h.tier, count(*) FILTER (WHERE t.on_hand > 0) AS products,
             count(*) FILTER (WHERE u.per_day > 0 AND coalesce(t.on_hand, 0) = 0) AS out,
             count(*) FILTER (WHERE t.on_hand > 0 AND t.on_hand < u.per_day * $4) AS low,
             count(*) FILTER (WHERE t.is_near) AS near
           FROM here h LEFT JOIN (used u FULL JOIN there t USING (place_id, product_id)) ON place_id = h.id
           GROUP BY h.id, h.no, h.name, h.tier ORDER BY h.no""",
        actor.place_id,
        on,
        USE_WINDOW_DAYS,
        LOW_DAYS,
        NEAR_EXPIRY_DAYS,
    )
