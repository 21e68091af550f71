"""The sample: medicines of the 2026 list with invented packs and prices, and who uses which. All by seed."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import NamedTuple

from xinglin.formulary.actions import NewProduct
from xinglin_catalog import ControlClass, ItemKind
from xinglin_catalog.edition import Edition, EditionItem, Form, load_edition

SEED = 20260901
MOST_PER_ITEM = 3
MAKERS = (
    "天山制药",
    "准噶尔药业",
    "玛纳斯药业",
    "乌伊制药",
    "绿洲制药",
    "沙漠之花药业",
    "石榴制药",
    "胡杨药业",
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a dosage form is packed: base unit, pack, sizes, grams and cm³ of a pack, yuan of a pack."""

    base_unit: str
    pack_unit: str
    sizes: tuple[int, ...]
    weight_g: int
    volume_cm3: int
    yuan: float
    case: int = 200


TABLETS = Shape("片", "盒", (12, 20, 24, 30, 48, 100), 35, 90, 9.0)
CAPSULES = Shape("粒", "盒", (12, 20, 24, 36), 35, 110, 12.0)
PILLS = Shape("丸", "盒", (6, 10, 100, 200), 80, 180, 13.0, 100)
GRANULES = Shape("袋", "盒", (6, 9, 10, 12), 140, 420, 14.0, 60)
AMPOULES = Shape("支", "盒", (2, 5, 10), 70, 220, 16.0, 100)
POWDERS = Shape("支", "盒", (1, 10), 120, 320, 22.0, 60)
INFUSIONS = Shape("瓶", "瓶", (1,), 320, 420, 3.4, 30)
BOTTLES = Shape("瓶", "盒", (1,), 180, 260, 11.0, 60)
TUBES = Shape("支", "盒", (1,), 30, 70, 8.0, 200)
DROPS = Shape("支", "盒", (1,), 25, 50, 9.0, 200)
INHALERS = Shape("瓶", "盒", (1,), 60, 180, 32.0, 100)
PATCHES = Shape("贴", "盒", (4, 6, 8), 60, 160, 15.0, 100)
SUPPOSITORIES = Shape("枚", "盒", (5, 7, 10), 40, 110, 12.0, 100)

SHAPES = (
    ("氯化钠注射液", INFUSIONS), ("葡萄糖注射液", INFUSIONS), ("粉末", POWDERS), ("浓溶液", AMPOULES),
    ("脂质体", POWDERS), ("注射液", AMPOULES), ("贴", PATCHES), ("膏药", PATCHES), ("栓", SUPPOSITORIES),
    ("泡腾片", SUPPOSITORIES), ("滴眼", DROPS), ("滴鼻", DROPS), ("滴耳", DROPS), ("眼", TUBES), ("软膏", TUBES),
    ("乳膏", TUBES), ("凝胶", TUBES), ("气雾", INHALERS), ("吸入", INHALERS), ("喷", INHALERS), ("颗粒", GRANULES),
    ("散", GRANULES), ("混悬", GRANULES), ("粉", GRANULES), ("丸", PILLS), ("胶囊", CAPSULES), ("片", TABLETS),
    ("膜", TABLETS),
)  # fmt: skip
"""By the first part of a form's name that fits; liquids in bottles are what is left."""

VILLAGE_FORMS = (TABLETS, CAPSULES, PILLS, GRANULES, TUBES, DROPS, BOTTLES, INFUSIONS, AMPOULES)


def shape_of(form: str) -> Shape:
    """How a form is packed."""
    return next((shape for part, shape in SHAPES if part in form), BOTTLES)


class Medicine(NamedTuple):
    """A product of the sample, how much a village of a thousand uses a day, and where it is kept."""

    product: NewProduct
    daily_use: float
    is_for_villages: bool
    is_for_townships: bool


def medicines() -> list[Medicine]:
    """About 1,700 products: each item of the list in up to three forms or strengths."""
    edition = load_edition("2026")
    return [medicine for item in edition.items for medicine in _of_item(edition, item)]


