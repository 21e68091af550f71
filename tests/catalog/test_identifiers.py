"""Codes of medicines, packs and institutions: what is accepted, what is refused, and why."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from xinglin_catalog import BadIdentifier, System, gs1, parse, recognise

VECTORS = list(csv.DictReader((Path(__file__).parent / "data/code_test_vectors.csv").open(encoding="utf-8")))
SEEN_ON = date(2026, 11, 22)


def system_of(code_type: str) -> System:
    """The human readable form is one more way to write a GS1 element string."""
    return System.GS1 if code_type == "gs1_hri" else System(code_type)


def test_the_table_of_codes_is_whole() -> None:
    assert len(VECTORS) == 82


@pytest.mark.parametrize("row", VECTORS, ids=[f"{row['code_type']} {row['value']}" for row in VECTORS])
def test_every_row_of_the_table_comes_out_as_it_says(row: dict[str, str]) -> None:
    system = system_of(row["code_type"])
    if row["valid"] == "1":
        assert parse(system, row["value"], seen_on=SEEN_ON).system is system
    elif "normalise then accept" in row["note"]:
        assert parse(system, row["value"]).value == row["value"].replace(" ", "") != row["value"]
    else:
        with pytest.raises(BadIdentifier) as refused:
            parse(system, row["value"], seen_on=SEEN_ON)
        assert row["value"].replace("<GS>", "␝") in str(refused.value)


@pytest.mark.parametrize("row", [row for row in VECTORS if row["valid"] == "1"], ids=lambda row: row["value"])
def test_a_valid_code_is_recognised_without_being_told_its_system(row: dict[str, str]) -> None:
    assert system_of(row["code_type"]) in [code.system for code in recognise(row["value"], seen_on=SEEN_ON)]


@pytest.mark.parametrize(
    "text", ["", "   ", "阿莫西林", "1", "2012", "H2302213", "x" * 10_000, "\x1d", "()", "(01)"]
)
def test_what_is_no_code_is_recognised_as_none(text: str) -> None:
    assert recognise(text) == []


def test_the_parts_of_a_scan_have_names() -> None:
    scan = parse("gs1_element_string", "]d201069012345678921728053110a2B3\x1d21SN1", seen_on=SEEN_ON)
    assert scan.parts == {
        "gtin": "06901234567892",
        "expires_on": "2028-05-31",
        "lot": "a2B3",
        "serial": "SN1",
    }
    assert scan.expires_on == date(2028, 5, 31)
    assert scan.value == "(01)06901234567892(17)280531(10)a2B3(21)SN1"


@pytest.mark.parametrize("prefix", ["]C1", "]d2", "]Q3", "\x1d", "]d2\x1d", "<GS>"])
def test_every_scanner_prefix_is_dropped(prefix: str) -> None:
    assert parse(System.GS1, f"{prefix}010690123456789210L1").parts["lot"] == "L1"


def test_full_width_brackets_are_brackets() -> None:
    assert parse(System.GS1, "（01）06901234567892（10）Ａ１").parts["lot"] == "A1"


def test_day_00_is_the_last_of_the_month_in_a_leap_year_too() -> None:
    assert parse(System.GS1, "(17)280200", seen_on=SEEN_ON).expires_on == date(2028, 2, 29)


@pytest.mark.parametrize(("two_digits", "year"), [(26, 2026), (76, 2076), (77, 1977), (99, 1999), (0, 2000)])
def test_no_year_lies_more_than_fifty_years_ahead(two_digits: int, year: int) -> None:
    assert gs1.full_year(two_digits, SEEN_ON) == year


def test_near_the_end_of_a_century_small_years_lie_ahead() -> None:
    assert gs1.full_year(1, date(2098, 1, 1)) == 2101


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(01)06901234567892(10)" + "A" * 21, "gs1.field"),
        ("(17)280532", "gs1.day"),
        ("(17)281331", "gs1.day"),
        ("(10)A(10)B", "gs1.twice"),
        ("(05)123", "gs1.unknown_field"),
        ("0517", "gs1.unknown_field"),
        ("01069012345", "gs1.field"),
        ("(00)123456789012345670", "gs1.check_digit"),
    ],
)
def test_a_broken_element_string_is_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(BadIdentifier) as refused:
        parse(System.GS1, text, seen_on=SEEN_ON)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("国药准字H2302213", "approval_no.digits"),
        ("国药准字X23022137", "approval_no.letter"),
        ("国药准字JC23022137", "approval_no.letter"),
        ("H23022137", "approval_no.prefix"),
        ("国械注准20173660001", "approval_no.other_goods"),
    ],
)
def test_an_approval_number_says_what_is_wrong_with_it(text: str, code: str) -> None:
    with pytest.raises(BadIdentifier) as refused:
        parse(System.APPROVAL_NUMBER, text)
    assert (refused.value.code, refused.value.params) == (code, {"value": text})


def test_a_refusal_keeps_template_and_fields_apart() -> None:
    with pytest.raises(BadIdentifier) as refused:
        parse(System.APPROVAL_NUMBER, "国药准字H2302213")
    assert refused.value.message == "{value} is not a 国药准字 number: after the letter come 8 digits."
    assert str(refused.value) == "国药准字H2302213 is not a 国药准字 number: after the letter come 8 digits."


def test_small_letters_blanks_and_full_width_signs_are_made_plain() -> None:
    assert parse("approval_no", " 国药准字　ｈ２３０２ 2137 ").value == "国药准字H23022137"


def test_an_organisation_code_gets_its_dash() -> None:
    assert parse(System.ORGANISATION_CODE, "600037341").value == "60003734-1"
    assert parse(System.ORGANISATION_CODE, "70846113-6").value == "70846113-6"


def test_a_credit_code_of_a_village_collective_may_begin_with_letters() -> None:
    assert parse(System.USCC, "N2654223MA77XYR82C").parts["registrar"] == "N2"


def test_an_institution_registration_is_taken_apart() -> None:
    parts = parse(System.INSTITUTION_REGISTRATION, "PDY00032X65420311D6001").parts
    assert (parts["division"], parts["institution_class"], parts["profit"]) == ("654203", "D600", "1")


def test_a_division_of_no_province_is_refused() -> None:
    with pytest.raises(BadIdentifier, match="no province has the code 99"):
        parse(System.DIVISION, "996542031020")


CHECKED = {
    System.DRUG_STANDARD_CODE: [row["value"] for row in VECTORS if row["code_type"] == "drug_standard_code"],
    System.GTIN_13: ["6901234567892", "6921168509256"],
    System.GTIN_14: ["06901234567892"],
    System.USCC: ["91110000600037341L", "91440300708461136T", "91350100M000100Y43"],
    System.ORGANISATION_CODE: ["60003734-1", "70846113-6"],
    System.GS1: ["(01)06901234567892"],
}


@pytest.mark.parametrize("system", CHECKED)
def test_any_one_wrong_digit_is_caught(system: System) -> None:
    good = [text for text in CHECKED[system] if any(code.system is system for code in recognise(text))]
    assert good
    for text in good:
        first = 4 if system is System.GS1 else 0
        for place in range(first, len(text)):
            for digit in "0123456789":
                if text[place].isdigit() and digit != text[place]:
                    with pytest.raises(BadIdentifier):
                        parse(system, text[:place] + digit + text[place + 1 :])


@given(st.integers(0, 10**13 - 1))
def test_a_number_with_its_check_digit_is_a_trade_item_number(body: int) -> None:
    digits = f"{body:013d}"
    assert parse(System.GTIN_14, digits + gs1.check_digit(digits)).value[:-1] == digits


@given(st.sampled_from(list(System)), st.text(max_size=40))
def test_any_text_is_either_read_or_refused_in_words(system: System, text: str) -> None:
    try:
        code = parse(system, text, seen_on=SEEN_ON)
    except BadIdentifier as refused:
        assert str(refused)
        assert refused.code
    else:
        assert parse(system, code.value, seen_on=SEEN_ON) == code


LOTS = st.text(st.sampled_from("ABCxyz0123456789-/."), min_size=1, max_size=20)


@given(LOTS, LOTS, st.dates(date(2000, 1, 1), date(2070, 1, 1)))
def test_an_element_string_reads_the_same_scanned_and_printed(
    lot: str, serial: str, expires_on: date
) -> None:
    scanned = f"010690123456789217{expires_on:%y%m%d}10{lot}\x1d21{serial}"
    printed = f"(01)06901234567892(17){expires_on:%y%m%d}(10){lot}(21){serial}"
    read = [parse(System.GS1, text, seen_on=SEEN_ON) for text in (scanned, printed)]
    assert read[0] == read[1]
    assert read[0].parts["lot"] == lot
    assert read[0].expires_on == expires_on
