"""Doses compared by what they hold, not by how they are written: 0.25g is 250mg, 2ml∶10mg is 10mg/2ml."""

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

_UNITS: dict[str, tuple[str, Decimal]] = {
    "kg": ("mass", Decimal(10**9)),
    "g": ("mass", Decimal(10**6)),
    "mg": ("mass", Decimal(1000)),
    "μg": ("mass", Decimal(1)),
    "ug": ("mass", Decimal(1)),
    "mcg": ("mass", Decimal(1)),
    "ng": ("mass", Decimal("0.001")),
    "l": ("volume", Decimal(10**6)),
    "ml": ("volume", Decimal(1000)),
    "μl": ("volume", Decimal(1)),
    "ul": ("volume", Decimal(1)),
    "亿单位": ("units", Decimal(10**8)),
    "万单位": ("units", Decimal(10**4)),
    "单位": ("units", Decimal(1)),
    "亿iu": ("units", Decimal(10**8)),
    "万iu": ("units", Decimal(10**4)),
    "iu": ("units", Decimal(1)),
    "万u": ("units", Decimal(10**4)),
    "u": ("units", Decimal(1)),
    "%": ("percent", Decimal(1)),
    "mmol": ("amount", Decimal(1)),
    "cm": ("length", Decimal(1)),
}
"""Unit as written (small letters), what it measures, and how many of the smallest unit it is worth."""

_AMOUNT = re.compile(
    r"(\d{1,12}(?:\.\d{1,9})?)\s*("
    + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
    + r")(?![a-z])"
)
_BRACKET = re.compile(r"[(\[]([^()\[\]]*)[)\]]")


class Amount(NamedTuple):
    """So much of something: mass in µg, volume in µl, activity in units, or percent."""

    kind: str
    value: Decimal


class Dose(NamedTuple):
    """A strength by content: the amounts named outside brackets, and those inside each bracket."""

    text: str
    amounts: tuple[Amount, ...]
    inside: tuple[tuple[Amount, ...], ...]


def is_equal(printed: str, offered: str) -> bool:
    """Whether a product's strength is the printed one, however it is written (preface of the list, §4 and §6).

    Same amounts in any order; or the amounts of a printed bracket (0.25g（40万单位）); or the same
    concentration where the list prints only that (1%, 5mg/ml). Sizes in brackets then bind the volume.
    """
    clauses = re.split(r"[；;]", printed)
    if len(clauses) > 1 and any(is_equal(clause, offered) for clause in clauses):
        # 每支装10ml；每1ml相当于饮片0.66g: labels state the one or the other.
        return True
    listed, given = read(printed), read(offered)
    if listed.text == given.text:
        return True
    if listed.amounts and _same(listed.amounts, given.amounts):
        return _allows(listed.inside, given.inside)
    if any(inside and _same(inside, given.amounts) for inside in listed.inside if _is_dose(listed, inside)):
        return True
    return _same_concentration(listed, given)


@lru_cache(maxsize=65536)
def read(text: str) -> Dose:
    """Take a written strength apart. Words (每片含, 每支装) are dropped; amounts are kept."""
    plain = unicodedata.normalize("NFKC", text).replace("∶", ":").replace("µ", "μ").lower()
    plain = "".join(plain.split())
    inside = tuple(_amounts(found) for found in _BRACKET.findall(plain))
    return Dose(plain, _amounts(_BRACKET.sub("", plain)), inside)


def _amounts(text: str) -> tuple[Amount, ...]:
    """Every number with a unit, in the smallest unit, sorted so that order does not matter."""
    found = ((_UNITS[unit], Decimal(number)) for number, unit in _AMOUNT.findall(_written_out(text)))
    return tuple(sorted(Amount(kind, (number * worth).normalize()) for (kind, worth), number in found))


def _written_out(text: str) -> str:
    """5mg/ml says 5 mg in 1 ml."""
    return re.sub(r"/(ml|g|l)(?![a-z])", r"/1\1", text)


def _same(one: tuple[Amount, ...], other: tuple[Amount, ...]) -> bool:
    """The same amounts; a product that names only the dose of a tablet need not name its fill."""
    return one == other


def _allows(printed: tuple[tuple[Amount, ...], ...], offered: tuple[tuple[Amount, ...], ...]) -> bool:
    """A bracket contradicts only where both sides print one of the same kind and no amount agrees."""
    listed = {amount for inside in printed for amount in inside}
    given = {amount for inside in offered for amount in inside}
    kinds = {amount.kind for amount in listed} & {amount.kind for amount in given}
    return not kinds or bool(listed & given)


def _is_dose(dose: Dose, inside: tuple[Amount, ...]) -> bool:
    """A bracket restates the dose unless it lists pack sizes of a percentage (10%（100ml、250ml）)."""
    return not any(amount.kind == "percent" for amount in dose.amounts) or any(
        amount.kind != "volume" for amount in inside
    )


def _same_concentration(listed: Dose, given: Dose) -> bool:
    """1% is 10mg in 1g or 1ml; the product may say it as percent or as content of a size."""
    wanted, offered = _per_hundred(listed.amounts), _per_hundred(given.amounts)
    if wanted is None or wanted != offered:
        return False
    if not _is_concentration_only(listed):
        return False
    sizes = {amount for inside in listed.inside for amount in inside if amount.kind == "volume"}
    return not sizes or any(
        amount in sizes for amount in (*given.amounts, *(a for i in given.inside for a in i))
    )


def _is_concentration_only(dose: Dose) -> bool:
    """Whether the list binds only how strong it is: a percentage, or so much in 1 ml."""
    kinds = {amount.kind for amount in dose.amounts}
    return kinds == {"percent"} or Amount("volume", Decimal(1000).normalize()) in dose.amounts


def _per_hundred(amounts: tuple[Amount, ...]) -> Decimal | None:
    """Percent as printed, or grams in 100 ml (or 100 g); None where no concentration is told."""
    if len(amounts) == 1 and amounts[0].kind == "percent":
        return amounts[0].value
    masses = [amount.value for amount in amounts if amount.kind == "mass"]
    volumes = [amount.value for amount in amounts if amount.kind == "volume"]
    if len(masses) == 1 and len(volumes) == 1 and volumes[0]:
        return (masses[0] / volumes[0] / 10).normalize()
    if len(masses) == 2 and not volumes and masses[1]:
        return (masses[0] / masses[1] * 100).normalize()
    return None
