"""The dispatch desk: the board, plans bent by hand, runs, vehicles."""

import re
from collections.abc import Callable
from uuid import UUID

import msgspec

from tests import steps
from tests.web.conftest import Desk
from tests.world import COUNTY, World
from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.base.database import Database, Row
from xinglin.delivery import queries as delivery_queries
from xinglin.web import board

Desks = Callable[[str], Desk]
BOTH = {"township1": {"amoxicillin": 48, "insulin": 2}, "township2": {"amoxicillin": 24}}


async def plan_of(base: Database, actor: Actor, plan: UUID) -> Row:
    async with base.transaction(COUNTY) as session:
        return await delivery_queries.plan(session, actor, plan)


async def test_a_county_at_rest_says_so_on_every_page(desk: Desks) -> None:
    dispatcher = desk("dispatcher")
    seen = await dispatcher.see("/dispatch")
    assert "No run on this day" in seen
    assert "Positions are synthetic" in seen and "estimates" in seen
    assert "Nothing is picked and waiting" in await dispatcher.see("/dispatch/plans/new")
    assert "No plan yet" in await dispatcher.see("/dispatch/plans")
    assert "No run here" in await dispatcher.see("/dispatch/runs")


async def test_the_board_says_how_much_waits_where(desk: Desks, base: Database) -> None:
    await steps.picked(base, BOTH)
    seen = await desk("dispatcher").see("/dispatch")
    assert "2 requisitions" in seen
    # 3 boxes of amoxicillin and 2 of insulin at 60 g and 150 cm³ each; only insulin is cold.
    assert "0.3 kg" in seen


async def test_a_plan_is_asked_for_thought_out_and_becomes_runs(
    desk: Desks, base: Database, world: World
) -> None:
    await steps.picked(base, BOTH)
    dispatcher = desk("dispatcher")
    seen = await dispatcher.see("/dispatch/plans/new")
    (van,) = re.findall(r'name="(van-[0-9a-f-]+)"', seen)
    form = {"depot": str(world.place("central")), "on": clock.today().isoformat(), "not_before": "10:00"}
    answer = await dispatcher.submit("/dispatch/plans", **form, **{van: "on"})
    assert 'hx-trigger="every 1s"' in answer.text, "the page asks again while the plan is thought out"
    plan = UUID(str(answer.url).rsplit("/", 1)[1])
    await steps.think(base, plan)
    seen = await dispatcher.see(f"/dispatch/plans/{plan}")
    assert "The plan keeps every rule" in seen and "every 1s" not in seen
    assert "10:" in seen
    version = (await plan_of(base, world.actor("dispatcher"), plan))["version"]
    seen = (await dispatcher.submit(f"/dispatch/plans/{plan}/adopt", version=str(version))).text
    assert re.search(r"/dispatch/runs/[0-9a-f-]+", seen)
    assert "RUN-" in await dispatcher.see(f"/dispatch?on={clock.today()}")


async def test_what_a_plan_cannot_be_asked_with_is_said_and_kept(
    desk: Desks, base: Database, world: World
) -> None:
    await steps.picked(base, BOTH)
    dispatcher = desk("dispatcher")
    await dispatcher.see("/dispatch/plans/new")
    form = {"depot": str(world.place("central")), "on": clock.today().isoformat(), "not_before": "10:00"}
    assert "at least one vehicle" in (await dispatcher.submit("/dispatch/plans", 422, **form)).text
    van = {f"van-{world.place('central')}": "on"}
    refused = await dispatcher.submit("/dispatch/plans", 422, **form | {"on": "2020-01-01"}, **van)
    assert "today or a day to come" in refused.text and 'value="10:00"' in refused.text


async def test_a_stop_moved_by_hand_is_judged_at_once_and_told_once(
    desk: Desks, base: Database, world: World
) -> None:
    await steps.picked(base, BOTH)
    plan = await steps.drafted(base)
    dispatcher, actor = desk("dispatcher"), world.actor("dispatcher")
    before = await plan_of(base, actor, plan)
    (route,) = msgspec.json.decode(before["result_text"])["routes"]
    await dispatcher.see(f"/dispatch/plans/{plan}")
    form = {"stop": route["stops"][0], "vehicle": route["vehicle"], "position": "2"}
    await dispatcher.submit(f"/dispatch/plans/{plan}/move", version=str(before["version"]), **form)
    after = await plan_of(base, actor, plan)
    (bent,) = msgspec.json.decode(after["result_text"])["routes"]
    assert bent["stops"] == route["stops"][::-1]
    assert msgspec.json.decode(after["verdict_text"])["served"] == 2
    async with base.transaction(COUNTY) as session:
        told = await database.rows(session, "SELECT note::text FROM trail WHERE verb = 'delivery.move_stop'")
    assert len(told) == 1
    stale = await dispatcher.submit(
        f"/dispatch/plans/{plan}/move", 412, version=str(before["version"]), **form
    )
    assert "Somebody changed" in stale.text


