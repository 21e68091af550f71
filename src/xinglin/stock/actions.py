"""Goods come in, go out, are set aside, corrected. All through the one ledger."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, money, trail
from xinglin.base.actor import Actor
from xinglin.base.columns import MOST_UNITS
from xinglin.base.errors import N_, BadInput, NotEnough, NotFound, WrongState
from xinglin.base.ids import new_id
from xinglin.places import queries as place_queries
from xinglin.stock import ledger, queries
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
)


class Received(NamedTuple):
    """One line of goods that came in. Base units; yuan per base unit."""

    product_id: UUID
    lot_number: str
    expires_on: date
    quantity: int
    unit_price: Decimal
    made_on: date | None = None


class Issued(NamedTuple):
    """So many base units of a product used for patients, on a day (None: the day of the whole paper)."""

    product_id: UUID
    quantity: int
    used_on: date | None = None


async def receive(
    session: AsyncSession,
    actor: Actor,
    place_id: UUID,
    lines: Sequence[Received],
    *,
    supplier_id: UUID,
    occurred_on: date | None = None,
    paper: str = "",
) -> list[UUID]:
    """Take goods from a supplier into a place's released stock.

    Refuses expired goods, quantities of nothing, and a day in the future.
    """
    actor.must("stock.receive")
    await place_queries.own_place(session, actor, place_id)
    await place_queries.place_of_kind(session, supplier_id, "supplier")
    on = occurred_on or clock.today()
    await ledger.refuse_future(on)
    _refuse_nothing(lines)
    for number, line in enumerate(lines, 1):
        _check_received(number, line, on)
    lots = await lots_named(session, lines)
    moves = [
        Move(Kind.RECEIVE, line.product_id, lot_id, line.quantity, supplier_id, place_id, line.unit_price, on)
        for line, lot_id in zip(lines, lots, strict=True)
    ]
    movements = await apply(session, moves=moves)
    await trail.record(
        session, actor, "stock.receive", place_id, supplier=supplier_id, lines=len(lines), invoice=paper,
        units=sum(line.quantity for line in lines),
    )  # fmt: skip
    return movements


def _refuse_nothing(lines: Sequence[object]) -> None:
    if not lines:
        raise BadInput(N_("Name at least one line of goods."))


def _check_quantity(number: int, quantity: int) -> None:
    if quantity <= 0:
        raise BadInput(
            N_("Line {line}: the quantity must be above zero, not {value}."), line=number, value=quantity
        )
    _refuse_too_many(quantity)


def _refuse_too_many(quantity: int) -> None:
    if quantity > MOST_UNITS:
        raise BadInput(
            N_("{value} units are more than one line can carry ({most})."), value=quantity, most=MOST_UNITS
        )


def _check_received(number: int, line: Received, on: date) -> None:
    _check_quantity(number, line.quantity)
    if not line.lot_number.strip():
        raise BadInput(N_("Line {line}: goods come with a lot number."), line=number)
    if not money.is_price(line.unit_price):
        raise BadInput(
            N_("Line {line}: {value} is no price: zero or more yuan per base unit, four places at most."),
            line=number, value=line.unit_price,
        )  # fmt: skip
    if line.expires_on <= on:
        raise BadInput(
            N_("Line {line}: lot {lot} expired on {day} and cannot be received into stock."),
            line=number, lot=line.lot_number, day=line.expires_on,
        )  # fmt: skip


async def lots_named(session: AsyncSession, lines: Sequence[Received]) -> list[UUID]:
    """The lots of these lines, made where they are new. One lot number may return with the same expiry."""
    wanted = sorted(
        {(line.product_id, line.lot_number, line.expires_on, line.made_on) for line in lines}, key=str
    )
    await database.run(
        session,
        """INSERT INTO lot (id, product_id, number, expires_on, made_on, recalled)
           SELECT id, product_id, number, expires_on, made_on, false
           FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::date[])
             AS l (id, product_id, number, expires_on, made_on)
           ON CONFLICT (product_id, number, expires_on) DO NOTHING""",
        [new_id() for _ in wanted],
        *(list(column) for column in zip(*wanted, strict=True)),
    )
    found = await database.rows(
        session,
        """SELECT l.id, l.product_id, l.number, l.expires_on FROM lot l
           JOIN unnest($1::uuid[], $2::text[], $3::date[]) AS k (product_id, number, expires_on)
             USING (product_id, number, expires_on)""",
        [line.product_id for line in lines],
        [line.lot_number for line in lines],
        [line.expires_on for line in lines],
    )
    ids = {(row["product_id"], row["number"], row["expires_on"]): row["id"] for row in found}
    return [ids[line.product_id, line.lot_number, line.expires_on] for line in lines]


async def issue(
    session: AsyncSession,
    actor: Actor,
    place_id: UUID,
    lines: Sequence[Issued],
    *,
    occurred_on: date | None = None,
) -> list[UUID]:
    """Give goods to patients, the lot that expires first leaving first (发药, 消耗).

    Lines may carry days of their own, so that weeks of use can be brought in at once. Refuses with
    NotEnough when a product is not there in that quantity.
    """
    actor.must("stock.issue")
    await place_queries.own_place(session, actor, place_id)
    on = occurred_on or clock.today()
    _refuse_nothing(lines)
    used = _by_day(lines, on)
    latest = max(day for _, day in used)
    await ledger.refuse_future(latest)
    patients = await place_queries.edge(session, "patients")
    lots = await queries.lock_lots(session, place_id, {product for product, _ in used})
    keys = {new_id(): key for key in sorted(used, key=lambda key: (key[1], key[0]))}
    served = allot([Want(id, key[0], used[key]) for id, key in keys.items()], lots, latest)
    for id, key in keys.items():
        if served[id].quantity < used[key]:
            await _refuse_issue(session, place_id, key[0], used[key], served[id].quantity)
    prices = await prices_at(session, place_id, [take.lot_id for a in served.values() for take in a.takes])
    moves = [
        Move(
            Kind.ISSUE,
            keys[id][0],
            take.lot_id,
            take.quantity,
            place_id,
            patients,
            prices[take.lot_id],
            keys[id][1],
        )
        for id, allotment in served.items()
        for take in allotment.takes
    ]
    movements = await apply(session, moves=moves)
    await trail.record(session, actor, "stock.issue", place_id, lines=len(used), on=on)
    return movements


def _by_day(lines: Sequence[Issued], on: date) -> dict[tuple[UUID, date], int]:
    """One quantity for each product and day."""
    used: dict[tuple[UUID, date], int] = {}
    for number, line in enumerate(lines, 1):
        _check_quantity(number, line.quantity)
        key = (line.product_id, line.used_on or on)
        used[key] = used.get(key, 0) + line.quantity
    return used


async def _refuse_issue(
    session: AsyncSession, place_id: UUID, product_id: UUID, wanted: int, free: int
) -> None:
    named = await database.row(
        session,
        "SELECT d.generic_name, d.base_unit, p.name FROM product d, place p WHERE d.id = $1 AND p.id = $2",
        product_id,
        place_id,
    )
    if named is None:
        raise NotFound(N_("There is no such product in this county's formulary."))
    raise NotEnough(
        N_("Only {free} of {wanted} {unit} of {product} can be issued at {place}."),
        free=free, wanted=wanted, unit=named["base_unit"], product=named["generic_name"], place=named["name"],
    )  # fmt: skip


async def prices_at(session: AsyncSession, place_id: UUID, lots: Iterable[UUID]) -> dict[UUID, Decimal]:
    """At which price each lot last came to a place (zero mark-up: it leaves at the same)."""
    ids = list(set(lots))
    found = await database.rows(
        session,
        """SELECT DISTINCT ON (lot_id) lot_id, unit_price FROM movement
           WHERE target_id = $1 AND lot_id = ANY($2) AND kind <> 'quarantine' ORDER BY lot_id, id DESC""",
        place_id,
        ids,
    )
    return {id: Decimal(0) for id in ids} | {row["lot_id"]: row["unit_price"] for row in found}


async def adjust(
    session: AsyncSession, actor: Actor, place_id: UUID, lot_id: UUID, difference: int, *, reason: str,
    condition: str = Condition.RELEASED,
) -> UUID:  # fmt: skip
    """Post what a count found: a difference, never an absolute (盘盈盘亏). Base units, not zero."""
    actor.must("stock.adjust")
    await place_queries.place_in_reach(session, actor, place_id)
    if difference == 0 or not reason.strip():
        raise BadInput(N_("A correction needs a difference other than zero and a reason."))
    _refuse_too_many(abs(difference))
    if condition not in set(Condition):
        raise BadInput(
            N_("{value} is no condition; possible are {choices}."),
            value=condition, choices=", ".join(Condition),
        )  # fmt: skip
    lot = await _lot(session, lot_id)
    losses = await place_queries.edge(session, "losses")
    price = (await prices_at(session, place_id, [lot_id]))[lot_id]
    here, there = (losses, place_id) if difference > 0 else (place_id, losses)
    move = Move(
        Kind.ADJUST, lot["product_id"], lot_id, abs(difference), here, there, price, clock.today(),
        condition, condition,
    )  # fmt: skip
    (movement,) = await apply(session, moves=[move])
    await trail.record(
        session, actor, "stock.adjust", movement, place=place_id, lot=lot["number"], difference=difference,
        reason=reason,
    )  # fmt: skip
    return movement


async def quarantine(
    session: AsyncSession, actor: Actor, place_id: UUID, lot_id: UUID, quantity: int, *, reason: str,
    release: bool = False,
) -> UUID:  # fmt: skip
    """Set goods aside until somebody has decided (待验), or with `release` let them go back."""
    actor.must("stock.quarantine")
    await place_queries.place_in_reach(session, actor, place_id)
    if quantity <= 0 or not reason.strip():
        raise BadInput(N_("Setting goods aside needs a quantity above zero and a reason."))
    _refuse_too_many(quantity)
    lot = await _lot(session, lot_id)
    price = (await prices_at(session, place_id, [lot_id]))[lot_id]
    before, after = Condition.RELEASED, Condition.QUARANTINE
    if release:
        before, after = after, before
    move = Move(
        Kind.QUARANTINE, lot["product_id"], lot_id, quantity, place_id, place_id, price, clock.today(),
        before, after,
    )  # fmt: skip
    (movement,) = await apply(session, moves=[move])
    await trail.record(
        session, actor, "stock.quarantine", movement, place=place_id, lot=lot["number"], quantity=quantity,
        before=before, after=after, reason=reason,
    )  # fmt: skip
    return movement


async def _lot(session: AsyncSession, lot_id: UUID) -> database.Row:
    lot = await database.row(
        session, "SELECT id, product_id, number, expires_on FROM lot WHERE id = $1", lot_id
    )
    if lot is None:
        raise NotFound(N_("There is no such lot."))
    return lot


REVERSIBLE = frozenset({Kind.RECEIVE, Kind.ISSUE, Kind.ADJUST, Kind.QUARANTINE})
"""What a person may reverse; what papers moved is put right by papers."""


async def reverse(session: AsyncSession, actor: Actor, movement_id: UUID, *, reason: str) -> UUID:
    """Undo a movement by its opposite, which names it. Once; never a reversal, never a paper's movement."""
    actor.must("stock.reverse")
    if not reason.strip():
        raise BadInput(N_("A reversal needs a reason."))
    m = await queries.movement_in_reach(session, actor, movement_id)
    if m["kind"] not in REVERSIBLE or m["paper_id"] is not None:
        raise WrongState(N_("A movement of this kind ({kind}) is put right by its paper."), kind=m["kind"])
    back = Move(
        Kind.REVERSE, m["product_id"], m["lot_id"], m["quantity"], m["target_id"], m["source_id"],
        m["unit_price"], clock.today(), m["target_condition"], m["source_condition"], m["paper_id"], m["id"],
    )  # fmt: skip
    (movement,) = await apply(session, moves=[back])
    await trail.record(session, actor, "stock.reverse", movement_id, by=movement, reason=reason)
    return movement


# For the rooms above: promise, keep the promise, take it back. They tell the trail themselves.


async def hold(
    session: AsyncSession, place_id: UUID, paper_id_of: Mapping[UUID, UUID], served: Mapping[UUID, Allotment],
    lots: Sequence[LotOnHand],
) -> list[HoldDraft]:  # fmt: skip
    """Promise allotted goods to lines; `paper_id_of` names the paper of each line."""
    product_of = {lot.lot_id: lot.product_id for lot in lots}
    holds = [
        HoldDraft(
            new_id(), place_id, product_of[take.lot_id], take.lot_id, take.quantity, paper_id_of[line], line
        )
        for line, allotment in served.items()
        for take in allotment.takes
    ]
    await apply(session, holds=holds)
    return holds


async def release(session: AsyncSession, holds: Sequence[UUID]) -> None:
    """Take promises back whole: the goods are free again."""
    await apply(session, answers=[Answer(hold, 0) for hold in holds])
