"""A requisition from basket to receipt (请领 → 审核 → 配货 → 拣货 → 签收)."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, trail
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, BadInput
from xinglin.base.ids import new_id, paper_number
from xinglin.formulary import queries as formulary_queries
from xinglin.orders import queries, rules
from xinglin.orders.rationing import Claim, Ration, ration_by_life
from xinglin.orders.rules import Asked, Rejected
from xinglin.orders.suggestion import suggest
from xinglin.places import queries as place_queries
from xinglin.shortages import actions as shortages
from xinglin.shortages.actions import Missing
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.ledger import apply
from xinglin.stock.rules import (
    Allotment,
    Answer,
    Condition,
    HoldDraft,
    Kind,
    LotOnHand,
    Move,
    Want,
    allot,
    passed_over,
    usable,
)


class Placed(NamedTuple):
    """A requisition after lines were put on it: which it is, how many lines it has, and which could not stay."""

    id: UUID
    number: str
    version: int
    lines: int
    rejected: list[Rejected]


async def place(
    session: AsyncSession, actor: Actor, place_id: UUID, asked: Sequence[Asked], *, is_urgent: bool = False,
    note: str = "", submit: bool = True,
) -> Placed:  # fmt: skip
    """Make a requisition with its lines and (unless a draft is wanted) submit it, in one go.

    A line that may not be ordered is rejected with its reason while the rest passes (domain.md 2.C 8);
    refuses when nothing is left.
    """
    actor.must("orders.submit" if submit else "orders.open")
    here = await place_queries.own_place(session, actor, place_id)
    supplier_id = _supplier_of(here)
    kept, rejected, facts = await _checked(session, here, asked)
    if submit and not kept:
        raise _nothing_left(rejected)
    now, on = clock.now(), clock.today()
    id, number = new_id(), await paper_number(session, "REQ", on, here["no"])
    await database.run(
        session,
        """INSERT INTO requisition (id, number, place_id, supplier_id, made_on, is_urgent, note, made_by, made_at,
             submitted_at, review_note, reviewed_by, version)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 1)""",
        id, number, place_id, supplier_id, on, is_urgent, note.strip(), actor.name, now, now if submit else None,
    )  # fmt: skip
    await _write_lines(session, id, here, kept, facts)
    await trail.record(
        session, actor, "orders.submit" if submit else "orders.open", id, paper=number, lines=len(kept),
        rejected=[line.product_id for line in rejected],
    )  # fmt: skip
    return Placed(id, number, 1, len(kept), rejected)


async def put_lines(
    session: AsyncSession, actor: Actor, requisition_id: UUID, asked: Sequence[Asked], *,
    version: int | None = None, is_urgent: bool | None = None, note: str | None = None,
) -> Placed:  # fmt: skip
    """Put a draft's lines as they are now wanted: lines not named any more are taken off."""
    actor.must("orders.put_lines")
    found = await queries.requisition_for_change(session, actor, requisition_id, version)
    queries.only_at(actor, found["place_id"])
    here = await place_queries.place_in_reach(session, actor, found["place_id"])
    rules.check_step(found["state"], "put_lines", found["number"])
    kept, rejected, facts = await _checked(session, here, asked)
    await database.run(session, "DELETE FROM requisition_line WHERE requisition_id = $1", requisition_id)
    await _write_lines(session, requisition_id, here, kept, facts)
    await database.run(
        session,
        """UPDATE requisition SET version = version + 1, is_urgent = coalesce($2, is_urgent), note = coalesce($3, note)
           WHERE id = $1""",
        requisition_id, is_urgent, note,
    )  # fmt: skip
    await trail.record(
        session, actor, "orders.put_lines", requisition_id, paper=found["number"], lines=len(kept),
        rejected=[line.product_id for line in rejected],
    )  # fmt: skip
    return Placed(requisition_id, found["number"], found["version"] + 1, len(kept), rejected)


