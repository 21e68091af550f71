"""Every write is done once, whatever is sent twice; a paper that changed meanwhile is not written over."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from litestar import Litestar

from tests.api.conftest import Machine
from tests.api.papers import Papers, lay_out, somebody
from tests.world import COUNTY, World, id_of
from xinglin.app import create_app
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.base.settings import Settings
from xinglin.people.actions import token_hash

Make = Callable[..., Machine]


OLD = "the old password"
LIFE = {
    "value": {"county": 60, "township": 90, "village": 150}, "source": "minutes of the committee",
    "valid_from": str(clock.today()),
}  # fmt: skip


class Write(NamedTuple):
    """A write: who sends it, where, and what."""

    who: str
    address: str
    body: Any
    other: Any = None
    """Another wish at the same address."""
    method: str = "POST"


async def prepared(url: str) -> Papers:
    """Papers in every state at clinic 1 and township 1."""
    base = Database(url, pool_size=1)
    async with base.transaction(COUNTY) as session:
        account, post = await somebody(session, COUNTY, "colleague", id_of("clinic1"))
        papers = await lay_out(session, "clinic1", "township1", driver="driver1", account=account, post=post)
        await database.run(
            session, "UPDATE account SET password_hash = $2 WHERE id = $1", id_of("account:doctor2"),
            PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(OLD),
        )  # fmt: skip
        await database.run(
            session,
            """INSERT INTO credential (token_hash, account_id, post_id, kind, label, made_at, expires_at)
               VALUES ($1, $2, $3, 'token', 'spare', now(), now() + interval '1 day')""",
            token_hash("spare"), id_of("account:doctor2"), id_of("post:doctor2"),
        )  # fmt: skip
    await base.close()
    return papers


def writes(p: Papers) -> list[Write]:
    """One write at every address that takes any, each possible in the order given."""
    line = {"product_id": str(p.product), "quantity": 24}
    receipt = {"product_id": str(p.product), "lot_number": "N1", "expires_on": "2030-01-01", "quantity": 24,
               "unit_price": "0.25"}  # fmt: skip
    aside = {"lot_id": str(p.lot), "quantity": 2, "reason": "seen"}
    product = {
        "code": "NEW", "kind": "chemical", "generic_name": "新药", "dosage_form": "片剂", "base_unit": "片",
        "pack_unit": "盒", "pack_size": 20, "pack_weight_g": 60, "pack_volume_cm3": 150, "unit_price": "0.1",
    }  # fmt: skip
    van = {"home_id": str(p.depot), "plate": "新G9", "capacity_g": 1, "capacity_cm3": 1}
    return [
        Write("doctor1", "/me/tokens", {"post_id": str(id_of("post:doctor1")), "label": "till"}, {"label": "x"}),
        Write("doctor2", "/me/password", {"old": OLD, "new": "a new password"}, {"old": OLD, "new": "b"}, "PUT"),
        Write("doctor2", f"/me/tokens/{token_hash('spare').hex()}/revoke", None),
        Write("admin", "/accounts", {"username": "new", "name": "New"}, {"username": "new2", "name": "New"}),
        Write("admin", f"/accounts/{p.account}/password", {"password": "long enough"}, {"password": "other one!"}, "PUT"),
        Write("admin", f"/accounts/{p.account}/posts", {"role": "inspector"}, {"role": "dispatcher"}),
        Write("admin", f"/posts/{p.post}/end", None),
        Write("admin", f"/accounts/{p.account}/close", None),
        Write("admin", "/places", {"code": "NEW", "kind": "village_clinic", "name": "新村"}, {"code": "N2"}),
        Write("admin", f"/places/{p.place}", {"phone": "1", "reason": "new"}, {"phone": "2", "reason": "new"}, "PATCH"),
        Write("admin", "/vehicles", van, van | {"plate": "新G8"}),
        Write("chief", "/editions", {"edition": "2026"}, {"edition": "2018"}),
        Write("chief", "/products", {"products": [product]}, {"products": []}),
        Write("chief", f"/products/{p.product}/listings/village", {"may": "on_request"}, {"may": "stocked"}, "PUT"),
        Write("chief", f"/products/{p.product}/prices", {"unit_price": "0.3", "valid_from": str(clock.today())}, {}),
        Write("chief", "/policies/minimum_life_days", LIFE, LIFE | {"source": "elsewhere"}, "PUT"),
        Write("pharmacist1", f"/places/{p.depot}/receipts", {"supplier_id": str(p.supplier), "lines": [receipt]}, {}),
        Write("doctor1", f"/places/{p.place}/issues", {"lines": [line]}, {"lines": [line | {"quantity": 1}]}),
        Write("pharmacist1", f"/places/{p.place}/adjustments",
              {"lot_id": str(p.lot), "difference": -1, "reason": "counted"}, {}),
        Write("pharmacist1", f"/places/{p.place}/quarantine", aside, aside | {"quantity": 1}),
        Write("pharmacist1", f"/places/{p.place}/release", aside, aside | {"quantity": 1}),
        Write("pharmacist1", f"/movements/{p.movement}/reverse", {"reason": "a slip"}, {"reason": "another"}),
        Write("doctor1", "/shortages", {"place_id": str(p.place), "product_id": str(p.product), "quantity": 24}, {}),
        Write("pharmacist1", f"/shortages/{p.shortage}/answer", {"answer": "substitute"}, {"answer": "unavailable"}),
        Write("doctor1", f"/shortages/{p.shortage}/close", {"outcome": "supplied"}, {"outcome": "withdrawn"}),
        Write("doctor1", "/requisitions", {"place_id": str(p.place), "lines": [line]}, {"place_id": str(p.place)}),
        Write("doctor1", f"/requisitions/{p.draft}/lines", {"lines": [line]}, {"lines": []}, "PUT"),
        Write("doctor1", f"/requisitions/{p.draft}/submit", None),
        Write("pharmacist1", f"/requisitions/{p.draft}/send-back", {"note": "too much"}, {"note": "too little"}),
        Write("doctor1", f"/requisitions/{p.draft}/cancel", {}, {"note": "not needed"}),
        Write("pharmacist1", f"/requisitions/{p.submitted}/approve", {}, {"note": "fine"}),
        Write("pharmacist1", "/requisitions/allocate", {"supplier_id": str(p.depot)},
              {"supplier_id": str(p.depot), "requisitions": []}),
        Write("pharmacist1", f"/requisitions/{p.allocated}/pick", {}, {"short": []}),
        Write("dispatcher", "/plans", {"depot_id": str(p.depot)}, {"depot_id": str(p.depot), "not_before_s": 1}),
        Write("dispatcher", f"/plans/{p.plan}/move-stop", {"stop": p.stop_code, "vehicle": None}, {}),
        Write("dispatcher", f"/plans/{p.plan}/discard", None),
        Write("driver1", f"/stops/{p.stop}/hand-over", {"received_by": "王医生"}, {"received_by": "李医生"}),
        Write("driver1", f"/runs/{p.run_out}/come-back", None),
        Write("inspector", "/inspection/checks", None),
    ]  # fmt: skip


async def send(machine: Machine, write: Write, *, key: str, body: Any = ...) -> Any:
    """Send a write under a key."""
    return await machine.write(
        write.address, write.body if body is ... else body, method=write.method, key=key
    )


async def footprint(base: Database) -> tuple[int, ...]:
    """How much the books hold: what a write done twice would show."""
    async with base.transaction(COUNTY) as session:
        tables = (
            "trail",
            "movement",
            "requisition",
            "shortage",
            "run",
            "plan",
            "place",
            "check_round",
            "credential",
        )
        return tuple([await database.value(session, f"SELECT count(*) FROM {table}") for table in tables])


async def test_each_write_sent_twice_is_done_once_and_answers_the_same(
    url: str, service: Litestar, world: World, base: Database
) -> None:
    for number, write in enumerate(writes(await prepared(url))):
        machine, key = Machine(service, world.token(write.who)), f"the-key-{number}"
        before = await footprint(base)
        first = await send(machine, write, key=key)
        assert first.status_code in (200, 201), (write, first.text)
        after = await footprint(base)
        assert after != before, write
        second = await send(machine, write, key=key)
        again = b'{"token":null}' if write.address == "/me/tokens" else first.content
        assert (second.status_code, second.content) == (first.status_code, again), write
        assert second.headers["idempotent-replay"] == "true"
        assert second.headers.get("etag") == first.headers.get("etag")
        assert await footprint(base) == after, write
        if write.other is not None:
            reused = await send(machine, write, key=key, body=write.other)
            assert (reused.status_code, reused.json()["title"]) == (422, "key_reused"), write
        missing = await machine.request(write.method, write.address, json=write.body)
        assert missing.status_code == 422
        assert "Idempotency-Key" in missing.json()["detail"]
        assert await footprint(base) == after, write


async def test_every_address_that_writes_is_tried() -> None:
    from xinglin import api

    nothing = Papers(**{name: UUID(int=0) for name in Papers.__dataclass_fields__})
    tried = {(write.method, write.address.replace(str(UUID(int=0)), "{}")) for write in writes(nothing)}
    tried |= {("POST", address) for address in BY_OTHERS}
    there = set()
    for router in api.handlers():
        for route in router.routes:
            shape = "".join(f"/{part if isinstance(part, str) else '{}'}" for part in route.path_components)
            there |= {
                (method, shape.removeprefix("/api/v1")) for method in route.methods - {"GET", "OPTIONS"}
            }
    named = re.compile(r"(?<=/listings/)\w+|(?<=/policies/)\w+|(?<=/tokens/)\w{64}")
    assert {(method, named.sub("{}", shape)) for method, shape in tried} == there


BY_OTHERS = {"/plans/{}/adopt", "/runs/{}/depart", "/products/file"}
"""Written to by the tests below."""


@pytest.mark.parametrize("step", ["adopt", "depart", "file"])
async def test_what_needs_a_morning_of_its_own_is_done_once_too(
    step: str, url: str, service: Litestar, world: World, base: Database
) -> None:
    p = await prepared(url)
    csv = "通用名,剂型,规格,包装,生产企业,条码,盒重克,盒体积立方厘米\n新药,片剂,5mg,盒=20片,厂,6901234567892,50,100\n"
    who, address, content = {
        "adopt": ("dispatcher", f"/plans/{p.plan}/adopt", {}),
        "depart": ("driver1", f"/runs/{p.run_planned}/depart", {"json": {}}),
        "file": (
            "chief",
            "/products/file",
            {"content": csv.encode(), "headers": {"content-type": "text/csv"}},
        ),
    }[step]
    if step == "depart":
        driver = Machine(service, world.token("driver1"))
        await driver.do(f"/stops/{p.stop}/hand-over", {"received_by": "王医生"})
        for run in (p.run_out, p.run_done):
            await driver.do(f"/runs/{run}/come-back")
    machine = Machine(service, world.token(who))
    headers = content.pop("headers", {}) | {"idempotency-key": "the-same-key"}
    first = await machine.post(address, headers=headers, **content)
    assert first.status_code in (200, 201), first.text
    after = await footprint(base)
    second = await machine.post(address, headers=headers, **content)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert await footprint(base) == after


async def test_two_at_the_same_moment_are_one(url: str, tmp_path: Path, world: World, base: Database) -> None:
    """Two processes of the service, each with connections of its own, get the same wish at once."""
    p = await prepared(url)
    bases = [Database(url, pool_size=2) for _ in range(2)]
    machines = [
        Machine(create_app(one, Settings(data_dir=tmp_path, log_level="error")), world.token("doctor1"))
        for one in bases
    ]
    for number in range(8):
        before = await footprint(base)
        body = {"place_id": str(p.place), "lines": [{"product_id": str(p.product), "quantity": 24}]}
        answers = await asyncio.gather(
            *(machine.write("/requisitions", body, key=f"at-once-{number}") for machine in machines * 2)
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        after = await footprint(base)
        assert (after[0] - before[0], after[2] - before[2]) == (1, 1)
    for one in bases:
        await one.close()


async def test_a_refused_write_may_be_sent_again_with_its_key(machine: Make, world: World) -> None:
    doctor = machine("doctor1")
    address, key = f"/places/{world.place('clinic1')}/issues", "used-again-1"
    wrong = {"lines": [{"product_id": str(world.product("amoxicillin")), "quantity": 10**6}]}
    assert (await doctor.write(address, wrong, key=key)).status_code == 409
    assert (await doctor.write(address, {"lines": []}, key=key)).status_code == 422
    right = {"lines": [{"product_id": str(world.product("amoxicillin")), "quantity": 1}]}
    assert (await doctor.write(address, right, key=key)).status_code == 201


async def test_the_same_key_of_two_people_is_two_keys(machine: Make, world: World) -> None:
    body = {"lines": [{"product_id": str(world.product("amoxicillin")), "quantity": 1}]}
    for who, place in (("doctor1", "clinic1"), ("doctor2", "clinic2")):
        done = await machine(who).write(f"/places/{world.place(place)}/issues", body, key="everybodys-key")
        assert done.status_code == 201
        assert "idempotent-replay" not in done.headers


async def test_a_paper_that_changed_meanwhile_is_not_written_over(
    url: str, service: Litestar, world: World
) -> None:
    p = await prepared(url)
    steps = [
        Write("doctor1", f"/requisitions/{p.draft}/lines", {"lines": []}, method="PUT"),
        Write("doctor1", f"/requisitions/{p.draft}/submit", None),
        Write("doctor1", f"/requisitions/{p.submitted}/cancel", {}),
        Write("pharmacist1", f"/requisitions/{p.submitted}/approve", {}),
        Write("pharmacist1", f"/requisitions/{p.submitted}/send-back", {"note": "too much"}),
        Write("pharmacist1", f"/requisitions/{p.allocated}/pick", {}),
        Write("pharmacist1", f"/shortages/{p.shortage}/answer", {"answer": "substitute"}),
        Write("doctor1", f"/shortages/{p.shortage}/close", {"outcome": "supplied"}),
        Write("dispatcher", f"/plans/{p.plan}/adopt", None),
        Write("dispatcher", f"/plans/{p.plan}/move-stop", {"stop": p.stop_code, "vehicle": None}),
        Write("dispatcher", f"/plans/{p.plan}/discard", None),
        Write("driver1", f"/runs/{p.run_planned}/depart", {}),
        Write("driver1", f"/runs/{p.run_done}/come-back", None),
    ]  # fmt: skip
    for write in steps:
        machine = Machine(service, world.token(write.who))
        old = await machine.write(write.address, write.body, method=write.method, version=99)
        assert (old.status_code, old.json()["title"]) == (412, "changed_meanwhile"), write
        nonsense = await machine.request(
            write.method, write.address, json=write.body,
            headers={"if-match": "yesterday", "idempotency-key": "nonsense-1"},
        )  # fmt: skip
        assert nonsense.status_code in (415, 422), write


async def test_the_etag_of_a_paper_is_what_if_match_wants(url: str, service: Litestar, world: World) -> None:
    p = await prepared(url)
    doctor = Machine(service, world.token("doctor1"))
    read = await doctor.get(f"/requisitions/{p.draft}")
    sent = await doctor.post(
        f"/requisitions/{p.draft}/submit",
        headers={"if-match": read.headers["etag"], "idempotency-key": "with-etag-1"},
    )
    assert sent.status_code == 200, sent.text
    assert sent.headers["etag"] != read.headers["etag"]
