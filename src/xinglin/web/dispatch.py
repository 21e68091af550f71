"""The dispatch desk: what waits, plans, runs, vehicles and the map of the day (调度)."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import clock, language
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, Refusal, WrongState
from xinglin.delivery import actions as delivery, queries as delivery_queries
from xinglin.delivery.rules import ON_TIME
from xinglin.gate import Here, Visit
from xinglin.places import queries as place_queries
from xinglin.places.rules import DEPOTS, PlaceKind
from xinglin.web import board
from xinglin.web.page import NAV, Link, go, page, said, wants_piece

Form = URLEncodedBody[dict[str, str]]
TOWNSHIPS = (PlaceKind.TOWNSHIP_PHARMACY, PlaceKind.COMMUNITY_PHARMACY)
NAV["dispatch"] = (
    Link(N_("Board"), "/dispatch", "home", "delivery.read"),
    Link(N_("Plans"), "/dispatch/plans", "route", "delivery.request_plan"),
    Link(N_("Runs"), "/dispatch/runs", "truck-delivery", "delivery.read"),
    Link(N_("Vehicles"), "/dispatch/vehicles", "truck", "delivery.read"),
)


def handlers() -> list[Any]:
    """The desk's addresses."""
    return [
        home, plans, new_plan, request_plan, plan, adopt, discard, move, runs, run, run_sheet, depart, come_back,
        vehicles, add_vehicle,
    ]  # fmt: skip


async def enter(visit: Visit) -> None:
    """Who looks after a depot, or after the whole county, may look at its vehicles and runs."""
    visit.actor.must("delivery.read")
    if visit.actor.place_id is not None:
        await place_queries.place_of_kind(visit.session, visit.actor.place_id, *DEPOTS)


def shown(visit: Visit, template: str, *, status: int = 200, **context: Any) -> Template:
    """A page of the desk."""
    return page(
        visit, f"dispatch/{template}", status=status, may=visit.actor.may, today=clock.today(), hour=board.hour,
        on_time=ON_TIME, **context,
    )  # fmt: skip


def words(visit: Visit) -> board.Words:
    """Says a kept sentence in the reader's language."""
    return lambda message, fields: said(visit, Refusal(message, **fields))


# ---- the day ----


@get("/dispatch", include_in_schema=False)
async def home(visit: Here, on: FromQuery[date | None] = None) -> Template:
    """The board of a day: what is ready, what may carry it, plans, runs and the map."""
    await enter(visit)
    session, actor, day = visit.session, visit.actor, on or clock.today()
    found = await delivery_queries.runs(session, actor, on=day, depot_id=actor.place_id)
    stops = await delivery_queries.stops_of(session, [run["id"] for run in found])
    drafts = await delivery_queries.plans(session, actor, states=["solving", "draft"])
    data, is_synthetic = await _map_of(visit, found, stops)
    return shown(
        visit, "home.html", on=day, before=day - timedelta(days=1), after=day + timedelta(days=1),
        boards=await delivery_queries.boards(session, actor, day), runs=found, drafts=drafts,
        kept=board.punctuality(stops, ON_TIME), stop_count=len(stops), data=data, is_synthetic=is_synthetic,
    )  # fmt: skip


async def _map_of(visit: Visit, runs: list[Row], stops: list[Row]) -> tuple[dict[str, Any], bool]:
    """The map of these runs among depots and townships; whether any position on it was made up."""
    data = board.runs_map(runs, stops, language.Speech(visit.locale))
    around = await place_queries.places(visit.session, visit.actor, kinds=DEPOTS)
    data["features"] += board.places_map([p for p in around if p.kind in TOWNSHIPS], "township")
    data["features"] += board.places_map([p for p in around if p.kind not in TOWNSHIPS], "depot")
    ids = [stop["place_id"] for stop in stops] + [place.id for place in around]
    return data, await place_queries.has_synthetic(visit.session, ids)


# ---- plans ----


