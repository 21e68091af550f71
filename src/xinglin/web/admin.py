"""The administrator's desk: people, places, policies (系统管理)."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import clock
from xinglin.base.errors import N_, BadInput, NotFound, Refusal
from xinglin.base.language import translate
from xinglin.formulary import actions as formulary, queries as formulary_queries
from xinglin.formulary.rules import FIRST_POLICIES, POLICY_NAMES
from xinglin.gate import Here, Visit
from xinglin.inspection import queries as inspection_queries
from xinglin.people import actions as people, queries as people_queries
from xinglin.people.actions import SHORTEST_PASSWORD
from xinglin.people.rules import COUNTY_WIDE, ROLE_NAMES
from xinglin.places import actions as places, queries as place_queries
from xinglin.places.models import Place
from xinglin.places.rules import DAY_S, DEPOTS, KIND_NAMES, PlaceKind
from xinglin.web import reading
from xinglin.web.desk import id_in, refused, whole
from xinglin.web.page import NAV, Link, go, page

Form = URLEncodedBody[dict[str, str]]
NAV["admin"] = (
    Link(N_("Overview"), "/admin", "building-community", "people.read"),
    Link(N_("People"), "/admin/people", "users", "people.read"),
    Link(N_("Places"), "/admin/places", "map-pin", "places.amend"),
    Link(N_("Policies"), "/admin/policies", "file-description", "formulary.set_policy"),
    Link(N_("Books"), "/inspector", "shield-check", "inspection.read"),
)
TIER_NAMES = {
    "county": N_("County"),
    "township": N_("Township"),
    "village": N_("Village"),
    "supplier": N_("Supplier"),
}
MEMBERSHIPS = {
    "member": N_("Member"),
    "extension_point": N_("Extension point"),
    "loose": N_("Loose member"),
    "outside": N_("Outside"),
}
ADDABLE = (
    PlaceKind.COUNTY_PHARMACY, PlaceKind.TCM_PHARMACY, PlaceKind.COUNTY_HOSPITAL, PlaceKind.TOWNSHIP_PHARMACY,
    PlaceKind.COMMUNITY_PHARMACY, PlaceKind.VILLAGE_CLINIC, PlaceKind.STATION, PlaceKind.SUPPLIER,
)  # fmt: skip
"""Kinds a person may add; vehicles come with the fleet, edges with the county."""
WINDOWS = 3
USERNAME = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
PAGE = 50


def handlers() -> list[Any]:
    """The desk's addresses."""
    return [
        home, person_list, person_form, open_account, person, set_password, give_post, end_post, close_account,
        place_list, place_form, add_place, place_page, amend_place, policy_list, policy_page, set_policy,
    ]  # fmt: skip


def show(visit: Visit, template: str, *, status: int = 200, **context: Any) -> Template:
    """A page of this desk."""
    words = {"role_words": {str(role): name for role, name in ROLE_NAMES.items()}, "kind_words": KIND_NAMES,
             "tier_words": TIER_NAMES, "membership_words": MEMBERSHIPS, "policy_words": POLICY_NAMES}  # fmt: skip
    return page(visit, f"admin/{template}", status=status, today=clock.today(), **words, **context)


def options(visit: Visit, words: Mapping[Any, str]) -> list[tuple[str, str]]:
    """Codes with their words, to be chosen from."""
    return [(str(code), translate(visit.locale, word)) for code, word in words.items()]


# ---- the county ----


@get("/admin", include_in_schema=False)
async def home(visit: Here) -> Template:
    """The county in figures, and what is left to do before it can work."""
    visit.actor.must("people.read")
    rows = await formulary_queries.policies(visit.session)
    return show(
        visit, "home.html", people=await people_queries.tally(visit.session, visit.actor),
        places=await place_queries.tally(visit.session), medicines=await formulary_queries.tally(visit.session),
        editions=await formulary_queries.adopted_editions(visit.session),
        policies=[row for row in rows if row["is_in_force"]],
        drafts=[row for row in rows if row["is_in_force"] and row["source"].startswith("Draft")],
        seals=await inspection_queries.state_of_seals(visit.session, visit.actor),
    )  # fmt: skip


# ---- people ----


@get("/admin/people", include_in_schema=False)
async def person_list(visit: Here, q: FromQuery[str] = "", after: FromQuery[str] = "") -> Template:
    """Who works here, at which posts."""
    found = await people_queries.accounts(visit.session, visit.actor, text=q, after=after, limit=PAGE)
    shown = [(row, msgspec.json.decode(row["posts"])) for row in found]
    return show(visit, "people.html", found=shown, text=q, limit=PAGE)


