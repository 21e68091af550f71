"""The driver's desk: leave, hand over what was counted, come back."""

import base64
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests import steps
from tests.web.conftest import Desk
from tests.world import COUNTY
from xinglin.base import database
from xinglin.base.database import Database
from xinglin.base.errors import BadInput
from xinglin.delivery.actions import PNG
from xinglin.inspection import queries as inspection_queries
from xinglin.web import driver

Desks = Callable[[str], Desk]
BASKET = {"township1": {"amoxicillin": 48, "insulin": 3}}
SIGNATURE = driver.PICTURE + base64.b64encode(PNG + b"strokes").decode()


async def one_stop(base: Database) -> tuple[UUID, UUID]:
    """A run that has left, with one stop: two boxes of amoxicillin, three of insulin."""
    await steps.picked(base, BASKET)
    run = await steps.departed(base)
    (stop,) = await steps.stops_of(base, run)
    return run, stop


async def value(base: Database, sql: str, *arguments: Any) -> Any:
    async with base.transaction(COUNTY) as session:
        return await database.value(session, sql, *arguments)


def keys_of(page: str) -> list[str]:
    """The lots of a stop, as its form names them; cold ones last."""
    return re.findall(r'name="accepted-([0-9a-f_-]+)"', page)


async def test_without_a_run_the_driver_is_told_where_it_will_stand(desk: Desks) -> None:
    assert "No run for you now" in await desk("driver").see("/driver")


async def test_a_run_is_loaded_and_leaves(desk: Desks, base: Database) -> None:
    await steps.picked(base, BASKET)
    run = await steps.adopted(base)
    driver = desk("driver")
    assert f"/driver/runs/{run}" in await driver.see("/driver")
    assert "Depart" in await driver.see(f"/driver/runs/{run}")
    seen = (await driver.submit(f"/driver/runs/{run}/depart", version="1")).text
    assert "Next stop" in seen and "乌兰乌苏镇中心药房" in seen


async def test_everything_accepted_is_one_form_and_ends_in_a_proof(desk: Desks, base: Database) -> None:
    run, stop = await one_stop(base)
    driver = desk("driver")
    await driver.see(f"/driver/stops/{stop}")
    form = {"received_by": "李秀英", "cold_max_c": "5.5", "signature": SIGNATURE}
    seen = (await driver.submit(f"/driver/stops/{stop}", **form)).text
    assert "POD-" in seen and "李秀英" in seen and SIGNATURE in seen
    assert await value(base, "SELECT sum(accepted) FROM proof_line") == 51
    seen = (await driver.submit(f"/driver/runs/{run}/come-back")).text
    assert "The run is closed" in seen
    async with base.transaction(COUNTY) as session:
        assert (await inspection_queries.verify(session)).is_whole


async def test_damaged_boxes_ride_back_and_the_reason_is_kept(desk: Desks, base: Database) -> None:
    _, stop = await one_stop(base)
    driver = desk("driver")
    first, _ = keys_of(await driver.see(f"/driver/stops/{stop}"))
    form = {"received_by": "李秀英", "cold_max_c": "5", f"accepted-{first}": "1", f"damaged-{first}": "1"}
    refused = await driver.submit(f"/driver/stops/{stop}", 422, **form)
    assert "say why not everything was accepted" in refused.text and 'value="李秀英"' in refused.text
    await driver.submit(f"/driver/stops/{stop}", **form, **{f"reason-{first}": "包装破损"})
    assert await value(base, "SELECT damaged FROM proof_line WHERE reason = '包装破损'") == 24


async def test_counts_that_do_not_add_up_are_named_in_packs(desk: Desks, base: Database) -> None:
    _, stop = await one_stop(base)
    driver = desk("driver")
    first, _ = keys_of(await driver.see(f"/driver/stops/{stop}"))
    form = {"received_by": "李秀英", "cold_max_c": "5", f"accepted-{first}": "2", f"short-{first}": "1"}
    told = (await driver.submit(f"/driver/stops/{stop}", 422, **form)).text
    assert "must add up to 2 盒, not 3" in told
    assert await value(base, "SELECT count(*) FROM proof") == 0


async def test_cold_goods_need_a_temperature_and_a_warm_box_no_acceptance(
    desk: Desks, base: Database
) -> None:
    _, stop = await one_stop(base)
    driver = desk("driver")
    _, cold = keys_of(await driver.see(f"/driver/stops/{stop}"))
    form = {"received_by": "李秀英"}
    assert "highest temperature" in (await driver.submit(f"/driver/stops/{stop}", 422, **form)).text
    warm = await driver.submit(f"/driver/stops/{stop}", 422, **form, cold_max_c="11.5")
    assert "The cold box was at 11.5 °C" in warm.text
    refuse = {f"accepted-{cold}": "0", f"refused-{cold}": "3", f"reason-{cold}": "冷藏箱超温"}
    await driver.submit(f"/driver/stops/{stop}", **form, cold_max_c="11.5", **refuse)
    assert await value(base, "SELECT refused FROM proof_line WHERE refused > 0") == 3


async def test_a_closed_door_sends_everything_back_with_one_reason(desk: Desks, base: Database) -> None:
    run, stop = await one_stop(base)
    driver = desk("driver")
    await driver.see(f"/driver/stops/{stop}")
    refused = await driver.submit(f"/driver/stops/{stop}/not-reached", 422)
    assert "Say why the goods could not be handed over." in refused.text
    seen = (await driver.submit(f"/driver/stops/{stop}/not-reached", reason="卫生室关门")).text
    assert "Nothing was handed over" in seen
    await driver.submit(f"/driver/runs/{run}/come-back")
    back = "SELECT sum(on_hand)::int FROM balance b JOIN place p ON p.id = b.place_id WHERE p.no = 2 AND condition = 'quarantine'"
    assert await value(base, back) == 51


async def test_the_same_form_sent_twice_hands_over_once(desk: Desks, base: Database) -> None:
    _, stop = await one_stop(base)
    driver = desk("driver")
    await driver.see(f"/driver/stops/{stop}")
    form = {"received_by": "李秀英", "cold_max_c": "5", "idempotency_key": "one-and-the-same-wish"}
    await driver.submit(f"/driver/stops/{stop}", **form)
    await driver.submit(f"/driver/stops/{stop}", **form)
    assert await value(base, "SELECT count(*) FROM proof") == 1


async def test_a_proof_is_seen_by_those_who_have_part_in_it(desk: Desks, base: Database) -> None:
    _, stop = await one_stop(base)
    driver = desk("driver")
    await driver.see(f"/driver/stops/{stop}")
    await driver.submit(f"/driver/stops/{stop}", received_by="李秀英", cold_max_c="5")
    for name in ("pharmacist1", "keeper", "dispatcher", "inspector", "driver"):
        assert "李秀英" in await desk(name).see(f"/proofs/{stop}")
    for name in ("pharmacist2", "doctor1", "driver1"):
        await desk(name).see(f"/proofs/{stop}", 404)


async def test_another_drivers_run_is_not_there(desk: Desks, base: Database) -> None:
    run, stop = await one_stop(base)
    stranger = desk("driver1")
    await stranger.see(f"/driver/runs/{run}", 404)
    await stranger.see(f"/driver/stops/{stop}", 404)
    await stranger.see("/driver")
    await stranger.submit(f"/driver/stops/{stop}", 404, received_by="x", cold_max_c="5")
    await desk("keeper").see("/driver", 403)


@pytest.mark.parametrize(("text", "said"), [("5", 5.0), ("5,5", 5.5), ("−1", -1.0), ("", None)])
def test_a_temperature_is_read_as_people_write_it(text: str, said: float | None) -> None:
    assert driver.temperature([], text) == said


@pytest.mark.parametrize("text", ["warm", "5.55", "nan", "1e3"])
def test_what_is_no_temperature_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        driver.temperature([], text)