async def submit(
    session: AsyncSession, actor: Actor, requisition_id: UUID, *, version: int | None = None
) -> Row:
    """Send a draft to the place that supplies. Refuses an empty one."""
    actor.must("orders.submit")
    found = await queries.requisition_for_change(session, actor, requisition_id, version)
    queries.only_at(actor, found["place_id"])
    rules.check_step(found["state"], "submit", found["number"])
    lines = await database.value(
        session, "SELECT count(*) FROM requisition_line WHERE requisition_id = $1", requisition_id
    )
    if not lines:
        raise BadInput(
            N_("{number} has no lines yet: put at least one medicine on it."), number=found["number"]
        )
    await _stamp(session, requisition_id, "submitted_at = $2, returned_at = NULL")
    await trail.record(session, actor, "orders.submit", requisition_id, paper=found["number"], lines=lines)
    return found


async def cancel(
    session: AsyncSession, actor: Actor, requisition_id: UUID, *, note: str = "", version: int | None = None
) -> Row:
    """Withdraw a requisition that nobody has approved yet."""
    actor.must("orders.cancel")
    found = await queries.requisition_for_change(session, actor, requisition_id, version)
    queries.only_at(actor, found["place_id"])
    rules.check_step(found["state"], "cancel", found["number"])
    await _stamp(session, requisition_id, "cancelled_at = $2")
    await trail.record(
        session,
        actor,
        "orders.cancel",
        requisition_id,
        paper=found["number"],
        before=found["state"],
        note=note,
    )
    return found


async def send_back(
    session: AsyncSession, actor: Actor, requisition_id: UUID, *, note: str, version: int | None = None
) -> Row:
    """Give a submitted requisition back to who wrote it, saying what to change."""
    actor.must("orders.send_back")
    found = await queries.requisition_for_change(session, actor, requisition_id, version)
    queries.only_at(actor, found["supplier_id"])
    rules.check_step(found["state"], "send_back", found["number"])
    if not note.strip():
        raise BadInput(N_("Say what should be changed when you send {number} back."), number=found["number"])
    await database.run(
        session,
        """UPDATE requisition SET submitted_at = NULL, returned_at = $2, review_note = $3, reviewed_by = $4,
             version = version + 1 WHERE id = $1""",
        requisition_id, clock.now(), note.strip(), actor.name,
    )  # fmt: skip
    await trail.record(session, actor, "orders.send_back", requisition_id, paper=found["number"], note=note)
    return found


class Approval(NamedTuple):
    """Another quantity than was asked for, in base units, and why."""

    quantity: int
    note: str


async def approve(
    session: AsyncSession, actor: Actor, requisition_id: UUID,
    changes: Mapping[UUID, Approval] | None = None, *, note: str = "", version: int | None = None,
) -> Row:  # fmt: skip
    """Let a submitted requisition go ahead, as asked or (with a reason for each line) otherwise."""
    actor.must("orders.approve")
    found = await queries.requisition_for_change(session, actor, requisition_id, version)
    queries.only_at(actor, found["supplier_id"])
    rules.check_step(found["state"], "approve", found["number"])
    changes = changes or {}
    await _check_changes(session, requisition_id, changes)
    await database.run(
        session,
        """UPDATE requisition_line l SET approved = coalesce(c.quantity, l.asked), approval_note = coalesce(c.note, '')
           FROM requisition_line k LEFT JOIN unnest($2::uuid[], $3::bigint[], $4::text[]) AS c (id, quantity, note)
             ON c.id = k.id
           WHERE k.requisition_id = $1 AND l.id = k.id""",
        requisition_id, list(changes), [c.quantity for c in changes.values()], [c.note for c in changes.values()],
    )  # fmt: skip
    await database.run(
        session,
        """UPDATE requisition SET approved_at = $2, review_note = $3, reviewed_by = $4, version = version + 1
           WHERE id = $1""",
        requisition_id, clock.now(), note.strip(), actor.name,
    )  # fmt: skip
    await trail.record(
        session, actor, "orders.approve", requisition_id, paper=found["number"], note=note,
        changed={str(line): [change.quantity, change.note] for line, change in changes.items()},
    )  # fmt: skip
    return found


async def _check_changes(
    session: AsyncSession, requisition_id: UUID, changes: Mapping[UUID, Approval]
) -> None:
    """Changed lines belong to the paper, are whole packs, and say why."""
    if not changes:
        return
    known = {line["id"]: line for line in await queries.lines(session, requisition_id)}
    for id, change in changes.items():
        if (line := known.get(id)) is None:
            raise BadInput(N_("One of the changed lines is not on this requisition."))
        if not 0 <= change.quantity <= rules.LARGEST_LINE or change.quantity % line["pack_size"]:
            raise BadInput(
                N_("{product} is ordered in whole packs ({unit} of {size}); {value} is not."),
                product=line["generic_name"],
                unit=line["pack_unit"],
                size=line["pack_size"],
                value=change.quantity,
            )
        if change.quantity != line["asked"] and not change.note.strip():
            raise BadInput(
                N_("{product}: say why another quantity is approved than was asked for."),
                product=line["generic_name"],
            )  # fmt: skip


