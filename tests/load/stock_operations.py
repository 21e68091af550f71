"""Random stock operations from many connections at once: nothing but refusals, and the books balance.

`python -m tests.load.stock_operations --operations 100000 --json`
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.world import BUILDER, COUNTY, build, id_of
from xinglin import install
from xinglin.base import clock, database, seals
from xinglin.base.cluster import Cluster
from xinglin.base.database import Database
from xinglin.base.errors import Refusal
from xinglin.base.ids import new_id
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Received
from xinglin.stock.ledger import apply
from xinglin.stock.rules import Answer, HoldDraft, Kind, Move, Want, allot

CONNECTIONS = 16
PLACES = ("central", "township1", "township2", "clinic1", "clinic2")
PRODUCTS = ("amoxicillin", "metformin", "adrenaline", "ibuprofen")
LOT_NUMBERS = 5
"""So few lots that connections meet on the same rows all the time."""
OVERSIGHT = 0.1
"""How often two work on the same paper at once."""
WEIGHTS = {"receive": 4, "hold": 6, "settle": 2, "release": 2, "deliver": 3, "reverse": 2}
MOST_IN_ONE = 6
"""Operations that go into one transaction, at most."""


@dataclass
class Outcome:
    """What came of a run."""

    operations: int = 0
    refusals: int = 0
    errors: int = 0
    deadlocks: int = 0
    ledger_balanced: bool = False
    below_zero: int = 0
    held_twice: int = 0
    seals_verified: bool = False
    seconds: float = 0.0
    per_s: float = 0.0
    done: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether the law held."""
        return not (self.errors or self.deadlocks or self.below_zero or self.held_twice) and (
            self.ledger_balanced and self.seals_verified
        )


class Load:
    """What is known of the books while many work on them; two may choose the same hold or movement."""

    def __init__(self, base: Database, operations: int, seed: int) -> None:
        self.base, self.left, self.random = base, operations, random.Random(seed)
        self.holds: dict[UUID, HoldDraft] = {}
        self.moved: dict[UUID, Move] = {}
        self.lots: dict[UUID, UUID] = {}
        self.outcome = Outcome()
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def quantity(self) -> int:
        return self.random.choice((1, 2, 5, 10, 100))

    async def work(self) -> None:
        """One connection: one transaction after the other until nothing is left to do."""
        while self.left > 0:
            count = min(self.left, self.random.choice((1, 1, 1, self.random.randint(2, MOST_IN_ONE))))
            self.left -= count
            if count > 1:
                await self.once(["batch"] * count, partial(batch, count=count))
            else:
                (name,) = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
                await self.once([name], SINGLE[name])

    async def once(
        self, names: list[str], act: Callable[["Load", AsyncSession], Awaitable[Callable[[], None]]]
    ) -> None:
        """One transaction; what the books then hold is noted after its commit."""
        self.outcome.operations += len(names)
        try:
            async with self.base.transaction(COUNTY) as session:
                note = await act(self, session)
            note()
            self.done.update(names)
        except Refusal as refusal:
            self.outcome.refusals += len(names)
            self.refused[refusal.code] += len(names)
        except (DBAPIError, asyncpg.PostgresError, AssertionError, LookupError) as error:
            self.outcome.errors += 1
            self.outcome.deadlocks += "deadlock" in str(error).lower()
            if len(self.outcome.failures) < 5:
                self.outcome.failures.append(f"{names[0]}: {type(error).__name__}: {error}"[:300])

    def a_place(self) -> UUID:
        return id_of(self.random.choice(PLACES))

    def a_lot(self) -> UUID:
        return self.random.choice(tuple(self.lots))

    def a_hold(self) -> HoldDraft | None:
        """One of the open holds; now and then it is left for somebody else to choose as well."""
        if not self.holds:
            return None
        id = self.random.choice(tuple(self.holds))
        return self.holds[id] if self.random.random() < OVERSIGHT else self.holds.pop(id)

    def a_movement(self) -> tuple[UUID, Move] | None:
        """One that may be reversed, with the same oversight."""
        if not self.moved:
            return None
        id = self.random.choice(tuple(self.moved))
        return id, self.moved[id] if self.random.random() < OVERSIGHT else self.moved.pop(id)

    def receipt(self, times: int = 10) -> Received:
        product = self.random.choice(PRODUCTS)
        number = f"{product[:3].upper()}{self.random.randrange(LOT_NUMBERS)}"
        expires_on = clock.today() + timedelta(days=300 + self.random.randrange(2))
        return Received(id_of(product), number, expires_on, times * self.quantity(), Decimal("1.0000"))

    def transfer(self, kind: Kind = Kind.DELIVER) -> Move:
        lot = self.a_lot()
        source, target = self.random.sample(PLACES, 2)
        return Move(
            kind,
            self.lots[lot],
            lot,
            self.quantity(),
            id_of(source),
            id_of(target),
            Decimal(1),
            clock.today(),
        )

    def promise(self) -> HoldDraft:
        lot = self.a_lot()
        return HoldDraft(new_id(), self.a_place(), self.lots[lot], lot, self.quantity(), new_id(), new_id())

    def forget(self, answered: list[UUID]) -> None:
        for id in answered:
            self.holds.pop(id, None)

    def keep(self, ids: list[UUID], moves: list[Move]) -> None:
        self.moved.update((id, move) for id, move in zip(ids, moves, strict=True) if not move.reverses_id)
        while len(self.moved) > 400:
            self.moved.pop(next(iter(self.moved)))


