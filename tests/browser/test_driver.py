"""The driver's desk on a phone in a real browser."""

import pytest
from playwright.async_api import Page, expect

from tests import steps
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


async def sign(page: Page) -> None:
    """A stroke with the finger."""
    pad = page.locator("canvas")
    await pad.scroll_into_view_if_needed()
    box = await pad.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 20, box["y"] + 30)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    await page.mouse.up()


async def test_a_run_is_driven_with_the_thumb(site: Site) -> None:
    await steps.picked(site.base, {"township1": {"amoxicillin": 48, "insulin": 3}})
    await steps.adopted(site.base)
    page = await site.page("driver", phone=True)
    await page.goto("/driver")
    await page.get_by_role("link", name="Open and load").click()
    await page.get_by_role("button", name="Depart").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await page.get_by_role("link", name="I am there: hand over").click()
    lot = page.locator("details.lot").first
    await lot.locator("summary").click()
    await lot.locator("[data-outcome=damaged]").fill("1")
    await expect(lot.locator("[data-outcome=accepted]")).to_have_value("1")
    await expect(lot.locator("[data-sum]")).to_have_text("Adds up: 2 of 2 boxes")
    await lot.locator("[data-outcome=accepted]").fill("2")
    await expect(lot.locator("[data-sum]")).to_have_text("Does not add up yet: 3 of 2 boxes")
    await lot.locator("[data-outcome=accepted]").fill("1")
    await lot.locator("input[name^=reason-]").fill("包装破损")
    await page.fill("input[name=cold_max_c]", "5.5")
    await page.fill("input[name=received_by]", "李秀英")
    await sign(page)
    await page.get_by_role("button", name="Hand over", exact=True).click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.locator("article.sheet")).to_contain_text("包装破损")
    await expect(page.get_by_alt_text("Signature of 李秀英")).to_be_visible()
    await page.get_by_role("link", name="All stops are done").click()
    await page.get_by_role("button", name="Back at the depot").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.get_by_text("The run is closed")).to_be_visible()


async def test_no_page_of_the_driver_is_wider_than_the_phone(site: Site) -> None:
    await steps.picked(site.base, {"township1": {"amoxicillin": 48, "insulin": 3}})
    run = await steps.departed(site.base)
    (stop,) = await steps.stops_of(site.base, run)
    page = await site.page("driver", phone=True, locale="zh-CN")
    for address in ("/driver", f"/driver/runs/{run}", f"/driver/stops/{stop}"):
        await page.goto(address)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, address


async def test_without_scripts_the_goods_are_handed_over_all_the_same(site: Site) -> None:
    await steps.picked(site.base, {"township1": {"amoxicillin": 48}})
    run = await steps.departed(site.base)
    (stop,) = await steps.stops_of(site.base, run)
    page = await site.page("driver", phone=True, script=False)
    await page.goto(f"/driver/stops/{stop}")
    await page.fill("input[name=received_by]", "李秀英")
    await page.get_by_role("button", name="Hand over", exact=True).click()
    await expect(page.locator("article.sheet")).to_contain_text("李秀英")
