"""Accounts, posts, passwords, sign-in and tokens."""

import asyncio
import hashlib
import re
import secrets
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database, trail
from xinglin.base.actor import Actor
from xinglin.base.errors import N_, BadInput, NotAllowed, NotFound, NotSignedIn
from xinglin.people import queries, rules
from xinglin.people.models import Account, Credential, Post
from xinglin.places import queries as place_queries

HASHER = PasswordHasher()
A_HASH = re.compile("[0-9a-f]{64}")
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
NOBODY = HASHER.hash(secrets.token_urlsafe())
"""Checked when the name is unknown, so that a wrong name takes as long as a wrong password."""


class SignedIn(NamedTuple):
    """A fresh credential: the token is shown once and never kept."""

    token: str
    account_id: UUID
    actor: Actor
    hours: int


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


async def hash_password(password: str) -> str:
    """Argon2id, off the event loop."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(
            N_("A password has {least} to {most} characters."), least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD
        )
    return await asyncio.to_thread(HASHER.hash, password)


def _is_password(kept: str, password: str) -> bool:
    try:
        return HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


async def sign_in(session: AsyncSession, username: str, password: str, *, hours: int) -> SignedIn:
    """Check name and password and open a session at the person's first post.

    Whatever is wrong, the answer is the same sentence after the same time.
    """
    account = (
        await session.exec(select(Account).where(col(Account.username) == username.strip().lower()))
    ).one_or_none()
    kept = account.password_hash if account and account.password_hash and not account.closed_at else None
    is_right = await asyncio.to_thread(_is_password, kept or NOBODY, password[:LONGEST_PASSWORD])
    post = await queries.first_post(session, account.id) if account and kept and is_right else None
    if account is None or post is None:
        raise NotSignedIn(N_("Name or password is wrong."))
    token = await _new_credential(session, account.id, post.id, "session", hours=hours)
    return SignedIn(token, account.id, queries.actor_at(account, post), hours)


async def sign_out(session: AsyncSession, token: str) -> None:
    """End a session. A token that is not there is signed out already."""
    await database.run(session, "DELETE FROM public.credential WHERE token_hash = $1", token_hash(token))


async def take_post(session: AsyncSession, actor: Actor, token: str, post_id: UUID) -> None:
    """Go on at another of one's own posts (换岗)."""
    changed = await database.run(
        session,
        """UPDATE public.credential SET post_id = $2 WHERE token_hash = $1 AND account_id = $3 AND EXISTS (
             SELECT 1 FROM public.post WHERE id = $2 AND account_id = $3 AND ended_at IS NULL)""",
        token_hash(token),
        post_id,
        actor.account_id,
    )
    if not changed:
        raise NotFound(N_("There is no such post, or it is not one of yours."))


async def _new_credential(
    session: AsyncSession, account_id: UUID, post_id: UUID, kind: str, *, hours: int, label: str = ""
) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        Credential(
            token_hash=token_hash(token), account_id=account_id, post_id=post_id, kind=kind, label=label,
            made_at=clock.now(), expires_at=clock.now() + timedelta(hours=hours),
        )
    )  # fmt: skip
    await session.flush()
    return token


async def issue_token(
    session: AsyncSession, actor: Actor, post_id: UUID, *, label: str, days: int = 90
) -> str:
    """An API token for one of one's own posts, for at most a year; shown once."""
    actor.must("people.issue_token")
    post = (await session.exec(select(Post).where(col(Post.id) == post_id))).one_or_none()
    if post is None or post.account_id != actor.account_id or post.ended_at:
        raise NotFound(N_("There is no such post, or it is not one of yours."))
    if not label.strip() or not 0 < days <= 366:
        raise BadInput(N_("A token needs a label and a life of 1 to 366 days."))
    token = await _new_credential(
        session, actor.account_id, post_id, "token", hours=days * 24, label=label.strip()
    )
    await trail.record(session, actor, "people.issue_token", actor.account_id, label=label, days=days)
    return token


async def revoke_token(session: AsyncSession, actor: Actor, token_id: str) -> None:
    """End one of one's own API tokens, named by its hash in hexadecimal."""
    actor.must("people.revoke_token")
    found = await database.row(
        session,
        """DELETE FROM public.credential WHERE token_hash = $1 AND account_id = $2 AND kind = 'token'
           RETURNING label""",
        bytes.fromhex(token_id) if A_HASH.fullmatch(token_id) else b"",
        actor.account_id,
    )
    if found is None:
        raise NotFound(N_("There is no such token, or it is not one of yours."))
    await trail.record(session, actor, "people.revoke_token", actor.account_id, label=found["label"])


