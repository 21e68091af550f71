"""The database: one transaction for each request or job, in the county's own schema."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Result, text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base.errors import N_, BadInput

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Row: TypeAlias = Any
"""One row as asyncpg gives it: by name, by position, or unpacked."""
COUNTY_CODE = re.compile(r"[0-9]{6}")
WAITS_S = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)


def schema_of(county: str) -> str:
    """The schema of a county by its six-digit division code (GB/T 2260)."""
    if not COUNTY_CODE.fullmatch(county):
        raise BadInput(N_("{value} is not a county code: it has six digits, such as 654203."), value=county)
    return f"county_{county}"


_clause = lru_cache(maxsize=64)(text)


class Database:
    """An engine and the transactions on it."""

    def __init__(self, url: str, *, pool_size: int = 16) -> None:
        self.url = url
        dialect_url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+asyncpg://", url)
        self.engine: AsyncEngine = create_async_engine(
            dialect_url,
            pool_size=pool_size,
            max_overflow=4,
            pool_timeout=30,
            pool_use_lifo=True,  # the connection that was used last knows its statements and types already
            connect_args={"statement_cache_size": 512, "server_settings": {"application_name": "xinglin"}},
            query_cache_size=1200,
        )
        self._sessions = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self, county: str | None = None) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        path = f"{schema_of(county)}, public" if county else "public"
        session, _ = await self.begin(f"SET LOCAL search_path TO {path}")
        async with self.ending(session):
            yield session
            await session.commit()

    @asynccontextmanager
    async def ending(self, session: AsyncSession) -> AsyncIterator[None]:
        """Whatever was not committed when the block ends is rolled back."""
        try:
            yield
        except BaseException:
            await session.rollback()
            raise
        finally:
            await session.close()

    async def begin(
        self, first: str, values: Mapping[str, Any] | None = None
    ) -> tuple[AsyncSession, Result[Any]]:
        """Open a transaction by its first statement.

        A connection that died in the pool is replaced, waiting some seconds for the server to be back.
        """
        for wait_s in (*WAITS_S, None):
            session = self._sessions()
            try:
                connection = await session.connection()
                return session, await connection.execute(_clause(first), values)
            except (DBAPIError, InterfaceError, OSError, asyncpg.PostgresError):
                await session.close()
                if wait_s is None:
                    raise
                await asyncio.sleep(wait_s)
        raise AssertionError

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


async def driver(session: AsyncSession) -> asyncpg.Connection:
    """The asyncpg connection under the session, in the same transaction: for set-based statements."""
    known = session.info.get("driver")
    if known is None:
        raw = await (await session.connection()).get_raw_connection()
        known = session.info["driver"] = raw.driver_connection
    return known


async def rows(session: AsyncSession, sql: str, *arguments: Any) -> list[Row]:
    """All rows of a statement."""
    found: list[Row] = await (await driver(session)).fetch(sql, *arguments)
    return found


async def row(session: AsyncSession, sql: str, *arguments: Any) -> Row | None:
    """The first row, or None."""
    return await (await driver(session)).fetchrow(sql, *arguments)


async def value(session: AsyncSession, sql: str, *arguments: Any) -> Any:
    """The first column of the first row."""
    return await (await driver(session)).fetchval(sql, *arguments)


async def run(session: AsyncSession, sql: str, *arguments: Any) -> int:
    """Run a statement; how many rows it touched."""
    status: str = await (await driver(session)).execute(sql, *arguments)
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0


async def copy(
    session: AsyncSession, table: str, columns: list[str], records: Iterable[tuple[Any, ...]]
) -> None:
    """Bring many new rows in at once (COPY)."""
    await (await driver(session)).copy_records_to_table(table, records=records, columns=columns)
