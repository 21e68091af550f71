"""The service: doors behind the gate. Refusals become a page or a problem document here and nowhere else."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
from asyncpg import DeadlockDetectedError, PostgresConnectionError, SerializationError
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import Litestar, Request, Response, get
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.stores.file import FileStore
from litestar.template.config import TemplateConfig
from litestar.types import Message, Scope

from xinglin import __version__, api, web
from xinglin.api.faults import ManyFaults, Wrong, faults_of
from xinglin.base.database import Database
from xinglin.base.errors import N_, Refusal
from xinglin.base.language import translate
from xinglin.base.logs import log
from xinglin.base.settings import Settings
from xinglin.gate import SAFE_HEADERS, Doorbell, Gate, locale_of, request_id_of, sign_in_address
from xinglin.people.rules import ROLE_NAMES
from xinglin.web.assets import asset_url
from xinglin.web.page import error_page, provide_visit
from xinglin_catalog import CatalogError
from xinglin_routing import ProblemError

TEMPLATES = Path(__file__).parent / "web" / "templates"
STATIC = Path(__file__).parent / "web" / "static"
LARGEST_BODY = 2 * 1024 * 1024


def create_app(database: Database, settings: Settings, *, debug: bool = False) -> Litestar:
    """The whole service on one database."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        await database.close()

    return Litestar(
        route_handlers=[
            health,
            *web.handlers(settings),
            *api.handlers(),
            create_static_files_router(path="/static", directories=[STATIC], include_in_schema=False),
        ],
        dependencies={"visit": Provide(provide_visit, sync_to_thread=False)},
        middleware=[Doorbell(), Gate(database)],
        before_send=[with_safe_headers],
        lifespan=[lifespan],
        state=_state(database, settings),
        # Attempts are counted in files, so that all web processes count together.
        stores={"rate_limit": FileStore(settings.data_dir / "attempts", create_directories=True)},
        csrf_config=CSRFConfig(
            secret=csrf_secret(settings), cookie_name="xinglin_csrf", cookie_secure=settings.secure_cookies,
            cookie_samesite="strict", exclude=["^/api/"],
        ),
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(templates())),
        openapi_config=OpenAPIConfig(
            title="杏林 Xinglin", version=__version__, path="/api/schema", use_handler_docstrings=True, render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
        ),
        exception_handlers={
            Refusal: on_refusal,
            CatalogError: on_library_error,
            ProblemError: on_library_error,
            HTTPException: on_http_error,
            Exception: on_error,
        },
        request_max_body_size=LARGEST_BODY,
        debug=debug,
        logging_config=None,
        pdb_on_exception=False,
    )  # fmt: skip


def _state(database: Database, settings: Settings) -> Any:
    return State({"database": database, "settings": settings})


def templates() -> Environment:
    """Jinja: strict about names, escaping everything."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(asset_url=asset_url, new_key=lambda: secrets.token_urlsafe(18))
    return environment


def csrf_secret(settings: Settings) -> str:
    """The secret of the CSRF cookie: as set, or made once and kept beside the data."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    kept = settings.data_dir / "secret"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(32))
    return kept.read_text()


