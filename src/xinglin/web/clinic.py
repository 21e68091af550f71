"""The desk of a village clinic, on a phone: what is coming, what is missing, one button for a new order."""

from typing import Any

from litestar import Router, get
from litestar.response import Template

from xinglin.base import clock
from xinglin.base.errors import N_
from xinglin.delivery import queries as delivery_queries
from xinglin.gate import Here
from xinglin.orders import queries as order_queries
from xinglin.shortages import queries as shortage_queries
from xinglin.stock import queries as stock_queries
from xinglin.web import medicines, ordering, register, shelf
from xinglin.web.desk import own_place, show
from xinglin.web.page import NAV, Link

NAV["clinic"] = (
    Link(N_("Today"), "/clinic", "home", "orders.read"),
    Link(N_("Orders"), "/clinic/orders", "clipboard-list", "orders.read"),
    Link(N_("Stock"), "/clinic/stock", "packages", "stock.read"),
    Link(N_("Deliveries"), "/clinic/deliveries", "truck-delivery", "delivery.read"),
    Link(N_("Shortages"), "/clinic/shortages", "alert-triangle", "shortages.read"),
)
SHOWN = 8


@get("/", include_in_schema=False)
async def home(visit: Here) -> Template:
    """What comes today, what is asked for, what is missing."""
    visit.actor.must("orders.read")
    here = await own_place(visit)
    arrivals = await delivery_queries.arrivals(visit.session, here["id"])
    found = await order_queries.requisitions(
        visit.session, visit.actor, states=ordering.OPEN, place_id=here["id"], limit=SHOWN
    )
    missing = await shortage_queries.shortages(visit.session, visit.actor, limit=SHOWN)
    gone = await stock_queries.used_up(visit.session, visit.actor, here["id"], clock.today())
    return show(
        visit, "clinic/home.html", here=here, found=found, missing=missing, gone=gone[:SHOWN], gone_count=len(gone),
        coming=sorted(
            (row for row in arrivals if not row["handed_over_at"]), key=lambda row: row["planned_arrival_at"]
        ),
        rides=await delivery_queries.rides(visit.session, [row["id"] for row in found]),
    )  # fmt: skip


def handlers() -> list[Any]:
    """Every page of the clinic."""
    shared = (*ordering.HANDLERS, *shelf.HANDLERS, *register.HANDLERS, *medicines.HANDLERS)
    return [Router(path="/clinic", route_handlers=[home, *shared])]
