"""Every table of every room, imported so that the metadata is whole (migrations read it)."""

from xinglin.base import ids, once, seals, trail
from xinglin.delivery import models as delivery
from xinglin.formulary import models as formulary
from xinglin.inspection import models as inspection
from xinglin.orders import models as orders
from xinglin.people import models as people
from xinglin.places import models as places
from xinglin.shortages import models as shortages
from xinglin.stock import models as stock

__all__ = [
    "delivery", "formulary", "ids", "inspection", "once", "orders",
    "people", "places", "seals", "shortages", "stock", "trail",
]  # fmt: skip
