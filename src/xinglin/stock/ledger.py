"""The one door to the books of goods: movements, holds and answers change balances here and nowhere else.

Deadlock cannot happen between two calls: missing balance rows are put in first, then all rows are
locked, both in the order of (place, lot, condition). One call for each transaction; a constant number
of statements however many lines (docs/ledger.md).
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.errors import N_, NotEnough, NotFound, WrongState
from xinglin.base.ids import new_id
from xinglin.stock.rules import EDGES, Answer, Change, HoldDraft, Key, Move, net_changes


async def apply(
    session: AsyncSession,
    *,
    moves: Sequence[Move] = (),
    holds: Sequence[HoldDraft] = (),
    answers: Sequence[Answer] = (),
) -> list[UUID]:
    """Write movements, new holds and answers to holds, and change the balances they touch.

    Gives the ids of the movements. Refuses with NotEnough when a place would hold less than nothing
    or less than is promised, with WrongState when a hold was answered or a movement reversed before.
    """
    answered = await _holds(session, [answer.hold_id for answer in answers])
    changes = net_changes(moves, holds, answered, await edges(session))
    have = await _lock(session, changes)
    await _refuse_answered(session, answered)
    await _refuse_reversed(session, moves)
    await _check(session, changes, have)
    await _change(session, changes)
    await _add_holds(session, holds)
    await _add_answers(session, answers, answered)
    return await _add_movements(session, moves)


async def edges(session: AsyncSession) -> frozenset[UUID]:
    """The places beyond the books."""
    found = await database.rows(session, "SELECT id FROM place WHERE kind = ANY($1)", list(EDGES))
    return frozenset(row["id"] for row in found)


async def _holds(session: AsyncSession, ids: list[UUID]) -> list[HoldDraft]:
    """The holds to be answered; holds never change, so they are read before any lock."""
    if not ids:
        return []
    found = await database.rows(
        session,
        "SELECT id, place_id, product_id, lot_id, quantity, paper_id, line_id FROM hold WHERE id = ANY($1)",
        ids,
    )
    if len(found) != len(set(ids)) or len(ids) != len(set(ids)):
        raise NotFound(N_("There is no such hold."))
    return [HoldDraft(*row) for row in found]


async def _lock(session: AsyncSession, changes: dict[Key, Change]) -> dict[Key, tuple[int, int]]:
    """Lock every balance that will change, in order; what is on hand and held of each."""
    if not changes:
        return {}
    keys = list(changes)
    places, lots, conditions = (
        [k.place_id for k in keys],
        [k.lot_id for k in keys],
        [k.condition for k in keys],
    )
    if any(change.on_hand > 0 for change in changes.values()):
        await database.run(
            session,
            """INSERT INTO balance (place_id, lot_id, condition, product_id)
               SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[])
               ON CONFLICT DO NOTHING""",
            places,
            lots,
            conditions,
            [change.product_id for change in changes.values()],
        )
    locked = await database.rows(
        session,
        """SELECT b.place_id, b.lot_id, b.condition, b.on_hand, b.held
           FROM balance b
           JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (place_id, lot_id, condition)
             USING (place_id, lot_id, condition)
           ORDER BY b.place_id, b.lot_id, b.condition FOR UPDATE OF b""",
        places,
        lots,
        conditions,
    )
    return {Key(*row[:3]): (row["on_hand"], row["held"]) for row in locked}


async def _refuse_answered(session: AsyncSession, answered: Sequence[HoldDraft]) -> None:
    """A hold is answered once; its balance is locked, so an answer given meanwhile is seen here."""
    ids = [hold.id for hold in answered]
    if ids and await database.value(
        session, "SELECT 1 FROM hold_answer WHERE hold_id = ANY($1) LIMIT 1", ids
    ):
        raise WrongState(N_("These goods were already taken from the shelf or set free."))


async def _refuse_reversed(session: AsyncSession, moves: Sequence[Move]) -> None:
    """A movement is reversed once; its balances are locked, so a reversal made meanwhile is seen here."""
    ids = [move.reverses_id for move in moves if move.reverses_id is not None]
    if not ids:
        return
    if len(ids) != len(set(ids)) or await database.value(
        session, "SELECT 1 FROM movement WHERE reverses_id = ANY($1) LIMIT 1", ids
    ):
        raise WrongState(N_("This movement was already reversed."))


async def _check(session: AsyncSession, changes: dict[Key, Change], have: dict[Key, tuple[int, int]]) -> None:
    """Refuse what would leave less than nothing, or less than is promised."""
    for key, change in changes.items():
        on_hand, held = have.get(key, (0, 0))
        if on_hand + change.on_hand < held + change.held:
            wanted = max(0, change.held - change.on_hand)
            await _refuse(session, key, wanted=wanted, free=on_hand - held)


async def _refuse(session: AsyncSession, key: Key, *, wanted: int, free: int) -> None:
    """Say which goods are not there, by name."""
    named = await database.row(
        session,
        """SELECT p.name, d.generic_name, d.base_unit, l.number FROM lot l JOIN product d ON d.id = l.product_id,
           place p WHERE l.id = $2 AND p.id = $1""",
        key.place_id,
        key.lot_id,
    )
    assert named is not None, "lots and places are checked by foreign keys"
    raise NotEnough(
        N_("Only {free} of {wanted} {unit} of {product}, lot {lot}, are free at {place}."),
        free=max(0, free),
        wanted=wanted,
        unit=named["base_unit"],
        product=named["generic_name"],
        lot=named["number"],
        place=named["name"],
    )


async def _change(session: AsyncSession, changes: dict[Key, Change]) -> None:
    """Change the locked balances."""
    if not changes:
        return
    await database.run(
        session,
        """UPDATE balance b SET on_hand = b.on_hand + c.on_hand, held = b.held + c.held
           FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[])
             AS c (place_id, lot_id, condition, on_hand, held)
           WHERE (b.place_id, b.lot_id, b.condition) = (c.place_id, c.lot_id, c.condition)""",
        [key.place_id for key in changes],
        [key.lot_id for key in changes],
        [key.condition for key in changes],
        [change.on_hand for change in changes.values()],
        [change.held for change in changes.values()],
    )


async def _add_holds(session: AsyncSession, holds: Sequence[HoldDraft]) -> None:
    """Write new holds."""
    if not holds:
        return
    await database.run(
        session,
        """INSERT INTO hold (id, at, place_id, product_id, lot_id, quantity, paper_id, line_id)
           SELECT id, $8, place_id, product_id, lot_id, quantity, paper_id, line_id
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[], $7::uuid[])
             AS h (id, place_id, product_id, lot_id, quantity, paper_id, line_id)""",
        *(list(column) for column in zip(*holds, strict=True)),
        clock.now(),
    )


async def _add_answers(
    session: AsyncSession, answers: Sequence[Answer], answered: Sequence[HoldDraft]
) -> None:
    """Answer holds."""
    if not answers:
        return
    quantities = {hold.id: hold.quantity for hold in answered}
    ids = [answer.hold_id for answer in answers]
    await database.run(
        session,
        """INSERT INTO hold_answer (hold_id, at, quantity, settled, released)
           SELECT hold_id, $4, quantity, settled, quantity - settled
           FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS a (hold_id, quantity, settled)""",
        ids,
        [quantities[id] for id in ids],
        [answer.settled for answer in answers],
        clock.now(),
    )


async def _add_movements(session: AsyncSession, moves: Sequence[Move]) -> list[UUID]:
    """Write movements."""
    if not moves:
        return []
    ids = [new_id() for _ in moves]
    columns = [list(column) for column in zip(*moves, strict=True)]
    await database.run(
        session,
        """INSERT INTO movement (id, at, kind, product_id, lot_id, quantity, source_id, target_id, unit_price,
             occurred_on, source_condition, target_condition, paper_id, reverses_id)
           SELECT id, $14, kind, product_id, lot_id, quantity, source_id, target_id, unit_price,
             occurred_on, source_condition, target_condition, paper_id, reverses_id
           FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[], $7::uuid[],
             $8::numeric[], $9::date[], $10::text[], $11::text[], $12::uuid[], $13::uuid[])
             AS m (id, kind, product_id, lot_id, quantity, source_id, target_id, unit_price,
             occurred_on, source_condition, target_condition, paper_id, reverses_id)""",
        ids,
        *columns,
        clock.now(),
    )
    return ids


async def refuse_future(occurred_on: date) -> None:
    """Goods do not move tomorrow."""
    if occurred_on > clock.today():
        raise WrongState(N_("{day} lies in the future."), day=occurred_on)
