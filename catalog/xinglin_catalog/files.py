"""Catalogue files: read whole, with every fault by line, or not taken at all."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from xinglin_catalog.identifiers import System, normalise, parse
from xinglin_catalog.medicine import (
    AntibioticGrade,
    ControlClass,
    ItemKind,
    PriorityClass,
    Product,
    StorageClass,
    Variety,
)
from xinglin_catalog.messages import CatalogError, say, sentence
from xinglin_catalog.packs import PackLadder

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 50_000
LONGEST_CELL = 500
"""Files above these are refused before they are read further."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a file: `line` counts from 1 as an editor does, `column` is the header as written.

    `value` is what stands there; `message` a template with the fields in `params`; `str()` the whole sentence.
    """

    line: int
    column: str
    value: str
    message: str
    params: Mapping[str, object]

    def __str__(self) -> str:
        """The fault in English, with its place."""
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {say(self.message, self.params)}"


@dataclass(frozen=True, slots=True)
class FileResult(Generic[Row]):
    """All rows, or all faults: rows are empty as soon as there is one fault. `lines` are those of the rows."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    lines: tuple[int, ...] = ()


class Availability(StrEnum):
    """Whether a tier may have a medicine: on its shelf, on request, or not."""

    STOCKED = "stocked"
    ON_REQUEST = "on_request"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class FormularyRow:
    """What a county decides about one product: who may have it, at what price, from which day.

    `code` is any one code of the product (国药准字, 本位码, insurance code, GTIN); `unit_price` is yuan for
    one base unit, at most four places.
    """

    code: str
    county: Availability
    township: Availability
    village: Availability
    priority: PriorityClass = PriorityClass.OTHER
    unit_price: Decimal | None = None
    valid_from: date | None = None


PRODUCT_COLUMNS = {
    "generic_name": ("通用名", "药品名称", "品名"),
    "name_en": ("英文名",),
    "kind": ("类别",),
    "dosage_form": ("剂型",),
    "strength": ("规格",),
    "packs": ("包装", "包装规格"),
    "maker": ("生产企业", "厂家"),
    "approval_number": ("批准文号",),
    "trade_name": ("商品名",),
    "holder": ("上市许可持有人",),
    "storage": ("储存条件", "贮藏"),
    "control": ("管制类别",),
    "antibiotic_grade": ("抗菌药物分级",),
    "priority": ("保障类别",),
    "drug_standard_code": ("药品本位码", "本位码"),
    "nhsa_code": ("医保编码", "医保药品编码"),
    "gtin": ("条码", "商品条码"),
    "pack_load_g": ("盒重克",),
    "pack_volume_cm3": ("盒体积立方厘米",),
}
"""Columns of a product file and their Chinese headers; either may stand in the first line, in any order."""

PRODUCT_REQUIRED = ("generic_name", "dosage_form", "strength", "packs", "maker")

FORMULARY_COLUMNS = {
    "code": ("编码", "批准文号"),
    "county": ("县级",),
    "township": ("乡级", "乡镇"),
    "village": ("村级",),
    "priority": ("保障类别",),
    "unit_price": ("单价",),
    "valid_from": ("生效日期",),
}
FORMULARY_REQUIRED = ("code", "county", "township", "village")

CHINESE_WORDS: dict[type[StrEnum], dict[str, str]] = {
    ItemKind: {
        "化学药": "chemical",
        "化学药品": "chemical",
        "西药": "chemical",
        "生物制品": "biological",
        "中成药": "patent_tcm",
        "中药饮片": "slices",
        "耗材": "consumable",
        "医用耗材": "consumable",
        "无菌包": "sterile_pack",
    },
    StorageClass: {"常温": "normal", "阴凉": "cool", "冷藏": "cold", "冷冻": "frozen"},
    ControlClass: {
        "无": "none",
        "普通": "none",
        "麻醉": "narcotic",
        "麻醉药品": "narcotic",
        "第一类精神药品": "psychotropic_1",
        "精一": "psychotropic_1",
        "第二类精神药品": "psychotropic_2",
        "精二": "psychotropic_2",
        "毒性": "toxic",
        "医疗用毒性药品": "toxic",
        "易制毒": "precursor",
        "药品类易制毒": "precursor",
        "终止妊娠": "abortifacient",
        "疫苗": "vaccine",
        "血液制品": "blood",
        "放射性": "radioactive",
        "专项": "vertical_programme",
    },
    AntibioticGrade: {
        "非限制": "unrestricted",
        "非限制使用级": "unrestricted",
        "限制": "restricted",
        "限制使用级": "restricted",
        "特殊": "special",
        "特殊使用级": "special",
    },
    PriorityClass: {
        "急抢救": "rescue",
        "妇儿": "mother_child",
        "慢性病": "chronic",
        "慢病": "chronic",
        "其他": "other",
    },
    Availability: {
        "常备": "stocked",
        "按需": "on_request",
        "可申领": "on_request",
        "不可": "not_allowed",
        "禁用": "not_allowed",
    },
}
"""Words of the trade for each class; the English ones are always understood."""


