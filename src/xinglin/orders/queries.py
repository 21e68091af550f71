"""Requisitions: in reach, by state, with their lines; and what a place should ask for."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, ChangedMeanwhile, NotFound
from xinglin.formulary import queries as formulary_queries
from xinglin.orders import rules
from xinglin.orders.rules import Asked, Orderable, Rejected
from xinglin.orders.suggestion import Need, Suggestion, suggest
from xinglin.places import queries as place_queries
from xinglin.stock import queries as stock_queries

COVER_DAYS = {"village": 14, "township": 21, "county": 28}
"""Days a place should be covered after ordering, until the formulary's policy row says otherwise."""


def no_such_requisition() -> NotFound:
    """The answer for a paper that is not there and for one that is out of reach."""
    return NotFound(N_("There is no such requisition, or it is not one of yours."))


def only_at(actor: Actor, place_id: UUID) -> None:
    """Who asks orders and withdraws, who supplies reviews and picks: neither acts for the other."""
    if actor.place_id not in (None, place_id):
        raise no_such_requisition()


IN_REACH = "($2::uuid IS NULL OR r.place_id = $2 OR r.supplier_id = $2)"


async def requisition_for_change(
    session: AsyncSession, actor: Actor, requisition_id: UUID, version: int | None = None
) -> Row:
    """A requisition in reach, locked; refused with ChangedMeanwhile if it is not as it was read."""
    found = await database.row(
        session,
        f"""SELECT r.*, p.no AS place_no, p.name AS place, p.tier FROM requisition r
            JOIN place p ON p.id = r.place_id WHERE r.id = $1 AND {IN_REACH} FOR UPDATE OF r""",
        requisition_id,
        actor.place_id,
    )
    if found is None:
        raise no_such_requisition()
    if version is not None and version != found["version"]:
        raise ChangedMeanwhile(N_("Somebody changed {number} after you read it."), number=found["number"])
    return found


async def requisition(session: AsyncSession, actor: Actor, requisition_id: UUID) -> Row:
    """One requisition in reach, with the names of both ends."""
    found = await database.row(
        session,
        f"""SELECT r.*, p.name AS place, p.tier, s.name AS supplier FROM requisition r
            JOIN place p ON p.id = r.place_id JOIN place s ON s.id = r.supplier_id
            WHERE r.id = $1 AND {IN_REACH}""",
        requisition_id,
        actor.place_id,
    )
    if found is None:
        raise no_such_requisition()
    return found


async def lines(session: AsyncSession, requisition_id: UUID) -> list[Row]:
    """The lines of a requisition, in the order in which they were asked."""
    return await database.rows(
        session,
        """SELECT l.*, l.ration::text AS ration_text, l.passed_over::text AS passed_over_text,
             d.code, d.generic_name, d.generic_name_en, d.dosage_form, d.strength, d.base_unit, d.pack_unit,
             d.pack_size, d.case_size, d.storage, d.priority, d.maker
           FROM requisition_line l JOIN product d ON d.id = l.product_id
           WHERE l.requisition_id = $1 ORDER BY l.position, l.id""",
        requisition_id,
    )


