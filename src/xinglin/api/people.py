"""People by machine: oneself, one's posts and tokens; accounts and posts for administrators."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field, StringConstraints

from xinglin.api.entry import ask, do, make, replace
from xinglin.api.forms import (
    Cursor,
    In,
    KeyHeader,
    Limit,
    Made,
    Name,
    OnlyWhole,
    Page,
    Word,
    from_cursor,
    to_cursor,
)
from xinglin.base.once import Answer
from xinglin.gate import KEEP_INSTEAD, Here
from xinglin.people import actions as people, queries as people_queries
from xinglin.people.actions import LONGEST_PASSWORD, SHORTEST_PASSWORD
from xinglin.people.rules import Role

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Password = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]


class MeOut(BaseModel):
    """Who is asking, at which post, and what that post may do."""

    account_id: UUID
    name: str
    role: str
    county: str
    county_name: str
    place_id: UUID | None
    verbs: list[str]


class PostOut(BaseModel):
    """A role at a place; without a place for the whole county."""

    id: UUID
    county: str
    place_id: UUID | None
    role: str


class PostsOut(BaseModel):
    """All posts one holds."""

    items: list[PostOut]


class TokenIn(In):
    """A token for one of one's own posts, for so many days."""

    post_id: UUID
    label: Name
    days: Annotated[int, OnlyWhole, Field(ge=1, le=366)] = 90


JSON_HEADERS = '[["content-type", "application/json"]]'


class TokenOut(BaseModel):
    """A bearer token. It is shown here and never again: the same key sent again finds null in its place."""

    token: str | None


class TokenHeldOut(BaseModel):
    """One's own token that still holds; `id` is its hash, never the token itself."""

    id: str
    label: str
    role: str
    place: str | None
    made_at: datetime
    expires_at: datetime


class TokensOut(BaseModel):
    """All tokens of one's own that still hold in this county."""

    items: list[TokenHeldOut]


class OwnPasswordIn(In):
    """A new password for oneself, the old one being known."""

    old: Annotated[str, Field(max_length=LONGEST_PASSWORD)]
    new: Password


class AccountIn(In):
    """A new account. Without a password it waits until one is set."""

    username: Username
    name: Name
    password: Password | None = None
    phone: Word = ""


class PasswordIn(In):
    """A new password."""

    password: Password


class PostIn(In):
    """A role to be given, at a place unless the role looks after the whole county."""

    role: Role
    place_id: UUID | None = None


class HeldOut(BaseModel):
    """A post that somebody holds, with the name of its place."""

    id: UUID
    role: str
    place: str | None


class AccountOut(BaseModel):
    """A person with posts in this county."""

    id: UUID
    username: str
    name: str
    phone: str | None
    is_active: bool
    closed_at: datetime | None
    posts: list[HeldOut]