@get("/dispatch/plans", include_in_schema=False)
async def plans(visit: Here) -> Template:
    """Plans in reach, newest first."""
    await enter(visit)
    found = await delivery_queries.plans(visit.session, visit.actor)
    verdicts = {plan["id"]: msgspec.json.decode(plan["verdict"]) for plan in found if plan["verdict"]}
    return shown(visit, "plans.html", plans=found, verdicts=verdicts)


@get("/dispatch/plans/new", include_in_schema=False)
async def new_plan(visit: Here, depot: FromQuery[UUID | None] = None) -> Template:
    """What a plan would be made of."""
    visit.actor.must("delivery.request_plan")
    return await _new_plan(visit, depot, {})


async def _new_plan(
    visit: Visit, depot: UUID | None, data: Mapping[str, str], error: str = "", status: int = 200
) -> Template:
    await enter(visit)
    boards = await delivery_queries.boards(visit.session, visit.actor, clock.today())
    waiting = [row for row in boards if row["places"]]
    here = next((row for row in boards if row["id"] == depot), None) or next(iter(waiting or boards), None)
    ready = await delivery_queries.ready_to_ride(visit.session, here["id"]) if here else []
    vans = await delivery_queries.vehicles(visit.session, visit.actor, here["id"]) if here else []
    on, not_before = board.next_departure()
    return shown(
        visit, "new_plan.html", status=status, boards=boards, here=here, ready=ready, vans=vans, error=error,
        data={"on": on.isoformat(), "not_before": not_before} | dict(data), hours=_hours,
    )  # fmt: skip


def _hours(opening: str) -> str:
    return board.hours(msgspec.json.decode(opening))


@post("/dispatch/plans", include_in_schema=False)
async def request_plan(visit: Here, data: Form) -> Template | Redirect:
    """Ask for a plan."""
    visit.actor.must("delivery.request_plan")
    depot = UUID(data["depot"]) if data.get("depot") else None
    try:
        vans = [UUID(name.removeprefix("van-")) for name in data if name.startswith("van-")]
        if depot is None or not vans:
            raise BadInput(N_("Choose a depot and at least one vehicle."))
        id = await delivery.request_plan(
            visit.session, visit.actor, depot, _day(data), not_before_s=_not_before(data), vehicles=vans
        )
    except (BadInput, WrongState) as refusal:
        return await _new_plan(visit, depot, data, said(visit, refusal), refusal.status)
    return go(f"/dispatch/plans/{id}")


def _day(data: Mapping[str, str]) -> date:
    """The day of the plan: today or later."""
    try:
        on = date.fromisoformat(data.get("on", ""))
    except ValueError:
        raise BadInput(N_("The day of a plan is a day, such as 2026-03-14.")) from None
    if on < clock.today():
        raise BadInput(N_("A plan is for today or a day to come."))
    return on


def _not_before(data: Mapping[str, str]) -> int:
    text = data.get("not_before", "").strip()
    seconds = board.seconds_of(text) if text else 0
    if seconds is None:
        raise BadInput(N_("'{value}' is no time of day, such as 07:30."), value=text)
    return seconds


@get("/dispatch/plans/{plan_id:uuid}", include_in_schema=False)
async def plan(visit: Here, request: Request[Any, Any, Any], plan_id: FromPath[UUID]) -> Template:
    """A plan: being thought out, a draft to be bent and adopted, or what became of it."""
    await enter(visit)
    return await _plan(visit, plan_id, is_piece=wants_piece(request))


async def _plan(
    visit: Visit, plan_id: UUID, *, is_piece: bool = False, error: str = "", status: int = 200
) -> Template:
    found = await delivery_queries.plan(visit.session, visit.actor, plan_id)
    context: dict[str, Any] = {"plan": found, "error": error, "verdict": None}
    if found["verdict_text"]:
        context |= await _draft(visit, found)
    if found["state"] == "adopted":
        context["runs"] = await delivery_queries.runs_of_plan(visit.session, visit.actor, plan_id)
    return shown(visit, "_plan.html" if is_piece else "plan.html", status=status, **context)


