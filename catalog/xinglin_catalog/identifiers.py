"""Every code a medicine, a pack or an institution carries: read, checked, taken apart."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from stdnum.cn import uscc

from xinglin_catalog import gs1
from xinglin_catalog.messages import BadIdentifier, sentence

LONGEST = 400
"""Longest text looked at, in characters: several times the longest GS1 symbol that fits a drug pack."""


class System(StrEnum):
    """The numbering systems known here; `name_zh` is what people call them."""

    APPROVAL_NUMBER = "approval_no"
    IMPORT_LICENCE = "import_licence"
    DRUG_STANDARD_CODE = "drug_standard_code"
    NHSA_WESTERN = "nhsa_drug_western"
    NHSA_TCM = "nhsa_drug_tcm"
    NHSA_SLICES = "nhsa_slices"
    NHSA_CONSUMABLE = "nhsa_consumable"
    TRACE_CODE = "trace_code_20"
    GTIN_8 = "gtin8"
    GTIN_12 = "gtin12"
    GTIN_13 = "gtin13"
    GTIN_14 = "gtin14"
    GS1 = "gs1_element_string"
    USCC = "uscc"
    ORGANISATION_CODE = "org_code"
    INSTITUTION_REGISTRATION = "institution_registration"
    NHSA_INSTITUTION = "nhsa_org"
    DIVISION = "division_12"

    @property
    def name_zh(self) -> str:
        """The name on the paper it comes from."""
        return _NAMES_ZH[self]


_NAMES_ZH = {
    System.APPROVAL_NUMBER: "国药准字",
    System.IMPORT_LICENCE: "进口药品注册证号",
    System.DRUG_STANDARD_CODE: "药品本位码",
    System.NHSA_WESTERN: "医保药品编码（西药）",
    System.NHSA_TCM: "医保药品编码（中成药）",
    System.NHSA_SLICES: "医保中药饮片编码",
    System.NHSA_CONSUMABLE: "医保医用耗材编码",
    System.TRACE_CODE: "药品追溯码",
    System.GTIN_8: "商品条码 GTIN-8",
    System.GTIN_12: "商品条码 GTIN-12",
    System.GTIN_13: "商品条码 GTIN-13",
    System.GTIN_14: "商品条码 GTIN-14",
    System.GS1: "GS1/UDI",
    System.USCC: "统一社会信用代码",
    System.ORGANISATION_CODE: "组织机构代码",
    System.INSTITUTION_REGISTRATION: "医疗机构登记号",
    System.NHSA_INSTITUTION: "医保定点机构编码",
    System.DIVISION: "统计用区划代码",
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """A code that passed: its system, its canonical writing, and the parts its digits stand for.

    All parts are text; days are ISO dates (GS1: `gtin`, `lot`, `serial`, `made_on`, `expires_on`).
    """

    system: System
    value: str
    parts: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def expires_on(self) -> date | None:
        """The last day of use, where the code tells it."""
        return date.fromisoformat(self.parts["expires_on"]) if "expires_on" in self.parts else None

    def __str__(self) -> str:
        """The canonical writing."""
        return self.value


def parse(system: System | str, text: str, *, seen_on: date | None = None) -> Identifier:
    """Read `text` as a code of `system`: full-width signs made plain, blanks dropped, letters upper-case.

    `seen_on` is the day of the scan; it decides the century of two-digit years in GS1 codes (today if not
    given). Refuses with BadIdentifier, which says what is wrong and what would be right.
    """
    system = System(system)
    if len(text) > LONGEST:
        raise BadIdentifier(
            "identifier.too_long",
            sentence("A code of {length} characters is too long: {limit} is the most."),
            length=len(text),
            limit=LONGEST,
        )
    if system is System.GS1:
        # Lots and serials tell small letters from large ones, so this text is not upper-cased.
        value, parts = gs1.read(text, seen_on)
    else:
        value, parts = _READERS[system](normalise(text), text)
    return Identifier(system, value, MappingProxyType({name: part for name, part in parts.items() if part}))


def recognise(text: str, *, seen_on: date | None = None) -> list[Identifier]:
    """Every system this text could be a code of, the most telling first; empty when it is none.

    A 14-digit 869… number is both a standard code and, by its check digit, a GTIN-14: the caller knows more.
    """
    found = []
    for system in System:
        try:
            found.append(parse(system, text, seen_on=seen_on))
        except BadIdentifier:
            continue
    return [code for code in found if code.system is not System.GS1 or _looks_scanned(code, text)]


def _looks_scanned(code: Identifier, text: str) -> bool:
    """Nearly any digits make some GS1 field, so one without a trade item must at least carry its marks."""
    return bool({"gtin", "sscc", "content_gtin"} & set(code.parts)) or text.lstrip()[:1] in ("(", "（", "]")


def normalise(text: str) -> str:
    """Full-width signs made plain (NFKC), blanks dropped, letters upper-case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


