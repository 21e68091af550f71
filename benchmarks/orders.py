"""Placing an order of 20 lines over HTTP, against pgbench running the statements the service sends."""

import random
import statistics
import urllib.request
from collections.abc import Callable
from uuid import UUID

import msgspec
import psycopg

from benchmarks._floor import Script, captured, floor_per_s
from benchmarks._ground import (
    DEPOT,
    FIRST_NO,
    Ground,
    account,
    clinic,
    ground,
    options,
    percentile,
    service,
    tell,
    token,
)
from benchmarks._load import Answers, drive, request
from xinglin.people.actions import token_hash

PATH = "/api/v1/requisitions"
BASKETS = 200
SEEN = 3
"""The clinic whose order is watched to learn the statements."""
KEY = "captured-"
WARM_S = 2.0
FEW = 4
"""Connections of the figure that peers publish."""


def baskets(place: Ground, lines: int) -> list[list[tuple[UUID, int]]]:
    """Some orders: products and base units in whole packs."""
    chance = random.Random(7)
    return [
        [(id, pack * chance.randint(1, 9)) for id, pack in chance.sample(place.products, lines)]
        for _ in range(BASKETS)
    ]


def maker(place: Ground, orders: list[list[tuple[UUID, int]]], run: int) -> Callable[[], bytes]:
    """Makes requests, each from another clinic, with a key of its own."""
    chance, made = random.Random(run), 0
    lines = [
        msgspec.json.encode([{"product_id": id, "quantity": quantity} for id, quantity in order])
        for order in orders
    ]

    def make() -> bytes:
        nonlocal made
        made += 1
        number = chance.randrange(place.clinics)
        body = b'{"place_id":"%s","submit":true,"lines":%s}' % (
            str(clinic(number)).encode(),
            chance.choice(lines),
        )
        headers = {
            "authorization": f"Bearer {token(number)}", "idempotency-key": f"bench-{run}-{made}",
            "content-type": "application/json",
        }  # fmt: skip
        return request("POST", PATH, headers, body)

    return make


def floor_script(place: Ground, address: tuple[str, int], orders: list[list[tuple[UUID, int]]]) -> Script:
    """What the server is asked when the service places one order, with another clinic, basket and key each time."""
    keep_baskets(place, orders)
    order = [{"product_id": str(id), "quantity": quantity} for id, quantity in orders[0]]
    body = msgspec.json.encode({"place_id": clinic(SEEN), "submit": True, "lines": order})
    headers = {"authorization": f"Bearer {token(SEEN)}", "content-type": "application/json"}

    def act() -> None:
        for number in range(12):
            asked = urllib.request.Request(
                f"http://{address[0]}:{address[1]}{PATH}",
                data=body,
                headers=headers | {"idempotency-key": f"{KEY}{number:02d}"},
            )
            urllib.request.urlopen(asked).close()

    # The shortest: before that, asyncpg asked what it does not know yet of this connection's types.
    seen = min((t for t in captured(place, act) if any("requisition_line" in s.sql for s in t)), key=len)
    key = next(p for s in seen for p in s.parameters if p and p.startswith(KEY))
    paper = next(p for s in seen for p in s.parameters if p and p.startswith("REQ-"))
    here = f"lpad(to_hex({clinic(0).int} + :clinic::int), 32, '0')::uuid"
    known = {
        "\\x" + token_hash(token(SEEN)).hex(): "sha256(convert_to('token-' || :clinic::int, 'UTF8'))",
        str(clinic(SEEN)): here,
        f"{{{clinic(SEEN)}}}": f"ARRAY[{here}]",
        str(account(SEEN)): f"lpad(to_hex({account(0).int} + :clinic::int), 32, '0')::uuid",
        str(DEPOT): f"'{DEPOT}'",
        str(FIRST_NO + SEEN): f"({FIRST_NO} + :clinic::int)",
        key: "('floor-' || :client_id::int || '-' || :n::bigint)",
        paper: "('REQ-' || :client_id::int || '-' || :n::bigint)",
        _array(orders[0]): "(SELECT products FROM bench_basket WHERE number = :basket::int)::uuid[]",
    }
    return Script(
        seen, known,
        setup=f"\\set clinic random(0, {place.clinics - 1})\n\\set basket random(0, {len(orders) - 1})",
    )  # fmt: skip


def _array(order: list[tuple[UUID, int]]) -> str:
    return "{" + ",".join(str(id) for id, _ in order) + "}"


def keep_baskets(place: Ground, orders: list[list[tuple[UUID, int]]]) -> None:
    """pgbench has no lists: it takes them from a small table by number."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_basket")
        connection.execute("CREATE TABLE bench_basket (number int PRIMARY KEY, products uuid[])")
        for number, order in enumerate(orders):
            connection.execute("INSERT INTO bench_basket VALUES (%s, %s)", [number, [id for id, _ in order]])
        connection.execute("ANALYZE bench_basket")


def main() -> None:
    """Floor, service, floor, service; medians."""
    chosen = options(
        __doc__ or "", seconds=12.0, rounds=2, clinics=300, products=2000, lines=20, connections=16
    )
    floors: list[float] = []
    answers: list[Answers] = []
    with (
        ground(clinics=chosen.clinics, products=chosen.products, used=40) as place,
        service(place) as address,
    ):
        orders = baskets(place, chosen.lines)
        script = floor_script(place, address, orders)
        drive(
            address,
            maker(place, orders, -1),
            connections=chosen.connections,
            seconds=min(WARM_S, chosen.seconds),
        )
        for run in range(chosen.rounds):
            size = {"connections": chosen.connections, "seconds": chosen.seconds}
            floors.append(floor_per_s(place, script, **size, start=run + 1 << 32))
            answers.append(drive(address, maker(place, orders, run), **size))
        few = drive(address, maker(place, orders, chosen.rounds), connections=FEW, seconds=chosen.seconds / 3)
    floor = statistics.median(floors)
    service_rate = statistics.median(a.per_s for a in answers)
    p95_ms = 1000 * statistics.median(percentile(a.took_s, 0.95) for a in answers)
    rows = [
        ("orders a second, service", service_rate),
        ("orders a second, pgbench on the same statements", floor),
        ("service / pgbench", service_rate / floor),
        ("95 % answered within, ms", p95_ms),
        ("half answered within, ms", 1000 * statistics.median(percentile(a.took_s, 0.5) for a in answers)),
        (f"95 % answered within, ms, {FEW} connections", 1000 * percentile(few.took_s, 0.95)),
        ("statements in a transaction", script.text.count(";\n")),
        ("refused", sum(a.refused for a in answers)),
        ("each run: service", ", ".join(f"{a.per_s:.0f}" for a in answers)),
        ("each run: pgbench", ", ".join(f"{f:.0f}" for f in floors)),
    ]
    figures = {
        "ratio": service_rate / floor,
        "orders_per_s": service_rate,
        "floor_per_s": floor,
        "p95_ms": p95_ms,
        "p95_ms_few": 1000 * percentile(few.took_s, 0.95),
    }
    tell(
        f"Orders of {chosen.lines} lines, {chosen.connections} connections, {chosen.seconds:g} s each",
        rows, figures, chosen.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
