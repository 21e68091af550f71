"""The office's desk in a real browser: decide, share, pick; by mouse, by keyboard, on paper."""

from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Site
from xinglin.base import database
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked

pytestmark = pytest.mark.browser
CLINICS = {"doctor1": "clinic1", "doctor2": "clinic2"}


@pytest.fixture
async def papers(site: Site) -> dict[str, UUID]:
    """Both clinics ask the township for more metformin than it has."""
    made, world = {}, site.world
    async with site.base.transaction(world.county) as session:
        for who, place in CLINICS.items():
            lines = [Asked(world.product("metformin"), 1000)]
            made[who] = (await orders.place(session, world.actor(who), world.place(place), lines)).id
    return made


async def states(site: Site) -> dict[str, int]:
    """How many requisitions are in each state."""
    async with site.base.transaction(site.world.county) as session:
        found = await database.rows(session, "SELECT state, count(*) AS papers FROM requisition GROUP BY 1")
    return {row["state"]: row["papers"] for row in found}


async def agree(page: Page) -> None:
    """Yes to what the page asks."""
    await page.get_by_role("dialog").get_by_role("button").last.click()


async def test_a_line_is_changed_with_a_reason_and_approved(site: Site, papers: dict[str, UUID]) -> None:
    page = await site.page("pharmacist1")
    await page.goto("/office")
    await page.get_by_role("link", name="上沙门子村卫生室").first.click()
    await page.wait_for_url("**/office/review/*")
    await page.get_by_label("One less").click()
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("alert")).to_contain_text("say why another quantity is approved")
    await expect(page.locator("input[type=number]")).to_have_value("49")
    await page.get_by_label("Why otherwise").fill("two weeks")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("1 order was approved.")).to_be_visible()
    assert await states(site) == {"approved": 1, "submitted": 1}


async def test_nothing_is_approved_when_one_thinks_better_of_it(site: Site, papers: dict[str, UUID]) -> None:
    page = await site.page("pharmacist1")
    await page.goto("/office/review")
    for box in await page.get_by_role("checkbox").all():
        await box.check()
    await page.get_by_role("button", name="Approve the ticked").click()
    await page.get_by_role("dialog").get_by_role("button").first.click()
    assert await states(site) == {"submitted": 2}
    await page.get_by_role("button", name="Approve the ticked").click()
    await agree(page)
    await expect(page.get_by_text("2 orders were approved.")).to_be_visible()
    assert await states(site) == {"approved": 2}


async def test_a_depot_is_shared_and_picked_by_hand(site: Site, papers: dict[str, UUID]) -> None:
    async with site.base.transaction(site.world.county) as session:
        for paper in papers.values():
            await orders.approve(session, site.world.actor("pharmacist1"), paper)
    page = await site.page("pharmacist1")
    await page.goto("/office/depot")
    await page.get_by_role("button", name="Allocate").click()
    await agree(page)
    await expect(page.get_by_role("heading", name="Not enough for all")).to_be_visible()
    await expect(page.get_by_text("shared by equal days of cover").first).to_be_visible()
    await page.get_by_role("link", name="Depot").first.click()
    await page.get_by_role("link", name="Pick").first.click()
    await page.get_by_label("One less").first.click()
    await page.get_by_label("If fewer: what was seen").first.fill("a strip is torn")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Everything is in the box").click()
    await agree(page)
    await expect(page.get_by_role("heading", name="Picked")).to_be_visible()
    assert await states(site) == {"allocated": 1, "picked": 1}


async def test_a_pick_list_prints_without_what_cannot_be_pressed(site: Site, papers: dict[str, UUID]) -> None:
    async with site.base.transaction(site.world.county) as session:
        await orders.approve(session, site.world.actor("pharmacist1"), papers["doctor1"])
        await orders.allocate(session, site.world.actor("pharmacist1"), site.world.place("township1"))
    page = await site.page("pharmacist1")
    await page.goto(f"/office/depot/picking/{papers['doctor1']}")
    await page.emulate_media(media="print")
    await expect(page.get_by_text("Checked by")).to_be_visible()
    for hidden in (page.get_by_role("button", name="Everything is in the box"), page.locator(".bar")):
        await expect(hidden).to_be_hidden()


async def test_an_order_is_decided_without_scripts(site: Site, papers: dict[str, UUID]) -> None:
    page = await site.page("pharmacist1", script=False)
    await page.goto(f"/office/review/{papers['doctor2']}")
    await page.fill("textarea[name=note]", "Half is enough.")
    await page.get_by_role("button", name="Send back").click()
    assert await states(site) == {"returned": 1, "submitted": 1}


async def test_the_letter_a_approves(site: Site, papers: dict[str, UUID]) -> None:
    page = await site.page("pharmacist1")
    await page.goto(f"/office/review/{papers['doctor1']}")
    await page.keyboard.press("a")
    await expect(page.get_by_text("1 order was approved.")).to_be_visible()


async def test_the_chief_finds_a_medicine_and_sets_its_price(site: Site) -> None:
    page = await site.page("chief")
    await page.goto("/office/medicines")
    await page.keyboard.press("/")
    await page.keyboard.type("blf")
    await page.get_by_role("option", name="布洛芬").click()
    await page.get_by_label("Price per tablet").fill("0.0900")
    await page.get_by_role("button", name="Set the price").click()
    await agree(page)
    await expect(page.get_by_text("¥9.00").first).to_be_visible()


async def test_no_page_is_wider_than_its_screen(site: Site, papers: dict[str, UUID]) -> None:
    for phone in (False, True):
        page = await site.page("pharmacist1", phone=phone, locale="zh-CN")
        for address in (
            "/office", "/office/review", f"/office/review/{papers['doctor1']}", "/office/depot", "/office/orders",
            "/office/stock", "/office/stock/places", "/office/shortages", "/office/deliveries", "/office/medicines/editions",
            f"/office/orders/{papers['doctor1']}", f"/office/orders/{papers['doctor1']}/print",
        ):  # fmt: skip
            await page.goto(address)
            wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{address} is {wider} pixels wider than the screen"
