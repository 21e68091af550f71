"""What tamper evidence costs: writes with and without the sealing worker beside them, and how fast books verify."""

import asyncio
import statistics
import time
from uuid import UUID

from benchmarks._ground import BUILDER, COUNTY, Ground, ground, options, tell
from xinglin.base import seals, trail
from xinglin.base.database import Database

SUBJECT = UUID(int=9)
SEAL_EVERY_S = 0.2


async def writes_per_s(base: Database, writers: int, seconds: float) -> float:
    """Transactions of one entry in the trail, each committed."""
    until = time.perf_counter() + seconds

    async def write() -> int:
        done = 0
        while time.perf_counter() < until:
            async with base.transaction(COUNTY) as session:
                await trail.record(session, BUILDER, "bench.write", SUBJECT, paper="REQ-1", lines=20)
            done += 1
        return done

    return sum(await asyncio.gather(*(write() for _ in range(writers)))) / seconds


async def seal_on(base: Database, sealed: list[int]) -> None:
    """As the worker does it."""
    while True:
        async with base.transaction(COUNTY) as session:
            sealed.append(await seals.seal(session))
        await asyncio.sleep(SEAL_EVERY_S)


async def measure(place: Ground, writers: int, seconds: float, rounds: int) -> dict[str, float]:
    """Without, with, without, with; then everything that was sealed is verified."""
    base = Database(place.url, pool_size=writers + 2)
    without, beside, sealed = [], [], list[int]()
    await writes_per_s(base, writers, min(1.0, seconds))
    for _ in range(rounds):
        without.append(await writes_per_s(base, writers, seconds))
        sealing = asyncio.create_task(seal_on(base, sealed))
        beside.append(await writes_per_s(base, writers, seconds))
        sealing.cancel()
        await asyncio.gather(sealing, return_exceptions=True)
    async with base.transaction(COUNTY) as session:
        await seals.seal(session)
    async with base.transaction(COUNTY) as session:
        began = time.perf_counter()
        checked = await seals.verify(session)
        took_s = time.perf_counter() - began
    await base.close()
    assert checked.broken is None
    plain, with_seals = statistics.median(without), statistics.median(beside)
    return {
        "without_per_s": plain, "with_per_s": with_seals, "ratio": with_seals / plain,
        "verified_rows_per_s": checked.rows / took_s, "rows": checked.rows, "seals": checked.seals,
    }  # fmt: skip


def main() -> None:
    """On a county of its own."""
    chosen = options(__doc__ or "", writers=16, seconds=6.0, rounds=2)
    with ground(clinics=1, products=20) as place:
        figures = asyncio.run(measure(place, chosen.writers, chosen.seconds, chosen.rounds))
    rows = [
        ("writes a second, without sealing", figures["without_per_s"]),
        ("writes a second, sealed every 0.2 s", figures["with_per_s"]),
        ("with / without", figures["ratio"]),
        ("rows verified a second", figures["verified_rows_per_s"]),
        ("rows sealed, in seals", f"{figures['rows']:,.0f} in {figures['seals']:.0f}"),
    ]
    tell(f"Seals, {chosen.writers} writers in one process", rows, figures, chosen.json)


if __name__ == "__main__":
    main()
