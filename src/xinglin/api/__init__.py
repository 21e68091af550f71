"""The JSON API under /api/v1: one file per room, because machines ask for things."""

from typing import Any

from litestar import Router

from xinglin.api import delivery, formulary, inspection, orders, people, places, shortages, stock
from xinglin.api.entry import may_enter

PATH = "/api/v1"
ROOMS = (
    people.Me,
    people.Accounts,
    people.Posts,
    places.Places,
    formulary.Products,
    formulary.Editions,
    formulary.Policies,
    stock.PlaceStock,
    stock.Movements,
    shortages.Shortages,
    orders.Requisitions,
    orders.Proposals,
    delivery.Vehicles,
    delivery.Waiting,
    delivery.Plans,
    delivery.Runs,
    delivery.Stops,
    inspection.Inspection,
)


def handlers() -> list[Any]:
    """Every room's addresses."""
    return [Router(PATH, route_handlers=list(ROOMS), guards=[may_enter])]
