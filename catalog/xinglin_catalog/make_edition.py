"""Make the library's edition file from the transcribed facts: python -m xinglin_catalog.make_edition FOLDER.

Reads edl2026_items.csv, edl2026_form_strength.csv and edl2026_flags_draft.csv. The transcript split its text
at every comma; CORRECTIONS and the joining of fragments mend what that broke, checked against the wording.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from xinglin_catalog.naming import spoken_names

Row = dict[str, str]
Form = tuple[str, str, tuple[str, ...], bool]

HEADER = {
    "edition": "2026",
    "name_zh": "国家基本药物目录（2026年版）",
    "notice": "国卫药政发〔2026〕17号",
    "published_on": "2026-07-09",
    "in_force_from": "2026-09-01",
    "in_force_until": None,
}

SCOPE = {
    35: "tuberculosis",
    51: "hiv",
    56: "artemisinin",
    292: "haemophilia",
    429: "antivenom",
    431: "immunisation_vaccine",
    471: "contraceptive",
}
"""Numbers of part 1 that name a scope instead of a medicine."""

DRAFT_SCOPE_NAMES = {
    "tuberculosis": "异烟肼 利福平 吡嗪酰胺 乙胺丁醇 链霉素 对氨基水杨酸 利福喷丁 丙硫异烟胺 环丝氨酸 贝达喹啉 氯法齐明",
    "hiv": "齐多夫定 拉米夫定 依非韦伦 奈韦拉平 洛匹那韦 利托那韦 多替拉韦 阿巴卡韦 艾考恩丙替 艾诺韦林 艾博韦泰",
    "artemisinin": "青蒿 蒿甲醚",
    "haemophilia": "凝血因子Ⅷ 凝血因子Ⅸ 凝血因子Ⅶ 凝血酶原复合物",
    "antivenom": "蛇毒血清",
    "immunisation_vaccine": "乙型肝炎疫苗 卡介苗 脊髓灰质炎 百白破 白破联合疫苗 麻腮风 麻疹 乙型脑炎 脑膜炎球菌多糖疫苗 甲型肝炎",
    "contraceptive": "左炔诺孕酮 避孕",
}
"""Name stems that fall under a scope. The annotations of the list are not in the transcript: this is
professional knowledge, shipped as draft, and each match by it says so."""

_LIPOSOME = ("注射用脂质体", "", ("50mg（5万单位）",))
CORRECTIONS: dict[tuple[str, str], dict[str, list[tuple[str, str, tuple[str, ...]]]]] = {
    ("chem_bio", "39"): {
        "注射用无菌粉末": [
            ("注射用无菌粉末", "", ("5mg（5000单位）", "25mg（2.5万单位）", "50mg")),
            _LIPOSOME,
        ]
    },
    ("chem_bio", "71"): {"注射液": [("注射液", "", ("2ml∶0.1mg",)), ("贴剂", "", ())]},
    ("chem_bio", "76"): {
        "口服溶液剂": [
            ("口服溶液剂", "", ("100ml∶2.4g",)),
            *((form, "", ()) for form in ("颗粒剂", "混悬液", "干混悬剂", "栓剂")),
        ]
    },
    ("chem_bio", "325"): {"注射液": [("注射液", "", ("1.34mg/ml，1.5ml", "1.34mg/ml，3ml"))]},
    ("chem_bio", "311"): {
        "人胰岛素注射液（短效、中效和预混30R）": [("注射液", "短效、中效和预混30R", ("300单位", "400单位"))]
    },
    ("chem_bio", "415"): {"注射液": [("注射液", "", ("10ml∶1g", "10ml∶1.5g")), ("颗粒剂", "", ())]},
    ("chem_bio", "475"): {
        "糖浆组合包装": [
            (
                "糖浆组合包装",
                "",
                (
                    "水合氯醛浓缩液1.342g∶1g/糖浆（稀释液）9ml",
                    "水合氯醛浓缩液0.671g∶0.5g/糖浆（稀释液）4.5ml",
                ),
            )
        ]
    },
    ("tcm_patent", "108"): {"注射用无菌粉末": [("注射用无菌粉末", "", ("100mg", "150mg", "250mg"))]},
}
"""Forms that ran together because the transcript lost a line break between them, and what the text says."""


def main(folder: Path, target: Path) -> None:
    """Write the edition, one item a line, so that a change reads well in a diff."""
    items = list(make_items(folder))
    head = json.dumps(HEADER | {"draft_scope_names": DRAFT_SCOPE_NAMES}, ensure_ascii=False)[:-1]
    lines = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)
    target.write_text(f'{head}, "items": [\n{lines}\n]}}\n', encoding="utf-8")


def make_items(folder: Path) -> Iterator[dict[str, object]]:
    """One entry per number: the forms of its repeat rows are added to it, so that nothing counts twice."""
    rows = _read(folder / "edl2026_items.csv")
    forms = _read(folder / "edl2026_form_strength.csv")
    drafts = {(row["part"], row["list_no"]): row for row in _read(folder / "edl2026_flags_draft.csv")}
    for row in (row for row in rows if row["is_repeat"] == "0"):
        key = (row["part"], row["list_no"])
        same = [other for other in rows if (other["part"], other["list_no"]) == key]
        yield {
            "part": row["part"],
            "number": int(row["list_no"]),
            "name_zh": row["name_zh"].strip(),
            "names": spoken_names(row["name_zh"]),
            "name_en": row["name_en"].strip(),
            "classes": [[other["category1"], other["category2"]] for other in same],
            "function": row["tcm_function"],
            "scope": SCOPE.get(int(row["list_no"]), "") if row["part"] == "chem_bio" else "",
            "specialist": any(form[3] for form in _forms(same, forms)) or row["remark"].endswith("△"),
            "forms": _forms(same, forms),
            "draft": _draft(drafts[key]),
        }


def _forms(rows: list[Row], all_forms: list[Row]) -> list[Form]:
    """The union of the forms of all rows of one number; △ binds only the forms of the row that bears it."""
    found: dict[tuple[str, str], Form] = {}
    for row in rows:
        mine = [form for form in all_forms if _belongs(form, row)]
        for name, salt, strengths in _mended(row, mine):
            before = found.get((name, salt), (name, salt, (), False))
            together = tuple(dict.fromkeys(before[2] + strengths))
            found[name, salt] = (name, salt, together, before[3] or _is_specialist(row["remark"], name))
    return list(found.values())


def _belongs(form: Row, row: Row) -> bool:
    """Whether a form was printed in this row (a repeat row of another class has forms of its own)."""
    same = all(form[column] == row[column] for column in ("part", "list_no", "is_repeat"))
    return same and form["source_clause"] in row["specs"]


def _mended(row: Row, forms: list[Row]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Strengths by form and salt, in the order printed, with what the transcript broke put together again."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for form in forms:
        salt = "" if row["part"] == "tcm_patent" else form["salt_or_qualifier"]
        grouped.setdefault((form["dosage_form"], salt), []).append(form["strength"])
    corrections = CORRECTIONS.get((row["part"], row["list_no"]), {})
    for (name, salt), strengths in grouped.items():
        if name in corrections:
            yield from corrections[name]
        else:
            yield name, salt, tuple(_joined(strengths))


def _joined(strengths: list[str]) -> list[str]:
    """A fragment that names an ingredient continues the strength before it: 每片含缬沙坦80mg、氨氯地平5mg."""
    joined: list[str] = []
    for text in filter(None, strengths):
        if joined and re.match(r"(?!每|小儿|总|单)[一-鿿]", text):
            joined[-1] += "、" + text
        else:
            joined.append(text)
    return joined


def _is_specialist(remark: str, form: str) -> bool:
    """Whether △ binds this form: "△" binds all, "注射液△" only the form it names."""
    named = re.sub(r"注释\d+", "", remark)
    return named == "△" or (named.endswith("△") and form in named[:-1].split("、"))


def _draft(row: Row) -> dict[str, object]:
    """Flags from professional knowledge, kept apart from the facts and left out where they say nothing."""
    flags = ("cold_chain", "antibiotic", "has_injection", "emergency", "maternal_child", "chronic")
    draft: dict[str, object] = {flag: True for flag in flags if row[flag] == "1"}
    if row["control_class"]:
        draft["control_class"] = row["control_class"]
    if row["village_rule"] != "allow":
        draft["village_rule"] = row["village_rule"]
    return draft


def _read(path: Path) -> list[Row]:
    """All rows of a file of facts."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent / "data" / "neml_2026.json")
