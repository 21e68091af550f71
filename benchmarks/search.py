"""Searching 20,000 products over HTTP: Chinese, pinyin, initials, codes and English, as people type them."""

import random
import statistics
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import quote

from benchmarks._ground import Ground, ground, options, percentile, service, tell, token
from benchmarks._load import drive, request

QUERIES = {
    "one sign": ("片", "阿", "氯", "素", "盐"),
    "Chinese": ("阿莫", "青霉", "布洛", "地平", "头孢", "胰岛", "阿莫西", "二甲双", "阿莫西林", "硝苯地平", "氨氯地平"),
    "pinyin": ("amo", "amoxilin", "buluofen", "erjia", "toubao", "xiaoben", "qingmeisu"),
    "initials": ("a", "amxl", "blf", "ejsg", "qms", "tb", "lhn"),
    "code": ("XJ0000", "XJ00001234", "xj000199"),
    "English": ("amox", "insulin", "ibup", "metf", "cef", "chlor"),
    "two words": ("阿莫西林 amox", "头孢 qu", "氯化 na"),
}  # fmt: skip
WARM_S = 2.0


def maker(place: Ground, queries: list[str]) -> Callable[[], bytes]:
    """Makes requests, each by another doctor."""
    chance = random.Random(3)
    paths = [f"/api/v1/products?q={quote(query)}&tier=village&limit=20" for query in queries]

    def make() -> bytes:
        who = token(chance.randrange(place.clinics))
        return request("GET", chance.choice(paths), {"authorization": f"Bearer {who}"})

    return make


def main() -> None:
    """All kinds mixed; then each kind alone on one connection."""
    chosen = options(__doc__ or "", products=20_000, clinics=8, seconds=10.0, connections=16, rounds=3)
    every = [query for queries in QUERIES.values() for query in queries]
    with ground(clinics=chosen.clinics, products=chosen.products) as place, service(place) as address:
        make = maker(place, every)
        drive(address, make, connections=chosen.connections, seconds=WARM_S)
        rounds = [
            drive(address, make, connections=chosen.connections, seconds=chosen.seconds)
            for _ in range(chosen.rounds)
        ]
        alone: dict[str, float] = defaultdict(float)
        for kind, queries in QUERIES.items():
            answers = drive(address, maker(place, list(queries)), connections=1, seconds=chosen.seconds / 10)
            alone[kind] = 1000 * percentile(answers.took_s, 0.5)
    p95_ms = 1000 * statistics.median(percentile(a.took_s, 0.95) for a in rounds)
    per_s = statistics.median(a.per_s for a in rounds)
    rows = [
        ("95 % answered within, ms", p95_ms),
        ("half answered within, ms", 1000 * statistics.median(percentile(a.took_s, 0.5) for a in rounds)),
        ("searches a second", per_s),
        ("refused", sum(a.refused for a in rounds)),
        *((f"alone: {kind}, half within, ms", took) for kind, took in alone.items()),
    ]
    tell(
        f"Search among {chosen.products:,} products, {chosen.connections} connections", rows,
        {"p95_ms": p95_ms, "per_s": per_s}, chosen.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
