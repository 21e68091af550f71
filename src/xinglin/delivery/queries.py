"""Vehicles, plans, runs, stops: what rides where, in reach of who asks."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, ChangedMeanwhile, NotFound
from xinglin.orders import queries as order_queries

RUN_IN_REACH = """($1::uuid IS NULL OR r.depot_id = $1
    OR EXISTS (SELECT 1 FROM stop s WHERE s.run_id = r.id AND s.place_id = $1))
  AND ($2::uuid IS NULL OR r.driver_id = $2)"""
RUN = """SELECT r.*, v.plate, p.name AS depot, p.latitude AS depot_latitude, p.longitude AS depot_longitude,
    a.name AS driver, t.stops, t.handed_over, n.number AS plan_number
  FROM run r JOIN vehicle v ON v.id = r.vehicle_id JOIN place p ON p.id = r.depot_id
    JOIN plan n ON n.id = r.plan_id LEFT JOIN public.account a ON a.id = r.driver_id,
    LATERAL (SELECT count(*) AS stops, count(s.handed_over_at) AS handed_over FROM stop s WHERE s.run_id = r.id) t"""


def reach(actor: Actor) -> tuple[UUID | None, UUID | None]:
    """A driver sees the own runs; others those of their place, or all."""
    return actor.place_id, actor.account_id if actor.role == "driver" else None


async def vehicles(session: AsyncSession, actor: Actor, home_id: UUID | None = None) -> list[Row]:
    """Vehicles in reach, with what they can carry and where they are at home."""
    return await database.rows(
        session,
        """SELECT v.*, p.no, p.code, p.name, h.name AS home, a.name AS driver,
             EXISTS (SELECT 1 FROM run r WHERE r.vehicle_id = v.id AND r.state = 'under_way') AS is_out
           FROM vehicle v JOIN place p ON p.id = v.id JOIN place h ON h.id = v.home_id
             LEFT JOIN public.account a ON a.id = v.driver_id
           WHERE ($1::uuid IS NULL OR v.home_id = $1) AND ($2::uuid IS NULL OR v.home_id = $2) AND NOT v.retired
           ORDER BY h.no, p.no""",
        actor.place_id,
        home_id,
    )


async def ready_to_ride(session: AsyncSession, depot_id: UUID) -> list[Row]:
    """Places for which a depot has picked goods that no run takes yet: g, cm³, cold cm³, and how urgent."""
    return await database.rows(
        session,
        """SELECT p.id AS place_id, p.code, p.name, p.tier, p.latitude, p.longitude, p.opening::text AS opening,
             array_agg(DISTINCT r.id) AS requisitions, count(*) AS picks,
             sum(ceil(k.quantity::numeric / d.pack_size) * d.pack_weight_g)::bigint AS load_g,
             sum(ceil(k.quantity::numeric / d.pack_size) * d.pack_volume_cm3)::bigint AS volume_cm3,
             coalesce(sum(ceil(k.quantity::numeric / d.pack_size) * d.pack_volume_cm3)
               FILTER (WHERE d.storage IN ('cold', 'frozen')), 0)::bigint AS cold_cm3,
             min(CASE WHEN r.is_urgent THEN 0 WHEN d.priority IN ('rescue', 'mother_child') THEN 1
               WHEN d.priority = 'chronic' THEN 2 ELSE 3 END) AS urgency
           FROM requisition r JOIN place p ON p.id = r.place_id JOIN pick k ON k.requisition_id = r.id
             JOIN requisition_line l ON l.id = k.line_id JOIN product d ON d.id = l.product_id
           WHERE r.supplier_id = $1 AND r.state = 'picked'
             AND NOT EXISTS (SELECT 1 FROM parcel x WHERE x.requisition_id = r.id)
           GROUP BY p.id ORDER BY p.no""",
        depot_id,
    )


async def plans(
    session: AsyncSession,
    actor: Actor,
    *,
    on: date | None = None,
    depot_id: UUID | None = None,
    states: Iterable[str] = (),
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Plans in reach, newest first, without their tables."""
    return await database.rows(
        session,
        """SELECT n.id, n.number, n.depot_id, n.planned_on, n.state, n.requested_by, n.requested_at, n.solved_at,
             n.adopted_at, n.version, n.verdict::text AS verdict, n.result::text AS result, p.name AS depot
           FROM plan n JOIN place p ON p.id = n.depot_id
           WHERE ($1::uuid IS NULL OR n.depot_id = $1) AND ($2::date IS NULL OR n.planned_on = $2)
             AND ($3::uuid IS NULL OR n.depot_id = $3) AND ($4::uuid IS NULL OR n.id < $4)
             AND ($6::text[] = '{}' OR n.state = ANY($6))
           ORDER BY n.id DESC LIMIT $5""",
        actor.place_id,
        on,
        depot_id,
        before,
        limit,
        list(states),
    )


