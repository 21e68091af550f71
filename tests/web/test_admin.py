"""The administrator's desk and the page about oneself."""

import re
from collections.abc import Callable

import msgspec
import pytest

from tests.web.conftest import Desk
from tests.world import World
from xinglin.base import clock, database
from xinglin.base.database import Database
from xinglin.people.actions import hash_password


@pytest.fixture
def admin(desk: Callable[[str], Desk]) -> Desk:
    """The administrator."""
    return desk("admin")


PLACE = {
    "code": "NEW-1", "kind": "village_clinic", "name": "新村卫生室", "membership": "member", "population": "300",
    "latitude": "44.3", "longitude": "85.9", "from-1": "10:00", "to-1": "14:00", "from-2": "16:00", "to-2": "00:00",
}  # fmt: skip


async def person_of(base: Database, world: World, username: str) -> str:
    """The id of an account."""
    async with base.transaction(world.county) as session:
        return str(await database.value(session, "SELECT id FROM account WHERE username = $1", username))


async def test_only_administrators_come_in(desk: Callable[[str], Desk]) -> None:
    for address in ("/admin", "/admin/people", "/admin/places"):
        await desk("doctor1").see(address, 403)


async def test_a_new_person_gets_a_post_and_is_found(admin: Desk, base: Database, world: World) -> None:
    await admin.see("/admin/people/new")
    opened = await admin.submit(
        "/admin/people/new", username="Li.Si", name="李四", password="a long password"
    )
    assert "Without a post nobody can sign in" in opened.text
    person = await person_of(base, world, "li.si")
    given = await admin.submit(
        f"/admin/people/{person}/posts", role="village_doctor", place_id=str(world.place("clinic3"))
    )
    assert "夹河子村卫生室" in given.text
    assert "李四" in await admin.see("/admin/people?q=夹河子")
    assert "Nobody answers to" in await admin.see("/admin/people?q=nobody-like-that")


async def test_a_person_without_a_post_is_still_listed(admin: Desk) -> None:
    await admin.see("/admin/people/new")
    await admin.submit("/admin/people/new", username="waits", name="等待")
    assert "等待" in await admin.see("/admin/people")


async def test_what_was_typed_stays_when_an_account_is_refused(admin: Desk) -> None:
    await admin.see("/admin/people/new")
    answer = await admin.submit("/admin/people/new", 422, username="doctor1", name="张三")
    assert "The user name doctor1 is taken." in answer.text
    assert 'value="张三"' in answer.text
    spaced = await admin.submit("/admin/people/new", 422, username="a b", name="张三")
    assert "letters, digits, dots and dashes" in spaced.text


async def test_a_short_password_is_refused_on_the_form(admin: Desk, base: Database, world: World) -> None:
    person = await person_of(base, world, "doctor2")
    await admin.see(f"/admin/people/{person}")
    refused = await admin.submit(f"/admin/people/{person}/password", 422, password="short")
    assert "A password has 10 to 200 characters." in refused.text


async def test_a_role_that_is_held_at_a_place_needs_one(admin: Desk, base: Database, world: World) -> None:
    person = await person_of(base, world, "doctor2")
    await admin.see(f"/admin/people/{person}")
    refused = await admin.submit(f"/admin/people/{person}/posts", 422, role="driver", place_id="")
    assert "is held at a place: name it." in refused.text
    wide = await admin.submit(
        f"/admin/people/{person}/posts", role="inspector", place_id=str(world.place("clinic1"))
    )
    assert "The whole county" in wide.text


async def test_an_ended_post_ends_its_sessions(
    admin: Desk, desk: Callable[[str], Desk], base: Database, world: World
) -> None:
    doctor = desk("doctor2")
    await doctor.see("/me")
    person = await person_of(base, world, "doctor2")
    page = await admin.see(f"/admin/people/{person}")
    post = re.search(r'name="post_id" value="([^"]+)"', page)
    assert post
    await admin.submit(f"/admin/people/{person}/posts/end", post_id=post[1])
    assert "sign-in" in str((await doctor.get("/me")).url)


async def test_nobody_closes_the_own_account(admin: Desk, base: Database, world: World) -> None:
    person = await person_of(base, world, "admin")
    await admin.see(f"/admin/people/{person}")
    assert "Nobody closes the own account." in (await admin.submit(f"/admin/people/{person}/close", 403)).text


