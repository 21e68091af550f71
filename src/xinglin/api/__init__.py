"""The JSON API under /api/v1: one file per room, because machines ask for things."""

from typing import Any

from litestar import Router

from xinglin.api import orders

PATH = "/api/v1"


def handlers() -> list[Any]:
    """Every room's addresses."""
    return [Router(PATH, route_handlers=[orders.Requisitions])]
