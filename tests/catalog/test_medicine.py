"""Products and the classes that rule their way."""

import pytest

from xinglin_catalog import (
    DRAFT_CUSTODY,
    Access,
    ControlClass,
    PackLadder,
    PriorityClass,
    Product,
    StorageClass,
    Variety,
)

BOX = Product(
    Variety("阿莫西林"),
    "胶囊",
    "0.25g",
    PackLadder.of("粒", ("盒", 24)),
    "某厂",
    pack_load_g=40,
    pack_volume_cm3=90,
)


@pytest.mark.parametrize(("quantity", "load_g"), [(24, 40), (72, 120), (1, 2), (0, 0), (25, 42)])
def test_a_load_is_rounded_up_so_that_no_vehicle_is_overloaded(quantity: int, load_g: int) -> None:
    assert BOX.load_g(quantity) == load_g


def test_what_was_never_weighed_has_no_weight() -> None:
    assert Product(Variety("甲"), "片", "1mg", PackLadder("片"), "某厂").load_g(5) is None


def test_products_of_one_approval_in_other_packs_are_told_apart() -> None:
    other = Product(Variety("阿莫西林"), "胶囊", "0.25g", PackLadder.of("粒", ("盒", 48)), "某厂")
    assert other.key != BOX.key


def test_every_control_class_has_a_rule_of_custody() -> None:
    assert set(DRAFT_CUSTODY) == set(ControlClass)


@pytest.mark.parametrize(
    "control", [ControlClass.NARCOTIC, ControlClass.PSYCHOTROPIC_1, ControlClass.VACCINE, ControlClass.BLOOD]
)
def test_some_goods_never_ride_in_our_vehicle(control: ControlClass) -> None:
    assert DRAFT_CUSTODY[control].own_vehicle is Access.BLOCKED


def test_only_ordinary_goods_go_to_a_village_without_asking() -> None:
    allowed = [control for control, custody in DRAFT_CUSTODY.items() if custody.village is Access.ALLOWED]
    assert allowed == [ControlClass.NONE]


def test_cold_goods_need_a_box_and_cool_ones_do_not() -> None:
    assert [storage.value for storage in StorageClass if storage.needs_cold_box] == ["cold", "frozen"]
    assert (StorageClass.COLD.temp_min_c, StorageClass.COLD.temp_max_c) == (2, 8)


def test_rescue_is_served_before_mother_and_child_before_chronic() -> None:
    assert sorted(PriorityClass, key=lambda one: one.rank) == ["rescue", "mother_child", "chronic", "other"]
