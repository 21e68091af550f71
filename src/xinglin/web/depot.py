"""The depot desk: share out, pick, take goods in, keep the stock (仓库)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import clock, language
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, NotEnough, Refusal
from xinglin.delivery import queries as delivery_queries
from xinglin.formulary import queries as formulary_queries
from xinglin.gate import Here, Visit
from xinglin.orders import actions as orders, queries as order_queries
from xinglin.orders.actions import ShortPick
from xinglin.places import queries as place_queries
from xinglin.places.rules import DEPOTS
from xinglin.shortages import queries as shortage_queries
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Received
from xinglin.stock.rules import SOON_DAYS, shelf_life
from xinglin.web import receiving
from xinglin.web.page import NAV, Link, go, ladder_of, page, said, wants_piece

Form = URLEncodedBody[dict[str, str]]
NAV["depot"] = (
    Link(N_("Today"), "/depot", "home", "orders.allocate"),
    Link(N_("Share out"), "/depot/allocate", "list-check", "orders.allocate"),
    Link(N_("Pick"), "/depot/pick", "packages", "orders.pick"),
    Link(N_("Receive"), "/depot/receive", "truck-return", "stock.receive"),
    Link(N_("Stock"), "/depot/stock", "building-warehouse", "stock.read"),
)
TABS = (
    ("approved", N_("To share out")),
    ("allocated", N_("To pick")),
    ("picked", N_("Waiting for a van")),
    ("shipped", N_("On the road")),
    ("closed", N_("Closed")),
)
SHORT_REASONS = (
    N_("The place on the shelf is empty"),
    N_("Damaged"),
    N_("Expires before it would be used"),
    N_("Another lot lies there"),
)
KIND_NAMES = {
    "receive": N_("Taken in"),
    "issue": N_("Issued to patients"),
    "load": N_("Loaded on a vehicle"),
    "deliver": N_("Delivered"),
    "bring_back": N_("Brought back"),
    "miss": N_("Missing on arrival"),
    "adjust": N_("Count corrected"),
    "quarantine": N_("Set aside or released"),
    "reverse": N_("Reversal"),
}


def handlers() -> list[Any]:
    """The desk's addresses."""
    return [
        home, requisitions, requisition, to_allocate, allocate, shared, to_pick, pick_sheets, pick_list, pick,
        receive_form, receive, proposals, receipts, stock_list, lots, card, adjust, quarantine, reverse,
    ]  # fmt: skip


# ---- which depot ----


async def depot_of(visit: Visit, wish: UUID | None) -> Row:
    """The depot looked at: the own one; for posts of the whole county the one asked for, else the first."""
    id = wish or visit.actor.place_id
    if id is None:
        (first,) = await place_queries.places(visit.session, visit.actor, kinds=DEPOTS, limit=1)
        id = first.id
    await place_queries.place_in_reach(visit.session, visit.actor, id)
    return await place_queries.place_of_kind(visit.session, id, *DEPOTS)


def links(visit: Visit, depot: Row) -> Callable[..., str]:
    """Addresses that stay at the depot looked at."""
    kept = {} if depot["id"] == visit.actor.place_id else {"depot": str(depot["id"])}

    def link(path: str, **query: Any) -> str:
        asked = {name: value for name, value in query.items() if value not in (None, "")} | kept
        return path + (f"?{urlencode(asked)}" if asked else "")

    return link


async def shown(visit: Visit, depot: Row, template: str, *, status: int = 200, **context: Any) -> Template:
    """A page of the desk; posts of the whole county may change to another depot."""
    depots = []
    if visit.actor.place_id is None:
        depots = await place_queries.places(visit.session, visit.actor, kinds=DEPOTS)
    return page(
        visit, f"depot/{template}", status=status, depot=depot, depots=depots, link=links(visit, depot),
        may=visit.actor.may, ladder_of=ladder_of, today=clock.today(), shelf_life=shelf_life, **context,
    )  # fmt: skip


# ---- today ----


