"""The shortage register at every desk: say what is missing, read what was answered, answer, close (缺药登记)."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import clock, trail
from xinglin.base.errors import N_, BadInput, Refusal
from xinglin.delivery import queries as delivery_queries
from xinglin.formulary import queries as formulary_queries
from xinglin.gate import Here, Visit
from xinglin.orders import queries as order_queries
from xinglin.shortages import actions as shortages, queries as shortage_queries
from xinglin.web.desk import desk_href, id_in, is_own, own_place, refused, show, whole
from xinglin.web.page import go

Form = URLEncodedBody[dict[str, str]]
PAGE = 50
CLASSES = ("rescue", "mother_child", "chronic", "other")
REASON_NAMES = {
    "out_of_stock": N_("The supplying place had too little"),
    "not_listed": N_("Not in the formulary of this tier"),
    "damaged": N_("Arrived damaged"),
    "short_delivered": N_("Missing on arrival"),
    "short_pick": N_("Not found on the shelf"),
    "refused": N_("Refused on arrival"),
    "told": N_("Registered by hand"),
}


@get("/shortages", include_in_schema=False)
async def shortage_list(
    visit: Here,
    tab: FromQuery[str] = "open",
    priority: FromQuery[str] = "",
    before: FromQuery[UUID | None] = None,
) -> Template:
    """The register, newest first: open or closed, of one class or all."""
    visit.actor.must("shortages.read")
    chosen = priority if priority in CLASSES else None
    found = await shortage_queries.shortages(
        visit.session, visit.actor, is_open=tab != "closed", priority=chosen, before=before, limit=PAGE
    )
    return show(
        visit, "shortages/list.html", found=found, tab="closed" if tab == "closed" else "open", priority=chosen or "",
        classes=CLASSES, counts=await shortage_queries.by_class(visit.session, visit.actor), reasons=REASON_NAMES,
        limit=PAGE,
    )  # fmt: skip


@get("/shortages/new", include_in_schema=False)
async def new_shortage(visit: Here, product: FromQuery[str] = "", q: FromQuery[str] = "") -> Template:
    """“缺这个药”: find it, say how much, done."""
    visit.actor.must("shortages.register")
    return await _new_page(visit, id_in(product), q[:60])


@post("/shortages/new", include_in_schema=False)
async def register_shortage(visit: Here, data: Form) -> Template | Redirect:
    """Enter it."""
    here, product_id = await own_place(visit), id_in(data.get("product_id"))
    try:
        if product_id is None:
            raise BadInput(N_("Say which medicine is missing."))
        product = await formulary_queries.product(visit.session, product_id)
        packs = whole(data.get("packs", ""))
        if packs is None:
            raise BadInput(
                N_("{what}: write a whole number of zero or more, not “{value}”."),
                what=product["generic_name"], value=data.get("packs", ""),
            )  # fmt: skip
        entry = await shortages.register(
            visit.session, visit.actor, here["id"], product_id, packs * product["pack_size"],
            note=data.get("note", "")[:500],
        )  # fmt: skip
    except BadInput as refusal:
        return await _new_page(visit, product_id, "", data=data, refusal=refusal)
    return go(f"{desk_href(visit)}/shortages/{entry}")


async def _new_page(
    visit: Visit, product_id: UUID | None, text: str, *, data: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Template:  # fmt: skip
    here = await own_place(visit)
    product, packs, why = None, 1, ""
    if product_id is not None:
        product = await formulary_queries.product(visit.session, product_id)
        known = await order_queries.suggestions(
            visit.session, here["id"], here["tier"] or "", {product_id: product["pack_size"]}
        )
        packs = max(1, known[product_id].quantity // product["pack_size"])
    hits = []
    if text:
        hits = await formulary_queries.search(visit.session, visit.actor, text, tier=here["tier"], limit=12)
    return show(
        visit, "shortages/new.html", status=refusal.status if refusal else 200, product=product, text=text, hits=hits,
        packs=(data or {}).get("packs", packs), note=(data or {}).get("note", why),
        error=refused(visit, refusal) if refusal else "",
    )  # fmt: skip


@get("/shortages/{shortage_id:uuid}", include_in_schema=False)
async def shortage_page(visit: Here, shortage_id: FromPath[UUID]) -> Template:
    """One entry: since when, why, what was answered and until when."""
    return await _shown(visit, shortage_id)


@post("/shortages/{shortage_id:uuid}/answer", include_in_schema=False)
async def answer_shortage(visit: Here, shortage_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Say what will be done and until when."""
    try:
        await shortages.answer(
            visit.session, visit.actor, shortage_id, data.get("answer", ""), note=data.get("note", "")[:500],
            promised_on=_day(data.get("promised_on", "")), version=whole(data.get("version", "")),
        )  # fmt: skip
    except Refusal as refusal:
        return await _refused(visit, shortage_id, refusal, data)
    return go(f"{desk_href(visit)}/shortages/{shortage_id}")


@post("/shortages/{shortage_id:uuid}/close", include_in_schema=False)
async def close_shortage(visit: Here, shortage_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Say what came of it."""
    try:
        await shortages.close(
            visit.session, visit.actor, shortage_id, data.get("outcome", ""), note=data.get("note", "")[:500],
            version=whole(data.get("version", "")),
        )  # fmt: skip
    except Refusal as refusal:
        return await _refused(visit, shortage_id, refusal, data)
    return go(f"{desk_href(visit)}/shortages/{shortage_id}")


def _day(text: str) -> date | None:
    """A day as a form sends it; nothing is no day. Refuses what is neither."""
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(N_("“{value}” is not a day: write it as 2026-09-01."), value=text) from None


async def _refused(visit: Visit, shortage_id: UUID, refusal: Refusal, data: dict[str, str]) -> Template:
    if refusal.status in (403, 404):
        raise refusal
    return await _shown(visit, shortage_id, refusal=refusal, data=data)


async def _shown(
    visit: Visit, shortage_id: UUID, *, refusal: Refusal | None = None, data: dict[str, str] | None = None
) -> Template:
    visit.actor.must("shortages.read")
    found = await shortage_queries.shortage(visit.session, visit.actor, shortage_id)
    papers = await delivery_queries.papers(visit.session, [found["paper_id"]] if found["paper_id"] else [])
    is_mine = is_own(visit.actor, found["place_id"])
    is_open = found["closed_at"] is None
    return show(
        visit, "shortages/one.html", status=refusal.status if refusal else 200, entry=found, is_mine=is_mine,
        may_answer=is_open and visit.actor.may("shortages.answer") and not is_mine,
        may_close=is_open and visit.actor.may("shortages.close"), paper=papers.get(found["paper_id"]),
        reasons=REASON_NAMES, answers=shortages.ANSWERS, outcomes=shortages.OUTCOMES, form=data or {},
        waited=((found["closed_at"] or clock.now()) - found["registered_at"]).days,
        done=await trail.of(visit.session, [shortage_id]), error=refused(visit, refusal) if refusal else "",
    )  # fmt: skip


HANDLERS: tuple[Any, ...] = (
    shortage_list, new_shortage, register_shortage, shortage_page, answer_shortage, close_shortage,
)  # fmt: skip
