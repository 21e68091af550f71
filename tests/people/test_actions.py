"""Who comes in: names, passwords, posts and tokens, and what is refused without giving anything away."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests import day
from tests.world import id_of
from xinglin.base import clock, database
from xinglin.base.errors import BadInput, NotAllowed, NotFound, NotSignedIn, Refusal
from xinglin.people import actions as people, queries as people_queries
from xinglin.people.rules import COUNTY_WIDE, ROLE_NAMES, ROLES_OF, Role, verbs_of

ADMIN = day.WORLD.actor("admin")
DOCTOR1 = id_of("account:doctor1")
PASSWORD = "杏林春暖 2026!"


async def refused(session: AsyncSession, kind: type[Refusal], match: str, work: Awaitable[Any]) -> None:
    before = await day.trail_length(session)
    with pytest.raises(kind) as found:
        await work
    assert match in str(found.value)
    assert await day.trail_length(session) == before


async def behind(session: AsyncSession, token: str, kind: str = "session") -> Any:
    statement, values = people_queries.behind(token, kind)
    for name in values:
        statement = statement.replace(f":{name}", f"${list(values).index(name) + 1}")
    return await database.row(session, statement, *values.values())


async def signed_in(session: AsyncSession) -> people.SignedIn:
    await people.set_password(session, ADMIN, DOCTOR1, PASSWORD)
    return await people.sign_in(session, " Doctor1 ", PASSWORD, hours=12)


async def test_who_knows_name_and_password_comes_in_at_the_own_post(session: AsyncSession) -> None:
    came = await signed_in(session)
    assert (came.account_id, came.actor.role, came.actor.place_id) == (
        DOCTOR1,
        "village_doctor",
        id_of("clinic1"),
    )
    assert (await behind(session, came.token))["id"] == DOCTOR1


async def test_of_a_token_only_its_hash_is_kept_and_it_ends_with_its_hours(session: AsyncSession) -> None:
    came = await signed_in(session)
    kept = await database.rows(session, "SELECT row_to_json(c)::text AS c FROM public.credential c")
    assert not any(came.token in row["c"] for row in kept)
    assert await behind(session, came.token, "token") is None, "a browser session passed for an API token"
    with clock.set_to(clock.now() + timedelta(hours=12, seconds=1)):
        assert await behind(session, came.token) is None


@pytest.mark.parametrize(
    ("name", "password"), [("doctor1", "wrong password"), ("nobody", PASSWORD), ("doctor1", ""), ("", "")]
)
async def test_whatever_is_wrong_the_sentence_is_the_same(
    session: AsyncSession, name: str, password: str
) -> None:
    await people.set_password(session, ADMIN, DOCTOR1, PASSWORD)
    wrong = people.sign_in(session, name, password, hours=12)
    await refused(session, NotSignedIn, "Name or password is wrong.", wrong)


async def test_a_closed_account_an_ended_post_and_a_waiting_account_do_not_come_in(
    session: AsyncSession,
) -> None:
    came = await signed_in(session)
    await people.end_post(session, ADMIN, id_of("post:doctor1"))
    assert await behind(session, came.token) is None
    await refused(session, NotSignedIn, "wrong", people.sign_in(session, "doctor1", PASSWORD, hours=1))
    await people.set_password(session, ADMIN, id_of("account:doctor2"), PASSWORD)
    await people.close_account(session, ADMIN, id_of("account:doctor2"))
    await refused(session, NotSignedIn, "wrong", people.sign_in(session, "doctor2", PASSWORD, hours=1))
    await people.open_account(session, ADMIN, "waiting", "等待")
    await refused(session, NotSignedIn, "wrong", people.sign_in(session, "waiting", "", hours=1))


async def test_a_new_password_ends_what_was_open(session: AsyncSession) -> None:
    came = await signed_in(session)
    await people.set_password(session, ADMIN, DOCTOR1, PASSWORD + "?")
    assert await behind(session, came.token) is None
    await refused(session, NotSignedIn, "wrong", people.sign_in(session, "doctor1", PASSWORD, hours=1))


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
async def test_a_password_too_short_or_endless_is_refused(session: AsyncSession, password: str) -> None:
    await refused(session, BadInput, "10 to 200", people.set_password(session, ADMIN, DOCTOR1, password))


async def test_who_signs_out_is_out(session: AsyncSession) -> None:
    came = await signed_in(session)
    await people.sign_out(session, came.token)
    await people.sign_out(session, came.token)
    assert await behind(session, came.token) is None


async def test_one_goes_on_at_another_of_one_s_own_posts_only(session: AsyncSession) -> None:
    came = await signed_in(session)
    other = await people.give_post(session, ADMIN, DOCTOR1, "village_doctor", id_of("clinic2"))
    await people.take_post(session, came.actor, came.token, other.id)
    assert (await behind(session, came.token))["place_id"] == id_of("clinic2")
    await refused(
        session,
        NotFound,
        "no such post",
        people.take_post(session, came.actor, came.token, id_of("post:admin")),
    )


@pytest.mark.parametrize(
    ("role", "place", "kind", "match"),
    [
        ("king", None, BadInput, "no role"),
        ("admin", "clinic1", BadInput, "whole county"),
        ("driver", None, BadInput, "held at a place"),
        ("driver", "nowhere", NotFound, "no such place"),
    ],
)
async def test_a_post_that_cannot_be_is_refused(
    session: AsyncSession, role: str, place: str | None, kind: type[Refusal], match: str
) -> None:
    given = people.give_post(session, ADMIN, DOCTOR1, role, id_of(place) if place else None)
    await refused(session, kind, match, given)


async def test_nobody_shuts_the_own_door_from_outside(session: AsyncSession) -> None:
    await refused(session, NotAllowed, "", people.close_account(session, ADMIN, ADMIN.account_id))
    await refused(session, NotAllowed, "", people.end_post(session, ADMIN, id_of("post:admin")))


async def test_a_token_is_for_one_s_own_post_for_at_most_a_year(session: AsyncSession) -> None:
    doctor, post = day.DOCTOR, id_of("post:doctor1")
    token = await people.issue_token(session, doctor, post, label="till", days=1)
    assert (await behind(session, token, "token"))["place_id"] == id_of("clinic1")
    for label, days in (("", 1), ("till", 0), ("till", 367)):
        await refused(
            session, BadInput, "", people.issue_token(session, doctor, post, label=label, days=days)
        )
    foreign = people.issue_token(session, doctor, id_of("post:admin"), label="till")
    await refused(session, NotFound, "no such post", foreign)


def test_every_role_has_a_name_and_work_and_every_verb_somebody() -> None:
    assert set(ROLE_NAMES) == set(Role)
    assert all(verbs_of(role) for role in Role)
    assert all(roles for roles in ROLES_OF.values())
    assert not verbs_of("king")


def test_who_inspects_changes_nothing_but_findings() -> None:
    changing = {verb for verb in verbs_of(Role.INSPECTOR) if not verb.endswith(".read")}
    assert {verb for verb in changing if verb.split(".")[0] not in {"people", "inspection"}} == set()
    assert set(Role) > COUNTY_WIDE
