"""The desk of pharmacists: a township reviews its villages, shares its depot and orders; the chief keeps the formulary."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import clock
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, NotFound, Refusal
from xinglin.delivery import queries as delivery_queries
from xinglin.formulary import actions as formulary, queries as formulary_queries
from xinglin.gate import Here, Visit
from xinglin.orders import actions as orders, queries as order_queries
from xinglin.orders.actions import Approval, ShortPick
from xinglin.shortages import queries as shortage_queries
from xinglin.stock import queries as stock_queries
from xinglin.stock.rules import usable
from xinglin.web import medicines, ordering, register, shelf
from xinglin.web.desk import counted, is_own, numbered, own_place, reasons, refused, show, whole
from xinglin.web.medicines import TIER_NAMES, medicine_shown
from xinglin.web.page import NAV, Link, go
from xinglin_catalog import load_edition
from xinglin_catalog.edition import SHIPPED

NAV["office"] = (
    Link(N_("Overview"), "/office", "home", "orders.read"),
    Link(N_("Review"), "/office/review", "clipboard-check", "orders.approve"),
    Link(N_("Depot"), "/office/depot", "building-warehouse", "orders.pick"),
    Link(N_("Orders"), "/office/orders", "clipboard-list", "orders.open"),
    Link(N_("Stock"), "/office/stock", "packages", "stock.read"),
    Link(N_("Shortages"), "/office/shortages", "alert-triangle", "shortages.read"),
    Link(N_("Formulary"), "/office/medicines", "pill", "formulary.set_listing"),
)
Form = URLEncodedBody[dict[str, str]]
PAGE = 50
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@get("/", include_in_schema=False)
async def home(visit: Here) -> Template:
    """What waits for a decision, what is on its way, where something runs out."""
    visit.actor.must("orders.read")
    own = visit.actor.place_id
    waiting = await order_queries.requisitions(
        visit.session, visit.actor, states=["submitted"], supplier_id=own, limit=8
    )
    states = await order_queries.counts(visit.session, visit.actor, supplier_id=own)
    overview = await stock_queries.overview(visit.session, visit.actor, clock.today())
    missing = await shortage_queries.shortages(visit.session, visit.actor, limit=8)
    coming = await delivery_queries.arrivals(visit.session, own) if own else []
    return show(
        visit, "office/home.html", waiting=waiting, states=states, missing=missing, is_wide=own is None,
        thin=[row for row in overview if row["out"] or row["low"]][:8], overview=overview,
        classes=await shortage_queries.by_class(visit.session, visit.actor),
        coming=[row for row in coming if not row["handed_over_at"]],
    )  # fmt: skip


# ---- review ----


@get("/review", include_in_schema=False)
async def review_queue(
    visit: Here, tier: FromQuery[str | None] = None, before: FromQuery[UUID | None] = None,
    approved: FromQuery[int | None] = None,
) -> Template:  # fmt: skip
    """Baskets that wait for a decision; several may be approved at once."""
    visit.actor.must("orders.approve")
    return await _queue(visit, tier=tier, before=before, approved=approved)


async def _queue(
    visit: Visit, *, tier: str | None = None, before: UUID | None = None, approved: int | None = None,
    refusal: Refusal | None = None,
) -> Template:  # fmt: skip
    is_wide = visit.actor.place_id is None
    # The chief begins with the townships' orders: those are decided for the whole county.
    chosen = (tier if tier in TIER_NAMES else "") if tier is not None else "township" if is_wide else ""
    found = await order_queries.requisitions(
        visit.session, visit.actor, states=["submitted"], supplier_id=visit.actor.place_id, before=before, limit=PAGE,
        tier=chosen or None,
    )  # fmt: skip
    over = await order_queries.over_suggestion(visit.session, [row["id"] for row in found])
    return show(
        visit, "office/review.html", status=refusal.status if refusal else 200, found=found, over=over, tier=chosen,
        tiers=TIER_NAMES, is_wide=is_wide, limit=PAGE, approved=approved,
        error=refused(visit, refusal) if refusal else "",
    )  # fmt: skip


@post("/review", include_in_schema=False)
async def approve_several(visit: Here, data: Form) -> Template | Redirect:
    """Approve the ticked requisitions as they were asked; all of them or none."""
    chosen = numbered(data, "approve")
    try:
        if not chosen:
            raise BadInput(N_("Tick at least one order to approve."))
        for requisition_id in sorted(chosen):
            await orders.approve(
                visit.session,
                visit.actor,
                requisition_id,
                version=whole(data.get(f"version-{requisition_id}", "")),
            )
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _queue(visit, tier=data.get("tier"), refusal=refusal)
    return go(f"/office/review?approved={len(chosen)}")


@get("/review/{requisition_id:uuid}", include_in_schema=False)
async def review_page(visit: Here, requisition_id: FromPath[UUID]) -> Template:
    """One basket, line by line: asked, suggested, there, used, covered; approve, change or send back."""
    visit.actor.must("orders.approve")
    return await _review(visit, requisition_id)


async def _review(
    visit: Visit, requisition_id: UUID, *, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Template:
    found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    if not _is_decided_here(visit, found):
        raise order_queries.no_such_requisition()
    lines = await order_queries.lines(visit.session, requisition_id)
    packs = {line["product_id"]: line["pack_size"] for line in lines}
    needs = await order_queries.needs(visit.session, found["place_id"], found["tier"] or "", packs)
    life = await formulary_queries.minimum_life_days(visit.session, found["tier"], clock.today())
    piles: dict[UUID, int] = Counter()
    for lot in await stock_queries.lots_at(visit.session, found["supplier_id"], packs):
        piles[lot.product_id] += usable([lot], clock.today(), life)
    return show(
        visit, "office/review_one.html", status=refusal.status if refusal else 200, order=found,
        lines=[(line, needs[line["product_id"]], reasons(visit, line)) for line in lines], free=piles,
        form=form or {}, error=refused(visit, refusal) if refusal else "",
    )  # fmt: skip


def _is_decided_here(visit: Visit, found: Row) -> bool:
    """The place that supplies decides, or a post of the whole county."""
    return visit.actor.place_id is None or is_own(visit.actor, found["supplier_id"])


@post("/review/{requisition_id:uuid}/approve", include_in_schema=False)
async def approve(visit: Here, requisition_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Let it go ahead, with the lines that were changed and why."""
    try:
        changes = await _changes(visit, requisition_id, data)
        await orders.approve(
            visit.session, visit.actor, requisition_id, changes, note=data.get("note", "")[:500],
            version=whole(data.get("version", "")),
        )  # fmt: skip
    except Refusal as refusal:
        return await _refused_review(visit, requisition_id, refusal, data)
    return go("/office/review?approved=1")