class Wave(NamedTuple):
    """What one round of allocation came to. Base units."""

    requisitions: int
    lines: int
    approved: int
    allocated: int
    shortages: int


async def allocate(
    session: AsyncSession, actor: Actor, supplier_id: UUID, requisitions: Iterable[UUID] | None = None
) -> Wave:
    """Share what a supplying place has among all its approved requisitions, and promise it lot by lot.

    Fair by rationing.py, FEFO with each receiver's minimum remaining life, whole packs. What a line
    cannot get becomes a shortage. A constant number of statements however many lines.
    """
    actor.must("orders.allocate")
    supplier = await place_queries.own_place(session, actor, supplier_id)
    on = clock.today()
    lines = await _lock_approved(session, supplier_id, requisitions)
    if not lines:
        return Wave(0, 0, 0, 0, 0)
    lots = _whole_packs(
        await stock_queries.lock_lots(session, supplier_id, {line["product_id"] for line in lines}), lines
    )
    tiers = {line["tier"] for line in lines}
    life = {tier: await formulary_queries.minimum_life_days(session, tier, on) for tier in tiers}
    rations = await _ration(session, lines, lots, life, on)
    wants = [
        Want(line["id"], line["product_id"], rations[line["id"]].quantity, life[line["tier"]])
        for line in sorted(lines, key=lambda line: (line["urgency"], line["id"]))
    ]
    served = allot(wants, lots, on)
    _say_why_short(lines, served, lots, life, on)
    await stock.hold(
        session, supplier_id, {line["id"]: line["requisition_id"] for line in lines}, served, lots
    )
    await _write_rations(session, lines, rations, served)
    missing = _missing(lines, served)
    await shortages.note_missing(session, supplier["no"], missing)
    wave = Wave(
        len({line["requisition_id"] for line in lines}), len(lines), sum(line["approved"] for line in lines),
        sum(allotment.quantity for allotment in served.values()), len(missing),
    )  # fmt: skip
    await trail.record(
        session, actor, "orders.allocate", supplier_id, paper=supplier["code"], **wave._asdict()
    )
    return wave


async def _lock_approved(
    session: AsyncSession, supplier_id: UUID, requisitions: Iterable[UUID] | None
) -> list[Row]:
    """The lines of a supplier's approved requisitions, their papers locked in order."""
    papers = await database.rows(
        session,
        """SELECT id FROM requisition WHERE supplier_id = $1 AND state = 'approved'
             AND ($2::uuid[] IS NULL OR id = ANY($2)) ORDER BY id FOR UPDATE""",
        supplier_id,
        None if requisitions is None else list(requisitions),
    )
    return await database.rows(
        session,
        """SELECT l.id, l.requisition_id, l.product_id, l.approved, r.place_id, r.is_urgent, p.tier, d.pack_size,
             CASE WHEN r.is_urgent THEN 'rescue' ELSE d.priority END AS priority,
             CASE WHEN r.is_urgent THEN 0 ELSE 1 END AS urgency
           FROM requisition_line l JOIN requisition r ON r.id = l.requisition_id
             JOIN place p ON p.id = r.place_id JOIN product d ON d.id = l.product_id
           WHERE l.requisition_id = ANY($1) ORDER BY l.id""",
        [paper["id"] for paper in papers],
    )


def _whole_packs(lots: Sequence[LotOnHand], lines: Sequence[Row]) -> list[LotOnHand]:
    """Opened packs stay where they are: only whole ones are sent on."""
    pack = {line["product_id"]: line["pack_size"] for line in lines}
    return [lot._replace(free=lot.free - lot.free % pack[lot.product_id]) for lot in lots]


