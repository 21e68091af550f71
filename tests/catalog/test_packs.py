"""Packs: whole base units in, the same number out, nothing rounded."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from xinglin_catalog import BadPack, PackLadder

CAPSULES = PackLadder.of("粒", ("盒", 24), ("箱", 200))


def test_three_boxes_are_seventy_two_capsules() -> None:
    assert CAPSULES.to_base(3, "盒") == 72
    assert CAPSULES.to_base(1, "箱") == 4800
    assert CAPSULES.to_base(5, "粒") == 5


def test_seventy_six_capsules_are_three_boxes_and_four() -> None:
    assert CAPSULES.in_packs(76) == "3 盒 4 粒"
    assert CAPSULES.split(4872) == ((1, "箱"), (3, "盒"))
    assert CAPSULES.in_packs(0) == "0 粒"


@pytest.mark.parametrize("half", ["0.5", Decimal("0.5"), Fraction(1, 2)])
def test_half_a_box_is_twelve_capsules(half: str | Decimal | Fraction) -> None:
    assert CAPSULES.to_base(half, "盒") == 12


@pytest.mark.parametrize("odd", ["0.1", Fraction(1, 7), Decimal("0.333"), -1])
def test_what_is_no_whole_number_of_capsules_is_refused(odd: str | Fraction | Decimal | int) -> None:
    with pytest.raises(BadPack) as refused:
        CAPSULES.to_base(odd, "盒")
    assert refused.value.code == "pack.not_whole"


def test_a_float_is_never_a_quantity() -> None:
    with pytest.raises(TypeError):
        CAPSULES.to_base(0.5, "盒")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["nan", "inf", "1/0", "three", "", "1e999999999", Decimal("1e999999"), Decimal("nan")]
)
def test_what_is_no_number_is_refused_in_words(text: str | Decimal) -> None:
    with pytest.raises(BadPack):
        CAPSULES.to_base(text, "盒")


def test_a_pack_that_is_not_on_the_ladder_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadPack, match="瓶 is not a pack of this product; it comes in 粒, 盒, 箱"):
        CAPSULES.to_base(1, "瓶")


@pytest.mark.parametrize(
    "rungs", [[("盒", 0)], [("盒", -24)], [("盒", 24), ("箱", 1)], [("粒", 24)], [("", 24)], [("盒", 10**10)]]
)
def test_a_ladder_that_cannot_stand_is_refused(rungs: list[tuple[str, int]]) -> None:
    with pytest.raises(BadPack):
        PackLadder.of("粒", *rungs)


@pytest.mark.parametrize(
    "text", ["", "24", "盒=24", "盒=24粒;箱=200瓶", "盒24粒", "箱=200盒;盒=24粒", "盒=1.5粒"]
)
def test_a_ladder_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadPack):
        PackLadder.read(text)


@pytest.mark.parametrize("text", ["盒=24粒;箱=200盒", "1盒＝24粒；1箱＝200盒", " 盒 = 24 粒 , 箱 = 200 盒 "])
def test_a_ladder_is_read_however_it_is_spaced(text: str) -> None:
    assert PackLadder.read(text) == CAPSULES


@pytest.mark.parametrize("text", ["三盒", "3", "3 盒 4 粒", "3.5盒"])
def test_a_quantity_is_read_as_people_write_it(text: str) -> None:
    wanted = {"3": 3, "3 盒 4 粒": 76, "3.5盒": 84}.get(text)
    if wanted is None:
        with pytest.raises(BadPack):
            CAPSULES.read_quantity(text)
    else:
        assert CAPSULES.read_quantity(text) == wanted


@st.composite
def ladders(draw: st.DrawFn) -> PackLadder:
    """Ladders of up to three rungs."""
    units = draw(st.permutations(["盒", "瓶", "箱", "袋"]))
    sizes = draw(st.lists(st.integers(2, 500), max_size=3))
    return PackLadder.of("片", *zip(units, sizes, strict=False))


@given(ladders(), st.integers(0, 10**12))
def test_what_goes_into_packs_comes_back_whole(ladder: PackLadder, quantity: int) -> None:
    assert sum(ladder.to_base(count, unit) for count, unit in ladder.split(quantity)) == quantity
    assert ladder.read_quantity(ladder.in_packs(quantity)) == quantity


@given(ladders())
def test_a_ladder_reads_back_as_it_was_written(ladder: PackLadder) -> None:
    assert PackLadder.read(str(ladder)) == ladder


@given(ladders(), st.integers(0, 10**9))
def test_no_smaller_pack_is_left_that_would_fill_a_larger_one(ladder: PackLadder, quantity: int) -> None:
    parts = {unit: count for count, unit in ladder.split(quantity)}
    for rung, below in zip(ladder.rungs, ladder.units, strict=False):
        assert parts.get(below, 0) < rung.holds
