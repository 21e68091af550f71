"""What a place should ask for: use per day, days until the next deliveries, what is there and on its way."""

from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

from xinglin.base.errors import N_


class Need(NamedTuple):
    """What is known of one product at one place. Base units; days until goods ordered now have run out."""

    on_hand: int
    on_order: int
    daily_use: Decimal
    cover_days: int
    pack_size: int


class Suggestion(NamedTuple):
    """How much to ask for, in base units and whole packs, and why in one sentence."""

    quantity: int
    message: str
    fields: dict[str, Any]


def suggest(need: Need) -> Suggestion:
    """Fill up to so many days of use, less what is there and what is on order; rounded up to packs."""
    target = need.daily_use * need.cover_days
    missing = target - need.on_hand - need.on_order
    fields = {
        "use": f"{need.daily_use:.1f}",
        "days": _days(need.on_hand, need.daily_use),
        "cover": need.cover_days,
        "order": need.on_order,
    }
    if need.daily_use == 0:
        return Suggestion(0, N_("Not used in the last twelve weeks."), fields)
    if missing <= 0:
        return Suggestion(
            0, N_("Uses {use} a day; what is there lasts {days} days, {order} are on order: enough."), fields
        )
    packs = int((missing / need.pack_size).to_integral_value(ROUND_CEILING))
    message = N_("Uses {use} a day; what is there lasts {days} days, to cover are {cover} days.")
    return Suggestion(packs * need.pack_size, message, fields)


def _days(on_hand: int, daily_use: Decimal) -> int:
    return int(on_hand / daily_use) if daily_use else 0