async def _ration(
    session: AsyncSession, lines: Sequence[Row], lots: Sequence[LotOnHand], life: Mapping[str, int], on: date
) -> dict[UUID, Ration]:
    """The fair share of each line."""
    places, products = {line["place_id"] for line in lines}, {line["product_id"] for line in lines}
    there = await stock_queries.on_hand(session, places, products, on)
    used = await stock_queries.daily_use(session, places, on, products)
    by_product: dict[UUID, list[Row]] = defaultdict(list)
    for line in lines:
        by_product[line["product_id"]].append(line)
    piles: dict[UUID, list[LotOnHand]] = defaultdict(list)
    for lot in lots:
        piles[lot.product_id].append(lot)
    rations: dict[UUID, Ration] = {}
    for product, asking in by_product.items():
        supply = {days: usable(piles[product], on, days) for days in {life[line["tier"]] for line in asking}}
        claims = [
            Claim(
                line["id"],
                line["approved"],
                there.get((line["place_id"], product), 0),
                used.get((line["place_id"], product), Decimal(0)),
                line["priority"],
                life[line["tier"]],
            )
            for line in asking
        ]
        shares = ration_by_life(supply, claims, asking[0]["pack_size"])
        rations |= {share.line_id: share for share in shares}
    return rations


def _say_why_short(
    lines: Sequence[Row], served: Mapping[UUID, Allotment], lots: Sequence[LotOnHand], life: Mapping[str, int],
    on: date,
) -> None:  # fmt: skip
    """A line that did not get all it may have is told of every lot that may not go to it."""
    piles: dict[UUID, list[LotOnHand]] = defaultdict(list)
    for lot in lots:
        piles[lot.product_id].append(lot)
    for line in lines:
        allotment = served[line["id"]]
        if allotment.quantity < line["approved"]:
            allotment.passed_over = passed_over(piles[line["product_id"]], on, life[line["tier"]])


def _missing(lines: Sequence[Row], served: Mapping[UUID, Allotment]) -> list[Missing]:
    """What approved lines did not get."""
    return [
        Missing(
            line["place_id"],
            line["product_id"],
            line["approved"] - served[line["id"]].quantity,
            "out_of_stock",
            line["requisition_id"],
            line["id"],
        )
        for line in lines
        if served[line["id"]].quantity < line["approved"]
    ]


async def _write_rations(
    session: AsyncSession,
    lines: Sequence[Row],
    rations: Mapping[UUID, Ration],
    served: Mapping[UUID, Allotment],
) -> None:
    """Write what each line gets and why; a requisition that gets nothing is closed at once."""
    ids = [line["id"] for line in lines]
    await database.run(
        session,
        """UPDATE requisition_line l SET rationed = c.rationed, allocated = c.allocated, ration = c.ration::jsonb,
             passed_over = c.passed_over::jsonb
           FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
             AS c (id, rationed, allocated, ration, passed_over) WHERE l.id = c.id""",
        ids,
        [rations[id].quantity for id in ids],
        [served[id].quantity for id in ids],
        [_json({k: v for k, v in rations[id]._asdict().items() if k != "line_id"}) for id in ids],
        [_json([lot._asdict() for lot in served[id].passed_over]) for id in ids],
    )
    papers = sorted({line["requisition_id"] for line in lines})
    served_papers = {line["requisition_id"] for line in lines if served[line["id"]].quantity}
    await database.run(
        session,
        """UPDATE requisition SET allocated_at = $2::timestamptz, version = version + 1,
             closed_at = CASE WHEN id = ANY($3) THEN NULL ELSE $2::timestamptz END WHERE id = ANY($1)""",
        papers, clock.now(), list(served_papers),
    )  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


class ShortPick(NamedTuple):
    """Fewer units lay on the shelf than the books say, and what was seen."""

    quantity: int
    reason: str


