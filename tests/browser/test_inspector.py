"""The inspector's desk in a real browser: by keyboard, on a phone, on paper."""

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Site
from xinglin.base import database, seals

pytestmark = pytest.mark.browser


async def width_of(page: Page) -> int:
    """How wide the page is; wider than the screen means scrolling sideways."""
    width: int = await page.evaluate("document.documentElement.scrollWidth")
    return width


async def test_the_books_are_verified_with_one_click(site: Site) -> None:
    async with site.base.transaction("654203") as session:
        await seals.seal(session)
    page = await site.page("inspector")
    await page.goto("/inspector")
    await page.get_by_role("button", name="Verify now").click()
    await page.get_by_text("The books are whole").wait_for()


async def test_checks_run_and_say_that_nothing_was_found(site: Site) -> None:
    page = await site.page("inspector")
    await page.goto("/inspector")
    await page.get_by_role("button", name="Run the checks").click()
    await page.wait_for_url("**/inspector/findings")
    assert "0 findings" in await page.inner_text(".page-title-bar")


async def test_evidence_is_found_from_the_keyboard(site: Site) -> None:
    page = await site.page("inspector")
    await page.goto("/inspector")
    await page.keyboard.press("/")
    await page.keyboard.type("夹河子")
    await page.locator(".search-result", has_text="夹河子村卫生室").wait_for()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/inspector/ledger/**")


async def test_a_phone_shows_every_page_without_scrolling_sideways(site: Site) -> None:
    page = await site.page("inspector", phone=True, locale="zh-CN")
    async with site.base.transaction("654203") as session:
        row = await database.value(session, "SELECT id FROM movement LIMIT 1")
        lot = await database.value(session, "SELECT lot_id FROM movement LIMIT 1")
    for address in (
        "",
        "/findings",
        "/trail",
        "/ledger",
        "/flows",
        "/mark-up",
        f"/lots/{lot}",
        f"/rows/movement/{row}",
    ):
        await page.goto(f"/inspector{address}")
        assert await width_of(page) <= 390, address


async def test_the_desk_works_without_scripts(site: Site) -> None:
    page = await site.page("inspector", script=False)
    await page.goto("/inspector/trail")
    await page.select_option("[name=room]", "places")
    await page.get_by_role("button", name="Show").click()
    assert "Added a place" in await page.inner_text("main")


async def test_bars_and_buttons_stay_off_the_paper(site: Site) -> None:
    page = await site.page("inspector")
    await page.goto("/inspector/flows")
    await page.emulate_media(media="print")
    assert not await page.locator("header.bar").is_visible()
    assert not await page.get_by_role("link", name="Download CSV").is_visible()
    assert await page.get_by_role("table").is_visible()
