"""Requisitions as the asking side sees them: basket, draft, paper. The same pages at every desk that orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import money, trail
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, Refusal
from xinglin.delivery import queries as delivery_queries
from xinglin.formulary import queries as formulary_queries
from xinglin.gate import Here, Visit
from xinglin.orders import actions as orders, queries as order_queries
from xinglin.orders.rules import MAY, Asked
from xinglin.web.desk import (
    desk_href,
    id_in,
    is_own,
    numbered,
    own_place,
    reasons,
    refused,
    show,
    tell,
    whole,
)
from xinglin.web.page import go

Form = URLEncodedBody[dict[str, str]]
OPEN = ("draft", "returned", "submitted", "approved", "allocated", "picked", "shipped")
DONE = ("closed", "cancelled")
TABS = {"open": OPEN, "done": DONE, "all": ()}
PAGE = 30
HITS = 12


class Wish(NamedTuple):
    """A product in a basket and how many packs were typed."""

    product_id: UUID
    packs: str


@dataclass(frozen=True, slots=True)
class BasketLine:
    """A line of a basket as it is shown: what it is, what it costs, why so much, why not at all."""

    product: Row
    packs: str
    quantity: int | None
    """Base units; None if what was typed is no whole number."""
    amount: Decimal
    suggested: int
    suggestion: str
    refusal: str
    is_new: bool


@dataclass(slots=True)
class Basket:
    """What is about to be asked for, before it is written anywhere: it lives in the form."""

    wishes: list[Wish]
    is_urgent: bool = False
    note: str = ""
    text: str = ""
    added: UUID | None = None

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "Basket":
        """From a form or an address, with a line more (`add`) or less (`remove`)."""
        removed, added = id_in(form.get("remove")), id_in(form.get("add"))
        packs = {id: typed for id, typed in numbered(form, "quantity").items() if id != removed}
        if added is not None:
            packs.setdefault(added, "")
        wishes = [Wish(id, typed) for id, typed in packs.items()]
        return cls(wishes, "is_urgent" in form, form.get("note", "")[:500], form.get("q", "")[:60], added)

    def asked(self, facts: Mapping[UUID, Row]) -> list[Asked]:
        """Lines in base units. Refuses a count that is none; lines of nothing are left out."""
        lines = []
        for product_id, typed in self.wishes:
            packs, row = whole(typed or "0"), facts.get(product_id)
            if packs is None:
                raise BadInput(
                    N_("{what}: write a whole number of zero or more, not “{value}”."),
                    what=row["generic_name"] if row else "?", value=typed,
                )  # fmt: skip
            if packs:
                lines.append(Asked(product_id, packs * (row["pack_size"] if row else 1)))
        return lines


# ---- the basket ----


@get("/orders/new", include_in_schema=False)
async def new_order(request: Request[Any, Any, Any], visit: Here) -> Template:
    """The basket the service proposes, or the one in the address."""
    visit.actor.must("orders.open")
    here = await own_place(visit)
    if "started" in request.query_params:
        return await _basket_page(visit, here, Basket.read(request.query_params))
    proposed = await order_queries.proposal(visit.session, visit.actor, here["id"])
    wishes = [Wish(line["product_id"], str(_packs(line))) for line in proposed]  # type: ignore[arg-type]
    basket = Basket(wishes)
    if wanted := id_in(request.query_params.get("add")):
        basket.added = wanted
        basket.wishes += [] if any(w.product_id == wanted for w in wishes) else [Wish(wanted, "")]
    return await _basket_page(visit, here, basket)


def _packs(line: Mapping[str, Any]) -> int:
    return int(line["quantity"] // line["pack_size"])


@post("/orders/new", include_in_schema=False)
async def place_order(visit: Here, data: Form) -> Template | Redirect:
    """Send the basket, or keep it as a draft. Lines that may not be ordered stay behind, told with why."""
    here, basket = await own_place(visit), Basket.read(data)
    try:
        placed = await orders.place(
            visit.session, visit.actor, here["id"], basket.asked(await _facts(visit, here, basket)),
            is_urgent=basket.is_urgent, note=basket.note, submit=data.get("verb") != "draft",
        )  # fmt: skip
    except BadInput as refusal:
        return await _basket_page(visit, here, basket, refusal=refusal)
    return go(_paper_href(visit, placed))


@get("/orders/{requisition_id:uuid}/edit", include_in_schema=False)
async def edit_order(
    request: Request[Any, Any, Any], visit: Here, requisition_id: FromPath[UUID]
) -> Template | Redirect:
    """A draft or a returned paper as a basket."""
    visit.actor.must("orders.put_lines")
    found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    if found["state"] not in MAY["put_lines"] or not is_own(visit.actor, found["place_id"]):
        return go(f"{desk_href(visit)}/orders/{requisition_id}")
    here = await own_place(visit)
    if "started" in request.query_params:
        basket = Basket.read(request.query_params)
    else:
        lines = await order_queries.lines(visit.session, requisition_id)
        wishes = [Wish(line["product_id"], str(line["asked"] // line["pack_size"])) for line in lines]
        basket = Basket(wishes, found["is_urgent"], found["note"])
    return await _basket_page(visit, here, basket, paper=found)


@post("/orders/{requisition_id:uuid}/edit", include_in_schema=False)
async def save_order(visit: Here, requisition_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Put the lines as they are now wanted."""
    here, basket = await own_place(visit), Basket.read(data)
    try:
        placed = await orders.put_lines(
            visit.session, visit.actor, requisition_id, basket.asked(await _facts(visit, here, basket)),
            version=whole(data.get("version", "")), is_urgent=basket.is_urgent, note=basket.note,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
        return await _basket_page(visit, here, basket, paper=found, refusal=refusal)
    return go(_paper_href(visit, placed))


def _paper_href(visit: Visit, placed: orders.Placed) -> str:
    """The paper, and which lines could not stay on it."""
    left = ",".join(str(line.product_id) for line in placed.rejected)
    return f"{desk_href(visit)}/orders/{placed.id}" + (f"?left={left}" if left else "")


@get("/orders/medicines", include_in_schema=False)
async def basket_hits(visit: Here, q: FromQuery[str] = "", paper: FromQuery[UUID | None] = None) -> Template:
    """What the search box of a basket finds while one types."""
    here = await own_place(visit)
    hits = await formulary_queries.search(visit.session, visit.actor, q[:60], tier=here["tier"], limit=HITS)
    return show(visit, "orders/_hits.html", hits=hits, text=q, action=_basket_href(visit, paper))


async def _facts(visit: Visit, here: Row, basket: Basket) -> dict[UUID, Row]:
    _, facts = await order_queries.rejected(
        visit.session, here["tier"] or "", [Asked(wish.product_id, 0) for wish in basket.wishes]
    )
    return facts


async def _basket_page(
    visit: Visit, here: Row, basket: Basket, *, paper: Row | None = None, refusal: Refusal | None = None
) -> Template:
    """The basket with prices, reasons and hits, as it was typed."""
    lines, unknown = await _basket_lines(visit, here, basket)
    hits = []
    if basket.text:
        hits = await formulary_queries.search(
            visit.session, visit.actor, basket.text, tier=here["tier"], limit=HITS
        )
    return show(
        visit, "orders/basket.html", status=refusal.status if refusal else 200, basket=basket, lines=lines,
        total=sum((line.amount for line in lines if not line.refusal), Decimal(0)), paper=paper, hits=hits,
        unknown=unknown, error=refused(visit, refusal) if refusal else "",
        action=_basket_href(visit, paper["id"] if paper else None),
    )  # fmt: skip


def _basket_href(visit: Visit, paper_id: UUID | None) -> str:
    return f"{desk_href(visit)}/orders/" + (f"{paper_id}/edit" if paper_id else "new")


async def _basket_lines(visit: Visit, here: Row, basket: Basket) -> tuple[list[BasketLine], int]:
    """Each wish with its product, its price and its reasons; and how many products nobody knows."""
    facts = await _facts(visit, here, basket)
    packs = {id: row["pack_size"] for id, row in facts.items()}
    suggested = await order_queries.suggestions(visit.session, here["id"], here["tier"] or "", packs)
    sizes = {w.product_id: whole(w.packs or "1") for w in basket.wishes if w.product_id in facts}
    asked = [Asked(id, (size or 1) * packs[id]) for id, size in sizes.items()]
    barred, _ = await order_queries.rejected(visit.session, here["tier"] or "", asked)
    why_not = {line.product_id: tell(visit, line.message, line.fields) for line in barred}
    lines = []
    for product_id, typed in basket.wishes:
        if (row := facts.get(product_id)) is None:
            continue
        suggestion = suggested[product_id]
        shown = typed or str(max(1, suggestion.quantity // row["pack_size"]))
        count = whole(shown)
        quantity = None if count is None else count * row["pack_size"]
        lines.append(
            BasketLine(
                row,
                shown,
                quantity,
                money.amount(quantity or 0, row["unit_price"] or Decimal(0)),
                suggestion.quantity,
                tell(visit, suggestion.message, suggestion.fields),
                why_not.get(product_id, ""),
                product_id == basket.added,
            )
        )
    return lines, len(basket.wishes) - len(lines)


# ---- papers ----


@get("/orders", include_in_schema=False)
async def order_list(
    visit: Here, tab: FromQuery[str] = "open", before: FromQuery[UUID | None] = None
) -> Template:
    """The own requisitions, newest first."""
    visit.actor.must("orders.read")
    here = await own_place(visit)
    tab = tab if tab in TABS else "open"
    found = await order_queries.requisitions(
        visit.session, visit.actor, states=TABS[tab], place_id=here["id"], before=before, limit=PAGE
    )
    rides = await delivery_queries.rides(visit.session, [row["id"] for row in found])
    return show(visit, "orders/list.html", found=found, rides=rides, tab=tab, limit=PAGE)


@get("/orders/{requisition_id:uuid}", include_in_schema=False)
async def order_page(visit: Here, requisition_id: FromPath[UUID], left: FromQuery[str] = "") -> Template:
    """A requisition: where it stands, its four numbers per line with why, its way so far."""
    return await order_shown(visit, requisition_id, left=left)


@get("/orders/{requisition_id:uuid}/print", include_in_schema=False)
async def order_sheet(visit: Here, requisition_id: FromPath[UUID]) -> Template:
    """The requisition on a sheet of A4."""
    visit.actor.must("orders.read")
    found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    lines = await order_queries.lines(visit.session, requisition_id)
    return show(visit, "orders/sheet.html", order=found, lines=lines, amount=_amount(lines))


@post("/orders/{requisition_id:uuid}/submit", include_in_schema=False)
async def submit_order(visit: Here, requisition_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Send a draft."""
    try:
        await orders.submit(
            visit.session, visit.actor, requisition_id, version=whole(data.get("version", ""))
        )
    except Refusal as refusal:
        return await _refused_paper(visit, requisition_id, refusal)
    return go(f"{desk_href(visit)}/orders/{requisition_id}")


@post("/orders/{requisition_id:uuid}/cancel", include_in_schema=False)
async def cancel_order(visit: Here, requisition_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Withdraw it."""
    try:
        await orders.cancel(
            visit.session, visit.actor, requisition_id, note=data.get("note", "")[:500],
            version=whole(data.get("version", "")),
        )  # fmt: skip
    except Refusal as refusal:
        return await _refused_paper(visit, requisition_id, refusal)
    return go(f"{desk_href(visit)}/orders/{requisition_id}")


async def _refused_paper(visit: Visit, requisition_id: UUID, refusal: Refusal) -> Template:
    """The paper again, with what could not be done."""
    if refusal.status in (403, 404):
        raise refusal
    return await order_shown(visit, requisition_id, refusal=refusal)


async def order_shown(
    visit: Visit, requisition_id: UUID, *, left: str = "", refusal: Refusal | None = None
) -> Template:
    """The page of a requisition in reach."""
    visit.actor.must("orders.read")
    found = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    lines = await order_queries.lines(visit.session, requisition_id)
    rides = await delivery_queries.rides(visit.session, [requisition_id])
    done = await trail.of(visit.session, [requisition_id])
    is_mine = is_own(visit.actor, found["place_id"])
    return show(
        visit, "orders/requisition.html", status=refusal.status if refusal else 200, order=found,
        lines=[(line, reasons(visit, line)) for line in lines], amount=_amount(lines),
        ride=rides.get(requisition_id), done=done, error=refused(visit, refusal) if refusal else "",
        left=await _left_behind(visit, found, left), is_mine=is_mine,
        may={step: is_mine and found["state"] in MAY[step] for step in ("put_lines", "submit", "cancel")},
        is_supplier=visit.actor.place_id in (None, found["supplier_id"]),
    )  # fmt: skip


async def _left_behind(visit: Visit, found: Row, left: str) -> list[str]:
    """Why these products did not stay on the paper."""
    ids = [id for id in map(id_in, left.split(",")[:50]) if id is not None]
    if not ids:
        return []
    barred, _ = await order_queries.rejected(visit.session, found["tier"] or "", [Asked(id, 1) for id in ids])
    return [tell(visit, line.message, line.fields) for line in barred]


def _amount(lines: Sequence[Row]) -> Decimal:
    """What the lines come to, as far as they have come."""
    return sum((money.amount(standing(line), line["unit_price"]) for line in lines), Decimal(0))


def standing(line: Row) -> int:
    """The quantity a line stands at: rationed if it was, else approved, else asked."""
    for name in ("rationed", "approved"):
        if line[name] is not None:
            return int(line[name])
    return int(line["asked"])


HANDLERS: tuple[Any, ...] = (
    new_order, place_order, edit_order, save_order, basket_hits, order_list, order_page, order_sheet,
    submit_order, cancel_order,
)  # fmt: skip
