"""What lies at a place, every movement of it, giving it to patients, and what came by van."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import clock
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, Refusal
from xinglin.delivery import queries as delivery_queries
from xinglin.formulary import queries as formulary_queries
from xinglin.gate import Here, Visit
from xinglin.places import queries as place_queries
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Issued
from xinglin.stock.rules import Kind
from xinglin.web.desk import after, desk_href, id_in, is_own, numbered, own_place, refused, show, whole
from xinglin.web.page import go

Form = URLEncodedBody[dict[str, str]]
PAGE = 50
HITS = 12
KIND_NAMES = {
    Kind.RECEIVE: N_("Received from a supplier"),
    Kind.ISSUE: N_("Given to patients"),
    Kind.LOAD: N_("Loaded on a vehicle"),
    Kind.DELIVER: N_("Delivered"),
    Kind.BRING_BACK: N_("Brought back"),
    Kind.QUARANTINE: N_("Set aside or let go"),
    Kind.MISS: N_("Missing on arrival"),
    Kind.ADJUST: N_("Corrected after a count"),
    Kind.REVERSE: N_("Reversal"),
}


async def _place(visit: Visit, place_id: UUID | None) -> Row:
    """The place asked about, or the own one."""
    if place_id is None:
        return await own_place(visit)
    return await place_queries.place_in_reach(visit.session, visit.actor, place_id)


def days_left(on_hand: int, daily_use: Decimal | None) -> float | None:
    """How many days the stock lasts; None for what is not used."""
    return float(on_hand / daily_use) if daily_use else None


# ---- stock ----


@get("/stock", include_in_schema=False)
async def stock_page(
    visit: Here, place: FromQuery[UUID | None] = None, q: FromQuery[str] = "", cursor: FromQuery[str] = ""
) -> Template | Redirect:
    """What lies at a place, with days of cover and the next expiry; what is used up comes first."""
    visit.actor.must("stock.read")
    if place is None and visit.actor.place_id is None:
        return go(f"{desk_href(visit)}/stock/places")
    here = await _place(visit, place)
    found = await stock_queries.stock_list(
        visit.session, visit.actor, here["id"], text=q[:60], after=after(cursor), limit=PAGE
    )
    ids = [row["product_id"] for row in found]
    used = await stock_queries.daily_use(visit.session, [here["id"]], clock.today(), ids)
    days = {
        row["product_id"]: days_left(row["released"], used.get((here["id"], row["product_id"])))
        for row in found
    }
    gone: list[Row] = []
    if not q and not cursor:
        gone = await stock_queries.used_up(visit.session, visit.actor, here["id"], clock.today())
    more = f"{found[-1]['generic_name']}|{found[-1]['product_id']}" if len(found) == PAGE else ""
    return show(
        visit, "stock/list.html", here=here, found=found, days=days, gone=gone, q=q, more=more,
        is_mine=is_own(visit.actor, here["id"]),
    )  # fmt: skip


@get("/stock/{product_id:uuid}", include_in_schema=False)
async def stock_card(
    visit: Here, product_id: FromPath[UUID], place: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
) -> Template:  # fmt: skip
    """One product at a place: its lots, and every movement with the paper behind it."""
    visit.actor.must("stock.read")
    here = await _place(visit, place)
    product = await formulary_queries.product(visit.session, product_id)
    lots = await stock_queries.lots_of(visit.session, visit.actor, here["id"], product_id)
    moves = await stock_queries.stock_card(
        visit.session, visit.actor, here["id"], product_id, before=before, limit=PAGE
    )
    papers = await delivery_queries.papers(visit.session, [m["paper_id"] for m in moves if m["paper_id"]])
    used = (await stock_queries.daily_use(visit.session, [here["id"]], clock.today(), [product_id])).get(
        (here["id"], product_id), Decimal(0)
    )
    there = (await stock_queries.on_hand(visit.session, [here["id"]], [product_id], clock.today())).get(
        (here["id"], product_id), 0
    )
    return show(
        visit, "stock/card.html", here=here, product=product, lots=lots, moves=moves, papers=papers, used=used,
        there=there, days=days_left(there, used), kinds=KIND_NAMES, limit=PAGE,
        is_mine=is_own(visit.actor, here["id"]),
    )  # fmt: skip


# ---- giving to patients ----


@dataclass(frozen=True, slots=True)
class IssueLine:
    """A product about to be given: how much was typed, how much is there. Base units."""

    product: Row
    typed: str
    there: int
    is_new: bool

    @property
    def is_number(self) -> bool:
        """Whether what was typed counts."""
        return whole(self.typed) is not None


@get("/stock/issue", include_in_schema=False)
async def issue_form(request: Request[Any, Any, Any], visit: Here) -> Template:
    """Several products at once, found in the own stock."""
    visit.actor.must("stock.issue")
    return await _issue_page(visit, request.query_params)


@post("/stock/issue", include_in_schema=False)
async def issue(visit: Here, data: Form) -> Template | Redirect:
    """Give it out, the lot that expires first leaving first."""
    here = await own_place(visit)
    try:
        lines = _issued(data)
        await stock.issue(visit.session, visit.actor, here["id"], lines)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _issue_page(visit, data, refusal=refusal)
    return go(f"{desk_href(visit)}/stock/issue?given={len(lines)}")


def _issued(form: Mapping[str, str]) -> list[Issued]:
    """The lines of the form. Refuses a count that is none, and a form without lines."""
    lines = []
    for product_id, typed in numbered(form, "quantity").items():
        quantity = whole(typed or "0")
        if quantity is None:
            raise BadInput(
                N_("{what}: write a whole number of zero or more, not “{value}”."), what="", value=typed
            )
        if quantity:
            lines.append(Issued(product_id, quantity))
    if not lines:
        raise BadInput(N_("Nothing is on the list yet: add at least one medicine."))
    return lines


async def _issue_page(visit: Visit, form: Mapping[str, str], *, refusal: Refusal | None = None) -> Template:
    here = await own_place(visit)
    removed, added, text = id_in(form.get("remove")), id_in(form.get("add")), form.get("q", "")[:60]
    typed = {id: value for id, value in numbered(form, "quantity").items() if id != removed}
    if added is not None:
        typed.setdefault(added, "")
    facts = await formulary_queries.orderable(visit.session, here["tier"] or "", typed, clock.today())
    there = await stock_queries.on_hand(visit.session, [here["id"]], typed, clock.today())
    lines = [
        IssueLine(facts[id], value or str(min(facts[id]["pack_size"], max(1, there.get((here["id"], id), 1)))),
                  there.get((here["id"], id), 0), id == added)
        for id, value in typed.items() if id in facts
    ]  # fmt: skip
    hits: Sequence[Row] = ()
    if text:
        hits = await stock_queries.stock_list(visit.session, visit.actor, here["id"], text=text, limit=HITS)
    return show(
        visit, "stock/issue.html", status=refusal.status if refusal else 200, lines=lines, hits=hits, text=text,
        given=whole(form.get("given", "")), error=refused(visit, refusal) if refusal else "",
    )  # fmt: skip


@get("/stock/hits", include_in_schema=False)
async def stock_hits(visit: Here, q: FromQuery[str] = "") -> Template:
    """What the own stock has by that name, while one types."""
    here = await own_place(visit)
    hits: Sequence[Row] = ()
    if q.strip():
        hits = await stock_queries.stock_list(visit.session, visit.actor, here["id"], text=q[:60], limit=HITS)
    return show(visit, "stock/_hits.html", hits=hits, text=q)


# ---- what comes by van ----


@get("/deliveries", include_in_schema=False)
async def deliveries(visit: Here) -> Template:
    """What is on its way to the own place and what came in the last days."""
    visit.actor.must("delivery.read")
    here = await own_place(visit)
    found = await delivery_queries.arrivals(visit.session, here["id"])
    return show(
        visit, "deliveries/list.html",
        coming=sorted((row for row in found if not row["handed_over_at"]), key=lambda row: row["planned_arrival_at"]),
        came=[row for row in found if row["handed_over_at"]],
    )  # fmt: skip


@get("/deliveries/{stop_id:uuid}", include_in_schema=False)
async def delivery_page(visit: Here, stop_id: FromPath[UUID]) -> Template:
    """One delivery: what rides, or the proof of what became of each lot and who signed."""
    visit.actor.must("delivery.read")
    stop = await delivery_queries.stop(visit.session, visit.actor, stop_id)
    proof = await delivery_queries.proof(visit.session, stop_id)
    lines = (
        await delivery_queries.proof_lines(visit.session, proof["id"])
        if proof
        else await delivery_queries.cargo(visit.session, stop_id)
    )
    run = await delivery_queries.run(visit.session, visit.actor, stop["run_id"])
    signature = base64.b64encode(proof["signature"]).decode() if proof and proof["signature"] else ""
    papers = await delivery_queries.papers(visit.session, {line["requisition_id"] for line in lines})
    return show(
        visit, "deliveries/one.html", stop=stop, proof=proof, lines=lines, run=run, signature=signature,
        papers=papers, is_depot=visit.actor.place_id in (None, run["depot_id"]),
    )  # fmt: skip


HANDLERS: tuple[Any, ...] = (
    stock_page, stock_card, issue_form, issue, stock_hits, deliveries, delivery_page,
)  # fmt: skip
