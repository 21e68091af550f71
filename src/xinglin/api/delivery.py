"""Vehicles, plans, runs and proofs of delivery by machine."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field

from xinglin.api.entry import ask, do, make
from xinglin.api.forms import (
    AboveZero,
    Count,
    Cursor,
    Day,
    In,
    Instant,
    KeyHeader,
    Limit,
    Name,
    Note,
    OnlyWhole,
    Page,
    VersionHeader,
    Whole,
    Word,
    day,
    from_cursor,
    id_cursor,
    page_of,
    version_of,
    with_version,
)
from xinglin.base.errors import N_, BadInput, NotFound
from xinglin.base.language import translate
from xinglin.delivery import actions as delivery, queries as delivery_queries
from xinglin.delivery.rules import Counted
from xinglin.gate import Here, Visit
from xinglin.places import queries as place_queries

DAY_S = 24 * 3600
Second = Annotated[int, OnlyWhole, Field(ge=0, le=DAY_S)]
OnQuery = Annotated[date | None, QueryParameter(name="on", required=False)]
RunStateQuery = Annotated[
    Literal["planned", "under_way", "closed"] | None, QueryParameter(name="state", required=False)
]
LONGEST_SIGNATURE = 4 * ((delivery.MOST_SIGNATURE_BYTES + 2) // 3)
"""Of its base64, in characters."""


class VehicleIn(In):
    """A vehicle to be added. Grams, cm³, seconds of the day, fen."""

    home_id: UUID
    plate: Annotated[str, Field(min_length=1, max_length=20)]
    capacity_g: AboveZero
    capacity_cm3: AboveZero
    capacity_cold_cm3: Whole = 0
    shift_from_s: Second = 8 * 3600
    shift_to_s: Second = 20 * 3600
    fixed_cost_fen: Whole = 0
    cost_per_km_fen: Whole = 0
    cost_per_hour_fen: Whole = 0
    driver_id: UUID | None = None


class VehicleOut(BaseModel):
    """A vehicle and where it is at home."""

    id: UUID
    plate: str
    home_id: UUID
    home: str
    capacity_g: int
    capacity_cm3: int
    capacity_cold_cm3: int
    shift_from_s: int
    shift_to_s: int
    fixed_cost_fen: int
    cost_per_km_fen: int
    cost_per_hour_fen: int
    driver_id: UUID | None
    is_out: bool


class VehiclesOut(BaseModel):
    """Every vehicle in reach."""

    items: list[VehicleOut]


class PlanIn(In):
    """A plan to be thought out for what a depot has ready."""

    depot_id: UUID
    planned_on: Day | None = None
    not_before_s: Second = 0
    vehicles: Annotated[list[UUID], Field(max_length=500)] | None = None


class PlanHeadOut(BaseModel):
    """A plan, without its tables."""

    id: UUID
    number: str
    state: str
    depot_id: UUID
    depot: str
    planned_on: date
    requested_by: str
    requested_at: datetime
    solved_at: datetime | None
    adopted_at: datetime | None
    version: int


class LeftOutOut(BaseModel):
    """A stop nobody visits, and why."""

    stop: str
    kind: str
    reason: str


class ViolationOut(BaseModel):
    """What the judge holds against the plan."""

    kind: str
    message: str


class PlanOut(PlanHeadOut):
    """A plan whole: which vehicle goes where (`result`), what the judge says (`verdict`), what is left out."""

    problem: dict[str, Any]
    result: dict[str, Any] | None
    verdict: dict[str, Any] | None
    left_out: list[LeftOutOut]
    violations: list[ViolationOut]


class MoveIn(In):
    """A stop of the plan to another place: before stop number `position` (from 0) of a vehicle, or left out."""

    stop: Name
    vehicle: Name | None
    position: Annotated[int, OnlyWhole, Field(ge=0, le=10_000)] = 0


class AdoptedOut(BaseModel):
    """The runs a plan became."""

    runs: list[UUID]


class RunOut(BaseModel):
    """One vehicle's trip from a depot and back."""

    id: UUID
    number: str
    state: str
    plan_id: UUID
    plan_number: str
    depot_id: UUID
    depot: str
    vehicle_id: UUID
    plate: str
    driver_id: UUID | None
    driver: str | None
    runs_on: date
    planned_departure_at: datetime
    planned_return_at: datetime
    departed_at: datetime | None
    closed_at: datetime | None
    distance_m: int
    duration_s: int
    load_g: int
    volume_cm3: int
    cold_cm3: int
    cost_fen: int
    stops: int
    handed_over: int
    version: int


