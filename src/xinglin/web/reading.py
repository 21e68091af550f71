"""How the trail is read: verbs, fields, before and after, in words instead of JSON."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from xinglin.base.database import Row
from xinglin.base.errors import N_
from xinglin.base.language import Speech, translate
from xinglin.formulary.rules import MAY_NAMES
from xinglin.gate import Visit
from xinglin.inspection import queries as inspection_queries
from xinglin.people.rules import ROLE_NAMES, Role

PAPER = re.compile(r"^(REQ|RUN|POD|PLAN|SHO)-[0-9A-Z.-]+$")
AN_ID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
A_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d")

ROOMS = {
    "orders": N_("Requisitions"),
    "stock": N_("Stock"),
    "shortages": N_("Shortages"),
    "delivery": N_("Delivery and routes"),
    "formulary": N_("Formulary"),
    "places": N_("Places"),
    "people": N_("People"),
    "inspection": N_("Inspection"),
}
VERBS = {
    "orders.open": N_("Wrote a draft"),
    "orders.put_lines": N_("Changed the lines of a draft"),
    "orders.submit": N_("Sent a requisition"),
    "orders.cancel": N_("Withdrew a requisition"),
    "orders.approve": N_("Approved a requisition"),
    "orders.send_back": N_("Sent a requisition back"),
    "orders.allocate": N_("Shared out what there is"),
    "orders.pick": N_("Picked a requisition"),
    "stock.receive": N_("Took goods in"),
    "stock.issue": N_("Issued to patients"),
    "stock.adjust": N_("Corrected a count"),
    "stock.quarantine": N_("Set goods aside or let them go"),
    "stock.reverse": N_("Reversed a movement"),
    "shortages.register": N_("Registered a shortage"),
    "shortages.answer": N_("Answered a shortage"),
    "shortages.close": N_("Closed a shortage"),
    "delivery.add_vehicle": N_("Added a vehicle"),
    "delivery.request_plan": N_("Asked for a plan"),
    "delivery.keep_solution": N_("Planned the routes"),
    "delivery.move_stop": N_("Moved a stop by hand"),
    "delivery.adopt_plan": N_("Adopted a plan"),
    "delivery.discard_plan": N_("Discarded a plan"),
    "delivery.depart": N_("Loaded and departed"),
    "delivery.hand_over": N_("Handed goods over"),
    "delivery.come_back": N_("Came back to the depot"),
    "formulary.adopt_edition": N_("Adopted an edition of the essential medicines list"),
    "formulary.add_products": N_("Took products up"),
    "formulary.set_listing": N_("Changed what a tier may order"),
    "formulary.set_price": N_("Set a price"),
    "formulary.set_policy": N_("Set a policy"),
    "places.add": N_("Added a place"),
    "places.amend": N_("Amended a place"),
    "people.sign_in": N_("Signed in"),
    "people.open_account": N_("Opened an account"),
    "people.close_account": N_("Closed an account"),
    "people.set_password": N_("Set somebody's password"),
    "people.change_password": N_("Changed the own password"),
    "people.give_post": N_("Gave a post"),
    "people.end_post": N_("Ended a post"),
    "people.issue_token": N_("Issued an API token"),
    "people.revoke_token": N_("Revoked an API token"),
    "inspection.check": N_("Ran the checks"),
}
FIELDS = {
    "lines": N_("Lines"), "rejected": N_("Lines left behind"), "units": N_("Base units"), "lots": N_("Lots"),
    "plate": N_("Plate"), "departed_at": N_("Departed at"), "note": N_("Note"), "run": N_("Run"),
    "place": N_("Place"), "received_by": N_("Received by"), "not_accepted": N_("Lots not accepted whole"),
    "stops": N_("Stops"), "runs": N_("Runs"), "requisitions": N_("Requisitions"), "approved": N_("Approved"),
    "allocated": N_("Allocated"), "shortages": N_("Shortages"), "name": N_("Name"), "role": N_("Role"),
    "label": N_("Label"), "days": N_("Days"), "supplier": N_("Supplier"), "invoice": N_("Invoice"),
    "on": N_("Day"), "reason": N_("Reason"), "difference": N_("Difference"), "quantity": N_("Quantity"),
    "condition": N_("Condition"), "tier": N_("Tier"), "rule": N_("Rule"), "valid_from": N_("Valid from"),
    "products": N_("Products"), "findings": N_("Findings"), "outcome": N_("Outcome"), "answer": N_("Answer"),
    "by": N_("Reversed by"), "lot": N_("Lot"), "stop": N_("Stop"), "opening": N_("Opening hours"),
    "population": N_("Population"), "contact": N_("Contact"), "phone": N_("Telephone"),
    "latitude": N_("Latitude"), "longitude": N_("Longitude"), "is_position_synthetic": N_("Position is synthetic"),
    "supplied_by_id": N_("Supplied by"), "membership": N_("Membership"), "closed": N_("Out of service"),
    "name_en": N_("English name"), "town": N_("Town"), "source": N_("Source"), "value": N_("Value"),
    "home": N_("Home"), "product": N_("Medicine"), "priority": N_("Priority"), "promised_on": N_("Promised on"),
    "depot": N_("Depot"), "changed": N_("Lines changed"), "left_out": N_("Left out"), "vehicle": N_("Vehicle"),
    "position": N_("Position"), "requisition": N_("Requisition"),
    "vans": N_("Vehicles"), "served": N_("Stops served"), "distance_m": N_("Distance in metres"),
    "is_ok": N_("Can be driven"), "short": N_("Short"), "county": N_("County"), "township": N_("Township"),
    "village": N_("Village"), "own_vehicle": N_("Own vehicle"), "none": N_("Not controlled"),
    "blood": N_("Blood products"), "toxic": N_("Toxic medicines"), "vaccine": N_("Vaccines"),
    "narcotic": N_("Narcotics"), "precursor": N_("Precursors"), "radioactive": N_("Radioactive medicines"),
    "abortifacient": N_("Abortifacients"), "psychotropic_1": N_("Psychotropics, class I"),
    "psychotropic_2": N_("Psychotropics, class II"), "vertical_programme": N_("Vertical programmes"),
}  # fmt: skip
VALUES: dict[str, str] = {
    "county": N_("County"),
    "township": N_("Township"),
    "village": N_("Village"),
    "released": N_("Released"),
    "quarantine": N_("Quarantine"),
    "purchase": N_("To be bought"),
    "transfer": N_("Transfer"),
    "substitute": N_("Substitute"),
    "unavailable": N_("Unavailable"),
    "supplied": N_("Supplied"),
    "substituted": N_("Substituted"),
    "withdrawn": N_("Withdrawn"),
    "member": N_("Member"),
    "extension_point": N_("Extension point"),
    "loose": N_("Loose member"),
    "outside": N_("Outside"),
    "allowed": N_("Allowed"),
    "blocked": N_("Forbidden"),
    "licensed": N_("With a licence only"),
    "sealed": N_("Sealed only"),
    **MAY_NAMES,
    **{str(role): name for role, name in ROLE_NAMES.items()},
    "worker": N_("The service itself"),
}


EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the trail as a person reads it."""

    id: UUID
    at: datetime
    who: str
    role: str
    place: str
    verb: str
    said: str
    paper: str
    href: str
    changes: list[tuple[str, str, str]]
    facts: list[tuple[str, str]]


