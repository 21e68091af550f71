"""The desks: one file per person who comes in."""

from typing import Any

from xinglin.base.settings import Settings


def handlers(settings: Settings) -> list[Any]:
    """Every page."""
    from xinglin.web import admin, clinic, depot, dispatch, door, driver, inspector, me, office, proofs

    return [
        *door.handlers(settings),
        *clinic.handlers(),
        *office.handlers(),
        *depot.handlers(),
        *dispatch.handlers(),
        *driver.handlers(),
        *proofs.handlers(),
        *inspector.handlers(),
        *admin.handlers(),
        *me.handlers(),
    ]