@get("/health", include_in_schema=False, opt={"exclude_from_csrf": True})
async def health(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Whether the service answers and reaches its database."""
    async with request.app.state.database.transaction():
        return {"status": "ok", "version": __version__}


async def with_safe_headers(message: Message, scope: Scope) -> None:
    """Every answer carries the request's id and the headers that keep browsers safe."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers["x-request-id"] = request_id_of(scope)
    for name, value in SAFE_HEADERS.items():
        headers.setdefault(name, value)
    if not str(scope["path"]).startswith("/static/"):
        headers.setdefault("cache-control", "no-store")


Anything = Request[Any, Any, Any]
ROLE_WORDS: dict[str, str] = {str(role): name for role, name in ROLE_NAMES.items()}


def is_api(request: Anything) -> bool:
    """Whether a machine asks."""
    return str(request.scope["path"]).startswith("/api/")


def answer(
    request: Anything, status: int, code: str, message: str, *, faults: list[dict[str, str]] | None = None
) -> Response[Any]:
    """A refusal as a problem document (RFC 9457) or as a page, in the reader's language."""
    if is_api(request):
        body: dict[str, Any] = {
            "type": f"urn:xinglin:{code}", "title": code, "status": status, "detail": message,
            "instance": request.scope["path"],
        }  # fmt: skip
        if faults:
            body["faults"] = faults
        return Response(body, status_code=status, media_type="application/problem+json")
    return error_page(request, status, message, faults or [])


def on_refusal(request: Anything, refusal: Refusal) -> Response[Any]:
    """What a room refused."""
    if refusal.status in (401, 403, 404):
        log.info("refused", code=refusal.code, status=refusal.status, path=request.scope["path"])
    if refusal.status == 401 and not is_api(request):
        path = request.scope["path"] if request.method == "GET" else "/"
        return Response(None, status_code=303, headers={"location": sign_in_address(path)})
    if isinstance(refusal, ManyFaults):
        return on_unreadable(request, refusal.wrong)
    return answer(request, refusal.status, refusal.code, said(request, refusal.message, refusal.fields))


def said(request: Anything, message: str, fields: dict[str, Any]) -> str:
    """A sentence with its fields in the reader's language; fields that are sentences themselves too."""
    locale = locale_of(request)
    told = {
        name: translate(locale, ROLE_WORDS.get(value, value) if name == "role" else value)
        if isinstance(value, str) and value
        else value
        for name, value in fields.items()
    }
    return translate(locale, message, **told) if told else translate(locale, message)


def on_library_error(request: Anything, error: CatalogError | ProblemError) -> Response[Any]:
    """What the catalogue or the routing library refused."""
    if isinstance(error, CatalogError):
        return answer(request, 422, "bad_input", said(request, error.message, dict(error.params)))
    return answer(request, 422, "bad_input", str(error))


def on_unreadable(request: Anything, wrong: list[Wrong]) -> Response[Any]:
    """A body or a parameter of the wrong form: every fault with its place."""
    faults = [{"where": one.where, "what": said(request, one.message, one.fields)} for one in wrong]
    first, more = faults[0], len(faults) - 1
    message = translate(
        locale_of(request),
        N_("{where}: {what} And {more} more.") if more else N_("{where}: {what}"),
        **first, more=more,
    )  # fmt: skip
    return answer(request, 422, "bad_input", message, faults=faults)


HTTP_SENTENCES = {
    400: N_("The request is not understood."),
    401: N_("Sign in first."),
    403: N_("This is not allowed: open the page anew and try again."),
    404: N_("There is no such page."),
    405: N_("This address does not take that kind of request."),
    413: N_("That is too much at once: at most 2 MiB."),
    415: N_("This kind of content is not taken here."),
    429: N_("Too many attempts: wait a minute and try again."),
}


def on_http_error(request: Anything, error: HTTPException) -> Response[Any]:
    """What the web framework refused."""
    status = error.status_code
    if status >= 500:
        return on_error(request, error)
    if status == 400 and (wrong := faults_of(request, error)):
        return on_unreadable(request, wrong)
    if status in (403, 404, 429):
        log.warning(
            "refused", status=status, path=request.scope["path"], request_id=request_id_of(request.scope)
        )
    sentence = HTTP_SENTENCES.get(status, HTTP_SENTENCES[400])
    if status == 404 and is_api(request):
        sentence = N_("There is no such address: /api/schema/openapi.json lists all of them.")
    response = answer(request, status, f"http_{status}", translate(locale_of(request), sentence))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def on_error(request: Anything, error: Exception) -> Response[Any]:
    """What should not happen: logged whole, told without detail. A clash of transactions is tried again."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, DeadlockDetectedError | SerializationError):
        request.scope["state"]["try_again"] = True
    is_away = isinstance(cause, PostgresConnectionError | ConnectionError | OSError)
    structlog.get_logger().error("failed", path=request.scope["path"], exc_info=error)
    sentence = (
        N_("The database is not there at the moment: try again in a few seconds.")
        if is_away
        else N_("Something went wrong here; nothing was changed. Tell the administrator the number below.")
    )
    status = 503 if is_away else 500
    return answer(request, status, "away" if is_away else "failed", translate(locale_of(request), sentence))
