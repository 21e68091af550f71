"""The clinic's desk in a real browser, on a phone: by thumb, by keyboard, without scripts."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Site
from xinglin.base import database
from xinglin.stock import actions as stock
from xinglin.stock.actions import Issued

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
async def used(site: Site) -> None:
    """The first clinic has given all its amoxicillin to patients."""
    world = site.world
    async with site.base.transaction(world.county) as session:
        given = [Issued(world.product("amoxicillin"), 96)]
        await stock.issue(session, world.actor("doctor1"), world.place("clinic1"), given)


async def figure(site: Site, sql: str) -> object:
    """One figure of the county."""
    async with site.base.transaction(site.world.county) as session:
        return await database.value(session, sql)


def packs(page: Page, site: Site, product: str) -> str:
    """Where the packs of a product are typed."""
    return f'input[name="quantity-{site.world.product(product)}"]'


async def test_a_basket_is_filled_by_initials_adds_itself_up_and_is_sent(site: Site) -> None:
    page = await site.page("doctor1", phone=True)
    await page.goto("/clinic")
    await page.get_by_role("link", name="New order").click()
    amoxicillin, metformin = packs(page, site, "amoxicillin"), packs(page, site, "metformin")
    await expect(page.locator(amoxicillin)).to_have_value("1")
    await expect(page.locator("[data-total]")).to_have_text("¥6.00")
    await page.locator("[data-search-input]").press_sequentially("ejsg")
    await page.get_by_role("option", name="二甲双胍").click()
    await expect(page.locator(metformin)).to_have_value("1")
    line = page.locator("tr[data-line]", has=page.locator(metformin))
    await line.get_by_label("One more").click()
    await expect(line.locator("[data-units]")).to_have_text("40")
    await expect(page.locator("[data-total]")).to_have_text("¥12.00")
    await page.get_by_role("button", name="Send the order").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Send this order now?")
    await page.get_by_role("dialog").get_by_role("button").last.click()
    await page.wait_for_url("**/clinic/orders/*-*")
    await expect(page.get_by_text("Where it stands").or_(page.locator("ol.steps"))).to_be_visible()
    assert await figure(site, "SELECT sum(asked) FROM requisition_line") == 24 + 40


async def test_what_is_typed_survives_adding_and_taking_away(site: Site) -> None:
    page = await site.page("doctor1", phone=True)
    await page.goto("/clinic/orders/new")
    await page.fill(packs(page, site, "amoxicillin"), "9")
    await page.fill("textarea[name=note]", "before the market")
    await page.locator("[data-search-input]").press_sequentially("yidaosu")
    await page.get_by_role("option").first.click()
    await expect(page.locator(packs(page, site, "insulin"))).to_be_focused()
    await expect(page.locator(packs(page, site, "amoxicillin"))).to_have_value("9")
    await page.get_by_label("Remove 精蛋白人胰岛素").click()
    await expect(page.locator(packs(page, site, "insulin"))).to_have_count(0)
    await expect(page.locator("textarea[name=note]")).to_have_value("before the market")


async def test_a_barred_medicine_says_so_before_and_in_the_basket(site: Site) -> None:
    page = await site.page("doctor1", phone=True)
    await page.goto("/clinic/orders/new")
    await page.locator("[data-search-input]").press_sequentially("mf")
    await expect(page.get_by_role("option")).to_contain_text("Not to be ordered here: narcotic medicine, R11")
    await page.get_by_role("option").click()
    await expect(page.get_by_text("It will be left behind; the rest goes.")).to_be_visible()
    await expect(page.locator("[data-total]")).to_have_text("¥6.00")


async def test_the_keyboard_alone_fills_a_basket(site: Site) -> None:
    page = await site.page("doctor1")
    await page.goto("/clinic")
    await page.keyboard.press("n")
    await page.wait_for_url("**/orders/new")
    await page.keyboard.press("/")
    await page.keyboard.type("buluofen")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator(packs(page, site, "ibuprofen"))).to_be_focused()


async def test_an_order_is_made_without_scripts(site: Site) -> None:
    page = await site.page("doctor1", phone=True, script=False)
    await page.goto("/clinic/orders/new")
    await page.fill("input[name=q]", "二甲双胍")
    await page.get_by_role("button", name="Search", exact=True).click()
    await page.get_by_role("option", name="二甲双胍").click()
    await page.fill(packs(page, site, "metformin"), "2")
    await page.get_by_role("button", name="Send the order").click()
    assert "/clinic/orders/" in page.url and "new" not in page.url
    assert await figure(site, "SELECT sum(asked) FROM requisition_line") == 24 + 40


async def test_a_missing_medicine_is_reported_in_two_taps(site: Site) -> None:
    page = await site.page("doctor1", phone=True)
    await page.goto("/clinic")
    await page.locator("section", has_text="Used up").get_by_role("link", name="Report missing").click()
    await page.get_by_role("button", name="This medicine is missing").click()
    await page.wait_for_url("**/clinic/shortages/*-*")
    await expect(page.get_by_text("No answer yet")).to_be_visible()
    assert await figure(site, "SELECT count(*) FROM shortage") == 1


async def test_medicines_are_given_out_by_search(site: Site) -> None:
    page = await site.page("doctor1", phone=True)
    await page.goto("/clinic/stock/issue")
    await page.locator("[data-search-input]").press_sequentially("ejsg")
    await page.get_by_role("option").first.click()
    await page.fill(packs(page, site, "metformin"), "6")
    await page.get_by_role("button", name="Book out").click()
    await expect(page.get_by_text("1 medicine was booked out.")).to_be_visible()
    assert await figure(site, "SELECT sum(quantity) FROM movement WHERE kind = 'issue'") == 96 + 6


async def test_no_page_is_wider_than_a_phone(site: Site) -> None:
    page = await site.page("doctor1", phone=True, locale="zh-CN")
    product = site.world.product("metformin")
    for address in (
        "/clinic", "/clinic/orders", "/clinic/orders/new", "/clinic/stock", f"/clinic/stock/{product}",
        f"/clinic/stock/issue?add={product}", "/clinic/deliveries", "/clinic/shortages",
        f"/clinic/shortages/new?product={product}", "/clinic/medicines", f"/clinic/medicines/{product}",
    ):  # fmt: skip
        await page.goto(address)
        wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{address} is {wider} pixels wider than the phone"
