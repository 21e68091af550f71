"""Money in Decimal yuan: to the fen, and shared out to the last one."""

from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from xinglin.base import money

WEIGHTS = st.lists(
    st.one_of(st.integers(0, 10**6), st.decimals(0, 10**6, places=6), st.decimals(0, 1, places=34)),
    min_size=1, max_size=30,
).filter(any)  # fmt: skip
POOLS = st.decimals(0, 10**9, places=2)


@settings(max_examples=150, deadline=None)
@given(POOLS, WEIGHTS)
def test_shares_add_up_to_the_pool_to_the_last_fen(pool: Decimal, weights: list[Decimal | int]) -> None:
    shares = money.share_out(pool, weights)
    assert sum(shares) == pool
    assert all(share >= 0 and share == money.yuan(share) for share in shares)


@settings(max_examples=120, deadline=None)
@given(POOLS, WEIGHTS)
def test_no_share_is_a_fen_away_from_its_exact_part(pool: Decimal, weights: list[Decimal | int]) -> None:
    total = sum(Decimal(weight) for weight in weights)
    for share, weight in zip(money.share_out(pool, weights), weights, strict=True):
        assert abs(share - pool * Decimal(weight) / total) <= money.FEN
        if not weight:
            assert share == 0


def test_parts_that_nearly_touch_a_whole_do_not_make_a_fen_out_of_nothing() -> None:
    nearly = Decimal("0.3333333333333333333333333333333333")
    assert sum(money.share_out(Decimal("0.01"), [nearly, nearly, nearly])) == Decimal("0.01")
    assert money.share_whole(10**15, [Decimal("0." + "9" * 40), Decimal("0." + "0" * 39 + "1")]) == [
        10**15,
        0,
    ]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_whole_things_are_shared_out_whole(pool: int, weights: list[int]) -> None:
    parts = money.share_whole(pool, weights)
    assert sum(parts) == pool and min(parts) >= 0


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_share_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights of zero and more"):
        money.share_out(Decimal(10), weights)


def test_a_pool_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="pool"):
        money.share_out(Decimal("-0.01"), [1])


def test_money_is_rounded_half_up_as_an_accountant_does() -> None:
    assert money.yuan(Decimal("0.125")) == Decimal("0.13")
    assert money.yuan(Decimal("0.135")) == Decimal("0.14")


def test_a_box_sold_by_the_capsule_costs_what_the_box_costs() -> None:
    # domain.md 2.C 4: 24 capsules at 12.50 a box are 0.5208 each.
    assert money.amount(24, Decimal("0.5208")) == Decimal("12.50")


@pytest.mark.parametrize("price", ["-0.0001", "NaN", "Infinity", "1000000000", "0.00001"])
def test_what_cannot_be_a_price_is_told(price: str) -> None:
    assert not money.is_price(Decimal(price))


def test_a_price_may_be_nothing_and_has_four_places() -> None:
    assert money.is_price(Decimal(0)) and money.is_price(Decimal("0.5208"))
