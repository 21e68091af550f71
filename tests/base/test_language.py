"""Sentences, dates, money and packs as each of the two languages writes them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from jinja2 import Environment

from xinglin.base import language
from xinglin.base.language import Speech, choose, environment_extras, translate, translate_number
from xinglin_catalog.packs import PackLadder

BOX = PackLadder.of("片", ("盒", 24), ("箱", 200))
ZH, EN = Speech("zh_CN"), Speech("en")


@pytest.mark.parametrize(
    ("query", "cookie", "header", "chosen"),
    [
        (None, None, None, "zh_CN"),
        ("en", "zh_CN", "zh-CN", "en"),
        ("fr", "en", "zh-CN", "en"),
        (None, "nonsense", "en-GB,en;q=0.9", "en"),
        (None, None, "fr,de;q=0.9", "zh_CN"),
        (None, None, "en;q=0.3, zh-TW;q=0.8", "zh_CN"),
        (None, None, "en;q=0, zh", "zh_CN"),
        (None, None, "en;q=lots, zh;q=0.1", "zh_CN"),
        (None, None, "*", "zh_CN"),
    ],
)
def test_the_address_counts_before_the_cookie_before_the_browser(
    query: str | None, cookie: str | None, header: str | None, chosen: str
) -> None:
    assert choose(query, cookie, header) == chosen


@given(st.text(), st.text(), st.text())
def test_any_wish_ends_in_a_language_we_speak(query: str, cookie: str, header: str) -> None:
    assert choose(query, cookie, header) in language.LOCALES


def test_a_sentence_is_said_in_chinese_with_its_fields() -> None:
    assert translate("zh_CN", "{number} is closed already.", number="SH-1") == "SH-1 已结案。"
    assert translate("en", "{number} is closed already.", number="SH-1") == "SH-1 is closed already."


def test_a_sentence_nobody_translated_stays_english() -> None:
    assert translate("zh_CN", "{n} camels.", n=3) == "3 camels."


def test_braces_stay_where_no_field_is_given() -> None:
    assert translate("en", "Write {number}.") == "Write {number}."


def test_english_has_one_and_many_and_chinese_its_one_form(monkeypatch: pytest.MonkeyPatch) -> None:
    assert translate_number("en", "{number} line", "{number} lines", 1) == "1 line"
    assert translate_number("en", "{number} line", "{number} lines", 0) == "0 lines"
    monkeypatch.setattr(language, "catalogue", lambda _: {"{number} line": ("{number} 行",)})
    assert translate_number("zh_CN", "{number} line", "{number} lines", 4) == "4 行"


def test_a_day_is_written_as_people_of_each_language_read_it() -> None:
    on = date(2026, 3, 14)
    assert [ZH.day(on), ZH.day(on, "short"), ZH.day(on, "iso")] == [
        "2026年3月14日",
        "3月14日 周六",
        "2026-03-14",
    ]
    assert [EN.day(on), EN.day(on, "short")] == ["14 Mar 2026", "Sat 14 Mar"]


def test_an_instant_is_shown_on_the_clock_of_the_county() -> None:
    late = datetime(2026, 3, 14, 17, 5, tzinfo=UTC)
    assert ZH.moment(late) == "2026年3月15日 01:05"
    assert EN.time(late) == "01:05"


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "0 分钟", "0 min"),
        (3569, "59 分钟", "59 min"),
        (3570, "1 小时 00 分", "1 h 00 min"),
        (7500, "2 小时 05 分", "2 h 05 min"),
    ],
)
def test_a_length_of_time_is_told_to_the_minute(seconds: int, chinese: str, english: str) -> None:
    assert (ZH.duration(seconds), EN.duration(timedelta(seconds=seconds))) == (chinese, english)


def test_money_keeps_its_fen_and_a_unit_price_its_four_places() -> None:
    assert ZH.money(Decimal("1234.5")) == "¥1,234.50"
    assert EN.money(Decimal("-0.5")) == "−¥0.50"
    assert ZH.money(Decimal("0.5208"), 4) == "¥0.5208"


def test_base_units_are_told_in_packs_of_the_readers_language() -> None:
    assert ZH.quantity(76, BOX) == "3 盒 4 片"
    assert EN.quantity(76, BOX) == "3 boxes 4 tablets"
    assert EN.quantity(4801, BOX) == "1 case 1 tablet"
    assert ZH.quantity(-76, BOX) == "−3 盒 4 片"
    assert EN.quantity(3, PackLadder.of("坨")) == "3 坨"


@given(st.integers(min_value=0, max_value=10**9))
def test_packs_told_in_chinese_are_read_back_as_the_same_quantity(quantity: int) -> None:
    assert BOX.read_quantity(ZH.quantity(quantity, BOX).replace(",", "")) == quantity


def test_measures_carry_their_unit() -> None:
    assert (ZH.distance(37_449), ZH.weight(14_250), ZH.volume(20_000)) == ("37.4 km", "14.3 kg", "20 L")
    assert (EN.percent(Decimal("0.9345")), EN.number(1_234_567)) == ("93.5%", "1,234,567")


def test_what_is_not_known_is_a_dash_in_every_figure() -> None:
    figures = [
        ZH.day,
        ZH.moment,
        ZH.time,
        ZH.duration,
        ZH.number,
        ZH.percent,
        ZH.money,
        ZH.distance,
        ZH.weight,
        ZH.volume,
    ]
    assert {figure(None) for figure in figures} == {"–"}
    assert ZH.quantity(None, BOX) == "–"


def test_a_template_speaks_through_what_it_is_given_and_escapes_it() -> None:
    template = Environment(autoescape=True).from_string(
        '{{ say.tag }} {{ _("{number} is closed already.", number="<b>") }} {{ say.money(3) }}'
    )
    assert template.render(environment_extras("zh_CN")) == "zh-CN &lt;b&gt; 已结案。 ¥3.00"
    assert template.render(environment_extras("en")) == "en &lt;b&gt; is closed already. ¥3.00"
