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
    """Released, unexpired, not recalled base units by (place, product)."""
    found = await database.rows(
        session,
        """SELECT b.place_id, b.product_id, sum(b.on_hand)::bigint AS quantity
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
    found = await database.rows(
        session,
        """WITH RECURSIVE under AS (
             SELECT id AS root, id FROM unnest($1::uuid[]) AS asked (id)
             UNION ALL
             SELECT u.root, p.id FROM under u JOIN place p ON p.supplied_by_id = u.id)
           SELECT u.root, m.product_id, sum(m.quantity)::numeric / $3 AS per_day
           FROM under u JOIN movement m ON m.source_id = u.id
           WHERE m.kind = 'issue' AND m.occurred_on > $2 AND m.occurred_on <= $4
             AND ($5::uuid[] IS NULL OR m.product_id = ANY($5))
             AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses_id = m.id)
           GROUP BY 1, 2""",
        list(places),
        on - timedelta(days=USE_WINDOW_DAYS),
        USE_WINDOW_DAYS,
        on,
        None if products is None else list(products),
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
