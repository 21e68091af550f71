"""Every part of the web shell on a few pages with made-up data, as plain files: for the tests and for the eye."""

import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from xinglin.base import language
from xinglin.web import assets
from xinglin_catalog.packs import PackLadder

TEMPLATES = Path(assets.__file__).parent / "templates"
PAGES = Path(__file__).parent / "gallery"
NAV = [
    ("Home", "home"),
    ("Orders", "clipboard-list"),
    ("Stock", "packages"),
    ("Shortages", "alert-triangle"),
    ("Deliveries", "truck-delivery"),
]


def environment() -> Environment:
    """Templates as the service reads them; a name nobody gave is an error."""
    loader = FileSystemLoader([TEMPLATES, PAGES])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    made.globals |= {
        "asset_url": assets.asset_url,
        "csrf_token": lambda: "token-of-this-visit",
        "new_key": lambda: "01890a5d-ac96-774b-bcce-b302099a8057",
    }
    return made


def visit() -> SimpleNamespace:
    """A township pharmacist on the office desk."""
    nav = [
        SimpleNamespace(label=label, icon=icon, href="#", active=place == 1, badge=4 if place == 1 else None)
        for place, (label, icon) in enumerate(NAV)
    ]
    return SimpleNamespace(
        actor=SimpleNamespace(name="李秀英"),
        role_name="Township pharmacist",
        desk="clinic",
        desk_name="Clinic desk",
        county_name="沙湾市",
        place_name="安集海镇中心药房",
        home_href="#",
        nav=nav,
        flashes=[("success", "Order REQ-20260314-007 was sent.")],
    )


def geojson() -> dict[str, Any]:
    """Two routes out of one depot, a stop left out, three townships."""
    depot = (85.62, 44.33)
    routes = {
        "van-1": [(85.35, 44.36), (85.10, 44.36), (85.25, 44.45)],
        "van-2": [(85.80, 44.45), (85.95, 44.60), (85.70, 44.68), (85.55, 44.55)],
    }
    names = {"van-1": "新G·12345 · 冷藏箱", "van-2": "新G·67890"}
    features = [_point(*depot, kind="depot", name="沙湾市县域中心药房")]
    for route, stops in routes.items():
        path = [depot, *stops, depot]
        line = {"type": "LineString", "coordinates": path}
        properties = {
            "route": route,
            "route_name": names[route],
            "name": names[route],
            "text": "86.2 km · 3 h 10",
        }
        features.append({"type": "Feature", "geometry": line, "properties": properties})
        for number, (x, y) in enumerate(stops, 1):
            shown = {
                "kind": "stop",
                "route": route,
                "number": number,
                "name": f"第{number}村卫生室",
                "text": "10:20 · 14.2 kg",
            }
            features.append(_point(x, y, **shown))
    features.append(
        _point(85.0, 44.6, kind="left_out", name="博尔通古村卫生室", text="Opens after the shift has ended.")
    )
    for name, x, y in (("安集海镇", 85.33, 44.38), ("老沙湾镇", 85.72, 44.66), ("商户地乡", 85.88, 44.22)):
        features.append(_point(x, y, kind="township", name=name))
    return {"type": "FeatureCollection", "features": features}


def _point(x: float, y: float, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [x, y]}, "properties": properties}


def context(locale: str) -> dict[str, Any]:
    """What the pages of the gallery are rendered with."""
    return language.environment_extras(locale) | {
        "visit": visit(),
        "ladder": PackLadder.of("片", ("盒", 24), ("箱", 200)),
        "on": date(2026, 3, 14),
        "at": datetime(2026, 3, 14, 1, 30, tzinfo=UTC),
        "amount": Decimal("1234.5"),
        "price": Decimal("0.5208"),
        "geojson": geojson(),
        "status": 409,
        "title": "Only 40 of 60 boxes are free",
        "message": "Only 40 of 60 boxes of 阿莫西林胶囊 are free at the county central pharmacy.",
        "details": ["Ask for 40 boxes, or", "register the rest as a shortage."],
        "back_href": "#",
        "request_id": "7f3a",
    }


def write(folder: Path) -> list[Path]:
    """Write the gallery as files that a plain file server can show; returns the pages."""
    templates = environment()
    static = folder / "static"
    shutil.copytree(assets.STATIC, static, dirs_exist_ok=True)
    pages = []
    for page in [*sorted(PAGES.glob("*.html")), TEMPLATES / "layout" / "error.html"]:
        for locale in language.LOCALES:
            name = f"layout/{page.name}" if page.parent != PAGES else page.name
            target = folder / f"{page.stem}.{locale}.html"
            target.write_text(templates.get_template(name).render(context(locale)), "utf-8")
            pages.append(target)
    return pages


if __name__ == "__main__":
    import sys

    for written in write(Path(sys.argv[1])):
        print(written)
