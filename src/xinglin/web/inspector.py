"""The inspector's desk: the state of the books, and the evidence behind every number (审计)."""

import csv
import io
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from xinglin.base import clock
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput, NotFound
from xinglin.base.language import translate
from xinglin.delivery import queries as delivery_queries
from xinglin.formulary import queries as formulary_queries
from xinglin.gate import Here, Visit
from xinglin.inspection import actions as inspection, flows, papers, proving, queries as inspection_queries
from xinglin.inspection.rules import SEVERITIES
from xinglin.places import queries as place_queries
from xinglin.places.rules import KIND_NAMES, PlaceKind
from xinglin.stock import queries as stock_queries
from xinglin.web import reading
from xinglin.web.desk import after as after_name, id_in, ladder, reasons, refused
from xinglin.web.page import NAV, Link, go, page, wants_piece
from xinglin.web.register import REASON_NAMES

NAV["inspector"] = (
    Link(N_("Books"), "/inspector", "shield-check", "inspection.read"),
    Link(N_("Findings"), "/inspector/findings", "flag", "inspection.read"),
    Link(N_("Trail"), "/inspector/trail", "fingerprint", "inspection.read"),
    Link(N_("Ledger"), "/inspector/ledger", "stack-2", "inspection.read"),
    Link(N_("In and out"), "/inspector/flows", "arrows-exchange", "inspection.read"),
)
KIND_WORDS = {
    "receive": N_("Received"),
    "issue": N_("Issued to patients"),
    "load": N_("Loaded on a vehicle"),
    "deliver": N_("Delivered"),
    "bring_back": N_("Brought back"),
    "miss": N_("Missing on arrival"),
    "adjust": N_("Count corrected"),
    "quarantine": N_("Set aside or released"),
    "reverse": N_("Reversal"),
}
BOOKS = {
    "trail": N_("Trail"),
    "movement": N_("Movements"),
    "hold": N_("Promises"),
    "hold_answer": N_("Answers to promises"),
    "seal": N_("Seals"),
}
PAGE = 50
LONGEST_PERIOD_DAYS = 1100
LOT_NUMBER_LEAST = 3


def handlers() -> list[Any]:
    """The desk's addresses."""
    return [
        home, verify, check, findings, trail, entry, find, paper, ledger, ledger_place, card, lot, seal_chain, seal,
        row_in_seal, in_and_out, in_and_out_of, in_and_out_csv, mark_up,
    ]  # fmt: skip


def show(visit: Visit, template: str, *, status: int = 200, **context: Any) -> Template:
    """A page of evidence; only for those who may read all books."""
    visit.actor.must("inspection.read")
    return page(
        visit, f"inspector/{template}", status=status, today=clock.today(), ladder=ladder,
        may_check=visit.actor.may("inspection.check"), kind_words=KIND_WORDS, book_words=BOOKS,
        place_kinds=KIND_NAMES, reason_words=REASON_NAMES, translated=partial(translated, visit.locale), **context,
    )  # fmt: skip


