"""Sharing out a depot's stock among a wave of requisitions; and approving, allocating and picking single ones."""

import asyncio
import random
import time
from uuid import UUID

from benchmarks._ground import (
    BUILDER,
    COUNTY,
    DEPOT,
    Ground,
    clinic,
    count_statements,
    ground,
    options,
    percentile,
    tell,
)
from xinglin.base.database import Database
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked


async def placed(base: Database, place: Ground, count: int, lines: int) -> list[UUID]:
    """Requisitions as clinics send them."""
    chance = random.Random(count)
    made = []
    for number in range(count):
        asked = [
            Asked(id, pack * chance.randint(1, 6)) for id, pack in chance.sample(place.products[:600], lines)
        ]
        async with base.transaction(COUNTY) as session:
            made.append((await orders.place(session, BUILDER, clinic(number % place.clinics), asked)).id)
    return made


async def wave(base: Database, place: Ground, count: int, lines: int) -> tuple[float, int, orders.Wave]:
    """Seconds, statements, and what one round of allocation came to."""
    for id in await placed(base, place, count, lines):
        async with base.transaction(COUNTY) as session:
            await orders.approve(session, BUILDER, id)
    async with base.transaction(COUNTY) as session:
        noted = await count_statements(session)
        began = time.perf_counter()
        told = await orders.allocate(session, BUILDER, DEPOT)
        took_s = time.perf_counter() - began
        statements = len([sql for sql in noted if "typeinfo_tree" not in sql and "'jit'" not in sql])
    return took_s, statements, told


async def singly(
    base: Database, place: Ground, count: int, lines: int, clients: int
) -> tuple[list[float], int]:
    """Approve, allocate and pick one requisition after the other, with several people at it; seconds of each."""
    waiting = await placed(base, place, count, lines)
    took_s: list[float] = []
    failed = 0

    async def work() -> None:
        nonlocal failed
        while waiting:
            id, began = waiting.pop(), time.perf_counter()
            try:
                async with base.transaction(COUNTY) as session:
                    await orders.approve(session, BUILDER, id)
                async with base.transaction(COUNTY) as session:
                    told = await orders.allocate(session, BUILDER, DEPOT, [id])
                if told.allocated:  # a requisition that gets nothing is closed at once
                    async with base.transaction(COUNTY) as session:
                        await orders.pick(session, BUILDER, id)
            except Exception as error:
                failed += 1
                print(f"{type(error).__name__}: {error}")
            took_s.append(time.perf_counter() - began)

    await asyncio.gather(*(work() for _ in range(clients)))
    return sorted(took_s), failed


async def measure(
    place: Ground, requisitions: int, lines: int, clients: int
) -> tuple[list[tuple[str, object]], dict[str, float]]:
    """A small wave and a large one, then single requisitions."""
    base = Database(place.url, pool_size=clients + 1)
    _, few, _ = await wave(base, place, max(2, requisitions // 10), lines)
    took_s, many, told = await wave(base, place, requisitions, lines)
    each, failed = await singly(base, place, requisitions, lines, clients)
    await base.close()
    p95_ms = 1000 * percentile(each, 0.95)
    rows: list[tuple[str, object]] = [
        (f"wave of {told.requisitions} requisitions, {told.lines} lines: seconds", took_s),
        ("statements for it, and for a tenth of it", f"{many}, {few}"),
        ("lines that could not be served in full", told.shortages),
        (f"approve + allocate + pick one of {lines} lines, {clients} clients: 95 % within, ms", p95_ms),
        ("half within, ms", 1000 * percentile(each, 0.5)),
        ("errors", failed),
    ]
    return rows, {
        "wave_s": took_s,
        "statements": many,
        "statements_tenth": few,
        "p95_ms": p95_ms,
        "errors": failed,
    }


def main() -> None:
    """On a county with history, where some goods are short."""
    chosen = options(__doc__ or "", requisitions=200, lines=20, clients=4, clinics=100, products=1500)
    with ground(clinics=chosen.clinics, products=chosen.products, stocked=600, used=30, packs=40) as place:
        rows, figures = asyncio.run(measure(place, chosen.requisitions, chosen.lines, chosen.clients))
    tell("Allocation", rows, figures, chosen.json)


if __name__ == "__main__":
    main()
