"""What: products as this county may order them, their prices, and the policies in force."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, NotFound
from xinglin.formulary import names
from xinglin_catalog import search as catalog_search

CODE = re.compile(r"(?=.*\d)[A-Z0-9][-A-Z0-9]{2,39}")
"""What may be the beginning of a product's code in this county: three signs and more, a digit among them."""
LOOKED_AT, CANDIDATES = 1000, 200
"""Of so many products that contain all that was typed, so many with the shortest names are ranked.

Where more contain it and no name answers, part of a code was typed: more of it is the answer, not a longer wait.
"""


async def search(
    session: AsyncSession, actor: Actor, text: str, *, tier: str | None = None, limit: int = 20
) -> list[Row]:
    """Products by Chinese name, pinyin, initials, code or English name, best first.

    With a tier, what that tier may order comes before what it may not.
    """
    actor.must("formulary.read")
    keys = catalog_search.query_keys(text)
    if not keys:
        return []
    named = names.enough(await names.index_of(session, actor.county), text, limit)
    if named:
        return await _shown(session, await _of_names(session, named, tier, limit), tier)
    ids = await _of_code(session, text, tier, limit) or await _of_keys(session, text, keys, tier, limit)
    return await _shown(session, ids, tier)


async def _of_names(session: AsyncSession, named: Sequence[str], tier: str | None, limit: int) -> list[UUID]:
    """Products of these names, in their order; what the tier may not order comes last."""
    found = await database.rows(
        session,
        """SELECT d.id FROM unnest($1::text[]) WITH ORDINALITY AS k (name, position)
             JOIN product d ON d.generic_name = k.name AND NOT d.retired
             LEFT JOIN listing l ON l.product_id = d.id AND l.tier = $2
           ORDER BY $2 IS NOT NULL AND coalesce(l.may, 'not_allowed') = 'not_allowed', k.position, d.id LIMIT $3""",
        list(dict.fromkeys(named)),
        tier,
        limit,
    )
    return [row["id"] for row in found]


async def _of_code(session: AsyncSession, text: str, tier: str | None, limit: int) -> list[UUID]:
    """Products whose code begins with what was typed, in its order; none where no code was typed."""
    if not CODE.fullmatch(code := text.strip().upper()):
        return []
    found = await database.rows(
        session,
        """SELECT d.id FROM (SELECT id, code FROM product WHERE code >= $1 AND code < $1 || chr(1114111)
             AND NOT retired ORDER BY code LIMIT 2 * $3) d
           LEFT JOIN listing l ON l.product_id = d.id AND l.tier = $2
           ORDER BY $2 IS NOT NULL AND coalesce(l.may, 'not_allowed') = 'not_allowed', d.code LIMIT $3""",
        code,
        tier,
        limit,
    )
    return [row["id"] for row in found]


async def _of_keys(
    session: AsyncSession, text: str, keys: list[str], tier: str | None, limit: int
) -> list[UUID]:
    """Products that contain all keys, by name, trade name or code, best first."""
    candidates = await database.rows(
        session,
        """SELECT d.id, d.code, d.generic_name, d.generic_name_en, d.trade_name, l.may
           FROM (SELECT id, code, generic_name, generic_name_en, trade_name FROM (
               SELECT * FROM product WHERE search_keys @> $1::text[] AND NOT retired LIMIT $3) found
             ORDER BY length(generic_name), generic_name, id LIMIT $4) d
           LEFT JOIN listing l ON l.product_id = d.id AND l.tier = $2""",
        keys,
        tier,
        LOOKED_AT,
        CANDIDATES,
    )
    ranked = sorted((rank(text, row, tier), index) for index, row in enumerate(candidates))
    return [candidates[index]["id"] for _, index in ranked[:limit]]


