"""Posting to the ledger of goods: transactions of 20 movements on many connections, balances checked and changed."""

import asyncio
import random
import time
from decimal import Decimal
from uuid import UUID

from benchmarks._ground import COUNTY, DEPOT, Ground, clinic, ground, options, percentile, tell
from xinglin.base import clock
from xinglin.base.database import Database
from xinglin.stock import queries as stock_queries
from xinglin.stock.ledger import apply
from xinglin.stock.rules import Kind, Move


async def lots(base: Database, place: Ground) -> list[tuple[UUID, UUID]]:
    """What lies at the depot: products and lots."""
    async with base.transaction(COUNTY) as session:
        found = await stock_queries.lots_at(session, DEPOT, [id for id, _ in place.products])
    return [(lot.product_id, lot.lot_id) for lot in found]


async def measure(
    place: Ground, connections: int, lines: int, seconds: float
) -> tuple[list[float], float, int]:
    """Each connection moves goods from the depot to clinics; all of them share the depot's balances."""
    base = Database(place.url, pool_size=connections)
    there = await lots(base, place)
    until = time.perf_counter() + seconds
    took_s: list[float] = []

    async def post(number: int) -> None:
        chance = random.Random(number)
        while (began := time.perf_counter()) < until:
            target = clinic(chance.randrange(place.clinics))
            moves = [
                Move(Kind.DELIVER, product, lot, 1, DEPOT, target, Decimal("0.25"), clock.today())
                for product, lot in chance.sample(there, min(lines, len(there)))
            ]
            async with base.transaction(COUNTY) as session:
                await apply(session, moves=moves)
            took_s.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(post(number) for number in range(connections)))
    lasted_s = time.perf_counter() - began
    async with base.transaction(COUNTY) as session:
        unequal = await stock_queries.books_disagree(session)
    await base.close()
    return sorted(took_s), lasted_s, len(unequal)


def main() -> None:
    """And afterwards the balances are still the sum of their movements."""
    chosen = options(__doc__ or "", connections=16, lines=20, seconds=8.0, clinics=60, products=1500)
    with ground(clinics=chosen.clinics, products=chosen.products, stocked=600, packs=100_000) as place:
        took_s, lasted_s, unequal = asyncio.run(
            measure(place, chosen.connections, chosen.lines, chosen.seconds)
        )
    moves_per_s = len(took_s) * chosen.lines / lasted_s
    rows = [
        ("movements posted a second", moves_per_s),
        ("transactions a second", len(took_s) / lasted_s),
        ("95 % within, ms", 1000 * percentile(took_s, 0.95)),
        ("balances that are not the sum of their movements", unequal),
    ]
    tell(
        f"Ledger, {chosen.connections} connections, {chosen.lines} movements a transaction", rows,
        {"moves_per_s": moves_per_s, "p95_ms": 1000 * percentile(took_s, 0.95), "unequal": unequal}, chosen.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
