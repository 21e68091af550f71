"""A village clinic's order becomes a signed delivery on a planned route, by machine, through the real door."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.world import World
from xinglin import jobs
from xinglin.app import create_app
from xinglin.base import queue, seals
from xinglin.base.database import Database
from xinglin.base.settings import Settings
from xinglin.delivery import planning

API = "/api/v1"
SIGNATURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"drawn by hand").decode()


class Machine:
    """Speaks to the API for several people."""

    def __init__(self, client: Any, world: World) -> None:
        self.client, self.world = client, world

    async def ask(self, who: str, path: str) -> Any:
        """A question."""
        answer = await self.client.get(
            API + path, headers={"authorization": f"Bearer {self.world.token(who)}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def do(self, who: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """A write, under a key of its own."""
        headers = {"authorization": f"Bearer {self.world.token(who)}", "idempotency-key": uuid4().hex}
        answer = await self.client.post(API + path, json=body or {}, headers=headers)
        assert answer.status_code == status if status else answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
async def machine(base: Database, world: World, tmp_path: Path) -> AsyncIterator[Machine]:
    """The service on a database of its own."""
    door = httpx.ASGITransport(create_app(base, Settings(data_dir=tmp_path)))
    async with httpx.AsyncClient(transport=door, base_url="http://county") as client:
        yield Machine(client, world)


async def think(base: Database, world: World, plan_id: str) -> None:
    """What the worker does with a plan, done here."""

    async def at_once(function: Any, *arguments: Any) -> Any:
        assert function is planning.solve_json
        return function(arguments[0], 1.0, 0)

    jobs.use(base)
    await jobs.solve(queue.JobContext(world.county, 1, 1, at_once), plan_id=plan_id)


async def test_an_order_becomes_a_signed_delivery_and_the_books_balance(
    machine: Machine, base: Database, world: World
) -> None:
    asked = [
        {"product_id": str(world.product("amoxicillin")), "quantity": 72},
        {"product_id": str(world.product("metformin")), "quantity": 40},
        {"product_id": str(world.product("morphine")), "quantity": 20},
    ]
    placed = await machine.do(
        "doctor1", "/requisitions", {"place_id": str(world.place("clinic1")), "lines": asked}
    )
    assert placed["lines"] == 2 and len(placed["rejected"]) == 1, "the narcotic is refused, the rest passes"
    order = f"/requisitions/{placed['id']}"
    await machine.do("pharmacist1", f"{order}/approve")
    wave = await machine.do(
        "pharmacist1", "/requisitions/allocate", {"supplier_id": str(world.place("township1"))}
    )
    assert wave["allocated"] == 112
    await machine.do("pharmacist1", f"{order}/pick")

    plan = await machine.do("dispatcher", "/plans", {"depot_id": str(world.place("township1"))})
    await think(base, world, plan["id"])
    (run,) = (await machine.do("dispatcher", f"/plans/{plan['id']}/adopt"))["runs"]
    await machine.do("driver1", f"/runs/{run}/depart")
    (stop,) = (await machine.ask("driver1", f"/runs/{run}"))["route"]
    cargo = (await machine.ask("driver1", f"/stops/{stop['id']}/cargo"))["items"]
    broken = next(item for item in cargo if item["product_id"] == str(world.product("amoxicillin")))
    counted = [
        {"line_id": broken["line_id"], "lot_id": broken["lot_id"], "accepted": broken["quantity"] - 24, "damaged": 24,
         "reason": "包装破损"}
    ]  # fmt: skip
    handed = {"received_by": "上沙门子村卫生室 王医生", "signature": SIGNATURE, "counted": counted}
    await machine.do("driver1", f"/stops/{stop['id']}/hand-over", handed)
    back = await machine.do("driver1", f"/runs/{run}/come-back")
    assert back["brought_back"] == 24

    done = await machine.ask("doctor1", order)
    assert done["state"] == "closed"
    assert {line["accepted"] for line in done["lines"]} == {48, 40}
    shortages = await machine.ask("doctor1", "/shortages")
    assert [(entry["reason"], entry["quantity"]) for entry in shortages["items"]] == [("damaged", 24)]
    async with base.transaction(world.county) as session:
        await seals.seal(session)
    verified = await machine.ask("inspector", "/inspection/verification")
    assert verified["is_whole"], verified
