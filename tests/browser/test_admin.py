"""The administrator's desk and the page about oneself in a real browser."""

import pytest

from tests.browser.conftest import Site
from tests.browser.test_inspector import width_of

pytestmark = pytest.mark.browser


async def test_a_new_doctor_can_sign_in_after_three_forms(site: Site) -> None:
    admin = await site.page("admin")
    await admin.goto("/admin")
    await admin.keyboard.press("n")
    await admin.wait_for_url("**/admin/people/new")
    await admin.fill("[name=name]", "赵六")
    await admin.fill("[name=username]", "zhao.liu")
    await admin.fill("[name=password]", "apricots in spring")
    await admin.get_by_role("button", name="Open the account").click()
    await admin.select_option("[name=role]", "village_doctor")
    await admin.select_option("[name=place_id]", str(site.world.place("clinic3")))
    await admin.get_by_role("button", name="Give the post").click()
    await admin.get_by_role("button", name="End this post").wait_for()
    doctor = await site.page("doctor1")
    await doctor.context.clear_cookies()
    await doctor.goto("/sign-in")
    await doctor.fill("[name=username]", "zhao.liu")
    await doctor.fill("[name=password]", "apricots in spring")
    await doctor.keyboard.press("Enter")
    await doctor.wait_for_url("**/clinic")
    assert "夹河子村卫生室" in await doctor.inner_text(".bar")


async def test_opening_hours_are_changed_with_a_reason(site: Site) -> None:
    page = await site.page("admin")
    await page.goto(f"/admin/places/{site.world.place('clinic1')}")
    await page.fill("[name=to-2]", "19:00")
    await page.fill("[name=reason]", "winter")
    await page.get_by_role("button", name="Save the changes").click()
    changes = page.get_by_role("table", name="Trail")
    await changes.get_by_text("10:00–14:00 16:00–19:00").wait_for()
    assert "winter" in await changes.inner_text()


async def test_an_account_is_closed_only_after_asking(site: Site) -> None:
    page = await site.page("admin")
    await page.goto("/admin/people?q=doctor2")
    await page.get_by_role("link", name="doctor2").click()
    await page.get_by_role("button", name="Close the account").click()
    dialog = page.locator("#confirm-dialog")
    await dialog.wait_for()
    await page.keyboard.press("Escape")
    assert "This account was closed" not in await page.inner_text("main")
    await page.get_by_role("button", name="Close the account").click()
    await dialog.locator("button[value=yes]").click()
    await page.get_by_text("This account was closed").wait_for()


async def test_a_token_is_shown_on_one_page_only(site: Site) -> None:
    page = await site.page("doctor1")
    await page.goto("/me")
    await page.fill("[name=label]", "hospital system")
    await page.get_by_role("button", name="Issue a token").click()
    token = await page.inner_text("#fresh-token")
    assert len(token) > 30
    await page.goto("/me")
    assert token not in await page.content()
    assert "hospital system" in await page.inner_text("main")


async def test_the_way_to_oneself_is_in_the_menu_of_every_desk(site: Site) -> None:
    page = await site.page("keeper")
    await page.goto("/me")
    await page.locator(".bar-person summary").click()
    assert await page.get_by_role("link", name="My posts, password and tokens").is_visible()


async def test_a_phone_shows_every_page_without_scrolling_sideways(site: Site) -> None:
    page = await site.page("admin", phone=True, locale="zh-CN")
    for address in (
        "/admin", "/admin/people", "/admin/people/new", "/admin/places", f"/admin/places/{site.world.place('clinic1')}",
        "/admin/policies", "/admin/policies/custody", "/me",
    ):  # fmt: skip
        await page.goto(address)
        assert await width_of(page) <= 390, address