async def plan(
    session: AsyncSession, actor: Actor, plan_id: UUID, *, lock: bool = False, version: int | None = None
) -> Row:
    """One plan in reach, whole; its JSON as text."""
    found = await database.row(
        session,
        f"""SELECT n.*, n.problem::text AS problem_text, n.parcels::text AS parcels_text, n.result::text AS result_text,
              n.verdict::text AS verdict_text, p.name AS depot, p.no AS depot_no
            FROM plan n JOIN place p ON p.id = n.depot_id
            WHERE n.id = $1 AND ($2::uuid IS NULL OR n.depot_id = $2) {"FOR UPDATE OF n" if lock else ""}""",
        plan_id,
        actor.place_id,
    )
    if found is None:
        raise NotFound(N_("There is no such plan, or it is not one of yours."))
    if version is not None and version != found["version"]:
        raise ChangedMeanwhile(N_("Somebody changed {number} after you read it."), number=found["number"])
    return found


async def runs(
    session: AsyncSession, actor: Actor, *, on: date | None = None, depot_id: UUID | None = None,
    states: Iterable[str] = (), after: tuple[date, UUID] | None = None, limit: int = 200,
) -> list[Row]:  # fmt: skip
    """Runs in reach, newest day first; those that come after a day and an id."""
    return await database.rows(
        session,
        f"""{RUN} WHERE {RUN_IN_REACH} AND ($3::date IS NULL OR r.runs_on = $3)
              AND ($4::uuid IS NULL OR r.depot_id = $4) AND ($5::text[] = '{{}}' OR r.state = ANY($5))
              AND ($6::date IS NULL OR r.runs_on < $6 OR r.runs_on = $6 AND r.id > $7)
            ORDER BY r.runs_on DESC, r.id LIMIT $8""",
        *reach(actor),
        on,
        depot_id,
        list(states),
        *(after or (None, None)),
        limit,
    )


async def runs_of_plan(session: AsyncSession, actor: Actor, plan_id: UUID) -> list[Row]:
    """The runs that a plan became."""
    return await database.rows(
        session, f"{RUN} WHERE {RUN_IN_REACH} AND r.plan_id = $3 ORDER BY r.id", *reach(actor), plan_id
    )


async def run(session: AsyncSession, actor: Actor, run_id: UUID) -> Row:
    """One run in reach."""
    found = await database.row(session, f"{RUN} WHERE {RUN_IN_REACH} AND r.id = $3", *reach(actor), run_id)
    if found is None:
        raise no_such_run()
    return found


def no_such_run() -> NotFound:
    """The answer for a run that is not there and for one that is out of reach."""
    return NotFound(N_("There is no such run, or it is not one of yours."))


async def run_for_change(
    session: AsyncSession, actor: Actor, run_id: UUID, version: int | None = None
) -> Row:
    """A run in reach of who drives or dispatches it, locked."""
    place_id, driver_id = reach(actor)
    found = await database.row(
        session,
        """SELECT r.*, v.plate, p.no AS depot_no FROM run r JOIN vehicle v ON v.id = r.vehicle_id
             JOIN place p ON p.id = r.depot_id
           WHERE r.id = $1 AND ($2::uuid IS NULL OR r.depot_id = $2) AND ($3::uuid IS NULL OR r.driver_id = $3)
           FOR UPDATE OF r""",
        run_id,
        place_id,
        driver_id,
    )
    if found is None:
        raise no_such_run()
    if version is not None and version != found["version"]:
        raise ChangedMeanwhile(N_("Somebody changed {number} after you read it."), number=found["number"])
    return found


async def stops(session: AsyncSession, run_id: UUID, actor: Actor | None = None) -> list[Row]:
    """The stops of a run, in order, with the place and its proof if there is one.

    With an actor only those in reach: a clinic sees its own stop, not what its neighbours get.
    """
    return await database.rows(
        session,
        """SELECT s.*, p.name, p.code, p.kind, p.town, p.latitude, p.longitude, p.contact, p.phone,
             p.opening::text AS opening, p.is_position_synthetic, f.number AS proof_number, f.received_by,
             (SELECT count(*) FROM parcel x JOIN pick k ON k.requisition_id = x.requisition_id WHERE x.stop_id = s.id)
               AS lines,
             (SELECT array_agg(q.number ORDER BY q.number) FROM parcel x JOIN requisition q ON q.id = x.requisition_id
               WHERE x.stop_id = s.id) AS requisitions
           FROM stop s JOIN place p ON p.id = s.place_id LEFT JOIN proof f ON f.stop_id = s.id
             JOIN run r ON r.id = s.run_id
           WHERE s.run_id = $1 AND ($2::uuid IS NULL OR r.depot_id = $2 OR s.place_id = $2) ORDER BY s.position""",
        run_id,
        actor and actor.place_id,
    )


