"""The life of plans and runs, and what may become of a parcel. No database, no clock."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from xinglin.base.errors import N_, BadInput, WrongState

PLAN_STATES = {
    "solving": N_("Being computed"),
    "draft": N_("Draft plan"),
    "adopted": N_("Adopted"),
    "discarded": N_("Discarded"),
}
RUN_STATES = {"planned": N_("Planned"), "under_way": N_("Under way"), "closed": N_("Back and closed")}
MAY: dict[str, frozenset[str]] = {
    "adopt_plan": frozenset({"draft"}),
    "discard_plan": frozenset({"draft", "solving"}),
    "move_stop": frozenset({"draft"}),
    "depart": frozenset({"planned"}),
    "hand_over": frozenset({"under_way"}),
    "come_back": frozenset({"under_way"}),
}
ON_TIME = timedelta(minutes=15)
"""A stop counts as on time up to so much after it was planned."""
COLD_C = (2.0, 8.0)
"""In which a cold box keeps medicine fit for use (R13; most labels)."""
CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far a driver's phone may be ahead of the service."""


def check_step(state: str, step: str, number: str) -> None:
    """Refuse a step that the state of the paper does not allow."""
    if state not in MAY[step]:
        named = PLAN_STATES.get(state) or RUN_STATES.get(state) or state
        raise WrongState(
            N_("{number} is {state}: this step is not possible now."), number=number, state=named
        )


class Carried(NamedTuple):
    """So many units of a lot on the vehicle for a line."""

    line_id: UUID
    lot_id: UUID
    product_id: UUID
    requisition_id: UUID
    quantity: int
    name: str


class Counted(NamedTuple):
    """What the receiver counted of one lot of one line, where not all was well. Base units."""

    accepted: int
    damaged: int = 0
    short: int = 0
    refused: int = 0
    reason: str = ""


def settle_outcomes(
    carried: Sequence[Carried], counted: Mapping[tuple[UUID, UUID], Counted]
) -> list[tuple[Carried, Counted]]:
    """Every unit gets one outcome: what nobody speaks of was accepted.

    Refuses counts of something that is not on the vehicle, counts that do not add up to what was
    shipped, and anything but acceptance without a reason.
    """
    known = {(item.line_id, item.lot_id) for item in carried}
    if set(counted) - known:
        raise BadInput(N_("One of the counted lines was not shipped to this stop."))
    settled = []
    for item in carried:
        count = counted.get((item.line_id, item.lot_id), Counted(item.quantity))
        parts = count[:4]
        if min(parts) < 0 or sum(parts) != item.quantity:
            raise BadInput(
                N_("{product}: accepted, damaged, short and refused must add up to the {shipped} shipped, not {value}."),
                product=item.name, shipped=item.quantity, value=sum(parts),
            )  # fmt: skip
        if count.accepted < item.quantity and not count.reason.strip():
            raise BadInput(N_("{product}: say why not everything was accepted."), product=item.name)
        settled.append((item, count))
    return settled


def check_cold(
    settled: Sequence[tuple[Carried, Counted]], cold_lots: Collection[UUID], cold_max_c: float | None
) -> None:
    """Refuse accepting cold goods out of a box that was too warm or too cold (R13: never by itself)."""
    if cold_max_c is None or COLD_C[0] <= cold_max_c <= COLD_C[1]:
        return
    for item, count in settled:
        if item.lot_id in cold_lots and count.accepted:
            raise BadInput(
                N_("The cold box was at {value} °C: {product} is refused and goes back for a decision."),
                value=cold_max_c, product=item.name,
            )  # fmt: skip
