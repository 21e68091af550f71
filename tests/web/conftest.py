"""The desks without a browser: somebody signed in who reads pages and sends their forms."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar

from tests.world import World
from xinglin.app import create_app
from xinglin.base.database import Database
from xinglin.base.settings import Settings
from xinglin.gate import SESSION_COOKIE
from xinglin.web.assets import ensure_assets

CSRF = re.compile(r'name="csrf-token" content="([^"]+)"')


class Desk(AsyncClient):
    """A person at a desk. Redirects are followed, as a browser does."""

    def __init__(self, app: Litestar, token: str) -> None:
        super().__init__(
            transport=ASGITransport(app), base_url="http://desk", follow_redirects=True,
            cookies={SESSION_COOKIE: token}, headers={"accept-language": "en"},
        )  # fmt: skip
        self.csrf = ""

    async def see(self, address: str, status: int = 200) -> str:
        """Read a page."""
        answer = await self.get(address)
        assert answer.status_code == status, (answer.status_code, answer.text[:3000])
        if found := CSRF.search(answer.text):
            self.csrf = found[1]
        return answer.text

    async def submit(self, address: str, status: int = 200, **form: Any) -> Response:
        """Send a form of a page that was seen before; what came after the redirect."""
        form = {"_csrf_token": self.csrf, "idempotency_key": uuid4().hex} | form
        answer = await self.post(address, data=form)
        assert answer.status_code == status, (answer.status_code, answer.text[:3000])
        return answer


@pytest.fixture
async def service(url: str, tmp_path: Path) -> AsyncIterator[Litestar]:
    """The service on a county of its own."""
    ensure_assets()
    database = Database(url, pool_size=4)
    yield create_app(database, Settings(data_dir=tmp_path, log_level="error"))
    await database.close()


@pytest.fixture
def desk(service: Litestar, world: World) -> Callable[[str], Desk]:
    """Somebody signed in: `keeper = desk("keeper")`."""
    return lambda name: Desk(service, world.session_token(name))
