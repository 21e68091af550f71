"""The one source of time: aware UTC instants, and calendar days in the county's zone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
"""Every Chinese county keeps UTC+8; clinics in Xinjiang open later by it, which is in their opening hours."""

_shift: ContextVar[timedelta] = ContextVar("clock_shift", default=timedelta())


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC) + _shift.get()


def today() -> date:
    """The calendar day in the county."""
    return now().astimezone(ZONE).date()


def instant(on: date, second_of_day: int) -> datetime:
    """The instant at which that many seconds have passed since midnight in the county."""
    return datetime.combine(on, time(), ZONE).astimezone(UTC) + timedelta(seconds=second_of_day)


def second_of_day(at: datetime) -> int:
    """Seconds since midnight in the county."""
    local = at.astimezone(ZONE)
    return local.hour * 3600 + local.minute * 60 + local.second


@contextmanager
def set_to(at: datetime) -> Iterator[None]:
    """For tests and the demo day: the clock goes on from `at` within this block."""
    token = _shift.set(at - datetime.now(UTC))
    try:
        yield
    finally:
        _shift.reset(token)