_Parts = dict[str, str]
_Reader = Callable[[str, str], tuple[str, _Parts]]

_PROVINCES = frozenset(
    str(code)
    for region in (range(11, 16), range(21, 24), range(31, 38), range(41, 47), range(50, 55), range(61, 66))
    for code in (*region, 71, 81, 82)
)
"""First two digits of a division code (GB/T 2260)."""


def _shaped(system: System, pattern: str, expected: str) -> _Reader:
    """A reader for a code that has a shape and no check digit; named groups become its parts."""
    compiled = re.compile(pattern, re.ASCII)

    def read(plain: str, text: str) -> tuple[str, _Parts]:
        found = compiled.fullmatch(plain)
        if found is None:
            raise BadIdentifier("identifier.shape", expected, value=text.strip(), system=system.name_zh)
        return plain, found.groupdict(default="")

    return read


def _with_province(read: _Reader) -> _Reader:
    """The same reader, which also knows that a division starts with a province."""

    def read_place(plain: str, text: str) -> tuple[str, _Parts]:
        value, parts = read(plain, text)
        if parts["division"][:2] not in _PROVINCES:
            raise BadIdentifier(
                "identifier.province",
                sentence("{value}: no province has the code {province}."),
                value=text.strip(),
                province=parts["division"][:2],
            )
        return value, parts

    return read_place


def _mod_10(read: _Reader) -> _Reader:
    """The same reader, whose last digit must be the GS1 check digit."""

    def read_checked(plain: str, text: str) -> tuple[str, _Parts]:
        value, parts = read(plain, text)
        if value[-1] != gs1.check_digit(value[:-1]):
            raise BadIdentifier(
                "identifier.check_digit",
                sentence("{value}: the last digit should be {right}; one of the digits is wrong."),
                value=text.strip(),
                right=gs1.check_digit(value[:-1]),
            )
        return value, parts

    return read_checked


def _gtin(system: System, digits: int) -> _Reader:
    """A reader for a trade item number of so many digits."""
    return _mod_10(
        _shaped(system, rf"\d{{{digits}}}", sentence("{value} is not a {system}: wrong number of digits."))
    )


def _approval_number(plain: str, text: str) -> tuple[str, _Parts]:
    """国药准字, one or two letters, eight digits; no check digit exists."""
    found = re.fullmatch(r"国药准字(?P<letter>[HZSJTBF]|[HZS][CJ])(?P<digits>\d{8})", plain, re.ASCII)
    if found:
        return plain, {**found.groupdict(), "made": _MADE.get(found["letter"], "domestic")}
    raise BadIdentifier(
        _approval_fault(plain), _APPROVAL_SENTENCES[_approval_fault(plain)], value=text.strip()
    )


_MADE = {
    "J": "imported",
    **{a + "C": "hk_macau_taiwan" for a in "HZS"},
    **{a + "J": "overseas" for a in "HZS"},
}

_APPROVAL_SENTENCES = {
    "approval_no.other_goods": sentence(
        "{value} is not a 国药准字 number: it belongs to a device, a cosmetic or a health food, not to a medicine."
    ),
    "approval_no.prefix": sentence("{value} is not a 国药准字 number: it must begin with 国药准字."),
    "approval_no.letter": sentence(
        "{value} is not a 国药准字 number: after 国药准字 comes H, Z, S, J, T, B or F, or one of HC, ZC, SC, HJ, ZJ, SJ."
    ),
    "approval_no.digits": sentence("{value} is not a 国药准字 number: after the letter come 8 digits."),
}


def _approval_fault(plain: str) -> str:
    """Which of the things that go wrong with an approval number this is."""
    if re.match(r"国(食健字|妆|械)|卫(食健|妆)|.?械(准|备|注)", plain):
        return "approval_no.other_goods"
    if not plain.startswith("国药准字"):
        return "approval_no.prefix"
    if not re.match(r"国药准字([HZS][CJ]|[HZSJTBF])(?![A-Z])", plain):
        return "approval_no.letter"
    return "approval_no.digits"


def _uscc(plain: str, text: str) -> tuple[str, _Parts]:
    """GB 32100-2015: 18 signs without I, O, S, V, Z; the check sign is computed by python-stdnum."""
    plain = plain.replace("-", "")
    if not re.fullmatch(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}", plain, re.ASCII):
        raise BadIdentifier(
            "uscc.shape",
            sentence(
                "{value} is not a 统一社会信用代码: 18 digits and capital letters, never I, O, S, V or Z."
            ),
            value=text.strip(),
        )
    right = uscc.calc_check_digit(plain[:-1])
    if plain[-1] != right:
        raise BadIdentifier(
            "uscc.check_digit",
            sentence("{value}: the last sign should be {right}; one of the signs is wrong."),
            value=text.strip(),
            right=right,
        )
    return plain, {"registrar": plain[:2], "division": plain[2:8], "organisation_code": plain[8:17]}


