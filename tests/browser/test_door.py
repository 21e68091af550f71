"""The door in a real browser."""

import pytest

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


async def test_who_is_not_signed_in_is_shown_the_door(site: Site) -> None:
    page = await site.page("doctor1")
    await page.context.clear_cookies()
    await page.goto("/")
    assert "/sign-in" in page.url
