"""How a page is rendered: the visit, the desk's navigation, the reader's language."""

from typing import Any, NamedTuple

from litestar import Request, Response
from litestar.response import Redirect, Template

from xinglin.base import language
from xinglin.base.database import Row
from xinglin.base.errors import N_, Refusal
from xinglin.gate import Visit, locale_of
from xinglin.people.rules import ROLE_NAMES, Role
from xinglin_catalog.packs import PackLadder

DESK_OF = {
    Role.VILLAGE_DOCTOR: "clinic",
    Role.TOWNSHIP_PHARMACIST: "office",
    Role.CHIEF_PHARMACIST: "office",
    Role.DEPOT_KEEPER: "depot",
    Role.DISPATCHER: "dispatch",
    Role.DRIVER: "driver",
    Role.INSPECTOR: "inspector",
    Role.ADMIN: "admin",
}
DESK_NAMES = {
    "clinic": N_("Clinic"),
    "office": N_("Office"),
    "depot": N_("Depot"),
    "dispatch": N_("Dispatch"),
    "driver": N_("Driver"),
    "inspector": N_("Inspection"),
    "admin": N_("Administration"),
}


class Link(NamedTuple):
    """An entry of the navigation, for posts that may do `verb`."""

    label: str
    href: str
    icon: str
    verb: str


NAV: dict[str, tuple[Link, ...]] = {}
"""Each desk registers its own navigation beside its pages."""


def provide_visit(request: Request[Any, Any, Any]) -> Visit:
    """The visit the gate opened."""
    visit: Visit = request.scope["state"]["visit"]
    return visit


def page(visit: Visit, template: str, *, status: int = 200, **context: Any) -> Template:
    """A page of a desk."""
    shown = {"visit": shown_visit(visit, context.pop("flashes", ())), **context}
    return Template(
        template_name=template, status_code=status, context=language.environment_extras(visit.locale) | shown
    )


def shown_visit(visit: Visit, flashes: Any = ()) -> dict[str, Any]:
    """What the layout shows of a visit."""
    role = Role(visit.actor.role)
    desk = next((name for name in NAV if visit.path.startswith(f"/{name}")), DESK_OF[role])
    links = [link for link in NAV.get(DESK_OF[role], ()) if visit.actor.may(link.verb)]
    current = max((link.href for link in links if _is_under(visit.path, link.href)), key=len, default="")
    return {
        "actor": visit.actor,
        "role_name": ROLE_NAMES[role],
        "desk": desk,
        "desk_name": DESK_NAMES[desk],
        "county_name": visit.county_name,
        "place_name": visit.place_name,
        "home_href": f"/{DESK_OF[role]}",
        "nav": [
            {
                "label": link.label,
                "href": link.href,
                "icon": link.icon,
                "active": link.href == current,
                "badge": "",
            }
            for link in links
        ],
        "flashes": flashes,
    }


def _is_under(path: str, href: str) -> bool:
    return path == href or path.startswith(href.rstrip("/") + "/")


def go(href: str) -> Redirect:
    """After a write: see what came of it (303, so that reloading writes nothing)."""
    return Redirect(href, status_code=303)


def ladder_of(row: Row) -> PackLadder:
    """The packs in which people read a product's base units."""
    packs = [] if row["pack_unit"] == row["base_unit"] else [(row["pack_unit"], row["pack_size"])]
    return PackLadder.of(row["base_unit"], *packs)


def said(visit: Visit, refusal: Refusal) -> str:
    """Why something was refused, in the reader's language; fields that are sentences themselves too."""
    told = {
        name: language.translate(visit.locale, value) if isinstance(value, str) and value else value
        for name, value in refusal.fields.items()
    }
    return language.translate(visit.locale, refusal.message, **told)


def wants_piece(request: Request[Any, Any, Any]) -> bool:
    """Whether htmx asks for the piece of a page that changes."""
    return request.headers.get("hx-request") == "true"


TITLES = {
    401: N_("Sign in first"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    409: N_("Not possible now"),
    412: N_("Changed meanwhile"),
    422: N_("Something is not right yet"),
    429: N_("Too many attempts"),
    503: N_("Back in a moment"),
}


def error_page(
    request: Request[Any, Any, Any], status: int, message: str, faults: list[dict[str, str]]
) -> Response[Any]:
    """A refusal as a page, or as a toast where htmx asked."""
    locale = locale_of(request)
    context = language.environment_extras(locale) | {
        "status": status,
        "title": language.translate(locale, TITLES.get(status, N_("Something went wrong"))),
        "message": message,
        "details": [f"{fault['where']}: {fault['what']}" for fault in faults],
        "request_id": request.scope["state"].get("request_id", ""),
        "back_href": request.headers.get("referer") or "/",
        "visit": None,
    }
    return Template(template_name="layout/error.html", status_code=status, context=context)
