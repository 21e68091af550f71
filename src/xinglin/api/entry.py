"""How an address of the API is declared: the verb it takes, and what it may answer besides success."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get, patch, post, put
from litestar.connection import ASGIConnection
from litestar.exceptions import SerializationException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from pydantic import BaseModel

from xinglin.api.faults import ManyFaults, Wrong
from xinglin.base.errors import N_, Refusal
from xinglin.gate import Visit

JSON = "application/json"
CSV = "text/csv"


class FaultOut(BaseModel):
    """One thing wrong with a request, and where: `lines[0].quantity`, `limit`, `Idempotency-Key`, `line 3`."""

    where: str
    what: str


class Problem(BaseModel):
    """A refusal (RFC 9457): `detail` is one sentence a clerk can act on; `faults` lists all that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    faults: list[FaultOut] = []


class WrongContent(Refusal):
    """The body is of another kind than this address takes."""

    code = "wrong_content"
    status = 415


REFUSED = {
    400: "The request is not understood.",
    401: "No valid bearer token.",
    403: "The role may not do this.",
    404: "There is no such thing, or it is not one of yours.",
    409: "The paper is not in a state in which this can be done, or there are not enough goods.",
    412: "Somebody changed the paper after it was read.",
    413: "The body is too large.",
    415: "The body is of another kind than this address takes.",
    422: "Something sent does not mean anything here; every fault with its place.",
    429: "Too many requests: wait a minute.",
    503: "The database is not there at the moment: try again.",
}
QUESTIONS = (400, 401, 403, 404, 422, 429, 503)


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """The problem documents an address may answer with."""
    return {
        status: ResponseSpec(
            Problem,
            description=REFUSED[status],
            media_type="application/problem+json",
            generate_examples=False,
        )
        for status in statuses
    }


@dataclass
class TakesCsv(Operation):
    """An address whose body is a file."""

    def __post_init__(self) -> None:
        """Say so in the OpenAPI."""
        kind = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        self.request_body = RequestBody(content={CSV: kind}, required=True)


def ask(verb: str, path: str = "") -> get:
    """A question, for posts that may `verb`; with an empty verb for everybody who is signed in."""
    return get(path, opt={"verb": verb}, responses=refusals(*QUESTIONS))


def make(verb: str, path: str = "", *, takes: str = JSON) -> post:
    """A write that makes something new: 201."""
    more: dict[str, Any] = {} if takes == JSON else {"operation_class": TakesCsv}
    return post(path, opt={"verb": verb, "takes": takes}, responses=refusals(*REFUSED), **more)


def do(verb: str, path: str) -> post:
    """A step a paper takes: 200."""
    return post(path, opt={"verb": verb}, responses=refusals(*REFUSED), status_code=200)


def replace(verb: str, path: str) -> put:
    """A write that says how something now is: 200."""
    return put(path, opt={"verb": verb}, responses=refusals(*REFUSED))


def change(verb: str, path: str) -> patch:
    """A write that changes what it names: 200."""
    return patch(path, opt={"verb": verb}, responses=refusals(*REFUSED))


async def may_enter(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Before anything else: may the role do this, and can the body be read at all?"""
    visit: Visit = connection.scope["state"]["visit"]
    if verb := handler.opt["verb"]:
        visit.actor.must(verb)
    if {"data", "body"} & handler.parsed_fn_signature.parameters.keys():
        assert isinstance(connection, Request)
        await _check_body(connection, handler.opt.get("takes", JSON))


async def _check_body(request: Request[Any, Any, Any], wanted: str) -> None:
    """The body is of the kind that is taken; JSON is read here once and kept for the handler."""
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() != wanted:
        raise WrongContent(
            N_("Send the body as {wanted}, not as {value}."), wanted=wanted, value=sent[:80] or "-"
        )
    if wanted == JSON and await request.body():
        try:
            await request.json()
        except (SerializationException, UnicodeDecodeError) as error:
            reason = str(error.__cause__ or error)[:200]
            raise ManyFaults(
                [Wrong("body", N_("Is not valid JSON: {reason}."), {"reason": reason})]
            ) from None
        except RecursionError:
            raise ManyFaults([Wrong("body", N_("Lists and objects are nested too deeply."), {})]) from None
