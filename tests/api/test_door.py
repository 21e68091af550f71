"""The doors: forms need their token, guesses are counted, cookies and tokens stay at their own door."""

import re
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from structlog.testing import capture_logs

from tests.api.conftest import Machine
from tests.world import World
from xinglin.base import database
from xinglin.base.database import Database
from xinglin.gate import SESSION_COOKIE
from xinglin.people.actions import HASHER

CSRF = re.compile(r'name="_csrf_token" value="([^"]+)"')


@pytest.fixture
async def browser(service: Litestar) -> AsyncIterator[AsyncClient]:
    """Somebody's browser, not signed in. Redirects are shown, not followed."""
    async with AsyncClient(transport=ASGITransport(service), base_url="http://desk") as client:
        yield client


async def sign_in(browser: AsyncClient, username: str, password: str) -> int:
    """Fill in the form of the sign-in page and send it."""
    found = CSRF.search((await browser.get("/sign-in")).text)
    assert found is not None
    form = {"username": username, "password": password, "_csrf_token": found[1], "next": "/"}
    return (await browser.post("/sign-in", data=form)).status_code


async def with_password(base: Database, username: str, password: str) -> None:
    """Give somebody a password."""
    async with base.transaction() as session:
        await database.run(
            session,
            "UPDATE account SET password_hash = $2 WHERE username = $1",
            username,
            HASHER.hash(password),
        )


async def test_a_form_without_its_token_is_refused_and_logged(browser: AsyncClient, world: World) -> None:
    browser.cookies.set(SESSION_COOKIE, world.session_token("doctor1"))
    with capture_logs() as logged:
        answer = await browser.post("/sign-out", data={"idempotency_key": "0123456789"})
    assert answer.status_code == 403
    assert [(entry["event"], entry["path"]) for entry in logged if entry["event"] == "refused"] == [
        ("refused", "/sign-out")
    ]
    assert (await browser.get("/", follow_redirects=False)).status_code == 303


async def test_a_form_with_the_token_of_another_cookie_is_refused(browser: AsyncClient, world: World) -> None:
    browser.cookies.set(SESSION_COOKIE, world.session_token("doctor1"))
    await browser.get("/sign-in")
    answer = await browser.post("/sign-out", data={"idempotency_key": "0123456789", "_csrf_token": "a" * 128})
    assert answer.status_code == 403


async def test_more_than_ten_guesses_a_minute_are_refused_and_logged(browser: AsyncClient) -> None:
    for _ in range(10):
        assert await sign_in(browser, "doctor1", "a wrong guess") == 401
    with capture_logs() as logged:
        assert await sign_in(browser, "doctor1", "a wrong guess") == 429
    assert any(entry["event"] == "refused" and entry["status"] == 429 for entry in logged)


async def test_a_wrong_name_is_answered_like_a_wrong_password(browser: AsyncClient, base: Database) -> None:
    await with_password(base, "doctor1", "the right password")
    found = CSRF.search((await browser.get("/sign-in")).text)
    assert found is not None
    texts = []
    for username in ("doctor1", "nobody-at-all"):
        form = {"username": username, "password": "wrong", "_csrf_token": found[1]}
        answer = await browser.post("/sign-in", data=form)
        assert answer.status_code == 401
        texts.append(answer.text.replace(username, ""))
    assert CSRF.sub("", texts[0]) == CSRF.sub("", texts[1])


async def test_the_session_cookie_is_for_this_service_and_no_script(
    browser: AsyncClient, base: Database
) -> None:
    await with_password(base, "doctor1", "the right password")
    found = CSRF.search((await browser.get("/sign-in")).text)
    assert found is not None
    form = {
        "username": "doctor1",
        "password": "the right password",
        "_csrf_token": found[1],
        "next": "//evil",
    }
    answer = await browser.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith(SESSION_COOKIE)]
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert any(flag.startswith("max-age=") for flag in flags)


@pytest.mark.parametrize("address", ["/sign-in", "/health", "/api/v1/me", "/api/v1/nowhere", "/nowhere"])
async def test_every_answer_has_its_id_and_keeps_browsers_safe(address: str, browser: AsyncClient) -> None:
    answer = await browser.get(address)
    assert UUID(hex=answer.headers["x-request-id"])
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_api_takes_no_cookie(browser: AsyncClient, world: World) -> None:
    browser.cookies.set(SESSION_COOKIE, world.session_token("doctor1"))
    assert (await browser.get("/api/v1/me")).status_code == 401
    answer = await browser.get(
        "/api/v1/me", headers={"authorization": f"Bearer {world.session_token('doctor1')}"}
    )
    assert answer.status_code == 401


async def test_pages_take_no_bearer_token(browser: AsyncClient, world: World) -> None:
    answer = await browser.get("/", headers={"authorization": f"Bearer {world.token('doctor1')}"})
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
    browser.cookies.set(SESSION_COOKIE, world.token("doctor1"))
    assert (await browser.get("/")).headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic ZG9jdG9yMTp4", "Bearer nobody", "bearer \xff"]
)
async def test_without_a_token_nothing_is_told(header: str, browser: AsyncClient) -> None:
    headers = {"authorization": header.encode("latin-1")} if header else {}
    answer = await browser.get("/api/v1/requisitions", headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (401, "not_signed_in")


async def test_a_token_ends_with_its_post_its_account_and_a_new_password(
    machine: Callable[..., Machine], world: World
) -> None:
    admin = machine("admin")
    accounts = {one["username"]: one for one in (await admin.ask("/accounts", limit=200))["items"]}
    ends = (
        ("doctor1", f"/posts/{accounts['doctor1']['posts'][0]['id']}/end", None, "POST"),
        ("doctor2", f"/accounts/{accounts['doctor2']['id']}/close", None, "POST"),
        ("doctor3", f"/accounts/{accounts['doctor3']['id']}/password", {"password": "a new password"}, "PUT"),
    )
    for who, address, body, method in ends:
        theirs = machine(who)
        await theirs.ask("/me")
        await admin.do(address, body, method=method)
        await theirs.ask("/me", 401)


async def test_a_token_somebody_issued_works_until_it_has_run_out(
    machine: Callable[..., Machine], service: Litestar, base: Database
) -> None:
    doctor = machine("doctor1")
    post = (await doctor.ask("/me/posts"))["items"][0]["id"]
    token = (await doctor.do("/me/tokens", {"post_id": post, "label": "till", "days": 1}))["token"]
    issued = Machine(service, token)
    assert (await issued.ask("/me"))["role"] == "village_doctor"
    async with base.transaction() as session:
        await database.run(session, "UPDATE credential SET expires_at = now() WHERE label = 'till'")
    await issued.ask("/me", 401)


async def test_nobody_takes_another_post_for_a_token(machine: Callable[..., Machine]) -> None:
    admin_post = (await machine("admin").ask("/me/posts"))["items"][0]["id"]
    answer = await machine("doctor1").write("/me/tokens", {"post_id": admin_post, "label": "x"})
    assert answer.status_code == 404
