"""What a medicine is: the variety, the product of one maker, and the classes that rule its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from xinglin_catalog.packs import PackLadder


class ItemKind(StrEnum):
    """What kind of thing is moved."""

    CHEMICAL = "chemical"
    BIOLOGICAL = "biological"
    PATENT_TCM = "patent_tcm"
    SLICES = "slices"
    CONSUMABLE = "consumable"
    STERILE_PACK = "sterile_pack"


class StorageClass(StrEnum):
    """Where it must be kept. Limits in whole °C: `temp_min_c`, `temp_max_c` (GSP, 总局令28号)."""

    NORMAL = "normal"
    COOL = "cool"
    COLD = "cold"
    FROZEN = "frozen"

    @property
    def temp_min_c(self) -> int | None:
        """The lowest temperature allowed, None where the rule names none (cool, frozen)."""
        return {StorageClass.NORMAL: 10, StorageClass.COLD: 2}.get(self)

    @property
    def temp_max_c(self) -> int:
        """The highest temperature allowed. Cold is 8, as nearly every label says, though GSP allows 10.

        Frozen is the common ≤ -15 of labels: the label of the product rules.
        """
        limits = {
            StorageClass.NORMAL: 30,
            StorageClass.COOL: 20,
            StorageClass.COLD: 8,
            StorageClass.FROZEN: -15,
        }
        return limits[self]

    @property
    def needs_cold_box(self) -> bool:
        """Whether it may only ride in a cooled box with a logger."""
        return self in (StorageClass.COLD, StorageClass.FROZEN)


class ControlClass(StrEnum):
    """The legal class that rules custody. `none` is an ordinary medicine."""

    NONE = "none"
    NARCOTIC = "narcotic"
    PSYCHOTROPIC_1 = "psychotropic_1"
    PSYCHOTROPIC_2 = "psychotropic_2"
    TOXIC = "toxic"
    PRECURSOR = "precursor"
    ABORTIFACIENT = "abortifacient"
    VACCINE = "vaccine"
    BLOOD = "blood"
    RADIOACTIVE = "radioactive"
    VERTICAL_PROGRAMME = "vertical_programme"


class AntibioticGrade(StrEnum):
    """How freely an antibiotic may be prescribed; graded by each province (非限制/限制/特殊使用级)."""

    UNRESTRICTED = "unrestricted"
    RESTRICTED = "restricted"
    SPECIAL = "special"


class PriorityClass(StrEnum):
    """Who is served first when goods are short, in this order (急抢救, 妇儿专科, 慢性病, 其他)."""

    RESCUE = "rescue"
    MOTHER_CHILD = "mother_child"
    CHRONIC = "chronic"
    OTHER = "other"

    @property
    def rank(self) -> int:
        """0 is served first."""
        return list(PriorityClass).index(self)


class Access(StrEnum):
    """How a place or a vehicle may hold a class of goods."""

    ALLOWED = "allowed"
    SEALED = "sealed"
    """In a locked cabinet or a separate sealed box, with two signatures."""
    LICENSED = "licensed"
    """Only with a licence or purchase card held by the institution."""
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Custody:
    """Who may hold a control class: a village clinic, a township hospital, the county's own vehicle."""

    village: Access
    township: Access
    own_vehicle: Access


_BLOCKED = Custody(Access.BLOCKED, Access.BLOCKED, Access.BLOCKED)

DRAFT_CUSTODY: Mapping[ControlClass, Custody] = MappingProxyType(
    {
        ControlClass.NONE: Custody(Access.ALLOWED, Access.ALLOWED, Access.ALLOWED),
        ControlClass.NARCOTIC: Custody(Access.BLOCKED, Access.LICENSED, Access.BLOCKED),
        ControlClass.PSYCHOTROPIC_1: Custody(Access.BLOCKED, Access.LICENSED, Access.BLOCKED),
        ControlClass.PSYCHOTROPIC_2: Custody(Access.BLOCKED, Access.SEALED, Access.SEALED),
        ControlClass.TOXIC: _BLOCKED,
        ControlClass.PRECURSOR: Custody(Access.BLOCKED, Access.LICENSED, Access.BLOCKED),
        ControlClass.ABORTIFACIENT: Custody(Access.BLOCKED, Access.LICENSED, Access.BLOCKED),
        ControlClass.VACCINE: _BLOCKED,
        ControlClass.BLOOD: _BLOCKED,
        ControlClass.RADIOACTIVE: _BLOCKED,
        ControlClass.VERTICAL_PROGRAMME: _BLOCKED,
    }
)
"""Professional knowledge, not yet held against the official texts: load it as an editable, dated setting."""


@dataclass(frozen=True, slots=True)
class Variety:
    """A medicine as a list names it (品种): one generic name, whoever makes it."""

    generic_name: str
    name_en: str = ""
    kind: ItemKind = ItemKind.CHEMICAL


@dataclass(frozen=True, slots=True)
class Product:
    """What one maker sells under one approval: variety, form, strength and packs.

    Id-free: approval number, strength, packs and maker together tell products apart (`key`), for any one
    code may change hands. `pack_load_g` and `pack_volume_cm3` weigh and measure the first rung (the box), or
    one base unit where the ladder has no rung.
    """

    variety: Variety
    dosage_form: str
    strength: str
    packs: PackLadder
    maker: str
    approval_number: str = ""
    trade_name: str = ""
    holder: str = ""
    storage: StorageClass = StorageClass.NORMAL
    control: ControlClass = ControlClass.NONE
    antibiotic_grade: AntibioticGrade | None = None
    priority: PriorityClass = PriorityClass.OTHER
    drug_standard_code: str = ""
    nhsa_code: str = ""
    gtin: str = ""
    pack_load_g: int | None = None
    pack_volume_cm3: int | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells this product from every other: approval number, strength, packs, maker."""
        return (self.approval_number or self.variety.generic_name, self.strength, str(self.packs), self.maker)

    def load_g(self, quantity: int) -> int | None:
        """Grams of so many base units, rounded up; None where the pack was never weighed."""
        return self._share(self.pack_load_g, quantity)

    def volume_cm3(self, quantity: int) -> int | None:
        """Cubic centimetres of so many base units, rounded up; None where the pack was never measured."""
        return self._share(self.pack_volume_cm3, quantity)

    def _share(self, of_one_pack: int | None, quantity: int) -> int | None:
        """The part of a pack's measure that falls on so many base units, rounded up so no van is overloaded."""
        if of_one_pack is None:
            return None
        size = self.packs.rungs[0].holds if self.packs.rungs else 1
        return -(-of_one_pack * quantity // size)
