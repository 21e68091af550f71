"""Chinese and English: sentences looked up by their English, and dates, money and packs as each is read.

Translations are `.po` files under `xinglin/locale/<locale>/LC_MESSAGES/`, one or more for each part of
the service, read once by Babel; nothing is compiled to disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from xinglin.base.clock import ZONE
from xinglin.base.errors import N_

DEFAULT = "zh_CN"
LOCALES = {"zh_CN": "中文", "en": "English"}
"""What people may choose, each under its own name."""
COOKIE = "xinglin_locale"
FOLDER = Path(__file__).parents[1] / "locale"

Entry = str | tuple[str, ...]


class Ladder(Protocol):
    """A pack ladder as `xinglin_catalog` has it."""

    @property
    def units(self) -> tuple[str, ...]:
        """Base unit first."""

    def split(self, quantity: int) -> tuple[tuple[int, str], ...]:
        """Base units taken apart into packs, largest first."""


def choose(query: str | None, cookie: str | None, accept_language: str | None) -> str:
    """The language of a request: asked for in the address, kept in the cookie, told by the browser, or Chinese."""
    for wish in (query, cookie):
        if wish in LOCALES:
            return str(wish)
    for wish in _by_preference(accept_language or ""):
        for locale in LOCALES:
            if wish.split("-")[0] == locale.split("_")[0]:
                return locale
    return DEFAULT


def _by_preference(header: str) -> list[str]:
    """The languages of an Accept-Language header, dearest first; a weight that is no number counts as none."""
    weighed = []
    for position, part in enumerate(header.lower().split(",")):
        name, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), position, name.strip()))
        except ValueError:
            continue
    return [name for weight, _, name in sorted(weighed) if name and weight < 0]


@cache
def catalogue(locale: str) -> Mapping[str, Entry]:
    """Every translated sentence of a locale. English has none: it is what the sentences are written in."""
    found: dict[str, Entry] = {}
    for path in sorted((FOLDER / locale / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=locale, ignore_obsolete=True):
                if message.id and all(_parts(message.string)) and not message.fuzzy:
                    found[_parts(message.id)[0]] = _entry(message.string)
    return found


def _parts(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text) if isinstance(text, list | tuple) else ("",)


def _entry(text: object) -> Entry:
    return text if isinstance(text, str) else _parts(text)


def translate(locale: str, message: str, /, **fields: Any) -> str:
    """A sentence in the reader's language, its named fields filled in. An unknown sentence stays English."""
    entry = catalogue(locale).get(message, message)
    text = entry if isinstance(entry, str) else entry[0]
    return text.format(**fields) if fields else text


def translate_number(locale: str, one: str, many: str, number: int, /, **fields: Any) -> str:
    """A sentence that depends on a number, given to it as {number}; Chinese has one form, English two."""
    entry = catalogue(locale).get(one, (one, many)[number != 1])
    text = entry if isinstance(entry, str) else entry[-1]
    return text.format(number=number, **fields)