class StopOut(BaseModel):
    """A place on a run, in its order."""

    id: UUID
    position: int
    place_id: UUID
    name: str
    town: str
    contact: str
    phone: str
    latitude: float | None
    longitude: float | None
    is_position_synthetic: bool
    planned_arrival_at: datetime
    planned_leave_at: datetime
    handed_over_at: datetime | None
    load_g: int
    volume_cm3: int
    cold_cm3: int
    lines: int
    requisitions: list[str] | None
    proof_number: str | None
    received_by: str | None


class RunWithStops(RunOut):
    """A run and its stops, as far as they are in reach."""

    route: list[StopOut]


class CargoOut(BaseModel):
    """What rides to a stop, lot by lot. Base units."""

    line_id: UUID
    lot_id: UUID
    lot: str
    expires_on: date
    product_id: UUID
    generic_name: str
    dosage_form: str
    strength: str
    base_unit: str
    pack_unit: str
    pack_size: int
    storage: str
    quantity: int
    requisition_id: UUID


class CargoListOut(BaseModel):
    """Everything that rides to a stop."""

    items: list[CargoOut]


class DepartureIn(In):
    """When it left; now if not told."""

    departed_at: Instant | None = None


class DepartedOut(BaseModel):
    """How many base units were loaded."""

    loaded: int


class BackOut(BaseModel):
    """How many base units came back."""

    brought_back: int


class CountedIn(In):
    """What the receiver counted of one lot of one line, where not all was well; together what was shipped."""

    line_id: UUID
    lot_id: UUID
    accepted: Count
    damaged: Count = 0
    short: Count = 0
    refused: Count = 0
    reason: Note = ""


class HandOverIn(In):
    """Who took the goods, what was not accepted, and the signature (a PNG of at most 64 KiB, in base64)."""

    received_by: Word = ""
    counted: Annotated[list[CountedIn], Field(max_length=5000)] = []
    signature: Annotated[str, Field(max_length=LONGEST_SIGNATURE)] | None = None
    arrived_at: Instant | None = None
    note: Note = ""
    cold_max_c: Annotated[float, Field(ge=-80, le=80, allow_inf_nan=False)] | None = None


class ProofLineOut(BaseModel):
    """What became of each lot of each line. Base units."""

    line_id: UUID
    lot_id: UUID
    lot: str
    expires_on: date
    generic_name: str
    dosage_form: str
    strength: str
    base_unit: str
    shipped: int
    accepted: int
    damaged: int
    short: int
    refused: int
    reason: str
    requisition: str


class ProofOut(BaseModel):
    """A proof of delivery; the signature is a PNG in base64."""

    id: UUID
    number: str
    stop_id: UUID
    received_by: str
    handed_by: str
    arrived_at: datetime
    recorded_at: datetime
    note: str
    cold_max_c: float | None
    signature: str | None
    lines: list[ProofLineOut]


class ReadyOut(BaseModel):
    """A place for which picked goods wait."""

    place_id: UUID
    name: str
    requisitions: list[UUID]
    picks: int
    load_g: int
    volume_cm3: int
    cold_cm3: int


class ReadyListOut(BaseModel):
    """Everything that waits at a depot for a run."""

    items: list[ReadyOut]


class ArrivalOut(BaseModel):
    """What is on its way to a place."""

    stop_id: UUID
    run: str
    state: str
    plate: str
    planned_arrival_at: datetime
    handed_over_at: datetime | None
    requisitions: list[str] | None


