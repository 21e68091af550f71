"""The gate: who comes in, for which county; opens the transaction, commits before the answer leaves.

Every request is one transaction in the county's own schema. Writes carry an idempotency key; sent
again, the first answer comes back. An answer of 400 and above leaves nothing behind.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote

import structlog
from litestar import Request
from litestar.di import NamedDependency
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database, language, once
from xinglin.base.actor import Actor
from xinglin.base.database import Database
from xinglin.base.errors import N_, BadInput, NotSignedIn
from xinglin.base.ids import new_id
from xinglin.base.logs import log
from xinglin.people import queries as people_queries

SESSION_COOKIE = "xinglin_session"
KEY_HEADER = "idempotency-key"
KEY_FIELD = "idempotency_key"
KEY_FORM = re.compile(r"[\x21-\x7e]{8,200}")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = re.compile(r"^/(static/|health$|sign-in$|api/schema)")
KEPT_HEADERS = frozenset(
    {b"content-type", b"location", b"etag", b"hx-redirect", b"hx-trigger", b"hx-refresh"}
)
KEEP_INSTEAD = "keep_instead"
"""Where a handler puts what is kept beside the key when its answer shows a secret once."""
TRIES = 3


@dataclass(slots=True)
class Visit:
    """One request: its transaction, the person, the language."""

    session: AsyncSession
    actor: Actor
    locale: str
    token: str
    path: str
    path_with_query: str
    county_name: str
    place_name: str


Here = NamedDependency[Visit]
"""How a handler asks for the visit."""


class Gate(ASGIMiddleware):
    """Lets signed-in people in, one transaction for each request."""

    exclude_path_pattern = OPEN_PATHS.pattern

    def __init__(self, base: Database) -> None:
        self.base = base

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Find the person, claim the key, run the handler, keep the answer, commit, answer."""
        request: Request[Any, Any, Any] = Request(scope, receive)
        for _ in range(TRIES):
            answer = await self._answer(request, receive, next_app)
            if not scope["state"].pop("try_again", False):
                break
        for message in answer:
            await send(message)

    async def _answer(
        self, request: Request[Any, Any, Any], receive: Receive, next_app: ASGIApp
    ) -> list[Message]:
        """The whole answer of one try, after its transaction has ended."""
        is_api = request.scope["path"].startswith("/api/")
        token, kind = token_of(request, is_api)
        session, result = await self.base.begin(*people_queries.behind(token, kind))
        async with self.base.ending(session):
            found = result.one_or_none()
            if found is None:
                raise NotSignedIn(N_("Sign in first."))
            actor = people_queries.actor_of(found)
            structlog.contextvars.bind_contextvars(actor=str(actor.account_id), county=actor.county)
            visit = request.scope["state"]["visit"] = Visit(
                session, actor, locale_of(request), token, request.scope["path"],
                _with_query(request.scope), found.county_name,
                "" if is_api else await _place_name(session, actor),
            )  # fmt: skip
            key = None if request.method in SAFE else await key_of(request)
            if key and (first := await self._claimed(request, visit, key)):
                await session.commit()
                return _replayed(first)
            answer: list[Message] = []

            async def collect(message: Message) -> None:
                answer.append(message)

            await next_app(request.scope, receive, collect)
            status = answer[0]["status"]  # type: ignore[typeddict-item]
            if status < 400:
                if key:
                    kept = request.scope["state"].pop(KEEP_INSTEAD, None) or _kept(answer)
                    await once.keep(session, actor.account_id, key, kept)
                await session.commit()
            else:
                await session.rollback()
            return answer

    async def _claimed(self, request: Request[Any, Any, Any], visit: Visit, key: str) -> once.Answer | None:
        body = await request.body()
        wish = once.fingerprint(request.method.encode(), visit.path_with_query.encode(), _without_csrf(body))
        return await once.claim(visit.session, visit.actor.account_id, key, wish)


async def _place_name(session: AsyncSession, actor: Actor) -> str:
    """What stands in the bar of a desk."""
    if actor.place_id is None:
        return ""
    return str(await database.value(session, "SELECT name FROM place WHERE id = $1", actor.place_id))


def token_of(request: Request[Any, Any, Any], is_api: bool) -> tuple[str, str]:
    """The token of a request: a bearer token at the API, a cookie at the desks; never the other way."""
    if is_api:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return (token.strip() if kind.lower() == "bearer" else ""), "token"
    return request.cookies.get(SESSION_COOKIE, ""), "session"


def locale_of(request: Request[Any, Any, Any]) -> str:
    """The language of a request."""
    return language.choose(
        request.query_params.get("lang"),
        request.cookies.get(language.COOKIE),
        request.headers.get("accept-language"),
    )


async def refuse_nul(request: Request[Any, Any, Any]) -> None:
    """No text of ours holds a NUL character: PostgreSQL could not keep it. JSON is looked at where it is read."""
    sent = request.scope["query_string"]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        sent += await request.body()
    if b"%00" in sent or b"\x00" in sent or "\x00" in request.scope["path"]:
        raise BadInput(N_("Holds a NUL character, which no text has: leave it out."))


async def key_of(request: Request[Any, Any, Any]) -> str:
    """The idempotency key of a write, from its header or its form."""
    key = request.headers.get(KEY_HEADER, "")
    if not key and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        key = parse_qs((await request.body()).decode("utf-8", "replace")).get(KEY_FIELD, [""])[0]
    if not KEY_FORM.fullmatch(key):
        raise BadInput(
            N_("Send an Idempotency-Key with every write: 8 to 200 visible characters, new for each wish.")
        )
    return key


def _without_csrf(body: bytes) -> bytes:
    """The same wish sent again may carry another CSRF token."""
    return re.sub(rb"_csrf_token=[^&]*&?", b"", body)


def _with_query(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return scope["path"] + (f"?{query}" if query else "")


def _kept(answer: list[Message]) -> once.Answer:
    """What of an answer is kept beside its key."""
    start: Any = answer[0]
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in start["headers"]
        if name.lower() in KEPT_HEADERS
    ]
    body = b"".join(part.get("body", b"") for part in answer[1:])  # type: ignore[misc]
    return once.Answer(start["status"], json.dumps(headers), body)


def _replayed(first: once.Answer) -> list[Message]:
    """The first answer, once more."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(first.headers)]
    headers += [(b"content-length", str(len(first.body)).encode()), (b"idempotent-replay", b"true")]
    start: Any = {"type": "http.response.start", "status": first.status, "headers": headers}
    body: Any = {"type": "http.response.body", "body": first.body, "more_body": False}
    return [start, body]


def request_id_of(scope: Scope) -> str:
    """The id of a request, given once; an address that is none never meets the doorbell, but has one too."""
    given: str = scope.setdefault("state", {}).setdefault("request_id", new_id().hex)
    return given


class Doorbell(ASGIMiddleware):
    """Gives each request an id and logs its end, with who asked and for which county."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Before everything else, after everything else."""
        request_id = scope["state"]["request_id"] = new_id().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status, began = 0, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await refuse_nul(Request(scope, receive))
            await next_app(scope, receive, noted)
        finally:
            if not scope["path"].startswith("/static/"):
                took_ms = round((time.perf_counter() - began) * 1000, 1)
                log.info("request", path=scope["path"], status=status or "refused", took_ms=took_ms)


SAFE_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; "
    "script-src 'self'; worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), camera=(self)",
}


def sign_in_address(path_with_query: str) -> str:
    """Where somebody who is not signed in is sent, to come back afterwards."""
    return f"/sign-in?next={quote(path_with_query)}"
