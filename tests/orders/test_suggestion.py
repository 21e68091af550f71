"""What a place should ask for."""

from decimal import Decimal

from hypothesis import given, settings, strategies as st

from xinglin.orders.suggestion import Need, suggest


def need(on_hand: int = 0, on_order: int = 0, use: str = "10", cover: int = 14, pack: int = 24) -> Need:
    return Need(on_hand, on_order, Decimal(use), cover, pack)


def test_what_is_there_and_what_is_on_order_is_not_asked_for_again() -> None:
    assert suggest(need()).quantity == 144
    assert suggest(need(on_hand=100)).quantity == 48
    assert suggest(need(on_hand=100, on_order=40)).quantity == 0


def test_a_product_nobody_uses_is_not_suggested() -> None:
    unused = suggest(need(use="0"))
    assert unused.quantity == 0 and "Not used" in unused.message


def test_the_sentence_carries_the_numbers_behind_it() -> None:
    said = suggest(need(on_hand=35, use="2.5"))
    assert said.message.format(**said.fields) == (
        "Uses 2.5 a day; what is there lasts 14 days, 0 are on order: enough."
    )


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        Need,
        st.integers(0, 5000), st.integers(0, 5000), st.decimals(0, 500, places=4), st.integers(1, 60),
        st.integers(1, 200),
    )
)  # fmt: skip
def test_a_suggestion_covers_the_days_with_less_than_a_pack_to_spare(need: Need) -> None:
    quantity = suggest(need).quantity
    there = need.on_hand + need.on_order + quantity
    target = need.daily_use * need.cover_days
    assert quantity >= 0 and quantity % need.pack_size == 0
    assert there >= target
    if quantity:
        assert there - target < need.pack_size