async def stop(session: AsyncSession, actor: Actor, stop_id: UUID) -> Row:
    """One stop in reach, with its run."""
    found = await database.row(
        session,
        f"""SELECT s.*, r.number AS run_number, r.state AS run_state, r.vehicle_id, r.version AS run_version,
              r.runs_on, r.depot_id, v.plate, p.name, p.code, p.contact, p.phone, p.town, p.opening::text AS opening,
              (SELECT count(*) FROM stop o WHERE o.run_id = s.run_id) AS stops
            FROM stop s JOIN run r ON r.id = s.run_id JOIN vehicle v ON v.id = r.vehicle_id JOIN place p ON p.id = s.place_id
            WHERE {RUN_IN_REACH} AND ($1::uuid IS NULL OR r.depot_id = $1 OR s.place_id = $1) AND s.id = $3""",
        *reach(actor),
        stop_id,
    )
    if found is None:
        raise NotFound(N_("There is no such stop, or it is not one of yours."))
    return found


async def next_stop(session: AsyncSession, run_id: UUID) -> Row | None:
    """The first stop of a run that is neither handed over nor recorded as not reached."""
    return await database.row(
        session,
        """SELECT s.id, p.name FROM stop s JOIN place p ON p.id = s.place_id
           WHERE s.run_id = $1 AND s.handed_over_at IS NULL ORDER BY s.position LIMIT 1""",
        run_id,
    )


async def cargo(session: AsyncSession, stop_id: UUID) -> list[Row]:
    """What rides to a stop, lot by lot."""
    found = await database.rows(session, "SELECT requisition_id FROM parcel WHERE stop_id = $1", stop_id)
    return await order_queries.picks(session, [row["requisition_id"] for row in found])


async def cargo_of_run(session: AsyncSession, run_id: UUID) -> list[Row]:
    """What rides on a run, lot by lot."""
    found = await database.rows(
        session,
        "SELECT x.requisition_id FROM parcel x JOIN stop s ON s.id = x.stop_id WHERE s.run_id = $1",
        run_id,
    )
    return await order_queries.picks(session, [row["requisition_id"] for row in found])


async def proof(session: AsyncSession, stop_id: UUID) -> Row | None:
    """The proof of delivery of a stop."""
    return await database.row(session, "SELECT * FROM proof WHERE stop_id = $1", stop_id)


async def proof_lines(session: AsyncSession, proof_id: UUID) -> list[Row]:
    """What became of each lot of each line."""
    return await database.rows(
        session,
        """SELECT f.*, l.number AS lot, l.expires_on, d.generic_name, d.dosage_form, d.strength, d.base_unit,
             d.pack_unit, d.pack_size, q.number AS requisition, rl.requisition_id
           FROM proof_line f JOIN lot l ON l.id = f.lot_id JOIN requisition_line rl ON rl.id = f.line_id
             JOIN requisition q ON q.id = rl.requisition_id JOIN product d ON d.id = rl.product_id
           WHERE f.proof_id = $1 ORDER BY q.number, rl.position""",
        proof_id,
    )


async def arrivals(session: AsyncSession, place_id: UUID) -> list[Row]:
    """What is on its way to a place, and when it should arrive."""
    return await database.rows(
        session,
        """SELECT s.id AS stop_id, s.planned_arrival_at, s.handed_over_at, r.number AS run, r.state, v.plate,
             (SELECT array_agg(q.number ORDER BY q.number) FROM parcel x JOIN requisition q ON q.id = x.requisition_id
               WHERE x.stop_id = s.id) AS requisitions
           FROM stop s JOIN run r ON r.id = s.run_id JOIN vehicle v ON v.id = r.vehicle_id
           WHERE s.place_id = $1 AND (s.handed_over_at IS NULL OR r.runs_on >= current_date - 7)
           ORDER BY s.planned_arrival_at DESC LIMIT 20""",
        place_id,
    )


async def rides(session: AsyncSession, requisitions: Iterable[UUID]) -> dict[UUID, Row]:
    """On which run and to which stop each of these requisitions rides, and its proof if it was handed over."""
    found = await database.rows(
        session,
        """SELECT x.requisition_id, s.id AS stop_id, s.planned_arrival_at, s.handed_over_at, r.id AS run_id,
             r.number AS run, r.state AS run_state, v.plate, f.number AS proof_number, f.received_by
           FROM parcel x JOIN stop s ON s.id = x.stop_id JOIN run r ON r.id = s.run_id
             JOIN vehicle v ON v.id = r.vehicle_id LEFT JOIN proof f ON f.stop_id = s.id
           WHERE x.requisition_id = ANY($1)""",
        list(requisitions),
    )
    return {row["requisition_id"]: row for row in found}