async def pick(
    session: AsyncSession, actor: Actor, requisition_id: UUID, short: Mapping[UUID, ShortPick] | None = None, *,
    version: int | None = None,
) -> int:  # fmt: skip
    """Take the promised goods from the shelf; how many lots were picked.

    `short` names holds of which less was found: the rest is set aside in quarantine until it is
    counted, and registered as a shortage, never silently cancelled.
    """
    actor.must("orders.pick")
    found = await queries.requisition_for_change(session, actor, requisition_id, version)
    queries.only_at(actor, found["supplier_id"])
    rules.check_step(found["state"], "pick", found["number"])
    holds = await queries.pick_list(session, requisition_id)
    holds = await _pick_short(session, actor, found, holds, short or {})
    await database.run(
        session,
        """INSERT INTO pick (id, requisition_id, line_id, hold_id, lot_id, quantity, picked_by, picked_at)
           SELECT id, $6, line_id, hold_id, lot_id, quantity, $7, $8
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[])
             AS k (id, line_id, hold_id, lot_id, quantity)""",
        [new_id() for _ in holds], [h["line_id"] for h in holds], [h["hold_id"] for h in holds],
        [h["lot_id"] for h in holds], [h["quantity"] for h in holds], requisition_id, actor.name, clock.now(),
    )  # fmt: skip
    await _sum_lines(session, requisition_id, "picked", "pick")
    await _stamp(session, requisition_id, "picked_at = $2" if holds else "picked_at = $2, closed_at = $2")
    await trail.record(
        session, actor, "orders.pick", requisition_id, paper=found["number"], lots=len(holds),
        short={str(hold): [s.quantity, s.reason] for hold, s in (short or {}).items()},
    )  # fmt: skip
    return len(holds)


async def _pick_short(
    session: AsyncSession, actor: Actor, found: Row, holds: Sequence[Row], short: Mapping[UUID, ShortPick]
) -> list[Any]:
    """Answer short holds, hold what was found anew, set the rest aside, register it."""
    known = {hold["hold_id"]: hold for hold in holds}
    for id, seen in short.items():
        hold = known.get(id)
        if hold is None or not 0 <= seen.quantity < hold["quantity"] or not seen.reason.strip():
            raise BadInput(
                N_("A short pick names a line of this list, fewer units than promised, and a reason.")
            )
    if not short:
        return list(holds)
    facts = {
        row["line_id"]: row
        for row in await database.rows(
            session,
            "SELECT id AS line_id, product_id, unit_price FROM requisition_line WHERE requisition_id = $1",
            found["id"],
        )
    }
    fresh = [
        HoldDraft(
            new_id(),
            found["supplier_id"],
            facts[known[id]["line_id"]]["product_id"],
            known[id]["lot_id"],
            seen.quantity,
            found["id"],
            known[id]["line_id"],
        )
        for id, seen in short.items()
        if seen.quantity
    ]
    aside = [
        Move(
            Kind.QUARANTINE,
            facts[known[id]["line_id"]]["product_id"],
            known[id]["lot_id"],
            known[id]["quantity"] - seen.quantity,
            found["supplier_id"],
            found["supplier_id"],
            facts[known[id]["line_id"]]["unit_price"],
            clock.today(),
            Condition.RELEASED,
            Condition.QUARANTINE,
            found["id"],
        )
        for id, seen in short.items()
    ]
    await apply(session, moves=aside, holds=fresh, answers=[Answer(id, 0) for id in short])
    supplier_no = await database.value(session, "SELECT no FROM place WHERE id = $1", found["supplier_id"])
    await shortages.note_missing(
        session,
        supplier_no,
        [
            Missing(
                found["place_id"],
                move.product_id,
                move.quantity,
                "short_pick",
                found["id"],
                known[id]["line_id"],
                seen.reason,
            )
            for (id, seen), move in zip(short.items(), aside, strict=True)
        ],
    )
    kept = [dict(hold) for hold in holds if hold["hold_id"] not in short]
    return kept + [
        {"hold_id": h.id, "line_id": h.line_id, "lot_id": h.lot_id, "quantity": h.quantity} for h in fresh
    ]


# For delivery, which tells the trail itself.


