"""A shortage is registered, answered, closed; nothing asked for is silently forgotten."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import id_of
from xinglin.base import clock
from xinglin.base.errors import BadInput, ChangedMeanwhile, NotFound, Refusal, WrongState
from xinglin.shortages import actions as shortages, queries as shortage_queries

CLINIC, INSULIN = id_of("clinic1"), id_of("insulin")
TOMORROW = clock.today() + timedelta(days=1)


async def refused(session: AsyncSession, kind: type[Refusal], match: str, work: Awaitable[Any]) -> None:
    before = await day.trail_length(session)
    with pytest.raises(kind) as found:
        await work
    assert match in str(found.value)
    assert await day.trail_length(session) == before


def registered(session: AsyncSession) -> Awaitable[UUID]:
    return shortages.register(session, day.DOCTOR, CLINIC, INSULIN, 3, note=" 患者明天来 ")


async def test_the_entry_of_a_doctor_reaches_the_pharmacy_that_supplies(session: AsyncSession) -> None:
    entry = await registered(session)
    (seen,) = await shortage_queries.shortages(session, day.PHARMACIST)
    assert seen["id"] == entry
    assert (seen["state"], seen["reason"], seen["priority"], seen["note"]) == (
        "open",
        "told",
        "chronic",
        "患者明天来",
    )
    assert not await shortage_queries.shortages(session, day.WORLD.actor("pharmacist2"))


async def test_an_answer_names_what_will_be_done_and_by_when(session: AsyncSession) -> None:
    entry = await registered(session)
    await shortages.answer(session, day.PHARMACIST, entry, "purchase", promised_on=TOMORROW, note="ordered")
    seen = await shortage_queries.shortage(session, day.DOCTOR, entry)
    assert (seen["state"], seen["answer"], seen["promised_on"]) == ("answered", "purchase", TOMORROW)
    await shortages.close(session, day.DOCTOR, entry, "supplied")
    assert (await shortage_queries.shortage(session, day.DOCTOR, entry))["state"] == "closed"
    assert not await shortage_queries.shortages(session, day.DOCTOR)
    assert await shortage_queries.shortages(session, day.DOCTOR, is_open=False)


async def test_a_promise_without_a_day_or_for_yesterday_is_none(session: AsyncSession) -> None:
    entry = await registered(session)
    for day_ in (None, clock.today() - timedelta(days=1)):
        answer = shortages.answer(session, day.PHARMACIST, entry, "transfer", promised_on=day_)
        await refused(session, BadInput, "until which day", answer)


async def test_words_that_are_no_answer_or_outcome_are_refused(session: AsyncSession) -> None:
    entry = await registered(session)
    await refused(session, BadInput, "no answer", shortages.answer(session, day.PHARMACIST, entry, "perhaps"))
    await refused(session, BadInput, "no outcome", shortages.close(session, day.DOCTOR, entry, "forgotten"))


async def test_a_closed_entry_stays_closed(session: AsyncSession) -> None:
    entry = await registered(session)
    await shortages.close(session, day.DOCTOR, entry, "withdrawn")
    await refused(
        session, WrongState, "closed already", shortages.close(session, day.DOCTOR, entry, "supplied")
    )
    answer = shortages.answer(session, day.PHARMACIST, entry, "unavailable")
    await refused(session, WrongState, "closed already", answer)


async def test_an_entry_that_changed_meanwhile_or_is_not_one_of_yours_is_left_alone(
    session: AsyncSession,
) -> None:
    entry = await registered(session)
    await shortages.answer(session, day.PHARMACIST, entry, "unavailable")
    late = shortages.close(session, day.DOCTOR, entry, "unavailable", version=1)
    await refused(session, ChangedMeanwhile, "after you read it", late)
    foreign = shortages.close(session, day.WORLD.actor("doctor2"), entry, "withdrawn")
    await refused(session, NotFound, "no such shortage", foreign)


@pytest.mark.parametrize("quantity", [0, -1, 2**70])
async def test_a_shortage_is_of_some_quantity_within_reason(session: AsyncSession, quantity: int) -> None:
    await refused(session, BadInput, "", shortages.register(session, day.DOCTOR, CLINIC, INSULIN, quantity))


async def test_a_shortage_is_of_a_product_there_is_at_a_place_of_one_s_own(session: AsyncSession) -> None:
    await refused(
        session, NotFound, "no such product", shortages.register(session, day.DOCTOR, CLINIC, CLINIC, 1)
    )
    there = shortages.register(session, day.DOCTOR, id_of("clinic3"), INSULIN, 1)
    await refused(session, NotFound, "no such place", there)


async def test_open_entries_are_counted_by_class(session: AsyncSession) -> None:
    await registered(session)
    await shortages.register(session, day.DOCTOR, CLINIC, id_of("adrenaline"), 2)
    assert await shortage_queries.by_class(session, day.PHARMACIST) == {"chronic": 1, "rescue": 1}
