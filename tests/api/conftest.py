"""The API as machines see it: somebody with a token who asks and sends."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel.ext.asyncio.session import AsyncSession

from tests.world import World
from xinglin.app import create_app
from xinglin.base.database import Database
from xinglin.base.settings import Settings


class Machine(AsyncClient):
    """A program that speaks for a person. Addresses are relative to /api/v1."""

    def __init__(self, app: Litestar, token: str, language: str = "en") -> None:
        super().__init__(
            transport=ASGITransport(app), base_url="http://api/api/v1",
            headers={"authorization": f"Bearer {token}", "accept-language": language},
        )  # fmt: skip

    async def ask(self, address: str, status: int = 200, **query: Any) -> Any:
        """Read something."""
        answer = await self.get(address, params=query or None)
        assert answer.status_code == status, (answer.status_code, answer.text[:3000])
        return answer.json()

    async def write(
        self, address: str, body: Any = None, *, method: str = "POST", key: str = "", version: int | None = None,
        **more: Any,
    ) -> Response:  # fmt: skip
        """Send a write, under a key of its own unless one is given."""
        headers = {"idempotency-key": key or uuid4().hex}
        if version is not None:
            headers["if-match"] = f'"{version}"'
        content = {} if body is None else {"json": body}
        return await self.request(method, address, headers=headers, **content, **more)

    async def do(self, address: str, body: Any = None, **more: Any) -> Any:
        """Send a write that must be done; what came of it."""
        answer = await self.write(address, body, **more)
        assert answer.status_code in (200, 201), (answer.status_code, answer.text[:3000])
        return answer.json()


@pytest.fixture
async def service(url: str, tmp_path: Path) -> AsyncIterator[Litestar]:
    """The service on a county of its own."""
    database = Database(url, pool_size=8)
    yield create_app(database, Settings(data_dir=tmp_path, log_level="error"))
    await database.close()


class Undone(AsyncSession):
    """Every commit is a rollback: each request finds the same county."""

    async def commit(self) -> None:
        await self.rollback()


@pytest.fixture(scope="module")
async def unchanging(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Litestar]:
    """The service on a county that no request changes."""
    database = Database(shared_url, pool_size=4)
    database._sessions = async_sessionmaker(database.engine, class_=Undone, expire_on_commit=False)
    yield create_app(database, Settings(data_dir=tmp_path_factory.mktemp("service"), log_level="error"))
    await database.close()


@pytest.fixture
def visitor(unchanging: Litestar, world: World) -> Callable[..., Machine]:
    """A program of somebody's that leaves no trace."""
    return lambda name, language="en": Machine(unchanging, world.token(name), language)


@pytest.fixture
def machine(service: Litestar, world: World) -> Callable[..., Machine]:
    """A program of somebody's: `doctor = machine("doctor1")`."""
    return lambda name, language="en": Machine(service, world.token(name), language)