def translated(locale: str, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Codes with their words, to be chosen from."""
    return [(code, translate(locale, word)) for code, word in words.items()]


# ---- the state of the books ----


@get("/inspector", include_in_schema=False)
async def home(visit: Here) -> Template:
    """Do the books hold together? In plain words."""
    return show(visit, "home.html", verified=None, **await _state(visit))


async def _state(visit: Visit) -> dict[str, Any]:
    """Figures, seals, open findings, the last round of checks."""
    rounds = await inspection_queries.rounds(visit.session, visit.actor, limit=5)
    open_findings = await inspection_queries.findings(visit.session, visit.actor, limit=200)
    severities = await inspection_queries.open_by_severity(visit.session, visit.actor)
    return {
        "figures": await stock_queries.figures(visit.session),
        "seals": await inspection_queries.state_of_seals(visit.session, visit.actor),
        "severities": [(name, word, severities.get(name, 0)) for name, word in SEVERITIES.items()],
        "rounds": rounds,
        "is_unequal": any(row["check_name"] == "ledger_equals_balance" for row in open_findings),
        "marked_up": len(await flows.marked_up(visit.session, visit.actor, month_ago(), clock.today())),
        "month_ago": month_ago(),
        "groups": groups,
    }


def month_ago() -> date:
    """The first day of the thirty that end today."""
    return clock.today() - timedelta(days=29)


def groups(hash: str | None) -> list[str]:
    """A hash in groups of eight, to be read aloud and compared."""
    return re.findall(".{1,8}", hash or "")


@post("/inspector/verify", include_in_schema=False, status_code=200)
async def verify(visit: Here) -> Template:
    """Recompute every seal and every balance now. Writes nothing."""
    visit.actor.must("inspection.read")
    verified = await inspection_queries.verify(visit.session)
    return show(visit, "home.html", verified=verified, verified_at=clock.now(), **await _state(visit))


@post("/inspector/check", include_in_schema=False)
async def check(visit: Here) -> Redirect:
    """One round of all checks; its findings are the next page."""
    await inspection.check(visit.session, visit.actor)
    return go("/inspector/findings")


@get("/inspector/findings", include_in_schema=False)
async def findings(visit: Here, tab: FromQuery[str] = "open", after: FromQuery[str] = "") -> Template:
    """What should not be, with the rows that prove it."""
    is_open = tab != "gone"
    found = await inspection_queries.findings(
        visit.session, visit.actor, is_open=is_open, after=_moment_and_id(after), limit=PAGE
    )
    rounds = await inspection_queries.rounds(visit.session, visit.actor, limit=1)
    shown = [_finding(visit, row) for row in found]
    return show(
        visit, "findings.html", is_open=is_open, found=sorted(shown, key=lambda one: one["rank"]), severities=SEVERITIES,
        last_round=rounds[0] if rounds else None, limit=PAGE,
        next=f"{found[-1]['found_at'].isoformat()}|{found[-1]['id']}" if len(found) == PAGE else "",
    )  # fmt: skip


def _moment_and_id(cursor: str) -> tuple[datetime, UUID] | None:
    """Where the list goes on: `moment|id`."""
    moment, _, id = cursor.partition("|")
    last = id_in(id)
    try:
        return (datetime.fromisoformat(moment), last) if last else None
    except ValueError:
        return None


def _finding(visit: Visit, row: Row) -> dict[str, Any]:
    """A finding with its sentence and its evidence in the reader's language."""
    fields, evidence = msgspec.json.decode(row["fields"]), msgspec.json.decode(row["evidence"])
    return {
        "rank": list(SEVERITIES).index(row["severity"]) if row["severity"] in SEVERITIES else len(SEVERITIES),
        "severity": row["severity"],
        "said": translate(visit.locale, row["message"], **fields),
        "check": row["check_name"],
        "found_at": row["found_at"],
        "gone_at": row["gone_at"],
        "evidence": [link for piece in evidence for link in evidence_links(visit.locale, piece, fields)],
    }


def evidence_links(locale: str, piece: dict[str, Any], fields: dict[str, Any]) -> list[tuple[str, str]]:
    """Where the rows of a finding can be seen: (what, address)."""
    links = []
    if lot_id := id_in(piece.get("lot_id")):
        links.append(
            (
                translate(locale, N_("Movements of lot {lot}"), lot=fields.get("lot", "")),
                f"/inspector/lots/{lot_id}",
            )
        )
    if movement := id_in(piece.get("movement_id")):
        links.append((translate(locale, N_("The movement")), f"/inspector/rows/movement/{movement}"))
    if "proof_id" in piece and "number" in fields:
        links.append((str(fields["number"]), f"/inspector/papers/{fields['number']}"))
    if seal_number := piece.get("seal"):
        links.append(
            (translate(locale, N_("Seal {number}"), number=seal_number), f"/inspector/seals/{seal_number}")
        )
    if piece.get("book") in BOOKS and (row := id_in(piece.get("row"))):
        links.append((translate(locale, N_("The row")), f"/inspector/rows/{piece['book']}/{row}"))
    return links


# ---- the trail ----


@get("/inspector/trail", include_in_schema=False)
async def trail(
    visit: Here, room: FromQuery[str] = "", verb: FromQuery[str] = "", person: FromQuery[str] = "",
    paper: FromQuery[str] = "", day: FromQuery[str] = "", before: FromQuery[str] = "",
) -> Template:  # fmt: skip
    """Who did what, when, where, to which paper; newest first."""
    typed = {"room": room, "verb": verb, "person": person, "paper": paper, "day": day}
    on, fault = _day(visit, day)
    wanted = verb if verb in reading.VERBS else f"{room}." if room in reading.ROOMS else ""
    found = [] if fault else await inspection_queries.trail(
        visit.session, visit.actor, verb=wanted, person=person, paper=paper, on=on, before=id_in(before), limit=PAGE
    )  # fmt: skip
    query = urlencode({key: value for key, value in typed.items() if value})
    return show(
        visit, "trail.html", status=422 if fault else 200, typed=typed, fault=fault, rooms=reading.ROOMS,
        verbs=reading.VERBS, entries=await reading.entries(visit, found), query=query, limit=PAGE,
    )  # fmt: skip


def _day(visit: Visit, text: str) -> tuple[date | None, str]:
    """A day as it was typed, or why it is none."""
    try:
        return (date.fromisoformat(text) if text else None), ""
    except ValueError:
        return None, refused(visit, BadInput(N_("“{value}” is no day: write it as 2026-09-01."), value=text))


@get("/inspector/trail/{entry_id:uuid}", include_in_schema=False)
async def entry(visit: Here, entry_id: FromPath[UUID]) -> Template:
    """One entry, whole, with its place in the chain of seals."""
    return await _row_page(visit, "trail", entry_id)


# ---- looking for something ----


@get("/inspector/find", include_in_schema=False)
async def find(request: Request[Any, Any, Any], visit: Here, q: FromQuery[str] = "") -> Template | Redirect:
    """Papers by number, medicines, places and lots by name: one box for all."""
    visit.actor.must("inspection.read")
    text = q.strip()[:80]
    found = await _found(visit, text) if text else {"papers": [], "lots": [], "medicines": [], "places": []}
    if (
        not wants_piece(request)
        and len(found["papers"]) == 1
        and found["papers"][0]["number"] == text.upper()
    ):
        return go(f"/inspector/papers/{text.upper()}")
    template = "_found.html" if wants_piece(request) else "find.html"
    return show(visit, template, text=text, **found)


async def _found(visit: Visit, text: str) -> dict[str, Any]:
    s, who = visit.session, visit.actor
    return {
        "papers": await papers.find(s, who, text, limit=8),
        "lots": await papers.lots_numbered(s, who, text) if len(text) >= LOT_NUMBER_LEAST else [],
        "medicines": await formulary_queries.search(s, who, text, limit=5)
        if who.may("formulary.read")
        else [],
        "places": await place_queries.named(s, who, text, limit=5),
    }


# ---- a paper and all that hangs together with it ----


@get("/inspector/papers/{number:str}", include_in_schema=False)
async def paper(visit: Here, number: FromPath[str]) -> Template:
    """The working paper (底稿): numbered evidence from request to signature, as it is printed."""
    try:
        chain = await papers.chain(visit.session, visit.actor, number)
    except NotFound as refusal:
        return show(
            visit,
            "find.html",
            status=404,
            text=number,
            error=refused(visit, refusal),
            **await _found(visit, number),
        )
    seals = await inspection_queries.state_of_seals(visit.session, visit.actor)
    return show(
        visit, "paper.html", chain=chain, kind_name=papers.KINDS.get(chain.kind, chain.kind),
        lines=[(line, reasons(visit, line)) for line in chain.lines], entries=await reading.entries(visit, chain.trail),
        signatures={row["number"]: _picture(row["signature"]) for row in chain.proofs}, seals=seals,
        drawn_at=clock.now(), groups=groups,
    )  # fmt: skip


def _picture(png: bytes | None) -> str:
    """A signature inside the page, so that the paper is whole wherever it is kept."""
    return f"data:image/png;base64,{b64encode(png).decode()}" if png else ""


# ---- the ledger ----


@get("/inspector/ledger", include_in_schema=False)
async def ledger(visit: Here) -> Template:
    """Every place that keeps goods: whose card is wanted?"""
    visit.actor.must("inspection.read")
    places = await place_queries.places(visit.session, visit.actor, kinds=_keeping(), limit=2000)
    return show(visit, "ledger.html", places=places)


def _keeping() -> list[str]:
    """Kinds of place at which goods lie."""
    beyond = (PlaceKind.SUPPLIER, PlaceKind.PATIENTS, PlaceKind.LOSSES)
    return [kind for kind in PlaceKind if kind not in beyond]


@get("/inspector/ledger/{place_id:uuid}", include_in_schema=False)
async def ledger_place(
    visit: Here, place_id: FromPath[UUID], q: FromQuery[str] = "", after: FromQuery[str] = ""
) -> Template:
    """What lies at one place; each line leads to its card."""
    visit.actor.must("inspection.read")
    place = await place_queries.place_in_reach(visit.session, visit.actor, place_id)
    found = await stock_queries.stock_list(
        visit.session,
        visit.actor,
        place_id,
        text=q,
        after=after_name(after),
        limit=PAGE,
    )
    return show(visit, "place.html", place=place, found=found, text=q, limit=PAGE)


@get("/inspector/ledger/{place_id:uuid}/{product_id:uuid}", include_in_schema=False)
async def card(
    visit: Here, place_id: FromPath[UUID], product_id: FromPath[UUID], before: FromQuery[str] = ""
) -> Template:
    """The stock card of a medicine at a place, each movement with its paper."""
    visit.actor.must("inspection.read")
    place = await place_queries.place_in_reach(visit.session, visit.actor, place_id)
    product = await formulary_queries.product(visit.session, product_id)
    found = await stock_queries.stock_card(
        visit.session, visit.actor, place_id, product_id, before=id_in(before), limit=PAGE
    )
    return show(
        visit, "card.html", place=place, product=product, found=found, limit=PAGE, papers=await _papers(visit, found),
        lots=await stock_queries.lots_of(visit.session, visit.actor, place_id, product_id),
    )  # fmt: skip


async def _papers(visit: Visit, movements: Iterable[Row]) -> dict[UUID, Row]:
    """The papers behind movements, by id."""
    return await delivery_queries.papers(
        visit.session, {row["paper_id"] for row in movements if row["paper_id"]}
    )


@get("/inspector/lots/{lot_id:uuid}", include_in_schema=False)
async def lot(visit: Here, lot_id: FromPath[UUID], after: FromQuery[str] = "") -> Template:
    """A lot's way through the county, from the supplier to the patient."""
    facts = await papers.lot(visit.session, visit.actor, lot_id)
    found = await papers.lot_movements(visit.session, visit.actor, lot_id, after=id_in(after), limit=100)
    return show(
        visit, "lot.html", lot=facts, found=found, papers=await _papers(visit, found), limit=100,
        lies_at=await papers.lot_lies_at(visit.session, lot_id),
    )  # fmt: skip


# ---- the seals ----


@get("/inspector/seals", include_in_schema=False)
async def seal_chain(visit: Here, before: FromQuery[int | None] = None) -> Template:
    """The chain, newest link first."""
    found = await inspection_queries.chain(visit.session, visit.actor, before=before, limit=PAGE)
    return show(visit, "seals.html", found=found, groups=groups, limit=PAGE)


@get("/inspector/seals/{number:int}", include_in_schema=False)
async def seal(visit: Here, number: FromPath[int]) -> Template:
    """One link: what it covers."""
    found, books = await proving.seal_books(visit.session, visit.actor, number)
    rows = await proving.sealed_rows(visit.session, visit.actor, number)
    return show(
        visit, "seal.html", seal=found, rows=rows,
        covered=[(translate(visit.locale, BOOKS[row["book"]]), row["rows"]) for row in books], verbs=reading.VERBS, groups=groups,
        hexes={name: found[name].hex() for name in ("root", "previous", "hash")},
    )  # fmt: skip


@get("/inspector/rows/{book:str}/{row_id:uuid}", include_in_schema=False)
async def row_in_seal(visit: Here, book: FromPath[str], row_id: FromPath[UUID]) -> Template:
    """One row of a book, and its place in its seal."""
    return await _row_page(visit, book, row_id)


async def _row_page(visit: Visit, book: str, row_id: UUID) -> Template:
    proved = await proving.prove(visit.session, visit.actor, book, row_id)
    found = await inspection_queries.entry(visit.session, visit.actor, row_id) if book == "trail" else None
    movement = await papers.movement(visit.session, visit.actor, row_id) if book == "movement" else None
    return show(
        visit, "row.html", proved=proved, book=book, movement=movement,
        entry=(await reading.entries(visit, [found]))[0] if found else None,
        papers=await _papers(visit, [movement] if movement else []),
    )  # fmt: skip


# ---- what came and went ----

FLOW_COLUMNS = ("opening", "bought", "delivered", "back", "issued", "sent", "corrected", "closing", "on_hand")
FLOW_WORDS = {
    "opening": N_("Opening"),
    "bought": N_("From suppliers"),
    "delivered": N_("Brought here"),
    "back": N_("Came back"),
    "issued": N_("To patients"),
    "sent": N_("Sent on"),
    "corrected": N_("Corrections"),
    "closing": N_("Closing"),
    "on_hand": N_("On hand now"),
    "bought_amount": N_("Bought for"),
    "issued_amount": N_("Issued for"),
}


class Period:
    """From a day to a day, as it was typed; why it is none."""

    def __init__(self, visit: Visit, since: str, until: str) -> None:
        self.since, fault = _day(visit, since)
        self.until, other = _day(visit, until)
        self.since = self.since or clock.today().replace(day=1)
        self.until = self.until or clock.today()
        self.typed = {"since": since or self.since.isoformat(), "until": until or self.until.isoformat()}
        self.fault = fault or other
        if not self.fault and not 0 <= (self.until - self.since).days <= LONGEST_PERIOD_DAYS:
            refusal = BadInput(
                N_("A period goes from a day to a later one, over {days} days at most."),
                days=LONGEST_PERIOD_DAYS,
            )
            self.fault = refused(visit, refusal)

    @property
    def days(self) -> tuple[date, date]:
        """First and last day; nothing where what was typed is no period."""
        assert self.since and self.until
        return (self.since, self.until) if not self.fault else (self.until, self.until - timedelta(days=1))


def adds_up(row: Row) -> bool:
    """Opening + in − out = closing."""
    came = row["opening"] + row["bought"] + row["delivered"] + row["back"] + row["corrected"]
    return bool(came - row["issued"] - row["sent"] == row["closing"])


def totals(rows: Sequence[Row]) -> dict[str, Any]:
    """All rows together."""
    return {name: sum(row[name] for row in rows) for name in FLOW_WORDS}


async def _flow(visit: Visit, period: Period, place_id: UUID | None, product_id: UUID | None) -> list[Row]:
    if period.fault:
        return []
    if place_id is not None:
        return await flows.by_product(visit.session, visit.actor, place_id, *period.days)
    return await flows.by_place(visit.session, visit.actor, *period.days, product_id)


@get("/inspector/flows", include_in_schema=False)
async def in_and_out(
    visit: Here, since: FromQuery[str] = "", until: FromQuery[str] = "", product: FromQuery[str] = ""
) -> Template:
    """Place by place: opening, in, out, closing. All medicines, or one."""
    period, product_id = Period(visit, since, until), id_in(product)
    return await _flow_page(visit, period, None, product_id)


@get("/inspector/flows/{place_id:uuid}", include_in_schema=False)
async def in_and_out_of(
    visit: Here, place_id: FromPath[UUID], since: FromQuery[str] = "", until: FromQuery[str] = ""
) -> Template:
    """One place, medicine by medicine."""
    return await _flow_page(visit, Period(visit, since, until), place_id, None)


async def _flow_page(
    visit: Visit, period: Period, place_id: UUID | None, product_id: UUID | None
) -> Template:
    visit.actor.must("inspection.read")
    found = await _flow(visit, period, place_id, product_id)
    place = await place_queries.place_in_reach(visit.session, visit.actor, place_id) if place_id else None
    product = await formulary_queries.product(visit.session, product_id) if product_id else None
    query = urlencode(
        period.typed
        | ({"product": product_id} if product_id else {})
        | ({"place": place_id} if place_id else {})
    )
    return show(
        visit, "flows.html", status=422 if period.fault else 200, period=period, place=place, product=product, found=found,
        total=totals(found), adds_up=adds_up, is_now=not await flows.has_later(visit.session, period.days[1]),
        query=query, columns=FLOW_COLUMNS,
        heads=[{"label": translate(visit.locale, FLOW_WORDS[name]), "numeric": True} for name in FLOW_COLUMNS],
    )  # fmt: skip


@get("/inspector/flows.csv", include_in_schema=False)
async def in_and_out_csv(
    visit: Here, since: FromQuery[str] = "", until: FromQuery[str] = "", product: FromQuery[str] = "",
    place: FromQuery[str] = "",
) -> Response[bytes]:  # fmt: skip
    """The table as it is shown, for a spreadsheet. Base units and yuan."""
    visit.actor.must("inspection.read")
    period, place_id = Period(visit, since, until), id_in(place)
    if period.fault:
        raise BadInput(N_("This is no period: choose the days anew."))
    found = await _flow(visit, period, place_id, id_in(product))
    first = (N_("Code"), N_("Medicine"), N_("Unit")) if place_id else (N_("No."), N_("Place"), N_("Town"))
    keys = ("code", "generic_name", "base_unit") if place_id else ("no", "name", "town")
    head = [translate(visit.locale, word) for word in (*first, *FLOW_WORDS.values())]
    body = csv_of(head, [[row[key] for key in (*keys, *FLOW_WORDS)] for row in found])
    name = f"in-out-{period.days[0]}-{period.days[1]}.csv"
    return Response(
        body,
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def csv_of(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV file that spreadsheets open in UTF-8; no cell is read as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


@get("/inspector/mark-up", include_in_schema=False)
async def mark_up(visit: Here, since: FromQuery[str] = "", until: FromQuery[str] = "") -> Template:
    """Issues at another price than the lot was bought at: should be none (零差率)."""
    visit.actor.must("inspection.read")
    period = Period(visit, since, until)
    found = [] if period.fault else await flows.marked_up(visit.session, visit.actor, *period.days)
    return show(
        visit, "mark_up.html", status=422 if period.fault else 200, period=period, found=found,
        checked=0 if period.fault else await flows.issues_checked(visit.session, *period.days),
    )  # fmt: skip