def _of_item(edition: Edition, item: EditionItem) -> Iterator[Medicine]:
    """The products of one item of the list."""
    chance = random.Random(f"{SEED}-{item.key}")  # noqa: S311 - a sample, not a secret
    chosen = [(form, strength) for form in item.forms for strength in (form.strengths or ("",))]
    if len(chosen) > MOST_PER_ITEM:
        chosen = sorted(chance.sample(chosen, MOST_PER_ITEM), key=chosen.index)
    wide = chance.paretovariate(1.1)
    for number, (form, strength) in enumerate(chosen, 1):
        yield _medicine(item, form, strength, f"{item.key}-{number}", wide / number, chance)


def _medicine(
    item: EditionItem, form: Form, strength: str, code: str, wide: float, chance: random.Random
) -> Medicine:
    """One product, with a price of the right magnitude."""
    shape = shape_of(form.name)
    size = chance.choice(shape.sizes)
    draft = item.draft
    is_injection = shape in (AMPOULES, POWDERS, INFUSIONS)
    is_plain = draft.control_class is ControlClass.NONE and not item.is_specialist and not form.is_specialist
    barred = draft.village_rule not in ("", "allow") and (
        is_injection or "injectable" not in draft.village_rule
    )
    pack_yuan = min(320.0, shape.yuan * chance.lognormvariate(0, 0.6) * (2.5 if draft.cold_chain else 1))
    product = NewProduct(
        code=code, kind=item.kind.value, generic_name=item.name_zh, generic_name_en=item.name_en,
        dosage_form=form.name, strength=strength, base_unit=shape.base_unit, pack_unit=shape.pack_unit,
        pack_size=size, case_size=shape.case, pack_weight_g=shape.weight_g, pack_volume_cm3=shape.volume_cm3,
        unit_price=Decimal(f"{max(pack_yuan / size, 0.0005):.4f}"), maker=chance.choice(MAKERS),
        storage="cold" if draft.cold_chain else "normal", control=draft.control_class.value,
        priority=draft.priority.value, antibiotic=draft.antibiotic,
        village_rule=f"R11/R12: {draft.village_rule}" if barred else "",
    )  # fmt: skip
    is_common = wide > (2.2 if item.kind is ItemKind.PATENT_TCM else 1.6)
    daily = min(6.0, 0.25 * wide) * (size / 12 if shape.base_unit in "片粒丸" else 0.25)
    return Medicine(
        product, daily, is_plain and is_common and not barred and not draft.cold_chain and shape in VILLAGE_FORMS,
        is_plain and wide > 1.25,
    )  # fmt: skip


class Town(NamedTuple):
    """A township or community pharmacy."""

    code: str
    town: str
    name: str
    name_en: str
    kind: str
    latitude: float
    longitude: float


class Clinic(NamedTuple):
    """A village clinic or community station; position and population are synthetic."""

    code: str
    town_code: str
    name: str
    latitude: float
    longitude: float
    population: int


def towns() -> list[Town]:
    """The twelve pharmacies."""
    return [
        Town(r["code"], r["town"], r["name"], r["name_en"], r["kind"], float(r["lat"]), float(r["lon"]))
        for r in _read("towns")
    ]


def clinics() -> list[Clinic]:
    """The 201 clinics."""
    return [
        Clinic(r["code"], r["town_code"], r["name"], float(r["lat"]), float(r["lon"]), int(r["population"]))
        for r in _read("clinics")
    ]


def _read(name: str) -> list[dict[str, str]]:
    text = resources.files("xinglin.demo").joinpath("data", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗"
GIVEN = (
    "建国",
    "秀英",
    "志强",
    "桂兰",
    "海燕",
    "永福",
    "玉梅",
    "国庆",
    "春花",
    "文军",
    "晓红",
    "德明",
    "丽娟",
    "新民",
)


def person(key: str) -> str:
    """An invented name."""
    chance = random.Random(f"{SEED}-{key}")  # noqa: S311
    return chance.choice(SURNAMES) + chance.choice(GIVEN)
