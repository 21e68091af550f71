"""Plan, adopt, depart, hand over, come back (派车 → 装车 → 签收 → 回库)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import UniqueViolationError
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, queue, trail
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, WrongState
from xinglin.base.ids import new_id, paper_number
from xinglin.delivery import planning, queries, rules
from xinglin.delivery.planning import Depot, Load, Van
from xinglin.delivery.rules import Carried, Counted
from xinglin.orders import actions as orders
from xinglin.orders.actions import Outcome
from xinglin.people import queries as people_queries
from xinglin.places import actions as places, queries as place_queries
from xinglin.places.rules import DEPOTS
from xinglin.shortages import actions as shortages
from xinglin.shortages.actions import Missing
from xinglin.stock.ledger import apply
from xinglin.stock.rules import Answer, Condition, Kind, Move

MOST_SIGNATURE_BYTES = 64 * 1024
PNG = b"\x89PNG\r\n\x1a\n"


async def add_vehicle(
    session: AsyncSession, actor: Actor, home_id: UUID, plate: str, *, capacity_g: int, capacity_cm3: int,
    capacity_cold_cm3: int = 0, shift: tuple[int, int] = (8 * 3600, 20 * 3600), fixed_cost_fen: int = 0,
    cost_per_km_fen: int = 0, cost_per_hour_fen: int = 0, driver_id: UUID | None = None,
) -> UUID:  # fmt: skip
    """Add a vehicle to a depot. Grams, cm³, seconds of the day, fen."""
    actor.must("delivery.add_vehicle")
    home = await place_queries.own_place(session, actor, home_id)
    await place_queries.place_of_kind(session, home_id, *DEPOTS)
    if not plate.strip() or min(capacity_g, capacity_cm3) <= 0 or capacity_cold_cm3 < 0:
        raise BadInput(N_("A vehicle needs a plate, and capacities above zero (cold: zero or more)."))
    if not 0 <= shift[0] < shift[1] <= 24 * 3600:
        raise BadInput(N_("A shift begins and ends on one day, the beginning first."))
    if await database.value(session, "SELECT 1 FROM vehicle WHERE plate = $1", plate.strip()):
        raise BadInput(N_("There is already a vehicle with the plate {value}."), value=plate.strip())
    if driver_id is not None:
        await people_queries.account_in_county(session, actor, driver_id)
    id = await places.add_vehicle_place(session, home["no"], plate.strip())
    await database.run(
        session,
        """INSERT INTO vehicle (id, home_id, plate, capacity_g, capacity_cm3, capacity_cold_cm3, shift_from_s,
             shift_to_s, fixed_cost_fen, cost_per_km_fen, cost_per_hour_fen, driver_id, retired)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, false)""",
        id, home_id, plate.strip(), capacity_g, capacity_cm3, capacity_cold_cm3, *shift, fixed_cost_fen,
        cost_per_km_fen, cost_per_hour_fen, driver_id,
    )  # fmt: skip
    await trail.record(session, actor, "delivery.add_vehicle", id, paper=plate.strip(), home=home["name"])
    return id


async def request_plan(
    session: AsyncSession, actor: Actor, depot_id: UUID, on: date | None = None, *, not_before_s: int = 0,
    vehicles: Sequence[UUID] | None = None,
) -> UUID:  # fmt: skip
    """Ask for a plan of what a depot has ready; it is thought out by a worker and becomes a draft.

    `not_before_s`: no vehicle leaves earlier, in seconds of the day. Refuses when nothing is ready or
    no vehicle is at home there.
    """
    actor.must("delivery.request_plan")
    depot = await place_queries.own_place(session, actor, depot_id)
    ready = await queries.ready_to_ride(session, depot_id)
    vans = await queries.vehicles(session, actor, depot_id)
    if vehicles is not None:
        vans = [van for van in vans if van["id"] in set(vehicles)]
    if not ready:
        raise WrongState(
            N_("Nothing is picked and waiting at {place}: there is nothing to plan."), place=depot["name"]
        )
    if not vans:
        raise WrongState(N_("No vehicle is at home at {place}: add one first."), place=depot["name"])
    _check_positions(depot, ready)
    loads = [_load(row) for row in ready]
    problem = planning.to_problem(
        Depot(depot["code"], depot["name"], depot["latitude"], depot["longitude"]),
        [_van(van) for van in vans], loads, not_before_s=not_before_s,
    )  # fmt: skip
    id, planned_on = new_id(), on or clock.today()
    number = await paper_number(session, "PLAN", clock.today(), depot["no"])
    await database.run(
        session,
        """INSERT INTO plan (id, number, depot_id, planned_on, problem, parcels, requested_by, requested_at, version)
           VALUES ($1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7, $8, 1)""",
        id, number, depot_id, planned_on, _json(planning.pose(problem)),
        _json({load.code: {"requisitions": load.requisitions, "load_g": load.load_g, "volume_cm3": load.volume_cm3,
                           "cold_cm3": load.cold_cm3, "place_id": load.place_id} for load in loads}),
        actor.name, clock.now(),
    )  # fmt: skip
    await queue.enqueue(
        await database.driver(session), "delivery.solve", county=actor.county, plan_id=str(id)
    )
    await trail.record(
        session, actor, "delivery.request_plan", id, paper=number, stops=len(loads), vans=len(vans)
    )
    return id


def _check_positions(depot: Row, ready: Sequence[Row]) -> None:
    """Nobody can drive to a place that is nowhere."""
    for place in (depot, *ready):
        if place["latitude"] is None or place["longitude"] is None:
            raise BadInput(
                N_("{place} has no position on the map yet: the administrator adds it."), place=place["name"]
            )


def _load(row: Row) -> Load:
    opening = tuple((window[0], window[1]) for window in msgspec.json.decode(row["opening"]))
    return Load(
        row["place_id"], row["code"], row["name"], row["tier"] or "", row["latitude"], row["longitude"], opening,
        tuple(row["requisitions"]), row["picks"], row["load_g"], row["volume_cm3"], row["cold_cm3"], row["urgency"],
    )  # fmt: skip


def _van(row: Row) -> Van:
    return Van(
        row["code"], row["plate"], row["capacity_g"], row["capacity_cm3"], row["capacity_cold_cm3"],
        (row["shift_from_s"], row["shift_to_s"]), row["fixed_cost_fen"], row["cost_per_km_fen"],
        row["cost_per_hour_fen"],
    )  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


async def keep_solution(
    session: AsyncSession, actor: Actor, plan_id: UUID, result: Mapping[str, Any], verdict: Mapping[str, Any]
) -> None:
    """Write down what the solver thought of; a plan that was discarded or solved meanwhile stays as it is."""
    actor.must("delivery.keep_solution")
    found = await queries.plan(session, actor, plan_id, lock=True)
    if found["state"] != "solving":
        return
    await database.run(
        session,
        """UPDATE plan SET result = $2::text::jsonb, verdict = $3::text::jsonb, solved_at = $4, version = version + 1
           WHERE id = $1""",
        plan_id, _json(result), _json(verdict), clock.now(),
    )  # fmt: skip
    await trail.record(
        session, actor, "delivery.keep_solution", plan_id, paper=found["number"],
        served=verdict["served"], left_out=verdict["left_out"], distance_m=verdict["distance_m"],
    )  # fmt: skip


async def adopt_plan(
    session: AsyncSession, actor: Actor, plan_id: UUID, *, version: int | None = None
) -> list[UUID]:
    """Make a draft plan the day's runs, one for each vehicle used; the ids of the runs.

    Refuses a plan that the judge faults, and one whose goods ride elsewhere meanwhile. A stop that must
    be served and cannot be is said with its reason and does not hold up the others.
    """
    actor.must("delivery.adopt_plan")
    found = await queries.plan(session, actor, plan_id, lock=True, version=version)
    rules.check_step(found["state"], "adopt_plan", found["number"])
    verdict = msgspec.json.decode(found["verdict_text"])
    faults = [fault for fault in verdict["violations"] if fault["kind"] != "forced_left_out"]
    if faults:
        raise WrongState(faults[0]["what"]["template"], **faults[0]["what"]["params"])
    parcels = msgspec.json.decode(found["parcels_text"])
    vans = {
        row["code"]: row
        for row in await database.rows(
            session, "SELECT p.code, v.id, v.driver_id FROM vehicle v JOIN place p ON p.id = v.id WHERE v.home_id = $1",
            found["depot_id"],
        )
    }  # fmt: skip
    runs = [
        await _make_run(session, found, route, vans[route["vehicle"]], parcels)
        for route in verdict["routes"]
        if route["visits"]
    ]
    await database.run(
        session, "UPDATE plan SET adopted_at = $2, version = version + 1 WHERE id = $1", plan_id, clock.now()
    )
    await trail.record(session, actor, "delivery.adopt_plan", plan_id, paper=found["number"], runs=runs)
    return runs


async def _make_run(
    session: AsyncSession, plan: Row, route: Mapping[str, Any], van: Row, parcels: Mapping[str, Any]
) -> UUID:
    """One route becomes a run with its stops and parcels."""
    id, on = new_id(), plan["planned_on"]
    loads = [parcels[visit["stop"]] for visit in route["visits"]]
    await database.run(
        session,
        """INSERT INTO run (id, number, plan_id, depot_id, vehicle_id, driver_id, runs_on, planned_departure_at,
             planned_return_at, distance_m, duration_s, load_g, volume_cm3, cold_cm3, cost_fen, adopted_at, version)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1)""",
        id, await paper_number(session, "RUN", clock.today(), plan["depot_no"]), plan["id"], plan["depot_id"],
        van["id"], van["driver_id"], on, clock.instant(on, route["departure_s"]),
        clock.instant(on, route["return_s"]), route["distance_m"], route["duration_s"],
        sum(load["load_g"] for load in loads), sum(load["volume_cm3"] for load in loads),
        sum(load["cold_cm3"] for load in loads), sum(v for k, v in route["cost"].items() if k != "total_fen"),
        clock.now(),
    )  # fmt: skip
    stops = [new_id() for _ in loads]
    await database.run(
        session,
        """INSERT INTO stop (id, run_id, position, place_id, planned_arrival_at, planned_leave_at, load_g, volume_cm3,
             cold_cm3)
           SELECT id, $8, position, place_id, arrival, leave, load_g, volume_cm3, cold_cm3
           FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[],
             $7::bigint[]) WITH ORDINALITY
             AS s (id, place_id, arrival, leave, load_g, volume_cm3, cold_cm3, position)""",
        stops, [UUID(load["place_id"]) for load in loads],
        [clock.instant(on, visit["arrival_s"]) for visit in route["visits"]],
        [clock.instant(on, visit["leave_s"]) for visit in route["visits"]],
        [load["load_g"] for load in loads], [load["volume_cm3"] for load in loads],
        [load["cold_cm3"] for load in loads], id,
    )  # fmt: skip
    await _load_parcels(session, plan, [(UUID(r), stop) for load, stop in zip(loads, stops, strict=True)
                                        for r in load["requisitions"]])  # fmt: skip
    return id


async def _load_parcels(session: AsyncSession, plan: Row, parcels: Sequence[tuple[UUID, UUID]]) -> None:
    """Requisitions take their seat; each rides once."""
    try:
        await database.run(
            session,
            "INSERT INTO parcel (requisition_id, stop_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])",
            [requisition for requisition, _ in parcels],
            [stop for _, stop in parcels],
        )
    except UniqueViolationError:
        raise WrongState(
            N_("Part of what {number} planned rides on another run already: ask for a new plan."),
            number=plan["number"],
        ) from None


async def move_stop(
    session: AsyncSession, actor: Actor, plan_id: UUID, stop: str, vehicle: str | None, *, position: int = 0,
    version: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Bend a draft by hand: a stop goes to a vehicle, before its stop number `position` (from 0), or is left out.

    What the judge says of the plan afterwards is kept with it and given back; a draft may be faulty,
    only adopting it is refused then.
    """
    actor.must("delivery.move_stop")
    found = await queries.plan(session, actor, plan_id, lock=True, version=version)
    rules.check_step(found["state"], "move_stop", found["number"])
    problem, before = msgspec.json.decode(found["problem_text"]), msgspec.json.decode(found["result_text"])
    _check_known(problem, stop, vehicle)
    result = planning.moved(before, stop, vehicle, position)
    verdict = planning.judge_json(problem, result)
    await database.run(
        session,
        """UPDATE plan SET result = $2::text::jsonb, verdict = $3::text::jsonb, version = version + 1
           WHERE id = $1""",
        plan_id, _json(result), _json(verdict),
    )  # fmt: skip
    await trail.record(
        session, actor, "delivery.move_stop", plan_id, paper=found["number"], stop=stop,
        before=planning.seat_of(before, stop), after=planning.seat_of(result, stop), is_ok=verdict["is_ok"],
    )  # fmt: skip
    return verdict


