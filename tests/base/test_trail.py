"""The trail tells who did what to which paper, and what it was before."""

import json
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import id_of
from xinglin.base import clock, database, trail
from xinglin.base.errors import NotAllowed
from xinglin.inspection import queries as inspection_queries


async def test_an_entry_carries_the_person_the_post_the_paper_and_the_note(session: AsyncSession) -> None:
    paper = UUID(int=5)
    await trail.record(
        session, day.DOCTOR, "test.told", paper, paper="REQ-1", before=Decimal("0.2500"), on=date(2026, 9, 1),
        names=["患者"], place=id_of("clinic1"),
    )  # fmt: skip
    row = await database.row(session, "SELECT *, note::text AS told FROM trail ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert (row["actor"], row["role"], row["account_id"]) == (
        "doctor1",
        "village_doctor",
        day.DOCTOR.account_id,
    )
    assert (row["place_id"], row["subject"], row["paper"]) == (id_of("clinic1"), paper, "REQ-1")
    assert json.loads(row["told"]) == {
        "before": "0.2500", "on": "2026-09-01", "names": ["患者"], "place": str(id_of("clinic1")),
    }  # fmt: skip
    assert abs((clock.now() - row["at"]).total_seconds()) < 60


async def test_the_inspector_reads_the_trail_by_room_and_by_paper(session: AsyncSession) -> None:
    requisition = await day.approved(session)
    inspector = day.WORLD.actor("inspector")
    of_paper = await inspection_queries.trail(session, inspector, subject=requisition)
    assert [row["verb"] for row in of_paper] == ["orders.approve", "orders.submit"]
    assert {row["verb"] for row in await inspection_queries.trail(session, inspector, verb="orders.")} == {
        "orders.approve", "orders.submit",
    }  # fmt: skip


async def test_nobody_else_reads_the_trail(session: AsyncSession) -> None:
    with pytest.raises(NotAllowed):
        await inspection_queries.trail(session, day.DOCTOR)
