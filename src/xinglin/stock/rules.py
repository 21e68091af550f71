"""Which lot goes first, and what a movement does to balances. No database, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from xinglin.base.errors import N_


class Condition(StrEnum):
    """In what condition goods lie at a place."""

    RELEASED = "released"
    QUARANTINE = "quarantine"


class Kind(StrEnum):
    """Why goods moved."""

    RECEIVE = "receive"
    ISSUE = "issue"
    LOAD = "load"
    DELIVER = "deliver"
    BRING_BACK = "bring_back"
    MISS = "miss"
    ADJUST = "adjust"
    QUARANTINE = "quarantine"
    REVERSE = "reverse"


EDGES = frozenset({"supplier", "patients", "losses"})
"""Kinds of place beyond the county's books: goods come from and go to them, no balance is kept there."""


class Key(NamedTuple):
    """One balance row; its order is the order in which rows are locked."""

    place_id: UUID
    lot_id: UUID
    condition: str


class Move(NamedTuple):
    """A movement about to be made. Quantity in base units, above zero; price in yuan per base unit."""

    kind: Kind
    product_id: UUID
    lot_id: UUID
    quantity: int
    source_id: UUID
    target_id: UUID
    unit_price: Decimal
    occurred_on: date
    source_condition: str = Condition.RELEASED
    target_condition: str = Condition.RELEASED
    paper_id: UUID | None = None
    reverses_id: UUID | None = None

    @property
    def source(self) -> Key:
        """The balance it leaves."""
        return Key(self.source_id, self.lot_id, self.source_condition)

    @property
    def target(self) -> Key:
        """The balance it enters."""
        return Key(self.target_id, self.lot_id, self.target_condition)


class HoldDraft(NamedTuple):
    """Goods about to be promised to a line."""

    id: UUID
    place_id: UUID
    product_id: UUID
    lot_id: UUID
    quantity: int
    paper_id: UUID
    line_id: UUID

    @property
    def key(self) -> Key:
        """The balance it holds from."""
        return Key(self.place_id, self.lot_id, Condition.RELEASED)


class Answer(NamedTuple):
    """What becomes of a hold: `settled` units leave, the rest is free again."""

    hold_id: UUID
    settled: int


@dataclass(slots=True)
class Change:
    """What one transaction does to one balance."""

    product_id: UUID
    on_hand: int = 0
    held: int = 0


def net_changes(
    moves: Iterable[Move], holds: Iterable[HoldDraft], answered: Iterable[HoldDraft], edges: frozenset[UUID]
) -> dict[Key, Change]:
    """Add up what moves, new holds and answered holds do to each balance, in locking order."""
    changes: dict[Key, Change] = {}
    for move in moves:
        if move.source_id not in edges:
            changes.setdefault(move.source, Change(move.product_id)).on_hand -= move.quantity
        if move.target_id not in edges:
            changes.setdefault(move.target, Change(move.product_id)).on_hand += move.quantity
    for hold in holds:
        changes.setdefault(hold.key, Change(hold.product_id)).held += hold.quantity
    for hold in answered:
        changes.setdefault(hold.key, Change(hold.product_id)).held -= hold.quantity
    return dict(sorted(changes.items()))


SHELF_LIFE = (
    (0, "expired", N_("Expired")),
    (30, "one_month", N_("Expires within 1 month")),
    (90, "three_months", N_("Expires within 3 months")),
    (180, "six_months", N_("Expires within 6 months")),
)
"""Up to so many days before expiry a lot is of this class (R13: 近效期)."""
SOON_DAYS = SHELF_LIFE[-1][0]


def shelf_life(expires_on: date, on: date) -> tuple[str, str]:
    """How close a lot is to its expiry: the class, and its name for people; ("good", "") if far."""
    left = (expires_on - on).days
    return next(((key, name) for days, key, name in SHELF_LIFE if left <= days), ("good", ""))


class LotOnHand(NamedTuple):
    """A lot at a place, as the one who allocates sees it."""

    lot_id: UUID
    product_id: UUID
    number: str
    expires_on: date
    free: int
    recalled: bool = False


class Want(NamedTuple):
    """What a line is to get. The receiver asks for so many days of life left when goods leave."""

    line_id: UUID
    product_id: UUID
    quantity: int
    minimum_life_days: int = 0


class Take(NamedTuple):
    """So much from this lot."""

    lot_id: UUID
    quantity: int


class PassedOver(NamedTuple):
    """A lot that would have gone first but may not, and why."""

    lot_id: UUID
    number: str
    expires_on: date
    why: str
    message: str


@dataclass(slots=True)
class Allotment:
    """What a line gets, lot by lot, and which lots were passed over."""

    takes: list[Take] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)

    @property
    def quantity(self) -> int:
        """Base units taken in all."""
        return sum(take.quantity for take in self.takes)


def why_not(lot: LotOnHand, leaves_on: date, minimum_life_days: int) -> tuple[str, str] | None:
    """Why a lot may not go to this receiver; None if it may (FEFO, R13: remaining life at the receiver)."""
    if lot.recalled:
        return "recalled", N_("The lot is recalled.")
    if lot.expires_on <= leaves_on:
        return "expired", N_("The lot has expired.")
    if lot.expires_on < leaves_on + timedelta(days=minimum_life_days):
        return "too_short", N_("The receiver asks for more remaining life.")
    return None


def fefo(lots: Sequence[LotOnHand], wanted: int, leaves_on: date, minimum_life_days: int = 0) -> Allotment:
    """Take from the lot that expires first; a lot that may not go is passed over, with the reason.

    Base units. May take less than wanted: the caller registers the gap.
    """
    allotment, left = Allotment(), wanted
    for lot in sorted(lots, key=lambda lot: (lot.expires_on, lot.number, lot.lot_id)):
        if left <= 0:
            break
        if why_not(lot, leaves_on, minimum_life_days):
            allotment.passed_over += passed_over([lot], leaves_on, minimum_life_days)
        elif lot.free > 0:
            allotment.takes.append(Take(lot.lot_id, min(left, lot.free)))
            left -= allotment.takes[-1].quantity
    return allotment


def passed_over(lots: Iterable[LotOnHand], leaves_on: date, minimum_life_days: int = 0) -> list[PassedOver]:
    """The lots that have something free and may not go to such a receiver, each with the reason."""
    return [
        PassedOver(lot.lot_id, lot.number, lot.expires_on, *reason)
        for lot in lots
        if lot.free > 0 and (reason := why_not(lot, leaves_on, minimum_life_days))
    ]


def allot(wants: Sequence[Want], lots: Sequence[LotOnHand], leaves_on: date) -> dict[UUID, Allotment]:
    """Serve several lines from one pile, in the order given; no unit is taken twice."""
    piles: dict[UUID, list[LotOnHand]] = defaultdict(list)
    for lot in lots:
        piles[lot.product_id].append(lot)
    served: dict[UUID, Allotment] = {}
    for want in wants:
        pile = piles[want.product_id]
        allotment = served[want.line_id] = fefo(pile, want.quantity, leaves_on, want.minimum_life_days)
        taken = dict(allotment.takes)
        piles[want.product_id] = [lot._replace(free=lot.free - taken.get(lot.lot_id, 0)) for lot in pile]
    return served


def usable(lots: Iterable[LotOnHand], leaves_on: date, minimum_life_days: int = 0) -> int:
    """How many base units may go to such a receiver."""
    return sum(lot.free for lot in lots if why_not(lot, leaves_on, minimum_life_days) is None)
