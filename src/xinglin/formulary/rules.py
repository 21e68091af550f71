"""What a tier may do with a product by default: draft policy rows, to be edited by the county's committee."""

from typing import Any, NamedTuple

from xinglin.base.errors import N_, BadInput
from xinglin_catalog import DRAFT_CUSTODY, Access

TIERS = ("county", "township", "village")
MAY = ("stocked", "on_request", "not_allowed")
MAY_NAMES = {
    "stocked": N_("stocked"),
    "on_request": N_("on request"),
    "not_allowed": N_("not allowed"),
}
CONTROL_RULES = {
    "narcotic": N_("narcotic medicine, R11"),
    "psychotropic_1": N_("class I psychotropic medicine, R11"),
    "psychotropic_2": N_("class II psychotropic medicine, R11"),
    "toxic": N_("toxic medicine, R11"),
    "precursor": N_("precursor chemical, R11"),
    "abortifacient": N_("abortifacient, R11"),
    "vaccine": N_("vaccine of the programme, R11"),
    "blood": N_("blood product, R11"),
    "radioactive": N_("radioactive medicine, R11"),
    "vertical_programme": N_("medicine of a vertical programme, R11"),
}
"""What is written beside a listing that custody rules, so that who orders in vain reads why."""

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


POLICY_NAMES = {
    "minimum_life_days": N_("Days of life a receiver asks for"),
    "custody": N_("Custody of controlled medicines"),
}
"""What the policies are about."""

LONGEST_LIFE_DAYS = 3650


def check_policy(name: str, value: dict[str, Any]) -> None:
    """Refuse a policy that nothing here goes by, and a value of another form than its reader expects."""
    if name not in FIRST_POLICIES:
        raise BadInput(
            N_("There is no policy “{value}”; there are {choices}."),
            value=name,
            choices=", ".join(FIRST_POLICIES),
        )
    known = FIRST_POLICIES[name][0]
    if set(value) != set(known):
        raise BadInput(
            N_("This policy names exactly {choices}; here it names {value}."),
            choices=", ".join(known), value=", ".join(map(str, value)) or "–",
        )  # fmt: skip
    check = {"minimum_life_days": _check_days, "custody": _check_custody}.get(name)
    if check is not None:
        for key, part in value.items():
            check(key, part)


def _check_days(tier: str, days: Any) -> None:
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= LONGEST_LIFE_DAYS:
        raise BadInput(
            N_("{where}: a whole number of days from 0 to {most}, not {value}."),
            where=tier, most=LONGEST_LIFE_DAYS, value=str(days),
        )  # fmt: skip


def _check_custody(control: str, access: Any) -> None:
    choices = [kind.value for kind in Access]
    is_whole = isinstance(access, dict) and set(access) == {"village", "township", "own_vehicle"}
    if not is_whole or any(one not in choices for one in access.values()):
        raise BadInput(
            N_("{where}: village, township and own_vehicle are each one of {choices}."),
            where=control, choices=", ".join(choices),
        )  # fmt: skip


class Listed(NamedTuple):
    """What a tier may do with a product, and which rule says so."""

    tier: str
    may: str
    rule: str


def listings_for(control: str, custody: dict[str, Any], *, village_rule: str = "") -> list[Listed]:
    """Default listings by custody class (R11): what may not be held or carried is not allowed."""
    ruled = custody.get(control, {})
    rule = CONTROL_RULES.get(control, "")
    listed = []
    for tier in TIERS:
        # A class that the policy does not speak of is nobody's but the county's.
        access = ruled.get(tier, (Access.ALLOWED if ruled or tier == "county" else Access.BLOCKED).value)
        is_barred = access in (Access.BLOCKED, Access.LICENSED) or (
            tier != "county" and ruled.get("own_vehicle") == Access.BLOCKED
        )
        if is_barred:
            listed.append(Listed(tier, "not_allowed", rule))
        elif tier == "village" and village_rule:
            listed.append(Listed(tier, "not_allowed", village_rule))
        else:
            listed.append(Listed(tier, "stocked", rule))
    return listed
