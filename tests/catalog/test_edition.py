"""The essential medicines list of 2026: what is on it, by which words, and from which day."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, strategies as st

from xinglin_catalog import (
    Basis,
    ControlClass,
    EditionItem,
    ItemKind,
    NoEdition,
    Part,
    PriorityClass,
    diff,
    edition_on,
    load_edition,
    read_edition,
    strengths,
)

LIST = load_edition("2026")


def test_the_list_has_476_and_318_items_numbered_without_gap() -> None:
    for part, count in ((Part.CHEM_BIO, 476), (Part.TCM_PATENT, 318)):
        assert [item.number for item in LIST.items if item.part is part] == list(range(1, count + 1))
    assert len(LIST.items) == 794


def test_it_says_under_which_notice_and_from_which_day_it_rules() -> None:
    assert (LIST.notice, LIST.in_force_from) == ("国卫药政发〔2026〕17号", date(2026, 9, 1))
    assert not LIST.is_in_force(date(2026, 8, 31))
    assert LIST.is_in_force(date(2026, 9, 1))


def test_what_was_received_in_august_and_issued_in_october_changes_its_standing() -> None:
    received, issued = (
        LIST.match("阿莫西林胶囊", "胶囊剂", "0.25g", on=on) for on in (date(2026, 8, 20), date(2026, 10, 8))
    )
    assert received is None
    assert issued is not None


def test_no_shipped_edition_rules_before_september() -> None:
    assert edition_on(date(2026, 9, 1)) is LIST
    with pytest.raises(NoEdition, match="in force on 2026-08-31"):
        edition_on(date(2026, 8, 31))
    with pytest.raises(NoEdition, match="There is no edition 2018"):
        load_edition("2018")


def test_repeated_rows_add_their_forms_and_count_once() -> None:
    erythromycin = LIST.item("C020")
    assert [one for one, _ in erythromycin.classes] == ["抗微生物药", "皮肤科用药", "眼科用药"]
    assert {"软膏剂", "眼膏剂"} <= {form.name for form in erythromycin.forms}
    assert sum(len(item.classes) - 1 for item in LIST.items) == 22


def test_152_entries_bear_the_mark_and_some_on_one_form_only() -> None:
    assert sum(item.is_specialist for item in LIST.items) == 152
    partly = {item.names[0] for item in LIST.items if len({form.is_specialist for form in item.forms}) == 2}
    assert partly == {
        "地西泮",
        "阿法骨化醇",
        "维A酸",
        "藿香正气水",
        "生脉饮",
        "清开灵颗粒",
        "血栓通胶囊",
        "血塞通胶囊",
    }


@pytest.mark.parametrize(
    ("name", "form", "strength", "item"),
    [
        ("阿莫西林胶囊", "胶囊剂", "250mg", "C006"),
        ("阿莫西林", "胶囊", "0.25g", "C006"),
        ("注射用青霉素钠", "注射剂", "0.48g(80万单位)", "C001"),
        ("注射用青霉素钠", "粉针剂", "80万单位", "C001"),
        ("盐酸氨溴索片", "片剂", "30mg", "C206"),
        ("头孢呋辛酯片", "薄膜衣片", "250mg", "C012"),
        ("醋酸地塞米松片", "片剂", "0.75mg", "C310"),
        ("地塞米松磷酸钠注射液", "注射剂", "5mg:1ml", "C310"),
        ("左氧氟沙星氯化钠注射液", "注射剂", "100ml:0.5g", "C030"),
        ("葡萄糖氯化钠注射液", "注射液", "500ml", "C413"),
        ("氯化钠注射液", "大容量注射液", "250ml:2.25g", "C411"),
        ("葡萄糖注射液", "注射液", "10%（250ml）", "C412"),
        ("红霉素软膏", "软膏剂", "10g:0.1g", "C020"),
        ("琥乙红霉素片", "片剂", "0.125g", "C020"),
        ("丁酸氢化可的松乳膏", "乳膏剂", "0.1%", "C307"),
        ("苯磺酸氨氯地平片", "片剂", "5mg", "C185"),
        ("重组人干扰素α2b注射液", "注射液", "300万IU", "C050"),
        ("复方磺胺甲恶唑片", "片剂", "0.4g:80mg", "C026"),
        ("银翘解毒片", "片剂", "每片重0.5g", "T007"),
        ("藿香正气水", "酊剂", "每支装10ml", "T030"),
        ("消癌平片", "片剂", "每片重0.3g", "T143"),
        ("盐酸消旋山莨菪碱注射液", "注射液", "1ml:10mg", "C239"),
        ("阿托伐他汀钙片(集采)", "片剂", "10mg", "C201"),
        ("盐酸氨溴索口服液", "口服液", "100ml:0.6g", "C206"),
        ("口服补液盐散(Ⅲ)", "散剂", "5.125g", "C410"),
        ("六味地黄丸(蜜丸)", "大蜜丸", "9g", "T079"),
        ("注射用血栓通(冻干)", "注射剂", "100mg", "T108"),
    ],
)
def test_a_product_is_essential_however_its_name_and_dose_are_written(
    name: str, form: str, strength: str, item: str
) -> None:
    match = LIST.match(name, form, strength)
    assert match is not None
    assert match.item is not None
    assert match.item.key == item


@pytest.mark.parametrize(
    ("name", "form", "strength"),
    [
        ("阿莫西林胶囊", "胶囊剂", "0.5g"),
        ("阿莫西林分散片", "片剂", "0.25g"),
        ("阿莫西林胶囊", "胶囊剂", ""),
        ("青霉素钾", "注射用无菌粉末", "0.48g"),
        ("甲磺酸罗哌卡因注射液", "注射液", "10ml:75mg"),
        ("青霉素V钾片", "片剂", "0.25g"),
        ("氯化钠注射液", "注射液", "0.9%（25ml）"),
        ("不存在的药", "片剂", "1mg"),
        ("", "", ""),
    ],
)
def test_another_form_dose_salt_or_name_is_not_essential(name: str, form: str, strength: str) -> None:
    assert LIST.match(name, form, strength) is None


def test_where_no_strength_is_printed_every_strength_counts() -> None:
    match = LIST.match("盐酸吗啡片", "片剂", "30mg")
    assert match is not None
    assert match.basis is Basis.ANY_STRENGTH
    assert str(match) == "C073 吗啡: 片剂 is in the 2026 list without strengths, so all count."


def test_a_match_says_which_words_of_the_list_it_rests_on() -> None:
    match = LIST.match("注射用青霉素钠", "注射剂", "80万单位")
    assert str(match) == "C001 青霉素: 注射用无菌粉末（钠盐） 0.48g（80万单位） is printed in the 2026 list."


@pytest.mark.parametrize(
    ("name", "form", "strength", "marked"),
    [
        ("地西泮片", "片剂", "2.5mg", False),
        ("地西泮注射液", "注射液", "2ml:10mg", True),
        ("维A酸片", "片剂", "10mg", True),
        ("维A酸乳膏", "乳膏剂", "0.1%", False),
        ("藿香正气水", "酊剂", "10ml", True),
        ("藿香正气软胶囊", "软胶囊", "0.45g", False),
    ],
)
def test_the_mark_binds_only_the_form_it_stands_on(name: str, form: str, strength: str, marked: bool) -> None:
    match = LIST.match(name, form, strength)
    assert match is not None
    assert match.is_specialist is marked


def test_slices_are_essential_by_rule_and_consumables_never() -> None:
    slices = LIST.match("黄芪", "饮片", "", kind=ItemKind.SLICES)
    assert slices is not None
    assert (slices.basis, slices.item) == (Basis.SLICES, None)
    assert LIST.match("阿莫西林胶囊", "胶囊剂", "0.25g", kind=ItemKind.CONSUMABLE) is None


def test_a_scope_is_matched_by_a_draft_rule_that_says_so() -> None:
    match = LIST.match("抗蝮蛇毒血清", "注射液", "6000U")
    assert match is not None
    assert match.item is not None
    assert (match.basis, match.is_draft, match.item.key) == (Basis.SCOPE, True, "C429")
    assert {item.number for item in LIST.items if item.scope} == {35, 51, 56, 292, 429, 431, 471}


def test_the_variety_is_found_even_where_its_form_is_not_listed() -> None:
    assert [item.key for item in LIST.find("阿莫西林分散片")] == ["C006"]


PRINTED = [
    (item, name, form, strength)
    for item in LIST.items
    for name in item.names
    for form in item.forms
    for strength in form.strengths or ("",)
]


def test_every_printed_form_and_strength_matches_its_own_entry() -> None:
    for item, _, form, strength in PRINTED:
        found = (LIST.match(name, form.name, strength) for name in item.names)
        assert any(match and match.item is item for match in found), (item.name_zh, form, strength)


@given(st.text(max_size=20), st.text(max_size=10), st.text(max_size=20))
def test_any_text_is_answered(name: str, form: str, strength: str) -> None:
    match = LIST.match(name, form, strength)
    assert match is None or str(match)


@pytest.mark.parametrize(
    ("printed", "offered", "equal"),
    [
        ("0.25g", "250mg", True),
        ("2ml∶10mg", "10mg/2ml", True),
        ("2ml∶10mg", "10mg:2ml", True),
        ("0.25g（40万单位）", "40万单位", True),
        ("300万IU", "3000000IU", True),
        ("1%", "10g:0.1g", True),
        ("5mg/ml", "2ml:10mg", True),
        ("每片含400mg索磷布韦和100mg维帕他韦", "400mg/100mg", True),
        ("10%（100ml、250ml）", "250ml:25g", True),
        ("10%（100ml、250ml）", "500ml:50g", False),
        ("0.25g", "0.5g", False),
        ("0.25g", "0.25mg", False),
        ("2ml∶10mg", "1ml:5mg", False),
        ("2ml∶10mg", "10mg", False),
        ("0.25g（40万单位）", "0.25g（80万单位）", False),
    ],
)
def test_doses_are_compared_by_what_they_hold(printed: str, offered: str, equal: bool) -> None:
    assert strengths.is_equal(printed, offered) is equal


def test_draft_flags_are_kept_apart_from_the_facts() -> None:
    fentanyl = LIST.item("C071").draft
    assert (fentanyl.control_class, fentanyl.village_rule) == (ControlClass.NARCOTIC, "block")
    assert LIST.item("C006").draft.priority is PriorityClass.OTHER
    assert sum(item.draft.village_rule == "block" for item in LIST.items) == 20


def older() -> list[EditionItem]:
    """The list as it might have been: one entry fewer, one more, one printed otherwise, numbers shifted."""
    first, second, third, *rest = LIST.items
    form = replace(third.forms[0], strengths=("250mg", "1.0g"))
    gone = replace(first, number=999, name_zh="旧药", names=("旧药",))
    return [
        gone,
        replace(third, number=2, forms=(form, *third.forms[1:])),
        *rest,
        replace(second, number=998),
    ]


def test_the_difference_of_two_editions_goes_by_names_not_numbers() -> None:
    change = diff(replace(LIST, edition="2018", items=tuple(older())), LIST)
    assert [item.name_zh for item in change.added] == ["青霉素"]
    assert [item.name_zh for item in change.dropped] == ["旧药"]
    (changed,) = change.changed
    assert (changed.new.name_zh, changed.added, changed.dropped) == ("苯唑西林", (), ("片剂 1.0g",))


def test_an_edition_does_not_differ_from_itself() -> None:
    same = diff(LIST, LIST)
    assert (same.added, same.dropped, same.changed) == ((), (), ())


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"edition": 1}', "[" * 100_000])
def test_a_text_that_is_no_edition_is_refused(text: str) -> None:
    with pytest.raises(NoEdition):
        read_edition(text)
