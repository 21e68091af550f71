"""The life of a requisition, and what may be asked. No database, no clock."""

from typing import NamedTuple
from uuid import UUID

from xinglin.base.errors import N_, WrongState

STATES = (
    "draft",
    "submitted",
    "returned",
    "approved",
    "allocated",
    "picked",
    "shipped",
    "closed",
    "cancelled",
)
STATE_NAMES = {
    "draft": N_("Draft"),
    "submitted": N_("Submitted"),
    "returned": N_("Sent back"),
    "approved": N_("Approved"),
    "allocated": N_("Allocated"),
    "picked": N_("Picked"),
    "shipped": N_("On the road"),
    "closed": N_("Received"),
    "cancelled": N_("Cancelled"),
}
MAY: dict[str, frozenset[str]] = {
    "put_lines": frozenset({"draft", "returned"}),
    "submit": frozenset({"draft", "returned"}),
    "cancel": frozenset({"draft", "returned", "submitted"}),
    "approve": frozenset({"submitted"}),
    "send_back": frozenset({"submitted"}),
    "allocate": frozenset({"approved"}),
    "pick": frozenset({"allocated"}),
    "ship": frozenset({"picked"}),
    "receive": frozenset({"shipped"}),
}
"""From which states each step may be taken."""

LARGEST_LINE = 10_000_000
LONGEST_ORDER = 2_000


def check_step(state: str, step: str, number: str) -> None:
    """Refuse a step that the state of the paper does not allow."""
    if state not in MAY[step]:
        raise WrongState(
            N_("{number} is {state}: this step is not possible now."), number=number, state=STATE_NAMES[state]
        )


class Asked(NamedTuple):
    """One line as it was asked for, in base units."""

    product_id: UUID
    quantity: int


class Orderable(NamedTuple):
    """What the formulary says of a product at a tier on a day."""

    product_id: UUID
    name: str
    pack_size: int
    pack_unit: str
    may: str | None
    rule: str
    priced: bool


class Rejected(NamedTuple):
    """A line that cannot stay, while the rest passes: which, and why."""

    product_id: UUID
    name: str
    message: str
    fields: dict[str, object]


def why_rejected(asked: Asked, product: Orderable | None) -> Rejected | None:
    """Why a line cannot be ordered; None if it can (formulary, R11; whole packs)."""
    if product is None:
        return Rejected(asked.product_id, "", N_("There is no such product in this county's formulary."), {})
    name = product.name
    if product.may in (None, "not_allowed"):
        return Rejected(
            asked.product_id, name, N_("{product} may not be ordered here: {rule}."),
            {"product": name, "rule": product.rule or N_("it is not in the formulary of this tier")},
        )  # fmt: skip
    if not product.priced:
        return Rejected(asked.product_id, name, N_("{product} has no price yet."), {"product": name})
    if not 0 < asked.quantity <= LARGEST_LINE or asked.quantity % product.pack_size:
        return Rejected(
            asked.product_id, name,
            N_("{product} is ordered in whole packs ({unit} of {size}); {value} is not."),
            {"product": name, "unit": product.pack_unit, "size": product.pack_size, "value": asked.quantity},
        )  # fmt: skip
    return None