def _check_known(problem: Mapping[str, Any], stop: str, vehicle: str | None) -> None:
    """Only what the plan was asked about can be moved."""
    if stop not in {known["id"] for known in problem["stops"]}:
        raise BadInput(N_("There is no such stop in this plan."))
    if vehicle is not None and vehicle not in {known["id"] for known in problem["vehicles"]}:
        raise BadInput(N_("There is no such vehicle in this plan."))


async def discard_plan(
    session: AsyncSession, actor: Actor, plan_id: UUID, *, version: int | None = None
) -> None:
    """Throw a draft away; what it planned waits for the next one."""
    actor.must("delivery.discard_plan")
    found = await queries.plan(session, actor, plan_id, lock=True, version=version)
    rules.check_step(found["state"], "discard_plan", found["number"])
    await database.run(
        session,
        "UPDATE plan SET discarded_at = $2, version = version + 1 WHERE id = $1",
        plan_id,
        clock.now(),
    )
    await trail.record(session, actor, "delivery.discard_plan", plan_id, paper=found["number"])


async def depart(
    session: AsyncSession, actor: Actor, run_id: UUID, *, departed_at: datetime | None = None,
    version: int | None = None,
) -> int:  # fmt: skip
    """Load and leave: every promise is kept, the goods now belong to the vehicle. Base units loaded."""
    actor.must("delivery.depart")
    run = await queries.run_for_change(session, actor, run_id, version)
    rules.check_step(run["state"], "depart", run["number"])
    at = _told(departed_at)
    # Two runs of one vehicle that leave at the same moment wait for one another here.
    await database.run(session, "SELECT 1 FROM vehicle WHERE id = $1 FOR NO KEY UPDATE", run["vehicle_id"])
    if await database.value(
        session, "SELECT 1 FROM run WHERE vehicle_id = $1 AND state = 'under_way'", run["vehicle_id"]
    ):
        raise WrongState(N_("{plate} is still out on another run: close that one first."), plate=run["plate"])
    cargo = await queries.cargo_of_run(session, run_id)
    await orders.ship(session, sorted({item["requisition_id"] for item in cargo}))
    await apply(
        session,
        moves=[
            Move(
                Kind.LOAD, item["product_id"], item["lot_id"], item["quantity"], run["depot_id"],
                run["vehicle_id"], item["unit_price"], clock.today(), paper_id=run_id,
            )
            for item in cargo
        ],
        answers=[Answer(item["hold_id"], item["quantity"]) for item in cargo],
    )  # fmt: skip
    await database.run(
        session, "UPDATE run SET departed_at = $2, version = version + 1 WHERE id = $1", run_id, at
    )
    loaded: int = sum(item["quantity"] for item in cargo)
    await trail.record(
        session, actor, "delivery.depart", run_id, paper=run["number"], plate=run["plate"], lots=len(cargo),
        units=loaded, departed_at=at,
    )  # fmt: skip
    return loaded