def read_products(content: bytes) -> FileResult[Product]:
    """Read a CSV file of products (UTF-8, with or without mark, or GB18030), or say all that is wrong with it.

    A product that stands twice (same approval number, strength, packs and maker) is a fault. Nothing is
    guessed: an unknown column, word, code or pack is a fault too.
    """
    return _read(content, PRODUCT_COLUMNS, PRODUCT_REQUIRED, _product, lambda product: product.key)


def read_formulary(content: bytes) -> FileResult[FormularyRow]:
    """Read a CSV file of what a county adopts, in the same encodings and with the same rigour.

    A code that stands twice for the same day is a fault; so is a tier that has more than the tier above it.
    """
    return _read(
        content, FORMULARY_COLUMNS, FORMULARY_REQUIRED, _formulary_row, lambda row: (row.code, row.valid_from)
    )


class _Line:
    """One line while it is read: cells by column, and the faults found so far."""

    def __init__(self, number: int, cells: Mapping[str, str], headers: Mapping[str, str]) -> None:
        self.number = number
        self.cells = cells
        self.headers = headers
        self.faults: list[Fault] = []

    def text(self, column: str) -> str:
        """The cell without blanks around it; nothing where the file has no such column."""
        return self.cells.get(column, "").strip()

    def fault(self, column: str, message: str, **params: object) -> None:
        """Note what is wrong and read on."""
        header = self.headers.get(column, column)
        value = self.text(column)
        self.faults.append(
            Fault(self.number, header, value, message, {"value": value, "column": header, **params})
        )

    def get(self, column: str, read: Callable[[str], Row], default: Row) -> Row:
        """A cell through its reader; the default where it is empty or at fault."""
        text = self.text(column)
        if not text:
            return default
        try:
            return read(text)
        except CatalogError as error:
            self.fault(column, error.message, **error.params)
            return default


def _read(
    content: bytes,
    columns: Mapping[str, Sequence[str]],
    required: Sequence[str],
    make: Callable[[_Line], Row | None],
    key_of: Callable[[Row], object],
) -> FileResult[Row]:
    """The way of every file: text, header, lines; faults of all of them together."""
    text, fault = _decoded(content)
    if fault:
        return FileResult((), (fault,))
    records, faults = _records(text)
    if not records:
        return FileResult((), tuple(faults) or (_fault(1, sentence("The file is empty.")),))
    headers, header_faults = _headers(records[0], columns, required)
    faults += header_faults
    rows: list[Row] = []
    lines: list[int] = []
    seen: dict[object, int] = {}
    for number, cells in records[1:] if headers else ():
        line = _Line(number, dict(zip(headers, cells, strict=False)), headers)
        _check_shape(line, cells, headers, required)
        row = make(line)
        first = seen.setdefault(key_of(row), number) if row is not None else number
        if first != number:
            line.fault("", sentence("This stands already in line {first}."), first=first)
        faults += line.faults
        rows += [row] if row is not None else []
        lines.append(number)
    if not faults and not rows:
        faults.append(_fault(1, sentence("The file has a header but no rows.")))
    faults.sort(key=lambda fault: fault.line)
    return FileResult((), tuple(faults)) if faults else FileResult(tuple(rows), (), tuple(lines))


