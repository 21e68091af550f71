"""Fair shares when there is not enough: classes in order, then equal days of cover, then whole packs.

peers.md 1 and 4.3: nobody else computes it. The inputs are stored with the result, so that a clinic
can read why it got what it got.
"""

from collections.abc import Mapping, Sequence
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
    """What one approved line wants of a product, and what its place has and uses. Base units."""

    line_id: UUID
    approved: int
    on_hand: int
    daily_use: Decimal
    priority: str
    minimum_life_days: int = 0


class Ration(NamedTuple):
    """What the line gets, by which rule, how many days the place is then covered, and why in words."""

    line_id: UUID
    quantity: int
    rule: str
    days: float
    message: str
    fields: dict[str, Any]


def ration(supply: int, claims: Sequence[Claim], pack_size: int) -> list[Ration]:
    """Share a supply of one product that all may have. Base units in, whole packs out, never more than approved."""
    return ration_by_life({0: supply}, [claim._replace(minimum_life_days=0) for claim in claims], pack_size)


def ration_by_life(supply: Mapping[int, int], claims: Sequence[Claim], pack_size: int) -> list[Ration]:
    """The same where receivers ask for different remaining life: `supply` is what each asked life may have.

    What only some may have is shared among them first, so that the rest is left to those who ask for more.
    """
    lives = sorted({claim.minimum_life_days for claim in claims})
    pails = [_pail(claim, pack_size) for claim in claims]
    for life, longer in zip(lives, [*lives[1:], None], strict=True):
        packs = (supply[life] - (supply[longer] if longer is not None else 0)) // pack_size
        for name in CLASSES:
            ours = [i for i, c in enumerate(claims) if c.minimum_life_days <= life and c.priority == name]
            given = equalise(packs, [pails[i] for i in ours])
            for i, count in zip(ours, given, strict=True):
                pails[i] = pails[i].filled(count)
            packs -= sum(given)
    return [
        _explained(claim, pail.given * pack_size, pail.use * pack_size)
        for claim, pail in zip(claims, pails, strict=True)
    ]


class Pail(NamedTuple):
    """One line as the water sees it, in packs: what is in it, what it still takes, its width (packs a day)."""

    line_id: UUID
    holds: float
    room: int
    use: float
    given: int = 0

    @property
    def days(self) -> float:
        """How high the water stands in it."""
        return self.holds / self.use

    def filled(self, packs: int) -> "Pail":
        """After so many packs more."""
        return Pail(self.line_id, self.holds + packs, self.room - packs, self.use, self.given + packs)


def _pail(claim: Claim, pack_size: int) -> Pail:
    use = float(claim.daily_use) or max(1, claim.approved) / UNKNOWN_USE_DAYS
    return Pail(claim.line_id, claim.on_hand / pack_size, claim.approved // pack_size, use / pack_size)


def equalise(packs: int, pails: Sequence[Pail]) -> list[int]:
    """Raise everybody's days of cover to one level as far as the packs go; the last ones by largest remainder.

    Whoever is below the level gets one pack before anybody gets a second, the lowest first.
    """
    if packs >= sum(pail.room for pail in pails):
        return [pail.room for pail in pails]
    level = _level(packs, pails)
    below = [i for i, pail in enumerate(pails) if pail.room and pail.days < level]
    first = set(sorted(below, key=lambda i: (pails[i].days, pails[i].line_id))[:packs])
    rest = [pail.filled(1) if i in first else pail for i, pail in enumerate(pails)]
    spare = packs - len(first)
    level = _level(spare, rest)
    exact = [min(float(pail.room), max(0.0, level * pail.use - pail.holds)) for pail in rest]
    whole = [int(share + 1e-9) for share in exact]
    spare -= sum(whole)
    by_remainder = sorted(
        (i for i, pail in enumerate(rest) if whole[i] < pail.room),
        key=lambda i: (whole[i] - exact[i], rest[i].days, rest[i].line_id),
    )
    for i in by_remainder[:spare]:
        whole[i] += 1
    return [(i in first) + count for i, count in enumerate(whole)]


def _level(packs: int, pails: Sequence[Pail]) -> float:
    """The days of cover to which the packs lift all (water-filling over sorted breakpoints)."""
    edges = sorted(
        [(pail.days, pail.use) for pail in pails if pail.room]
        + [((pail.holds + pail.room) / pail.use, -pail.use) for pail in pails if pail.room]
    )
    poured, slope, level = 0.0, 0.0, edges[0][0] if edges else 0.0
    for at, change in edges:
        if slope > 1e-12 and poured + slope * (at - level) >= packs:
            break
        poured += slope * (at - level)
        level, slope = at, slope + change
    return level + (packs - poured) / slope if slope > 1e-12 else level


def _explained(claim: Claim, quantity: int, use: float) -> Ration:
    days = (claim.on_hand + quantity) / use
    fields = {
        "days": f"{days:.1f}",
        "approved": claim.approved,
        "quantity": quantity,
        "class": CLASS_NAMES[claim.priority],
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
