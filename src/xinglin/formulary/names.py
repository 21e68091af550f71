"""The names of a county's products, kept in the process: thousands of products share some hundreds of names."""

import time
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin_catalog.search import Entry, SearchIndex

FRESH_S = 1.0
"""A product just added is found by its name after so long at most; by its code at once."""
KEPT_S = 300.0
"""A product whose id is older than the newest (two persons added at once) is found by its name after so long."""


class Named(NamedTuple):
    """A name and how many products bear it."""

    name: str
    products: int


class _Known(NamedTuple):
    newest: UUID | None
    read_at_s: float
    by_name: SearchIndex[Named]


_known: dict[str, _Known] = {}
_asked_at_s: dict[str, float] = {}


async def index_of(session: AsyncSession, county: str) -> SearchIndex[Named]:
    """All names of a county, best looked up in the process; read anew once a product was added."""
    known = _known.get(county)
    if known is not None and time.monotonic() - _asked_at_s.get(county, 0.0) < FRESH_S:
        return known.by_name
    newest: UUID | None = await database.value(session, "SELECT id FROM product ORDER BY id DESC LIMIT 1")
    _asked_at_s[county] = time.monotonic()
    if not _is_current(county, newest):
        found = await database.rows(
            session,
            """SELECT generic_name, generic_name_en, count(*) AS products FROM product WHERE NOT retired
               GROUP BY 1, 2 ORDER BY 1, 2""",
        )
        if not _is_current(county, newest):  # somebody else may have read them meanwhile
            entries = (
                Entry(
                    Named(row["generic_name"], row["products"]),
                    (row["generic_name"],),
                    (row["generic_name_en"],),
                )
                for row in found
            )
            _known[county] = _Known(newest, time.monotonic(), SearchIndex(entries))
    return _known[county].by_name


def _is_current(county: str, newest: UUID | None) -> bool:
    known = _known.get(county)
    return known is not None and known.newest == newest and time.monotonic() - known.read_at_s < KEPT_S


@lru_cache(maxsize=4096)
def enough(index: SearchIndex[Named], text: str, products: int) -> tuple[str, ...]:
    """The names that answer best, as many as bear three times so many products; none if they bear fewer.

    Remembered while the names are the same: everybody types the same beginnings.
    """
    names: list[str] = []
    total = 0
    for entry in index.find(text, products):
        names.append(entry.id.name)
        total += entry.id.products
        if total >= 3 * products:
            break
    return tuple(names) if total >= products else ()
