"""Set up: the database server, its tables, a county's books."""

import contextlib
from collections.abc import Iterator, Mapping

import asyncpg

from xinglin.base import clock, database, migrate, queue
from xinglin.base.actor import worker_of
from xinglin.base.cluster import Cluster
from xinglin.base.database import Database, schema_of
from xinglin.base.errors import N_, BadInput, NotFound
from xinglin.base.settings import Settings
from xinglin.formulary import actions as formulary
from xinglin.people import actions as people, queries as people_queries
from xinglin.people.rules import Role
from xinglin.places import actions as places

DATABASE = "xinglin"


@contextlib.contextmanager
def server(settings: Settings, *, parameters: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of the database: XINGLIN_DATABASE_URL, or the embedded PostgreSQL, started if need be.

    `parameters` are PostgreSQL's own, for the embedded one.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with Cluster(settings.data_dir / "postgres", parameters=parameters) as cluster:
        yield cluster.ensure_database(DATABASE)


async def prepare(url: str) -> None:
    """Bring the shared part, the job queue and every county to the form this version needs."""
    migrate.upgrade_shared(url)
    await queue.ensure_schema(url)
    await note_restore(url)
    base = Database(url, pool_size=2)
    try:
        async with base.transaction() as session:
            codes = [
                row["code"] for row in await database.rows(session, "SELECT code FROM county ORDER BY code")
            ]
    finally:
        await base.close()
    for code in codes:
        migrate.upgrade_county(url, code)


async def note_restore(url: str) -> bool:
    """After a dump and restore transaction ids begin anew: count the life of the database up."""
    connection = await asyncpg.connect(url)
    try:
        changed: str = await connection.execute(
            """UPDATE public.incarnation SET number = number + 1, system = c.system_identifier::text
               FROM pg_control_system() c WHERE system <> c.system_identifier::text"""
        )
        return changed == "UPDATE 1"
    finally:
        await connection.close()


async def create_county(url: str, code: str, name: str) -> None:
    """Make a county: its schema, its edges, the policies it begins with. Refuses one that is there."""
    schema_of(code)
    if not name.strip():
        raise BadInput(N_("A county needs a name."))
    base = Database(url, pool_size=2)
    try:
        async with base.transaction() as session:
            if await database.value(session, "SELECT 1 FROM county WHERE code = $1", code):
                raise BadInput(N_("There is already a county {value}."), value=code)
        migrate.upgrade_county(url, code)
        async with base.transaction(code) as session:
            await places.add_edges(session)
            await formulary.set_first_policies(session)
            await database.run(
                session,
                "INSERT INTO public.county (code, name, made_at) VALUES ($1, $2, $3)",
                code, name.strip(), clock.now(),
            )  # fmt: skip
    finally:
        await base.close()


async def counties(url: str) -> list[tuple[str, str]]:
    """Codes and names of the counties served here."""
    base = Database(url, pool_size=1)
    try:
        async with base.transaction() as session:
            return [(county.code, county.name) for county in await people_queries.counties(session)]
    finally:
        await base.close()


async def open_admin(url: str, code: str, username: str, password: str) -> None:
    """The first administrator of a county, who opens all other accounts."""
    base = Database(url, pool_size=1)
    try:
        chosen = await find_county(base, code)
        actor = worker_of(chosen, "people.open_account", "people.give_post")
        async with base.transaction(chosen) as session:
            account = await people.open_account(session, actor, username, username, password=password)
            await people.give_post(session, actor, account.id, Role.ADMIN)
    finally:
        await base.close()


async def find_county(base: Database, code: str | None) -> str:
    """The county meant: the one named, or the only one there is."""
    async with base.transaction() as session:
        codes = [row["code"] for row in await database.rows(session, "SELECT code FROM county ORDER BY code")]
    if code is None and len(codes) == 1:
        return str(codes[0])
    if code not in codes:
        raise NotFound(
            N_("There is no county {value}; there are: {choices}."),
            value=code or "?",
            choices=", ".join(codes) or "-",
        )
    return str(code)
