"""One paper in every state, for a place and the depot that supplies it: what the doors are tried with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

import tests.world as small_county
from tests.day import EVERYBODY, SOLVER
from tests.world import id_of
from xinglin import install
from xinglin.base import clock
from xinglin.base.actor import Actor
from xinglin.base.database import Database
from xinglin.delivery import actions as delivery, planning, queries as delivery_queries
from xinglin.formulary import actions as formulary
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked
from xinglin.people.models import Account, Post
from xinglin.shortages import actions as shortages
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Issued, Received

OTHER_COUNTY = "650104"
Ids = Callable[[str], UUID]
BASKET = (("amoxicillin", 24), ("metformin", 20))


@dataclass(frozen=True)
class Papers:
    """Ids of what lies at one place and at the depot that supplies it."""

    place: UUID
    depot: UUID
    product: UUID
    supplier: UUID
    lot: UUID
    movement: UUID
    shortage: UUID
    draft: UUID
    submitted: UUID
    approved: UUID
    allocated: UUID
    account: UUID
    post: UUID
    plan: UUID | None = None
    stop_code: str = ""
    run_planned: UUID | None = None
    run_out: UUID | None = None
    stop: UUID | None = None
    stop_done: UUID | None = None
    run_done: UUID | None = None


async def lay_out(
    session: AsyncSession, place: str, depot: str, *, ids: Ids = id_of, driver: str | None = None,
    account: UUID, post: UUID, drives: bool = True,
) -> Papers:  # fmt: skip
    """Everything a place and its depot may have lying about."""
    asked = [Asked(ids(product), quantity) for product, quantity in BASKET]

    async def requisition(until: str) -> UUID:
        id = (await orders.place(session, EVERYBODY, ids(place), asked, submit=until != "draft")).id
        if until in ("approved", "allocated", "picked"):
            await orders.approve(session, EVERYBODY, id)
        if until in ("allocated", "picked"):
            await orders.allocate(session, EVERYBODY, ids(depot), [id])
        if until == "picked":
            await orders.pick(session, EVERYBODY, id)
        return id

    product = ids("amoxicillin")
    line = Received(product, f"L{place}", clock.today() + timedelta(days=500), 240, Decimal("0.2500"))
    await stock.receive(session, EVERYBODY, ids(place), [line], supplier_id=ids("supplier"))
    (movement, *_) = await stock.issue(session, EVERYBODY, ids(place), [Issued(product, 1)])
    lot = (await stock_queries.lots_at(session, ids(place), [product]))[0].lot_id
    papers = Papers(
        place=ids(place), depot=ids(depot), product=product, supplier=ids("supplier"), lot=lot, movement=movement,
        shortage=await shortages.register(session, EVERYBODY, ids(place), product, 24),
        draft=await requisition("draft"), submitted=await requisition("submitted"),
        approved=await requisition("approved"), allocated=await requisition("allocated"), account=account, post=post,
    )  # fmt: skip
    return (
        await _drive(session, papers, requisition, driver and id_of(f"account:{driver}"))
        if drives
        else papers
    )


async def _drive(session: AsyncSession, papers: Papers, requisition: Any, driver: UUID | None) -> Papers:
    """A run that is back but not closed, one that is out, one that waits, and a draft plan."""
    runs = []
    for number in (1, 2, 3):
        van = await _van(session, papers.depot, number, driver)
        await requisition("picked")
        runs += await delivery.adopt_plan(session, EVERYBODY, (await plan(session, papers.depot, van))[0])
        if number < 3:
            await delivery.depart(session, EVERYBODY, runs[-1])
    stops = [(await delivery_queries.stops(session, run))[0]["id"] for run in runs]
    await delivery.hand_over(session, EVERYBODY, stops[0], received_by="somebody")
    await requisition("picked")
    draft, code = await plan(session, papers.depot, await _van(session, papers.depot, 4, driver))
    return replace(
        papers, plan=draft, stop_code=code, run_done=runs[0], stop_done=stops[0], run_out=runs[1], stop=stops[1],
        run_planned=runs[2],
    )  # fmt: skip


async def _van(session: AsyncSession, depot: UUID, number: int, driver: UUID | None) -> UUID:
    return await delivery.add_vehicle(
        session, EVERYBODY, depot, f"van {number} {depot.hex[:8]}", capacity_g=10**6, capacity_cm3=10**7,
        capacity_cold_cm3=10**6, shift=(6 * 3600, 24 * 3600), driver_id=driver,
    )  # fmt: skip


async def plan(session: AsyncSession, depot: UUID, van: UUID) -> tuple[UUID, str]:
    """A draft that sends one van to all places that wait, without thinking; and the code of its first stop."""
    id = await delivery.request_plan(session, EVERYBODY, depot, vehicles=[van])
    problem = msgspec.json.decode((await delivery_queries.plan(session, SOLVER, id))["problem_text"])
    stops = [stop["id"] for stop in problem["stops"]]
    result = {
        "form": "xinglin-routing-plan/1", "left_out": [],
        "routes": [{"vehicle": problem["vehicles"][0]["id"], "stops": stops, "departure_s": None}],
    }  # fmt: skip
    verdict = planning.judge_json(problem, result)
    assert verdict["is_ok"], verdict["violations"]
    await delivery.keep_solution(session, SOLVER, id, result, verdict)
    return id, stops[0]


async def second_county(url: str, base: Database) -> Papers:
    """Another county in the same database, with papers of its own and nobody of ours."""
    await install.create_county(url, OTHER_COUNTY, "乌鲁木齐市")

    def ids(name: str) -> UUID:
        return uuid5(UUID(int=1), name)

    async with base.transaction(OTHER_COUNTY) as session:
        before, small_county.id_of = small_county.id_of, ids
        try:
            await small_county._places(session)
            await formulary.adopt_edition(session, _there(), "2026")
            await small_county._products(session)
            await small_county._stock(session)
        finally:
            small_county.id_of = before
        account, post = await somebody(session, OTHER_COUNTY, "stranger", ids("clinic1"))
        return await lay_out(session, "clinic1", "township1", ids=ids, account=account, post=post)


def _there() -> Actor:
    return replace(EVERYBODY, county=OTHER_COUNTY)


async def somebody(session: AsyncSession, county: str, name: str, place_id: UUID) -> tuple[UUID, UUID]:
    """An account with a post."""
    account = Account(username=name, name=name, made_at=clock.now())
    session.add(account)
    await session.flush()
    post = Post(account_id=account.id, county=county, place_id=place_id, role="village_doctor")
    session.add(post)
    await session.flush()
    return account.id, post.id
