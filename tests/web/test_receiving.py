"""A receipt as it is typed, read row by row."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from xinglin.stock.actions import Received
from xinglin.stock.rules import shelf_life
from xinglin.web import receiving

ON = date(2026, 3, 14)
PRODUCT = {
    "id": None, "pack_size": 24, "case_size": 100, "unit_price": Decimal("0.25"), "code": "P-1",
    "generic_name": "阿莫西林", "dosage_form": "胶囊", "strength": "0.25g", "maker": "",
}  # fmt: skip
GOOD = {
    "product": "P-1", "lot": "A1", "made": "2026-01-02", "expires": "2028-01-01", "quantity": "3",
    "unit": "pack", "price": "",
}  # fmt: skip


def faults(**changes: str) -> list[str]:
    read = receiving.read_row(0, GOOD | changes, PRODUCT, ON)
    return [] if isinstance(read, Received) else [fault.field for fault in read]


@pytest.mark.parametrize(("unit", "quantity"), [("base", 3), ("pack", 72), ("case", 7200)])
def test_what_is_counted_in_packs_and_cases_becomes_base_units(unit: str, quantity: int) -> None:
    read = receiving.read_row(0, GOOD | {"unit": unit}, PRODUCT, ON)
    assert isinstance(read, Received)
    assert (read.quantity, read.unit_price, read.made_on) == (quantity, Decimal("0.25"), date(2026, 1, 2))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("lot", ""), ("lot", "x" * 41), ("made", "2026-03-15"), ("made", "yesterday"), ("expires", ""),
        ("expires", "2026-03-14"), ("expires", "2026-01-02"), ("quantity", "0"), ("quantity", "2.5"),
        ("quantity", "٣"), ("price", "-1"), ("price", "0.12345"), ("price", "1e3"), ("price", "NaN"),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named_and_only_that(field: str, text: str) -> None:
    assert faults(**{field: text}) == [field]


def test_a_medicine_cannot_expire_before_it_was_made() -> None:
    assert faults(made="2026-03-01", expires="2026-03-20") == []
    read = receiving.read_row(0, GOOD | {"made": "2026-03-14", "expires": "2026-03-14"}, PRODUCT, ON)
    assert not isinstance(read, Received)


def test_all_faults_of_a_row_come_at_once() -> None:
    empty = dict.fromkeys(receiving.FIELDS, "") | {"price": "x"}
    read = receiving.read_row(2, empty, None, ON)
    assert not isinstance(read, Received)
    assert {fault.field for fault in read} == {"product", "lot", "expires", "quantity", "price"}
    assert {fault.row for fault in read} == {2}


@given(st.dictionaries(st.sampled_from(receiving.FIELDS), st.text(max_size=12)))
def test_whatever_is_typed_is_read_or_refused_but_never_breaks(typed: dict[str, str]) -> None:
    receiving.read_row(0, GOOD | typed, PRODUCT, ON)


def test_a_proposal_is_found_again_by_its_code() -> None:
    assert receiving.code_of(receiving.proposal(PRODUCT)) == "P-1"


def test_rows_keep_their_numbers_and_empty_ones_are_passed_over() -> None:
    rows = receiving.typed_rows({"product-2": "P-1", "lot-2": "A1", "product-x": "no"})
    assert [receiving.is_empty(row) for row in rows] == [True, True, False]


@pytest.mark.parametrize(
    ("days", "name"),
    [(-1, "expired"), (0, "expired"), (1, "one_month"), (30, "one_month"), (31, "three_months"),
     (90, "three_months"), (180, "six_months"), (181, "good")],
)  # fmt: skip
def test_a_lot_is_of_the_class_its_remaining_days_say(days: int, name: str) -> None:
    assert shelf_life(ON + timedelta(days=days), ON)[0] == name