@get("/admin/people/new", include_in_schema=False)
async def person_form(visit: Here) -> Template:
    """An empty form for an account."""
    visit.actor.must("people.open_account")
    return show(visit, "person_form.html", typed={}, error="", least=SHORTEST_PASSWORD)


@post("/admin/people/new", include_in_schema=False)
async def open_account(visit: Here, data: Form) -> Template | Redirect:
    """Open an account; posts are given on its own page."""
    try:
        if not USERNAME.match(data.get("username", "").strip()):
            raise BadInput(N_("A user name has letters, digits, dots and dashes only, 64 at most."))
        account = await people.open_account(
            visit.session, visit.actor, data["username"], data.get("name", ""),
            password=data.get("password") or None, phone=data.get("phone", "").strip(),
        )  # fmt: skip
    except BadInput as refusal:
        error = refused(visit, refusal)
        return show(
            visit, "person_form.html", status=refusal.status, typed=data, error=error, least=SHORTEST_PASSWORD
        )
    return go(f"/admin/people/{account.id}")


@get("/admin/people/{account_id:uuid}", include_in_schema=False)
async def person(visit: Here, account_id: FromPath[UUID]) -> Template:
    """One person: posts, password, closing."""
    return await _person(visit, account_id)


async def _person(
    visit: Visit, account_id: UUID, *, status: int = 200, faults: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Template:  # fmt: skip
    """The page of a person, with what went wrong on one of its forms."""
    found = await people_queries.account(visit.session, visit.actor, account_id)
    posts = msgspec.json.decode(found["posts"])
    known = await place_queries.network(visit.session, visit.actor)
    return show(
        visit, "person.html", status=status, person=found, posts=[p for p in posts if not p["ended_at"]],
        ended=[p for p in posts if p["ended_at"]], roles=options(visit, ROLE_NAMES), wide=COUNTY_WIDE,
        places=[(str(row["id"]), row["name"]) for row in known if row["tier"] and not row["closed"]],
        faults=faults or {}, typed=typed or {}, least=SHORTEST_PASSWORD, is_oneself=account_id == visit.actor.account_id,
    )  # fmt: skip


@post("/admin/people/{account_id:uuid}/password", include_in_schema=False)
async def set_password(visit: Here, account_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """A new password; open sessions and tokens of the person end."""
    try:
        await people.set_password(visit.session, visit.actor, account_id, data.get("password", ""))
    except BadInput as refusal:
        faults = {"password": refused(visit, refusal)}
        return await _person(visit, account_id, status=refusal.status, faults=faults)
    return go(f"/admin/people/{account_id}")


@post("/admin/people/{account_id:uuid}/posts", include_in_schema=False)
async def give_post(visit: Here, account_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """A role, at a place where it is of that kind; for the whole county otherwise."""
    role = data.get("role", "")
    place_id = None if role in COUNTY_WIDE else id_in(data.get("place_id"))
    try:
        await people.give_post(visit.session, visit.actor, account_id, role, place_id)
    except BadInput as refusal:
        return await _person(
            visit, account_id, status=refusal.status, faults={"post": refused(visit, refusal)}, typed=data
        )
    return go(f"/admin/people/{account_id}")


@post("/admin/people/{account_id:uuid}/posts/end", include_in_schema=False)
async def end_post(visit: Here, account_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """End a post; sessions and tokens at it end too."""
    try:
        await people.end_post(visit.session, visit.actor, id_in(data.get("post_id")) or UUID(int=0))
    except Refusal as refusal:
        faults = {"posts": refused(visit, refusal)}
        return await _person(visit, account_id, status=refusal.status, faults=faults)
    return go(f"/admin/people/{account_id}")


@post("/admin/people/{account_id:uuid}/close", include_in_schema=False)
async def close_account(visit: Here, account_id: FromPath[UUID]) -> Template | Redirect:
    """Nobody signs in with it any more; what it did stays in the trail."""
    try:
        await people.close_account(visit.session, visit.actor, account_id)
    except Refusal as refusal:
        faults = {"close": refused(visit, refusal)}
        return await _person(visit, account_id, status=refusal.status, faults=faults)
    return go(f"/admin/people/{account_id}")


# ---- places ----


@get("/admin/places", include_in_schema=False)
async def place_list(
    visit: Here, tier: FromQuery[str] = "", town: FromQuery[str] = "", q: FromQuery[str] = ""
) -> Template:
    """Every place, and who supplies whom."""
    visit.actor.must("places.amend")
    found = await place_queries.network(visit.session, visit.actor, tier=tier, town=town, text=q)
    return show(
        visit, "places.html", found=found, tier=tier, town=town, text=q, tiers=options(visit, TIER_NAMES),
        towns=[(name, name) for name in await place_queries.towns(visit.session)], hours=_hours_text,
    )  # fmt: skip


def _hours_text(opening: str) -> str:
    return reading.hours(msgspec.json.decode(opening))


@get("/admin/places/new", include_in_schema=False)
async def place_form(visit: Here) -> Template:
    """An empty form for a place."""
    visit.actor.must("places.add")
    return await _place_page(visit, None, {})


@post("/admin/places/new", include_in_schema=False)
async def add_place(visit: Here, data: Form) -> Template | Redirect:
    """A new place of the county."""
    try:
        given = _given(data)
        code, kind = data.get("code", "").strip(), data.get("kind", "")
        if not code or kind not in ADDABLE:
            raise BadInput(N_("A place needs a code of its own and a kind."))
        place = Place(no=0, code=code, kind=kind, town=data.get("town", "").strip(), **given)
        await places.add(visit.session, visit.actor, place)
    except Refusal as refusal:
        return await _place_page(visit, None, data, status=refusal.status, error=refused(visit, refusal))
    return go(f"/admin/places/{place.id}")


@get("/admin/places/{place_id:uuid}", include_in_schema=False)
async def place_page(visit: Here, place_id: FromPath[UUID]) -> Template:
    """What is known of a place, to be amended; and its changes so far."""
    visit.actor.must("places.amend")
    return await _place_page(visit, place_id, {})


async def _place_page(
    visit: Visit, place_id: UUID | None, typed: Mapping[str, str], *, status: int = 200, error: str = ""
) -> Template:
    """The form of a place, as it stands or as it was typed."""
    found = await place_queries.place_in_reach(visit.session, visit.actor, place_id) if place_id else None
    known = await place_queries.network(visit.session, visit.actor)
    changes = (
        await inspection_queries.trail(visit.session, visit.actor, verb="places.", subject=place_id, limit=20)
        if place_id
        else []
    )
    suppliers = [
        row for row in known if row["kind"] in (*DEPOTS, PlaceKind.SUPPLIER) and row["id"] != place_id
    ]
    return show(
        visit, "place.html", status=status, place=found, form=dict(typed) or _as_typed(found), error=error,
        kinds=options(visit, {kind: KIND_NAMES[kind] for kind in ADDABLE}), memberships=options(visit, MEMBERSHIPS),
        suppliers=[("", "–"), *((str(row["id"]), row["name"]) for row in suppliers if not row["closed"])],
        entries=await reading.entries(visit, changes), windows=range(1, WINDOWS + 1),
    )  # fmt: skip


def _as_typed(place: Any) -> dict[str, str]:
    """What a form shows of a place as it stands."""
    if place is None:
        return {"membership": "member", "kind": PlaceKind.VILLAGE_CLINIC}
    opening = place["opening"]
    windows = msgspec.json.decode(opening) if isinstance(opening, str) else opening
    shown = {
        name: _text(place[name])
        for name in (*TEXTS, "latitude", "longitude", "population", "supplied_by_id", "membership")
    }
    for name in ("closed", "is_position_synthetic"):
        shown[name] = "on" if place[name] else ""
    for number, (begins, ends) in enumerate(windows, 1):
        shown |= {f"from-{number}": reading.clock_of(begins), f"to-{number}": reading.clock_of(ends % DAY_S)}
    return shown


TEXTS = ("name", "name_en", "contact", "phone")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


@post("/admin/places/{place_id:uuid}", include_in_schema=False)
async def amend_place(visit: Here, place_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Change what is known; only what differs is told to the trail, with the reason."""
    try:
        place = await place_queries.place_in_reach(visit.session, visit.actor, place_id)
        given = _given(data) | {"closed": data.get("closed") == "on"}
        before = dict(place) | {"opening": _windows_of(place)}
        changed = {name: value for name, value in given.items() if before[name] != value}
        if not data.get("reason", "").strip():
            raise BadInput(N_("Say why: the reason stays in the trail beside the change."))
        if not changed:
            raise BadInput(N_("Nothing is different from what is known already."))
        await places.amend(visit.session, visit.actor, place_id, changed, reason=data["reason"].strip())
    except Refusal as refusal:
        return await _place_page(visit, place_id, data, status=refusal.status, error=refused(visit, refusal))
    return go(f"/admin/places/{place_id}")


def _windows_of(place: Any) -> list[list[int]]:
    opening = place["opening"]
    windows: list[list[int]] = msgspec.json.decode(opening) if isinstance(opening, str) else opening
    return windows


def _given(data: Mapping[str, str]) -> dict[str, Any]:
    """What a form says of a place. Refuses what cannot be read, field by field."""
    given: dict[str, Any] = {name: data.get(name, "").strip() for name in TEXTS}
    if not given["name"]:
        raise BadInput(N_("A place needs a name."))
    latitude, longitude = _degrees(data, "latitude", 90), _degrees(data, "longitude", 180)
    if (latitude is None) != (longitude is None):
        raise BadInput(N_("Latitude and longitude are given together, or both left out."))
    population = data.get("population", "").strip()
    if population and whole(population) is None:
        raise BadInput(N_("Population is a whole number, not “{value}”."), value=population)
    membership = data.get("membership", "member")
    return given | {
        "latitude": latitude,
        "longitude": longitude,
        "is_position_synthetic": data.get("is_position_synthetic") == "on",
        "population": whole(population) or 0,
        "supplied_by_id": id_in(data.get("supplied_by_id")),
        "membership": membership if membership in MEMBERSHIPS else "member",
        "opening": _opening(data),
    }


def _degrees(data: Mapping[str, str], name: str, most: int) -> float | None:
    """Degrees with decimals; None where nothing was typed."""
    text = data.get(name, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,3}(\.\d{1,8})?", text) or abs(float(text)) > most:
        raise BadInput(
            N_("“{value}” are no degrees: write them like 44.3267, at most {most}."), value=text, most=most
        )
    return float(text)


def _opening(data: Mapping[str, str]) -> list[list[int]]:
    """Opening windows as seconds of the day; an end at 00:00 is midnight."""
    windows = []
    for number in range(1, WINDOWS + 1):
        begins, ends = data.get(f"from-{number}", "").strip(), data.get(f"to-{number}", "").strip()
        if begins or ends:
            windows.append([_second(begins), _second(ends) or DAY_S])
    return windows


def _second(text: str) -> int:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text)
    if not found:
        raise BadInput(
            N_("Opening hours go from a time to a time such as 10:00; “{value}” is none."), value=text or "–"
        )
    return int(found[1]) * 3600 + int(found[2]) * 60


# ---- policies ----


@get("/admin/policies", include_in_schema=False)
async def policy_list(visit: Here) -> Template:
    """What is in force, from when, by which source."""
    visit.actor.must("formulary.set_policy")
    rows = await formulary_queries.policies(visit.session)
    return show(visit, "policies.html", rows=[(row, _facts(visit, row)) for row in rows])


def _facts(visit: Visit, row: Any) -> list[tuple[str, str]]:
    """The value of a policy in words."""
    value = msgspec.json.decode(row["value"])
    return [
        (reading.label(visit.locale, key), reading.told(visit.locale, part, {}))
        for key, part in value.items()
    ]


@get("/admin/policies/{name:str}", include_in_schema=False)
async def policy_page(visit: Here, name: FromPath[str]) -> Template:
    """One policy through time, and the form for its next row."""
    visit.actor.must("formulary.set_policy")
    return await _policy_page(visit, name, {})


async def _policy_page(
    visit: Visit, name: str, typed: Mapping[str, str], *, status: int = 200, error: str = ""
) -> Template:
    rows = await formulary_queries.policies(visit.session, name)
    if not rows and name not in FIRST_POLICIES:
        raise NotFound(N_("There is no such policy."))
    current = next((row["value"] for row in rows if row["is_in_force"]), "{}")
    form = {
        "value": msgspec.json.format(current, indent=2),
        "valid_from": clock.today().isoformat(),
        "source": "",
    }
    return show(
        visit, "policy.html", status=status, name=name, rows=[(row, _facts(visit, row)) for row in rows],
        form=form | dict(typed), error=error, told=POLICY_TOLD.get(name, ""),
    )  # fmt: skip


POLICY_TOLD = {
    "minimum_life_days": N_(
        "Lots that have fewer days left than this when they leave are not sent to a place of the tier; they are passed over and the reason is kept."
    ),
    "custody": N_(
        "What a tier may hold and the county's own vehicles may carry, by control class. It decides the default listing of medicines that are taken up from then on."
    ),
}


@post("/admin/policies/{name:str}", include_in_schema=False)
async def set_policy(visit: Here, name: FromPath[str], data: Form) -> Template | Redirect:
    """A new dated row; the rows before it stay."""
    try:
        await formulary.set_policy(
            visit.session, visit.actor, name, _value(data.get("value", "")), source=data.get("source", ""),
            valid_from=_day(data.get("valid_from", "")),
        )  # fmt: skip
    except BadInput as refusal:
        return await _policy_page(visit, name, data, status=refusal.status, error=refused(visit, refusal))
    return go(f"/admin/policies/{name}")


def _value(text: str) -> dict[str, Any]:
    """The value as it was typed: a JSON object."""
    try:
        value: dict[str, Any] = msgspec.json.decode(text, type=dict)
    except msgspec.DecodeError as fault:
        raise BadInput(N_("The value is no JSON object: {fault}."), fault=str(fault)) from None
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(N_("“{value}” is no day: write it as 2026-09-01."), value=text) from None