class Me(Controller):
    """Oneself."""

    path = "/me"
    tags = ("People",)

    @ask("")
    async def read(self, visit: Here) -> MeOut:
        """Who I am here, and what I may do."""
        a = visit.actor
        return MeOut(
            account_id=a.account_id, name=a.name, role=a.role, county=a.county, county_name=visit.county_name,
            place_id=a.place_id, verbs=sorted(a.verbs),
        )  # fmt: skip

    @ask("", "/posts")
    async def posts(self, visit: Here) -> PostsOut:
        """The posts I hold; a token belongs to one of them."""
        found = await people_queries.posts_of(visit.session, visit.actor.account_id)
        return PostsOut(items=[PostOut.model_validate(post, from_attributes=True) for post in found])

    @make("people.issue_token", "/tokens")
    async def issue_token(
        self,
        request: Request[Any, Any, Any],
        visit: Here,
        data: JSONBody[TokenIn],
        idempotency_key: KeyHeader,
    ) -> TokenOut:
        """Issue a bearer token for one of one's own posts. Shown once: sent again, the answer holds null."""
        # The answer is kept beside the key; the token is not, for only its hash may lie in a database.
        again = msgspec.json.encode({"token": None})
        request.scope["state"][KEEP_INSTEAD] = Answer(201, JSON_HEADERS, again)
        token = await people.issue_token(
            visit.session, visit.actor, data.post_id, label=data.label, days=data.days
        )
        return TokenOut(token=token)

    @ask("", "/tokens")
    async def tokens(self, visit: Here) -> TokensOut:
        """My tokens that still hold: at which post each works and until when."""
        found = await people_queries.tokens(visit.session, visit.actor)
        return TokensOut(items=[TokenHeldOut.model_validate(dict(row)) for row in found])

    @do("people.revoke_token", "/tokens/{token_id:str}/revoke")
    async def revoke_token(self, visit: Here, token_id: FromPath[str], idempotency_key: KeyHeader) -> Made:
        """End one of my tokens, named by its id; what uses it stops at once."""
        await people.revoke_token(visit.session, visit.actor, token_id)
        return Made(id=visit.actor.account_id)

    @replace("people.change_password", "/password")
    async def change_password(
        self, visit: Here, data: JSONBody[OwnPasswordIn], idempotency_key: KeyHeader
    ) -> Made:
        """Change my password; browsers where I am signed in are signed out, tokens stay."""
        await people.change_password(visit.session, visit.actor, data.old, data.new)
        return Made(id=visit.actor.account_id)


class Accounts(Controller):
    """Accounts, for administrators."""

    path = "/accounts"
    tags = ("People",)

    @ask("people.read")
    async def list(self, visit: Here, cursor: Cursor = None, limit: Limit = 50) -> Page[AccountOut]:
        """People with posts in this county, by user name."""
        (after,) = from_cursor(cursor, str) or ("",)
        found = await people_queries.accounts(visit.session, visit.actor, after=after, limit=limit)
        return Page(
            items=[account_out(row) for row in found],
            next=to_cursor(found[-1]["username"]) if len(found) == limit else None,
        )

    @make("people.open_account")
    async def open(self, visit: Here, data: JSONBody[AccountIn], idempotency_key: KeyHeader) -> Made:
        """Open an account; it can sign in once it has a password and a post."""
        account = await people.open_account(
            visit.session, visit.actor, data.username, data.name, password=data.password, phone=data.phone
        )
        return Made(id=account.id)

    @replace("people.set_password", "/{account_id:uuid}/password")
    async def set_password(
        self, visit: Here, account_id: FromPath[UUID], data: JSONBody[PasswordIn], idempotency_key: KeyHeader
    ) -> Made:
        """Give an account a new password; its sessions and tokens end."""
        await people.set_password(visit.session, visit.actor, account_id, data.password)
        return Made(id=account_id)

    @do("people.close_account", "/{account_id:uuid}/close")
    async def close(self, visit: Here, account_id: FromPath[UUID], idempotency_key: KeyHeader) -> Made:
        """Close an account: nobody signs in with it any more; what it did stays in the trail."""
        await people.close_account(visit.session, visit.actor, account_id)
        return Made(id=account_id)

    @make("people.give_post", "/{account_id:uuid}/posts")
    async def give_post(
        self, visit: Here, account_id: FromPath[UUID], data: JSONBody[PostIn], idempotency_key: KeyHeader
    ) -> Made:
        """Give a person a role."""
        post = await people.give_post(visit.session, visit.actor, account_id, data.role, data.place_id)
        return Made(id=post.id)


class Posts(Controller):
    """Posts, for administrators."""

    path = "/posts"
    tags = ("People",)

    @do("people.end_post", "/{post_id:uuid}/end")
    async def end(self, visit: Here, post_id: FromPath[UUID], idempotency_key: KeyHeader) -> Made:
        """End a post; sessions and tokens at it end with it."""
        await people.end_post(visit.session, visit.actor, post_id)
        return Made(id=post_id)


def account_out(row: Any) -> AccountOut:
    """An account with its posts."""
    return AccountOut.model_validate({**row, "posts": msgspec.json.decode(row["posts"])})