def _told(at: datetime | None) -> datetime:
    """When the phone says it happened: it may lag behind, never run far ahead."""
    now = clock.now()
    if at is None:
        return now
    if at.tzinfo is None or at > now + rules.CLOCK_TOLERANCE:
        raise BadInput(N_("{value} lies in the future: check the clock of the phone."), value=at.isoformat())
    return at


async def hand_over(
    session: AsyncSession, actor: Actor, stop_id: UUID, counted: Mapping[tuple[UUID, UUID], Counted] | None = None,
    *, received_by: str, signature: bytes | None = None, arrived_at: datetime | None = None, note: str = "",
    cold_max_c: float | None = None,
) -> UUID:  # fmt: skip
    """Hand the goods of a stop over and keep the proof; the id of the proof (签收).

    `counted` names, by (line, lot), where not everything was accepted; accepted + damaged + short +
    refused is what was shipped. Accepted goods belong to the place; damaged and refused ones ride back
    in quarantine; short ones are under investigation. Damaged and short units become shortages.
    """
    actor.must("delivery.hand_over")
    stop = await queries.stop(session, actor, stop_id)
    run = await queries.run_for_change(session, actor, stop["run_id"])
    rules.check_step(run["state"], "hand_over", run["number"])
    at = _told(arrived_at)
    if await queries.proof(session, stop_id):
        raise WrongState(
            N_("{place} was handed over already: a correction is a new paper."), place=stop["name"]
        )
    cargo = await queries.cargo(session, stop_id)
    settled = rules.settle_outcomes([_carried(item) for item in cargo], counted or {})
    _check_proof(settled, received_by, signature)
    rules.check_cold(settled, {item["lot_id"] for item in cargo if item["storage"] == "cold"}, cold_max_c)
    prices = {item["line_id"]: item["unit_price"] for item in cargo}
    await orders.receive(
        session, sorted({item.requisition_id for item, _ in settled}),
        [Outcome(item.line_id, *count[:4]) for item, count in settled],
    )  # fmt: skip
    investigation = await place_queries.edge(session, "investigation")
    await apply(session, moves=_handed(run, stop, settled, prices, investigation))
    proof = new_id()
    number = await paper_number(session, "POD", clock.today(), run["depot_no"])
    await database.run(
        session,
        """INSERT INTO proof (id, number, stop_id, received_by, signature, cold_max_c, arrived_at, note, handed_by,
             recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        proof, number, stop_id, received_by.strip(), signature, cold_max_c, at, note.strip(), actor.name,
        clock.now(),
    )  # fmt: skip
    await _write_proof_lines(session, proof, settled)
    await database.run(session, "UPDATE stop SET handed_over_at = $2 WHERE id = $1", stop_id, at)
    await shortages.note_missing(session, run["depot_no"], _gaps(stop, settled))
    await trail.record(
        session, actor, "delivery.hand_over", stop_id, paper=number, run=run["number"], place=stop["name"],
        received_by=received_by, lots=len(settled), not_accepted=sum(c.accepted < i.quantity for i, c in settled),
    )  # fmt: skip
    return proof


def _check_proof(
    settled: Sequence[tuple[Carried, Counted]], received_by: str, signature: bytes | None
) -> None:
    """Where something was accepted somebody must have taken it; a closed door has no receiver."""
    if any(count.accepted for _, count in settled) and not received_by.strip():
        raise BadInput(N_("Say who received the goods: a delivery without a name proves nothing."))
    if signature is not None and (len(signature) > MOST_SIGNATURE_BYTES or not signature.startswith(PNG)):
        raise BadInput(
            N_("A signature is a PNG picture of at most {value} KiB."), value=MOST_SIGNATURE_BYTES // 1024
        )


def _carried(item: Row) -> Carried:
    return Carried(
        item["line_id"], item["lot_id"], item["product_id"], item["requisition_id"], item["quantity"],
        item["generic_name"],
    )  # fmt: skip


def _handed(
    run: Row, stop: Row, settled: Sequence[tuple[Carried, Counted]], prices: Mapping[UUID, Decimal],
    investigation: UUID,
) -> list[Move]:  # fmt: skip
    """Where each unit goes: to the place, under investigation, or back in quarantine."""
    moves = []
    for item, count in settled:
        van, price, on = run["vehicle_id"], prices[item.line_id], clock.today()
        head = (item.product_id, item.lot_id)
        if count.accepted:
            moves.append(Move(Kind.DELIVER, *head, count.accepted, van, stop["place_id"], price, on,
                              paper_id=stop["id"]))  # fmt: skip
        if count.short:
            moves.append(Move(Kind.MISS, *head, count.short, van, investigation, price, on,
                              paper_id=stop["id"]))  # fmt: skip
        if back := count.damaged + count.refused:
            moves.append(Move(Kind.QUARANTINE, *head, back, van, van, price, on, Condition.RELEASED,
                              Condition.QUARANTINE, paper_id=stop["id"]))  # fmt: skip
    return moves


async def _write_proof_lines(
    session: AsyncSession, proof: UUID, settled: Sequence[tuple[Carried, Counted]]
) -> None:
    """Write the outcome of each lot of each line."""
    await database.run(
        session,
        """INSERT INTO proof_line (proof_id, line_id, lot_id, shipped, accepted, damaged, short, refused, reason)
           SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
             $8::bigint[], $9::text[])""",
        proof, [item.line_id for item, _ in settled], [item.lot_id for item, _ in settled],
        [item.quantity for item, _ in settled],
        *([getattr(count, name) for _, count in settled]
          for name in ("accepted", "damaged", "short", "refused", "reason")),
    )  # fmt: skip


def _gaps(stop: Row, settled: Sequence[tuple[Carried, Counted]]) -> list[Missing]:
    """Damaged and missing units are still needed; refused ones were not wanted."""
    return [
        Missing(
            stop["place_id"],
            item.product_id,
            quantity,
            reason,
            item.requisition_id,
            item.line_id,
            count.reason,
        )
        for item, count in settled
        for reason, quantity in (("damaged", count.damaged), ("short_delivered", count.short))
        if quantity
    ]


async def come_back(session: AsyncSession, actor: Actor, run_id: UUID, *, version: int | None = None) -> int:
    """Back at the depot: what rides in quarantine goes there, the vehicle is empty. Base units brought back.

    Refuses while a stop is neither handed over nor recorded as not reached.
    """
    actor.must("delivery.come_back")
    run = await queries.run_for_change(session, actor, run_id, version)
    rules.check_step(run["state"], "come_back", run["number"])
    open_stops = [
        stop["name"] for stop in await queries.stops(session, run_id) if stop["handed_over_at"] is None
    ]
    if open_stops:
        raise WrongState(
            N_("Not handed over yet: {places}. Hand over, or refuse everything with the reason."),
            places="、".join(open_stops),
        )
    left = await database.rows(
        session,
        """SELECT b.lot_id, b.product_id, b.condition, b.on_hand, coalesce((SELECT m.unit_price FROM movement m
             WHERE m.target_id = b.place_id AND m.lot_id = b.lot_id ORDER BY m.id DESC LIMIT 1), 0) AS unit_price
           FROM balance b WHERE b.place_id = $1 AND b.on_hand > 0 ORDER BY b.lot_id""",
        run["vehicle_id"],
    )
    await apply(
        session,
        moves=[
            Move(
                Kind.BRING_BACK, row["product_id"], row["lot_id"], row["on_hand"], run["vehicle_id"],
                run["depot_id"], row["unit_price"], clock.today(), row["condition"], Condition.QUARANTINE, run_id,
            )
            for row in left
        ],
    )  # fmt: skip
    await database.run(
        session, "UPDATE run SET closed_at = $2, version = version + 1 WHERE id = $1", run_id, clock.now()
    )
    back: int = sum(row["on_hand"] for row in left)
    await trail.record(session, actor, "delivery.come_back", run_id, paper=run["number"], units=back)
    return back
