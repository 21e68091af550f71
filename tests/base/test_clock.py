"""Time: aware instants in UTC, days in the county's zone."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings, strategies as st

from xinglin.base import clock


def test_the_day_begins_at_the_county_s_midnight_not_at_greenwich() -> None:
    with clock.set_to(datetime(2026, 9, 1, 15, 59, tzinfo=UTC)):
        assert clock.today() == date(2026, 9, 1)
    with clock.set_to(datetime(2026, 9, 1, 16, 1, tzinfo=UTC)):
        assert clock.today() == date(2026, 9, 2)


@settings(max_examples=200, deadline=None)
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 24 * 3600 - 1))
def test_a_second_of_a_day_becomes_an_instant_and_back(on: date, second: int) -> None:
    at = clock.instant(on, second)
    assert at.tzinfo is UTC
    assert at.astimezone(clock.ZONE).date() == on
    assert clock.second_of_day(at) == second


def test_the_clock_goes_on_from_where_it_was_set_and_comes_back() -> None:
    before = clock.now()
    with clock.set_to(datetime(2030, 1, 1, tzinfo=UTC)):
        first, second = clock.now(), clock.now()
        assert datetime(2030, 1, 1, tzinfo=UTC) <= first <= second
        assert second - first < timedelta(seconds=5)
    assert timedelta() <= clock.now() - before < timedelta(seconds=5)
