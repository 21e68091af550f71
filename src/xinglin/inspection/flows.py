"""What came in, went out and is left: place by place, medicine by medicine, for a period."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.base.database import Row

FEN_PER_UNIT = Decimal("0.005")
"""From this difference per base unit on, a sale price is not the purchase price (R5)."""

MOVED = """SELECT target_id AS place_id, product_id, occurred_on, kind, quantity, unit_price, true AS is_in FROM movement
      WHERE source_id <> target_id
    UNION ALL
    SELECT source_id, product_id, occurred_on, kind, -quantity, unit_price, false FROM movement
      WHERE source_id <> target_id"""
IN_PERIOD = "m.occurred_on BETWEEN $1 AND $2"
FIGURES = f"""coalesce(sum(m.quantity) FILTER (WHERE m.occurred_on < $1), 0)::bigint AS opening,
    coalesce(sum(m.quantity) FILTER (WHERE {IN_PERIOD} AND m.kind = 'receive'), 0)::bigint AS bought,
    coalesce(sum(m.quantity) FILTER (WHERE {IN_PERIOD} AND m.is_in AND m.kind IN ('load', 'deliver', 'miss')), 0)::bigint
      AS delivered,
    coalesce(sum(m.quantity) FILTER (WHERE {IN_PERIOD} AND m.is_in AND m.kind = 'bring_back'), 0)::bigint AS back,
    coalesce(-sum(m.quantity) FILTER (WHERE {IN_PERIOD} AND m.kind = 'issue'), 0)::bigint AS issued,
    coalesce(-sum(m.quantity) FILTER (WHERE {IN_PERIOD} AND NOT m.is_in
      AND m.kind IN ('load', 'deliver', 'miss', 'bring_back')), 0)::bigint AS sent,
    coalesce(sum(m.quantity) FILTER (WHERE {IN_PERIOD} AND m.kind IN ('adjust', 'reverse')), 0)::bigint AS corrected,
    coalesce(sum(m.quantity) FILTER (WHERE m.occurred_on <= $2), 0)::bigint AS closing,
    coalesce(sum(m.quantity * m.unit_price) FILTER (WHERE {IN_PERIOD} AND m.kind = 'receive'), 0) AS bought_amount,
    coalesce(-sum(m.quantity * m.unit_price) FILTER (WHERE {IN_PERIOD} AND m.kind = 'issue'), 0) AS issued_amount"""


async def by_place(
    session: AsyncSession, actor: Actor, since: date, until: date, product_id: UUID | None = None
) -> list[Row]:
    """Each place's opening, in, out and closing in base units; `on_hand` is what the balances say now.

    Vehicles and goods under investigation stand in it too, or the county would not add up.
    """
    actor.must("inspection.read")
    return await database.rows(
        session,
        f"""WITH flow AS (
              SELECT m.place_id, {FIGURES} FROM ({MOVED}) m
              WHERE m.occurred_on <= $2 AND ($3::uuid IS NULL OR m.product_id = $3) GROUP BY 1),
            there AS (
              SELECT place_id, sum(on_hand)::bigint AS on_hand FROM balance
              WHERE $3::uuid IS NULL OR product_id = $3 GROUP BY 1)
            SELECT p.id AS place_id, p.no, p.name, p.kind, p.town, f.*, coalesce(t.on_hand, 0)::bigint AS on_hand
            FROM flow f JOIN place p ON p.id = f.place_id LEFT JOIN there t ON t.place_id = p.id
            WHERE p.kind NOT IN ('supplier', 'patients', 'losses') ORDER BY p.no""",
        since,
        until,
        product_id,
    )


async def by_product(
    session: AsyncSession, actor: Actor, place_id: UUID, since: date, until: date, *, limit: int = 1000
) -> list[Row]:
    """The same for one place, medicine by medicine."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        f"""WITH flow AS (
              SELECT m.product_id, {FIGURES} FROM ({MOVED}) m
              WHERE m.occurred_on <= $2 AND m.place_id = $3 GROUP BY 1),
            there AS (SELECT product_id, sum(on_hand)::bigint AS on_hand FROM balance WHERE place_id = $3 GROUP BY 1)
            SELECT d.id AS product_id, d.code, d.generic_name, d.generic_name_en, d.dosage_form, d.strength, d.base_unit,
              d.pack_unit, d.pack_size, d.storage, d.maker, f.*, coalesce(t.on_hand, 0)::bigint AS on_hand
            FROM flow f JOIN product d ON d.id = f.product_id LEFT JOIN there t ON t.product_id = d.id
            ORDER BY d.generic_name, d.id LIMIT $4""",
        since,
        until,
        place_id,
        limit,
    )


async def has_later(session: AsyncSession, until: date) -> bool:
    """Whether anything moved after a day: then the balances of now are not the closing of that day."""
    found: bool = await database.value(
        session, "SELECT EXISTS (SELECT 1 FROM movement WHERE occurred_on > $1)", until
    )
    return found


async def marked_up(
    session: AsyncSession, actor: Actor, since: date, until: date, *, limit: int = 500
) -> list[Row]:
    """Issues to patients whose price is none at which the lot was bought (R5, zero mark-up); should be none.

    Compared per base unit; a difference of half a fen and more counts. Reversed issues do not.
    """
    actor.must("inspection.read")
    return await database.rows(
        session,
        """SELECT m.id, m.occurred_on, m.quantity, m.unit_price, m.lot_id, m.product_id, m.source_id AS place_id,
             p.name AS place, l.number AS lot, d.generic_name, d.generic_name_en, d.dosage_form, d.strength, d.base_unit,
             d.pack_unit, d.pack_size, d.storage, b.unit_price AS bought_at, b.id AS bought_by
           FROM movement m JOIN place p ON p.id = m.source_id JOIN lot l ON l.id = m.lot_id
             JOIN product d ON d.id = m.product_id
             LEFT JOIN LATERAL (SELECT r.id, r.unit_price FROM movement r WHERE r.lot_id = m.lot_id AND r.kind = 'receive'
               ORDER BY abs(r.unit_price - m.unit_price), r.id LIMIT 1) b ON true
           WHERE m.kind = 'issue' AND m.occurred_on BETWEEN $1 AND $2
             AND (b.unit_price IS NULL OR abs(b.unit_price - m.unit_price) >= $3)
             AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses_id = m.id)
           ORDER BY m.occurred_on, m.id LIMIT $4""",
        since,
        until,
        FEN_PER_UNIT,
        limit,
    )


async def issues_checked(session: AsyncSession, since: date, until: date) -> int:
    """How many issues to patients there are in a period: what a search for mark-ups has looked at."""
    found: int = await database.value(
        session,
        "SELECT count(*) FROM movement WHERE kind = 'issue' AND occurred_on BETWEEN $1 AND $2",
        since,
        until,
    )
    return found
