"""From a plan to a signed delivery: every unit ends in a place, and the vehicle comes back empty."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import COUNTY, id_of
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.base.errors import BadInput, ChangedMeanwhile, NotFound, Refusal, WrongState
from xinglin.delivery import actions as delivery, queries as delivery_queries
from xinglin.delivery.rules import Counted
from xinglin.inspection import checks
from xinglin.orders import queries as order_queries
from xinglin.shortages import queries as shortage_queries
from xinglin.stock import queries as stock_queries

TOWNSHIP, CLINIC = id_of("township1"), id_of("clinic1")


async def refused(session: AsyncSession, kind: type[Refusal], match: str, work: Awaitable[Any]) -> None:
    before = await day.trail_length(session)
    with pytest.raises(kind) as found:
        await work
    assert match in str(found.value)
    assert await day.trail_length(session) == before


def hand_over(session: AsyncSession, stop: UUID, counted: Any = None, **options: Any) -> Awaitable[UUID]:
    return delivery.hand_over(session, day.DRIVER, stop, counted, **{"received_by": "王医生", **options})


async def whereabouts(session: AsyncSession) -> dict[str, int]:
    """Base units by kind of place, over the whole county."""
    found = await database.rows(
        session,
        "SELECT p.kind, sum(b.on_hand)::bigint AS units FROM balance b JOIN place p ON p.id = b.place_id GROUP BY 1",
    )
    return {row["kind"]: row["units"] for row in found if row["units"]}


async def test_when_the_van_leaves_the_promises_are_kept_and_the_goods_are_the_van_s(
    session: AsyncSession,
) -> None:
    paper = await day.picked(session)
    before = await whereabouts(session)
    run = await day.planned(session)
    loaded = await delivery.depart(session, day.DRIVER, run)
    after = await whereabouts(session)
    assert loaded == sum(day.BASKET.values()) == after["vehicle"]
    assert before["township_central_pharmacy"] - after["township_central_pharmacy"] == loaded
    assert await database.value(session, "SELECT sum(held) FROM balance") == 0
    assert await day.state(session, paper) == "shipped"


async def test_every_unit_that_was_shipped_ends_in_a_place(session: AsyncSession) -> None:
    paper = await day.picked(session, {"amoxicillin": 48, "metformin": 40})
    before = await whereabouts(session)
    run = await day.under_way(session)
    (stop,) = await day.stops_of(session, run)
    cargo = {item["product_id"]: item for item in await delivery_queries.cargo(session, stop)}
    item = cargo[id_of("amoxicillin")]
    counted = {
        (item["line_id"], item["lot_id"]): Counted(
            24, damaged=10, short=8, refused=6, reason="van in a ditch"
        )
    }
    await hand_over(session, stop, counted)
    assert await day.on_hand(session, "clinic1", item["lot_id"]) == 24
    back = await delivery.come_back(session, day.DRIVER, run)
    assert back == 16
    assert await day.on_hand(session, "township1", item["lot_id"], "quarantine") == 16
    after = await whereabouts(session)
    assert "vehicle" not in after and after["investigation"] == 8
    assert sum(after.values()) == sum(before.values())
    line = next(line for line in await order_queries.lines(session, paper) if line["code"] == "P-amoxicillin")
    assert [line[name] for name in ("shipped", "accepted", "damaged", "short", "refused")] == [
        48,
        24,
        10,
        8,
        6,
    ]
    missing = {
        row["reason"]: row["quantity"] for row in await shortage_queries.shortages(session, day.DOCTOR)
    }
    assert missing == {"damaged": 10, "short_delivered": 8}, "refused goods were not wanted"
    assert not await stock_queries.books_disagree(session)
    for check in (checks.received_is_what_was_signed_for, checks.nothing_forgotten_on_a_vehicle):
        assert not await check(session)


async def test_a_clinic_gets_goods_that_are_the_ledger_s_and_the_proof_s(session: AsyncSession) -> None:
    await day.picked(session)
    (stop,) = await day.stops_of(session, await day.under_way(session))
    proof = await hand_over(
        session, stop, signature=delivery.PNG + b"...", cold_max_c=6.5, note=" in the yard "
    )
    row = await delivery_queries.proof(session, stop)
    assert row is not None
    assert (row["id"], row["received_by"], row["note"], row["cold_max_c"]) == (
        proof,
        "王医生",
        "in the yard",
        6.5,
    )
    accepted = sum(line["accepted"] for line in await delivery_queries.proof_lines(session, proof))
    delivered = "SELECT sum(quantity) FROM movement WHERE paper_id = $1 AND kind = 'deliver'"
    assert await database.value(session, delivered, stop) == accepted == sum(day.BASKET.values())


async def test_goods_are_handed_over_once(session: AsyncSession) -> None:
    await day.picked(session)
    (stop,) = await day.stops_of(session, await day.under_way(session))
    await hand_over(session, stop)
    await refused(session, WrongState, "handed over already", hand_over(session, stop))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"received_by": "  "}, "who received"),
        ({"signature": b"GIF89a"}, "PNG"),
        ({"signature": delivery.PNG + b"x" * delivery.MOST_SIGNATURE_BYTES}, "64 KiB"),
        ({"arrived_at": clock.now() + timedelta(hours=2)}, "future"),
        ({"arrived_at": clock.now().replace(tzinfo=None)}, "future"),
        ({"cold_max_c": 25.0}, "cold box"),
    ],
)
async def test_a_proof_that_proves_nothing_is_refused(
    session: AsyncSession, options: Any, match: str
) -> None:
    await day.picked(session)
    (stop,) = await day.stops_of(session, await day.under_way(session))
    await refused(session, BadInput, match, hand_over(session, stop, **options))


async def test_a_closed_door_refuses_everything_without_a_receiver(session: AsyncSession) -> None:
    paper = await day.picked(session)
    run = await day.under_way(session)
    (stop,) = await day.stops_of(session, run)
    counted = {
        (item["line_id"], item["lot_id"]): Counted(0, refused=item["quantity"], reason="nobody there")
        for item in await delivery_queries.cargo(session, stop)
    }
    await hand_over(session, stop, counted, received_by="")
    assert await delivery.come_back(session, day.DRIVER, run) == sum(day.BASKET.values())
    assert await day.state(session, paper) == "closed"


async def test_a_van_does_not_come_back_with_goods_nobody_spoke_of(session: AsyncSession) -> None:
    await day.picked(session)
    run = await day.under_way(session)
    await refused(session, WrongState, "上沙门子村卫生室", delivery.come_back(session, day.DRIVER, run))


async def test_a_vehicle_is_on_one_run_at_a_time(session: AsyncSession) -> None:
    await day.picked(session)
    first = await day.under_way(session)
    await day.picked(session, by="doctor2", place="clinic2")
    second = await day.planned(session)
    assert first != second
    await refused(session, WrongState, "still out", delivery.depart(session, day.DISPATCHER, second))


async def test_two_runs_of_one_vehicle_do_not_leave_at_the_same_moment(base: Database) -> None:
    runs = []
    for doctor, clinic in (("doctor1", "clinic1"), ("doctor2", "clinic2")):
        async with base.transaction(COUNTY) as session:
            await day.picked(session, by=doctor, place=clinic)
            runs.append(await day.planned(session))

    async def leave(run: UUID) -> str:
        try:
            async with base.transaction(COUNTY) as session:
                await delivery.depart(session, day.DISPATCHER, run)
                await asyncio.sleep(0.05)
            return "left"
        except WrongState as refusal:
            return str(refusal)

    answers = await asyncio.gather(*map(leave, runs))
    assert sorted(answer == "left" for answer in answers) == [False, True]
    assert any("still out" in answer for answer in answers)


async def test_goods_ride_once_though_two_plans_want_them(session: AsyncSession) -> None:
    await day.picked(session)
    first, second = await day.plan(session), await day.plan(session)
    await delivery.adopt_plan(session, day.DISPATCHER, first)
    await database.run(session, "SAVEPOINT before")
    with pytest.raises(WrongState, match="another run already"):
        await delivery.adopt_plan(session, day.DISPATCHER, second)
    await database.run(session, "ROLLBACK TO SAVEPOINT before")
    assert await database.value(session, "SELECT count(*) FROM run") == 1


async def test_a_plan_needs_goods_a_vehicle_and_positions(session: AsyncSession) -> None:
    nothing = delivery.request_plan(session, day.DISPATCHER, TOWNSHIP)
    await refused(session, WrongState, "nothing to plan", nothing)
    await day.picked(session)
    no_van = delivery.request_plan(session, day.DISPATCHER, TOWNSHIP, vehicles=[])
    await refused(session, WrongState, "No vehicle", no_van)
    await database.run(session, "UPDATE place SET latitude = NULL WHERE id = $1", CLINIC)
    nowhere = delivery.request_plan(session, day.DISPATCHER, TOWNSHIP)
    await refused(session, BadInput, "no position on the map", nowhere)


async def test_a_discarded_plan_is_not_solved_adopted_or_discarded_again(session: AsyncSession) -> None:
    await day.picked(session)
    plan = await delivery.request_plan(session, day.DISPATCHER, TOWNSHIP)
    await delivery.discard_plan(session, day.DISPATCHER, plan)
    await day.solve(session, plan)
    for act in (delivery.adopt_plan, delivery.discard_plan):
        await refused(session, WrongState, "Discarded", act(session, day.DISPATCHER, plan))


async def test_a_plan_that_was_changed_meanwhile_is_not_adopted(session: AsyncSession) -> None:
    await day.picked(session)
    plan = await day.plan(session)
    late = delivery.adopt_plan(session, day.DISPATCHER, plan, version=1)
    await refused(session, ChangedMeanwhile, "after you read it", late)


async def test_a_driver_sees_and_drives_the_own_runs_only(session: AsyncSession) -> None:
    await day.picked(session)
    run = await day.planned(session)
    other = day.WORLD.actor("driver")
    await refused(session, NotFound, "no such run", delivery.depart(session, other, run))
    assert not await delivery_queries.runs(session, other)


@pytest.mark.parametrize(
    "options",
    [{"plate": " "}, {"capacity_g": 0}, {"capacity_cm3": -1}, {"capacity_cold_cm3": -1}, {"shift": (72000, 36000)},
     {"shift": (0, 25 * 3600)}, {"plate": "新G20001"}],
)  # fmt: skip
async def test_a_vehicle_that_can_carry_nothing_is_refused(session: AsyncSession, options: Any) -> None:
    facts = {"plate": "新G77777", "capacity_g": 1000, "capacity_cm3": 1000} | options
    await refused(session, BadInput, "", delivery.add_vehicle(session, day.DISPATCHER, TOWNSHIP, **facts))