@get("/depot", include_in_schema=False)
async def home(visit: Here, depot: FromQuery[UUID | None] = None) -> Template:
    """What waits at the depot."""
    visit.actor.must("orders.allocate")
    here = await depot_of(visit, depot)
    session, actor = visit.session, visit.actor
    soon = clock.today() + timedelta(days=SOON_DAYS)
    return await shown(
        visit, here, "home.html",
        counts=await order_queries.to_supply(session, actor, here["id"]),
        watch=await stock_queries.watch(session, actor, here["id"], soon),
        waiting=await order_queries.requisitions(
            session, actor, states=["approved", "allocated"], supplier_id=here["id"], limit=12
        ),
    )  # fmt: skip


@get("/depot/requisitions", include_in_schema=False)
async def requisitions(
    visit: Here,
    step: FromQuery[str] = "picked",
    depot: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
) -> Template:
    """The requisitions the depot supplies, by where they stand."""
    visit.actor.must("orders.read")
    here = await depot_of(visit, depot)
    found = await order_queries.requisitions(
        visit.session, visit.actor, states=[step], supplier_id=here["id"], before=before, limit=50
    )
    counts = await order_queries.to_supply(visit.session, visit.actor, here["id"])
    return await shown(
        visit, here, "requisitions.html", papers=found, step=step, tabs=TABS, counts=counts,
        next_before=found[-1]["id"] if len(found) == 50 else None,
    )  # fmt: skip


@get("/depot/requisitions/{requisition_id:uuid}", include_in_schema=False)
async def requisition(visit: Here, requisition_id: FromPath[UUID]) -> Template:
    """One requisition: asked, approved, shared out, picked, shipped, accepted, and why."""
    visit.actor.must("orders.read")
    paper = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    here = await depot_of(visit, paper["supplier_id"])
    found = await order_queries.lines(visit.session, requisition_id)
    rides = await delivery_queries.rides(visit.session, [requisition_id])
    return await shown(
        visit, here, "requisition.html", paper=paper, lines=[with_reasons(visit, line) for line in found],
        ride=rides.get(requisition_id),
    )  # fmt: skip


def with_reasons(visit: Visit, line: Row) -> dict[str, Any]:
    """A line with the reason for its share, and for each lot passed over, in the reader's language."""
    ration = msgspec.json.decode(line["ration_text"]) if line["ration_text"] else None
    passed = msgspec.json.decode(line["passed_over_text"]) if line["passed_over_text"] else []
    return dict(line) | {
        "why": in_words(visit, ration["message"], ration["fields"]) if ration else "",
        "passed_over": [lot | {"why": in_words(visit, lot["message"], {})} for lot in passed],
        "ladder": ladder_of(line),
    }


def in_words(visit: Visit, message: str, fields: Mapping[str, Any]) -> str:
    """A kept sentence in the reader's language; fields that are sentences themselves too."""
    return said(visit, Refusal(message, **fields))


# ---- sharing out ----


@get("/depot/allocate", include_in_schema=False)
async def to_allocate(visit: Here, depot: FromQuery[UUID | None] = None) -> Template:
    """Approved requisitions that wait for their share, and the last rounds."""
    visit.actor.must("orders.allocate")
    here = await depot_of(visit, depot)
    return await shown(
        visit, here, "allocate.html",
        papers=await order_queries.requisitions(
            visit.session, visit.actor, states=["approved"], supplier_id=here["id"], limit=500
        ),
        rounds=await order_queries.waves(visit.session, visit.actor, here["id"]),
    )  # fmt: skip


@post("/depot/allocate", include_in_schema=False)
async def allocate(visit: Here, data: Form, depot: FromQuery[UUID | None] = None) -> Redirect:
    """Share the stock out among all that wait, and promise it lot by lot."""
    here = await depot_of(visit, depot)
    wave = await orders.allocate(visit.session, visit.actor, here["id"])
    return go(links(visit, here)("/depot/allocate/round" if wave.lines else "/depot/allocate"))


@get("/depot/allocate/round", include_in_schema=False)
async def shared(
    visit: Here, at: FromQuery[datetime | None] = None, depot: FromQuery[UUID | None] = None
) -> Template:
    """One round of sharing out, product by product: who asked, who got what, and why. The last one if none is named."""
    visit.actor.must("orders.allocate")
    here = await depot_of(visit, depot)
    rounds = await order_queries.waves(visit.session, visit.actor, here["id"])
    at = at or (rounds[0]["allocated_at"] if rounds else None)
    found = await order_queries.wave_lines(visit.session, visit.actor, here["id"], at) if at else []
    gaps = await shortage_queries.of_lines(visit.session, [line["id"] for line in found])
    lines = [with_reasons(visit, line) | {"gap": gaps.get(line["id"])} for line in found]
    return await shown(visit, here, "shared.html", at=at, rounds=rounds, products=by_product(lines))


def by_product(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of one product together, with their sums; the product that went short first."""
    products = []
    for _, group in groupby(lines, key=lambda line: line["product_id"]):
        own = list(group)
        sums = {name: sum(line[name] or 0 for line in own) for name in ("asked", "approved", "allocated")}
        is_short = sums["allocated"] < sums["approved"]
        products.append({"head": own[0], "lines": own, "is_short": is_short, **sums})
    return sorted(products, key=lambda product: not product["is_short"])


# ---- picking ----


@get("/depot/pick", include_in_schema=False)
async def to_pick(visit: Here, depot: FromQuery[UUID | None] = None) -> Template:
    """Requisitions whose goods are promised and wait to be taken from the shelf; urgent ones first."""
    visit.actor.must("orders.pick")
    here = await depot_of(visit, depot)
    found = await order_queries.requisitions(
        visit.session, visit.actor, states=["allocated"], supplier_id=here["id"], limit=500
    )
    return await shown(
        visit, here, "picks.html", papers=sorted(found, key=lambda paper: not paper["is_urgent"])
    )


@get("/depot/pick/sheets", include_in_schema=False)
async def pick_sheets(
    visit: Here, requisition: FromQuery[UUID | None] = None, depot: FromQuery[UUID | None] = None
) -> Template:
    """Pick lists for paper, one sheet for each requisition: of one, or of all that wait."""
    visit.actor.must("orders.pick")
    here = await depot_of(visit, depot)
    papers = await order_queries.requisitions(
        visit.session, visit.actor, states=["allocated"], supplier_id=here["id"], limit=500
    )
    papers = [paper for paper in papers if requisition in (None, paper["id"])]
    found = await order_queries.pick_lists(visit.session, [paper["id"] for paper in papers])
    lists = {id: list(group) for id, group in groupby(found, key=lambda hold: hold["requisition_id"])}
    return await shown(visit, here, "pick_sheets.html", papers=papers, lists=lists, alike=look_alikes(found))


@get("/depot/pick/{requisition_id:uuid}", include_in_schema=False)
async def pick_list(visit: Here, requisition_id: FromPath[UUID]) -> Template | Redirect:
    """The pick list of one requisition: confirm it whole, or say what was not found."""
    visit.actor.must("orders.pick")
    return await _pick_list(visit, requisition_id)


async def _pick_list(
    visit: Visit, requisition_id: UUID, data: Mapping[str, str] | None = None, error: str = "", status: int = 200
) -> Template | Redirect:  # fmt: skip
    paper = await order_queries.requisition(visit.session, visit.actor, requisition_id)
    if paper["state"] != "allocated":
        return go(f"/depot/requisitions/{requisition_id}")
    here = await depot_of(visit, paper["supplier_id"])
    holds = await order_queries.pick_list(visit.session, requisition_id)
    return await shown(
        visit, here, "pick.html", status=status, paper=paper, holds=holds, alike=look_alikes(holds),
        count_of=count_of, typed=data or {}, error=error, reasons=SHORT_REASONS,
    )  # fmt: skip


def count_of(row: Row) -> tuple[int, str, int]:
    """How people count these goods: so many of a unit that holds so many base units."""
    if row["quantity"] % row["pack_size"] == 0:
        return row["quantity"] // row["pack_size"], row["pack_unit"], row["pack_size"]
    return row["quantity"], row["base_unit"], 1


def look_alikes(rows: Sequence[Row]) -> set[str]:
    """Names on a list that are easily taken for another on it (头孢克肟, 头孢克洛): one character apart."""
    names = sorted({row["generic_name"] for row in rows})
    return {
        name
        for name in names
        for other in names
        if name != other
        and len(name) == len(other) > 2
        and sum(a != b for a, b in zip(name, other, strict=True)) == 1
    }


@post("/depot/pick/{requisition_id:uuid}", include_in_schema=False)
async def pick(visit: Here, requisition_id: FromPath[UUID], data: Form) -> Template | Redirect:
    """Goods are taken from the shelf; what was not found is set aside to be counted and registered."""
    visit.actor.must("orders.pick")
    holds = await order_queries.pick_list(visit.session, requisition_id)
    try:
        short = short_picks(holds, data)
        version = int(data.get("version", "0") or 0)
        await orders.pick(visit.session, visit.actor, requisition_id, short, version=version or None)
    except BadInput as refusal:
        return await _pick_list(visit, requisition_id, data, said(visit, refusal), refusal.status)
    return go(f"/depot/requisitions/{requisition_id}")


def short_picks(holds: Sequence[Row], data: Mapping[str, str]) -> dict[UUID, ShortPick]:
    """The holds of which less was found than promised; what nobody wrote about was found."""
    short = {}
    for hold in holds:
        promised, unit, size = count_of(hold)
        text = data.get(f"found-{hold['hold_id']}", "").strip() or str(promised)
        reason = data.get(f"reason-{hold['hold_id']}", "").strip()
        if not text.isascii() or not text.isdigit() or int(text) > promised:
            raise BadInput(
                N_("{product}: found is a whole number from 0 to {promised} {unit}."),
                product=hold["generic_name"], promised=promised, unit=unit,
            )  # fmt: skip
        if int(text) < promised:
            if not reason:
                raise BadInput(N_("{product}: say why fewer were found."), product=hold["generic_name"])
            short[hold["hold_id"]] = ShortPick(int(text) * size, reason)
    return short


# ---- goods in ----


@get("/depot/receive", include_in_schema=False)
async def receive_form(visit: Here, depot: FromQuery[UUID | None] = None) -> Template:
    """Goods from a supplier: an empty form."""
    visit.actor.must("stock.receive")
    return await _receive_form(visit, await depot_of(visit, depot), receiving.blank(), {})


async def _receive_form(
    visit: Visit, here: Row, rows: list[receiving.Typed], data: Mapping[str, str],
    faults: Sequence[receiving.Fault] = (), choices: Mapping[int, Sequence[Row]] | None = None,
    error: str = "", status: int = 200,
) -> Template:  # fmt: skip
    told = [(fault, language.translate(visit.locale, fault.message, **fault.fields)) for fault in faults]
    return await shown(
        visit, here, "receive.html", status=status, rows=rows, data=data, error=error,
        faults={(fault.row, fault.field): text for fault, text in told},
        fault_list=[(fault.row + 1, text) for fault, text in told],
        choices=choices or {}, proposal=receiving.proposal, units=receiving.UNITS,
        suppliers=await place_queries.suppliers(visit.session),
    )  # fmt: skip


@post("/depot/receive", include_in_schema=False)
async def receive(visit: Here, data: Form, depot: FromQuery[UUID | None] = None) -> Template | Redirect:
    """Take goods in; what is wrong is named line by line and nothing typed is lost."""
    visit.actor.must("stock.receive")
    here = await depot_of(visit, depot)
    rows = receiving.typed_rows(data)
    if data.get("more"):
        return await _receive_form(visit, here, rows + receiving.blank(receiving.MORE_ROWS), data)
    products, choices = await _products(visit, rows)
    lines, faults = read_rows(rows, products)
    try:
        if faults or not lines:
            raise BadInput(
                N_("Nothing was taken in yet: put right what is marked.")
                if faults
                else N_("Write down at least one line of goods.")
            )
        await stock.receive(
            visit.session, visit.actor, here["id"], lines, supplier_id=_id(data, "supplier"),
            occurred_on=receiving.day_of(data.get("on", "")), paper=data.get("invoice", "").strip()[:80],
        )  # fmt: skip
    except Refusal as refusal:
        return await _receive_form(
            visit, here, rows, data, faults, choices, said(visit, refusal), refusal.status
        )
    return go(links(visit, here)("/depot/receive/so-far"))


async def _products(
    visit: Visit, rows: Sequence[receiving.Typed]
) -> tuple[dict[int, Row], dict[int, Sequence[Row]]]:
    """Which product each row means, and where it is not clear, which it could be."""
    codes = [receiving.code_of(row["product"]) for row in rows]
    known = await formulary_queries.by_code(visit.session, [code for code in codes if code])
    found: dict[int, Row] = {}
    choices: dict[int, Sequence[Row]] = {}
    for number, code in enumerate(codes):
        if code in known:
            found[number] = known[code]
        elif code:
            hits = await formulary_queries.search(visit.session, visit.actor, code, limit=6)
            if len(hits) == 1:
                found[number] = hits[0]
            choices[number] = hits
    return found, choices


def read_rows(
    rows: Sequence[receiving.Typed], products: Mapping[int, Row]
) -> tuple[list[Received], list[receiving.Fault]]:
    """Every row that says something: goods, and all that is wrong."""
    lines: list[Received] = []
    faults: list[receiving.Fault] = []
    for number, row in enumerate(rows):
        if receiving.is_empty(row):
            continue
        match receiving.read_row(number, row, products.get(number), clock.today()):
            case Received() as line:
                lines.append(line)
            case wrong:
                faults += wrong
    return lines, faults


def _id(data: Mapping[str, str], name: str) -> UUID:
    """An id chosen in a form."""
    try:
        return UUID(data.get(name, ""))
    except ValueError:
        raise BadInput(N_("Choose one of the list.")) from None


@get("/depot/proposals", include_in_schema=False)
async def proposals(visit: Here, request: Request[Any, Any, Any]) -> Template:
    """Products for a field of the receipt; the text comes under the field's own name."""
    text = next(iter(request.query_params.values()), "")
    found = await formulary_queries.search(visit.session, visit.actor, receiving.code_of(text), limit=12)
    return page(visit, "depot/_proposals.html", found=found, proposal=receiving.proposal)


@get("/depot/receive/so-far", include_in_schema=False)
async def receipts(visit: Here, depot: FromQuery[UUID | None] = None) -> Template:
    """Goods that came in, newest first."""
    visit.actor.must("stock.read")
    here = await depot_of(visit, depot)
    found = await stock_queries.receipts(visit.session, visit.actor, here["id"])
    return await shown(visit, here, "receipts.html", received=found)


# ---- stock ----


@get("/depot/stock", include_in_schema=False)
async def stock_list(
    visit: Here, request: Request[Any, Any, Any], q: FromQuery[str] = "",
    depot: FromQuery[UUID | None] = None, after: FromQuery[str] = "", last: FromQuery[UUID | None] = None,
) -> Template:  # fmt: skip
    """What lies at the depot, product by product; to htmx, what the typed words find."""
    visit.actor.must("stock.read")
    here = await depot_of(visit, depot)
    limit = 8 if wants_piece(request) else 50
    found = await stock_queries.stock_list(
        visit.session, visit.actor, here["id"], text=q, after=(after, last) if last else None, limit=limit
    )
    template = "_stock_found.html" if wants_piece(request) else "stock.html"
    return await shown(
        visit, here, template, products=found if q or not wants_piece(request) else [], q=q,
        next_page=found[-1] if len(found) == 50 else None,
        watch=await stock_queries.watch(
            visit.session, visit.actor, here["id"], clock.today() + timedelta(days=SOON_DAYS)
        ),
    )  # fmt: skip


@get("/depot/stock/lots", include_in_schema=False)
async def lots(
    visit: Here, which: FromQuery[str] = "expiring", depot: FromQuery[UUID | None] = None
) -> Template:
    """Lots somebody has to see to: those in quarantine, or those that expire soon."""
    visit.actor.must("stock.read")
    here = await depot_of(visit, depot)
    soon = clock.today() + timedelta(days=SOON_DAYS)
    is_aside = which == "quarantine"
    found = await stock_queries.lots_to_watch(
        visit.session, visit.actor, here["id"],
        condition="quarantine" if is_aside else "released", expires_by=None if is_aside else soon,
    )  # fmt: skip
    watch = await stock_queries.watch(visit.session, visit.actor, here["id"], soon)
    return await shown(visit, here, "lots.html", lots=found, is_aside=is_aside, watch=watch)


@get("/depot/stock/{product_id:uuid}", include_in_schema=False)
async def card(
    visit: Here,
    product_id: FromPath[UUID],
    depot: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
) -> Template:
    """The stock card of a product: its lots, every movement, and the papers behind them."""
    visit.actor.must("stock.read")
    return await _card(visit, await depot_of(visit, depot), product_id, before)


async def _card(
    visit: Visit, here: Row, product_id: UUID, before: UUID | None = None, error: str = "", status: int = 200
) -> Template:
    session, actor = visit.session, visit.actor
    moved = await stock_queries.stock_card(session, actor, here["id"], product_id, before=before)
    papers = await delivery_queries.papers(session, {m["paper_id"] for m in moved if m["paper_id"]})
    product = await formulary_queries.product(session, product_id)
    return await shown(
        visit, here, "card.html", status=status, product=product, ladder=ladder_of(product), error=error,
        lots=await stock_queries.lots_of(session, actor, here["id"], product_id), moved=moved, papers=papers,
        kinds=KIND_NAMES, reversible=stock.REVERSIBLE, paper_href=paper_href,
        next_before=moved[-1]["id"] if len(moved) == 50 else None,
    )  # fmt: skip


def paper_href(paper: Row) -> str:
    """Where the paper behind a movement is."""
    pages = {"requisition": "/depot/requisitions/", "run": "/dispatch/runs/", "stop": "/proofs/"}
    return f"{pages[paper['kind']]}{paper['id']}"


async def _done(
    visit: Visit, product_id: UUID, depot: UUID | None, step: Callable[[Row], Any]
) -> Template | Redirect:
    """Do something to the stock and show the card again, or why it could not be done."""
    here = await depot_of(visit, depot)
    try:
        await step(here)
    except (BadInput, NotEnough) as refusal:
        return await _card(visit, here, product_id, error=said(visit, refusal), status=refusal.status)
    return go(links(visit, here)(f"/depot/stock/{product_id}"))


def _number(data: Mapping[str, str], name: str) -> int:
    """A whole number of a form."""
    text = data.get(name, "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise BadInput(N_("'{value}' is not a whole number of base units."), value=text)
    return int(text)


@post("/depot/stock/{product_id:uuid}/adjust", include_in_schema=False)
async def adjust(
    visit: Here, product_id: FromPath[UUID], data: Form, depot: FromQuery[UUID | None] = None
) -> Template | Redirect:
    """Post what a count found; the difference to what the books say is the movement."""

    async def step(here: Row) -> None:
        difference = _number(data, "counted") - _number(data, "on_hand")
        await stock.adjust(
            visit.session, visit.actor, here["id"], _id(data, "lot_id"), difference,
            reason=data.get("reason", ""), condition=_condition(data),
        )  # fmt: skip

    return await _done(visit, product_id, depot, step)


def _condition(data: Mapping[str, str]) -> str:
    return "quarantine" if data.get("condition") == "quarantine" else "released"


@post("/depot/stock/{product_id:uuid}/quarantine", include_in_schema=False)
async def quarantine(
    visit: Here, product_id: FromPath[UUID], data: Form, depot: FromQuery[UUID | None] = None
) -> Template | Redirect:
    """Set goods aside, or release what was set aside."""

    async def step(here: Row) -> None:
        await stock.quarantine(
            visit.session, visit.actor, here["id"], _id(data, "lot_id"), _number(data, "quantity"),
            reason=data.get("reason", ""), release=data.get("condition") == "quarantine",
        )  # fmt: skip

    return await _done(visit, product_id, depot, step)


@post("/depot/stock/{product_id:uuid}/reverse", include_in_schema=False)
async def reverse(
    visit: Here, product_id: FromPath[UUID], data: Form, depot: FromQuery[UUID | None] = None
) -> Template | Redirect:
    """Undo a movement by its opposite, with the reason."""

    async def step(here: Row) -> None:
        await stock.reverse(
            visit.session, visit.actor, _id(data, "movement_id"), reason=data.get("reason", "")
        )

    return await _done(visit, product_id, depot, step)
