"""The driver's desk, for a phone: my runs, the next stop, hand over, come back (司机)."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import clock
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput
from xinglin.delivery import actions as delivery, queries as delivery_queries
from xinglin.delivery.rules import COLD_C, ON_TIME, Counted
from xinglin.gate import Here, Visit
from xinglin.web import board
from xinglin.web.page import NAV, Link, go, ladder_of, page, said

Form = URLEncodedBody[dict[str, str]]
NAV["driver"] = (Link(N_("My runs"), "/driver", "truck-delivery", "delivery.hand_over"),)
OUTCOMES = (
    ("accepted", N_("Accepted")),
    ("damaged", N_("Damaged")),
    ("short", N_("Short")),
    ("refused", N_("Refused")),
)
REASONS = (
    N_("The pack is damaged or wet"),
    N_("Fewer packs than on the list"),
    N_("Wrong medicine, strength or lot"),
    N_("Expires too soon"),
    N_("Not ordered or not needed any more"),
    N_("The cold box was too warm"),
)
NOT_REACHED = (
    N_("The clinic was closed"),
    N_("Nobody could receive"),
    N_("The road was blocked"),
    N_("The vehicle broke down"),
)
PICTURE = "data:image/png;base64,"


def handlers() -> list[Any]:
    """The desk's addresses."""
    return [home, run, depart, come_back, stop, hand_over, not_reached]


def shown(visit: Visit, template: str, *, status: int = 200, **context: Any) -> Template:
    """A page of the desk."""
    return page(
        visit,
        f"driver/{template}",
        status=status,
        today=clock.today(),
        on_time=ON_TIME,
        hours=_hours,
        **context,
    )


def _hours(opening: str) -> str:
    return board.hours(msgspec.json.decode(opening))


@get("/driver", include_in_schema=False)
async def home(visit: Here) -> Template:
    """My runs: those to drive, and those closed today."""
    visit.actor.must("delivery.hand_over")
    ahead = await delivery_queries.runs(visit.session, visit.actor, states=["planned", "under_way"])
    done = await delivery_queries.runs(visit.session, visit.actor, on=clock.today(), states=["closed"])
    ahead.sort(key=lambda run: (run["state"] != "under_way", run["planned_departure_at"]))
    return shown(visit, "home.html", ahead=ahead, done=done)


@get("/driver/runs/{run_id:uuid}", include_in_schema=False)
async def run(visit: Here, run_id: FromPath[UUID]) -> Template:
    """One run: the next stop in front, the others below."""
    visit.actor.must("delivery.hand_over")
    found = await delivery_queries.run(visit.session, visit.actor, run_id)
    stops = await delivery_queries.stops(visit.session, run_id)
    ahead = next((stop for stop in stops if stop["handed_over_at"] is None), None)
    return shown(visit, "run.html", run=found, stops=stops, ahead=ahead)


def _version(data: Mapping[str, str]) -> int | None:
    text = data.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else None


@post("/driver/runs/{run_id:uuid}/depart", include_in_schema=False)
async def depart(visit: Here, run_id: FromPath[UUID], data: Form) -> Redirect:
    """Loaded, off we go."""
    await delivery.depart(visit.session, visit.actor, run_id, version=_version(data))
    return go(f"/driver/runs/{run_id}")


@post("/driver/runs/{run_id:uuid}/come-back", include_in_schema=False)
async def come_back(visit: Here, run_id: FromPath[UUID], data: Form) -> Redirect:
    """Back at the depot, the vehicle is empty."""
    await delivery.come_back(visit.session, visit.actor, run_id, version=_version(data))
    return go(f"/driver/runs/{run_id}")


# ---- handing over ----


@get("/driver/stops/{stop_id:uuid}", include_in_schema=False)
async def stop(visit: Here, stop_id: FromPath[UUID]) -> Template | Redirect:
    """One stop: everything accepted unless somebody says otherwise."""
    visit.actor.must("delivery.hand_over")
    return await _stop(visit, stop_id, {})


async def _stop(
    visit: Visit, stop_id: UUID, data: Mapping[str, str], error: str = "", status: int = 200, part: str = ""
) -> Template | Redirect:  # fmt: skip
    found = await delivery_queries.stop(visit.session, visit.actor, stop_id)
    if found["handed_over_at"]:
        return go(f"/proofs/{stop_id}")
    cargo = await delivery_queries.cargo(visit.session, stop_id)
    return shown(
        visit, "stop.html", status=status, stop=found, cargo=_cold_last(cargo), data=data, error=error, part=part,
        count_of=count_of, key_of=key_of, outcomes=OUTCOMES, reasons=REASONS, not_reached=NOT_REACHED,
        now=board.hour(clock.second_of_day(clock.now())), cold_c=COLD_C, ladder_of=ladder_of,
    )  # fmt: skip


def _cold_last(cargo: Sequence[Row]) -> list[Row]:
    """As they lie in the vehicle: what needs the cold box comes out last."""
    return sorted(cargo, key=lambda item: item["storage"] == "cold")


