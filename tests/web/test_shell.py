"""The visual shell: its files, its parts in both languages, and what it does in a real browser."""

import functools
import gzip
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.web import gallery
from xinglin.gate import SAFE_HEADERS
from xinglin.web import assets

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
TEMPLATES = gallery.TEMPLATES
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery, written as files."""
    assets.ensure_assets()
    folder = tmp_path_factory.mktemp("gallery")
    gallery.write(folder)
    return folder


# ---- files ----


def test_files_once_brought_are_not_brought_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assets.ensure_assets()
    monkeypatch.setattr(assets, "_build", lambda _: pytest.fail("brought again"))
    assert assets.ensure_assets() is False


def test_a_failed_set_up_says_so_in_one_sentence_and_leaves_what_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assets.ensure_assets()
    before = (assets.VENDOR / "stamp").read_text()
    monkeypatch.setattr(assets, "_stamp", lambda: "another")
    monkeypatch.setattr(
        assets, "_npm", lambda folder, *_: assets._node(folder, "npm ci", "-e", "throw 'no network'")
    )
    with pytest.raises(assets.AssetsMissing, match="could not be brought: npm ci failed"):
        assets.ensure_assets()
    assert (assets.VENDOR / "stamp").read_text() == before


def test_an_installed_package_without_a_lock_uses_what_it_came_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assets.ensure_assets()
    monkeypatch.setattr(assets, "LOCK", tmp_path / "package-lock.json")
    assert assets.ensure_assets() is False


def test_new_files_take_the_place_of_old_ones_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("vendor", "made"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kit.css").write_text(name)
    monkeypatch.setattr(assets, "VENDOR", tmp_path / "vendor")
    assets._put_in_place(tmp_path / "made", tmp_path / "old")
    assert (tmp_path / "vendor" / "kit.css").read_text() == "made"


def test_an_icon_that_tabler_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(assets.AssetsMissing, match="'unicorn'"):
        assets._symbol(tmp_path, "unicorn")


def test_the_lock_names_no_registry() -> None:
    packages = json.loads(assets.LOCK.read_text("utf-8"))["packages"].values()
    assert not [package for package in packages if "resolved" in package]


def test_the_address_of_a_file_changes_with_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    (tmp_path / "a.css").write_text("a")
    first = assets.asset_url("a.css")
    (tmp_path / "a.css").write_text("bb")
    assert first.startswith("/static/a.css?v=")
    assert assets.asset_url("a.css") != first


def test_the_first_load_of_a_page_fits_a_slow_line(pages: Path) -> None:
    names = re.findall(r'(?:href|src)="/(static/[^"?#]+)', (pages / "parts.zh_CN.html").read_text("utf-8"))
    shell = {name for name in names if "map" not in name}
    packed = sum(len(gzip.compress((pages / name).read_bytes())) for name in shell)
    assert {"static/vendor/kit.css", "static/vendor/htmx.min.js", "static/vendor/icons.svg"} <= shell
    assert packed < 100_000


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    named = re.compile(r'(?:\bicon\(|icon_name=|"icon": |_icon=|empty_state\(|counter_icon=)"([a-z0-9-]+)"')
    used = {name for path in TEMPLATES.rglob("*.html") for name in named.findall(path.read_text("utf-8"))}
    states = re.findall(
        r'\(_\([^)]+\), "\w+", "([a-z0-9-]+)"\)', (TEMPLATES / "macros/words.html").read_text("utf-8")
    )
    assert len(states) > 40
    assert (used | set(states)) - set(assets.icon_names()) == set()


# ---- what the pages are made of ----


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def elements(path: Path) -> list[tuple[str, dict[str, str | None]]]:
    """The start tags of a page."""
    parser = Elements()
    parser.feed(path.read_text("utf-8"))
    return parser.found


def test_nothing_in_a_page_is_inline(pages: Path) -> None:
    for path in pages.glob("*.html"):
        for tag, attributes in elements(path):
            assert "style" not in attributes, f"{path.name}: <{tag} style>"
            assert not [name for name in attributes if name.startswith("on")], f"{path.name}: <{tag} on…>"
            if tag == "script" and attributes.get("type") != "application/json":
                assert attributes.get("src"), f"{path.name}: a script with code in it"


def test_a_page_says_its_language_and_every_field_has_a_name(pages: Path) -> None:
    for locale, tag in (("zh_CN", "zh-CN"), ("en", "en")):
        found = elements(pages / f"parts.{locale}.html")
        assert ("html", {"lang": tag}) in found
        labelled = {attributes.get("for") for name, attributes in found if name == "label"}
        for name, attributes in found:
            if name in ("input", "select", "textarea") and attributes.get("type") not in (
                "hidden",
                "checkbox",
            ):
                assert attributes.get("id") in labelled or attributes.get("aria-label"), attributes


def test_every_form_that_writes_carries_the_token_and_most_a_key(pages: Path) -> None:
    text = (pages / "parts.zh_CN.html").read_text("utf-8")
    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
        assert 'name="_csrf_token" value="token-of-this-visit"' in form
        assert 'name="idempotency_key"' in form or "/sign-out" in form


def test_what_people_typed_is_shown_as_text_and_never_as_markup() -> None:
    source = '{% import "macros/ui.html" as ui with context %}{{ ui.field("a", word, word, error=word) }}{{ ui.alert("info", word) }}{{ ui.badge(word) }}'
    shown = (
        gallery.environment()
        .from_string(source)
        .render(gallery.context("en") | {"word": '"><script>x</script>'})
    )
    assert "<script>" not in shown


def test_data_for_the_map_cannot_close_its_element() -> None:
    source = (
        '{% import "macros/map.html" as map with context %}{{ map.map("m", data={"name": "</script><b>"}) }}'
    )
    shown = gallery.environment().from_string(source).render(gallery.context("en"))
    assert shown.count("</script>") == 1


# ---- contrast ----


def tones() -> dict[str, tuple[str, str]]:
    """The colours of the shell: name, light, dark."""
    text = (assets.STATIC / "style" / "desk.css").read_text("utf-8")
    found = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\)", text)
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tone", ["primary", "success", "info", "warning", "danger", "secondary"])
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_every_tone_is_readable_on_every_ground_and_under_its_letters(tone: str, mode: int) -> None:
    known = tones()
    for ground in ("sheet", "ground"):
        assert contrast(known[tone][mode], known[ground][mode]) >= 4.5
    assert contrast(known[tone][mode], known[f"{tone}-fg"][mode]) >= 4.5


# ---- in the browser ----


class Gallery(http.server.SimpleHTTPRequestHandler):
    """The gallery under its content security policy; remembers what was posted."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}
    posted: list[str] = []

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", SAFE_HEADERS["content-security-policy"])
        super().end_headers()

    def do_POST(self) -> None:
        self.posted.append(self.rfile.read(int(self.headers["content-length"])).decode())
        time.sleep(0.4)  # long enough for a second click
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<p id='answer'>done</p>")

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            return self.send_error(204)
        if not self.path.startswith("/search"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        one = '<a class="search-result" role="option" href="#{0}">{0}</a>'
        self.wfile.write((one.format("one") + one.format("two")).encode())
        return None

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def address(pages: Path) -> Iterator[str]:
    """Where the gallery is served."""
    handler = functools.partial(Gallery, directory=str(pages))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; a machine without it skips these."""
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium (apt-get install chromium fonts-noto-cjk)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The page of parts in Chinese on a desktop. No complaint of the browser passes."""
    context = chromium.new_context(viewport=DESKTOP, color_scheme="light")  # type: ignore[arg-type]
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{address}/parts.zh_CN.html")
    Gallery.posted.clear()
    yield page
    context.close()
    assert said == []


browser_test = pytest.mark.browser


@browser_test
def test_the_map_is_drawn_under_the_policy_with_a_letter_for_every_colour(page: Page, address: str) -> None:
    page.goto(f"{address}/day.zh_CN.html")
    page.wait_for_selector("[data-map-ready]", timeout=30_000)
    numbers = page.locator(".map-canvas .map-number").all_inner_texts()
    assert sorted(numbers) == ["A1", "A2", "A3", "B1", "B2", "B3", "B4"]
    assert page.locator("[data-map-legend] li").count() == 4
    page.locator(".map-marker-stop").first.hover()
    assert "14.2 kg" in page.locator(".map-popup").first.inner_text()


@browser_test
def test_without_webgl_the_stops_are_told_as_text(page: Page, address: str) -> None:
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(f"{address}/day.zh_CN.html")
    page.wait_for_selector("[data-map-list]:not([hidden]) li")
    told = page.locator("[data-map-list]").inner_text()
    assert "A1 第1村卫生室" in told and "博尔通古村卫生室" in told
    assert "无法显示地图" in told


@browser_test
def test_a_question_answered_no_sends_nothing_and_yes_sends_once(page: Page) -> None:
    send = page.get_by_role("button", name="发车")
    send.click()
    page.locator("#confirm-dialog button[value=no]").click()
    assert page.locator("#confirm-dialog").is_hidden() and Gallery.posted == []
    send.click()
    page.locator("#confirm-dialog button[value=yes]").dblclick()
    page.wait_for_selector("#answer")
    assert len(Gallery.posted) == 1
    assert "idempotency_key=01890a5d" in Gallery.posted[0]


@browser_test
def test_a_double_click_sends_once(page: Page) -> None:
    page.evaluate("document.querySelector('form[action=\"/depart\"]').removeAttribute('data-confirm')")
    page.get_by_role("button", name="发车").dblclick()
    page.wait_for_selector("#answer")
    assert len(Gallery.posted) == 1


@browser_test
def test_an_empty_required_field_is_named_before_anything_is_sent(page: Page) -> None:
    page.locator("#name").fill("")
    page.get_by_role("button", name="Send", exact=True).click()
    assert page.evaluate("document.activeElement.id") == "name"
    assert Gallery.posted == []


@browser_test
def test_dark_stays_dark_after_a_reload(page: Page) -> None:
    page.locator(".bar-person > summary").click()
    page.locator("[data-theme-choice=dark]").click()
    page.locator("[data-density-choice=compact]").click()
    page.reload()
    root = page.locator("html")
    assert (root.get_attribute("data-bs-theme"), root.get_attribute("data-density")) == ("dark", "compact")
    assert page.locator("[data-theme-choice=dark]").get_attribute("aria-pressed") == "true"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(25, 22, 20)"


@browser_test
def test_the_keyboard_finds_search_help_and_results(page: Page) -> None:
    page.keyboard.press("?")
    assert page.locator("#help-dialog").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("amxl")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator("[role=option][aria-selected=true]").inner_text() == "two"
    page.keyboard.press("Enter")
    assert page.url.endswith("#two")
    page.locator("[data-search-input]").focus()
    page.keyboard.press("Escape")
    assert page.locator("[role=option]").count() == 0


@browser_test
def test_a_drawn_signature_is_a_picture_in_the_form(page: Page) -> None:
    canvas = page.locator(".signature-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60)
    page.mouse.up()
    field = page.locator("input[name=signature]")
    assert field.input_value().startswith("data:image/png;base64,")
    page.locator("[data-clear]").click()
    assert field.input_value() == ""


@browser_test
def test_the_other_language_keeps_the_rest_of_the_address(page: Page, address: str) -> None:
    page.goto(f"{address}/parts.zh_CN.html?after=7")
    href = page.locator("[data-language=en]").get_attribute("href") or ""
    assert "after=7" in href and "lang=en" in href


@browser_test
def test_on_a_phone_rows_are_cards_with_named_cells_and_nothing_is_cut_off(page: Page, address: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for name in ("parts", "sheet", "door", "error", "day"):
        for locale in ("zh_CN", "en"):
            page.goto(f"{address}/{name}.{locale}.html")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    page.goto(f"{address}/parts.en.html")
    cell = page.locator(".table-cards tbody td").nth(1)
    assert (
        page.evaluate("cell => getComputedStyle(cell, '::before').content", cell.element_handle())
        == '"Asked"'
    )
    bar = page.locator(".bar-nav").bounding_box()
    assert bar and bar["y"] + bar["height"] == PHONE["height"]


@browser_test
def test_paper_shows_the_sheet_and_hides_the_desk(page: Page, address: str) -> None:
    page.goto(f"{address}/sheet.zh_CN.html")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".sheet-number").is_visible() and page.locator(".sheet-signatures").is_visible()
    assert not page.locator(".bar").is_visible() and not page.locator(".page-title").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_wheels_own_node_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assets._node(
        tmp_path, "node", "-e", "require('child_process').execSync('node --version', {shell: '/bin/sh'})"
    )
