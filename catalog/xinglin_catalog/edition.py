"""The essential medicines list as dated editions: what is on it, why, and what changed."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from xinglin_catalog import naming, strengths
from xinglin_catalog.medicine import ControlClass, ItemKind, PriorityClass
from xinglin_catalog.messages import CatalogError, say, sentence

SHIPPED = ("2026",)
"""Editions inside the package. Read an older one (2018) with `read_edition`, from a file of the same form."""


class NoEdition(CatalogError):
    """No edition of that name, none in force on that day, or a file that is not one."""


class Part(StrEnum):
    """The parts of the list that name medicines; part 3 (slices) is a rule, not a list."""

    CHEM_BIO = "chem_bio"
    TCM_PATENT = "tcm_patent"


@dataclass(frozen=True, slots=True)
class Form:
    """A dosage form as printed, the salt it is bound to, its strengths (none: all approved ones count)."""

    name: str
    salt: str
    strengths: tuple[str, ...]
    is_specialist: bool
    """△: only to be prescribed by a qualified or specialist prescriber."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Flags from professional knowledge, not from the list: editable starting values, never evidence."""

    control_class: ControlClass = ControlClass.NONE
    cold_chain: bool = False
    antibiotic: bool = False
    has_injection: bool = False
    emergency: bool = False
    maternal_child: bool = False
    chronic: bool = False
    village_rule: str = "allow"

    @property
    def priority(self) -> PriorityClass:
        """The class it is served in when goods are short."""
        if self.emergency:
            return PriorityClass.RESCUE
        if self.maternal_child:
            return PriorityClass.MOTHER_CHILD
        return PriorityClass.CHRONIC if self.chronic else PriorityClass.OTHER


@dataclass(frozen=True, slots=True)
class EditionItem:
    """One number of the list: a variety with all its forms, those of repeat rows included."""

    part: Part
    number: int
    name_zh: str
    names: tuple[str, ...]
    """Every name the entry stands for; the printed one is `name_zh`."""
    name_en: str
    classes: tuple[tuple[str, str], ...]
    """(class, subclass), the first where it is numbered, the others where it is repeated."""
    function: str
    scope: str
    """Not empty for the seven entries that name a scope (vaccines of the programme, …) and not a medicine."""
    is_specialist: bool
    forms: tuple[Form, ...]
    draft: Draft

    @property
    def key(self) -> str:
        """Its number with its part, as people quote it: C006, T063."""
        return f"{'C' if self.part is Part.CHEM_BIO else 'T'}{self.number:03d}"

    @property
    def kind(self) -> ItemKind:
        """Chemical, biological or patent medicine (biological by its class in the list)."""
        if self.part is Part.TCM_PATENT:
            return ItemKind.PATENT_TCM
        return ItemKind.BIOLOGICAL if self.classes[0][0] == "生物制品" else ItemKind.CHEMICAL


class Basis(StrEnum):
    """By which rule a product counts."""

    STRENGTH = "strength"
    ANY_STRENGTH = "any_strength"
    SCOPE = "scope"
    SLICES = "slices"


_WHY = {
    Basis.STRENGTH: sentence("{item}: {form} {strength} is printed in the {edition} list."),
    Basis.ANY_STRENGTH: sentence("{item}: {form} is in the {edition} list without strengths, so all count."),
    Basis.SCOPE: sentence(
        "{item} is a scope of the {edition} list; this name falls under it by a draft rule."
    ),
    Basis.SLICES: sentence("Slices with a national standard are essential by part 3 of the {edition} list."),
}