async def receive(
    load: Load, session: AsyncSession, place: UUID | None = None, lines: Sequence[Received] = ()
) -> Callable[[], None]:
    lines = lines or [load.receipt() for _ in range(load.random.randint(1, 3))]
    place, supplier = place or load.a_place(), id_of("supplier")
    ids = await stock.receive(session, BUILDER, place, lines, supplier_id=supplier)
    lots = await stock.lots_named(session, lines)
    moves = [
        Move(
            Kind.RECEIVE, line.product_id, lot, line.quantity, supplier, place, line.unit_price, clock.today()
        )
        for line, lot in zip(lines, lots, strict=True)
    ]

    def note() -> None:
        load.lots.update({move.lot_id: move.product_id for move in moves})
        load.keep(ids, moves)

    return note


async def hold(load: Load, session: AsyncSession) -> Callable[[], None]:
    """As allocation does: see what is free under lock, share it out, promise it."""
    place, line, paper = load.a_place(), new_id(), new_id()
    product = id_of(load.random.choice(PRODUCTS))
    lots = await stock_queries.lock_lots(session, place, [product])
    served = allot([Want(line, product, load.quantity())], lots, clock.today())
    made = await stock.hold(session, place, {line: paper}, served, lots)
    return lambda: load.holds.update({hold.id: hold for hold in made})


async def settle(load: Load, session: AsyncSession) -> Callable[[], None]:
    """As departure does: the promise is kept and the goods go on."""
    hold = load.a_hold()
    if hold is None:
        return lambda: None
    part = load.random.randint(0, hold.quantity)
    target = load.random.choice([id_of(place) for place in PLACES if id_of(place) != hold.place_id])
    moves = [
        Move(Kind.LOAD, hold.product_id, hold.lot_id, part, hold.place_id, target, Decimal(1), clock.today())
    ] * bool(part)
    await apply(session, moves=moves, answers=[Answer(hold.id, part)])
    return lambda: load.forget([hold.id])


async def release(load: Load, session: AsyncSession) -> Callable[[], None]:
    hold = load.a_hold()
    if hold is None:
        return lambda: None
    await stock.release(session, [hold.id])
    return lambda: load.forget([hold.id])


async def deliver(load: Load, session: AsyncSession) -> Callable[[], None]:
    move = load.transfer()
    ids = await apply(session, moves=[move])
    return lambda: load.keep(ids, [move])


async def reverse(load: Load, session: AsyncSession) -> Callable[[], None]:
    found = load.a_movement()
    if found is None:
        return lambda: None
    chosen, move = found
    if move.kind == Kind.RECEIVE:
        await stock.reverse(session, BUILDER, chosen, reason="typed twice")
    else:
        await apply(session, moves=[opposite(chosen, move)])
    return lambda: None


def opposite(id: UUID, move: Move) -> Move:
    return move._replace(
        kind=Kind.REVERSE, source_id=move.target_id, target_id=move.source_id, reverses_id=id
    )


async def batch(load: Load, session: AsyncSession, count: int) -> Callable[[], None]:
    """Several operations in one transaction and one call of the ledger, as a long paper has them."""
    moves: list[Move] = []
    holds: list[HoldDraft] = []
    answers: dict[UUID, Answer] = {}
    for _ in range(count):
        kind = load.random.choice(("deliver", "hold", "hold", "release", "settle", "reverse"))
        known = load.a_hold() if kind in ("release", "settle") else None
        found = load.a_movement() if kind == "reverse" else None
        if kind == "hold":
            holds.append(load.promise())
        elif known and known.id not in answers:
            part = known.quantity if kind == "settle" else 0
            answers[known.id] = Answer(known.id, part)
            target = next(id_of(place) for place in PLACES if id_of(place) != known.place_id)
            moves += [
                Move(
                    Kind.LOAD,
                    known.product_id,
                    known.lot_id,
                    part,
                    known.place_id,
                    target,
                    Decimal(1),
                    clock.today(),
                )
            ] * bool(part)
        elif found:
            moves.append(opposite(*found))
        else:
            moves.append(load.transfer())
    ids = await apply(session, moves=moves, holds=holds, answers=list(answers.values()))

    def note() -> None:
        load.holds.update({hold.id: hold for hold in holds})
        load.forget(list(answers))
        load.keep(ids, moves)

    return note


