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


async def accounts(
    session: AsyncSession, actor: Actor, *, text: str = "", after: str = "", limit: int = 100
) -> list[Row]:
    """People with posts in the county or none yet, by user name, each with the posts held."""
    actor.must("people.read")
    return await database.rows(
        session,
        """SELECT a.id, a.username, a.name, a.phone, a.closed_at, a.password_hash IS NOT NULL AS is_active,
             coalesce(json_agg(json_build_object('id', p.id, 'role', p.role, 'place', l.name) ORDER BY p.id)
               FILTER (WHERE p.id IS NOT NULL AND p.ended_at IS NULL), '[]')::text AS posts
           FROM public.account a LEFT JOIN public.post p ON p.account_id = a.id AND p.county = $1
             LEFT JOIN place l ON l.id = p.place_id
           WHERE a.username > $2 AND (p.id IS NOT NULL
               OR NOT EXISTS (SELECT 1 FROM public.post o WHERE o.account_id = a.id))
           GROUP BY a.id
           HAVING $4 = '' OR strpos(lower(concat_ws(' ', a.username, a.name, a.phone, string_agg(l.name, ' '))), lower($4)) > 0
           ORDER BY a.username LIMIT $3""",
        actor.county,
        after,
        limit,
        text.strip(),
    )


async def counties(session: AsyncSession) -> list[County]:
    """Every county served here."""
    return list((await session.exec(select(County).order_by(col(County.code)))).all())


async def tokens(session: AsyncSession, actor: Actor) -> list[Row]:
    """One's own API tokens that still hold, newest first: at which post each works, never the token itself."""
    return await database.rows(
        session,
        """SELECT encode(c.token_hash, 'hex') AS id, c.label, c.made_at, c.expires_at, p.role, p.place_id, l.name AS place
           FROM public.credential c JOIN public.post p ON p.id = c.post_id LEFT JOIN place l ON l.id = p.place_id
           WHERE c.account_id = $1 AND c.kind = 'token' AND c.expires_at > $2 AND p.county = $3
           ORDER BY c.made_at DESC""",
        actor.account_id,
        clock.now(),
        actor.county,
    )


async def own_posts(session: AsyncSession, actor: Actor) -> list[Row]:
    """One's own posts in this county and elsewhere, with the names of their places."""
    return await database.rows(
        session,
        """SELECT p.id, p.role, p.county, p.place_id, l.name AS place, y.name AS county_name
           FROM public.post p JOIN public.county y ON y.code = p.county LEFT JOIN place l ON l.id = p.place_id
           WHERE p.account_id = $1 AND p.ended_at IS NULL ORDER BY p.id""",
        actor.account_id,
    )


async def current_post(session: AsyncSession, token: str) -> UUID | None:
    """The post at which a browser session works."""
    found: UUID | None = await database.value(
        session,
        "SELECT post_id FROM public.credential WHERE token_hash = $1",
        hashlib.sha256(token.encode()).digest(),
    )
    return found


async def account(session: AsyncSession, actor: Actor, account_id: UUID) -> Row:
    """One person, with every post held or once held in this county."""
    actor.must("people.read")
    await account_in_county(session, actor, account_id)
    return await database.row(
        session,
        """SELECT a.id, a.username, a.name, a.phone, a.closed_at, a.made_at, a.password_hash IS NOT NULL AS is_active,
             coalesce(json_agg(json_build_object('id', p.id, 'role', p.role, 'place', l.name, 'ended_at', p.ended_at)
               ORDER BY p.ended_at NULLS FIRST, p.id) FILTER (WHERE p.id IS NOT NULL), '[]')::text AS posts
           FROM public.account a LEFT JOIN public.post p ON p.account_id = a.id AND p.county = $2
             LEFT JOIN place l ON l.id = p.place_id
           WHERE a.id = $1 GROUP BY a.id""",
        account_id,
        actor.county,
    )


async def tally(session: AsyncSession, actor: Actor) -> Row:
    """How many people work in the county, at how many posts, and how many still wait for a password."""
    actor.must("people.read")
    return await database.row(
        session,
        """SELECT count(DISTINCT a.id) AS people, count(*) AS posts,
             count(DISTINCT a.id) FILTER (WHERE a.password_hash IS NULL) AS waiting
           FROM public.post p JOIN public.account a ON a.id = p.account_id
           WHERE p.county = $1 AND p.ended_at IS NULL AND a.closed_at IS NULL""",
        actor.county,
    )
