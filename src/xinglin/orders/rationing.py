"""Fair shares when there is not enough: classes in order, then equal days of cover, then whole packs.

peers.md 1 and 4.3: nobody else computes it. The inputs are stored with the result, so that a clinic
can read why it got what it got.
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from xinglin.base.errors import N_

CLASSES = ("rescue", "mother_child", "chronic", "other")
CLASS_NAMES = {
    "rescue": N_("Rescue medicine"),
    "mother_child": N_("Mother and child"),
    "chronic": N_("Chronic disease"),
    "other": N_("Other"),
}
UNKNOWN_USE_DAYS = 14
"""A place without history is taken to ask for two weeks."""


class Claim(NamedTuple):
    """What one approved line wants of a product. Base units; `cover` is what the place already has."""

    line_id: UUID
    approved: int
    on_hand: int
    daily_use: Decimal
    priority: str


class Ration(NamedTuple):
    """What the line gets, by which rule, how many days the place is then covered, and why in words."""

    line_id: UUID
    quantity: int
    rule: str
    days: float
    message: str
    fields: dict[str, Any]


def ration(supply: int, claims: Sequence[Claim], pack_size: int) -> list[Ration]:
    """Share a supply of one product. Base units in, whole packs out, never more than supply or approval."""
    left, shares = supply, []
    by_class: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_class[claim.priority].append(claim)
    for name in CLASSES:
        group = by_class.get(name, [])
        given = equalise(left, group, pack_size)
        shares += [_explained(claim, quantity, name) for claim, quantity in zip(group, given, strict=True)]
        left -= sum(given)
    return shares


def equalise(supply: int, claims: Sequence[Claim], pack_size: int) -> list[int]:
    """Raise everybody's days of cover to one level, as far as the supply goes; packs by largest remainder."""
    packs_wanted = [claim.approved // pack_size for claim in claims]
    packs = supply // pack_size
    if packs >= sum(packs_wanted):
        return [wanted * pack_size for wanted in packs_wanted]
    level = _level(packs * pack_size, claims)
    exact = [min(c.approved, max(0.0, level * _use(c) - c.on_hand)) / pack_size for c in claims]
    whole = [min(int(share + 1e-9), wanted) for share, wanted in zip(exact, packs_wanted, strict=True)]
    spare = packs - sum(whole)
    order = sorted(
        range(len(claims)),
        key=lambda i: (whole[i] - exact[i], claims[i].on_hand / _use(claims[i]), claims[i].line_id),
    )
    # A full round may not be enough where approvals cap the remainders.
    while spare > 0:
        for i in order:
            if spare and whole[i] < packs_wanted[i]:
                whole[i] += 1
                spare -= 1
    return [count * pack_size for count in whole]


def _use(claim: Claim) -> float:
    return float(claim.daily_use) or max(1, claim.approved) / UNKNOWN_USE_DAYS


def _level(supply: int, claims: Sequence[Claim]) -> float:
    """The days of cover to which the supply lifts all (water-filling over sorted breakpoints)."""
    edges = sorted(
        [(c.on_hand / _use(c), _use(c)) for c in claims]
        + [((c.on_hand + c.approved) / _use(c), -_use(c)) for c in claims]
    )
    poured, slope, level = 0.0, 0.0, edges[0][0] if edges else 0.0
    for at, change in edges:
        if poured + slope * (at - level) >= supply and slope > 0:
            break
        poured += slope * (at - level)
        level, slope = at, slope + change
    return level + (supply - poured) / slope if slope > 1e-12 else level


def _explained(claim: Claim, quantity: int, name: str) -> Ration:
    days = (claim.on_hand + quantity) / _use(claim)
    fields = {
        "days": f"{days:.1f}",
        "approved": claim.approved,
        "quantity": quantity,
        "class": CLASS_NAMES[name],
    }
    if quantity == claim.approved:
        return Ration(
            claim.line_id, quantity, "enough", days, N_("Given in full: {days} days of cover."), fields
        )
    if quantity == 0:
        message = N_("Nothing left in this round: {days} days of cover without it ({class}).")
        return Ration(claim.line_id, 0, "nothing_left", days, message, fields)
    message = N_("Not enough for all: shared by equal days of cover, {days} days ({class}).")
    return Ration(claim.line_id, quantity, "equal_days", days, message, fields)
