"""The desks: one file per person who comes in."""

from typing import Any

from xinglin.base.settings import Settings


def handlers(settings: Settings) -> list[Any]:
    """Every page."""
    from xinglin.web import depot, door

    return [*door.handlers(settings), *depot.handlers()]
