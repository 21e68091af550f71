"""A receipt of goods as it is typed: rows of a form, read one by one, every fault by line and field."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from xinglin.base.database import Row
from xinglin.base.errors import N_
from xinglin.stock.actions import Received

FIELDS = ("product", "lot", "made", "expires", "quantity", "unit", "price")
UNITS = {"pack": N_("Packs"), "case": N_("Cases"), "base": N_("Base units")}
FIRST_ROWS, MORE_ROWS, MOST_ROWS = 4, 4, 100
LARGEST_COUNT = 10**7
SIGN = " · "
"""Stands between code and name in what a search proposes."""

Typed = dict[str, str]


class Fault(NamedTuple):
    """What is wrong in a field of a row, and what would be right."""

    row: int
    field: str
    message: str
    fields: dict[str, Any]


def blank(rows: int = FIRST_ROWS) -> list[Typed]:
    """Empty rows to begin with."""
    return [dict.fromkeys(FIELDS, "") | {"unit": "pack"} for _ in range(rows)]


def typed_rows(data: Mapping[str, str]) -> list[Typed]:
    """The rows of a form, as they were typed; at least the first ones."""
    numbers = {int(hit[1]) for name in data if (hit := re.fullmatch(r"product-([0-9]{1,3})", name))}
    rows = min(MOST_ROWS, max(numbers, default=-1) + 1)
    return [{field: data.get(f"{field}-{row}", "").strip() for field in FIELDS} for row in range(rows)]


def is_empty(row: Typed) -> bool:
    """A row nobody wrote anything in is passed over."""
    return not any(row[field] for field in FIELDS if field != "unit")


def code_of(text: str) -> str:
    """The code in what a search proposed, or all that was typed."""
    return text.partition(SIGN)[0].strip()


def proposal(product: Row) -> str:
    """A product as the search proposes it: its code first."""
    words = (product["generic_name"], product["dosage_form"], product["strength"], product["maker"])
    return f"{product['code']}{SIGN}{' '.join(filter(None, words))}"


def read_row(number: int, row: Typed, product: Row | None, on: date) -> Received | list[Fault]:
    """A row as a line of goods, or all that is wrong with it. Prices are yuan per base unit."""
    faults: list[Fault] = []

    def wrong(field: str, message: str, **fields: Any) -> None:
        faults.append(Fault(number, field, message, fields))

    if product is None:
        wrong("product", N_("Choose one medicine of the formulary, by name, pinyin or code."))
    if not row["lot"]:
        wrong("lot", N_("The lot number is printed on every pack: write it here."))
    elif len(row["lot"]) > 40:
        wrong("lot", N_("A lot number has at most 40 characters."))
    made, expires = day_of(row["made"]), day_of(row["expires"])
    if row["made"] and (made is None or made > on):
        wrong("made", N_("The day it was made is a day up to {day}."), day=on)
    if expires is None:
        wrong("expires", N_("The expiry is a day, such as 2027-08-31."))
    elif expires <= on:
        wrong("expires", N_("Expired on {day}: it cannot go into stock."), day=expires)
    elif made and made >= expires:
        wrong("expires", N_("It cannot expire before it was made."))
    quantity = _quantity(row, product)
    if quantity is None:
        wrong("quantity", N_("The quantity is a whole number above zero."))
    price = _price(row["price"], product)
    if price is None:
        wrong("price", N_("The price is yuan per base unit, zero or more, with at most four decimals."))
    if faults or product is None or expires is None or quantity is None or price is None:
        return faults
    return Received(product["id"], row["lot"], expires, quantity, price, made)


def day_of(text: str) -> date | None:
    """A day as a form writes it, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _quantity(row: Typed, product: Row | None) -> int | None:
    """Base units; packs and cases are multiplied out."""
    if not re.fullmatch(r"[0-9]{1,8}", row["quantity"]) or not 0 < int(row["quantity"]) <= LARGEST_COUNT:
        return None
    pack = product["pack_size"] if product else 1
    size = {"base": 1, "case": pack * (product["case_size"] if product else 1)}.get(row["unit"], pack)
    return int(row["quantity"]) * int(size)


def _price(text: str, product: Row | None) -> Decimal | None:
    """What was typed; left empty, the formulary's price of today."""
    if not text:
        return product["unit_price"] if product else Decimal(0)
    return Decimal(text) if re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,4})?", text) else None


def by_place(faults: Sequence[Fault]) -> dict[tuple[int, str], Fault]:
    """Each fault at its field."""
    return {(fault.row, fault.field): fault for fault in faults}
