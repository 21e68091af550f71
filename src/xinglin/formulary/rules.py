"""What a tier may do with a product by default: draft policy rows, to be edited by the county's committee."""

from typing import Any, NamedTuple

from xinglin.base.errors import N_
from xinglin_catalog import DRAFT_CUSTODY, Access, ControlClass

TIERS = ("county", "township", "village")
MAY = ("stocked", "on_request", "not_allowed")
MAY_NAMES = {
    "stocked": N_("stocked"),
    "on_request": N_("on request"),
    "not_allowed": N_("not allowed"),
}

FIRST_POLICIES: dict[str, tuple[dict[str, Any], str]] = {
    "minimum_life_days": (
        {"county": 90, "township": 120, "village": 180},
        "Draft: common contract terms (domain.md R13); the county's committee sets its own",
    ),
    "custody": (
        {
            control.value: {
                "village": custody.village.value,
                "township": custody.township.value,
                "own_vehicle": custody.own_vehicle.value,
            }
            for control, custody in DRAFT_CUSTODY.items()
        },
        "Draft: custody classes (domain.md R11), not yet held against the official texts",
    ),
}
"""Policies a new county begins with, each with its source."""


class Listed(NamedTuple):
    """What a tier may do with a product, and which rule says so."""

    tier: str
    may: str
    rule: str


def listings_for(control: str, custody: dict[str, Any], *, village_rule: str = "") -> list[Listed]:
    """Default listings by custody class (R11): what may not be held or carried is not allowed."""
    ruled = custody.get(control, {})
    listed = []
    for tier in TIERS:
        # A class that the policy does not speak of is nobody's but the county's.
        access = ruled.get(tier, (Access.ALLOWED if ruled or tier == "county" else Access.BLOCKED).value)
        is_barred = access in (Access.BLOCKED, Access.LICENSED) or (
            tier != "county" and ruled.get("own_vehicle") == Access.BLOCKED
        )
        if is_barred:
            listed.append(Listed(tier, "not_allowed", f"R11: {control}"))
        elif tier == "village" and village_rule:
            listed.append(Listed(tier, "not_allowed", village_rule))
        else:
            listed.append(Listed(tier, "stocked", f"R11: {control}" if control != ControlClass.NONE else ""))
    return listed
