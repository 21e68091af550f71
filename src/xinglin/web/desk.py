"""What the desks of clinics and offices share: where one is, packs, reasons and refusals in words."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from litestar.response import Template

from xinglin.base import clock
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, NotFound, Refusal
from xinglin.base.language import translate
from xinglin.gate import Visit
from xinglin.places import queries as place_queries
from xinglin.web.page import page
from xinglin_catalog import PackLadder

LONGEST_NUMBER = 9
"""More digits than any count of packs has; longer ones are a slip of the hand."""


def desk_href(visit: Visit) -> str:
    """The address of the desk one is at: /clinic or /office."""
    return "/" + visit.path.split("/")[1]


def show(visit: Visit, template: str, *, status: int = 200, **context: Any) -> Template:
    """A page that links within its own desk."""
    return page(
        visit, template, status=status, desk=desk_href(visit), ladder=ladder, today=clock.today(), **context
    )


@cache
def _ladder(base_unit: str, pack_unit: str, pack_size: int) -> PackLadder:
    if base_unit == pack_unit:
        return PackLadder.of(base_unit)
    return PackLadder.of(base_unit, (pack_unit, pack_size))


def ladder(row: Mapping[str, Any]) -> PackLadder:
    """In which packs a product is told."""
    return _ladder(row["base_unit"], row["pack_unit"], row["pack_size"])


def tell(visit: Visit, message: str, fields: Mapping[str, Any]) -> str:
    """A sentence in the reader's language; fields that are sentences themselves too."""
    told = {
        name: translate(visit.locale, value) if isinstance(value, str) and value else value
        for name, value in fields.items()
    }
    return translate(visit.locale, message, **told) if told else translate(visit.locale, message)


def refused(visit: Visit, refusal: Refusal) -> str:
    """Why something could not be done."""
    return tell(visit, refusal.message, refusal.fields)


def reasons(visit: Visit, line: Row) -> dict[str, Any]:
    """The reasons kept with a requisition line, in words: suggestion, ration, lots passed over."""
    suggestion = _kept_sentence(line["suggestion"])
    ration = msgspec.json.decode(line["ration_text"]) if line["ration_text"] else None
    lots = msgspec.json.decode(line["passed_over_text"]) if line["passed_over_text"] else []
    return {
        "suggestion": tell(visit, *suggestion) if suggestion else "",
        "ration": tell(visit, ration["message"], ration["fields"]) if ration else "",
        "passed_over": [lot | {"message": tell(visit, lot["message"], {})} for lot in lots],
    }


def _kept_sentence(text: str) -> tuple[str, dict[str, Any]] | None:
    """A sentence as it was written beside its line: ["…{use}…", {"use": …}]."""
    if not text.startswith("["):
        return (text, {}) if text else None
    message, fields = msgspec.json.decode(text)
    return message, fields


async def own_place(visit: Visit) -> Row:
    """The place of who is here. Refuses posts that look after the whole county."""
    if visit.actor.place_id is None:
        raise NotFound(N_("This page belongs to a post at one place; yours is for the whole county."))
    return await place_queries.place_in_reach(visit.session, visit.actor, visit.actor.place_id)


def is_own(actor: Actor, place_id: UUID) -> bool:
    """Whether a place is the actor's own."""
    return actor.place_id == place_id


def whole(text: str) -> int | None:
    """A whole number of zero or more as it was typed; None if it is not one."""
    typed = text.strip()
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= LONGEST_NUMBER else None


def counted(text: str, what: str) -> int:
    """The same, refused if it is not one."""
    number = whole(text)
    if number is None:
        raise BadInput(
            N_("{what}: write a whole number of zero or more, not “{value}”."), what=what, value=text
        )
    return number


def id_in(text: str | None) -> UUID | None:
    """An id out of an address or a form; None if there is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def numbered(form: Mapping[str, str], name: str) -> dict[UUID, str]:
    """Fields such as `quantity-<id>`, by id, in the order of the form."""
    found = {
        id_in(key.removeprefix(f"{name}-")): value
        for key, value in form.items()
        if key.startswith(f"{name}-")
    }
    return {id: value for id, value in found.items() if id is not None}


def after(cursor: str) -> tuple[str, UUID] | None:
    """Where a list by name goes on: `name|id`."""
    name, _, id = cursor.rpartition("|")
    last = id_in(id)
    return (name, last) if last else None