async def papers(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """The papers behind movements: kind (requisition, stop or run) and the number people say."""
    found = await database.rows(
        session,
        """SELECT id, 'requisition' AS kind, number FROM requisition WHERE id = ANY($1)
           UNION ALL SELECT id, 'run', number FROM run WHERE id = ANY($1)
           UNION ALL SELECT s.id, 'stop', coalesce(f.number, r.number) FROM stop s JOIN run r ON r.id = s.run_id
             LEFT JOIN proof f ON f.stop_id = s.id WHERE s.id = ANY($1)""",
        list(set(ids)),
    )
    return {row["id"]: row for row in found}


async def boards(session: AsyncSession, actor: Actor, on: date) -> list[Row]:
    """Each depot in reach that has goods waiting, vehicles or runs on a day: how much waits, how much can ride."""
    return await database.rows(
        session,
        """SELECT p.id, p.name, p.kind, p.latitude, p.longitude, coalesce(w.places, 0) AS places,
             coalesce(w.requisitions, 0) AS requisitions, coalesce(w.load_g, 0)::bigint AS load_g,
             coalesce(w.volume_cm3, 0)::bigint AS volume_cm3, coalesce(w.cold_cm3, 0)::bigint AS cold_cm3,
             coalesce(c.vehicles, 0) AS vehicles, coalesce(c.capacity_g, 0)::bigint AS capacity_g,
             coalesce(c.capacity_cm3, 0)::bigint AS capacity_cm3,
             coalesce(c.capacity_cold_cm3, 0)::bigint AS capacity_cold_cm3,
             (SELECT count(*) FROM run r WHERE r.depot_id = p.id AND r.runs_on = $2) AS runs
           FROM place p
             LEFT JOIN (SELECT r.supplier_id, count(DISTINCT r.place_id) AS places,
                 count(DISTINCT r.id) AS requisitions,
                 sum(ceil(k.quantity::numeric / d.pack_size) * d.pack_weight_g) AS load_g,
                 sum(ceil(k.quantity::numeric / d.pack_size) * d.pack_volume_cm3) AS volume_cm3,
                 sum(ceil(k.quantity::numeric / d.pack_size) * d.pack_volume_cm3) FILTER (WHERE d.storage IN ('cold', 'frozen'))
                   AS cold_cm3
               FROM requisition r JOIN pick k ON k.requisition_id = r.id JOIN requisition_line l ON l.id = k.line_id
                 JOIN product d ON d.id = l.product_id
               WHERE r.state = 'picked' AND NOT EXISTS (SELECT 1 FROM parcel x WHERE x.requisition_id = r.id)
               GROUP BY 1) w ON w.supplier_id = p.id
             LEFT JOIN (SELECT home_id, count(*) AS vehicles, sum(capacity_g) AS capacity_g,
                 sum(capacity_cm3) AS capacity_cm3, sum(capacity_cold_cm3) AS capacity_cold_cm3
               FROM vehicle WHERE NOT retired GROUP BY 1) c ON c.home_id = p.id
           WHERE ($1::uuid IS NULL OR p.id = $1)
             AND (w.places > 0 OR c.vehicles > 0 OR EXISTS (SELECT 1 FROM run r WHERE r.depot_id = p.id AND r.runs_on = $2))
           ORDER BY p.no""",
        actor.place_id,
        on,
    )


async def stops_of(session: AsyncSession, runs: Iterable[UUID]) -> list[Row]:
    """The stops of several runs, run by run in order, with their place on the map."""
    return await database.rows(
        session,
        """SELECT s.id, s.run_id, s.position, s.place_id, s.planned_arrival_at, s.handed_over_at, s.load_g, p.name,
             p.latitude, p.longitude
           FROM stop s JOIN place p ON p.id = s.place_id WHERE s.run_id = ANY($1) ORDER BY s.run_id, s.position""",
        list(runs),
    )


async def drivers(session: AsyncSession, actor: Actor) -> list[Row]:
    """Who may drive for the depots in reach, and where they are at home."""
    return await database.rows(
        session,
        """SELECT a.id, a.name, p.name AS home FROM public.post t JOIN public.account a ON a.id = t.account_id
             JOIN place p ON p.id = t.place_id
           WHERE t.role = 'driver' AND t.county = $1 AND t.ended_at IS NULL AND a.closed_at IS NULL
             AND ($2::uuid IS NULL OR t.place_id = $2) ORDER BY p.no, a.name""",
        actor.county,
        actor.place_id,
    )
