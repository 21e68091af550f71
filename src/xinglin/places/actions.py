"""Add a place; change what is known of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database, trail
from xinglin.base.actor import Actor
from xinglin.base.errors import N_, BadInput
from xinglin.places import queries, rules
from xinglin.places.models import Place

AMENDABLE = frozenset(
    {"name", "name_en", "opening", "population", "contact", "phone", "latitude", "longitude",
     "is_position_synthetic", "supplied_by_id", "membership", "closed"}
)  # fmt: skip


async def add(session: AsyncSession, actor: Actor, place: Place) -> Place:
    """Add a place to the county. Refuses a code that is taken, a supplier that supplies nobody."""
    actor.must("places.add")
    rules.check_opening(place.opening)
    if place.kind not in set(rules.PlaceKind) - set(rules.EDGES):
        raise BadInput(N_("{value} is no kind of place that can be added."), value=place.kind)
    if await database.value(session, "SELECT 1 FROM place WHERE code = $1", place.code):
        raise BadInput(N_("There is already a place with the code {value}."), value=place.code)
    place.tier = rules.TIER_OF.get(rules.PlaceKind(place.kind))
    if not place.no:
        place.no = 1 + await database.value(session, "SELECT coalesce(max(no), 0) FROM place WHERE no < 5000")
    if place.supplied_by_id is not None:
        await queries.place_of_kind(session, place.supplied_by_id, *rules.DEPOTS, "supplier")
    session.add(place)
    await session.flush()
    await trail.record(session, actor, "places.add", place.id, paper=place.code, name=place.name)
    return place


async def amend(
    session: AsyncSession, actor: Actor, place_id: UUID, changes: Mapping[str, Any], *, reason: str = ""
) -> Place:
    """Change what is known of a place; what it was before stays in the trail."""
    actor.must("places.amend")
    place = (
        await session.exec(select(Place).where(col(Place.id) == place_id).with_for_update())
    ).one_or_none()
    if place is None:
        raise queries.no_such_place()
    if unknown := set(changes) - AMENDABLE:
        raise BadInput(N_("{value} of a place cannot be changed."), value=", ".join(sorted(unknown)))
    if "opening" in changes:
        rules.check_opening(changes["opening"])
    if (supplier := changes.get("supplied_by_id")) is not None:
        await queries.place_of_kind(session, supplier, *rules.DEPOTS, "supplier")
        await _refuse_circle(session, place, supplier)
    before = {name: getattr(place, name) for name in changes}
    for name, value in changes.items():
        setattr(place, name, value)
    await session.flush()
    await trail.record(
        session, actor, "places.amend", place_id, paper=place.code, before=before, after=dict(changes),
        reason=reason,
    )  # fmt: skip
    return place


async def _refuse_circle(session: AsyncSession, place: Place, supplier_id: UUID) -> None:
    """Goods would go round for ever, and nobody's use would be counted to an end."""
    is_circle = await database.value(
        session,
        """WITH RECURSIVE above AS (SELECT $2::uuid AS id UNION
             SELECT p.supplied_by_id FROM above a JOIN place p ON p.id = a.id)
           SELECT EXISTS (SELECT 1 FROM above WHERE id = $1)""",
        place.id,
        supplier_id,
    )
    if is_circle:
        raise BadInput(
            N_("{place} cannot be supplied by itself, nor by a place that it supplies."), place=place.name
        )


async def add_edges(session: AsyncSession) -> None:
    """The edges every county has: its patients, its losses, and goods under investigation."""
    await database.run(
        session,
        """INSERT INTO place (id, no, code, kind, name, name_en, membership, town, opening, is_position_synthetic,
             population, contact, phone, closed)
           SELECT gen_random_uuid(), no, code, code, name, name_en, 'outside', '', '[]', false, 0, '', '', false
           FROM (VALUES (9001, 'patients', '患者', 'Patients'), (9002, 'losses', '损耗', 'Losses'),
             (9003, 'investigation', '待查', 'Under investigation')) AS e (no, code, name, name_en)
           ON CONFLICT DO NOTHING""",
    )


async def add_vehicle_place(session: AsyncSession, home_no: int, plate: str) -> UUID:
    """The place that a vehicle is: goods in transit belong to it. For delivery, which tells the trail."""
    no: int = 1 + await database.value(
        session, "SELECT coalesce(max(no), 5000) FROM place WHERE no BETWEEN 5000 AND 8999"
    )
    place = Place(no=no, code=f"V-{plate}", kind=rules.PlaceKind.VEHICLE, name=plate, opening=[])
    session.add(place)
    await session.flush()
    return place.id
