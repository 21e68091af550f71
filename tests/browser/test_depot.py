"""The depot desk in a real browser."""

import re

import pytest
from playwright.async_api import expect

from tests import steps
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


async def test_the_keeper_shares_out_and_picks_with_the_mouse(site: Site) -> None:
    await steps.approved(site.base, "township1", {"amoxicillin": 48, "insulin": 2})
    page = await site.page("keeper")
    await page.goto("/depot")
    await page.get_by_role("link", name="Share out").last.click()
    await page.get_by_role("button", name="Share and promise").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.get_by_role("heading", name="Shared out")).to_be_visible()
    await page.get_by_role("link", name="On to picking").click()
    await page.locator("main td a.paper-number").first.click()
    await page.locator("[data-step='-1']").first.click()
    await page.locator("input[name^=reason-]").first.fill("货位是空的")
    await page.get_by_role("button", name="Confirm the picking").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.locator(".step-item.active")).to_contain_text("Picked")


async def test_a_receipt_is_typed_with_the_help_of_the_search(site: Site) -> None:
    page = await site.page("keeper")
    await page.goto("/depot/receive")
    product = page.locator("input[name=product-0]")
    await product.press_sequentially("amxl")
    option = page.locator("#proposals-0 option").first
    await expect(option).to_have_attribute("value", re.compile("P-amoxicillin · 阿莫西林"))
    await product.fill("P-amoxicillin · 阿莫西林")
    await page.fill("input[name=lot-0]", "N77")
    await page.fill("input[name=quantity-0]", "3")
    await page.get_by_role("button", name="Take into stock").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.locator(".alert")).to_contain_text("Line 1: The expiry is a day")
    await page.fill("input[name=expires-0]", "2031-05-31")
    await page.get_by_role("button", name="Take into stock").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.locator("main")).to_contain_text("N77")


async def test_the_stock_is_found_by_typing_and_reached_by_the_keyboard(site: Site) -> None:
    page = await site.page("keeper")
    await page.goto("/depot")
    await page.keyboard.press("/")
    await page.keyboard.type("yds")
    await expect(page.get_by_role("option")).to_contain_text("精蛋白人胰岛素")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("精蛋白人胰岛素")
