"""Fair shares when there is not enough: classes in order, then days of cover, then whole packs."""

from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings, strategies as st

from xinglin.orders.rationing import CLASSES, Claim, ration, ration_by_life


def claim(
    no: int, approved: int, on_hand: int = 0, daily_use: str = "1", priority: str = "other", life: int = 0
) -> Claim:
    return Claim(UUID(int=no), approved, on_hand, Decimal(daily_use), priority, life)


def given_to(supply: int, claims: list[Claim], pack: int = 10) -> list[int]:
    shares = {share.line_id: share.quantity for share in ration(supply, claims, pack)}
    return [shares[claim.line_id] for claim in claims]


@st.composite
def rounds(draw: st.DrawFn) -> tuple[int, list[Claim], int]:
    pack = draw(st.sampled_from([1, 2, 10, 24, 100]))
    facts = st.tuples(
        st.integers(0, 30),
        st.integers(0, 2000),
        st.one_of(st.just(Decimal(0)), st.decimals(Decimal("0.0119"), Decimal(500), places=4)),
        st.sampled_from(CLASSES),
    )
    found = draw(st.lists(facts, min_size=1, max_size=10))
    claims = [
        Claim(UUID(int=i), packs * pack, on_hand, use, priority)
        for i, (packs, on_hand, use, priority) in enumerate(found)
    ]
    return draw(st.integers(0, sum(c.approved for c in claims) + 2 * pack)), claims, pack


def days(claim: Claim) -> float:
    """Days of cover before the round; a place without history is taken to ask for two weeks."""
    return claim.on_hand / (float(claim.daily_use) or max(1, claim.approved) / 14)


@settings(max_examples=150, deadline=None)
@given(rounds())
def test_a_ration_is_whole_packs_within_supply_and_approval(round: tuple[int, list[Claim], int]) -> None:
    supply, claims, pack = round
    shares = given_to(supply, claims, pack)
    assert sum(shares) <= supply
    assert all(0 <= share <= claim.approved for share, claim in zip(shares, claims, strict=True))
    assert all(share % pack == 0 for share in shares)


@settings(max_examples=150, deadline=None)
@given(rounds())
def test_no_whole_pack_is_kept_back_while_somebody_approved_waits(
    round: tuple[int, list[Claim], int],
) -> None:
    supply, claims, pack = round
    given_out = sum(given_to(supply, claims, pack))
    assert given_out == min(supply - supply % pack, sum(claim.approved for claim in claims))


@settings(max_examples=150, deadline=None)
@given(rounds())
def test_nobody_with_fewer_days_goes_empty_while_a_fuller_one_gets_more_than_a_pack(
    round: tuple[int, list[Claim], int],
) -> None:
    supply, claims, pack = round
    shares = given_to(supply, claims, pack)
    for poor, its in zip(claims, shares, strict=True):
        for rich, theirs in zip(claims, shares, strict=True):
            if poor.priority == rich.priority and poor.approved and days(poor) < days(rich) and its == 0:
                assert theirs <= pack, f"{rich} got {theirs} while {poor} got nothing"


@settings(max_examples=120, deadline=None)
@given(rounds())
def test_a_higher_class_is_served_before_a_lower_one_gets_anything(
    round: tuple[int, list[Claim], int],
) -> None:
    supply, claims, pack = round
    shares = given_to(supply, claims, pack)
    for higher, its in zip(claims, shares, strict=True):
        if its < higher.approved:
            lower = [
                theirs
                for claim, theirs in zip(claims, shares, strict=True)
                if CLASSES.index(claim.priority) > CLASSES.index(higher.priority)
            ]
            assert not any(lower)


@settings(max_examples=200, deadline=None)
@given(rounds(), st.integers(0, 500))
def test_more_supply_never_gives_less_in_all(round: tuple[int, list[Claim], int], more: int) -> None:
    supply, claims, pack = round
    assert sum(given_to(supply + more, claims, pack)) >= sum(given_to(supply, claims, pack))


