"""One working day, played by the people of the county through the actions people call.

Every step is claimed under a key in its own transaction, so a day that was cut off goes on where it
stood: nothing is lost, nothing is done twice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, once
from xinglin.base.actor import Actor
from xinglin.base.database import Database, Row
from xinglin.base.errors import WrongState
from xinglin.delivery import actions as delivery, queries as delivery_queries
from xinglin.delivery.rules import Counted
from xinglin.demo import county, sample
from xinglin.demo.county import BUILDER, CODE, chance_of
from xinglin.inspection import actions as inspection, queries as inspection_queries
from xinglin.orders import actions as orders, queries as order_queries
from xinglin.orders.actions import Approval, ShortPick
from xinglin.orders.rules import Asked
from xinglin.people.rules import Role, verbs_of
from xinglin.stock import queries as stock_queries

AT_ONCE = 6
TRIES_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
PASSING = (
    DBAPIError,
    InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    ConnectionError,
    OSError,
)
PLAN_WAIT_S = 90.0
LATE = 20.5
"""The hour after which the day's figures count nothing."""
EVENING = (0, 0, 1, 2, 3, 3, 3)
"""How many steps each of the evening's orders has taken: approved, allocated, picked."""

Do = Callable[[AsyncSession, Actor], Awaitable[Any]]
Tick = Callable[[str, int, int], None]


class Person(NamedTuple):
    """Somebody at work at a place."""

    actor: Actor
    place_id: UUID | None
    kind: str
    code: str