@dataclass(frozen=True, slots=True)
class Match:
    """Why a product is essential: the entry, the form and strength as printed, the rule."""

    edition: str
    basis: Basis
    item: EditionItem | None
    form: Form | None
    strength: str

    @property
    def is_specialist(self) -> bool:
        """△ on this very form, or on the whole entry where it prints no form."""
        return self.form.is_specialist if self.form else bool(self.item and self.item.is_specialist)

    @property
    def is_draft(self) -> bool:
        """Whether it rests on professional knowledge that a pharmacist should confirm."""
        return self.basis is Basis.SCOPE

    @property
    def message(self) -> str:
        """The reason as a template."""
        return _WHY[self.basis]

    @property
    def params(self) -> dict[str, object]:
        """The fields of the reason."""
        item = f"{self.item.key} {self.item.name_zh}" if self.item else ""
        form = f"{self.form.name}（{self.form.salt}）" if self.form and self.form.salt else ""
        return {
            "edition": self.edition,
            "item": item,
            "form": form or (self.form.name if self.form else ""),
            "strength": self.strength,
        }

    def __str__(self) -> str:
        """The reason in English."""
        return say(self.message, self.params)


@dataclass(frozen=True)
class Edition:
    """One edition of the list with the days it is in force (`in_force_until` included; None: until replaced)."""

    edition: str
    name_zh: str
    notice: str
    published_on: date
    in_force_from: date
    in_force_until: date | None
    items: tuple[EditionItem, ...]
    draft_scope_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def is_in_force(self, on: date) -> bool:
        """Whether this edition rules on that day."""
        return self.in_force_from <= on and (self.in_force_until is None or on <= self.in_force_until)

    def item(self, key: str) -> EditionItem:
        """The entry with this key (C006). Refuses one that is not on the list."""
        try:
            return self._by_key[key]
        except KeyError:
            raise NoEdition(
                "edition.no_item",
                sentence("The {edition} list has no entry {key}."),
                edition=self.edition,
                key=key,
            ) from None

    def find(self, generic_name: str) -> list[EditionItem]:
        """The entries a name belongs to, whatever its form: empty if the variety is not listed."""
        return list(dict.fromkeys(item for item, _, _ in self._readings(generic_name)))

    def match(
        self,
        generic_name: str,
        dosage_form: str,
        strength: str,
        *,
        on: date | None = None,
        kind: ItemKind | None = None,
    ) -> Match | None:
        """Whether a product is essential, and by which words of the list; None if it is not.

        Variety and form must agree, and the strength where one is printed; equal doses written differently
        are equal; a salt counts unless the list prints another one; esters and numerals are names of their
        own. With `on`, nothing matches on a day the edition is not in force. Consumables never match.
        """
        if on is not None and not self.is_in_force(on):
            return None
        if kind is ItemKind.SLICES:
            return Match(self.edition, Basis.SLICES, None, None, "")
        if kind in (ItemKind.CONSUMABLE, ItemKind.STERILE_PACK):
            return None
        listed = (
            self._match_form(item, salt, _more_telling(dosage_form, form), strength)
            for item, salt, form in self._readings(generic_name)
        )
        return next(filter(None, listed), None) or self._match_scope(generic_name)

    def _match_form(self, item: EditionItem, salt: str, wanted: str, strength: str) -> Match | None:
        """The first printed form that fits."""
        if item.part is Part.CHEM_BIO and wanted == "合剂":
            # 口服液 is a mixture among patent medicines, an oral solution among the others.
            wanted = "口服溶液"
        for form in item.forms:
            if naming.canonical_form(form.name) != wanted or not _allows_salt(item, form, salt):
                continue
            if not form.strengths:
                return Match(self.edition, Basis.ANY_STRENGTH, item, form, "")
            for printed in form.strengths:
                if strength.strip() and strengths.is_equal(printed, strength):
                    return Match(self.edition, Basis.STRENGTH, item, form, printed)
        return None

    def _match_scope(self, name: str) -> Match | None:
        """An entry that names a scope, by the draft list of name stems."""
        plain = naming.squeeze(name)
        for item in self.items:
            if any(naming.squeeze(stem) in plain for stem in self.draft_scope_names.get(item.scope, ())):
                return Match(self.edition, Basis.SCOPE, item, None, "")
        return None

    def _readings(self, name: str) -> Iterator[tuple[EditionItem, str, str]]:
        """Each entry a name may mean, with the salt and the form it tells; the most literal reading first."""
        for stem, form in naming.readings(name):
            # 重组 tells how it is made; the list prints 人干扰素 for 重组人干扰素.
            plain = stem.removeprefix("重组") if stem not in self._by_name else stem
            for variety, salt in [(plain, ""), *naming.without_salt(plain)]:
                for item, bound in self._by_name.get(naming.COMMON_NAMES.get(variety, variety), ()):
                    yield item, bound or salt, form

    @cached_property
    def _by_key(self) -> dict[str, EditionItem]:
        return {item.key: item for item in self.items}

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[EditionItem, str]]]:
        """Every name and stem with its entries, and the printed salt a salted name is bound to."""
        found: dict[str, list[tuple[EditionItem, str]]] = {}
        for item in self.items:
            for name in item.names:
                plain = {*naming.stems(name)} if item.part is Part.TCM_PATENT else {naming.squeeze(name)}
                names = {(stem, "") for stem in plain}
                names |= {
                    (salted, form.salt)
                    for form in item.forms
                    if form.salt
                    for salted in naming.salted_names(name, form.salt)
                }
                for stem, salt in sorted(names):
                    found.setdefault(stem, []).append((item, salt))
        return found


