"""The door: signing in and out, the language, changing one's post."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base import language, trail
from xinglin.base.database import Database
from xinglin.base.errors import N_, NotFound, NotSignedIn
from xinglin.base.logs import log
from xinglin.base.settings import Settings
from xinglin.gate import SESSION_COOKIE, Here, locale_of
from xinglin.people import actions as people
from xinglin.people.rules import Role
from xinglin.web.page import DESK_OF, go

Form = URLEncodedBody[dict[str, str]]


def handlers(settings: Settings) -> list[Any]:
    """The door's addresses; attempts to sign in are counted per minute."""
    limit = RateLimitConfig(rate_limit=("minute", settings.sign_in_attempts_per_minute))
    return [
        home,
        sign_in_page,
        post("/sign-in", middleware=[limit.middleware], include_in_schema=False)(sign_in),
        sign_out,
        take_post,
    ]


@get("/", include_in_schema=False)
async def home(visit: Here) -> Redirect:
    """Everybody begins at the own desk."""
    return go(f"/{DESK_OF[Role(visit.actor.role)]}")


@get("/sign-in", include_in_schema=False)
async def sign_in_page(request: Request[Any, Any, Any], next: FromQuery[str] = "/") -> Template:
    """The form."""
    return _form(request, next)


def _form(
    request: Request[Any, Any, Any], next: str, *, error: str = "", username: str = "", status: int = 200
) -> Template:
    locale = locale_of(request)
    context = language.environment_extras(locale) | {
        "visit": None, "next": next, "error": error, "username": username,
    }  # fmt: skip
    return Template(
        "door/sign_in.html", context=context, status_code=status, cookies=_language_cookie(request)
    )


def _language_cookie(request: Request[Any, Any, Any]) -> list[Cookie]:
    """A language asked for in the address is kept."""
    wish = request.query_params.get("lang")
    if wish not in language.LOCALES:
        return []
    return [Cookie(key=language.COOKIE, value=wish, path="/", samesite="lax", max_age=365 * 24 * 3600)]


async def sign_in(request: Request[Any, Any, Any], data: Form) -> Template | Redirect:
    """Check name and password; on to where one wanted to go."""
    base: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    username, next = data.get("username", "")[:64], data.get("next", "/")
    try:
        async with base.transaction() as session:
            signed_in = await people.sign_in(
                session, username, data.get("password", ""), hours=settings.session_hours
            )
        async with base.transaction(signed_in.actor.county) as session:
            await trail.record(session, signed_in.actor, "people.sign_in", signed_in.account_id)
    except NotSignedIn as refusal:
        log.warning("sign-in refused", username=username, client=request.client and request.client.host)
        said = language.translate(locale_of(request), refusal.message)
        return _form(request, next, error=said, username=username, status=401)
    cookie = Cookie(
        key=SESSION_COOKIE, value=signed_in.token, httponly=True, samesite="lax", path="/",
        secure=settings.secure_cookies, max_age=settings.session_hours * 3600,
    )  # fmt: skip
    return Redirect(inside(next), status_code=303, cookies=[cookie])


def inside(address: str) -> str:
    """Only addresses of this service are followed."""
    parts = urlsplit(address)
    is_ours = (
        not parts.scheme
        and not parts.netloc
        and address.startswith("/")
        and not address.startswith(("//", "/\\"))
    )
    return address if is_ours else "/"


@post("/sign-out", include_in_schema=False)
async def sign_out(visit: Here) -> Redirect:
    """End the session."""
    await people.sign_out(visit.session, visit.token)
    return Redirect(
        "/sign-in", status_code=303, cookies=[Cookie(key=SESSION_COOKIE, value="", path="/", max_age=0)]
    )


@post("/post", include_in_schema=False)
async def take_post(visit: Here, data: Form) -> Redirect:
    """Go on at another of one's own posts."""
    try:
        post_id = UUID(data.get("post_id", ""))
    except ValueError:
        raise NotFound(N_("There is no such post, or it is not one of yours.")) from None
    await people.take_post(visit.session, visit.actor, visit.token, post_id)
    return go("/")
