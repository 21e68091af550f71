"""The plan: which vehicle visits which stops in which order, and what was left out. No arithmetic here."""

from dataclasses import dataclass

from .faults import Sentence, say

BY_HAND = say("Left out by hand.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One vehicle's stops in order. `departure_s` None: whenever the time out is shortest."""

    vehicle: str
    stops: tuple[str, ...] = ()
    departure_s: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "stops", tuple(self.stops))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A stop nobody visits, and why: `kind` for machines, `reason` in words."""

    stop: str
    kind: str = "by_hand"
    reason: Sentence = BY_HAND


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An answer to a problem, good or bad: `check` says which."""

    routes: tuple[Route, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", tuple(self.routes))
        object.__setattr__(self, "left_out", tuple(self.left_out))