async def test_a_stop_may_be_left_out_by_hand_and_says_so(desk: Desks, base: Database, world: World) -> None:
    await steps.picked(base, BOTH)
    plan = await steps.drafted(base)
    dispatcher = desk("dispatcher")
    seen = await dispatcher.see(f"/dispatch/plans/{plan}")
    stop = re.findall(r'data-stop="([^"]+)"', seen)[0]
    seen = (await dispatcher.submit(f"/dispatch/plans/{plan}/move", stop=stop, vehicle="")).text
    assert "Left out by hand." in seen
    unknown = await dispatcher.submit(f"/dispatch/plans/{plan}/move", 422, stop="nowhere", vehicle="")
    assert "There is no such stop in this plan." in unknown.text
    assert "Left out by hand." in unknown.text, "the plan is still there"


async def test_to_htmx_a_plan_is_only_its_changing_part(desk: Desks, base: Database) -> None:
    await steps.picked(base, BOTH)
    plan = await steps.drafted(base)
    answer = await desk("dispatcher").get(f"/dispatch/plans/{plan}", headers={"hx-request": "true"})
    assert answer.text.lstrip().startswith('<div id="plan"')


async def test_a_run_is_followed_from_departure_to_return(desk: Desks, base: Database) -> None:
    await steps.picked(base, BOTH)
    run = await steps.adopted(base)
    dispatcher = desk("dispatcher")
    assert "0 / 2" in await dispatcher.see(f"/dispatch/runs/{run}")
    seen = (await dispatcher.submit(f"/dispatch/runs/{run}/depart", version="1")).text
    assert "Back at the depot" not in seen, "not while stops are open"
    await dispatcher.submit(f"/dispatch/runs/{run}/come-back", 409)
    sheet = await dispatcher.see(f"/dispatch/runs/{run}/sheet")
    assert '<article class="sheet">' in sheet and sheet.count("REQ-") == 2


async def test_a_vehicle_is_added_in_kilograms_litres_and_yuan(
    desk: Desks, base: Database, world: World
) -> None:
    dispatcher = desk("dispatcher")
    await dispatcher.see("/dispatch/vehicles")
    form = {
        "plate": "新G30001", "home": str(world.place("central")), "kg": "650", "litres": "3500.5",
        "cold_litres": "60", "shift_from": "08:00", "shift_to": "19:30", "cost_per_km": "1.35",
    }  # fmt: skip
    assert "新G30001" in (await dispatcher.submit("/dispatch/vehicles", **form)).text
    async with base.transaction(COUNTY) as session:
        van = await database.row(session, "SELECT * FROM vehicle WHERE plate = '新G30001'")
    assert van is not None
    assert (van["capacity_g"], van["capacity_cm3"], van["cost_per_km_fen"]) == (650_000, 3_500_500, 135)
    again = await dispatcher.submit("/dispatch/vehicles", 422, **form)
    assert "already a vehicle" in again.text and 'value="3500.5"' in again.text


async def test_who_looks_after_no_depot_has_no_board(desk: Desks, base: Database) -> None:
    await steps.picked(base, BOTH)
    run = await steps.adopted(base)
    doctor = desk("doctor1")
    for page in ("/dispatch", "/dispatch/runs", "/dispatch/vehicles", f"/dispatch/runs/{run}"):
        assert (await doctor.get(page)).status_code == 404
    # A township sees its own depot's runs, not the run that brings its goods, with everybody's telephone on it.
    assert (await desk("pharmacist1").get(f"/dispatch/runs/{run}")).status_code == 404
    assert (await desk("keeper").get(f"/dispatch/runs/{run}")).status_code == 200
    assert (await desk("inspector").get(f"/dispatch/runs/{run}")).status_code == 200


def test_a_time_of_day_is_read_or_it_is_none() -> None:
    assert board.seconds_of("07:30") == 27_000
    assert board.seconds_of("24:00") == 86_400
    for wrong in ("", "7", "25:00", "10:60", "ab:cd", "-1:00", "１０:00"):
        assert board.seconds_of(wrong) is None
