"""Pages in real Chromium: `served` is a live server with its own database, `visit` opens a page as somebody.

    def test_something(visit: Visitor) -> None:
        page = visit("doctor1", "/clinic")              # a phone; desk=True for a wide screen
        page.get_by_role("link", name="新建请领").click()

Each test has its own copy of the small county (tests/world.py) on a free port of its own. What a page
throws, or what the content security policy stops, fails the test that saw it. Mark modules with
`pytestmark = pytest.mark.browser`; tests here are plain functions, because Playwright's loop is the thread's.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import drop_database, make_database
from tests.world import World
from xinglin.app import create_app
from xinglin.base.database import Database
from xinglin.base.settings import Settings

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
PATIENCE_MS = 10_000

Visitor = Callable[..., Page]


def elsewhere(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run something that wants an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *arguments).result()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a live server on a free port, with a database of its own."""
    url = elsewhere(make_database)
    settings = Settings(data_dir=tmp_path, log_level="error", sign_in_attempts_per_minute=1000)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(Database(url, pool_size=4), settings)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    elsewhere(drop_database, url)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module; it ends before tests that want the thread's loop begin."""
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(served: str, chromium: Browser, world: World) -> Iterator[Visitor]:
    """Opens an address as somebody: `visit("doctor1", "/clinic", desk=False, scripts=True, locale="zh_CN")`."""
    faults: list[str] = []
    contexts = []

    def opened(
        name: str, address: str, *, desk: bool = False, scripts: bool = True, locale: str = "zh_CN"
    ) -> Page:
        context = chromium.new_context(
            base_url=served, viewport=DESK if desk else PHONE, java_script_enabled=scripts, locale="zh-CN"
        )  # fmt: skip
        contexts.append(context)
        cookies = {"xinglin_session": world.session_token(name), "xinglin_locale": locale}
        context.add_cookies([{"name": key, "value": value, "url": served} for key, value in cookies.items()])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: "Content Security Policy" in said.text and faults.append(said.text))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, faults
