"""Adopt an edition, take products up, say who may order them, set prices."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, money, trail
from xinglin.base.actor import Actor
from xinglin.base.errors import N_, BadInput, NotFound
from xinglin.base.ids import new_id
from xinglin.formulary import queries, rules
from xinglin_catalog import ControlClass, PriorityClass, StorageClass
from xinglin_catalog.edition import NoEdition, load_edition


class NewProduct(NamedTuple):
    """A product to be taken up. Weights of one pack in grams, volume in cm³; price in yuan per base unit."""

    code: str
    kind: str
    generic_name: str
    dosage_form: str
    strength: str
    base_unit: str
    pack_unit: str
    pack_size: int
    case_size: int
    pack_weight_g: int
    pack_volume_cm3: int
    unit_price: Decimal | None
    """None: no price yet, and nobody can order it."""
    generic_name_en: str = ""
    trade_name: str = ""
    maker: str = ""
    storage: str = "normal"
    control: str = "none"
    priority: str = "other"
    antibiotic: bool = False
    village_rule: str = ""
    """Why a village clinic may not order it; empty if it may."""


async def adopt_edition(
    session: AsyncSession, actor: Actor, edition: str, *, valid_from: date | None = None
) -> None:
    """Go by an edition of the essential medicines list from a day on; the one before ends the day before."""
    actor.must("formulary.adopt_edition")
    try:
        adopted = load_edition(edition)
    except NoEdition as unknown:
        raise NotFound(unknown.message, **unknown.params) from None
    begins = valid_from or adopted.in_force_from
    if begins < adopted.in_force_from:
        raise BadInput(
            N_("Edition {value} is in force from {day} on, not earlier."),
            value=edition, day=adopted.in_force_from,
        )  # fmt: skip
    await database.run(
        session,
        "UPDATE adopted_edition SET valid_to = $1 WHERE valid_from < $2 AND (valid_to IS NULL OR valid_to >= $2)",
        begins - timedelta(days=1),
        begins,
    )
    await database.run(
        session,
        """INSERT INTO adopted_edition (edition, valid_from, notice) VALUES ($1, $2, $3)
           ON CONFLICT (edition) DO UPDATE
           SET valid_from = least(adopted_edition.valid_from, excluded.valid_from), valid_to = NULL""",
        edition,
        begins,
        adopted.notice,
    )
    await trail.record(session, actor, "formulary.adopt_edition", None, paper=edition, valid_from=begins)


async def add_products(
    session: AsyncSession, actor: Actor, products: Sequence[NewProduct], *, valid_from: date | None = None
) -> list[UUID]:
    """Take products up: matched with the adopted edition, listed by custody, priced, findable. In one go."""
    actor.must("formulary.add_products")
    on = valid_from or clock.today()
    for number, product in enumerate(products, 1):
        _check(number, product)
    codes = [product.code for product in products]
    if taken := await database.value(session, "SELECT code FROM product WHERE code = ANY($1) LIMIT 1", codes):
        raise BadInput(N_("There is already a product with the code {value}."), value=taken)
    editions = [row["edition"] for row in await queries.adopted_editions(session) if is_in_force(row, on)]
    edition = load_edition(editions[0]) if editions else None
    ids = [new_id() for _ in products]
    records = []
    for id, p in zip(ids, products, strict=True):
        match = edition.match(p.generic_name, p.dosage_form, p.strength, on=on) if edition else None
        keys = queries.entry(id, p.generic_name, p.trade_name, p.generic_name_en, p.code).keys
        records.append(
            (
                id, p.code, p.kind, p.generic_name, p.generic_name_en, p.trade_name, p.dosage_form, p.strength,
                p.base_unit, p.pack_unit, p.pack_size, p.case_size, p.maker, p.storage, p.control, p.priority,
                p.antibiotic, match.item.key if match and match.item else None, str(match) if match else "",
                bool(match and match.is_specialist), p.pack_weight_g, p.pack_volume_cm3, sorted(keys), False,
            )
        )  # fmt: skip
    await database.copy(session, "product", PRODUCT_COLUMNS, records)
    await _list_and_price(session, ids, products, on)
    await trail.record(session, actor, "formulary.add_products", None, products=len(products))
    return ids


def is_in_force(adopted: database.Row, on: date) -> bool:
    """Whether the county goes by this edition on a day."""
    return bool(adopted["valid_from"] <= on and (adopted["valid_to"] is None or on <= adopted["valid_to"]))


PRODUCT_COLUMNS = [
    "id", "code", "kind", "generic_name", "generic_name_en", "trade_name", "dosage_form", "strength", "base_unit",
    "pack_unit", "pack_size", "case_size", "maker", "storage", "control", "priority", "antibiotic", "essential_no",
    "essential_why", "needs_specialist", "pack_weight_g", "pack_volume_cm3", "search_keys", "retired",
]  # fmt: skip


def _check(number: int, product: NewProduct) -> None:
    """A product that nobody could order or carry is refused, with its line."""
    if not product.code.strip() or not product.generic_name.strip() or not product.base_unit.strip():
        raise BadInput(N_("Line {line}: a product needs a code, a name and a base unit."), line=number)
    if (
        min(product.pack_size, product.case_size) < 1
        or min(product.pack_weight_g, product.pack_volume_cm3) < 0
    ):
        raise BadInput(
            N_("Line {line}: pack and case hold at least 1, weight and volume are not below zero."),
            line=number,
        )
    for value, known in (
        (product.storage, StorageClass), (product.control, ControlClass), (product.priority, PriorityClass),
    ):  # fmt: skip
        if value not in set(known):
            raise BadInput(
                N_("Line {line}: {value} is not known here; possible are {choices}."),
                line=number, value=value, choices=", ".join(known),
            )  # fmt: skip
    if product.unit_price is not None and not money.is_price(product.unit_price):
        raise BadInput(
            N_("Line {line}: {value} is no price: zero or more yuan per base unit, four places at most."),
            line=number, value=product.unit_price,
        )  # fmt: skip


async def _list_and_price(
    session: AsyncSession, ids: Sequence[UUID], products: Sequence[NewProduct], on: date
) -> None:
    """Default listings by custody policy, and the first price."""
    custody = await queries.policy(session, "custody", on)
    listed = [
        (id, listing.tier, listing.may, listing.rule)
        for id, product in zip(ids, products, strict=True)
        for listing in rules.listings_for(product.control, custody, village_rule=product.village_rule)
    ]
    await database.copy(session, "listing", ["product_id", "tier", "may", "rule"], listed)
    priced = [
        (id, on, product.unit_price)
        for id, product in zip(ids, products, strict=True)
        if product.unit_price is not None
    ]
    await database.copy(session, "price", ["product_id", "valid_from", "unit_price"], priced)


async def set_listing(
    session: AsyncSession, actor: Actor, product_id: UUID, tier: str, may: str, *, rule: str
) -> None:
    """Say what a tier may do with a product, and by which rule."""
    actor.must("formulary.set_listing")
    await queries.product(session, product_id)
    if tier not in rules.TIERS or may not in rules.MAY:
        raise BadInput(
            N_("Tiers are {tiers}; each is {choices}."),
            tiers=", ".join(rules.TIERS),
            choices=", ".join(rules.MAY),
        )
    if may == "not_allowed" and not rule.strip():
        raise BadInput(N_("Say which rule forbids it."))
    before = await database.value(
        session, "SELECT may FROM listing WHERE product_id = $1 AND tier = $2", product_id, tier
    )
    await database.run(
        session,
        """INSERT INTO listing (product_id, tier, may, rule) VALUES ($1, $2, $3, $4)
           ON CONFLICT (product_id, tier) DO UPDATE SET may = excluded.may, rule = excluded.rule""",
        product_id, tier, may, rule.strip(),
    )  # fmt: skip
    await trail.record(
        session, actor, "formulary.set_listing", product_id, tier=tier, before=before, after=may, rule=rule
    )


async def set_price(
    session: AsyncSession, actor: Actor, product_id: UUID, unit_price: Decimal, *, valid_from: date
) -> None:
    """Set the price per base unit from a day on, today or later; orders placed before keep theirs."""
    actor.must("formulary.set_price")
    before = await queries.product(session, product_id)
    if not money.is_price(unit_price):
        raise BadInput(N_("{value} is no price: zero or more yuan per base unit."), value=unit_price)
    if valid_from < clock.today():
        raise BadInput(N_("A price holds from today on or later, not from {day}."), day=valid_from)
    await database.run(
        session,
        """INSERT INTO price (product_id, valid_from, unit_price) VALUES ($1, $2, $3)
           ON CONFLICT (product_id, valid_from) DO UPDATE SET unit_price = excluded.unit_price""",
        product_id, valid_from, unit_price,
    )  # fmt: skip
    await trail.record(
        session, actor, "formulary.set_price", product_id, before=before["unit_price"], after=unit_price,
        valid_from=valid_from,
    )  # fmt: skip


async def set_policy(
    session: AsyncSession, actor: Actor, name: str, value: dict[str, Any], *, source: str, valid_from: date
) -> None:
    """Set a policy from a day on, today or later; what held before keeps holding for the days before.

    Refuses a policy that nothing here goes by, a value of another form, a row without its source.
    """
    actor.must("formulary.set_policy")
    if not source.strip():
        raise BadInput(N_("Say where the policy stands: the notice with its number, or the minutes."))
    if valid_from < clock.today():
        raise BadInput(N_("A policy holds from today on or later, not from {day}."), day=valid_from)
    rules.check_policy(name, value)
    before = await queries.policy(session, name, valid_from)
    await database.run(
        session,
        """INSERT INTO policy (name, valid_from, value, source) VALUES ($1, $2, $3::text::jsonb, $4)
           ON CONFLICT (name, valid_from) DO UPDATE SET value = excluded.value, source = excluded.source""",
        name, valid_from, msgspec.json.encode(value).decode(), source.strip(),
    )  # fmt: skip
    await trail.record(
        session, actor, "formulary.set_policy", None, paper=name, before=before, after=value, valid_from=valid_from,
        source=source.strip(),
    )  # fmt: skip


async def set_first_policies(session: AsyncSession) -> None:
    """The draft policies a new county begins with."""
    for name, (value, source) in rules.FIRST_POLICIES.items():
        await database.run(
            session,
            """INSERT INTO policy (name, valid_from, value, source) VALUES ($1, '2026-01-01', $2::text::jsonb, $3)
               ON CONFLICT DO NOTHING""",
            name, msgspec.json.encode(value).decode(), source,
        )  # fmt: skip
