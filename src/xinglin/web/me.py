"""Oneself, at any desk: posts, language, password, API tokens."""

import json
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from xinglin.base.errors import N_, BadInput, Refusal
from xinglin.base.language import translate
from xinglin.base.once import Answer
from xinglin.gate import KEEP_INSTEAD, Here, Visit
from xinglin.people import actions as people, queries as people_queries
from xinglin.people.actions import SHORTEST_PASSWORD
from xinglin.people.rules import ROLE_NAMES, Role
from xinglin.web.desk import id_in, refused, whole
from xinglin.web.page import go, page

Form = URLEncodedBody[dict[str, str]]


def handlers() -> list[Any]:
    """The page and what can be done on it."""
    return [me, change_password, issue_token, revoke_token]


@get("/me", include_in_schema=False)
async def me(visit: Here, done: FromQuery[str] = "") -> Template:
    """Who I am here."""
    return await _page(visit, flashes=[("success", DONE[done])] if done in DONE else [])


DONE = {
    "password": N_("Your password is changed; other browsers where you were signed in are signed out."),
    "revoked": N_("The token is revoked; nothing can use it any more."),
}


async def _page(visit: Visit, *, status: int = 200, flashes: Any = (), **shown: Any) -> Template:
    """The page; with what went wrong, or with a fresh token."""
    context = {"faults": {}, "typed": {}, "fresh": ""} | shown
    return page(
        visit, "admin/me.html", status=status, posts=await people_queries.own_posts(visit.session, visit.actor),
        current=await people_queries.current_post(visit.session, visit.token),
        tokens=await people_queries.tokens(visit.session, visit.actor), least=SHORTEST_PASSWORD,
        role_words={str(role): name for role, name in ROLE_NAMES.items()}, own_role=ROLE_NAMES[Role(visit.actor.role)],
        flashes=[(level, translate(visit.locale, text)) for level, text in flashes], **context,
    )  # fmt: skip


@post("/me/password", include_in_schema=False)
async def change_password(visit: Here, data: Form) -> Template | Redirect:
    """A new password, the old one being known."""
    new = data.get("new", "")
    try:
        if new != data.get("again", ""):
            raise BadInput(N_("The new password was not written the same way twice."))
        await people.change_password(
            visit.session, visit.actor, data.get("old", ""), new, session_token=visit.token
        )
    except BadInput as refusal:
        return await _page(visit, status=refusal.status, faults={"password": refused(visit, refusal)})
    return go("/me?done=password")


@post("/me/tokens", include_in_schema=False, status_code=200)
async def issue_token(request: Request[Any, Any, Any], visit: Here, data: Form) -> Template:
    """A token for one of one's own posts: on this one page, and never again."""
    try:
        token = await people.issue_token(
            visit.session, visit.actor, id_in(data.get("post_id")) or UUID(int=0), label=data.get("label", ""),
            days=whole(data.get("days", "")) or 0,
        )  # fmt: skip
    except Refusal as refusal:
        return await _page(
            visit, status=refusal.status, faults={"token": refused(visit, refusal)}, typed=data
        )
    request.scope["state"][KEEP_INSTEAD] = Answer(303, json.dumps([["location", "/me"]]), b"")
    return await _page(visit, fresh=token)


@post("/me/tokens/revoke", include_in_schema=False)
async def revoke_token(visit: Here, data: Form) -> Redirect:
    """One token less."""
    await people.revoke_token(visit.session, visit.actor, data.get("token", ""))
    return go("/me?done=revoked")
