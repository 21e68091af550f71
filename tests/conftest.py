"""One fast PostgreSQL for the whole run, a template county in it, a fresh copy wherever a test commits."""

import asyncio
import inspect
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.world import COUNTY, World, build
from xinglin import install
from xinglin.base.cluster import Cluster
from xinglin.base.database import Database

ADDRESS = "XINGLIN_TEST_SERVER"
TEMPLATE = "xinglin_template"
_cluster: Cluster | None = None
_folder: Path | None = None


def pytest_configure(config: pytest.Config) -> None:
    """The process that leads the run owns the server; its workers find the address in the environment."""
    global _cluster, _folder
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    _folder = Path(tempfile.mkdtemp(prefix="xinglin-tests-"))
    _cluster = Cluster(_folder / "postgres", fast_and_unsafe=True, parameters={"max_connections": "200"})
    _cluster.start()
    os.environ[ADDRESS] = _cluster.ensure_database("postgres")
    url = _cluster.ensure_database(TEMPLATE)
    asyncio.run(fill(url))


async def fill(url: str) -> None:
    """The small county, in an empty database."""
    await install.prepare(url)
    await install.create_county(url, COUNTY, "沙湾市")
    base = Database(url, pool_size=1)
    async with base.transaction(COUNTY) as session:
        await build(session)
    await base.close()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The server ends with the run."""
    if _cluster is not None and _folder is not None:
        _cluster.stop()
        shutil.rmtree(_folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    """Every coroutine is a test of its own, without a mark on each; marked this early it may have parameters."""
    is_test = isinstance(collector, pytest.Module | pytest.Class) and collector.istestfunction(obj, name)
    if is_test and inspect.iscoroutinefunction(obj):
        pytest.mark.anyio(obj)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Tests run on the loop the service runs on."""
    return "asyncio", {"use_uvloop": True}


async def _sql(statement: str) -> None:
    connection = await asyncpg.connect(os.environ[ADDRESS])
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def make_database() -> str:
    """The address of a fresh copy of the template county."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    asyncio.run(_sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    return os.environ[ADDRESS].replace("/postgres?", f"/{name}?")


def drop_database(url: str) -> None:
    """Away with it."""
    name = url.split("?")[0].rsplit("/", 1)[1]
    asyncio.run(_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def shared_url() -> Iterator[str]:
    """One copy for all tests of this process that roll back."""
    url = make_database()
    yield url
    drop_database(url)


@pytest.fixture
def url() -> Iterator[str]:
    """A copy for one test that commits."""
    url = make_database()
    yield url
    drop_database(url)


@pytest.fixture
async def base(url: str) -> AsyncIterator[Database]:
    """The database of one test that commits."""
    base = Database(url, pool_size=8)
    yield base
    await base.close()


@pytest.fixture
async def session(shared_url: str) -> AsyncIterator[AsyncSession]:
    """A transaction in the county, rolled back."""
    base = Database(shared_url, pool_size=1)
    opened, _ = await base.begin(f"SET LOCAL search_path TO county_{COUNTY}, public")
    try:
        yield opened
    finally:
        await opened.rollback()
        await opened.close()
        await base.close()


@pytest.fixture(scope="session")
def world() -> World:
    """Names, ids and people of the template county; the same in every copy."""
    return World()