@settings(max_examples=200, deadline=None)
@given(rounds())
def test_all_get_everything_when_there_is_enough(round: tuple[int, list[Claim], int]) -> None:
    _, claims, pack = round
    wanted = [claim.approved for claim in claims]
    assert given_to(sum(wanted), claims, pack) == wanted


@settings(max_examples=200, deadline=None)
@given(rounds())
def test_every_share_says_why_and_carries_its_numbers(round: tuple[int, list[Claim], int]) -> None:
    supply, claims, pack = round
    approved = {claim.line_id: claim.approved for claim in claims}
    for share in ration(supply, claims, pack):
        assert share.fields["quantity"] == share.quantity
        assert share.fields["approved"] == approved[share.line_id]
        assert share.fields["days"] == f"{share.days:.1f}"
        assert share.fields["days"] in share.message.format(**share.fields)
        is_whole = share.quantity == approved[share.line_id]
        assert share.rule == (
            "enough" if is_whole else "nothing_left" if not share.quantity else "equal_days"
        )


@settings(max_examples=100, deadline=None)
@given(rounds(), st.randoms(use_true_random=False))
def test_the_order_of_the_claims_does_not_matter(
    round: tuple[int, list[Claim], int],
    random: object,
) -> None:
    supply, claims, pack = round
    shuffled = list(claims)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {s.line_id: s.quantity for s in ration(supply, claims, pack)} == {
        s.line_id: s.quantity for s in ration(supply, shuffled, pack)
    }


def test_days_of_cover_are_equal_after_the_round() -> None:
    # 10 a day with 0 there, 10 a day with 50 there: 150 lift both to ten days.
    assert given_to(150, [claim(1, 200, 0, "10"), claim(2, 200, 50, "10")]) == [100, 50]


def test_a_place_that_uses_twice_as_much_gets_twice_as_much() -> None:
    assert given_to(300, [claim(1, 1000, 0, "20"), claim(2, 1000, 0, "10")]) == [200, 100]


def test_the_last_pack_goes_to_the_largest_remainder() -> None:
    # Ten packs lift all three to one level at 5, 2.5 and 2.5 packs: the last goes to one of the halves.
    shares = given_to(100, [claim(1, 900, 0, "20"), claim(2, 900, 0, "10"), claim(3, 900, 0, "10")])
    assert shares == [50, 30, 20]


def test_a_clinic_that_uses_little_is_not_left_with_nothing_by_rounding() -> None:
    # By bare remainders the small one's 0.3 of a pack would be rounded away.
    shares = given_to(1000, [claim(1, 100, 0, "0.2"), claim(2, 5000, 1, "50")], pack=100)
    assert shares == [100, 900]


def test_rescue_medicine_goes_first_even_to_the_fuller_place() -> None:
    assert given_to(10, [claim(1, 10, 0), claim(2, 10, 500, priority="rescue")]) == [0, 10]


def test_a_place_without_history_is_taken_to_ask_for_two_weeks() -> None:
    (share,) = ration(140, [claim(1, 140, 0, "0")], 10)
    assert share.days == 14


def test_short_dated_goods_go_to_those_who_may_have_them_and_the_fresh_ones_stay_for_the_others() -> None:
    village, township = claim(1, 100, life=180), claim(2, 100, life=120)
    shares = ration_by_life({180: 100, 120: 200}, [village, township], 10)
    assert [share.quantity for share in shares] == [100, 100]


def test_goods_too_short_for_a_village_do_not_stay_in_the_depot_while_a_township_waits() -> None:
    village, township = claim(1, 100, life=180), claim(2, 100, life=120)
    shares = ration_by_life({180: 0, 120: 60}, [village, township], 10)
    assert [share.quantity for share in shares] == [0, 60]


def test_who_already_had_of_the_short_dated_goods_waits_for_the_fresh_ones() -> None:
    village, township = claim(1, 100, life=180), claim(2, 100, life=120)
    shares = ration_by_life({180: 50, 120: 100}, [village, township], 10)
    assert [share.quantity for share in shares] == [50, 50]