def _decoded(content: bytes) -> tuple[str, Fault | None]:
    """The file as text. A file that is valid UTF-8 is UTF-8; otherwise it must be GB18030."""
    if len(content) > MOST_BYTES:
        return "", _fault(1, sentence("The file is larger than {limit} MiB."), limit=MOST_BYTES >> 20)
    if b"\x00" in content:
        line = content.count(b"\n", 0, content.index(b"\x00")) + 1
        return "", _fault(line, sentence("This is not a CSV file: save it as CSV (UTF-8) and try again."))
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8"), None
    except UnicodeDecodeError as utf8:
        try:
            return content.decode("gb18030"), None
        except UnicodeDecodeError as gb:
            bad = content.count(b"\n", 0, max(utf8.start, gb.start)) + 1
            return "", _fault(
                bad, sentence("This text is neither UTF-8 nor GB18030: save the file as CSV (UTF-8).")
            )


def _records(text: str) -> tuple[list[tuple[int, list[str]]], list[Fault]]:
    """Every record with the line it begins on; lines without any text are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    begins = 1
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return records, []
        except csv.Error as error:
            message = sentence("From this line on the file cannot be read as CSV: {reason}.")
            return records, [_fault(begins, message, reason=str(error))]
        if any(cell.strip() for cell in cells):
            records.append((begins, cells))
        if len(records) > MOST_ROWS + 1:
            return records[:1], [
                _fault(begins, sentence("The file has more than {limit} rows."), limit=MOST_ROWS)
            ]


def _headers(
    record: tuple[int, list[str]], columns: Mapping[str, Sequence[str]], required: Sequence[str]
) -> tuple[dict[str, str], list[Fault]]:
    """Column by header as written, in the order of the file; empty when the rows cannot be understood."""
    number, cells = record
    known = {normalise(word): column for column, words in columns.items() for word in (column, *words)}
    found: dict[str, str] = {}
    faults = []
    for place, cell in enumerate(cells):
        column = known.get(normalise(cell), f"?{place}")
        if column.startswith("?"):
            message = sentence("'{value}' is not a column of this file; it may have: {columns}.")
            faults.append(_fault(number, message, cell.strip(), value=cell.strip(), columns=_listed(columns)))
        elif column in found:
            faults.append(
                _fault(
                    number, sentence("The column '{value}' stands twice."), cell.strip(), value=cell.strip()
                )
            )
            column = f"?{place}"
        found[column] = cell.strip()
    missing = [column for column in required if column not in found]
    for column in missing:
        message = sentence("The column {name} ({chinese}) is missing.")
        faults.append(_fault(number, message, column, name=column, chinese=columns[column][0]))
    return ({} if missing else found), faults


def _listed(columns: Mapping[str, Sequence[str]]) -> str:
    """The columns in both languages."""
    return ", ".join(f"{column} ({words[0]})" for column, words in columns.items())


def _check_shape(
    line: _Line, cells: Sequence[str], headers: Mapping[str, str], required: Sequence[str]
) -> None:
    """Too many cells, a cell too long, a cell that must not be empty."""
    if len(cells) > len(headers) and any(cell.strip() for cell in cells[len(headers) :]):
        message = sentence("This line has {found} cells; the header has {wanted}.")
        line.fault("", message, found=len(cells), wanted=len(headers))
    for column in headers:
        if len(line.cells.get(column, "")) > LONGEST_CELL:
            line.fault(column, sentence("This text is longer than {limit} characters."), limit=LONGEST_CELL)
        elif column in required and not line.text(column):
            line.fault(column, sentence("{column} must not be empty."))


def _product(line: _Line) -> Product | None:
    """One product; all its cells are read before any fault stops it."""
    approval = line.get("approval_number", _code(System.APPROVAL_NUMBER, System.IMPORT_LICENCE), "")
    packs = line.get("packs", PackLadder.read, None)
    kind = line.get("kind", _word(ItemKind), ItemKind.CHEMICAL)
    product = Product(
        variety=Variety(line.text("generic_name"), line.text("name_en"), kind),
        dosage_form=line.text("dosage_form"),
        strength=line.text("strength"),
        packs=packs or PackLadder("?"),
        maker=line.text("maker"),
        approval_number=approval,
        trade_name=line.text("trade_name"),
        holder=line.text("holder"),
        storage=line.get("storage", _word(StorageClass), StorageClass.NORMAL),
        control=line.get("control", _word(ControlClass), ControlClass.NONE),
        antibiotic_grade=line.get("antibiotic_grade", _word(AntibioticGrade), None),
        priority=line.get("priority", _word(PriorityClass), PriorityClass.OTHER),
        drug_standard_code=line.get("drug_standard_code", _code(System.DRUG_STANDARD_CODE), ""),
        nhsa_code=line.get("nhsa_code", _code(*_NHSA[kind]), ""),
        gtin=line.get("gtin", _code(System.GTIN_13, System.GTIN_14, System.GTIN_8, System.GTIN_12), ""),
        pack_load_g=line.get("pack_load_g", _whole_number, None),
        pack_volume_cm3=line.get("pack_volume_cm3", _whole_number, None),
    )
    return None if line.faults else product


_NHSA = {
    ItemKind.CHEMICAL: (System.NHSA_WESTERN,),
    ItemKind.BIOLOGICAL: (System.NHSA_WESTERN,),
    ItemKind.PATENT_TCM: (System.NHSA_TCM,),
    ItemKind.SLICES: (System.NHSA_SLICES,),
    ItemKind.CONSUMABLE: (System.NHSA_CONSUMABLE,),
    ItemKind.STERILE_PACK: (System.NHSA_CONSUMABLE,),
}


def _formulary_row(line: _Line) -> FormularyRow | None:
    """One decision of a county; the lower tier never has more than the one above."""
    availability = _word(Availability)
    codes = (System.APPROVAL_NUMBER, System.DRUG_STANDARD_CODE, System.NHSA_WESTERN, System.NHSA_TCM)
    row = FormularyRow(
        code=line.get("code", _code(*codes, System.NHSA_SLICES, System.NHSA_CONSUMABLE, System.GTIN_13), ""),
        county=line.get("county", availability, Availability.NOT_ALLOWED),
        township=line.get("township", availability, Availability.NOT_ALLOWED),
        village=line.get("village", availability, Availability.NOT_ALLOWED),
        priority=line.get("priority", _word(PriorityClass), PriorityClass.OTHER),
        unit_price=line.get("unit_price", _unit_price, None),
        valid_from=line.get("valid_from", _day, None),
    )
    order = list(Availability)
    for above, below in (("county", "township"), ("township", "village")):
        if not line.faults and order.index(getattr(row, below)) < order.index(getattr(row, above)):
            line.fault(
                below, sentence("The {below} cannot have more than the {above}."), above=above, below=below
            )
    return None if line.faults else row


Class = TypeVar("Class", bound=StrEnum)


def _word(kind: type[Class]) -> Callable[[str], Class]:
    """A reader for the words of a class, Chinese or English."""

    def read(text: str) -> Class:
        plain = normalise(text).lower()
        try:
            return kind(CHINESE_WORDS[kind].get(plain, plain))
        except ValueError:
            raise CatalogError(
                "file.word",
                sentence("'{value}' is not known here; write one of: {words}."),
                value=text,
                words=", ".join([*CHINESE_WORDS[kind], *kind]),
            ) from None

    return read


def _code(*systems: System) -> Callable[[str], str]:
    """A reader for a code of one of these systems; the first one's refusal is told, or that of the best guess."""

    def read(text: str) -> str:
        refusals = []
        for system in systems:
            try:
                return parse(system, text).value
            except CatalogError as refused:
                refusals.append(refused)
        raise next((refused for refused in refusals if refused.code.endswith("check_digit")), refusals[0])

    return read


def _whole_number(text: str) -> int:
    """Grams or cubic centimetres: a whole number above zero."""
    if text.isascii() and text.isdigit() and int(text[:10]) > 0 and len(text) <= 9:
        return int(text)
    raise CatalogError("file.number", sentence("'{value}' is not a whole number above zero."), value=text)


def _unit_price(text: str) -> Decimal:
    """Yuan for one base unit: above zero, at most four places."""
    if re.fullmatch(r"\d{1,8}(\.\d{1,4})?", text, re.ASCII) and Decimal(text) > 0:
        return Decimal(text)
    raise CatalogError(
        "file.price",
        sentence("'{value}' is not a price: yuan above zero, with at most four places."),
        value=text,
    )


def _day(text: str) -> date:
    """A day, as 2026-09-01."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CatalogError(
            "file.day", sentence("'{value}' is not a day: write it as 2026-09-01."), value=text
        ) from None


def _fault(line: int, message: str, column: str = "", **params: object) -> Fault:
    """A fault of the file rather than of a cell."""
    return Fault(line, column, str(params.get("value", "")), message, params)
