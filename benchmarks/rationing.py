"""Sharing out what is short: 300 clinics each asking for 500 items of which there is half. Pure computing."""

import random
import time
from decimal import Decimal
from uuid import UUID

from benchmarks._ground import options, tell
from xinglin.orders.rationing import CLASSES, Claim, ration


def claims(chance: random.Random, clinics: int, pack: int) -> list[Claim]:
    """What clinics ask of one item: some have history, some stock, a few ask urgently."""
    return [
        Claim(
            UUID(int=number), pack * chance.randint(1, 12), chance.randint(0, 8 * pack),
            Decimal(chance.randint(0, 30)) / 10 * pack / 20, chance.choices(CLASSES, (1, 2, 5, 12))[0],
        )
        for number in range(clinics)
    ]  # fmt: skip


def main() -> None:
    """One wave, item by item."""
    chosen = options(__doc__ or "", clinics=300, items=500)
    chance = random.Random(1)
    asked = []
    for _ in range(chosen.items):
        pack = chance.choice((1, 6, 10, 20, 24, 100))
        wanted = claims(chance, chosen.clinics, pack)
        asked.append((sum(claim.approved for claim in wanted) // 2, wanted, pack))
    began = time.perf_counter()
    shares = [ration(supply, wanted, pack) for supply, wanted, pack in asked]
    took_s = time.perf_counter() - began
    lines = sum(map(len, shares))
    rows = [
        ("lines", lines),
        ("seconds", took_s),
        ("microseconds a line", took_s / lines * 1e6),
        ("lines with less than asked for", sum(share.rule != "enough" for item in shares for share in item)),
    ]
    tell(
        f"Ration {chosen.clinics} clinics × {chosen.items} items", rows,
        {"seconds": took_s, "per_line_us": took_s / lines * 1e6}, chosen.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
