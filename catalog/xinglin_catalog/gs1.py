"""GS1 barcodes: the check digit, and the element string of a pack (UDI) taken apart.

Application identifiers and their lengths come from the GS1 table inside python-stdnum.
"""

import calendar
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

from stdnum import ean, numdb

from xinglin_catalog.messages import BadIdentifier, sentence

SEPARATOR = "\x1d"
"""FNC1 as scanners send it: ends a field of variable length."""

NAMES = {
    "00": "sscc",
    "01": "gtin",
    "02": "content_gtin",
    "10": "lot",
    "11": "made_on",
    "15": "best_before_on",
    "17": "expires_on",
    "21": "serial",
    "37": "count",
}
"""What the fields that matter here are called; any other keeps its identifier, as in `ai_240`."""

_TABLE = numdb.get("gs1_ai")
_SYMBOLOGY = re.compile(r"^\](?:C1|e0|d2|Q3|J1)")
_WRITTEN_FNC1 = re.compile(r"<GS>|\{GS\}|<FNC1>|\{FNC1\}|␝")
_SIGNS = {"N": r"\d", "X": r"[!-\"%-?A-Z_a-z]", "Y": r"[#\-/0-9A-Z]", "Z": r"[A-Za-z0-9_=\-]"}
_CHECKED = ("00", "01", "02")


class Field(NamedTuple):
    """One field as it stood: its application identifier and its digits and letters."""

    ai: str
    text: str


def check_digit(body: str) -> str:
    """The GS1 mod-10 check digit of a number without its last digit (weights 3, 1, 3 … from the right)."""
    return str(ean.calc_check_digit(body))


def read(text: str, seen_on: date | None = None) -> tuple[str, dict[str, str]]:
    """Take an element string apart: its bracketed writing, and its fields by name.

    Understands FNC1 (or <GS> written out), the prefixes ]C1 ]d2 ]Q3 and the bracketed form. Days become ISO
    dates; day 00 is the last of the month. Refused: unknown field, wrong length, wrong check digit, no such
    day, one field with two values.
    """
    today = seen_on or datetime.now(UTC).date()
    plain = _WRITTEN_FNC1.sub(SEPARATOR, unicodedata.normalize("NFKC", text))
    plain = _SYMBOLOGY.sub("", re.sub(r"[ \t\r\n]", "", plain)).strip(SEPARATOR)
    fields = list(_bracketed(plain, text) if plain.startswith("(") else _plain(plain, text))
    parts: dict[str, str] = {}
    for entry in fields:
        name = NAMES.get(entry.ai, f"ai_{entry.ai}")
        if parts.setdefault(name, _meaning(entry, today, text)) != _meaning(entry, today, text):
            raise _refuse(
                "gs1.twice", sentence("{value}: field ({ai}) stands twice, and differs."), text, entry.ai
            )
    if not parts:
        raise _refuse("gs1.empty", sentence("{value} holds no GS1 field."), text)
    return "".join(f"({entry.ai}){entry.text}" for entry in fields), parts


def full_year(two_digits: int, seen_on: date) -> int:
    """The year meant by two digits: none lies more than 50 years ahead, or 50 or more back (GS1 §7.12)."""
    year = seen_on.year - seen_on.year % 100 + two_digits
    if year - seen_on.year > 50:
        return year - 100
    return year + 100 if year - seen_on.year <= -50 else year


def _bracketed(plain: str, text: str) -> Iterator[Field]:
    """The form printed for people: (01)…(17)…; a bracket that names no field belongs to the value."""
    starts = [found for found in re.finditer(r"\((\d{2,4})\)", plain) if _format_of(found[1])]
    if not starts or starts[0].start():
        raise _refuse("gs1.unknown_field", sentence("{value}: ({ai}…) is not a GS1 field."), text, plain[1:5])
    for here, after in zip(starts, [*starts[1:], None], strict=True):
        value = plain[here.end() : after.start() if after else len(plain)].strip(SEPARATOR)
        yield _checked(Field(here[1], value), text)


def _plain(plain: str, text: str) -> Iterator[Field]:
    """The form a scanner sends: fixed fields follow each other, variable ones end at FNC1."""
    while plain:
        ai = next((plain[:size] for size in (2, 3, 4) if _format_of(plain[:size])), None)
        if ai is None:
            raise _refuse(
                "gs1.unknown_field", sentence("{value}: ({ai}…) is not a GS1 field."), text, plain[:4]
            )
        rest = plain[len(ai) :]
        fixed = _fixed_length(ai)
        value = rest[:fixed] if fixed else rest.split(SEPARATOR, 1)[0]
        yield _checked(Field(ai, value), text)
        plain = rest[len(value) :].removeprefix(SEPARATOR)


def _format_of(ai: str) -> str:
    """How a field is written (`N6`, `X..20`), or nothing where no such field exists."""
    found = _TABLE.info(ai)
    return str(found[0][1].get("format", "")) if found and found[0][0] == ai else ""


def _fixed_length(ai: str) -> int:
    """The length of a field that needs no FNC1 behind it; 0 where it does."""
    facts = _TABLE.info(ai)[0][1]
    return 0 if "fnc1" in facts else sum(int(size) for size in re.findall(r"\d+", facts["format"]))


def _pattern(written: str) -> str:
    """A format of the table as a regular expression: X..20 is 1 to 20 signs, [+N4] may be missing."""
    signs = "|".join(_SIGNS)
    expression = re.sub(
        rf"({signs})(\.\.)?(\d+)",
        lambda found: f"{_SIGNS[found[1]]}{{{'1,' if found[2] else ''}{found[3]}}}",
        re.sub(r"\[\+(.*?)\]", r"(?:\1)?", written),
    )
    return re.sub(r"\+(?=\(|\[|\\d)", "", expression)


def _checked(entry: Field, text: str) -> Field:
    """Refuse a field that is too long, holds a strange sign, or has a wrong check digit."""
    if not re.fullmatch(_pattern(_format_of(entry.ai)), entry.text, re.ASCII):
        raise _refuse(
            "gs1.field",
            sentence("{value}: field ({ai}) cannot be '{found}'; its form is {form}."),
            text,
            entry.ai,
            found=entry.text,
            form=_format_of(entry.ai),
        )
    if entry.ai in _CHECKED and entry.text[-1] != check_digit(entry.text[:-1]):
        raise _refuse(
            "gs1.check_digit",
            sentence("{value}: the last digit of field ({ai}) should be {right}."),
            text,
            entry.ai,
            right=check_digit(entry.text[:-1]),
        )
    return entry


def _meaning(entry: Field, today: date, text: str) -> str:
    """The field's value, days as ISO dates."""
    if entry.ai not in ("11", "12", "13", "15", "16", "17"):
        return entry.text
    year, month, day = (int(entry.text[place : place + 2]) for place in (0, 2, 4))
    year = full_year(year, today)
    try:
        return date(year, month, day or calendar.monthrange(year, month)[1]).isoformat()
    except ValueError:
        raise _refuse(
            "gs1.day",
            sentence("{value}: {found} in field ({ai}) is no day."),
            text,
            entry.ai,
            found=entry.text,
        ) from None


def _refuse(code: str, message: str, text: str, ai: str = "", **params: object) -> BadIdentifier:
    """One fault, with the text as it was scanned."""
    return BadIdentifier(code, message, value=text.strip().replace(SEPARATOR, "␝"), ai=ai, **params)