async def _shown(session: AsyncSession, ids: list[UUID], tier: str | None) -> list[Row]:
    """These products in this order, as a list shows them."""
    if not ids:
        return []
    return await database.rows(
        session,
        """SELECT d.id, d.code, d.kind, d.generic_name, d.generic_name_en, d.trade_name, d.dosage_form, d.strength,
             d.base_unit, d.pack_unit, d.pack_size, d.case_size, d.maker, d.storage, d.control, d.priority,
             d.essential_no, d.needs_specialist, l.may, l.rule, p.unit_price
           FROM unnest($1::uuid[]) WITH ORDINALITY AS k (id, position) JOIN product d ON d.id = k.id
             LEFT JOIN listing l ON l.product_id = d.id AND l.tier = $2
             LEFT JOIN LATERAL (SELECT unit_price FROM price WHERE product_id = d.id AND valid_from <= $3
               ORDER BY valid_from DESC LIMIT 1) p ON true
           ORDER BY k.position""",
        ids,
        tier,
        clock.today(),
    )


def entry(id: UUID, name: str, trade_name: str, name_en: str, code: str) -> catalog_search.Entry[UUID]:
    """By what a product is found."""
    return catalog_search.Entry(
        id, tuple(filter(None, (name, trade_name))), tuple(filter(None, (name_en,))), (code,)
    )


def rank(text: str, row: Row, tier: str | None) -> tuple[bool, float, int]:
    """The place of a hit: what may be ordered first, then how well the words match."""
    name, name_en, trade_name, code = (
        row["generic_name"], row["generic_name_en"], row["trade_name"], row["code"],
    )  # fmt: skip
    # Many products share a name: its score is remembered. The rest is only looked at where the name says nothing.
    value = (
        _score(text, (name,), (name_en,))
        or (_score(text, (trade_name,)) if trade_name else None)
        or catalog_search.score(text, catalog_search.Entry(None, (), codes=(code,)))
        or catalog_search.score(text, entry(row["id"], name, trade_name, name_en, code))
    )
    is_barred = tier is not None and row["may"] in (None, "not_allowed")
    return (is_barred, -(value or 0.0), len(name))


@lru_cache(maxsize=20_000)
def _score(text: str, names: tuple[str, ...], names_en: tuple[str, ...] = ()) -> float | None:
    """How well a name answers."""
    return catalog_search.score(text, catalog_search.Entry(None, names, names_en))


async def product(session: AsyncSession, product_id: UUID) -> Row:
    """One product, with its price today."""
    found = await database.row(
        session,
        """SELECT d.*, p.unit_price FROM product d
             LEFT JOIN LATERAL (SELECT unit_price FROM price WHERE product_id = d.id AND valid_from <= $2
               ORDER BY valid_from DESC LIMIT 1) p ON true
           WHERE d.id = $1""",
        product_id,
        clock.today(),
    )
    if found is None:
        raise NotFound(N_("There is no such product in this county's formulary."))
    return found


async def by_code(session: AsyncSession, codes: Iterable[str]) -> dict[str, Row]:
    """Products by the county's own code, with their price today."""
    found = await database.rows(
        session,
        """SELECT d.*, p.unit_price FROM product d
             LEFT JOIN LATERAL (SELECT unit_price FROM price WHERE product_id = d.id AND valid_from <= current_date
               ORDER BY valid_from DESC LIMIT 1) p ON true
           WHERE d.code = ANY($1) AND NOT d.retired""",
        list(codes),
    )
    return {row["code"]: row for row in found}


async def products(
    session: AsyncSession,
    *,
    tier: str | None = None,
    after: tuple[str, UUID] | None = None,
    limit: int = 50,
) -> list[Row]:
    """All products by name, with the price today and what a tier may do with them."""
    name, last = after or ("", UUID(int=0))
    return await database.rows(
        session,
        """SELECT d.id, d.code, d.kind, d.generic_name, d.generic_name_en, d.trade_name, d.dosage_form, d.strength,
             d.base_unit, d.pack_unit, d.pack_size, d.case_size, d.maker, d.storage, d.control, d.priority,
             d.essential_no, d.retired, l.may, l.rule, p.unit_price
           FROM product d
             LEFT JOIN listing l ON l.product_id = d.id AND l.tier = $4
             LEFT JOIN LATERAL (SELECT unit_price FROM price WHERE product_id = d.id AND valid_from <= $5
               ORDER BY valid_from DESC LIMIT 1) p ON true
           WHERE (d.generic_name, d.id) > ($1, $2) ORDER BY d.generic_name, d.id LIMIT $3""",
        name,
        last,
        limit,
        tier,
        clock.today(),
    )