async def test_a_place_is_added_with_hours_one_can_read(admin: Desk, world: World) -> None:
    await admin.see("/admin/places/new")
    added = await admin.submit("/admin/places/new", **PLACE, supplied_by_id=str(world.place("township1")))
    assert "新村卫生室" in added.text
    listed = await admin.see("/admin/places?q=新村")
    assert "10:00–14:00 16:00–24:00" in listed
    assert "乌兰乌苏镇中心药房" in listed


async def test_a_place_that_cannot_be_is_refused_with_what_was_typed(admin: Desk) -> None:
    await admin.see("/admin/places/new")
    for wrong, sentence in (
        ({"latitude": "ninety"}, "are no degrees"), ({"longitude": ""}, "are given together"),
        ({"name": " "}, "A place needs a name."), ({"code": ""}, "A place needs a code"),
        ({"from-2": "later"}, "is none."), ({"population": "-1"}, "Population is a whole number"),
        ({"from-2": "09:00", "to-2": "10:00"}, "pairs of from and to"), ({"kind": "vehicle"}, "a kind."),
        ({"code": "TEST-005"}, "already a place with the code"),
    ):  # fmt: skip
        answer = await admin.submit("/admin/places/new", 422, **(PLACE | wrong))
        assert sentence in answer.text, wrong
        assert 'value="300"' in answer.text or "population" in wrong


async def amended(admin: Desk, world: World, **changes: str) -> dict[str, str]:
    """The form of clinic 1 as it stands, with changes."""
    page = await admin.see(f"/admin/places/{world.place('clinic1')}")
    shown = dict(re.findall(r'<input class="form-control[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', page))
    return shown | {"supplied_by_id": str(world.place("township1")), "membership": "member",
                    "is_position_synthetic": "on"} | changes  # fmt: skip


async def test_a_change_of_a_place_stays_in_the_trail_with_its_reason(
    admin: Desk, base: Database, world: World
) -> None:
    form = await amended(admin, world, phone="0993-1", reason="new number")
    saved = await admin.submit(f"/admin/places/{world.place('clinic1')}", **form)
    assert "Amended a place" in saved.text and "new number" in saved.text
    async with base.transaction(world.county) as session:
        note = msgspec.json.decode(
            await database.value(session, "SELECT note::text FROM trail WHERE verb = 'places.amend'")
        )
    assert note == {"before": {"phone": ""}, "after": {"phone": "0993-1"}, "reason": "new number"}


async def test_a_change_without_a_reason_or_without_a_difference_is_refused(
    admin: Desk, world: World
) -> None:
    address = f"/admin/places/{world.place('clinic1')}"
    form = await amended(admin, world, phone="0993-1", reason="")
    refused = await admin.submit(address, 422, **form)
    assert "Say why" in refused.text and 'value="0993-1"' in refused.text
    same = await amended(admin, world, reason="none")
    assert "Nothing is different" in (await admin.submit(address, 422, **same)).text


async def test_a_policy_gets_a_new_dated_row_and_keeps_the_old_one(
    admin: Desk, base: Database, world: World
) -> None:
    await admin.see("/admin/policies/minimum_life_days")
    value = '{"county": 60, "township": 90, "village": 150}'
    answer = await admin.submit(
        "/admin/policies/minimum_life_days",
        value=value,
        source="药事委员会 2026-3",
        valid_from=str(clock.today()),
    )
    assert "药事委员会 2026-3" in answer.text and "Past" in answer.text
    async with base.transaction(world.county) as session:
        verbs = await database.rows(session, "SELECT paper FROM trail WHERE verb = 'formulary.set_policy'")
    assert [row["paper"] for row in verbs] == ["minimum_life_days"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"value": "{"}, "is no JSON object"),
        ({"value": "[1]"}, "is no JSON object"),
        ({"value": '{"county": 60}'}, "names exactly county, township, village"),
        ({"value": '{"county": 60, "township": 1.5, "village": 3}'}, "a whole number of days"),
        ({"source": " "}, "Say where the policy stands"),
        ({"valid_from": "2020-01-01"}, "holds from today on or later"),
        ({"valid_from": "soon"}, "is no day"),
    ],
)
async def test_a_policy_that_nobody_could_go_by_is_refused(
    admin: Desk, changed: dict[str, str], sentence: str
) -> None:
    await admin.see("/admin/policies/minimum_life_days")
    form = {
        "value": '{"county": 60, "township": 90, "village": 150}',
        "source": "会议纪要",
        "valid_from": str(clock.today()),
    }
    answer = await admin.submit("/admin/policies/minimum_life_days", 422, **(form | changed))
    assert sentence in answer.text


