"""Catalogue files: every fault by line, and no row as long as there is one."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from xinglin_catalog import (
    Availability,
    ControlClass,
    ItemKind,
    PriorityClass,
    StorageClass,
    files,
    read_formulary,
    read_products,
    say,
)

HEADER = "通用名,剂型,规格,包装,生产企业,批准文号,类别,储存条件,管制类别,本位码,盒重克\n"
GOOD = (
    "阿莫西林胶囊,胶囊剂,0.25g,盒=24粒;箱=200盒,华北制药,国药准字H23022137,化学药,常温,,86903728000027,40\n"
)
FIVE_FAULTS = (
    HEADER
    + GOOD
    + "青霉素V钾片,片剂,0.25g,24片一盒,某厂,国药准字H12020916,化学药,常温,,,\n"
    + "阿司匹林片,片剂,0.3g,瓶=100片,某厂,国药准字H3702401,化学药,常温,,,\n"
    + "\n"
    + '"止咳\n糖浆",糖浆剂,100ml,瓶,某厂,,中成药,地窖,,,\n'
    + ",片剂,5mg,瓶=100片,某厂,,化学药,常温,,86903728000028,\n"
)


def sentences(content: str) -> list[str]:
    """The faults of a product file in English."""
    return [str(fault) for fault in read_products(content.encode()).faults]


def test_a_file_with_five_faults_lists_all_five_by_line_and_gives_no_row() -> None:
    result = read_products(FIVE_FAULTS.encode())
    assert result.rows == ()
    assert [(fault.line, fault.column, fault.value) for fault in result.faults] == [
        (3, "包装", "24片一盒"),
        (4, "批准文号", "国药准字H3702401"),
        (6, "储存条件", "地窖"),
        (8, "通用名", ""),
        (8, "本位码", "86903728000028"),
    ]


def test_each_fault_says_what_would_be_right() -> None:
    assert sentences(FIVE_FAULTS) == [
        "line 3, 包装: '24片一盒' is not a pack: write it from small to large, as in 盒=24片;箱=200盒.",
        "line 4, 批准文号: 国药准字H3702401 is not a 国药准字 number: after the letter come 8 digits.",
        "line 6, 储存条件: '地窖' is not known here; write one of: 常温, 阴凉, 冷藏, 冷冻, normal, cool, cold, frozen.",
        "line 8, 通用名: 通用名 must not be empty.",
        "line 8, 本位码: 86903728000028: the last digit should be 7; one of the digits is wrong.",
    ]


def test_a_fault_can_be_said_in_another_language() -> None:
    fault = read_products(FIVE_FAULTS.encode()).faults[3]
    assert say("{column}不能为空", fault.params) == "通用名不能为空"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_read_as_the_spreadsheet_saved_it(encoding: str) -> None:
    (product,) = read_products((HEADER + GOOD).encode(encoding)).rows
    assert product.variety.generic_name == "阿莫西林胶囊"
    assert product.packs.to_base(3, "盒") == 72
    assert (product.variety.kind, product.storage, product.control) == (
        ItemKind.CHEMICAL,
        StorageClass.NORMAL,
        ControlClass.NONE,
    )
    assert product.load_g(25) == 42


def test_headers_may_be_english_and_in_any_order() -> None:
    content = "maker,packs,strength,dosage_form,generic_name\n某厂,盒=2支,1ml,注射液,甲\n"
    assert read_products(content.encode()).rows[0].maker == "某厂"


def test_rows_keep_the_lines_they_stood_in() -> None:
    result = read_products((HEADER + "\n" + GOOD).encode())
    assert result.lines == (3,)


def test_the_same_product_twice_is_a_fault_that_names_the_first() -> None:
    assert sentences(HEADER + GOOD + GOOD) == ["line 3: This stands already in line 2."]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "line 1: The file is empty."),
        ("\n\n", "line 1: The file is empty."),
        (HEADER, "line 1: The file has a header but no rows."),
        (HEADER + GOOD.strip() + ",多,余\n", "line 2: This line has 13 cells; the header has 11."),
        (
            HEADER + GOOD.replace("华北制药", "长" * 501),
            "line 2, 生产企业: This text is longer than 500 characters.",
        ),
        ("通用名,通用名\n甲,乙\n", "line 1, 通用名: The column '通用名' stands twice."),
        ("通用名,剂型,规格,包装\n甲,乙,丙,盒\n", "line 1, maker: The column maker (生产企业) is missing."),
        (HEADER + GOOD.replace(",40", ",四十"), "line 2, 盒重克: '四十' is not a whole number above zero."),
    ],
)
def test_a_file_of_the_wrong_shape_is_told_so(content: str, fault: str) -> None:
    result = read_products(content.encode())
    assert result.rows == ()
    assert fault in map(str, result.faults)


def test_an_unknown_column_is_named_with_those_that_may_be_there() -> None:
    (fault,) = read_products((HEADER.strip() + ",颜色\n" + GOOD.strip() + ",白\n").encode()).faults
    assert str(fault).startswith(
        "line 1, 颜色: '颜色' is not a column of this file; it may have: generic_name (通用名)"
    )


def test_a_quotation_mark_that_never_closes_does_not_hide_the_faults_above_it() -> None:
    lines = [fault.line for fault in read_products((FIVE_FAULTS + '"open,片剂\n').encode()).faults]
    assert lines == [3, 4, 6, 8, 8, 9]


def test_a_spreadsheet_sent_as_it_is_is_refused_in_one_sentence() -> None:
    (fault,) = read_products(b"PK\x03\x04\x00\x00sheet").faults
    assert "save it as CSV" in str(fault)


def test_text_in_neither_encoding_is_refused_by_line() -> None:
    (fault,) = read_products(HEADER.encode() + b"\xff\xff\xff\n").faults
    assert fault.line == 2


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 2)
    (fault,) = read_products((HEADER + GOOD * 3).encode()).faults
    assert str(fault) == "line 4: The file has more than 2 rows."


def test_too_large_a_file_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    assert len(read_products((HEADER + GOOD).encode()).faults) == 1


FORMULARY = "编码,县级,乡级,村级,保障类别,单价,生效日期\n"


def test_a_formulary_is_read() -> None:
    (row,) = read_formulary(
        (FORMULARY + "国药准字H23022137,常备,常备,按需,慢性病,0.5208,2026-09-01\n").encode()
    ).rows
    assert row == files.FormularyRow(
        code="国药准字H23022137",
        county=Availability.STOCKED,
        township=Availability.STOCKED,
        village=Availability.ON_REQUEST,
        priority=PriorityClass.CHRONIC,
        unit_price=Decimal("0.5208"),
        valid_from=date(2026, 9, 1),
    )


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("国药准字H23022137,常备,按需,常备,,,", "村级"),
        ("国药准字H23022137,不可,按需,不可,,,", "乡级"),
        ("国药准字H23022137,常备,常备,常备,,0.52081,", "单价"),
        ("国药准字H23022137,常备,常备,常备,,-1,", "单价"),
        ("国药准字H23022137,常备,常备,常备,,1e3,", "单价"),
        ("国药准字H23022137,常备,常备,常备,,,2026-02-30", "生效日期"),
        ("XYZ,常备,常备,常备,,,", "编码"),
        ("国药准字H23022137,常备,常备,,,,", "村级"),
    ],
)
def test_a_wrong_decision_of_a_formulary_is_a_fault_of_its_cell(line: str, column: str) -> None:
    (fault,) = read_formulary((FORMULARY + line + "\n").encode()).faults
    assert (fault.line, fault.column) == (2, column)


@given(st.binary(max_size=300))
def test_any_bytes_are_either_rows_or_faults(content: bytes) -> None:
    for read in (read_products, read_formulary):
        for attempt in (content, (HEADER + GOOD).encode() + content, FORMULARY.encode() + content):
            result = read(attempt)
            assert bool(result.rows) != bool(result.faults)
            assert all(str(fault) for fault in result.faults)