@dataclass(frozen=True, slots=True)
class Speech:
    """How one language writes what is not a sentence. In templates it is called `say`."""

    locale: str

    @property
    def tag(self) -> str:
        """For `<html lang>` and the like: zh-CN, en."""
        return self.locale.replace("_", "-")

    def day(self, on: date | None, style: str = "long") -> str:
        """A calendar day: `long` 2026年3月14日, `short` 3月14日 周六, `iso` 2026-03-14."""
        if on is None:
            return "–"
        if style == "iso":
            return on.isoformat()
        patterns = {"zh_CN": ("y年M月d日", "M月d日 EEE"), "en": ("d MMM y", "EEE d MMM")}[self.locale]
        return format_date(on, patterns[style == "short"], locale=self.locale)

    def moment(self, at: datetime | None, style: str = "long") -> str:
        """A day and the time of it, in the county: 2026年3月14日 08:30."""
        if at is None:
            return "–"
        return f"{self.day(at.astimezone(ZONE).date(), style)} {self.time(at)}"

    def time(self, at: datetime | None) -> str:
        """The time of day in the county, on a clock of 24 hours."""
        return "–" if at is None else at.astimezone(ZONE).strftime("%H:%M")

    def duration(self, seconds: int | timedelta | None) -> str:
        """A length of time to the minute: 2 小时 05 分."""
        if seconds is None:
            return "–"
        whole = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
        hours, minutes = divmod((whole + 30) // 60, 60)
        if not hours:
            return self.text(N_("{minutes} min"), minutes=minutes)
        return self.text(N_("{hours} h {minutes} min"), hours=hours, minutes=f"{minutes:02}")

    def number(self, value: int | float | Decimal | None, places: int = 0) -> str:
        """A number with thousands set apart and a fixed number of decimals."""
        if value is None:
            return "–"
        exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return str(format_decimal(exact, pattern, locale=Locale.parse(self.locale)))

    def percent(self, share: float | Decimal | None, places: int = 1) -> str:
        """A share of one as a percentage: 0.934 as 93.4%."""
        return "–" if share is None else f"{self.number(Decimal(str(share)) * 100, places)}%"

    def money(self, amount: Decimal | int | None, places: int = 2) -> str:
        """Yuan, to the fen; unit prices take four places."""
        if amount is None:
            return "–"
        figure = self.number(abs(Decimal(amount)), places)
        return f"{'−' if amount < 0 else ''}¥{figure}"

    def distance(self, metres: int | None) -> str:
        """Metres as kilometres with one decimal."""
        return "–" if metres is None else f"{self.number(Decimal(metres) / 1000, 1)} km"

    def weight(self, grams: int | None) -> str:
        """Grams as kilograms with one decimal."""
        return "–" if grams is None else f"{self.number(Decimal(grams) / 1000, 1)} kg"

    def volume(self, cubic_centimetres: int | None) -> str:
        """Cubic centimetres as litres."""
        return "–" if cubic_centimetres is None else f"{self.number(Decimal(cubic_centimetres) / 1000)} L"

    def quantity(self, base_units: int | None, ladder: Ladder) -> str:
        """Base units in packs: 76 as 3 盒 4 片, or 3 boxes 4 tablets."""
        if base_units is None:
            return "–"
        sign = "−" if base_units < 0 else ""
        parts = ladder.split(abs(base_units))
        return sign + " ".join(f"{self.number(count)} {self.unit(name, count)}" for count, name in parts)

    def unit(self, name: str, count: int = 1) -> str:
        """The name of a pack; one we have no English word for stays Chinese."""
        if self.locale == DEFAULT or name not in UNITS:
            return name
        return UNITS[name][count != 1]

    def text(self, message: str, /, **fields: Any) -> str:
        """`translate` in this language."""
        return translate(self.locale, message, **fields)


UNITS = {
    "片": ("tablet", "tablets"),
    "粒": ("capsule", "capsules"),
    "丸": ("pill", "pills"),
    "支": ("ampoule", "ampoules"),
    "瓶": ("bottle", "bottles"),
    "袋": ("bag", "bags"),
    "包": ("packet", "packets"),
    "盒": ("box", "boxes"),
    "箱": ("case", "cases"),
    "板": ("strip", "strips"),
    "贴": ("patch", "patches"),
    "枚": ("piece", "pieces"),
    "个": ("piece", "pieces"),
    "只": ("piece", "pieces"),
    "张": ("sheet", "sheets"),
    "条": ("strip", "strips"),
    "套": ("set", "sets"),
    "付": ("dose", "doses"),
    "罐": ("tin", "tins"),
    "桶": ("drum", "drums"),
    "管": ("tube", "tubes"),
    "喷": ("puff", "puffs"),
    "揿": ("puff", "puffs"),
    "克": ("g", "g"),
    "毫升": ("ml", "ml"),
}
"""Chinese names of units and packs with English for one and for many."""


def environment_extras(locale: str) -> dict[str, Any]:
    """What a template is rendered with: `_`, `gettext`, `ngettext`, `say`, `locale` and `locales`."""

    def gettext(message: str, /, **fields: Any) -> str:
        return translate(locale, message, **fields)

    def ngettext(one: str, many: str, number: int, /, **fields: Any) -> str:
        return translate_number(locale, one, many, number, **fields)

    return {
        "_": gettext,
        "gettext": gettext,
        "ngettext": ngettext,
        "say": Speech(locale),
        "locale": locale,
        "locales": LOCALES,
    }