class Day:
    """The day and everybody in it."""

    def __init__(self, base: Database, on: date, townships: int, tick: Tick) -> None:
        self.base, self.on, self.tick = base, on, tick
        self.towns = sample.towns()[:townships]
        codes = {town.code for town in self.towns}
        self.clinics = [clinic for clinic in sample.clinics() if clinic.town_code in codes]
        self.people: list[Person] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction in the county."""
        async with self.base.transaction(CODE) as session:
            yield session

    async def once(self, key: str, actor: Actor, do: Do, *, at: float | None = None) -> None:
        """Do a step unless it was done; wait out a server that is away. `at`: hour of the day it is played."""
        for wait_s in (*TRIES_S, None):
            try:
                async with self.transaction() as session:
                    if (
                        await once.claim(session, actor.account_id, f"demo/{self.on}/{key}", b"demo")
                        is not None
                    ):
                        return
                    with clock.set_to(self.moment(at)) if at is not None else nullcontext():
                        await do(session, actor)
                    return
            except PASSING as error:
                if wait_s is None or not _is_passing(error):
                    raise
                await asyncio.sleep(wait_s)

    async def each(self, name: str, things: Sequence[Any], do: Callable[[Any], Awaitable[None]]) -> None:
        """Several people at work at once."""
        gate, done = asyncio.Semaphore(AT_ONCE), 0
        self.tick(name, 0, len(things))

        async def one(thing: Any) -> None:
            nonlocal done
            async with gate:
                await do(thing)
            done += 1
            self.tick(name, done, len(things))

        async with asyncio.TaskGroup() as group:
            for thing in things:
                group.create_task(one(thing))

    def moment(self, hour: float) -> datetime:
        """An hour of the day as an instant."""
        return clock.instant(self.on, round(hour * 3600))

    # The county is put together.

    async def open_county(self, password: str) -> None:
        """Places, people, medicines and vehicles."""

        async def build(session: AsyncSession, _: Actor) -> None:
            await county.add_places(session, self.towns, self.clinics)
            await county.add_medicines(session, sample.medicines())
            await county.add_people(session, password)
            await county.add_fleet(session)

        await self.once("county", BUILDER, build)

    async def open_books(self) -> None:
        """Opening lots and twelve weeks of use: the county's depot, then town by town."""
        async with self.transaction() as session:
            ids = {
                row["code"]: row["id"] for row in await database.rows(session, "SELECT code, id FROM product")
            }
            places = {
                row["code"]: row["id"] for row in await database.rows(session, "SELECT code, id FROM place")
            }
        known = [(ids[m.product.code], m) for m in sample.medicines()]
        villages = [pair for pair in known if pair[1].is_for_villages]
        townships = [pair for pair in known if pair[1].is_for_townships]
        uses = {clinic.code: county.village_use(clinic, villages) for clinic in self.clinics}
        own = {town.code: county.township_use(town.code, townships) for town in self.towns}
        everything = [use for group in (*uses.values(), *own.values()) for use in group]

        async def centre(session: AsyncSession, _: Actor) -> None:
            await county.add_stock_and_use(
                session, "centre", places["C-001"], places["S-001"], [], everything, self.on,
                lambda chance: 4 if chance.random() < 0.06 else chance.uniform(20, 45),
            )  # fmt: skip

        async def town_of(town: sample.Town) -> None:
            clinics = [clinic for clinic in self.clinics if clinic.town_code == town.code]

            async def build(session: AsyncSession, _: Actor) -> None:
                await county.add_stock_and_use(
                    session, town.code, places[town.code], places["S-001"],
                    own[town.code], [use for c in clinics for use in uses[c.code]], self.on,
                    lambda chance: chance.uniform(0.5, 5) if chance.random() < 0.12 else chance.uniform(8, 30),
                )  # fmt: skip
                for clinic in clinics:
                    await county.add_stock_and_use(
                        session, clinic.code, places[clinic.code], places["S-001"], uses[clinic.code], [], self.on,
                        lambda chance: chance.uniform(1, 22),
                    )  # fmt: skip

            await self.once(f"books/{town.code}", BUILDER, build)

        await self.once("books/centre", BUILDER, centre)
        await self.each("books", self.towns, town_of)

    async def meet(self) -> None:
        """Who is at work today."""
        async with self.transaction() as session:
            rows = await database.rows(
                session,
                """SELECT a.id, a.name, p.role, p.place_id, coalesce(l.kind, '') AS kind, coalesce(l.code, '') AS code
                   FROM public.post p JOIN public.account a ON a.id = p.account_id LEFT JOIN place l ON l.id = p.place_id
                   WHERE p.county = $1 ORDER BY l.no, a.username""",
                CODE,
            )
        self.people = [
            Person(
                Actor(r["id"], r["name"], r["role"], CODE, r["place_id"], verbs_of(r["role"])),
                r["place_id"],
                r["kind"],
                r["code"],
            )
            for r in rows
        ]

    def those(self, role: Role, *kinds: str) -> list[Person]:
        """Everybody in a role, at places of these kinds."""
        return [p for p in self.people if p.actor.role == role and (not kinds or p.kind in kinds)]

    def one(self, role: Role) -> Actor:
        """The one in a county-wide role."""
        return next(person.actor for person in self.people if person.actor.role == role)

    async def central(self) -> UUID:
        """The county central pharmacy."""
        async with self.transaction() as session:
            found: UUID = await database.value(session, "SELECT id FROM place WHERE code = 'C-001'")
        return found

    # The day.

    async def baskets(self) -> None:
        """Every clinic sends its basket: what the service proposes, changed here and there by the doctor."""

        async def send(person: Person) -> None:
            async def do(session: AsyncSession, actor: Actor) -> None:
                assert person.place_id is not None
                proposed = await order_queries.proposal(session, actor, person.place_id)
                asked = doctors_choice(person.code, proposed)
                if asked:
                    await orders.place(session, actor, person.place_id, asked)

            await self.once(f"basket/{person.code}", person.actor, do, at=8.2)

        await self.each("baskets", self.those(Role.VILLAGE_DOCTOR), send)

    async def review(self) -> None:
        """Each township pharmacist approves the baskets of the villages; a few lines are cut, with the reason."""

        async def approve(person: Person) -> None:
            async with self.transaction() as session:
                waiting = await order_queries.requisitions(
                    session, person.actor, states=["submitted"], limit=500
                )
            for paper in (paper for paper in waiting if paper["supplier_id"] == person.place_id):
                await self.once(f"review/{paper['number']}", person.actor, _approve(paper), at=8.8)

        await self.each("review", self.those(Role.TOWNSHIP_PHARMACIST), approve)

    async def townships_order(self) -> None:
        """Each township asks the county for what it and its villages need; the chief pharmacist approves."""

        async def send(person: Person) -> None:
            async def do(session: AsyncSession, actor: Actor) -> None:
                assert person.place_id is not None
                proposed = await order_queries.proposal(session, actor, person.place_id)
                asked = as_proposed(proposed)
                if asked:
                    await orders.place(session, actor, person.place_id, asked)

            await self.once(f"township/{person.code}", person.actor, do, at=9.0)

        await self.each("township orders", self.those(Role.TOWNSHIP_PHARMACIST), send)
        chief, central = self.one(Role.CHIEF_PHARMACIST), await self.central()
        async with self.transaction() as session:
            waiting = await order_queries.requisitions(session, chief, states=["submitted"], limit=500)
        for paper in (paper for paper in waiting if paper["supplier_id"] == central):
            await self.once(f"review/{paper['number']}", chief, _approve(paper), at=9.1)

    async def allocate(self) -> None:
        """Every depot shares what it has among its approved requisitions and promises it lot by lot."""

        async def share(person: Person) -> None:
            async def do(session: AsyncSession, actor: Actor) -> None:
                assert person.place_id is not None
                await orders.allocate(session, actor, person.place_id)

            await self.once(f"allocate/{person.code}", person.actor, do, at=9.3)

        await self.each("allocation", self.pickers(), share)

    def pickers(self) -> list[Person]:
        """Who picks at each depot."""
        keepers = self.those(Role.DEPOT_KEEPER, "county_central_pharmacy")
        return keepers + self.those(Role.TOWNSHIP_PHARMACIST)

    async def pick(self) -> None:
        """Every promised lot is taken from the shelf; now and then less lies there than the books say."""
        papers: list[tuple[Person, Row]] = []
        for person in self.pickers():
            async with self.transaction() as session:
                found = await order_queries.requisitions(
                    session, person.actor, states=["allocated"], supplier_id=person.place_id, limit=500
                )
            papers += [(person, paper) for paper in found]

        async def take(pair: tuple[Person, Row]) -> None:
            person, paper = pair

            async def do(session: AsyncSession, actor: Actor) -> None:
                holds = await order_queries.pick_list(session, paper["id"])
                await orders.pick(session, actor, paper["id"], short_picks(paper["number"], holds))

            await self.once(f"pick/{paper['number']}", person.actor, do, at=9.4)

        await self.each("picking", papers, take)

    async def plan(self) -> None:
        """The dispatcher asks for a plan for every depot, waits for the worker, and adopts the drafts."""
        dispatcher = self.one(Role.DISPATCHER)
        depots = [person.place_id for person in self.pickers()]

        async def ask(depot: UUID) -> None:
            async def do(session: AsyncSession, actor: Actor) -> None:
                with suppress(WrongState):  # nothing is waiting there
                    await delivery.request_plan(session, actor, depot, self.on)

            await self.once(f"plan/{depot}", dispatcher, do, at=9.45)

        for depot in depots:
            assert depot is not None
            await ask(depot)
        await self._adopt_all(dispatcher, "planned")

    async def _adopt_all(self, dispatcher: Actor, key: str) -> None:
        """Adopt each plan as soon as it is thought out; drafts of a later hand are left alone."""
        sql = "SELECT 1 FROM done_once WHERE account_id = $1 AND key = $2"
        whole = f"demo/{self.on}/{key}"
        if await self._read(lambda s: database.value(s, sql, dispatcher.account_id, whole)):
            return
        ends_at = asyncio.get_running_loop().time() + PLAN_WAIT_S
        while True:
            plans = await self._read(lambda s: delivery_queries.plans(s, dispatcher, limit=200))
            solved = [plan for plan in plans if plan["state"] != "solving"]
            self.tick("planning", len(solved), len(plans))
            for plan in (plan for plan in solved if plan["state"] == "draft"):
                await self.once(f"adopt/{plan['number']}", dispatcher, _adopt(plan["id"]), at=9.5)
            if len(solved) == len(plans):
                break
            if asyncio.get_running_loop().time() > ends_at:
                raise TimeoutError("No worker answered with a plan: is `xinglin worker` running?")
            await asyncio.sleep(0.3)
        await self.once(key, dispatcher, _nothing)

    async def _read(self, ask: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        """Ask, waiting out a server that is away."""
        for wait_s in (*TRIES_S, None):
            try:
                async with self.transaction() as session:
                    return await ask(session)
            except PASSING as error:
                if wait_s is None or not _is_passing(error):
                    raise
                await asyncio.sleep(wait_s)
        raise AssertionError

    async def drive(self) -> None:
        """Every driver leaves, hands over stop by stop, and comes back."""
        dispatcher = self.one(Role.DISPATCHER)
        runs = await self._read(lambda s: delivery_queries.runs(s, dispatcher, on=self.on, limit=500))
        drivers = {person.actor.account_id: person.actor for person in self.those(Role.DRIVER)}
        total, done = sum(run["stops"] for run in runs), 0

        async def trip(run: Row) -> None:
            nonlocal done
            driver = drivers[run["driver_id"]]
            left = run["planned_departure_at"]
            await self.once(
                f"depart/{run['number']}", driver,
                lambda s, a: delivery.depart(s, a, run["id"], departed_at=left),
                at=_hour(left),
            )  # fmt: skip
            late = timedelta()
            for stop in await self._read(lambda s: delivery_queries.stops(s, run["id"])):
                late = delay(run["number"], stop["position"], late)
                await self.once(
                    f"stop/{run['number']}/{stop['position']}", driver, _hand_over(stop, late),
                    at=_hour(stop["planned_arrival_at"] + late),
                )  # fmt: skip
                done += 1
                self.tick("driving", done, total)
            back = run["planned_return_at"] + late
            await self.once(
                f"back/{run['number']}",
                driver,
                lambda s, a: delivery.come_back(s, a, run["id"]),
                at=_hour(back),
            )

        gate = asyncio.Semaphore(AT_ONCE)

        async def in_turn(run: Row) -> None:
            async with gate:
                await trip(run)

        async with asyncio.TaskGroup() as group:
            for run in runs:
                group.create_task(in_turn(run))

    async def evening(self) -> None:
        """What waits for whoever signs in afterwards: orders in every state, and a run to be driven."""
        town = next(p for p in self.those(Role.TOWNSHIP_PHARMACIST) if p.code == self.towns[0].code)
        clinics = {clinic.code for clinic in self.clinics if clinic.town_code == town.code}
        doctors = [p for p in self.those(Role.VILLAGE_DOCTOR) if p.code in clinics][: len(EVENING)]
        for person, steps in zip(doctors, EVENING, strict=False):
            await self.once(
                f"evening/{person.code}", person.actor, self._evening_order(town, person, steps), at=LATE
            )
        await self.once("evening/plan", self.one(Role.DISPATCHER), self._ask_plan(town), at=LATE)
        await self._adopt_all(self.one(Role.DISPATCHER), "planned-evening")

    def _evening_order(self, town: Person, person: Person, steps: int) -> Do:
        """A small order, taken so many steps on."""

        async def do(session: AsyncSession, actor: Actor) -> None:
            assert person.place_id is not None and town.place_id is not None
            kept = await stock_queries.stock_list(session, actor, person.place_id, limit=6)
            asked = [Asked(row["product_id"], row["pack_size"] * 2) for row in kept]
            placed = await orders.place(session, actor, person.place_id, asked)
            if steps >= 1:
                await orders.approve(session, town.actor, placed.id)
            if steps >= 2:
                await orders.allocate(session, town.actor, town.place_id, [placed.id])
            if steps >= 3:
                await orders.pick(session, town.actor, placed.id)

        return do

    def _ask_plan(self, town: Person) -> Do:
        async def do(session: AsyncSession, actor: Actor) -> None:
            assert town.place_id is not None
            with suppress(WrongState):
                await delivery.request_plan(session, actor, town.place_id, self.on + timedelta(days=1))

        return do

    async def close(self) -> dict[str, Any]:
        """The inspector checks the books; what the day came to."""
        inspector = self.one(Role.INSPECTOR)
        async with self.transaction() as session:
            await inspection.check(session, inspector)
            verified = await inspection_queries.verify(session)
            return await summary(session, self.on, verified)


async def _nothing(_: AsyncSession, __: Actor) -> None:
    """Only the key is claimed."""


def _is_passing(error: BaseException) -> bool:
    """Whether the server was away, and not the statement wrong."""
    if isinstance(error, DBAPIError):
        return bool(error.connection_invalidated) or isinstance(error, InterfaceError | OperationalError)
    return True


def _hour(at: datetime) -> float:
    """An instant as an hour of the county's day."""
    return clock.second_of_day(at) / 3600


def as_proposed(proposed: Iterable[dict[str, Any]]) -> list[Asked]:
    """The whole basket as the service proposes it."""
    return [Asked(line["product_id"], line["quantity"]) for line in proposed]


def doctors_choice(code: str, proposed: Iterable[dict[str, Any]]) -> list[Asked]:
    """The proposed basket with a doctor's changes: some more of this, none of that; about twenty lines."""
    chance, asked = chance_of("doctor", code), []
    for line in proposed:
        if chance.random() < 0.05:
            continue
        packs = line["quantity"] // line["pack_size"]
        if chance.random() < 0.12:
            packs += chance.randint(1, 3)
        asked.append(Asked(line["product_id"], packs * line["pack_size"]))
    return asked[:35]


def _approve(paper: Row) -> Do:
    """As asked, but for a line here and there that asks for far more than is used."""

    async def do(session: AsyncSession, actor: Actor) -> None:
        lines = await order_queries.lines(session, paper["id"])
        changes = {
            line["id"]: Approval(line["suggested"], "超出近十二周用量，按建议量审批")
            for line in lines
            if 0 < line["suggested"] < line["asked"] // 2
        }
        await orders.approve(session, actor, paper["id"], changes)

    return do


def _adopt(plan_id: UUID) -> Do:
    async def do(session: AsyncSession, actor: Actor) -> None:
        await delivery.adopt_plan(session, actor, plan_id)

    return do


def short_picks(number: str, holds: Sequence[Row]) -> dict[UUID, ShortPick]:
    """About one lot in 400 lies short on the shelf."""
    chance = chance_of("pick", number)
    return {
        hold["hold_id"]: ShortPick(
            hold["quantity"] // hold["pack_size"] // 2 * hold["pack_size"], "货位实数少于账面"
        )
        for hold in holds
        if chance.random() < 1 / 400
    }


def delay(run: str, position: int, before: timedelta) -> timedelta:
    """How late a driver is at a stop: mostly as planned, now and then held up, catching up slowly."""
    chance = chance_of("delay", run, position)
    held_up = timedelta(minutes=chance.randint(10, 35)) if chance.random() < 0.04 else timedelta()
    return max(timedelta(), before - timedelta(minutes=3)) + held_up + timedelta(minutes=chance.uniform(0, 2))


def _hand_over(stop: Row, late: timedelta) -> Do:
    """Mostly all is well; now and then a box is broken, missing or not wanted."""

    async def do(session: AsyncSession, actor: Actor) -> None:
        cargo = await delivery_queries.cargo(session, stop["id"])
        await delivery.hand_over(
            session, actor, stop["id"], counted_at(stop["code"], cargo), received_by=sample.person(f"contact-{stop['code']}"),
            arrived_at=stop["planned_arrival_at"] + late,
            cold_max_c=6.5 if any(item["storage"] == "cold" for item in cargo) else None,
        )  # fmt: skip

    return do


def counted_at(code: str, cargo: Sequence[Row]) -> dict[tuple[UUID, UUID], Counted]:
    """What the receiver counts otherwise than shipped: about one lot in 120."""
    chance, counted = chance_of("count", code), {}
    for item in cargo:
        if chance.random() > 1 / 120:
            continue
        pack, quantity = item["pack_size"], item["quantity"]
        kind, reason = chance.choice(
            [
                ("damaged", "外包装破损、药液渗漏"),
                ("short", "实收少于随货单"),
                ("refused", "近期已自行采购，退回"),
            ]
        )
        counted[item["line_id"], item["lot_id"]] = Counted(quantity - pack, **{kind: pack}, reason=reason)
    return counted


async def summary(session: AsyncSession, on: date, verified: inspection_queries.Verified) -> dict[str, Any]:
    """What the day came to, counted from the books."""
    ends_at = clock.instant(on, round(LATE * 3600))
    row = await database.row(session, SUMMARY, on, ends_at)
    classes = await database.rows(
        session,
        "SELECT priority, count(*) AS entries FROM shortage WHERE registered_at < $1 GROUP BY 1 ORDER BY 1",
        ends_at,
    )
    plans = await database.rows(
        session,
        "SELECT number, result::text AS result FROM plan WHERE planned_on = $1 AND state = 'adopted' ORDER BY id",
        on,
    )
    left_out = [
        {"plan": plan["number"], "stop": left["stop"], "reason": left["reason"]}
        for plan in plans
        for left in msgspec.json.decode(plan["result"])["left_out"]
    ]
    assert row is not None
    return {
        **{key: (float(value) if key == "fill_rate" else value) for key, value in dict(row).items()},
        "shortages_by_class": {found["priority"]: found["entries"] for found in classes},
        "left_out": len(left_out),
        "left_out_reasons": left_out,
        "distance_km": round(row["distance_m"] / 1000, 1),
        "hours": round(row["duration_s"] / 3600, 1),
        "ledger_balanced": not verified.unequal,
        "trail_verified": verified.broken is None,
        "seals": verified.seals,
        "sealed_rows": verified.sealed_rows,
    }


SUMMARY = """WITH paper AS (SELECT * FROM requisition WHERE made_on = $1 AND made_at < $2),
    line AS (SELECT l.*, p.state FROM requisition_line l JOIN paper p ON p.id = l.requisition_id),
    trip AS (SELECT * FROM run WHERE runs_on = $1),
    halt AS (SELECT s.* FROM stop s JOIN trip t ON t.id = s.run_id)
  SELECT (SELECT count(*) FROM paper) AS orders,
    (SELECT count(*) FROM line) AS lines,
    (SELECT round(sum(accepted * unit_price) / nullif(sum(approved * unit_price), 0), 4)
       FROM line WHERE state = 'closed') AS fill_rate,
    (SELECT count(*) FROM shortage WHERE registered_at < $2) AS shortages,
    (SELECT count(*) FROM halt) AS stops,
    (SELECT count(*) FROM halt WHERE handed_over_at <= planned_arrival_at + interval '15 minutes') AS stops_on_time,
    (SELECT count(DISTINCT vehicle_id) FROM trip) AS vehicles,
    (SELECT coalesce(sum(distance_m), 0)::bigint FROM trip) AS distance_m,
    (SELECT coalesce(sum(duration_s), 0)::bigint FROM trip) AS duration_s,
    (SELECT count(*) FROM proof f JOIN halt h ON h.id = f.stop_id) AS signed,
    (SELECT count(*) FROM movement) AS movements,
    (SELECT count(*) FROM trail) AS trail_rows"""