def _more_telling(stated: str, named: str) -> str:
    """The form a product has: what its name tells where that is closer than what it states (分散片 over 片剂)."""
    plain = naming.canonical_form(stated)
    return named if named and (plain in ("", "注射") or named.endswith(plain)) else plain


def _allows_salt(item: EditionItem, form: Form, salt: str) -> bool:
    """A form printed without a salt takes every salt; one printed with a salt takes that one, or none named.

    A salt that another form of the entry prints is bound to that form.
    """
    if not form.salt or not salt:
        return not salt or (not form.salt and not _is_bound(item, salt))
    return bool(naming.salt_words(form.salt) & naming.salt_words(salt))


def _is_bound(item: EditionItem, salt: str) -> bool:
    """Whether an ester or salt is printed on some form of the entry, and so is a medicine of its own there."""
    return any(other.salt == salt and salt.endswith("酯") for other in item.forms)


@dataclass(frozen=True, slots=True)
class Change:
    """One variety in both editions that is not printed alike."""

    old: EditionItem
    new: EditionItem
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    """Forms with strength, as 片剂 0.25g, that came or went; equal doses do not count as a change."""

    @property
    def is_specialist_changed(self) -> bool:
        """Whether △ came or went on any form."""
        return self.old.is_specialist != self.new.is_specialist or _specialist_forms(self.old) != (
            _specialist_forms(self.new)
        )


@dataclass(frozen=True, slots=True)
class EditionDiff:
    """What came, what went, what is printed differently; numbers may differ, names decide."""

    added: tuple[EditionItem, ...]
    dropped: tuple[EditionItem, ...]
    changed: tuple[Change, ...]


def diff(old: Edition, new: Edition) -> EditionDiff:
    """Compare two editions variety by variety."""
    before, after = _by_variety(old), _by_variety(new)
    changes = (_change(before[name], after[name]) for name in before if name in after)
    return EditionDiff(
        added=tuple(item for name, item in after.items() if name not in before),
        dropped=tuple(item for name, item in before.items() if name not in after),
        changed=tuple(change for change in changes if _is_real(change)),
    )


def _by_variety(edition: Edition) -> dict[tuple[Part, str], EditionItem]:
    return {(item.part, naming.squeeze(item.names[0])): item for item in edition.items}


def _change(old: EditionItem, new: EditionItem) -> Change:
    """What of one variety came and went."""
    return Change(old, new, tuple(_missing(new, old)), tuple(_missing(old, new)))


def _is_real(change: Change) -> bool:
    return bool(change.added or change.dropped or change.is_specialist_changed)


def _missing(here: EditionItem, there: EditionItem) -> Iterator[str]:
    """Printed forms with strength that the other entry does not have."""
    for form in here.forms:
        same = [
            other
            for other in there.forms
            if (naming.canonical_form(other.name), other.salt)
            == (naming.canonical_form(form.name), form.salt)
        ]
        for strength in form.strengths or ("",):
            if not any(_has(other, strength) for other in same):
                yield f"{form.name} {form.salt} {strength}".replace("  ", " ").strip()


