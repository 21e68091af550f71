"""Checks: each a small function that returns findings with the rows that prove them. A new one is added here."""

from collections.abc import Awaitable, Callable

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, seals
from xinglin.base.errors import N_
from xinglin.inspection.rules import Finding
from xinglin.stock import queries as stock_queries

Check = Callable[[AsyncSession], Awaitable[list[Finding]]]


async def ledger_equals_balance(session: AsyncSession) -> list[Finding]:
    """Every balance is the sum of its movements, and holds what its open holds say (house law)."""
    return [
        Finding(
            "ledger_equals_balance",
            "serious",
            N_(
                "{place}, lot {lot}: the balance says {on_hand}, the movements {moved}; held {held}, promised {promised}."
            ),
            {key: row[key] for key in ("place", "lot", "on_hand", "moved", "held", "promised")},
            [{"place_id": row["place_id"], "lot_id": row["lot_id"], "condition": row["condition"]}],
        )
        for row in await stock_queries.books_disagree(session)
    ]


async def trail_is_whole(session: AsyncSession) -> list[Finding]:
    """No sealed row was changed, removed or slipped in."""
    broken = (await seals.verify(session)).broken
    if broken is None:
        return []
    return [
        Finding(
            "trail_is_whole", "serious", broken.message, {},
            [{"seal": broken.seal, "book": broken.book, "row": broken.row}],
        )
    ]  # fmt: skip


async def nothing_forgotten_on_a_vehicle(session: AsyncSession) -> list[Finding]:
    """A vehicle that is not out carries nothing."""
    found = await database.rows(
        session,
        """SELECT v.plate, sum(b.on_hand)::bigint AS units FROM vehicle v JOIN balance b ON b.place_id = v.id
           WHERE b.on_hand > 0 AND NOT EXISTS (SELECT 1 FROM run r WHERE r.vehicle_id = v.id AND r.state = 'under_way')
           GROUP BY v.plate ORDER BY v.plate""",
    )
    return [
        Finding(
            "nothing_forgotten_on_a_vehicle", "serious",
            N_("{plate} is not out but carries {units} units."), {"plate": row["plate"], "units": row["units"]},
        )
        for row in found
    ]  # fmt: skip


async def received_is_what_was_signed_for(session: AsyncSession) -> list[Finding]:
    """What the ledger moved from a vehicle to a place is what the proof of delivery says was accepted."""
    found = await database.rows(
        session,
        """SELECT f.number, p.name AS place, signed.quantity AS signed, coalesce(moved.quantity, 0)::bigint AS moved, f.id
           FROM proof f JOIN stop s ON s.id = f.stop_id JOIN place p ON p.id = s.place_id
             JOIN LATERAL (SELECT sum(accepted)::bigint AS quantity FROM proof_line WHERE proof_id = f.id) signed ON true
             LEFT JOIN LATERAL (SELECT sum(quantity)::bigint AS quantity FROM movement
               WHERE paper_id = s.id AND kind = 'deliver') moved ON true
           WHERE signed.quantity IS DISTINCT FROM coalesce(moved.quantity, 0) ORDER BY f.number LIMIT 100""",
    )
    return [
        Finding(
            "received_is_what_was_signed_for", "serious",
            N_("{number}: {place} signed for {signed} units, the ledger moved {moved}."),
            {key: row[key] for key in ("number", "place", "signed", "moved")}, [{"proof_id": row["id"]}],
        )
        for row in found
    ]  # fmt: skip


async def no_expired_goods_delivered(session: AsyncSession) -> list[Finding]:
    """Nothing was delivered on or after the day it expired (domain.md 2.C 5)."""
    found = await database.rows(
        session,
        """SELECT m.id, l.number AS lot, l.expires_on, m.occurred_on, p.name AS place, m.quantity
           FROM movement m JOIN lot l ON l.id = m.lot_id JOIN place p ON p.id = m.target_id
           WHERE m.kind = 'deliver' AND m.occurred_on >= l.expires_on ORDER BY m.id LIMIT 100""",
    )
    return [
        Finding(
            "no_expired_goods_delivered", "serious",
            N_("Lot {lot}, expired on {day}, was delivered to {place}."),
            {"lot": row["lot"], "day": row["expires_on"], "place": row["place"]},
            [{"movement_id": row["id"], "quantity": row["quantity"]}],
        )
        for row in found
    ]  # fmt: skip


async def no_expired_goods_on_the_shelf(session: AsyncSession) -> list[Finding]:
    """Expired goods do not lie among released ones (R13)."""
    found = await database.rows(
        session,
        """SELECT p.name AS place, count(*) AS lots, sum(b.on_hand)::bigint AS units FROM balance b
             JOIN lot l ON l.id = b.lot_id JOIN place p ON p.id = b.place_id
           WHERE b.condition = 'released' AND b.on_hand > 0 AND l.expires_on <= $1
           GROUP BY p.no, p.name ORDER BY p.no LIMIT 300""",
        clock.today(),
    )
    return [
        Finding(
            "no_expired_goods_on_the_shelf", "warning",
            N_("{place} has {units} units in {lots} expired lots among released stock."), dict(row),
        )
        for row in found
    ]  # fmt: skip


CHECKS: tuple[Check, ...] = (
    ledger_equals_balance,
    trail_is_whole,
    nothing_forgotten_on_a_vehicle,
    received_is_what_was_signed_for,
    no_expired_goods_delivered,
    no_expired_goods_on_the_shelf,
)