_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def _organisation_code(plain: str, text: str) -> tuple[str, _Parts]:
    """GB 11714: eight signs and a mod-11 check sign; written with a dash before it."""
    found = re.fullmatch(r"([0-9A-Z]{8})-?([0-9X])", plain, re.ASCII)
    if found is None:
        raise BadIdentifier(
            "org_code.shape",
            sentence("{value} is not a 组织机构代码: 8 digits or letters, a dash, and a digit or X."),
            value=text.strip(),
        )
    total = sum(int(sign, 36) * weight for sign, weight in zip(found[1], _ORGANISATION_WEIGHTS, strict=True))
    right = "0123456789X"[-total % 11]
    if found[2] != right:
        raise BadIdentifier(
            "org_code.check_digit",
            sentence("{value}: the last sign should be {right}; one of the signs is wrong."),
            value=text.strip(),
            right=right,
        )
    return f"{found[1]}-{found[2]}", {}


_READERS: dict[System, _Reader] = {
    System.APPROVAL_NUMBER: _approval_number,
    System.IMPORT_LICENCE: _shaped(
        System.IMPORT_LICENCE,
        r"(?P<letter>[HSZ]C?)(?P<year>\d{4})(?P<serial>\d{4})",
        sentence("{value} is not a {system}: H, S or Z (with C for Hong Kong, Macau, Taiwan) and 8 digits."),
    ),
    System.DRUG_STANDARD_CODE: _mod_10(
        _shaped(
            System.DRUG_STANDARD_CODE,
            r"869(?P<enterprise>\d{5})(?P<product>\d{5})\d",
            sentence("{value} is not a {system}: 14 digits that begin with 869."),
        )
    ),
    System.NHSA_WESTERN: _shaped(
        System.NHSA_WESTERN,
        r"X(?P<drug_class>[A-Z]\d{2}[A-Z]{2})(?P<generic>[A-Z]\d{3})(?P<form>[A-Z]\d{3})"
        r"(?P<pack>\d{4})(?P<enterprise>\d{5})",
        sentence("{value} is not a {system}: 23 signs, as in XJ01CAA040A001010102699."),
    ),
    System.NHSA_TCM: _shaped(
        System.NHSA_TCM,
        r"Z(?P<drug_class>[A-Z]\d{2}[A-Z]{2})(?P<generic>[A-Z]\d{4})(?P<pack>\d{4})(?P<enterprise>\d{5})",
        sentence("{value} is not a {system}: 20 signs, as in ZA04CAE0023010100166."),
    ),
    System.NHSA_SLICES: _shaped(
        System.NHSA_SLICES, r"T\d{9}", sentence("{value} is not a {system}: T and 9 digits.")
    ),
    System.NHSA_CONSUMABLE: _shaped(
        System.NHSA_CONSUMABLE,
        r"C(?P<consumable_class>\d{6})(?P<generic>\d{3})(?P<feature>\d{5})(?P<enterprise>\d{5})(?P<serial>\d{7})?",
        sentence("{value} is not a {system}: C and 19 digits, or C and 26 digits."),
    ),
    System.TRACE_CODE: _shaped(
        System.TRACE_CODE,
        r"(?P<product>\d{7})(?P<serial>\d{13})",
        sentence("{value} is not a {system}: 20 digits."),
    ),
    System.GTIN_8: _gtin(System.GTIN_8, 8),
    System.GTIN_12: _gtin(System.GTIN_12, 12),
    System.GTIN_13: _gtin(System.GTIN_13, 13),
    System.GTIN_14: _gtin(System.GTIN_14, 14),
    System.USCC: _uscc,
    System.ORGANISATION_CODE: _organisation_code,
    System.INSTITUTION_REGISTRATION: _with_province(
        _shaped(
            System.INSTITUTION_REGISTRATION,
            r"(?P<organisation_code>[0-9A-Z]{8}[0-9X])(?P<division>\d{6})(?P<economy>\d{2})"
            r"(?P<institution_class>[A-Z]\d{3})(?P<profit>\d)",
            sentence("{value} is not a {system}: 22 signs, 9 + 6 + 2 + 4 + 1."),
        )
    ),
    System.NHSA_INSTITUTION: _with_province(
        _shaped(
            System.NHSA_INSTITUTION,
            r"(?P<kind>[HP])(?P<division>\d{6})(?P<serial>\d{5})",
            sentence("{value} is not a {system}: H (medical) or P (pharmacy) and 11 digits."),
        )
    ),
    System.DIVISION: _with_province(
        _shaped(
            System.DIVISION,
            r"(?P<division>\d{6})(?P<town>\d{3})(?P<village>\d{3})",
            sentence("{value} is not a {system}: 12 digits."),
        )
    ),
}
