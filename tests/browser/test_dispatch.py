"""The dispatch desk in a real browser."""

from uuid import UUID

import pytest
from playwright.async_api import expect

from tests import steps
from tests.browser.conftest import Site
from tests.world import BUILDER, COUNTY
from xinglin.delivery import actions as delivery

pytestmark = pytest.mark.browser
BOTH = {"township1": {"amoxicillin": 48}, "township2": {"amoxicillin": 24}}


async def second_van(site: Site) -> None:
    async with site.base.transaction(COUNTY) as session:
        await delivery.add_vehicle(
            session, BUILDER, site.world.place("central"), "新G10002", capacity_g=500_000, capacity_cm3=2_000_000,
            shift=(9 * 3600, 20 * 3600), cost_per_km_fen=200,
        )  # fmt: skip


async def test_a_plan_shows_itself_when_it_is_there_with_its_routes_on_the_map(site: Site) -> None:
    await steps.picked(site.base, BOTH)
    page = await site.page("dispatcher")
    await page.goto("/dispatch/plans/new")
    await page.get_by_role("button", name="Think of a plan").click()
    await expect(page.get_by_text("A plan is being thought out")).to_be_visible()
    await steps.think(site.base, UUID(page.url.rsplit("/", 1)[1]))
    await expect(page.get_by_text("The plan keeps every rule")).to_be_visible()
    await expect(page.locator("#plan-map .map-number").first).to_be_visible(timeout=15_000)
    assert await page.locator("#plan-map .map-marker-stop").count() == 2
    await expect(page.locator(".map-caption")).to_contain_text("Positions are synthetic")


async def test_a_stop_is_dragged_to_another_vehicle_and_judged(site: Site) -> None:
    await steps.picked(site.base, BOTH)
    await second_van(site)
    plan = await steps.drafted(site.base)
    page = await site.page("dispatcher")
    await page.goto(f"/dispatch/plans/{plan}")
    vehicles = page.locator("[data-vehicle]")
    await expect(vehicles.first.locator("tr[data-stop]")).to_have_count(2)
    await page.locator("tr[data-stop]").first.drag_to(vehicles.nth(1))
    await expect(page.locator("[data-vehicle]").nth(1).locator("tr[data-stop]")).to_have_count(1)
    await expect(page.get_by_text("The plan keeps every rule")).to_be_visible()


async def test_without_scripts_a_stop_is_moved_by_its_form(site: Site) -> None:
    await steps.picked(site.base, BOTH)
    plan = await steps.drafted(site.base)
    page = await site.page("dispatcher", script=False)
    await page.goto(f"/dispatch/plans/{plan}")
    first = page.locator("tr[data-stop] .cell-main").first
    name = (await first.inner_text()).split(" · ")[1]
    await page.get_by_role("button", name=f"Later: {name}").click()
    await expect(page.locator("tr[data-stop] .cell-main").nth(1)).to_contain_text(name)