class ArrivalsOut(BaseModel):
    """Everything on its way to a place."""

    items: list[ArrivalOut]


class Vehicles(Controller):
    """Vans and cars."""

    path = "/vehicles"
    tags = ("Delivery",)

    @ask("delivery.read")
    async def list(self, visit: Here, home_id: FromQuery[UUID | None] = None) -> VehiclesOut:
        """Vehicles in reach."""
        found = await delivery_queries.vehicles(visit.session, visit.actor, home_id)
        return VehiclesOut(items=[VehicleOut.model_validate(dict(row)) for row in found])

    @make("delivery.add_vehicle")
    async def add(self, visit: Here, data: JSONBody[VehicleIn], idempotency_key: KeyHeader) -> VehicleOut:
        """Add a vehicle to a depot."""
        sizes = data.model_dump(exclude={"home_id", "plate", "shift_from_s", "shift_to_s"})
        id = await delivery.add_vehicle(
            visit.session, visit.actor, data.home_id, data.plate, shift=(data.shift_from_s, data.shift_to_s),
            **sizes,
        )  # fmt: skip
        found = await delivery_queries.vehicles(visit.session, visit.actor, data.home_id)
        return VehicleOut.model_validate(dict(next(row for row in found if row["id"] == id)))


class Waiting(Controller):
    """What waits for a run, and what is on its way."""

    path = "/places/{place_id:uuid}"
    tags = ("Delivery",)

    @ask("delivery.request_plan", "/ready")
    async def ready(self, visit: Here, place_id: FromPath[UUID]) -> ReadyListOut:
        """Places for which a depot has picked goods that no run takes yet."""
        await place_queries.own_place(visit.session, visit.actor, place_id)
        found = await delivery_queries.ready_to_ride(visit.session, place_id)
        return ReadyListOut(items=[ReadyOut.model_validate(dict(row)) for row in found])

    @ask("delivery.read", "/arrivals")
    async def arrivals(self, visit: Here, place_id: FromPath[UUID]) -> ArrivalsOut:
        """What is on its way to a place, and when it should arrive."""
        await place_queries.place_in_reach(visit.session, visit.actor, place_id)
        found = await delivery_queries.arrivals(visit.session, place_id)
        return ArrivalsOut(items=[ArrivalOut.model_validate(dict(row)) for row in found])