async def _draft(visit: Visit, found: Row) -> dict[str, Any]:
    """What is shown of a plan that was thought out."""
    problem, result, verdict, parcels = (
        msgspec.json.decode(found[name])
        for name in ("problem_text", "result_text", "verdict_text", "parcels_text")
    )
    tell = words(visit)
    routes = board.routes_of(problem, verdict)
    left_out = board.left_out_of(problem, result, tell)
    ids = [UUID(parcel["place_id"]) for parcel in parcels.values()]
    return {
        "problem": problem, "verdict": verdict, "routes": routes, "left_out": left_out,
        "faults": [tell(fault["what"]["template"], fault["what"]["params"]) for fault in verdict["violations"]],
        "is_barred": any(fault["kind"] != "forced_left_out" for fault in verdict["violations"]),
        "data": board.plan_map(problem, routes, left_out, language.Speech(visit.locale)),
        "is_synthetic": await place_queries.has_synthetic(visit.session, [*ids, found["depot_id"]]),
        "cost": Decimal(verdict["cost"]["total_fen"] - verdict["cost"]["left_out_fen"]) / 100,
    }  # fmt: skip


def _version(data: Mapping[str, str]) -> int | None:
    text = data.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else None


@post("/dispatch/plans/{plan_id:uuid}/adopt", include_in_schema=False)
async def adopt(visit: Here, plan_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Make the draft the day's runs."""
    try:
        await delivery.adopt_plan(visit.session, visit.actor, plan_id, version=_version(data))
    except BadInput as refusal:
        return await _plan(visit, plan_id, error=said(visit, refusal), status=refusal.status)
    return go(f"/dispatch/plans/{plan_id}")


@post("/dispatch/plans/{plan_id:uuid}/discard", include_in_schema=False)
async def discard(visit: Here, plan_id: FromPath[UUID], data: Form) -> Redirect:
    """Throw the draft away."""
    await delivery.discard_plan(visit.session, visit.actor, plan_id, version=_version(data))
    return go("/dispatch/plans")


@post("/dispatch/plans/{plan_id:uuid}/move", include_in_schema=False)
async def move(
    visit: Here, request: Request[Any, Any, Any], plan_id: FromPath[UUID], data: Form
) -> Template | Redirect:
    """Bend the draft: a stop to another vehicle or another place in the order, or left out."""
    position = data.get("position", "").strip()
    try:
        if position and not (position.isascii() and position.isdigit()):
            raise BadInput(N_("'{value}' is no place in the order: a number from 1."), value=position)
        await delivery.move_stop(
            visit.session, visit.actor, plan_id, data.get("stop", ""), data.get("vehicle") or None,
            position=int(position or 10**6) - 1, version=_version(data),
        )  # fmt: skip
    except BadInput as refusal:
        return await _plan(
            visit, plan_id, is_piece=wants_piece(request), error=said(visit, refusal), status=refusal.status
        )
    return go(f"/dispatch/plans/{plan_id}#plan")


# ---- runs ----


@get("/dispatch/runs", include_in_schema=False)
async def runs(visit: Here, which: FromQuery[str] = "open") -> Template:
    """Runs that are planned or on the road, or all."""
    await enter(visit)
    states = ["planned", "under_way"] if which == "open" else []
    found = await delivery_queries.runs(
        visit.session, visit.actor, depot_id=visit.actor.place_id, states=states
    )
    return shown(visit, "runs.html", runs=found, which=which)


async def _run(visit: Visit, run_id: UUID) -> tuple[Row, list[Row]]:
    """A run of a depot in reach, with its stops."""
    await enter(visit)
    found = await delivery_queries.run(visit.session, visit.actor, run_id)
    await place_queries.one_in_reach(visit.session, visit.actor, [found["depot_id"]])
    return found, await delivery_queries.stops(visit.session, run_id)


@get("/dispatch/runs/{run_id:uuid}", include_in_schema=False)
async def run(visit: Here, run_id: FromPath[UUID]) -> Template:
    """One run: its stops as planned and as they went."""
    found, stops = await _run(visit, run_id)
    data, is_synthetic = await _map_of(visit, [found], stops)
    return shown(
        visit, "run.html", run=found, stops=stops, data=data, is_synthetic=is_synthetic,
        kept=board.punctuality(stops, ON_TIME), hours=_hours,
    )  # fmt: skip


@get("/dispatch/runs/{run_id:uuid}/sheet", include_in_schema=False)
async def run_sheet(visit: Here, run_id: FromPath[UUID]) -> Template:
    """The run on paper: stops, contacts, parcels, a line to sign for each."""
    found, stops = await _run(visit, run_id)
    return shown(visit, "run_sheet.html", run=found, stops=stops, hours=_hours)


@post("/dispatch/runs/{run_id:uuid}/depart", include_in_schema=False)
async def depart(visit: Here, run_id: FromPath[UUID], data: Form) -> Redirect:
    """The vehicle leaves, loaded."""
    await delivery.depart(visit.session, visit.actor, run_id, version=_version(data))
    return go(f"/dispatch/runs/{run_id}")


@post("/dispatch/runs/{run_id:uuid}/come-back", include_in_schema=False)
async def come_back(visit: Here, run_id: FromPath[UUID], data: Form) -> Redirect:
    """The vehicle is back, what it brings goes into quarantine."""
    await delivery.come_back(visit.session, visit.actor, run_id, version=_version(data))
    return go(f"/dispatch/runs/{run_id}")


# ---- vehicles ----


@get("/dispatch/vehicles", include_in_schema=False)
async def vehicles(visit: Here) -> Template:
    """Vehicles in reach: where they are at home, what they carry, who drives."""
    return await _vehicles(visit, {})


async def _vehicles(visit: Visit, data: Mapping[str, str], error: str = "", status: int = 200) -> Template:
    await enter(visit)
    may_add = visit.actor.may("delivery.add_vehicle")
    return shown(
        visit, "vehicles.html", status=status, data=data, error=error,
        vehicles=await delivery_queries.vehicles(visit.session, visit.actor),
        drivers=await delivery_queries.drivers(visit.session, visit.actor),
        depots=await place_queries.places(visit.session, visit.actor, kinds=DEPOTS) if may_add else [],
    )  # fmt: skip


@post("/dispatch/vehicles", include_in_schema=False)
async def add_vehicle(visit: Here, data: Form) -> Template | Redirect:
    """Add a vehicle; people say kilograms, litres and yuan."""
    visit.actor.must("delivery.add_vehicle")
    try:
        await delivery.add_vehicle(
            visit.session, visit.actor, _uuid(data, "home"), data.get("plate", ""),
            capacity_g=_thousands(data, "kg"), capacity_cm3=_thousands(data, "litres"),
            capacity_cold_cm3=_thousands(data, "cold_litres"),
            shift=(_second(data, "shift_from"), _second(data, "shift_to")), fixed_cost_fen=_fen(data, "fixed_cost"),
            cost_per_km_fen=_fen(data, "cost_per_km"), cost_per_hour_fen=_fen(data, "cost_per_hour"),
            driver_id=_uuid(data, "driver") if data.get("driver") else None,
        )  # fmt: skip
    except BadInput as refusal:
        return await _vehicles(visit, data, said(visit, refusal), refusal.status)
    return go("/dispatch/vehicles")


def _uuid(data: Mapping[str, str], name: str) -> UUID:
    try:
        return UUID(data.get(name, ""))
    except ValueError:
        raise BadInput(N_("Choose one of the list.")) from None


def _number(data: Mapping[str, str], name: str, factor: int) -> int:
    """A number of a form, zero or more, in the smaller unit."""
    text = data.get(name, "").strip() or "0"
    whole, _, rest = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (rest or "0").isdigit() and len(text) <= 12):
        raise BadInput(N_("'{value}' is not a number from 0."), value=text)
    return int(Decimal(text) * factor)


def _thousands(data: Mapping[str, str], name: str) -> int:
    return _number(data, name, 1000)


def _fen(data: Mapping[str, str], name: str) -> int:
    return _number(data, name, 100)


def _second(data: Mapping[str, str], name: str) -> int:
    seconds = board.seconds_of(data.get(name, ""))
    if seconds is None:
        raise BadInput(N_("'{value}' is no time of day, such as 07:30."), value=data.get(name, ""))
    return seconds
