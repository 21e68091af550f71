"""A state machine over the life of requisitions: random steps by random roles, from basket to receipt."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import COUNTY, PEOPLE, id_of
from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.base.database import Database
from xinglin.base.errors import Refusal
from xinglin.delivery import actions as delivery, queries as delivery_queries
from xinglin.delivery.rules import Counted
from xinglin.orders import actions as orders, queries as order_queries
from xinglin.orders.actions import Approval, ShortPick
from xinglin.orders.rules import MAY, Asked
from xinglin.stock import queries as stock_queries

PACKS = {"amoxicillin": 24, "metformin": 20, "adrenaline": 2, "insulin": 1, "ibuprofen": 100}
WHO = [person.name for person in PEOPLE]
CLINIC, SUPPLIER = id_of("clinic1"), id_of("township1")

who = st.sampled_from(["doctor1", "pharmacist1", *WHO])
often = st.sampled_from(["doctor1"] * 4 + ["pharmacist1"] * 4 + WHO)
baskets = st.dictionaries(st.sampled_from(list(PACKS)), st.integers(1, 45), min_size=1, max_size=4)
Step = Callable[[AsyncSession, Actor], Awaitable[Any]]


class Life(RuleBasedStateMachine):
    """Requisitions of one clinic and the runs that bring them."""

    def __init__(self, runner: asyncio.Runner, base: Database) -> None:
        super().__init__()
        self.runner, self.base = runner, base
        self.session, _ = self.run(base.begin(f"SET LOCAL search_path TO county_{COUNTY}, public"))
        self.state: dict[UUID, str] = {}
        self.run_of: dict[UUID, UUID] = {}
        self.plans: list[UUID] = []
        self.runs: dict[UUID, str] = {}

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.runner.run(awaited())

    def teardown(self) -> None:
        self.run(self.session.rollback())
        self.run(self.session.close())

    def step(self, name: str, verb: str, is_possible: bool, work: Step) -> Any:
        """Somebody tries: done with one entry in the trail, or refused with nothing left behind."""
        actor = day.WORLD.actor(name)
        before = self.run(day.trail_length(self.session))
        self.run(database.run(self.session, "SAVEPOINT step"))
        if is_possible and verb in actor.verbs:
            done = self.run(work(self.session, actor))
            assert self.run(day.trail_length(self.session)) == before + 1
            self.run(database.run(self.session, "RELEASE SAVEPOINT step"))
            return done if done is not None else True
        with pytest.raises(Refusal):
            self.run(work(self.session, actor))
        assert self.run(day.trail_length(self.session)) == before, "a refusal was told as a deed"
        self.run(database.run(self.session, "ROLLBACK TO SAVEPOINT step"))
        return None

    def reaches(self, name: str, *places: UUID) -> bool:
        place = day.WORLD.actor(name).place_id
        return place is None or place in places

    def paper(self, data: st.DataObject, *likely: str) -> UUID:
        """A requisition, mostly one in a state in which the step may be taken."""
        fit = [id for id, state in self.state.items() if state in likely]
        return data.draw(st.sampled_from(fit if fit and data.draw(st.integers(0, 3)) else list(self.state)))

    def asked(self, basket: dict[str, int]) -> list[Asked]:
        return [Asked(id_of(product), packs * PACKS[product]) for product, packs in basket.items()]

    @rule(name=often, basket=baskets, submit=st.booleans(), urgent=st.booleans())
    def place(self, name: str, basket: dict[str, int], submit: bool, urgent: bool) -> None:
        verb = "orders.submit" if submit else "orders.open"
        placed = self.step(
            name, verb, self.reaches(name, CLINIC),
            lambda session, actor: orders.place(
                session, actor, CLINIC, self.asked(basket), submit=submit, is_urgent=urgent
            ),
        )  # fmt: skip
        if placed:
            self.state[placed.id] = "submitted" if submit else "draft"

    @precondition(lambda self: self.state)
    @rule(name=often, data=st.data(), basket=baskets)
    def put_lines(self, name: str, data: st.DataObject, basket: dict[str, int]) -> None:
        id = self.paper(data, *MAY["put_lines"])
        is_possible = self.reaches(name, CLINIC) and self.state[id] in MAY["put_lines"]
        self.step(
            name, "orders.put_lines", is_possible,
            lambda session, actor: orders.put_lines(session, actor, id, self.asked(basket)),
        )  # fmt: skip

    def simple(
        self, name: str, data: st.DataObject, step: str, after: str, ends: tuple[UUID, ...],
        work: Callable[[AsyncSession, Actor, UUID], Awaitable[Any]],
    ) -> None:  # fmt: skip
        id = self.paper(data, *MAY[step])
        is_possible = self.reaches(name, *ends) and self.state[id] in MAY[step]
        verb = f"orders.{step}"
        if self.step(name, verb, is_possible, lambda session, actor: work(session, actor, id)):
            self.state[id] = after

    @precondition(lambda self: self.state)
    @rule(name=often, data=st.data())
    def submit(self, name: str, data: st.DataObject) -> None:
        self.simple(name, data, "submit", "submitted", (CLINIC,), orders.submit)

    @precondition(lambda self: self.state)
    @rule(name=who, data=st.data())
    def cancel(self, name: str, data: st.DataObject) -> None:
        self.simple(name, data, "cancel", "cancelled", (CLINIC,), orders.cancel)

    @precondition(lambda self: self.state)
    @rule(name=who, data=st.data())
    def send_back(self, name: str, data: st.DataObject) -> None:
        self.simple(
            name, data, "send_back", "returned", (SUPPLIER,),
            lambda session, actor, id: orders.send_back(session, actor, id, note="less of it"),
        )  # fmt: skip

    @precondition(lambda self: self.state)
    @rule(name=often, data=st.data(), packs=st.integers(0, 3))
    def approve(self, name: str, data: st.DataObject, packs: int) -> None:
        async def work(session: AsyncSession, actor: Actor, id: UUID) -> Any:
            line = (await order_queries.lines(session, id))[0]
            changed = (
                {line["id"]: Approval(packs * line["pack_size"], "as far as it goes")} if packs else None
            )
            return await orders.approve(session, actor, id, changed)

        self.simple(name, data, "approve", "approved", (SUPPLIER,), work)

    @rule(name=often)
    def allocate(self, name: str) -> None:
        ours = [id for id, state in self.state.items() if state == "approved"]
        if not ours:
            return
        wave = self.step(
            name, "orders.allocate", self.reaches(name, SUPPLIER),
            lambda session, actor: orders.allocate(session, actor, SUPPLIER, ours),
        )  # fmt: skip
        if wave:
            for id in ours:
                lines = self.run(order_queries.lines(self.session, id))
                self.state[id] = "allocated" if sum(line["allocated"] for line in lines) else "closed"

    @precondition(lambda self: self.state)
    @rule(name=often, data=st.data(), is_short=st.booleans())
    def pick(self, name: str, data: st.DataObject, is_short: bool) -> None:
        async def work(session: AsyncSession, actor: Actor, id: UUID) -> Any:
            hold = (await order_queries.pick_list(session, id) or [{"hold_id": id, "quantity": 1}])[0]
            found = ShortPick(hold["quantity"] // 2, "fewer on the shelf")
            return await orders.pick(session, actor, id, {hold["hold_id"]: found} if is_short else None) + 1

        id = self.paper(data, *MAY["pick"])
        is_possible = self.reaches(name, SUPPLIER) and self.state[id] in MAY["pick"]
        if self.step(name, "orders.pick", is_possible, lambda session, actor: work(session, actor, id)):
            lines = self.run(order_queries.lines(self.session, id))
            self.state[id] = "picked" if sum(line["picked"] for line in lines) else "closed"

    @rule(name=often)
    def plan(self, name: str) -> None:
        waiting = [i for i, state in self.state.items() if state == "picked" and i not in self.run_of]
        plan = self.step(
            name, "delivery.request_plan", bool(waiting) and self.reaches(name, SUPPLIER),
            lambda session, actor: delivery.request_plan(session, actor, SUPPLIER),
        )  # fmt: skip
        if plan:
            self.run(day.solve(self.session, plan))
            self.plans.append(plan)

    @precondition(lambda self: self.plans)
    @rule(name=often)
    def adopt(self, name: str) -> None:
        plan = self.plans[-1]
        found = self.run(delivery_queries.plan(self.session, day.SOLVER, plan))
        rides = self.run(
            database.rows(
                self.session,
                "SELECT j::uuid AS id FROM plan, jsonb_each(parcels) p, jsonb_array_elements_text(p.value->'requisitions') j "
                "WHERE plan.id = $1",
                plan,
            )
        )
        taken = {row["id"] for row in rides}
        is_possible = (
            found["state"] == "draft" and not taken & set(self.run_of) and self.reaches(name, SUPPLIER)
        )
        runs = self.step(
            name, "delivery.adopt_plan", is_possible,
            lambda session, actor: delivery.adopt_plan(session, actor, plan),
        )  # fmt: skip
        for run in runs or []:
            self.runs[run] = "planned"
            self.run_of.update(dict.fromkeys(taken, run))

    @precondition(lambda self: self.runs)
    @rule(name=st.sampled_from(["driver1", "dispatcher", *WHO]), data=st.data())
    def depart(self, name: str, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(list(self.runs)))
        is_out = "under_way" in self.runs.values()
        is_possible = self.runs[run] == "planned" and not is_out and self.drives(name)
        work: Step = lambda session, actor: delivery.depart(session, actor, run)  # noqa: E731
        if self.step(name, "delivery.depart", is_possible, work):
            self.runs[run] = "under_way"
            self.state.update({id: "shipped" for id, its in self.run_of.items() if its == run})

    def drives(self, name: str) -> bool:
        """The driver of the vehicle, or who looks after the depot or the county."""
        return name == "driver1" or (name != "driver" and self.reaches(name, SUPPLIER))

    @precondition(lambda self: self.runs)
    @rule(name=st.sampled_from(["driver1", "driver1", *WHO]), data=st.data())
    def hand_over(self, name: str, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(list(self.runs)))
        papers = [id for id, its in self.run_of.items() if its == run]
        (stop,) = self.run(day.stops_of(self.session, run))
        counted = {}
        for item in self.run(delivery_queries.cargo(self.session, stop)):
            cuts = sorted(data.draw(st.lists(st.integers(0, item["quantity"]), min_size=3, max_size=3)))
            parts = (cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], item["quantity"] - cuts[2])
            if data.draw(st.booleans()):
                counted[item["line_id"], item["lot_id"]] = Counted(*parts, "as counted")
        is_possible = (
            name == "driver1" and self.runs[run] == "under_way"
            and all(self.state[id] == "shipped" for id in papers)
        )  # fmt: skip
        work: Step = lambda session, actor: delivery.hand_over(  # noqa: E731
            session, actor, stop, counted, received_by="王医生", cold_max_c=4.0
        )
        if self.step(name, "delivery.hand_over", is_possible, work):
            self.state.update(dict.fromkeys(papers, "closed"))

    @precondition(lambda self: self.runs)
    @rule(name=st.sampled_from(["driver1", "dispatcher", *WHO]), data=st.data())
    def come_back(self, name: str, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(list(self.runs)))
        is_done = all(self.state[id] == "closed" for id, its in self.run_of.items() if its == run)
        is_possible = self.runs[run] == "under_way" and is_done and self.drives(name)

        async def work(session: AsyncSession, actor: Actor) -> Any:
            return await delivery.come_back(session, actor, run) + 1

        if self.step(name, "delivery.come_back", is_possible, work):
            self.runs[run] = "closed"
            left = "SELECT coalesce(sum(on_hand), 0) FROM balance b JOIN run r ON r.vehicle_id = b.place_id WHERE r.id = $1"
            assert self.run(database.value(self.session, left, run)) == 0, "something was left on the vehicle"

    @invariant()
    def every_paper_is_in_the_state_its_steps_led_to(self) -> None:
        found = self.run(database.rows(self.session, "SELECT id, state FROM requisition"))
        assert {row["id"]: row["state"] for row in found} == self.state

    @invariant()
    def promises_are_what_is_allocated_or_picked_and_not_yet_gone(self) -> None:
        found = self.run(
            database.rows(
                self.session,
                """SELECT r.id, r.state, sum(l.allocated) AS allocated, sum(l.picked) AS picked,
                     sum(l.shipped) AS shipped, sum(l.accepted + l.damaged + l.short + l.refused) AS told,
                     (SELECT coalesce(sum(h.quantity), 0) FROM hold h WHERE h.paper_id = r.id AND NOT EXISTS (
                        SELECT 1 FROM hold_answer a WHERE a.hold_id = h.id)) AS promised,
                     bool_and(l.rationed IS NULL OR l.approved - l.picked = (SELECT coalesce(sum(s.quantity), 0)
                        FROM shortage s WHERE s.line_id = l.id AND s.reason IN ('out_of_stock', 'short_pick')))
                       OR r.state = 'allocated' AS is_said
                   FROM requisition r JOIN requisition_line l ON l.requisition_id = r.id GROUP BY r.id""",
            )
        )
        for row in found:
            expected = {"allocated": row["allocated"], "picked": row["picked"]}.get(row["state"], 0)
            assert row["promised"] == expected
            assert row["told"] == (row["shipped"] if row["state"] == "closed" else 0)
            assert row["is_said"], "what a line did not get is not in the register of shortages"

    @invariant()
    def the_books_balance(self) -> None:
        assert not self.run(stock_queries.books_disagree(self.session))


@pytest.fixture
def machine(shared_url: str) -> Iterator[Callable[[], Life]]:
    with asyncio.Runner() as runner:
        base = Database(shared_url, pool_size=1)
        yield lambda: Life(runner, base)
        runner.run(base.close())


def test_whoever_tries_what_in_whatever_order_papers_quantities_and_books_stay_right(
    machine: Callable[[], Life],
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=35,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )
