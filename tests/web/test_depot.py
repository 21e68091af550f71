"""The depot desk: what the keeper sees and does, page by page."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests import steps
from tests.web.conftest import Desk
from tests.world import COUNTY, World
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.inspection import queries as inspection_queries
from xinglin.web import depot, receiving

Desks = Callable[[str], Desk]


async def value(base: Database, sql: str, *arguments: Any) -> Any:
    """One figure of the county's books."""
    async with base.transaction(COUNTY) as session:
        return await database.value(session, sql, *arguments)


async def books_agree(base: Database) -> bool:
    async with base.transaction(COUNTY) as session:
        return (await inspection_queries.verify(session)).is_whole


def receipt(world: World, **changes: str) -> dict[str, str]:
    """A good receipt of one line."""
    far = (clock.today() + timedelta(days=700)).isoformat()
    return {
        "supplier": str(world.place("supplier")), "on": clock.today().isoformat(), "invoice": "F-1",
        "product-0": "P-amoxicillin · 阿莫西林", "lot-0": "N01", "made-0": "", "expires-0": far, "quantity-0": "5",
        "unit-0": "pack", "price-0": "0.25",
    } | changes  # fmt: skip


async def test_the_first_page_counts_what_waits_and_links_to_it(desk: Desks, base: Database) -> None:
    await steps.approved(base, "township1", {"amoxicillin": 48})
    seen = await desk("keeper").see("/depot")
    assert 'href="/depot/allocate"' in seen
    assert "REQ-" in seen


async def test_a_quiet_depot_says_so(desk: Desks) -> None:
    keeper = desk("keeper")
    assert "Nothing waits here" in await keeper.see("/depot")
    assert "No requisition waits for its share" in await keeper.see("/depot/allocate")
    assert "Nothing was shared out yet" in await keeper.see("/depot/allocate/round")
    assert "Nothing to pick" in await keeper.see("/depot/pick")
    assert "No pick list waits" in await keeper.see("/depot/pick/sheets")
    assert "No requisition stands here" in await keeper.see("/depot/requisitions?step=closed")
    assert "No lot expires within 6 months" in await keeper.see("/depot/stock/lots")
    assert "Nothing is in quarantine" in await keeper.see("/depot/stock/lots?which=quarantine")


async def test_sharing_out_says_for_each_line_what_it_got_and_why(desk: Desks, base: Database) -> None:
    await steps.approved(base, "township1", {"insulin": 300})
    await steps.approved(base, "township2", {"insulin": 300})
    keeper = desk("keeper")
    await keeper.see("/depot/allocate")
    seen = (await keeper.submit("/depot/allocate")).text
    assert "400 boxes of 600 boxes approved" in seen
    assert seen.count("Not enough for all: shared by equal days of cover") == 2
    assert len(set(re.findall(r"SHO-[\d.-]+", seen))) == 2


async def test_picking_whole_leaves_nothing_on_the_list(desk: Desks, base: Database) -> None:
    paper = await steps.approved(base, "township1", {"amoxicillin": 48, "insulin": 3})
    await steps.allocated(base)
    keeper = desk("keeper")
    listed = await keeper.see(f"/depot/pick/{paper}")
    assert listed.index("阿莫西林") < listed.index("精蛋白人胰岛素"), "cold goods come last"
    seen = (await keeper.submit(f"/depot/pick/{paper}")).text
    assert "Picked" in seen
    assert await value(base, "SELECT state FROM requisition WHERE id = $1", paper) == "picked"


async def test_what_is_not_found_is_set_aside_and_registered(desk: Desks, base: Database) -> None:
    paper = await steps.approved(base, "township1", {"amoxicillin": 48})
    await steps.allocated(base)
    keeper = desk("keeper")
    (hold,) = re.findall(r'name="found-([0-9a-f-]+)"', await keeper.see(f"/depot/pick/{paper}"))
    refused = await keeper.submit(f"/depot/pick/{paper}", 422, **{f"found-{hold}": "1"})
    assert "say why fewer were found" in refused.text
    assert 'value="1"' in refused.text, "what was typed is still there"
    await keeper.submit(f"/depot/pick/{paper}", **{f"found-{hold}": "1", f"reason-{hold}": "货位是空的"})
    assert await value(base, "SELECT sum(quantity) FROM pick WHERE requisition_id = $1", paper) == 24
    assert await value(base, "SELECT quantity FROM shortage WHERE reason = 'short_pick'") == 24
    assert await books_agree(base)


async def test_more_than_promised_cannot_be_picked(desk: Desks, base: Database) -> None:
    paper = await steps.approved(base, "township1", {"amoxicillin": 48})
    await steps.allocated(base)
    keeper = desk("keeper")
    (hold,) = re.findall(r'name="found-([0-9a-f-]+)"', await keeper.see(f"/depot/pick/{paper}"))
    assert "from 0 to 2" in (await keeper.submit(f"/depot/pick/{paper}", 422, **{f"found-{hold}": "3"})).text


async def test_pick_lists_for_paper_have_one_sheet_for_each_requisition(desk: Desks, base: Database) -> None:
    await steps.approved(base, "township1", {"amoxicillin": 24})
    await steps.approved(base, "township2", {"insulin": 1})
    await steps.allocated(base)
    seen = await desk("keeper").see("/depot/pick/sheets")
    assert seen.count('<article class="sheet">') == 2
    assert "Cold goods: take them last" in seen


async def test_goods_from_a_supplier_come_into_stock_in_base_units(
    desk: Desks, base: Database, world: World
) -> None:
    keeper = desk("keeper")
    await keeper.see("/depot/receive")
    seen = (await keeper.submit("/depot/receive", **receipt(world))).text
    assert "N01" in seen
    sql = "SELECT b.on_hand FROM balance b JOIN lot l ON l.id = b.lot_id WHERE l.number = 'N01'"
    assert await value(base, sql) == 120
    assert await books_agree(base)


async def test_a_product_may_be_typed_by_its_initials(desk: Desks, base: Database, world: World) -> None:
    keeper = desk("keeper")
    await keeper.see("/depot/receive")
    await keeper.submit("/depot/receive", **receipt(world, **{"product-0": "amxl", "unit-0": "base"}))
    sql = "SELECT b.on_hand FROM balance b JOIN lot l ON l.id = b.lot_id WHERE l.number = 'N01'"
    assert await value(base, sql) == 5


async def test_every_fault_of_a_receipt_is_named_by_line_and_nothing_is_written(
    desk: Desks, base: Database, world: World
) -> None:
    keeper = desk("keeper")
    await keeper.see("/depot/receive")
    before = await value(base, "SELECT count(*) FROM movement")
    second = {
        "product-1": "不存在的药", "lot-1": "", "made-1": "", "expires-1": "2020-01-01", "quantity-1": "-3",
        "unit-1": "pack", "price-1": "1.23456",
    }  # fmt: skip
    seen = (await keeper.submit("/depot/receive", 422, **receipt(world), **second)).text
    for told in (
        "Line 2: Choose one medicine", "Line 2: The lot number", "Line 2: Expired on 2020-01-01",
        "Line 2: The quantity is a whole number", "Line 2: The price is yuan",
    ):  # fmt: skip
        assert told in seen
    assert "Line 1:" not in seen
    assert 'value="N01"' in seen and 'value="1.23456"' in seen, "nothing typed is lost"
    assert await value(base, "SELECT count(*) FROM movement") == before


async def test_more_lines_keep_what_was_typed(desk: Desks, world: World) -> None:
    keeper = desk("keeper")
    await keeper.see("/depot/receive")
    seen = (await keeper.submit("/depot/receive", **receipt(world, more="1"))).text
    assert 'value="N01"' in seen
    assert f'name="product-{receiving.MORE_ROWS}"' in seen


async def test_the_stock_card_shows_lots_movements_and_papers(
    desk: Desks, base: Database, world: World
) -> None:
    (paper,) = await steps.picked(base, {"township1": {"amoxicillin": 48}})
    run = await steps.departed(base)
    seen = await desk("keeper").see(f"/depot/stock/{world.product('amoxicillin')}")
    assert f"/dispatch/runs/{run}" in seen
    assert "ACEN" in seen and "BCEN" in seen
    assert f"/dispatch/runs/{run}" in await desk("keeper").see(f"/depot/requisitions/{paper}")


async def lot_of(base: Database, number: str, product: UUID) -> UUID:
    found: UUID = await value(
        base, "SELECT id FROM lot WHERE number = $1 AND product_id = $2", number, product
    )
    return found


async def on_hand(base: Database, lot: UUID, condition: str, place: UUID) -> int:
    sql = "SELECT coalesce(sum(on_hand), 0)::int FROM balance WHERE lot_id = $1 AND condition = $2 AND place_id = $3"
    found: int = await value(base, sql, lot, condition, place)
    return found


async def test_a_count_posts_the_difference(desk: Desks, base: Database, world: World) -> None:
    product = world.product("insulin")
    lot = await lot_of(base, "ACEN", product)
    keeper = desk("keeper")
    await keeper.see(f"/depot/stock/{product}")
    form = {
        "lot_id": str(lot),
        "condition": "released",
        "on_hand": "200",
        "counted": "197",
        "reason": "月度盘点",
    }
    await keeper.submit(f"/depot/stock/{product}/adjust", **form)
    assert await on_hand(base, lot, "released", world.place("central")) == 197
    assert await value(base, "SELECT quantity FROM movement WHERE kind = 'adjust'") == 3


async def test_a_count_without_a_reason_is_said_on_the_card(
    desk: Desks, base: Database, world: World
) -> None:
    product = world.product("insulin")
    lot = await lot_of(base, "ACEN", product)
    keeper = desk("keeper")
    await keeper.see(f"/depot/stock/{product}")
    form = {"lot_id": str(lot), "condition": "released", "on_hand": "200", "counted": "197", "reason": " "}
    seen = (await keeper.submit(f"/depot/stock/{product}/adjust", 422, **form)).text
    assert "A correction needs a difference" in seen and "ACEN" in seen


async def test_goods_are_set_aside_and_released_again(desk: Desks, base: Database, world: World) -> None:
    product, central = world.product("insulin"), world.place("central")
    lot = await lot_of(base, "ACEN", product)
    keeper = desk("keeper")
    await keeper.see(f"/depot/stock/{product}")
    form = {"lot_id": str(lot), "quantity": "10", "reason": "待复验"}
    await keeper.submit(f"/depot/stock/{product}/quarantine", condition="released", **form)
    assert await on_hand(base, lot, "quarantine", central) == 10
    await keeper.submit(f"/depot/stock/{product}/quarantine", condition="quarantine", **form)
    assert await on_hand(base, lot, "quarantine", central) == 0
    assert await on_hand(base, lot, "released", central) == 200


async def test_a_receipt_is_reversed_once(desk: Desks, base: Database, world: World) -> None:
    product = world.product("insulin")
    lot = await lot_of(base, "ACEN", product)
    movement = await value(
        base, "SELECT id FROM movement WHERE lot_id = $1 AND target_id = $2", lot, world.place("central")
    )
    keeper = desk("keeper")
    await keeper.see(f"/depot/stock/{product}")
    form = {"movement_id": str(movement), "reason": "录错"}
    assert "Reversed" in (await keeper.submit(f"/depot/stock/{product}/reverse", **form)).text
    await keeper.submit(f"/depot/stock/{product}/reverse", 409, **form)
    assert await on_hand(base, lot, "released", world.place("central")) == 0


async def test_typing_in_the_search_brings_only_what_is_found(desk: Desks) -> None:
    answer = await desk("keeper").get("/depot/stock?q=yds", headers={"hx-request": "true"})
    assert "精蛋白人胰岛素" in answer.text
    assert "<html" not in answer.text


async def test_a_township_pharmacist_keeps_the_own_depot(desk: Desks, world: World) -> None:
    seen = await desk("pharmacist1").see("/depot")
    assert "乌兰乌苏镇中心药房" in seen
    await desk("pharmacist1").see(f"/depot?depot={world.place('central')}", 404)


async def test_the_chief_may_look_at_every_depot_but_not_touch_it(desk: Desks, world: World) -> None:
    chief = desk("chief")
    seen = await chief.see(f"/depot/stock?depot={world.place('township2')}")
    assert "安集海镇中心药房" in seen
    product = world.product("insulin")
    assert "Correct the count" not in await chief.see(f"/depot/stock/{product}")
    await chief.submit(
        f"/depot/stock/{product}/adjust", 403, lot_id=str(product), counted="1", on_hand="2", reason="x"
    )


async def test_who_keeps_no_depot_has_no_depot_page(desk: Desks) -> None:
    doctor, driver = desk("doctor1"), desk("driver")
    for page in ("", "/allocate", "/pick", "/receive", "/stock", "/requisitions"):
        assert (await doctor.get(f"/depot{page}")).status_code in (403, 404)
        assert (await driver.get(f"/depot{page}")).status_code == 403


def test_names_one_character_apart_look_alike() -> None:
    rows = [{"generic_name": name} for name in ("头孢克肟", "头孢克洛", "阿莫西林", "布洛芬")]
    assert depot.look_alikes(rows) == {"头孢克肟", "头孢克洛"}


def test_goods_are_counted_in_packs_where_they_come_out_whole() -> None:
    row = {"quantity": 48, "pack_size": 24, "pack_unit": "盒", "base_unit": "粒"}
    assert depot.count_of(row) == (2, "盒", 24)
    assert depot.count_of(row | {"quantity": 50}) == (50, "粒", 1)