async def requisitions(
    session: AsyncSession,
    actor: Actor,
    *,
    states: Iterable[str] = (),
    place_id: UUID | None = None,
    supplier_id: UUID | None = None,
    tier: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Requisitions in reach, newest first, with how many lines and how much money."""
    return await database.rows(
        session,
        f"""SELECT r.*, p.name AS place, p.tier, s.name AS supplier, t.lines, t.amount, t.short
            FROM requisition r JOIN place p ON p.id = r.place_id JOIN place s ON s.id = r.supplier_id,
            LATERAL (SELECT count(*) AS lines, coalesce(sum(l.unit_price * coalesce(l.approved, l.asked)), 0) AS amount,
              count(*) FILTER (WHERE l.rationed < l.approved) AS short
              FROM requisition_line l WHERE l.requisition_id = r.id) t
            WHERE ($1::text[] = '{{}}' OR r.state = ANY($1)) AND {IN_REACH}
              AND ($3::uuid IS NULL OR r.place_id = $3) AND ($4::uuid IS NULL OR r.supplier_id = $4)
              AND ($5::uuid IS NULL OR r.id < $5) AND ($7::text IS NULL OR p.tier = $7)
            ORDER BY r.id DESC LIMIT $6""",
        list(states),
        actor.place_id,
        place_id,
        supplier_id,
        before,
        limit,
        tier,
    )


async def over_suggestion(session: AsyncSession, requisitions: Iterable[UUID]) -> dict[UUID, int]:
    """How many lines of each requisition ask for more than the place's use suggests."""
    found = await database.rows(
        session,
        """SELECT requisition_id, count(*) AS lines FROM requisition_line
           WHERE requisition_id = ANY($1) AND asked > suggested GROUP BY 1""",
        list(requisitions),
    )
    return {row["requisition_id"]: row["lines"] for row in found}


async def picks(session: AsyncSession, requisitions: Iterable[UUID]) -> list[Row]:
    """What was picked for these requisitions, lot by lot, still promised by its hold."""
    return await database.rows(
        session,
        """SELECT k.*, l.number AS lot, l.expires_on, rl.product_id, rl.unit_price, rl.position, r.place_id,
             r.supplier_id, d.generic_name, d.dosage_form, d.strength, d.base_unit, d.pack_unit, d.pack_size,
             d.storage, d.pack_weight_g, d.pack_volume_cm3
           FROM pick k JOIN lot l ON l.id = k.lot_id JOIN requisition_line rl ON rl.id = k.line_id
             JOIN requisition r ON r.id = k.requisition_id JOIN product d ON d.id = rl.product_id
           WHERE k.requisition_id = ANY($1) ORDER BY k.requisition_id, rl.position, l.expires_on, k.id""",
        list(requisitions),
    )


async def pick_list(session: AsyncSession, requisition_id: UUID) -> list[Row]:
    """What the picker takes from the shelf: every open hold, with the lot; cold goods last."""
    return await pick_lists(session, [requisition_id])


async def pick_lists(session: AsyncSession, requisitions: Iterable[UUID]) -> list[Row]:
    """The pick lists of several requisitions, paper by paper."""
    return await database.rows(
        session,
        """SELECT h.id AS hold_id, h.quantity, h.lot_id, h.line_id, l.number AS lot, l.expires_on, d.generic_name,
             d.dosage_form, d.strength, d.base_unit, d.pack_unit, d.pack_size, d.case_size, d.storage, rl.position,
             d.maker, d.code, h.product_id, h.paper_id AS requisition_id
           FROM hold h JOIN lot l ON l.id = h.lot_id JOIN product d ON d.id = h.product_id
             JOIN requisition_line rl ON rl.id = h.line_id
           WHERE h.paper_id = ANY($1) AND NOT EXISTS (SELECT 1 FROM hold_answer a WHERE a.hold_id = h.id)
           ORDER BY h.paper_id, d.storage IN ('cold', 'frozen'), rl.position, l.expires_on""",
        list(requisitions),
    )


async def to_supply(session: AsyncSession, actor: Actor, supplier_id: UUID) -> dict[str, int]:
    """How many requisitions that a place supplies are in each state."""
    found = await database.rows(
        session,
        """SELECT state, count(*) AS papers FROM requisition
           WHERE supplier_id = $1 AND ($2::uuid IS NULL OR supplier_id = $2) GROUP BY 1""",
        supplier_id,
        actor.place_id,
    )
    return {row["state"]: row["papers"] for row in found}


async def on_order(
    session: AsyncSession, place_id: UUID, products: Iterable[UUID] | None = None
) -> dict[UUID, int]:
    """Base units asked for or on their way to a place, by product."""
    chosen = [] if products is None else [list(products)]
    found = await database.rows(
        session,
        f"""SELECT l.product_id, sum(CASE WHEN r.state IN ('picked', 'shipped') THEN l.picked
             WHEN r.state = 'allocated' THEN l.allocated ELSE coalesce(l.approved, l.asked) END)::bigint AS quantity
           FROM requisition_line l JOIN requisition r ON r.id = l.requisition_id
           WHERE r.place_id = $1 AND r.state IN ('submitted', 'approved', 'allocated', 'picked', 'shipped')
             {"AND l.product_id = ANY($2)" if chosen else ""}
           GROUP BY 1""",
        place_id,
        *chosen,
    )
    return {row["product_id"]: row["quantity"] for row in found}


async def needs(session: AsyncSession, place_id: UUID, tier: str, packs: dict[UUID, int]) -> dict[UUID, Need]:
    """What is known of these products at a place, in three statements however many there are."""
    on = clock.today()
    used = await stock_queries.daily_use(session, [place_id], on, packs)
    there = await stock_queries.on_hand(session, [place_id], packs, on)
    coming = await on_order(session, place_id, packs)
    return {
        product: Need(
            there.get((place_id, product), 0),
            coming.get(product, 0),
            used.get((place_id, product), Decimal(0)),
            COVER_DAYS.get(tier, 14),
            pack,
        )
        for product, pack in packs.items()
    }


async def suggestions(
    session: AsyncSession, place_id: UUID, tier: str, packs: dict[UUID, int]
) -> dict[UUID, Suggestion]:
    """How much of each of these products (with its pack size) the place should ask for, and why."""
    known = await needs(session, place_id, tier, packs)
    return {product: suggest(need) for product, need in known.items()}


async def rejected(
    session: AsyncSession, tier: str, asked: Sequence[Asked]
) -> tuple[list[Rejected], dict[UUID, Row]]:
    """Which of these lines a tier may not order, each with why; and what is known of every product."""
    facts = await formulary_queries.orderable(
        session, tier, [line.product_id for line in asked], clock.today()
    )
    reasons = [rules.why_rejected(line, _orderable(facts.get(line.product_id))) for line in asked]
    return [reason for reason in reasons if reason], facts


def _orderable(row: Row | None) -> Orderable | None:
    if row is None:
        return None
    return Orderable(
        row["id"], row["generic_name"], row["pack_size"], row["pack_unit"], row["may"], row["rule"],
        row["unit_price"] is not None,
    )  # fmt: skip


async def proposal(session: AsyncSession, actor: Actor, place_id: UUID) -> list[dict[str, object]]:
    """The basket a place should send now: every product it uses that it may order, with why."""
    place = await place_queries.place_in_reach(session, actor, place_id)
    on = clock.today()
    used = await stock_queries.daily_use(session, [place_id], on)
    listed = await formulary_queries.orderable(session, place["tier"] or "", {p for _, p in used}, on)
    packs = {
        id: row["pack_size"]
        for id, row in listed.items()
        if row["may"] in ("stocked", "on_request") and row["unit_price"] is not None
    }
    known = await needs(session, place_id, place["tier"] or "", packs)
    basket = []
    for product, need in known.items():
        suggestion = suggest(need)
        if suggestion.quantity:
            basket.append(
                {
                    "product_id": product,
                    "name": listed[product]["generic_name"],
                    "quantity": suggestion.quantity,
                    "pack_size": need.pack_size,
                    "pack_unit": listed[product]["pack_unit"],
                    "unit_price": listed[product]["unit_price"],
                    "message": suggestion.message,
                    "fields": suggestion.fields,
                }
            )
    return sorted(basket, key=lambda line: str(line["name"]))


async def counts(session: AsyncSession, actor: Actor, *, supplier_id: UUID | None = None) -> dict[str, int]:
    """How many requisitions in reach (of those one place supplies, or of all) are in each state."""
    found = await database.rows(
        session,
        """SELECT state, count(*) AS papers FROM requisition
           WHERE ($1::uuid IS NULL OR place_id = $1 OR supplier_id = $1)
             AND ($2::uuid IS NULL OR supplier_id = $2) GROUP BY 1""",
        actor.place_id,
        supplier_id,
    )
    return {row["state"]: row["papers"] for row in found}


async def waves(session: AsyncSession, actor: Actor, supplier_id: UUID, *, limit: int = 10) -> list[Row]:
    """The last rounds of allocation at a supplying place, with what each came to. Base units."""
    await place_queries.place_in_reach(session, actor, supplier_id)
    return await database.rows(
        session,
        """SELECT r.allocated_at, count(DISTINCT r.id) AS requisitions, count(*) AS lines,
             count(*) FILTER (WHERE l.allocated < l.approved) AS short
           FROM requisition r JOIN requisition_line l ON l.requisition_id = r.id
           WHERE r.supplier_id = $1 AND r.allocated_at IS NOT NULL
           GROUP BY 1 ORDER BY 1 DESC LIMIT $2""",
        supplier_id,
        limit,
    )


async def wave_lines(
    session: AsyncSession, actor: Actor, supplier_id: UUID, allocated_at: datetime
) -> list[Row]:
    """Who got how much in one round of allocation and why, product by product."""
    await place_queries.place_in_reach(session, actor, supplier_id)
    return await database.rows(
        session,
        """SELECT l.*, l.ration::text AS ration_text, l.passed_over::text AS passed_over_text, r.number, r.is_urgent,
             p.name AS place, d.code, d.generic_name, d.generic_name_en, d.dosage_form, d.strength, d.base_unit,
             d.pack_unit, d.pack_size, d.storage, d.priority, d.maker
           FROM requisition_line l JOIN requisition r ON r.id = l.requisition_id
             JOIN place p ON p.id = r.place_id JOIN product d ON d.id = l.product_id
           WHERE r.supplier_id = $1 AND r.allocated_at = $2
           ORDER BY d.generic_name, d.id, p.no, l.id""",
        supplier_id,
        allocated_at,
    )
