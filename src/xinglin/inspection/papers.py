"""From any paper down and up: request, lots, run, signature, shortage, and who did what (资金、药品可追溯)."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, NotFound
from xinglin.orders import queries as order_queries

KINDS = {
    "REQ": N_("Requisition"),
    "PLAN": N_("Plan"),
    "RUN": N_("Run"),
    "POD": N_("Proof of delivery"),
    "SHO": N_("Shortage"),
}
"""Papers by the letters their numbers begin with."""

PRODUCT = "d.generic_name, d.generic_name_en, d.dosage_form, d.strength, d.base_unit, d.pack_unit, d.pack_size, d.storage"
MOVEMENT = f"""SELECT m.*, l.number AS lot, l.expires_on, s.name AS source, s.kind AS source_kind, t.name AS target,
    t.kind AS target_kind, {PRODUCT}, EXISTS (SELECT 1 FROM movement r WHERE r.reverses_id = m.id) AS is_reversed
  FROM movement m JOIN lot l ON l.id = m.lot_id JOIN product d ON d.id = m.product_id
    JOIN place s ON s.id = m.source_id JOIN place t ON t.id = m.target_id"""
MOST_ROWS = 1000


class Roots(NamedTuple):
    """The papers that hang together with one paper, by id."""

    requisitions: list[UUID]
    stops: list[UUID]
    runs: list[UUID]
    plans: list[UUID]
    shortages: list[UUID]

    @property
    def all(self) -> list[UUID]:
        """What the trail may have said something about."""
        return [id for ids in self for id in ids]


class Chain(NamedTuple):
    """Everything that hangs together with one paper, each part in its own order."""

    number: str
    kind: str
    requisitions: list[Row]
    lines: list[Row]
    lots: list[Row]
    movements: list[Row]
    plans: list[Row]
    runs: list[Row]
    stops: list[Row]
    proofs: list[Row]
    outcomes: list[Row]
    shortages: list[Row]
    trail: list[Row]

    @property
    def has_lines(self) -> bool:
        """A run or a plan lists its requisitions; their lines are on papers of their own."""
        return self.kind not in ("RUN", "PLAN")


async def chain(session: AsyncSession, actor: Actor, number: str) -> Chain:
    """The whole chain of the paper with this number. Refuses a number that no paper has."""
    actor.must("inspection.read")
    number = number.strip().upper()
    kind = number.split("-")[0]
    roots = await _roots(session, number)
    if roots is None:
        raise NotFound(N_("There is no paper with the number {number}."), number=number)
    has_lines = kind not in ("RUN", "PLAN")
    lots = await _lots(session, roots) if has_lines else []
    return Chain(
        number, kind,
        requisitions=await _requisitions(session, roots.requisitions),
        lines=await lines_of(session, roots.requisitions) if has_lines else [],
        lots=lots,
        movements=await _movements(session, roots, [row["lot_id"] for row in lots]) if has_lines else [],
        plans=await database.rows(session, f"{PLAN} WHERE n.id = ANY($1) ORDER BY n.id", roots.plans),
        runs=await database.rows(session, f"{RUN} WHERE r.id = ANY($1) ORDER BY r.id", roots.runs),
        stops=await _stops(session, roots.stops),
        proofs=await database.rows(session, PROOF, roots.stops),
        outcomes=await _outcomes(session, roots, has_lines),
        shortages=await _shortages(session, roots.shortages),
        trail=await _trail(session, roots),
    )  # fmt: skip


PLAN = """SELECT n.id, n.number, n.planned_on, n.state, n.requested_by, n.requested_at, n.solved_at, n.adopted_at,
    p.name AS depot FROM plan n JOIN place p ON p.id = n.depot_id"""
RUN = """SELECT r.*, n.number AS plan_number, v.plate, p.name AS depot, a.name AS driver, w.loaded, w.delivered, w.missing,
    w.back
  FROM run r JOIN plan n ON n.id = r.plan_id JOIN vehicle v ON v.id = r.vehicle_id JOIN place p ON p.id = r.depot_id
    LEFT JOIN public.account a ON a.id = r.driver_id,
    LATERAL (SELECT coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'load'), 0)::bigint AS loaded,
        coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'deliver'), 0)::bigint AS delivered,
        coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'miss'), 0)::bigint AS missing,
        coalesce(sum(m.quantity) FILTER (WHERE m.kind = 'bring_back'), 0)::bigint AS back
      FROM movement m WHERE m.paper_id = r.id OR m.paper_id IN (SELECT id FROM stop WHERE run_id = r.id)) w"""
PROOF = """SELECT f.*, s.position, p.name AS place, r.number AS run FROM proof f JOIN stop s ON s.id = f.stop_id
    JOIN place p ON p.id = s.place_id JOIN run r ON r.id = s.run_id
  WHERE f.stop_id = ANY($1) ORDER BY r.number, s.position"""


async def _roots(session: AsyncSession, number: str) -> Roots | None:
    """Which papers hang together with this one; None if there is no such paper."""
    found = await database.row(
        session,
        """WITH asked AS (
             SELECT id, 'requisition' AS kind FROM requisition WHERE number = $1
             UNION ALL SELECT id, 'run' FROM run WHERE number = $1
             UNION ALL SELECT id, 'plan' FROM plan WHERE number = $1
             UNION ALL SELECT stop_id, 'stop' FROM proof WHERE number = $1
             UNION ALL SELECT id, 'shortage' FROM shortage WHERE number = $1),
           reqs AS (
             SELECT id FROM asked WHERE kind = 'requisition'
             UNION SELECT q.id FROM asked a JOIN shortage h ON h.id = a.id JOIN requisition q ON q.id = h.paper_id
             UNION SELECT x.requisition_id FROM asked a JOIN stop s ON s.id = a.id OR s.run_id = a.id
               OR s.run_id IN (SELECT id FROM run WHERE plan_id = a.id) JOIN parcel x ON x.stop_id = s.id),
           stops AS (
             SELECT x.stop_id AS id FROM reqs JOIN parcel x ON x.requisition_id = reqs.id
             UNION SELECT s.id FROM asked a JOIN stop s ON s.id = a.id OR s.run_id = a.id
               OR s.run_id IN (SELECT id FROM run WHERE plan_id = a.id)),
           runs AS (
             SELECT s.run_id AS id FROM stops JOIN stop s ON s.id = stops.id
             UNION SELECT id FROM asked WHERE kind = 'run'
             UNION SELECT r.id FROM asked a JOIN run r ON r.plan_id = a.id)
           SELECT EXISTS (SELECT 1 FROM asked) AS is_there, ARRAY(SELECT id FROM reqs) AS requisitions,
             ARRAY(SELECT id FROM stops) AS stops, ARRAY(SELECT id FROM runs) AS runs,
             ARRAY(SELECT plan_id FROM run WHERE id IN (SELECT id FROM runs)
               UNION SELECT id FROM asked WHERE kind = 'plan') AS plans,
             ARRAY(SELECT id FROM shortage WHERE paper_id IN (SELECT id FROM reqs)
               UNION SELECT id FROM asked WHERE kind = 'shortage') AS shortages""",
        number,
    )
    if not found or not found["is_there"]:
        return None
    return Roots(*(list(found[name]) for name in Roots._fields))


async def _requisitions(session: AsyncSession, ids: Sequence[UUID]) -> list[Row]:
    """The requests themselves, with lines and money."""
    return await database.rows(
        session,
        """SELECT r.*, p.name AS place, s.name AS supplier, t.lines, t.amount, t.accepted_amount
           FROM requisition r JOIN place p ON p.id = r.place_id JOIN place s ON s.id = r.supplier_id,
           LATERAL (SELECT count(*) AS lines,
               coalesce(sum(round(l.unit_price * coalesce(l.rationed, l.approved, l.asked), 2)), 0) AS amount,
               coalesce(sum(round(l.unit_price * l.accepted, 2)), 0) AS accepted_amount
             FROM requisition_line l WHERE l.requisition_id = r.id) t
           WHERE r.id = ANY($1) ORDER BY r.number""",
        list(ids),
    )


async def lines_of(session: AsyncSession, ids: Sequence[UUID]) -> list[Row]:
    """The lines of several requisitions, paper by paper."""
    return [line for id in ids for line in await order_queries.lines(session, id)]


async def _lots(session: AsyncSession, roots: Roots) -> list[Row]:
    """The lots that were picked for these papers, and from whom each first came into the county."""
    return await database.rows(
        session,
        f"""SELECT k.requisition_id, k.lot_id, sum(k.quantity)::bigint AS quantity, max(k.picked_by) AS picked_by,
              max(k.picked_at) AS picked_at, l.number AS lot, l.expires_on, l.recalled, d.id AS product_id, {PRODUCT},
              o.supplier, o.occurred_on AS bought_on, o.unit_price AS bought_at, o.at_place, q.number AS requisition
            FROM pick k JOIN lot l ON l.id = k.lot_id JOIN product d ON d.id = l.product_id
              JOIN requisition q ON q.id = k.requisition_id
              LEFT JOIN LATERAL (SELECT s.name AS supplier, m.occurred_on, m.unit_price, t.name AS at_place
                FROM movement m JOIN place s ON s.id = m.source_id JOIN place t ON t.id = m.target_id
                WHERE m.lot_id = l.id AND m.kind = 'receive' ORDER BY m.id LIMIT 1) o ON true
            WHERE k.requisition_id = ANY($1)
            GROUP BY k.requisition_id, k.lot_id, l.id, d.id, o.supplier, o.occurred_on, o.unit_price, o.at_place, q.number
            ORDER BY q.number, d.generic_name, l.expires_on, l.number""",
        roots.requisitions,
    )


async def _movements(session: AsyncSession, roots: Roots, lots: Sequence[UUID]) -> list[Row]:
    """How the lots of these papers moved: loaded for the run, handed over or not at the stop, brought back.

    What was loaded for other papers of the run is left out: a load answers the hold of its own pick.
    """
    return await database.rows(
        session,
        f"""{MOVEMENT} WHERE m.lot_id = ANY($3) AND (m.paper_id = ANY($1)
              OR (m.paper_id = ANY($2) AND (m.kind <> 'load' OR EXISTS (
                SELECT 1 FROM pick k JOIN hold_answer a ON a.hold_id = k.hold_id
                WHERE k.requisition_id = ANY($4) AND k.lot_id = m.lot_id AND a.settled = m.quantity AND a.xid = m.xid
                  AND a.incarnation = m.incarnation))))
            ORDER BY m.id LIMIT {MOST_ROWS}""",
        roots.stops,
        roots.runs,
        list(lots),
        roots.requisitions,
    )


async def _stops(session: AsyncSession, stops: Sequence[UUID]) -> list[Row]:
    """The stops, run by run in order, with the papers that rode to them."""
    return await database.rows(
        session,
        """SELECT s.*, p.name AS place, r.number AS run, f.number AS proof, f.received_by,
             ARRAY(SELECT q.number FROM parcel x JOIN requisition q ON q.id = x.requisition_id
               WHERE x.stop_id = s.id ORDER BY q.number) AS requisitions
           FROM stop s JOIN place p ON p.id = s.place_id JOIN run r ON r.id = s.run_id LEFT JOIN proof f ON f.stop_id = s.id
           WHERE s.id = ANY($1) ORDER BY r.number, s.position""",
        list(stops),
    )


async def _outcomes(session: AsyncSession, roots: Roots, is_whole: bool) -> list[Row]:
    """What became of each lot at the door; of a whole run only what was not accepted."""
    return await database.rows(
        session,
        f"""SELECT o.*, f.number AS proof, q.number AS requisition, l.number AS lot, l.expires_on, l.id AS lot_id, {PRODUCT}
            FROM proof_line o JOIN proof f ON f.id = o.proof_id JOIN requisition_line rl ON rl.id = o.line_id
              JOIN requisition q ON q.id = rl.requisition_id JOIN lot l ON l.id = o.lot_id
              JOIN product d ON d.id = rl.product_id
            WHERE f.stop_id = ANY($1) AND ($2 OR o.accepted < o.shipped) AND rl.requisition_id = ANY($3)
            ORDER BY f.number, q.number, rl.position, l.expires_on LIMIT {MOST_ROWS}""",
        roots.stops,
        is_whole,
        roots.requisitions,
    )


async def _shortages(session: AsyncSession, ids: Sequence[UUID]) -> list[Row]:
    """What was missing, and what became of it."""
    return await database.rows(
        session,
        f"""SELECT h.*, p.name AS place, u.name AS supplier, q.number AS requisition, {PRODUCT},
              CASE WHEN h.closed_at IS NOT NULL THEN 'closed' WHEN h.answered_at IS NOT NULL THEN 'answered'
                ELSE 'open' END AS state
            FROM shortage h JOIN place p ON p.id = h.place_id JOIN place u ON u.id = h.supplier_id
              JOIN product d ON d.id = h.product_id LEFT JOIN requisition q ON q.id = h.paper_id
            WHERE h.id = ANY($1) ORDER BY h.number""",
        list(ids),
    )


async def _trail(session: AsyncSession, roots: Roots) -> list[Row]:
    """What was done to any of these papers; a round of allocation is found by the holds it made."""
    return await database.rows(
        session,
        f"""SELECT t.id, t.at, t.account_id, t.actor, t.role, t.verb, t.subject, t.paper, t.note::text AS note, p.name AS place
            FROM trail t LEFT JOIN place p ON p.id = t.place_id
            WHERE t.subject = ANY($1) OR (t.incarnation, t.xid) IN (
              SELECT h.incarnation, h.xid FROM hold h WHERE h.paper_id = ANY($2))
            ORDER BY t.id LIMIT {MOST_ROWS}""",
        roots.all,
        roots.requisitions,
    )


async def find(session: AsyncSession, actor: Actor, text: str, *, limit: int = 10) -> list[Row]:
    """Papers whose number contains what was typed, newest first."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        """SELECT * FROM (
             SELECT q.number, 'REQ' AS kind, p.name AS place, q.made_at AS at FROM requisition q JOIN place p ON p.id = q.place_id
             UNION ALL SELECT n.number, 'PLAN', p.name, n.requested_at FROM plan n JOIN place p ON p.id = n.depot_id
             UNION ALL SELECT r.number, 'RUN', v.plate, r.adopted_at FROM run r JOIN vehicle v ON v.id = r.vehicle_id
             UNION ALL SELECT f.number, 'POD', p.name, f.recorded_at FROM proof f JOIN stop s ON s.id = f.stop_id
               JOIN place p ON p.id = s.place_id
             UNION ALL SELECT h.number, 'SHO', p.name, h.registered_at FROM shortage h JOIN place p ON p.id = h.place_id) x
           WHERE strpos(number, upper($1)) > 0 ORDER BY at DESC, number LIMIT $2""",
        text.strip(),
        limit,
    )


async def lots_numbered(session: AsyncSession, actor: Actor, text: str, *, limit: int = 5) -> list[Row]:
    """Lots whose number begins with what was typed."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        f"""SELECT l.id, l.number AS lot, l.expires_on, {PRODUCT} FROM lot l JOIN product d ON d.id = l.product_id
            WHERE starts_with(upper(l.number), upper($1)) ORDER BY l.number, l.id LIMIT $2""",
        text.strip(),
        limit,
    )


async def lot(session: AsyncSession, actor: Actor, lot_id: UUID) -> Row:
    """One lot, with what came of it: bought, given to patients, lost, found, and what the county still has."""
    actor.must("inspection.read")
    found = await database.row(
        session,
        f"""SELECT l.id, l.number, l.made_on, l.expires_on, l.recalled, l.product_id, {PRODUCT}, d.maker, d.code, w.*,
              (SELECT coalesce(sum(on_hand), 0)::bigint FROM balance WHERE lot_id = l.id) AS on_hand
            FROM lot l JOIN product d ON d.id = l.product_id,
            LATERAL (SELECT {SIGNED.format("supplier", "source", "target")} AS bought,
                {SIGNED.format("patients", "target", "source")} AS used,
                {SIGNED.format("losses", "target", "source")} AS lost
              FROM movement m JOIN place s ON s.id = m.source_id JOIN place t ON t.id = m.target_id
              WHERE m.lot_id = l.id) w
            WHERE l.id = $1""",
        lot_id,
    )
    if found is None:
        raise NotFound(N_("There is no such lot."))
    return found


SIGNED = """(coalesce(sum(m.quantity) FILTER (WHERE {1:.1}.kind = '{0}'), 0)
    - coalesce(sum(m.quantity) FILTER (WHERE {2:.1}.kind = '{0}'), 0))::bigint"""


async def lot_lies_at(session: AsyncSession, lot_id: UUID) -> list[Row]:
    """Where a lot lies now."""
    return await database.rows(
        session,
        """SELECT b.place_id, p.name AS place, p.kind, b.condition, b.on_hand, b.held FROM balance b
             JOIN place p ON p.id = b.place_id
           WHERE b.lot_id = $1 AND b.on_hand > 0 ORDER BY p.no, b.condition""",
        lot_id,
    )


async def lot_movements(
    session: AsyncSession, actor: Actor, lot_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> list[Row]:
    """The way of a lot through the county, from the supplier on."""
    actor.must("inspection.read")
    return await database.rows(
        session,
        f"{MOVEMENT} WHERE m.lot_id = $1 AND ($2::uuid IS NULL OR m.id > $2) ORDER BY m.id LIMIT $3",
        lot_id,
        after,
        limit,
    )


async def movement(session: AsyncSession, actor: Actor, movement_id: UUID) -> Row | None:
    """One movement, with both ends."""
    actor.must("inspection.read")
    return await database.row(session, f"{MOVEMENT} WHERE m.id = $1", movement_id)