async def test_custody_names_what_each_tier_may_hold(admin: Desk) -> None:
    page = await admin.see("/admin/policies/custody")
    assert "Narcotics" in page
    refused = await admin.submit(
        "/admin/policies/custody", 422, value='{"narcotic": {}}', source="x", valid_from=str(clock.today())
    )
    assert "names exactly" in refused.text
    await admin.see("/admin/policies/no-such-thing", 404)


async def test_a_token_is_shown_once_works_and_is_revoked(desk: Callable[[str], Desk], world: World) -> None:
    doctor = desk("doctor1")
    page = await doctor.see("/me")
    post = re.search(r'<option value="([0-9a-f-]{36})"', page)
    assert post
    issued = await doctor.submit(
        "/me/tokens", label="hospital system", post_id=post[1], days="30", idempotency_key="first-wish"
    )
    fresh = re.search(r'id="fresh-token">([^<]+)<', issued.text)
    assert fresh
    again = await doctor.submit(
        "/me/tokens", label="hospital system", post_id=post[1], days="30", idempotency_key="first-wish"
    )
    assert fresh[1] not in again.text
    bearer = {"authorization": f"Bearer {fresh[1]}"}
    assert (await doctor.get("/api/v1/me", headers=bearer)).status_code == 200
    listed = await doctor.see("/me")
    rows = re.findall(r"hospital system.*?name=\"token\" value=\"([0-9a-f]{64})\"", listed, re.S)
    assert len(rows) == 1
    await doctor.submit("/me/tokens/revoke", token=rows[0])
    assert (await doctor.get("/api/v1/me", headers=bearer)).status_code == 401


async def test_nobody_revokes_the_token_of_another(
    desk: Callable[[str], Desk], base: Database, world: World
) -> None:
    doctor = desk("doctor1")
    await doctor.see("/me")
    async with base.transaction(world.county) as session:
        other = await database.value(
            session, "SELECT encode(token_hash, 'hex') FROM credential WHERE account_id = $1 AND kind = 'token'",
            world.actor("doctor2").account_id,
        )  # fmt: skip
    assert "not one of yours" in (await doctor.submit("/me/tokens/revoke", 404, token=other)).text


async def test_a_password_is_changed_by_who_knows_the_old_one(
    desk: Callable[[str], Desk], base: Database, world: World
) -> None:
    doctor = desk("doctor1")
    async with base.transaction(world.county) as session:
        await database.run(
            session,
            "UPDATE account SET password_hash = $1 WHERE username = 'doctor1'",
            await hash_password("the old password"),
        )
    await doctor.see("/me")
    new = {"new": "the new password", "again": "the new password"}
    assert (
        "The old password is wrong."
        in (await doctor.submit("/me/password", 422, old="a wrong one", **new)).text
    )
    uneven = await doctor.submit(
        "/me/password", 422, old="the old password", new="the new password", again="another one"
    )
    assert "not written the same way twice" in uneven.text
    changed = await doctor.submit("/me/password", old="the old password", **new)
    assert "Your password is changed" in changed.text
    assert "Work here" not in await doctor.see("/me")


async def test_everybody_has_a_page_about_oneself(desk: Callable[[str], Desk]) -> None:
    for name in ("doctor1", "pharmacist1", "chief", "keeper", "dispatcher", "driver", "inspector", "admin"):
        assert "You are here" in await desk(name).see("/me")


async def test_one_goes_on_at_another_post(
    admin: Desk, desk: Callable[[str], Desk], base: Database, world: World
) -> None:
    person = await person_of(base, world, "inspector")
    await admin.see(f"/admin/people/{person}")
    await admin.submit(f"/admin/people/{person}/posts", role="admin")
    inspector = desk("inspector")
    page = await inspector.see("/me")
    other = re.search(r'name="post_id" value="([^"]+)"', page)
    assert other
    await inspector.submit("/post", post_id=other[1])
    await inspector.see("/admin")


async def test_the_way_to_the_vehicles_is_open(admin: Desk) -> None:
    assert "/dispatch/vehicles" in await admin.see("/admin")
    await admin.see("/dispatch/vehicles")
