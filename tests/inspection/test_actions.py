"""Checks find what should not be, with the rows that prove it; what is put right is gone."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import id_of
from xinglin.base import clock, database, seals
from xinglin.delivery import actions as delivery
from xinglin.inspection import actions as inspection, queries as inspection_queries
from xinglin.inspection.checks import CHECKS
from xinglin.inspection.rules import Finding, together

INSPECTOR = day.WORLD.actor("inspector")


async def found(session: AsyncSession) -> dict[str, Finding]:
    return {finding.check: finding for finding in await inspection.check(session, INSPECTOR)}


async def test_books_in_order_give_no_finding_and_a_round_that_says_so(session: AsyncSession) -> None:
    assert not await found(session)
    (round_,) = await inspection_queries.rounds(session, INSPECTOR)
    assert round_["findings"] == 0 and '"movements"' in round_["figures"]


async def forgotten(session: AsyncSession) -> None:
    await day.picked(session)
    run = await day.under_way(session)
    await database.run(session, "UPDATE run SET closed_at = now() WHERE id = $1", run)


async def unlike_the_proof(session: AsyncSession) -> None:
    await day.picked(session)
    (stop,) = await day.stops_of(session, await day.under_way(session))
    await delivery.hand_over(session, day.DRIVER, stop, received_by="王医生")
    await database.run(session, "UPDATE proof_line SET shipped = shipped + 1, accepted = accepted + 1")


async def expired(session: AsyncSession) -> None:
    await database.run(session, "UPDATE lot SET expires_on = $1 WHERE number = 'ACEN'", clock.today())


async def delivered_expired(session: AsyncSession) -> None:
    """Twice the same lot number to the same place: two movements, one sentence."""
    await unlike_the_proof(session)
    await database.run(session, "UPDATE lot SET expires_on = $1", clock.today() - timedelta(days=1))


async def unequal(session: AsyncSession) -> None:
    """Two products whose lots bear the same number at the same place, both off alike."""
    await database.run(session, "UPDATE balance SET on_hand = 1000000 WHERE place_id = $1", id_of("central"))


async def untrue(session: AsyncSession) -> None:
    await seals.seal(session)
    await database.run(session, "SET LOCAL session_replication_role = replica")
    await database.run(
        session, "UPDATE trail SET actor = 'x' WHERE id = (SELECT min(id::text)::uuid FROM trail)"
    )


HARM: dict[str, Callable[[AsyncSession], Awaitable[None]]] = {
    "ledger_equals_balance": unequal,
    "trail_is_whole": untrue,
    "nothing_forgotten_on_a_vehicle": forgotten,
    "received_is_what_was_signed_for": unlike_the_proof,
    "no_expired_goods_delivered": delivered_expired,
    "no_expired_goods_on_the_shelf": expired,
}


@pytest.mark.parametrize("check", HARM)
async def test_each_check_finds_its_harm_and_says_it_in_whole_sentences(
    session: AsyncSession, check: str
) -> None:
    await HARM[check](session)
    finding = (await found(session))[check]
    assert finding.message.format(**finding.fields)
    written = {row["check_name"] for row in await inspection_queries.findings(session, INSPECTOR)}
    assert check in written


def test_no_check_is_missing_here() -> None:
    assert set(HARM) == {check.__name__ for check in CHECKS}


async def test_what_is_put_right_is_gone_and_what_comes_back_is_open_again(session: AsyncSession) -> None:
    await expired(session)
    await found(session)
    (first,) = await inspection_queries.findings(session, INSPECTOR)
    await database.run(session, "UPDATE lot SET expires_on = $1", clock.today() + timedelta(days=300))
    await found(session)
    assert not await inspection_queries.findings(session, INSPECTOR)
    assert len(await inspection_queries.findings(session, INSPECTOR, is_open=False)) == 1
    await expired(session)
    await found(session)
    (again,) = await inspection_queries.findings(session, INSPECTOR)
    assert again["id"] == first["id"]


def test_findings_that_read_alike_are_one_with_the_rows_of_all() -> None:
    one, two = (Finding("c", "note", "m", {"a": 1}, [{"row": row}]) for row in (1, 2))
    (both,) = together([one, two])
    assert both.evidence == [{"row": 1}, {"row": 2}]
    assert len(together([one, Finding("c", "note", "m", {"a": 2})])) == 2
