"""Finding products among many that share a name: the best names first, new ones at once, what is barred last."""

from decimal import Decimal

from sqlmodel.ext.asyncio.session import AsyncSession

from tests.world import BUILDER, World
from xinglin.formulary import actions as formulary, queries
from xinglin.formulary.actions import NewProduct


def draft(name: str, number: int, *, control: str = "none", code: str = "") -> NewProduct:
    return NewProduct(
        code=code or f"T-{name}-{number}", kind="chemical", generic_name=name, dosage_form="片剂",
        strength=f"{number}mg", base_unit="片", pack_unit="盒", pack_size=10, case_size=10, pack_weight_g=10,
        pack_volume_cm3=10, unit_price=Decimal(1), control=control,
    )  # fmt: skip


async def found(session: AsyncSession, text: str, *, tier: str | None = None) -> list[str]:
    return [row["generic_name"] for row in await queries.search(session, BUILDER, text, tier=tier, limit=5)]


async def test_the_whole_name_stands_before_names_that_only_contain_it(
    session: AsyncSession, world: World
) -> None:
    names = ("维生素丙复方", "维生素丙", "复方维生素丙")
    await formulary.add_products(session, BUILDER, [draft(name, i) for name in names for i in range(4)])
    assert await found(session, "维生素丙") == ["维生素丙"] * 4 + ["维生素丙复方"]


async def test_a_product_is_found_as_soon_as_it_was_added(session: AsyncSession, world: World) -> None:
    await formulary.add_products(session, BUILDER, [draft("门冬胰岛素甲", i) for i in range(9)])
    assert await found(session, "门冬") == ["门冬胰岛素甲"] * 5
    await formulary.add_products(session, BUILDER, [draft("门冬", 1)])
    assert (await found(session, "门冬"))[0] == "门冬"


async def test_what_the_tier_may_not_order_comes_last(session: AsyncSession, world: World) -> None:
    barred = [draft("止痛灵", i, control="narcotic") for i in range(3)]
    await formulary.add_products(session, BUILDER, [*barred, *(draft("止痛灵片", i) for i in range(3))])
    assert await found(session, "止痛灵", tier="village") == ["止痛灵片"] * 3 + ["止痛灵"] * 2


async def test_a_code_finds_its_product_and_no_other(session: AsyncSession, world: World) -> None:
    drafts = [draft("某某片", i, code=f"XJ1234567{i}") for i in range(8)]
    await formulary.add_products(session, BUILDER, drafts)
    rows = await queries.search(session, BUILDER, "XJ12345676", limit=5)
    assert [row["code"] for row in rows] == ["XJ12345676"]