async def entries(visit: Visit, found: Iterable[Row]) -> list[Entry]:
    """Entries in words; ids in their notes are named, all of them with two questions."""
    rows = [(row, msgspec.json.decode(row["note"])) for row in found]
    ids = {id for _, note in rows for id in ids_in(note)}
    named = await inspection_queries.names(visit.session, ids) if ids else {}
    names = {str(id): name for id, name in named.items()}
    return [_entry(visit, row, note, names) for row, note in rows]


def ids_in(note: Any) -> set[UUID]:
    """Every id somewhere in a note."""
    if isinstance(note, str):
        return {UUID(note)} if AN_ID.match(note) else set()
    parts = [*note, *note.values()] if isinstance(note, dict) else note if isinstance(note, list) else ()
    return {id for part in parts for id in ids_in(part)}


def _entry(visit: Visit, row: Row, note: dict[str, Any], names: Mapping[str, str]) -> Entry:
    before, after = note.pop("before", None), note.pop("after", None)
    paper, role = row["paper"] or "", row["role"]
    return Entry(
        row["id"], row["at"], row["actor"],
        translate(visit.locale, ROLE_NAMES[Role(role)] if role in set(Role) else VALUES.get(role, role)),
        row["place"] or "", row["verb"], translate(visit.locale, VERBS.get(row["verb"], row["verb"])),
        paper, f"/inspector/papers/{paper}" if PAPER.match(paper) else "",
        changes(visit.locale, before, after, names),
        [(label(visit.locale, key), told(visit.locale, value, names)) for key, value in note.items()
         if value not in EMPTY],
    )  # fmt: skip


def changes(locale: str, before: Any, after: Any, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What was changed, field by field: what it was, what it is; fields that stayed are left out."""
    if before is None and after is None:
        return []
    if not isinstance(before, dict) and not isinstance(after, dict):
        return [(label(locale, "value"), told(locale, before, names), told(locale, after, names))]
    old, new = (part if isinstance(part, dict) else {} for part in (before, after))
    return [
        (label(locale, key), told(locale, old.get(key), names), told(locale, new.get(key), names))
        for key in [*old, *(key for key in new if key not in old)]
        if old.get(key) != new.get(key)
    ]


def label(locale: str, key: str) -> str:
    """What a field is called."""
    return translate(locale, FIELDS[key]) if key in FIELDS else key.replace("_", " ")


def told(locale: str, value: Any, names: Mapping[str, str]) -> str:
    """A value as it is read: words for codes, names for ids, moments in the county's time."""
    if value in EMPTY:
        return "–"
    if isinstance(value, bool):
        return translate(locale, N_("Yes") if value else N_("No"))
    if isinstance(value, list):
        return hours(value) if _is_hours(value) else "、".join(told(locale, part, names) for part in value)
    if isinstance(value, dict):
        parts = (
            f"{names.get(key) or label(locale, key)} {told(locale, part, names)}"
            for key, part in value.items()
        )
        return "；".join(parts)
    text = str(value)
    if A_MOMENT.match(text):
        return Speech(locale).moment(datetime.fromisoformat(text))
    return names.get(text) or (translate(locale, VALUES[text]) if text in VALUES else text)


def _is_hours(value: list[Any]) -> bool:
    return all(
        isinstance(part, list) and len(part) == 2 and all(isinstance(s, int) for s in part) for part in value
    )


def clock_of(second: int) -> str:
    """Seconds of the day as 08:30."""
    return f"{second // 3600:02}:{second // 60 % 60:02}"


def hours(windows: Iterable[Iterable[int]]) -> str:
    """Opening windows as 10:00–14:00 16:00–20:00."""
    return " ".join("–".join(clock_of(second) for second in window) for window in windows)