async def _changes(visit: Visit, requisition_id: UUID, form: dict[str, str]) -> dict[UUID, Approval]:
    """Lines of which another number of packs was typed than was asked for."""
    await order_queries.requisition(visit.session, visit.actor, requisition_id)
    changes = {}
    for line in await order_queries.lines(visit.session, requisition_id):
        if (typed := form.get(f"packs-{line['id']}")) is None:
            continue
        quantity = counted(typed, line["generic_name"]) * line["pack_size"]
        if quantity != line["asked"]:
            changes[line["id"]] = Approval(quantity, form.get(f"why-{line['id']}", "")[:500])
    return changes


@post("/review/{requisition_id:uuid}/send-back", include_in_schema=False)
async def send_back(visit: Here, requisition_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Give it back, saying what to change."""
    try:
        await orders.send_back(
            visit.session, visit.actor, requisition_id, note=data.get("note", "")[:500],
            version=whole(data.get("version", "")),
        )  # fmt: skip
    except Refusal as refusal:
        return await _refused_review(visit, requisition_id, refusal, data)
    return go("/office/review")


async def _refused_review(
    visit: Visit, requisition_id: UUID, refusal: Refusal, form: dict[str, str]
) -> Template:
    if refusal.status in (403, 404):
        raise refusal
    return await _review(visit, requisition_id, form=form, refusal=refusal)


# ---- the own depot ----


@get("/depot", include_in_schema=False)
async def depot(visit: Here) -> Template:
    """What is approved and waits for its share, what is to be picked, what waits for the van."""
    visit.actor.must("orders.allocate")
    here = await own_place(visit)
    found = await order_queries.requisitions(
        visit.session,
        visit.actor,
        states=["approved", "allocated", "picked"],
        supplier_id=here["id"],
        limit=500,
    )
    waves = await order_queries.waves(visit.session, visit.actor, here["id"])
    return show(
        visit, "office/depot.html", here=here, waves=[(row, _mark(row["allocated_at"])) for row in waves],
        by_state={state: [row for row in found if row["state"] == state] for state in ("approved", "allocated", "picked")},
        rides=await delivery_queries.rides(visit.session, [row["id"] for row in found]),
    )  # fmt: skip


@post("/depot/allocate", include_in_schema=False)
async def allocate(visit: Here, data: Form) -> Redirect:
    """Share what the depot has among everything approved, then show who got what."""
    here = await own_place(visit)
    await orders.allocate(visit.session, visit.actor, here["id"])
    waves = await order_queries.waves(visit.session, visit.actor, here["id"], limit=1)
    return go(f"/office/depot/waves/{_mark(waves[0]['allocated_at'])}" if waves else "/office/depot")


def _mark(at: datetime) -> int:
    """A moment as a number an address can hold."""
    return (at - EPOCH) // MICROSECOND


class Shared(NamedTuple):
    """How one product was shared in a round: its lines with why, and what they came to. Base units."""

    product: Row
    lines: list[tuple[Row, dict[str, Any]]]
    approved: int
    allocated: int


@get("/depot/waves/{mark:int}", include_in_schema=False)
async def wave_page(visit: Here, mark: FromPath[int]) -> Template:
    """One round of allocation: what was short first, each place's share and the reason."""
    visit.actor.must("orders.read")
    here = await own_place(visit)
    if not 0 <= mark < 2**53:
        raise NotFound(N_("There was no allocation at that moment."))
    at = EPOCH + mark * MICROSECOND
    lines = await order_queries.wave_lines(visit.session, visit.actor, here["id"], at)
    if not lines:
        raise NotFound(N_("There was no allocation at that moment."))
    shared = [_shared(visit, list(group)) for _, group in groupby(lines, key=lambda line: line["product_id"])]
    return show(
        visit, "office/wave.html", at=at, papers=len({line["requisition_id"] for line in lines}), count=len(lines),
        short=[one for one in shared if one.allocated < one.approved],
        full=[one for one in shared if one.allocated >= one.approved],
    )  # fmt: skip


def _shared(visit: Visit, lines: list[Row]) -> Shared:
    return Shared(
        lines[0], [(line, reasons(visit, line)) for line in lines], sum(line["approved"] for line in lines),
        sum(line["allocated"] for line in lines),
    )  # fmt: skip


@get("/depot/picking/{requisition_id:uuid}", include_in_schema=False)
async def pick_page(visit: Here, requisition_id: FromPath[UUID]) -> Template:
    """What to take from the shelf, lot by lot, cold goods last; prints as a pick list."""
    visit.actor.must("orders.pick")
    return await _pick(visit, requisition_id)


async def _pick(
    visit: Visit, requisition_id: UUID, *, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Template:
    found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    if not _is_decided_here(visit, found):
        raise order_queries.no_such_requisition()
    picked = await order_queries.picks(visit.session, [requisition_id])
    return show(
        visit, "office/pick.html", status=refusal.status if refusal else 200, order=found, picked=picked,
        holds=await order_queries.pick_list(visit.session, requisition_id) if found["state"] == "allocated" else [],
        form=form or {}, error=refused(visit, refusal) if refusal else "",
    )  # fmt: skip


@post("/depot/picking/{requisition_id:uuid}", include_in_schema=False)
async def pick(visit: Here, requisition_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """It lies in the box; what was not found is set aside and registered as missing."""
    try:
        short = await _short_picks(visit, requisition_id, data)
        await orders.pick(
            visit.session, visit.actor, requisition_id, short, version=whole(data.get("version", ""))
        )
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _pick(visit, requisition_id, form=data, refusal=refusal)
    return go(f"/office/depot/picking/{requisition_id}")


async def _short_picks(visit: Visit, requisition_id: UUID, form: dict[str, str]) -> dict[UUID, ShortPick]:
    """Holds of which another quantity was typed than was promised."""
    await order_queries.requisition(visit.session, visit.actor, requisition_id)
    short = {}
    for hold in await order_queries.pick_list(visit.session, requisition_id):
        if (typed := form.get(f"found-{hold['hold_id']}")) is None:
            continue
        found = counted(typed, hold["generic_name"])
        if found != hold["quantity"]:
            short[hold["hold_id"]] = ShortPick(found, form.get(f"why-{hold['hold_id']}", "")[:500])
    return short


# ---- places, and the formulary ----


@get("/stock/places", include_in_schema=False)
async def places(visit: Here) -> Template:
    """The own stock and that of every place supplied, at a glance."""
    visit.actor.must("stock.read")
    overview = await stock_queries.overview(visit.session, visit.actor, clock.today())
    return show(visit, "office/places.html", overview=overview, tiers=TIER_NAMES, own=visit.actor.place_id)


@post("/medicines/{product_id:uuid}/listing", include_in_schema=False)
async def set_listing(visit: Here, product_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Say what a tier may do with it, and by which rule."""
    try:
        await formulary.set_listing(
            visit.session, visit.actor, product_id, data.get("tier", ""), data.get("may", ""),
            rule=data.get("rule", "")[:200],
        )  # fmt: skip
    except BadInput as refusal:
        return await medicine_shown(visit, product_id, refusal=refusal, form=data)
    return go(f"/office/medicines/{product_id}")


@post("/medicines/{product_id:uuid}/price", include_in_schema=False)
async def set_price(visit: Here, product_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Set the price per base unit from a day on."""
    try:
        price, begins = _price(data.get("unit_price", "")), _begin(data.get("valid_from", ""))
        await formulary.set_price(visit.session, visit.actor, product_id, price, valid_from=begins)
    except BadInput as refusal:
        return await medicine_shown(visit, product_id, refusal=refusal, form=data)
    return go(f"/office/medicines/{product_id}")


def _price(text: str) -> Decimal:
    """Yuan per base unit with at most four places."""
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or abs(price) >= 10**9 or price != price.quantize(Decimal("0.0001")):
        raise BadInput(
            N_("“{value}” is no price: yuan per base unit with at most four decimals."), value=text
        )
    return price


def _begin(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(N_("“{value}” is not a day: write it as 2026-09-01."), value=text) from None


@get("/medicines/editions", include_in_schema=False)
async def editions(visit: Here) -> Template:
    """Editions of the essential medicines list: which this county goes by, and since when."""
    visit.actor.must("formulary.read")
    return await _editions(visit)


async def _editions(
    visit: Visit, *, refusal: Refusal | None = None, form: dict[str, str] | None = None
) -> Template:
    adopted = await formulary_queries.adopted_editions(visit.session)
    return show(
        visit, "office/editions.html", status=refusal.status if refusal else 200, adopted=adopted, form=form or {},
        shipped=[load_edition(name) for name in SHIPPED], error=refused(visit, refusal) if refusal else "",
    )  # fmt: skip


@post("/medicines/editions", include_in_schema=False)
async def adopt_edition(visit: Here, data: Form) -> Template | Redirect:
    """Go by an edition from a day on."""
    try:
        await formulary.adopt_edition(
            visit.session, visit.actor, data.get("edition", ""), valid_from=_begin(data.get("valid_from", ""))
        )
    except (BadInput, NotFound) as refusal:
        return await _editions(visit, refusal=refusal, form=data)
    return go("/office/medicines/editions")


def handlers() -> list[Any]:
    """Every page of the office."""
    own = (
        home, review_queue, approve_several, review_page, approve, send_back, depot, allocate, wave_page, pick_page,
        pick, places, set_listing, set_price, editions, adopt_edition,
    )  # fmt: skip
    shared = (*ordering.HANDLERS, *shelf.HANDLERS, *register.HANDLERS, *medicines.HANDLERS)
    return [Router(path="/office", route_handlers=[*own, *shared])]