def key_of(item: Row) -> str:
    """How the fields of a lot of a line are named in the form."""
    return f"{item['line_id']}_{item['lot_id']}"


def count_of(item: Row) -> tuple[int, str, int]:
    """How a lot is counted at the door: whole packs where it can be, of so many base units each."""
    if item["quantity"] % item["pack_size"] == 0:
        return item["quantity"] // item["pack_size"], item["pack_unit"], item["pack_size"]
    return item["quantity"], item["base_unit"], 1


@post("/driver/stops/{stop_id:uuid}", include_in_schema=False)
async def hand_over(visit: Here, stop_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Hand over what was counted."""
    visit.actor.must("delivery.hand_over")
    cargo = await delivery_queries.cargo(visit.session, stop_id)
    try:
        await delivery.hand_over(
            visit.session, visit.actor, stop_id, counts(cargo, data), received_by=data.get("received_by", "")[:80],
            signature=picture(data.get("signature", "")), arrived_at=arrival(data.get("arrived", "")),
            note=data.get("note", "")[:500], cold_max_c=temperature(cargo, data.get("cold_max_c", "")),
        )  # fmt: skip
    except BadInput as refusal:
        return await _stop(visit, stop_id, data, said(visit, refusal), refusal.status, "hand_over")
    return go(f"/proofs/{stop_id}")


def counts(cargo: Sequence[Row], data: Mapping[str, str]) -> dict[tuple[UUID, UUID], Counted]:
    """What was counted of each lot where not all was accepted, in base units; refuses counts that do not add up."""
    counted = {}
    for item in cargo:
        shipped, unit, size = count_of(item)
        name, key = item["generic_name"], key_of(item)
        parts = [_count(name, data.get(f"{outcome}-{key}", "")) for outcome, _ in OUTCOMES]
        accepted, *others = parts
        if accepted is None:
            # Without an own count of the accepted ones: all that is not spoken of.
            accepted = shipped - sum(part or 0 for part in others)
        numbers = [accepted, *(part or 0 for part in others)]
        if accepted < 0 or sum(numbers) != shipped:
            raise BadInput(
                N_("{product}, lot {lot}: the four counts must add up to {shipped} {unit}, not {value}."),
                product=name, lot=item["lot"], shipped=shipped, unit=unit, value=sum(numbers),
            )  # fmt: skip
        if accepted < shipped:
            reason = data.get(f"reason-{key}", "").strip()[:200]
            accepted, damaged, short, refused = (number * size for number in numbers)
            counted[item["line_id"], item["lot_id"]] = Counted(accepted, damaged, short, refused, reason)
    return counted


def _count(name: str, text: str) -> int | None:
    text = text.strip()
    if text and not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadInput(N_("{product}: '{value}' is not a whole number."), product=name, value=text)
    return int(text) if text else None


def picture(text: str) -> bytes | None:
    """The signature as the pad sends it; None where nobody signed."""
    if not text:
        return None
    try:
        return base64.b64decode(text.removeprefix(PICTURE), validate=True)
    except binascii.Error:
        raise BadInput(N_("The signature did not arrive whole: sign again.")) from None


def arrival(text: str) -> datetime | None:
    """The time of day at which the vehicle was there, today; None for now."""
    if not text:
        return None
    seconds = board.seconds_of(text)
    if seconds is None:
        raise BadInput(N_("'{value}' is no time of day, such as 07:30."), value=text)
    return clock.instant(clock.today(), seconds)


def temperature(cargo: Sequence[Row], text: str) -> float | None:
    """The warmest the cold box was; must be read off where cold goods ride (R13)."""
    plain = text.strip().replace(",", ".").replace("−", "-")
    if not plain:
        if any(item["storage"] == "cold" for item in cargo):
            raise BadInput(N_("Cold goods are on the list: read the highest temperature off the cold box."))
        return None
    if not re.fullmatch(r"-?[0-9]{1,2}(\.[0-9])?", plain):
        raise BadInput(N_("'{value}' is not a temperature in °C, such as 5.5."), value=text)
    return float(plain)


@post("/driver/stops/{stop_id:uuid}/not-reached", include_in_schema=False)
async def not_reached(visit: Here, stop_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Nobody took anything: all of it rides back, with the one reason."""
    visit.actor.must("delivery.hand_over")
    reason = data.get("reason", "").strip()[:200]
    cargo = await delivery_queries.cargo(visit.session, stop_id)
    try:
        if not reason:
            raise BadInput(N_("Say why the goods could not be handed over."))
        refused = {
            (item["line_id"], item["lot_id"]): Counted(0, refused=item["quantity"], reason=reason) for item in cargo
        }  # fmt: skip
        await delivery.hand_over(visit.session, visit.actor, stop_id, refused, received_by="", note=reason)
    except BadInput as refusal:
        return await _stop(visit, stop_id, data, said(visit, refusal), refusal.status, "not_reached")
    return go(f"/proofs/{stop_id}")
