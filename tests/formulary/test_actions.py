"""What a county has adopted: editions by day, products with their listing and price, policies."""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import id_of
from xinglin.base import clock, database
from xinglin.base.errors import BadInput, NotFound, Refusal
from xinglin.formulary import actions as formulary, queries as formulary_queries
from xinglin.formulary.actions import NewProduct
from xinglin.orders import actions as orders
from xinglin.orders.rules import Asked
from xinglin_catalog import load_edition

CHIEF = day.WORLD.actor("chief")
AMOXICILLIN = id_of("amoxicillin")
NEW = NewProduct(
    code="P-new", kind="chemical", generic_name="阿莫西林", dosage_form="胶囊", strength="0.25g", base_unit="粒",
    pack_unit="盒", pack_size=24, case_size=100, pack_weight_g=20, pack_volume_cm3=40, unit_price=Decimal("0.5208"),
)  # fmt: skip


async def refused(session: AsyncSession, kind: type[Refusal], match: str, work: Awaitable[Any]) -> None:
    before = await day.trail_length(session)
    with pytest.raises(kind) as found:
        await work
    assert match in str(found.value)
    assert await day.trail_length(session) == before


async def is_essential(session: AsyncSession, code: str, on: date) -> bool:
    (made,) = await formulary.add_products(session, CHIEF, [NEW._replace(code=code)], valid_from=on)
    return (await formulary_queries.product(session, made))["essential_no"] is not None


async def test_a_product_counts_as_essential_from_the_day_its_edition_is_in_force(
    session: AsyncSession,
) -> None:
    assert not await is_essential(session, "P-august", date(2026, 8, 31))
    assert await is_essential(session, "P-september", date(2026, 9, 1))


async def test_an_edition_that_comes_next_year_says_nothing_of_today(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_year = date(clock.today().year + 1, 1, 1)
    known = load_edition("2026")
    coming = replace(known, in_force_from=next_year, items=())
    monkeypatch.setattr(formulary, "load_edition", lambda name: coming if name == "coming" else known)
    await formulary.adopt_edition(session, CHIEF, "coming")
    editions = {row["edition"]: row for row in await formulary_queries.adopted_editions(session)}
    assert editions["2026"]["valid_to"] == next_year - timedelta(days=1)
    assert await is_essential(session, "P-today", clock.today())
    assert not await is_essential(session, "P-then", next_year)


async def test_an_edition_is_not_gone_by_before_it_is_in_force_nor_if_nobody_knows_it(
    session: AsyncSession,
) -> None:
    early = formulary.adopt_edition(session, CHIEF, "2026", valid_from=date(2026, 8, 31))
    await refused(session, BadInput, "2026-09-01", early)
    await refused(session, NotFound, "1492", formulary.adopt_edition(session, CHIEF, "1492"))


@pytest.mark.parametrize(
    ("facts", "match"),
    [
        ({"code": " "}, "Line 2"),
        ({"pack_size": 0}, "Line 2"),
        ({"pack_weight_g": -1}, "Line 2"),
        ({"unit_price": Decimal("-1")}, "no price"),
        ({"unit_price": Decimal("NaN")}, "no price"),
        ({"control": "narcotics"}, "narcotics is not known here"),
        ({"storage": "warm"}, "warm is not known here"),
        ({"priority": "urgent"}, "urgent is not known here"),
        ({"code": "P-amoxicillin"}, "already a product"),
    ],
)
async def test_one_product_that_cannot_be_keeps_all_of_its_list_out(
    session: AsyncSession, facts: dict[str, Any], match: str
) -> None:
    await refused(
        session, BadInput, match, formulary.add_products(session, CHIEF, [NEW, NEW._replace(**facts)])
    )
    assert not await database.value(session, "SELECT 1 FROM product WHERE code = 'P-new'")


async def test_a_price_holds_from_its_day_on_in_the_county_s_time(session: AsyncSession) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    await formulary.set_price(session, CHIEF, AMOXICILLIN, Decimal("0.3000"), valid_from=tomorrow)

    async def shown() -> set[Decimal]:
        product = await formulary_queries.product(session, AMOXICILLIN)
        (hit, *_) = await formulary_queries.search(session, day.DOCTOR, "amoxicillin", tier="village")
        listed = await formulary_queries.orderable(session, "village", [AMOXICILLIN], clock.today())
        return {product["unit_price"], hit["unit_price"], listed[AMOXICILLIN]["unit_price"]}

    assert await shown() == {Decimal("0.2500")}
    # Half an hour past the county's midnight it is still yesterday at Greenwich.
    with clock.set_to(
        datetime.combine(clock.today(), datetime.min.time(), UTC) + timedelta(hours=16, minutes=30)
    ):
        assert clock.today() == tomorrow
        assert await shown() == {Decimal("0.3000")}


@pytest.mark.parametrize("price", ["-0.01", "NaN", "Infinity", "0.12345", "1e12"])
async def test_what_is_no_price_is_refused(session: AsyncSession, price: str) -> None:
    work = formulary.set_price(session, CHIEF, AMOXICILLIN, Decimal(price), valid_from=clock.today())
    await refused(session, BadInput, "no price", work)


async def test_yesterday_s_price_is_not_changed_today(session: AsyncSession) -> None:
    yesterday = clock.today() - timedelta(days=1)
    work = formulary.set_price(session, CHIEF, AMOXICILLIN, Decimal(1), valid_from=yesterday)
    await refused(session, BadInput, "from today on", work)


async def test_what_the_committee_forbids_a_village_can_no_longer_order(session: AsyncSession) -> None:
    silent = formulary.set_listing(session, CHIEF, AMOXICILLIN, "village", "not_allowed", rule=" ")
    await refused(session, BadInput, "which rule", silent)
    await refused(
        session,
        BadInput,
        "Tiers are",
        formulary.set_listing(session, CHIEF, AMOXICILLIN, "moon", "stocked", rule=""),
    )
    await formulary.set_listing(session, CHIEF, AMOXICILLIN, "village", "not_allowed", rule="minutes 3/2026")
    asked = [Asked(AMOXICILLIN, 24), Asked(id_of("metformin"), 20)]
    placed = await orders.place(session, day.DOCTOR, id_of("clinic1"), asked)
    (line,) = placed.rejected
    assert line.fields["rule"] == "minutes 3/2026"


async def test_a_policy_of_another_day_s_minutes_changes_who_may_have_which_lot(
    session: AsyncSession,
) -> None:
    assert await formulary_queries.minimum_life_days(session, "village", clock.today()) == 180
    await formulary.set_policy(
        session, CHIEF, "minimum_life_days", {"county": 90, "township": 90, "village": 30},
        source="minutes 4/2026", valid_from=clock.today() + timedelta(days=1),
    )  # fmt: skip
    assert await formulary_queries.minimum_life_days(session, "village", clock.today()) == 180
    tomorrow = clock.today() + timedelta(days=1)
    assert await formulary_queries.minimum_life_days(session, "village", tomorrow) == 30