async def listings(session: AsyncSession, product_id: UUID) -> list[Row]:
    """What each tier may do with a product."""
    return await database.rows(
        session, "SELECT tier, may, rule FROM listing WHERE product_id = $1 ORDER BY tier", product_id
    )


async def prices(session: AsyncSession, product_id: UUID) -> list[Row]:
    """All prices of a product, newest first."""
    return await database.rows(
        session,
        "SELECT valid_from, unit_price FROM price WHERE product_id = $1 ORDER BY valid_from DESC",
        product_id,
    )


async def orderable(session: AsyncSession, tier: str, products: Iterable[UUID], on: date) -> dict[UUID, Row]:
    """For each product: its pack, what the tier may do with it and why, its price on the day."""
    found = await database.rows(
        session,
        """SELECT d.id, d.generic_name, d.generic_name_en, d.dosage_form, d.strength, d.base_unit, d.storage, d.maker,
             d.pack_size, d.pack_unit, l.may, coalesce(l.rule, '') AS rule, p.unit_price
           FROM product d
             LEFT JOIN listing l ON l.product_id = d.id AND l.tier = $1
             LEFT JOIN LATERAL (SELECT unit_price FROM price WHERE product_id = d.id AND valid_from <= $3
               ORDER BY valid_from DESC LIMIT 1) p ON true
           WHERE d.id = ANY($2) AND NOT d.retired""",
        tier,
        list(products),
        on,
    )
    return {row["id"]: row for row in found}


async def identifiers(session: AsyncSession, product_id: UUID) -> list[Row]:
    """The codes of a product, each in its system, with the days it held."""
    return await database.rows(
        session,
        "SELECT system, value, valid_from, valid_to FROM product_identifier WHERE product_id = $1 ORDER BY system, valid_from DESC",
        product_id,
    )


async def policy(session: AsyncSession, name: str, on: date) -> dict[str, Any]:
    """The value of a policy on a day; empty if none is in force."""
    found = await database.value(
        session,
        "SELECT value::text FROM policy WHERE name = $1 AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1",
        name,
        on,
    )
    decoded: dict[str, Any] = msgspec.json.decode(found) if found else {}
    return decoded


async def minimum_life_days(session: AsyncSession, tier: str | None, on: date) -> int:
    """How many days of life a receiver of this tier asks for (policy row, R13)."""
    return int((await policy(session, "minimum_life_days", on)).get(tier or "", 0))


async def adopted_editions(session: AsyncSession) -> list[Row]:
    """Editions of the essential medicines list this county goes by, newest first."""
    return await database.rows(session, "SELECT * FROM adopted_edition ORDER BY valid_from DESC")


async def policies(session: AsyncSession, name: str | None = None) -> list[Row]:
    """Every row of every policy (or of one), the newest of each first; the value as JSON text."""
    return await database.rows(
        session,
        """SELECT name, valid_from, value::text AS value, source, valid_from <= $2 AND NOT EXISTS (
             SELECT 1 FROM policy l WHERE l.name = p.name AND l.valid_from > p.valid_from AND l.valid_from <= $2)
             AS is_in_force
           FROM policy p WHERE $1::text IS NULL OR name = $1 ORDER BY name, valid_from DESC""",
        name,
        clock.today(),
    )


async def tally(session: AsyncSession) -> Row:
    """How many medicines the county has taken up, how many are essential, how many lack a price."""
    return await database.row(
        session,
        """SELECT count(*) AS products, count(d.essential_no) AS essential,
             count(*) FILTER (WHERE NOT EXISTS (
               SELECT 1 FROM price p WHERE p.product_id = d.id AND p.valid_from <= $1)) AS unpriced
           FROM product d WHERE NOT d.retired""",
        clock.today(),
    )