class Plans(Controller):
    """Which vehicle goes where on a day."""

    path = "/plans"
    tags = ("Delivery",)

    @ask("delivery.read")
    async def list(
        self, visit: Here, on: OnQuery = None, depot_id: FromQuery[UUID | None] = None, cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[PlanHeadOut]:  # fmt: skip
        """Plans in reach, newest first."""
        found = await delivery_queries.plans(
            visit.session, visit.actor, on=on, depot_id=depot_id, before=id_cursor(cursor), limit=limit
        )
        return page_of(PlanHeadOut, found, limit, "id")

    @make("delivery.request_plan")
    async def request(
        self, visit: Here, data: JSONBody[PlanIn], idempotency_key: KeyHeader
    ) -> Response[PlanOut]:
        """Ask for a plan; a worker thinks it out, and then it is a draft."""
        id = await delivery.request_plan(
            visit.session, visit.actor, data.depot_id, data.planned_on, not_before_s=data.not_before_s,
            vehicles=data.vehicles,
        )  # fmt: skip
        return await _plan_now(visit, id, status=201)

    @ask("delivery.read", "/{plan_id:uuid}")
    async def read(self, visit: Here, plan_id: FromPath[UUID]) -> Response[PlanOut]:
        """One plan, whole, with the reason for every stop left out."""
        return await _plan_now(visit, plan_id)

    @do("delivery.adopt_plan", "/{plan_id:uuid}/adopt")
    async def adopt(
        self, visit: Here, plan_id: FromPath[UUID], idempotency_key: KeyHeader, if_match: VersionHeader = None
    ) -> Response[AdoptedOut]:
        """Make a draft plan the day's runs, one for each vehicle used."""
        runs = await delivery.adopt_plan(visit.session, visit.actor, plan_id, version=version_of(if_match))
        found = await delivery_queries.plan(visit.session, visit.actor, plan_id)
        return with_version(AdoptedOut(runs=runs), found["version"])

    @do("delivery.move_stop", "/{plan_id:uuid}/move-stop")
    async def move_stop(
        self, visit: Here, plan_id: FromPath[UUID], data: JSONBody[MoveIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[PlanOut]:  # fmt: skip
        """Bend a draft by hand; what the judge says of it afterwards comes back with it."""
        await delivery.move_stop(
            visit.session, visit.actor, plan_id, data.stop, data.vehicle, position=data.position,
            version=version_of(if_match),
        )  # fmt: skip
        return await _plan_now(visit, plan_id)

    @do("delivery.discard_plan", "/{plan_id:uuid}/discard")
    async def discard(
        self, visit: Here, plan_id: FromPath[UUID], idempotency_key: KeyHeader, if_match: VersionHeader = None
    ) -> Response[PlanOut]:
        """Throw a draft away; what it planned waits for the next one."""
        await delivery.discard_plan(visit.session, visit.actor, plan_id, version=version_of(if_match))
        return await _plan_now(visit, plan_id)


class Runs(Controller):
    """Trips from a depot and back."""

    path = "/runs"
    tags = ("Delivery",)

    @ask("delivery.read")
    async def list(
        self, visit: Here, in_state: RunStateQuery = None, on: OnQuery = None,
        depot_id: FromQuery[UUID | None] = None, cursor: Cursor = None, limit: Limit = 50,
    ) -> Page[RunOut]:  # fmt: skip
        """Runs in reach, newest day first; a driver sees the own ones."""
        found = await delivery_queries.runs(
            visit.session, visit.actor, on=on, depot_id=depot_id, states=[in_state] if in_state else [],
            after=from_cursor(cursor, day, UUID), limit=limit,
        )  # fmt: skip
        return page_of(RunOut, found, limit, "runs_on", "id")

    @ask("delivery.read", "/{run_id:uuid}")
    async def read(self, visit: Here, run_id: FromPath[UUID]) -> Response[RunWithStops]:
        """One run with its stops; a clinic sees its own stop only."""
        return await _run_now(visit, run_id)

    @do("delivery.depart", "/{run_id:uuid}/depart")
    async def depart(
        self, visit: Here, run_id: FromPath[UUID], data: JSONBody[DepartureIn], idempotency_key: KeyHeader,
        if_match: VersionHeader = None,
    ) -> Response[DepartedOut]:  # fmt: skip
        """Load and leave: the goods now belong to the vehicle."""
        loaded = await delivery.depart(
            visit.session, visit.actor, run_id, departed_at=data.departed_at, version=version_of(if_match)
        )
        found = await delivery_queries.run(visit.session, visit.actor, run_id)
        return with_version(DepartedOut(loaded=loaded), found["version"])

    @do("delivery.come_back", "/{run_id:uuid}/come-back")
    async def come_back(
        self, visit: Here, run_id: FromPath[UUID], idempotency_key: KeyHeader, if_match: VersionHeader = None
    ) -> Response[BackOut]:
        """Back at the depot: what was not accepted goes into its quarantine, the vehicle is empty."""
        back = await delivery.come_back(visit.session, visit.actor, run_id, version=version_of(if_match))
        found = await delivery_queries.run(visit.session, visit.actor, run_id)
        return with_version(BackOut(brought_back=back), found["version"])


class Stops(Controller):
    """Places on a run."""

    path = "/stops/{stop_id:uuid}"
    tags = ("Delivery",)

    @ask("delivery.read", "/cargo")
    async def cargo(self, visit: Here, stop_id: FromPath[UUID]) -> CargoListOut:
        """What rides to a stop, lot by lot."""
        await delivery_queries.stop(visit.session, visit.actor, stop_id)
        found = await delivery_queries.cargo(visit.session, stop_id)
        return CargoListOut(items=[CargoOut.model_validate(dict(row)) for row in found])

    @make("delivery.hand_over", "/hand-over")
    async def hand_over(
        self, visit: Here, stop_id: FromPath[UUID], data: JSONBody[HandOverIn], idempotency_key: KeyHeader
    ) -> ProofOut:
        """Hand the goods of a stop over and keep the proof; whatever is not named was accepted."""
        counted = {
            (line.line_id, line.lot_id): Counted(
                line.accepted, line.damaged, line.short, line.refused, line.reason
            )
            for line in data.counted
        }
        if len(counted) < len(data.counted):
            raise BadInput(N_("The same lot of the same line is counted twice: name it once."))
        await delivery.hand_over(
            visit.session, visit.actor, stop_id, counted, received_by=data.received_by,
            signature=picture(data.signature), arrived_at=data.arrived_at, note=data.note,
            cold_max_c=data.cold_max_c,
        )  # fmt: skip
        return await _proof_now(visit, stop_id)

    @ask("delivery.read", "/proof")
    async def proof(self, visit: Here, stop_id: FromPath[UUID]) -> ProofOut:
        """Who took the goods, when, and what became of each lot."""
        await delivery_queries.stop(visit.session, visit.actor, stop_id)
        return await _proof_now(visit, stop_id)


def picture(signature: str | None) -> bytes | None:
    """A signature out of its base64."""
    if signature is None:
        return None
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(N_("The signature is not valid base64.")) from None


def plan_out(visit: Visit, row: Any) -> PlanOut:
    """A plan with its reasons in the reader's language."""
    problem, result, verdict = (_decoded(row[f"{name}_text"]) for name in ("problem", "result", "verdict"))
    problem.pop("travel", None)  # n × n figures that no reader of a plan asks for
    left_out = [
        LeftOutOut(stop=left["stop"], kind=left["kind"], reason=_say(visit, left["reason"]))
        for left in (result or {}).get("left_out", ())
    ]
    violations = [
        ViolationOut(kind=str(found.get("kind", "")), message=_say(visit, found["what"]))
        for found in (verdict or {}).get("violations", ())
    ]
    return PlanOut.model_validate(
        {**row, "problem": problem, "result": result, "verdict": verdict, "left_out": left_out,
         "violations": violations}
    )  # fmt: skip


def _decoded(text: str | None) -> Any:
    return msgspec.json.decode(text) if text else None


def _say(visit: Visit, sentence: Any) -> str:
    """A sentence of the routing library."""
    return translate(visit.locale, sentence["template"], **sentence["params"])


async def _plan_now(visit: Visit, plan_id: UUID, *, status: int = 200) -> Response[PlanOut]:
    """A plan as it stands."""
    found = await delivery_queries.plan(visit.session, visit.actor, plan_id)
    return with_version(plan_out(visit, found), found["version"], status=status)


async def _run_now(visit: Visit, run_id: UUID) -> Response[RunWithStops]:
    """A run as it stands, with the stops in reach."""
    found = await delivery_queries.run(visit.session, visit.actor, run_id)
    stops = await delivery_queries.stops(visit.session, run_id, visit.actor)
    body = RunWithStops.model_validate({**found, "route": [dict(stop) for stop in stops]})
    return with_version(body, found["version"])


async def _proof_now(visit: Visit, stop_id: UUID) -> ProofOut:
    """The proof of a stop as it stands."""
    found = await delivery_queries.proof(visit.session, stop_id)
    if found is None:
        raise NotFound(N_("Nothing was handed over at this stop yet."))
    lines = await delivery_queries.proof_lines(visit.session, found["id"])
    drawn = found["signature"]
    return ProofOut.model_validate(
        {**found, "signature": base64.b64encode(drawn).decode() if drawn else None,
         "lines": [dict(line) for line in lines]}
    )  # fmt: skip