async def change_password(
    session: AsyncSession, actor: Actor, old: str, new: str, *, session_token: str = ""
) -> None:
    """Change one's own password, the old one being known; other browser sessions end, this one goes on.

    API tokens stay: each is revoked by itself.
    """
    actor.must("people.change_password")
    account = (await session.exec(select(Account).where(col(Account.id) == actor.account_id))).one()
    is_right = await asyncio.to_thread(_is_password, account.password_hash or NOBODY, old[:LONGEST_PASSWORD])
    if not is_right:
        raise BadInput(N_("The old password is wrong."))
    account.password_hash = await hash_password(new)
    session.add(account)
    await session.flush()
    await database.run(
        session,
        "DELETE FROM public.credential WHERE account_id = $1 AND kind = 'session' AND token_hash <> $2",
        account.id,
        token_hash(session_token),
    )
    await trail.record(session, actor, "people.change_password", account.id, paper=account.username)


async def open_account(
    session: AsyncSession,
    actor: Actor,
    username: str,
    name: str,
    *,
    password: str | None = None,
    phone: str = "",
) -> Account:
    """Open an account. Without a password it waits until the administrator sets one."""
    actor.must("people.open_account")
    username = username.strip().lower()
    if not username or not name.strip():
        raise BadInput(N_("An account needs a user name and the person's name."))
    if await database.value(session, "SELECT 1 FROM public.account WHERE username = $1", username):
        raise BadInput(N_("The user name {value} is taken."), value=username)
    hashed = await hash_password(password) if password else None
    account = Account(
        username=username, name=name.strip(), phone=phone or None, password_hash=hashed, made_at=clock.now()
    )
    session.add(account)
    await session.flush()
    await trail.record(session, actor, "people.open_account", account.id, paper=username, name=name)
    return account


async def set_password(session: AsyncSession, actor: Actor, account_id: UUID, password: str) -> None:
    """Give an account a new password; its open sessions end."""
    actor.must("people.set_password")
    account = await queries.account_in_county(session, actor, account_id)
    account.password_hash = await hash_password(password)
    session.add(account)
    await session.flush()
    await database.run(session, "DELETE FROM public.credential WHERE account_id = $1", account_id)
    await trail.record(session, actor, "people.set_password", account_id, paper=account.username)


async def give_post(
    session: AsyncSession, actor: Actor, account_id: UUID, role: str, place_id: UUID | None = None
) -> Post:
    """Give a person a role at a place, or for the whole county where the role is of that kind."""
    actor.must("people.give_post")
    if role not in set(rules.Role):
        raise BadInput(
            N_("{value} is no role; possible are {choices}."), value=role, choices=", ".join(rules.Role)
        )
    is_wide = role in rules.COUNTY_WIDE
    if is_wide != (place_id is None):
        raise BadInput(
            N_("The role {role} looks after the whole county: leave the place out.") if is_wide
            else N_("The role {role} is held at a place: name it."), role=rules.ROLE_NAMES[rules.Role(role)],
        )  # fmt: skip
    # Whoever works in another county only is no one here: an administrator must not take such an account over.
    account = await queries.account_in_county(session, actor, account_id)
    if account.closed_at:
        raise NotFound(N_("There is no such account."))
    if place_id is not None:
        await place_queries.place_in_reach(session, actor, place_id)
    post = Post(account_id=account_id, county=actor.county, place_id=place_id, role=role)
    session.add(post)
    await session.flush()
    await trail.record(
        session, actor, "people.give_post", account_id, paper=account.username, role=role, place=place_id
    )
    return post


async def end_post(session: AsyncSession, actor: Actor, post_id: UUID) -> None:
    """End a post; sessions and tokens at it end with it."""
    actor.must("people.end_post")
    post = (
        await session.exec(select(Post).where(col(Post.id) == post_id, col(Post.county) == actor.county))
    ).one_or_none()
    if post is None or post.ended_at:
        raise NotFound(N_("There is no such post."))
    if post.account_id == actor.account_id and post.role == rules.Role.ADMIN:
        raise NotAllowed(N_("Nobody ends the own post of administrator: let another administrator do it."))
    post.ended_at = clock.now()
    session.add(post)
    await session.flush()
    await database.run(session, "DELETE FROM public.credential WHERE post_id = $1", post_id)
    await trail.record(
        session, actor, "people.end_post", post.account_id, role=post.role, place=post.place_id
    )


async def close_account(session: AsyncSession, actor: Actor, account_id: UUID) -> None:
    """Close an account: nobody signs in with it any more; what it did stays in the trail."""
    actor.must("people.close_account")
    account = await queries.account_in_county(session, actor, account_id)
    if account_id == actor.account_id:
        raise NotAllowed(N_("Nobody closes the own account."))
    account.closed_at = clock.now()
    session.add(account)
    await session.flush()
    await database.run(session, "DELETE FROM public.credential WHERE account_id = $1", account_id)
    await trail.record(session, actor, "people.close_account", account_id, paper=account.username)
