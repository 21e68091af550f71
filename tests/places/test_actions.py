"""Places are added and amended; what was known before stays in the trail."""

import json
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import id_of
from xinglin.base import clock, database
from xinglin.base.errors import BadInput, NotFound, Refusal
from xinglin.places import actions as places
from xinglin.places.models import Place
from xinglin.stock import actions as stock, queries as stock_queries
from xinglin.stock.actions import Issued

ADMIN = day.WORLD.actor("admin")
CLINIC, TOWNSHIP, CENTRAL = id_of("clinic1"), id_of("township1"), id_of("central")


async def refused(session: AsyncSession, kind: type[Refusal], match: str, work: Awaitable[Any]) -> None:
    before = await day.trail_length(session)
    with pytest.raises(kind) as found:
        await work
    assert match in str(found.value)
    assert await day.trail_length(session) == before


def place(**facts: Any) -> Place:
    known = {"no": 0, "code": "NEW-1", "kind": "village_clinic", "name": "新村卫生室", "opening": []}
    return Place(**{**known, **facts})


async def test_a_new_place_gets_the_next_number_and_the_tier_of_its_kind(session: AsyncSession) -> None:
    made = await places.add(session, ADMIN, place(supplied_by_id=TOWNSHIP))
    assert (made.no, made.tier) == (8, "village")


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"code": "TEST-005"}, BadInput),
        ({"kind": "castle"}, BadInput),
        ({"opening": [[20, 10]]}, BadInput),
        ({"supplied_by_id": CLINIC}, NotFound),
        ({"supplied_by_id": UUID(int=1)}, NotFound),
    ],
)
async def test_a_place_that_cannot_be_is_refused(
    session: AsyncSession, facts: dict[str, Any], kind: type[Refusal]
) -> None:
    await refused(session, kind, "", places.add(session, ADMIN, place(**facts)))


async def test_what_was_known_before_stays_in_the_trail(session: AsyncSession) -> None:
    await places.amend(session, ADMIN, CLINIC, {"contact": "王医生", "population": 900}, reason="moved in")
    note = json.loads(await database.value(session, "SELECT note::text FROM trail ORDER BY id DESC LIMIT 1"))
    assert note["before"] == {"contact": "", "population": 800}
    assert note["after"] == {"contact": "王医生", "population": 900}


async def test_what_a_place_is_does_not_change_under_its_books(session: AsyncSession) -> None:
    for name in ("kind", "no", "code", "id", "tier"):
        await refused(session, BadInput, name, places.amend(session, ADMIN, CLINIC, {name: "x"}))
    await refused(
        session, NotFound, "no such place", places.amend(session, ADMIN, UUID(int=1), {"name": "x"})
    )


@pytest.mark.parametrize("supplier", [CENTRAL, TOWNSHIP])
async def test_goods_do_not_go_round_in_a_circle(session: AsyncSession, supplier: UUID) -> None:
    circle = places.amend(session, ADMIN, CENTRAL, {"supplied_by_id": supplier})
    await refused(session, BadInput, "cannot be supplied by itself", circle)


async def test_another_township_may_take_a_clinic_over(session: AsyncSession) -> None:
    await places.amend(session, ADMIN, CLINIC, {"supplied_by_id": id_of("township2")})
    supplier = await database.value(session, "SELECT supplied_by_id FROM place WHERE id = $1", CLINIC)
    assert supplier == id_of("township2")


async def test_a_circle_that_stands_in_old_data_does_not_make_use_per_day_endless(
    session: AsyncSession,
) -> None:
    await stock.issue(session, day.DOCTOR, CLINIC, [Issued(id_of("amoxicillin"), 42)])
    await database.run(session, "UPDATE place SET supplied_by_id = $1 WHERE id = $2", TOWNSHIP, CENTRAL)
    await database.run(session, "SET LOCAL statement_timeout = '3s'")
    used = await stock_queries.daily_use(session, [CENTRAL], clock.today())
    assert used[CENTRAL, id_of("amoxicillin")] > 0
