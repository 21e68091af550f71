"""Steps of a working day in the small county, for tests that need a paper in a certain state."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.world import World, id_of
from xinglin.base import clock, database
from xinglin.base.actor import worker_of
from xinglin.delivery import actions as delivery, planning, queries as delivery_queries
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Received

WORLD = World()
DOCTOR, PHARMACIST, KEEPER, DISPATCHER, DRIVER = map(
    WORLD.actor, ("doctor1", "pharmacist1", "keeper", "dispatcher", "driver1")
)
SOLVER = worker_of(WORLD.county, "delivery.keep_solution")
BASKET = {"amoxicillin": 48, "metformin": 40, "adrenaline": 2, "insulin": 3}
STATES = ("submitted", "approved", "allocated", "picked", "planned", "shipped", "closed")


async def placed(
    session: AsyncSession, basket: Mapping[str, int] = BASKET, *, by: str = "doctor1", place: str = "clinic1",
    **options: Any,
) -> UUID:  # fmt: skip
    """A requisition submitted by a clinic."""
    asked = [Asked(id_of(product), quantity) for product, quantity in basket.items()]
    return (await orders.place(session, WORLD.actor(by), id_of(place), asked, **options)).id


async def approved(session: AsyncSession, basket: Mapping[str, int] = BASKET, **options: Any) -> UUID:
    """A requisition that may go ahead."""
    requisition = await placed(session, basket, **options)
    await orders.approve(session, PHARMACIST, requisition)
    return requisition


async def allocated(session: AsyncSession, basket: Mapping[str, int] = BASKET, **options: Any) -> UUID:
    """A requisition whose goods are promised."""
    requisition = await approved(session, basket, **options)
    await orders.allocate(session, PHARMACIST, id_of("township1"), [requisition])
    return requisition


async def picked(session: AsyncSession, basket: Mapping[str, int] = BASKET, **options: Any) -> UUID:
    """A requisition whose goods wait at the ramp."""
    requisition = await allocated(session, basket, **options)
    await orders.pick(session, PHARMACIST, requisition)
    return requisition


async def plan(session: AsyncSession, depot: str = "township1") -> UUID:
    """A solved draft of what the depot has ready; the solver thinks in this process."""
    plan_id = await delivery.request_plan(session, DISPATCHER, id_of(depot))
    await solve(session, plan_id)
    return plan_id


async def solve(session: AsyncSession, plan_id: UUID) -> None:
    """What the worker does with a requested plan."""
    found = await delivery_queries.plan(session, SOLVER, plan_id)
    result, verdict = planning.solve_json(msgspec.json.decode(found["problem_text"]), 0.2, 0)
    await delivery.keep_solution(session, SOLVER, plan_id, result, verdict)


async def planned(session: AsyncSession, depot: str = "township1") -> UUID:
    """The one run that brings all that the depot has ready."""
    (run,) = await delivery.adopt_plan(session, DISPATCHER, await plan(session, depot))
    return run


async def under_way(session: AsyncSession, depot: str = "township1") -> UUID:
    """The run has left."""
    run = await planned(session, depot)
    await delivery.depart(session, DISPATCHER, run)
    return run


async def stops_of(session: AsyncSession, run: UUID) -> list[UUID]:
    """The stops of a run, in order."""
    return [stop["id"] for stop in await delivery_queries.stops(session, run)]


async def arrived(
    session: AsyncSession, place: str, product: str, quantity: int, *, days: int = 500, lot: str = "L1",
    price: str = "1.0000",
) -> UUID:  # fmt: skip
    """Goods of one lot that came in; the id of the lot."""
    line = Received(id_of(product), lot, clock.today() + timedelta(days=days), quantity, Decimal(price))
    keeper = WORLD.actor({"township1": "pharmacist1", "township2": "pharmacist2"}.get(place, "keeper"))
    await stock.receive(session, keeper, id_of(place), [line], supplier_id=id_of("supplier"))
    return (await stock.lots_named(session, [line]))[0]


async def emptied(session: AsyncSession, place: str, product: str) -> None:
    """The shelf of a product is bare: what lay there was counted and is gone."""
    for lot in await stock_queries.lots_at(session, id_of(place), [id_of(product)]):
        await stock.adjust(
            session, EVERYBODY, id_of(place), lot.lot_id, -lot.free, reason="counted for a test"
        )


async def on_hand(session: AsyncSession, place: UUID | str, lot: UUID, condition: str = "released") -> int:
    """Base units of a lot at a place."""
    where = id_of(place) if isinstance(place, str) else place
    found = await database.value(
        session, "SELECT on_hand FROM balance WHERE place_id = $1 AND lot_id = $2 AND condition = $3",
        where, lot, condition,
    )  # fmt: skip
    return int(found or 0)


async def trail_length(session: AsyncSession) -> int:
    """How many entries the trail has."""
    return int(await database.value(session, "SELECT count(*) FROM trail"))


async def state(session: AsyncSession, requisition: UUID) -> str:
    """The state of a requisition."""
    return str(await database.value(session, "SELECT state FROM requisition WHERE id = $1", requisition))


EVERYBODY = worker_of(
    WORLD.county,
    *{verb for name in ("doctor1", "pharmacist1", "chief", "keeper", "dispatcher", "driver1", "inspector", "admin")
      for verb in WORLD.actor(name).verbs},
)  # fmt: skip
"""A test that may do everything everywhere, where who does it is not the point."""