SINGLE: dict[str, Callable[[Load, AsyncSession], Awaitable[Callable[[], None]]]] = {
    "receive": receive, "hold": hold, "settle": settle, "release": release, "deliver": deliver, "reverse": reverse,
}  # fmt: skip


async def seal_until(base: Database, stop: asyncio.Event) -> None:
    """The worker's sealer, at work meanwhile."""
    while not stop.is_set():
        async with base.transaction(COUNTY) as session:
            await seals.seal(session)
        await asyncio.sleep(0.2)


async def run(url: str, operations: int, *, connections: int = CONNECTIONS, seed: int = 1) -> Outcome:
    """So many operations on a county, and what the books then say."""
    base = Database(url, pool_size=connections + 1)
    load = Load(base, operations, seed)
    async with base.transaction(COUNTY) as session:
        for row in await database.rows(session, "SELECT id, product_id FROM lot"):
            load.lots[row["id"]] = row["product_id"]
        for place in PLACES:
            (await receive(load, session, id_of(place), [load.receipt(100) for _ in range(20)]))()
    began, stop = time.monotonic(), asyncio.Event()
    sealer = asyncio.create_task(seal_until(base, stop))
    try:
        await asyncio.gather(*(load.work() for _ in range(connections)))
        load.outcome.seconds = round(time.monotonic() - began, 2)
    finally:
        stop.set()
        await sealer
    await judge(base, load.outcome)
    await base.close()
    load.outcome.per_s = round(load.outcome.operations / load.outcome.seconds, 1)
    load.outcome.done, load.outcome.refused = dict(load.done), dict(load.refused)
    return load.outcome


async def judge(base: Database, outcome: Outcome) -> None:
    """Ledger = balance, nothing below zero, nothing held twice, every row sealed once."""
    async with base.transaction(COUNTY) as session:
        await seals.seal(session)
        outcome.ledger_balanced = not await stock_queries.books_disagree(session)
        outcome.below_zero = await database.value(
            session, "SELECT count(*) FROM balance WHERE on_hand < held OR held < 0"
        )
        outcome.held_twice = await database.value(
            session,
            """SELECT count(*) FROM (
                 SELECT h.place_id, h.lot_id FROM hold h LEFT JOIN hold_answer a ON a.hold_id = h.id
                 GROUP BY 1, 2 HAVING sum(h.quantity) FILTER (WHERE a.hold_id IS NULL) > (
                   SELECT b.on_hand FROM balance b
                   WHERE b.place_id = h.place_id AND b.lot_id = h.lot_id AND b.condition = 'released')) x""",
        )
        checked = await seals.verify(session)
        written = sum(
            [await database.value(session, f"SELECT count(*) FROM {book}") for book in seals.LEAVES]
        )
        outcome.seals_verified = checked.broken is None and checked.rows == written


async def fill(url: str) -> None:
    """The small county, in an empty database."""
    await install.prepare(url)
    await install.create_county(url, COUNTY, "沙湾市")
    base = Database(url, pool_size=1)
    async with base.transaction(COUNTY) as session:
        await build(session)
    await base.close()


def said(outcome: Outcome) -> str:
    """The outcome as a table."""
    rows: list[tuple[str, Any]] = [
        (name, value) for name, value in asdict(outcome).items() if name != "failures"
    ]
    return "\n".join([f"{name:<16} {value}" for name, value in rows] + outcome.failures)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xinglin-load-") as folder:
        parameters = {"max_connections": "60"}
        with Cluster(Path(folder) / "postgres", fast_and_unsafe=True, parameters=parameters) as cluster:
            url = cluster.ensure_database("load")
            asyncio.run(fill(url))
            outcome = uvloop.run(
                run(url, chosen.operations, connections=chosen.connections, seed=chosen.seed)
            )
    print(said(outcome))
    if chosen.json:
        print(json.dumps(asdict(outcome), ensure_ascii=False))
    raise SystemExit(0 if outcome.is_well else 1)


if __name__ == "__main__":
    main()
