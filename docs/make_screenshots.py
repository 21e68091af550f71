"""Takes the README's pictures of a demo that is being served: python docs/make_screenshots.py ADDRESS PASSWORD."""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
CHROMIUM = "/usr/bin/chromium"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 400, "height": 860}
PICTURES = (
    # picture, user name, path, window
    ("clinic", "doctor", "/clinic", PHONE),
    ("office", "pharmacist", "/office", WIDE),
    ("depot", "keeper", "/depot", WIDE),
    ("dispatch", "dispatcher", "/dispatch", WIDE),
    ("driver", "driver", "/driver", PHONE),
    ("inspector", "inspector", "/inspector", WIDE),
    ("admin", "admin", "/admin", WIDE),
)


def sign_in(page: Page, address: str, username: str, password: str) -> None:
    """As a person does it."""
    page.goto(f"{address}/sign-in")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.click("button[type=submit]:has-text('登录')")
    page.wait_for_load_state("networkidle")


def main(address: str, password: str) -> None:
    """One picture for each desk."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--enable-unsafe-swiftshader",
                "--disable-background-networking",
            ],
        )
        page = browser.new_page(viewport=WIDE, locale="zh-CN")  # type: ignore[arg-type]
        page.goto(f"{address}/sign-in")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=FOLDER / "sign-in.png")
        for name, username, path, window in PICTURES:
            page = browser.new_context(viewport=window, locale="zh-CN").new_page()  # type: ignore[arg-type]
            sign_in(page, address, username, password)
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(1500)  # the map draws itself
            if page.locator(".maplibregl-map").count():
                page.locator(".maplibregl-map").first.scroll_into_view_if_needed()
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
