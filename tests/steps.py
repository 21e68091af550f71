"""The steps of a day through the actions, for tests that begin in the middle of one."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from tests.world import COUNTY, World
from xinglin.base import clock
from xinglin.base.actor import worker_of
from xinglin.base.database import Database
from xinglin.delivery import actions as delivery, planning, queries as delivery_queries
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked

WORLD = World()
CENTRAL = {"township1": "pharmacist1", "township2": "pharmacist2"}


async def approved(base: Database, place: str, basket: Mapping[str, int], *, is_urgent: bool = False) -> UUID:
    """A township's requisition to the centre, sent and approved. Base units by medicine."""
    asked = [Asked(WORLD.product(name), quantity) for name, quantity in basket.items()]
    async with base.transaction(COUNTY) as session:
        placed = await orders.place(
            session, WORLD.actor(CENTRAL[place]), WORLD.place(place), asked, is_urgent=is_urgent
        )
        await orders.approve(session, WORLD.actor("chief"), placed.id)
    return placed.id


async def allocated(base: Database) -> None:
    """The centre shares out."""
    async with base.transaction(COUNTY) as session:
        await orders.allocate(session, WORLD.actor("keeper"), WORLD.place("central"))


async def picked(base: Database, baskets: Mapping[str, Mapping[str, int]]) -> list[UUID]:
    """Requisitions of townships, all the way to picked goods."""
    papers = [await approved(base, place, basket) for place, basket in baskets.items()]
    await allocated(base)
    for paper in papers:
        async with base.transaction(COUNTY) as session:
            await orders.pick(session, WORLD.actor("keeper"), paper)
    return papers


async def think(base: Database, plan_id: UUID) -> None:
    """What the worker does with a plan that was asked for."""
    actor = worker_of(COUNTY, "delivery.keep_solution")
    async with base.transaction(COUNTY) as session:
        plan = await delivery_queries.plan(session, actor, plan_id)
    result, verdict = planning.solve_json(msgspec.json.decode(plan["problem_text"]), 0.3, 0)
    async with base.transaction(COUNTY) as session:
        await delivery.keep_solution(session, actor, plan_id, result, verdict)


async def drafted(base: Database) -> UUID:
    """A draft plan of what the centre has ready, for today."""
    async with base.transaction(COUNTY) as session:
        plan = await delivery.request_plan(session, WORLD.actor("dispatcher"), WORLD.place("central"))
    await think(base, plan)
    return plan


async def adopted(base: Database) -> UUID:
    """The one run of an adopted plan."""
    plan = await drafted(base)
    async with base.transaction(COUNTY) as session:
        (run,) = await delivery.adopt_plan(session, WORLD.actor("dispatcher"), plan)
    return run


async def departed(base: Database) -> UUID:
    """A run that has left."""
    run = await adopted(base)
    async with base.transaction(COUNTY) as session:
        await delivery.depart(session, WORLD.actor("driver"), run, departed_at=clock.now())
    return run


async def stops_of(base: Database, run: UUID) -> list[UUID]:
    """The stops of a run, in order."""
    async with base.transaction(COUNTY) as session:
        return [stop["id"] for stop in await delivery_queries.stops(session, run)]
