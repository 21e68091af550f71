"""Medicines as a desk looks them up: by any name, with price, pack, what each tier may order and why."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from xinglin.base import clock
from xinglin.base.database import Row
from xinglin.base.errors import N_, Refusal
from xinglin.formulary import queries as formulary_queries
from xinglin.formulary.rules import MAY, MAY_NAMES, TIERS
from xinglin.gate import Here, Visit
from xinglin.places import queries as place_queries
from xinglin.stock import queries as stock_queries
from xinglin.web.desk import after, refused, show, tell
from xinglin_catalog import CatalogError, load_edition

PAGE = 50
HITS = 20
TIER_NAMES = {"county": N_("County"), "township": N_("Township"), "village": N_("Village")}


async def own_tier(visit: Visit) -> str | None:
    """The tier of who looks; None for posts of the whole county."""
    if visit.actor.place_id is None:
        return None
    here = await place_queries.place_in_reach(visit.session, visit.actor, visit.actor.place_id)
    tier: str | None = here["tier"]
    return tier


@get("/medicines", include_in_schema=False)
async def medicine_list(
    request: Request[Any, Any, Any], visit: Here, q: FromQuery[str] = "", cursor: FromQuery[str] = ""
) -> Template:
    """The county's formulary by name, or what a search finds; a fragment while one types."""
    visit.actor.must("formulary.read")
    tier, text = await own_tier(visit), q[:60]
    if "hx-request" in request.headers:
        hits = await formulary_queries.search(visit.session, visit.actor, text, tier=tier, limit=HITS)
        return show(visit, "medicines/_hits.html", hits=hits, text=text, tier=tier)
    if text.strip():
        found = await formulary_queries.search(visit.session, visit.actor, text, tier=tier, limit=PAGE)
    else:
        found = await formulary_queries.products(visit.session, after=after(cursor), limit=PAGE)
    more = f"{found[-1]['generic_name']}|{found[-1]['id']}" if len(found) == PAGE and not text.strip() else ""
    editions = await formulary_queries.adopted_editions(visit.session)
    return show(visit, "medicines/list.html", found=found, text=text, more=more, editions=editions)


@get("/medicines/{product_id:uuid}", include_in_schema=False)
async def medicine_page(visit: Here, product_id: FromPath[UUID]) -> Template:
    """One medicine: what it is, its codes, what each tier may do with it, its prices, whether it is essential."""
    return await medicine_shown(visit, product_id)


async def medicine_shown(
    visit: Visit, product_id: UUID, *, refusal: Refusal | None = None, form: dict[str, str] | None = None
) -> Template:
    """The page of a medicine, with what was typed and why it was refused."""
    visit.actor.must("formulary.read")
    product = await formulary_queries.product(visit.session, product_id)
    listings = await formulary_queries.listings(visit.session, product_id)
    here, there, used = visit.actor.place_id, 0, Decimal(0)
    if here is not None:
        key = (here, product_id)
        there = (await stock_queries.on_hand(visit.session, [here], [product_id], clock.today())).get(key, 0)
        used = (await stock_queries.daily_use(visit.session, [here], clock.today(), [product_id])).get(
            key, used
        )
    return show(
        visit, "medicines/one.html", status=refusal.status if refusal else 200, product=product,
        listings={row["tier"]: row for row in listings}, tiers=TIERS, tier_names=TIER_NAMES, may_names=MAY_NAMES,
        choices=MAY, prices=await formulary_queries.prices(visit.session, product_id),
        codes=await formulary_queries.identifiers(visit.session, product_id),
        essential=await _essential(visit, product), tier=await own_tier(visit), there=there, used=used,
        error=refused(visit, refusal) if refusal else "", form=form or {},
    )  # fmt: skip


async def _essential(visit: Visit, product: Row) -> tuple[str, str]:
    """The edition in force and why the product counts by it; an empty reason where it does not."""
    editions = await formulary_queries.adopted_editions(visit.session)
    in_force = next((row for row in editions if row["valid_from"] <= clock.today()), None)
    if in_force is None:
        return "", ""
    try:
        match = load_edition(in_force["edition"]).match(
            product["generic_name"], product["dosage_form"], product["strength"], on=clock.today()
        )
    except CatalogError:
        return in_force["edition"], product["essential_why"]
    return in_force["edition"], tell(visit, match.message, match.params) if match else ""


HANDLERS: tuple[Any, ...] = (medicine_list, medicine_page)