def _has(form: Form, strength: str) -> bool:
    """Whether a form holds this strength; no strength is itself a way of printing."""
    if not strength or not form.strengths:
        return not strength and not form.strengths
    return any(strengths.is_equal(printed, strength) for printed in form.strengths)


def _specialist_forms(item: EditionItem) -> set[str]:
    return {naming.canonical_form(form.name) for form in item.forms if form.is_specialist}


@lru_cache
def load_edition(edition: str = "2026") -> Edition:
    """An edition shipped with the library. Refuses a name that is not in `SHIPPED`."""
    if edition not in SHIPPED:
        raise NoEdition(
            "edition.unknown",
            sentence("There is no edition {edition} in this library; it has {shipped}."),
            edition=edition,
            shipped=", ".join(SHIPPED),
        )
    file = resources.files("xinglin_catalog").joinpath("data", f"neml_{edition}.json")
    return read_edition(file.read_text(encoding="utf-8"))


def edition_on(on: date) -> Edition:
    """The shipped edition in force on a day. Refuses a day before 2026-09-01: the 2018 list is not shipped."""
    for edition in map(load_edition, SHIPPED):
        if edition.is_in_force(on):
            return edition
    raise NoEdition(
        "edition.none_on", sentence("No edition in this library was in force on {on}."), on=on.isoformat()
    )


def read_edition(text: str) -> Edition:
    """Read an edition from the library's own JSON form. Refuses a text that is not one."""
    try:
        return _edition(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoEdition(
            "edition.unreadable", sentence("This is not an edition of the list: {fault}."), fault=repr(error)
        ) from error


def _edition(raw: dict[str, Any]) -> Edition:
    """The frozen form of what the file holds."""
    until = raw["in_force_until"]
    stems = {scope: tuple(names.split()) for scope, names in raw["draft_scope_names"].items()}
    return Edition(
        edition=str(raw["edition"]),
        name_zh=str(raw["name_zh"]),
        notice=str(raw["notice"]),
        published_on=date.fromisoformat(raw["published_on"]),
        in_force_from=date.fromisoformat(raw["in_force_from"]),
        in_force_until=date.fromisoformat(until) if until else None,
        items=tuple(_item(item) for item in raw["items"]),
        draft_scope_names=MappingProxyType(stems),
    )


def _item(raw: dict[str, Any]) -> EditionItem:
    """One entry of the file."""
    return EditionItem(
        part=Part(raw["part"]),
        number=int(raw["number"]),
        name_zh=str(raw["name_zh"]),
        names=tuple(map(str, raw["names"])),
        name_en=str(raw["name_en"]),
        classes=tuple((str(one), str(two)) for one, two in raw["classes"]),
        function=str(raw["function"]),
        scope=str(raw["scope"]),
        is_specialist=bool(raw["specialist"]),
        forms=tuple(Form(name, salt, tuple(doses), bool(mark)) for name, salt, doses, mark in raw["forms"]),
        draft=Draft(**_draft_fields(raw["draft"])),
    )


_DRAFT_CONTROL = {
    "psychotropic_I": ControlClass.PSYCHOTROPIC_1,
    "psychotropic_II": ControlClass.PSYCHOTROPIC_2,
    # One entry whose injection is class I and whose tablets are class II: the stricter one holds for all.
    "psychotropic_I_injection_else_II": ControlClass.PSYCHOTROPIC_1,
    "vaccine_CDC_channel": ControlClass.VACCINE,
}


def _draft_fields(raw: dict[str, Any]) -> dict[str, Any]:
    """The draft flags with control classes in the library's own words."""
    fields = {name: raw[name] for name in raw if re.fullmatch(r"[a-z_]+", name)}
    if "control_class" in fields:
        written = fields["control_class"]
        fields["control_class"] = _DRAFT_CONTROL.get(written) or ControlClass(written)
    return fields
