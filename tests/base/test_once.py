"""A key sent again brings the first answer back; nothing is done twice."""

import asyncio

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import COUNTY, id_of
from xinglin.base import database, once, trail
from xinglin.base.database import Database
from xinglin.base.errors import KeyReused
from xinglin.base.once import Answer

WHO = id_of("account:doctor1")
WISH = once.fingerprint(b"POST", b"/api/v1/orders", b"{}")


async def test_a_new_key_is_taken_and_a_used_one_brings_the_first_answer(session: AsyncSession) -> None:
    assert await once.claim(session, WHO, "key-0001", WISH) is None
    first = Answer(201, '[["etag", "1"]]', b'{"id": 1}')
    await once.keep(session, WHO, "key-0001", first)
    assert await once.claim(session, WHO, "key-0001", WISH) == first


async def test_a_used_key_with_another_wish_is_refused(session: AsyncSession) -> None:
    await once.claim(session, WHO, "key-0001", WISH)
    with pytest.raises(KeyReused):
        await once.claim(session, WHO, "key-0001", once.fingerprint(b"POST", b"/api/v1/orders", b"{ }"))


async def test_two_people_may_think_of_the_same_key(session: AsyncSession) -> None:
    assert await once.claim(session, WHO, "key-0001", WISH) is None
    assert await once.claim(session, id_of("account:doctor2"), "key-0001", WISH) is None


def test_parts_of_a_wish_cannot_slide_into_one_another() -> None:
    assert once.fingerprint(b"POST", b"/a", b"b") != once.fingerprint(b"POST", b"/ab", b"")


async def sent(base: Database, *, breaks_off: asyncio.Event | None = None) -> bytes:
    """One request under one key, which writes one row of the trail and answers with its number."""
    async with base.transaction(COUNTY) as session:
        if first := await once.claim(session, WHO, "key-0002", WISH):
            return first.body
        if breaks_off:
            breaks_off.set()
        await asyncio.sleep(0.05)
        await trail.record(session, day.EVERYBODY, "test.once")
        if breaks_off:
            raise ConnectionError("the line went dead")
        body = str(await database.value(session, "SELECT pg_current_xact_id()::text")).encode()
        await once.keep(session, WHO, "key-0002", Answer(200, "[]", body))
        return body


async def done(base: Database) -> int:
    async with base.transaction(COUNTY) as session:
        return int(await database.value(session, "SELECT count(*) FROM trail WHERE verb = 'test.once'"))


async def test_eight_at_the_same_moment_are_done_once_and_answered_alike(base: Database) -> None:
    answers = await asyncio.gather(*(sent(base) for _ in range(8)))
    assert len(set(answers)) == 1
    assert await done(base) == 1


async def test_a_key_whose_request_broke_off_is_free_again(base: Database) -> None:
    has_claimed = asyncio.Event()
    broken = asyncio.create_task(sent(base, breaks_off=has_claimed))
    await has_claimed.wait()
    first, second = await asyncio.gather(sent(base), sent(base))
    with pytest.raises(ConnectionError):
        await broken
    assert first == second
    assert await done(base) == 1
