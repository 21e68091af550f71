"""Who holds which post, and who stands behind a token."""

import hashlib
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.base.database import Row
from xinglin.base.errors import N_, NotFound
from xinglin.people.models import Account, County, Post
from xinglin.people.rules import verbs_of

WHO = """SELECT a.id, a.name, p.role, p.county, p.place_id, y.name AS county_name,
      set_config('search_path', 'county_' || p.county || ', public', true) AS path
    FROM public.credential c JOIN public.account a ON a.id = c.account_id JOIN public.post p ON p.id = c.post_id
      JOIN public.county y ON y.code = p.county
    WHERE c.token_hash = :hash AND c.kind = :kind AND c.expires_at > :now AND a.closed_at IS NULL
      AND p.ended_at IS NULL"""
"""The first statement of a request: who comes in, and from then on that county's books."""


def behind(token: str, kind: str) -> tuple[str, dict[str, object]]:
    """The statement and its values that find the person behind a token and open the county's schema."""
    return WHO, {"hash": hashlib.sha256(token.encode()).digest(), "kind": kind, "now": clock.now()}


def actor_of(found: Row) -> Actor:
    """The person at the post, from a row of WHO."""
    return Actor(found.id, found.name, found.role, found.county, found.place_id, verbs_of(found.role))


def actor_at(account: Account, post: Post) -> Actor:
    """A person at work at a post."""
    return Actor(account.id, account.name, post.role, post.county, post.place_id, verbs_of(post.role))


async def first_post(session: AsyncSession, account_id: UUID) -> Post | None:
    """The post at which a person begins after signing in."""
    asked = select(Post).where(col(Post.account_id) == account_id, col(Post.ended_at).is_(None))
    return (await session.exec(asked.order_by(col(Post.id)).limit(1))).one_or_none()


async def posts_of(session: AsyncSession, account_id: UUID) -> list[Post]:
    """All posts a person holds."""
    asked = select(Post).where(col(Post.account_id) == account_id, col(Post.ended_at).is_(None))
    return list((await session.exec(asked.order_by(col(Post.id)))).all())


async def account_in_county(session: AsyncSession, actor: Actor, account_id: UUID) -> Account:
    """An account with a post in the actor's county, or without any post yet."""
    account = (await session.exec(select(Account).where(col(Account.id) == account_id))).one_or_none()
    posts = (await session.exec(select(Post).where(col(Post.account_id) == account_id))).all()
    if account is None or (posts and all(post.county != actor.county for post in posts)):
        raise NotFound(N_("There is no such account."))
    return account


async def accounts(session: AsyncSession, actor: Actor, *, after: str = "", limit: int = 100) -> list[Row]:
    """People with posts in the county, by user name, each with the posts held."""
    actor.must("people.read")
    return await database.rows(
        session,
        """SELECT a.id, a.username, a.name, a.phone, a.closed_at, a.password_hash IS NOT NULL AS is_active,
             coalesce(json_agg(json_build_object('id', p.id, 'role', p.role, 'place', l.name) ORDER BY p.id)
               FILTER (WHERE p.ended_at IS NULL), '[]')::text AS posts
           FROM public.account a JOIN public.post p ON p.account_id = a.id LEFT JOIN place l ON l.id = p.place_id
           WHERE p.county = $1 AND a.username > $2 GROUP BY a.id ORDER BY a.username LIMIT $3""",
        actor.county,
        after,
        limit,
    )


async def counties(session: AsyncSession) -> list[County]:
    """Every county served here."""
    return list((await session.exec(select(County).order_by(col(County.code)))).all())