async def ship(session: AsyncSession, requisitions: Sequence[UUID]) -> None:
    """Picked requisitions have left on a vehicle, all that was picked of them."""
    await _step(session, requisitions, "ship", "shipped_at")
    await database.run(
        session,
        "UPDATE requisition_line SET shipped = picked WHERE requisition_id = ANY($1)",
        list(requisitions),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the units of one line that were shipped. Base units."""

    line_id: UUID
    accepted: int
    damaged: int = 0
    short: int = 0
    refused: int = 0


async def receive(session: AsyncSession, requisitions: Sequence[UUID], outcomes: Sequence[Outcome]) -> None:
    """Shipped requisitions were handed over: each line's units have found their outcome."""
    await _step(session, requisitions, "receive", "closed_at")
    await database.run(
        session,
        """UPDATE requisition_line l SET accepted = l.accepted + o.accepted, damaged = l.damaged + o.damaged,
             short = l.short + o.short, refused = l.refused + o.refused
           FROM (SELECT id, sum(accepted)::bigint AS accepted, sum(damaged)::bigint AS damaged,
               sum(short)::bigint AS short, sum(refused)::bigint AS refused
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
               AS o (id, accepted, damaged, short, refused) GROUP BY id) o
           WHERE l.id = o.id""",
        [o.line_id for o in outcomes], [o.accepted for o in outcomes], [o.damaged for o in outcomes],
        [o.short for o in outcomes], [o.refused for o in outcomes],
    )  # fmt: skip


async def _step(session: AsyncSession, requisitions: Sequence[UUID], step: str, column: str) -> None:
    """Take several papers one step on, locked in order."""
    found = await database.rows(
        session,
        "SELECT id, number, state FROM requisition WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        list(requisitions),
    )
    for paper in found:
        rules.check_step(paper["state"], step, paper["number"])
    await database.run(
        session,
        f"UPDATE requisition SET {column} = $2, version = version + 1 WHERE id = ANY($1)",
        list(requisitions),
        clock.now(),
    )


async def _stamp(session: AsyncSession, requisition_id: UUID, changes: str) -> None:
    """Set times on a paper and count its version up."""
    await database.run(
        session,
        f"UPDATE requisition SET {changes}, version = version + 1 WHERE id = $1",
        requisition_id,
        clock.now(),
    )


async def _sum_lines(session: AsyncSession, requisition_id: UUID, column: str, table: str) -> None:
    """A line's quantity is the sum of its rows below."""
    await database.run(
        session,
        f"""UPDATE requisition_line l SET {column} = coalesce(
              (SELECT sum(quantity) FROM {table} k WHERE k.line_id = l.id), 0)
            WHERE l.requisition_id = $1""",
        requisition_id,
    )


def _supplier_of(here: Row) -> UUID:
    if here["supplied_by_id"] is None:
        raise BadInput(
            N_("Nobody supplies {place}: the administrator names its supplier first."), place=here["name"]
        )
    supplier: UUID = here["supplied_by_id"]
    return supplier


def _nothing_left(rejected: Sequence[Rejected]) -> BadInput:
    """An order of which no line can stay."""
    if not rejected:
        return BadInput(N_("An order needs at least one line."))
    return BadInput(rejected[0].message, **rejected[0].fields)


async def _checked(
    session: AsyncSession, here: Row, asked: Sequence[Asked]
) -> tuple[list[Asked], list[Rejected], dict[UUID, Row]]:
    """Tell lines that may be ordered from lines that may not."""
    if len(asked) > rules.LONGEST_ORDER:
        raise BadInput(N_("An order has {value} lines at most."), value=rules.LONGEST_ORDER)
    if len({line.product_id for line in asked}) < len(asked):
        raise BadInput(N_("The same product stands on two lines: put it on one."))
    rejected, facts = await queries.rejected(session, here["tier"] or "", asked)
    barred = {line.product_id for line in rejected}
    return [line for line in asked if line.product_id not in barred], rejected, facts


async def _write_lines(
    session: AsyncSession, requisition_id: UUID, here: Row, kept: Sequence[Asked], facts: Mapping[UUID, Row]
) -> None:
    """Write lines with what the system would have asked beside what the person asks."""
    if not kept:
        return
    packs = {line.product_id: facts[line.product_id]["pack_size"] for line in kept}
    needs = await queries.needs(session, here["id"], here["tier"] or "", packs)
    suggested = [suggest(needs[line.product_id]) for line in kept]
    await database.run(
        session,
        """INSERT INTO requisition_line (id, requisition_id, position, product_id, asked, suggested, suggestion,
             approval_note, unit_price)
           SELECT id, $7, position, product_id, asked, suggested, suggestion, '', unit_price
           FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::numeric[])
             WITH ORDINALITY AS l (id, product_id, asked, suggested, suggestion, unit_price, position)""",
        [new_id() for _ in kept],
        [line.product_id for line in kept],
        [line.quantity for line in kept],
        [suggestion.quantity for suggestion in suggested],
        [_json([suggestion.message, suggestion.fields]) for suggestion in suggested],
        [facts[line.product_id]["unit_price"] for line in kept],
        requisition_id,
    )  # fmt: skip
