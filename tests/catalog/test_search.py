"""Search: by Chinese, pinyin, initials with their other readings, English, code; any part of a name finds it."""

from functools import cache

import pytest
from hypothesis import given, strategies as st

from xinglin_catalog import EditionItem, load_edition
from xinglin_catalog.naming import squeeze
from xinglin_catalog.readings import spellings
from xinglin_catalog.search import Entry, SearchIndex, query_keys, score, search_keys

AMOXICILLIN = Entry(
    "amoxicillin",
    ("阿莫西林胶囊", "0.25g"),
    ("Amoxicillin Capsules",),
    ("国药准字H44021518", "XJ01CAA040E001010102699", "6901234567892"),
)
OTHERS = [
    Entry("amoxiclav", ("阿莫西林克拉维酸钾片",), ("Amoxicillin and Clavulanate Potassium",)),
    Entry("prednisone", ("醋酸泼尼松片", "5mg"), ("Prednisone Acetate Tablets",), ("国药准字H12020689",)),
    Entry("insulin", ("重组人胰岛素注射液",), ("Recombinant Human Insulin",)),
    Entry("b6", ("维生素B6片", "10mg"), ("Vitamin B6",)),
    Entry("amino", ("复方氨基酸注射液（18AA-Ⅱ）",)),
    Entry("chlorine", ("氯化钠注射液", "0.9%"), ("Sodium Chloride Injection",)),
    Entry("green", ("铝碳酸镁咀嚼片",), ("Hydrotalcite",)),
]


@cache
def shelf() -> SearchIndex[str]:
    """A small catalogue."""
    return SearchIndex([AMOXICILLIN, *OTHERS])


def found(text: str) -> list[str]:
    """The ids found, best first."""
    return [entry.id for entry in shelf().find(text)]


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("阿莫西林胶囊", "amoxicillin"),
        ("莫西", "amoxicillin"),
        ("胶", "amoxicillin"),
        ("amxl", "amoxicillin"),
        ("AMXLJN", "amoxicillin"),
        ("emxl", "amoxicillin"),
        ("amoxilin", "amoxicillin"),
        ("a mo xi lin", "amoxicillin"),
        ("āmòxīlín", "amoxicillin"),
        ("Amoxi", "amoxicillin"),
        ("capsules", "amoxicillin"),
        ("阿莫西林 0.25", "amoxicillin"),
        ("阿莫 jiaonang", "amoxicillin"),
        ("H44021518", "amoxicillin"),
        ("国药准字H4402", "amoxicillin"),
        ("国药准字 Ｈ４４０２", "amoxicillin"),
        ("xj01caa040", "amoxicillin"),
        ("690123456", "amoxicillin"),
        ("clavulan", "amoxiclav"),
        ("kelaweisuan", "amoxiclav"),
        ("泼尼松", "prednisone"),
        ("cspns", "prednisone"),
        ("czr", "insulin"),
        ("zzryds", "insulin"),
        ("chongzuren", "insulin"),
        ("zhongzuren", "insulin"),
        ("yidaosu", "insulin"),
        ("wssb6", "b6"),
        ("维生素b", "b6"),
        ("weishengsub6", "b6"),
        ("18aa", "amino"),
        ("氨基酸 18", "amino"),
        ("0.9%", "chlorine"),
        ("sodium chlor", "chlorine"),
        ("lü tan", "green"),
        ("lvtansuanmei", "green"),
        ("lǚ tan", "green"),
        ("阿莫西林0.25g", "amoxicillin"),
        ("阿莫jiaonang", "amoxicillin"),
    ],
)
def test_what_people_type_finds_the_medicine(text: str, best: str) -> None:
    assert found(text)[:1] == [best]


@pytest.mark.parametrize(
    "text", ["", "   ", "()", "阿莫青霉", "zzzz", "H99999999", "阿莫西林 片剂胶囊", "\x00", "%"]
)
def test_what_is_not_there_is_not_found(text: str) -> None:
    assert found(text) == []


def test_the_whole_name_comes_before_its_beginning_before_its_inside() -> None:
    ranked = SearchIndex(
        [Entry(name, (name,)) for name in ("复方青霉素片", "青霉素V钾", "青霉素", "大青霉素")]
    )
    assert [entry.id for entry in ranked.find("青霉素")] == [
        "青霉素",
        "青霉素V钾",
        "大青霉素",
        "复方青霉素片",
    ]


def test_the_beginning_of_a_word_comes_before_its_inside() -> None:
    ranked = SearchIndex(
        [Entry("inside", ("甲",), ("Xsodium",)), Entry("word", ("乙",), ("Heparin Sodium",))]
    )
    assert [entry.id for entry in ranked.find("sodium")] == ["word", "inside"]


def test_no_more_than_asked_for_come_back() -> None:
    assert len(SearchIndex([Entry(place, ("青霉素",)) for place in range(50)]).find("青霉素", limit=7)) == 7


def test_a_very_long_query_is_cut_and_answered() -> None:
    assert found("阿莫西林" * 10_000) == []


ITEMS = load_edition().items
LISTED = SearchIndex([Entry(item.key, item.names, (item.name_en,), (item.key,)) for item in ITEMS])


@st.composite
def parts_of_names(draw: st.DrawFn) -> tuple[str, str]:
    """The key of an entry and any inner part of one of its names."""
    item = draw(st.sampled_from(ITEMS))
    name = draw(st.sampled_from(item.names))
    start = draw(st.integers(0, len(name) - 1))
    return item.key, name[start : draw(st.integers(start + 1, len(name)))]


@given(parts_of_names())
def test_any_part_of_a_name_finds_it(wanted: tuple[str, str]) -> None:
    key, part = wanted
    item = load_edition().item(key)
    entry = Entry(key, item.names)
    if query_keys(part):
        assert set(query_keys(part)) <= entry.keys
        assert score(part, entry) is not None


@given(st.sampled_from(ITEMS), st.data())
def test_any_three_letters_of_its_spelling_find_it(item: EditionItem, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(item.names))
    spelling = data.draw(st.sampled_from(spellings(squeeze(name))))
    for word in (spelling.pinyin, spelling.initials):
        start = data.draw(st.integers(0, max(0, len(word) - 3)))
        part = word[start : start + data.draw(st.integers(3, 12))]
        entry = Entry("x", (name,))
        if part and part.isalpha():
            assert set(query_keys(part)) <= entry.keys
            assert score(part, entry) is not None


WORDS = st.sampled_from(
    [
        "阿",
        "片",
        "莫西",
        "a",
        "an",
        "am",
        "lin",
        "b",
        "6",
        "12",
        "b12",
        "0.",
        ".",
        "in",
        "inb",
        "sod",
        "纳",
        "-",
    ]
)
ASKED = st.one_of(st.text(max_size=10), st.lists(WORDS, max_size=4).map("".join))


@given(ASKED, st.sampled_from(ITEMS))
def test_a_hit_is_always_a_candidate(text: str, item: EditionItem) -> None:
    entry = Entry("x", item.names, (item.name_en,))
    if score(text, entry) is not None:
        assert set(query_keys(text)) <= entry.keys


@given(st.text(max_size=200))
def test_any_text_can_be_asked(text: str) -> None:
    assert len(LISTED.find(text)) <= 20


def test_a_product_has_a_modest_number_of_keys() -> None:
    sizes = [len(search_keys(item.names[:1], (item.name_en,), (item.key,))) for item in ITEMS]
    assert sum(size > 120 for size in sizes) <= 1
    assert sum(sizes) / len(sizes) < 80
