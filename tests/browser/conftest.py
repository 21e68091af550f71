"""A live service on a free port with its own county, and real Chromium signed in as anybody."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.world import World
from xinglin.app import create_app
from xinglin.base.database import Database
from xinglin.base.settings import Settings
from xinglin.gate import SESSION_COOKIE
from xinglin.web.assets import ensure_assets

CHROMIUM = "/usr/bin/chromium"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-background-networking"]
DESKTOP, PHONE = (1440, 900), (390, 844)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One Chromium for all tests of this process."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not there")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        await browser.close()


@dataclass
class Site:
    """A live service: its address, its database, and pages of people signed in."""

    address: str
    base: Database
    chromium: Browser
    world: World
    contexts: list[BrowserContext]
    errors: list[str]

    async def page(self, name: str, *, phone: bool = False, locale: str = "en", script: bool = True) -> Page:
        """A page of somebody signed in; what the browser complains about is kept in `errors`."""
        width, height = PHONE if phone else DESKTOP
        context = await self.chromium.new_context(
            base_url=self.address,
            viewport={"width": width, "height": height},
            has_touch=phone,
            java_script_enabled=script,
            extra_http_headers={"accept-language": locale},
            reduced_motion="reduce",
        )
        token = self.world.session_token(name)
        await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": self.address}])
        self.contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page


@pytest.fixture
async def site(url: str, chromium: Browser, world: World, tmp_path: Path) -> AsyncIterator[Site]:
    """The service as people have it, on a county of its own; a script error on any page fails the test."""
    ensure_assets()
    app = create_app(Database(url, pool_size=4), Settings(data_dir=tmp_path, log_level="error"))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    base = Database(url, pool_size=2)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    found = Site(address, base, chromium, world, [], [])
    yield found
    for context in found.contexts:
        await context.close()
    server.should_exit = True
    await serving
    await base.close()
    assert not found.errors, found.errors
