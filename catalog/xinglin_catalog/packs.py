"""The pack ladder: tablets in boxes, boxes in cases, converted in whole numbers only."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from xinglin_catalog.messages import CatalogError, sentence

LARGEST_PACK = 10**9
"""No ladder may hold more base units than this in one pack; a quantity still fits a 64-bit column."""

_RUNG = re.compile(r"(?:1)?([^\d\s=×;,]{1,16})=(\d{1,10})([^\d\s=×;,]{1,16})")
_COUNT = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)([^\d\s.]{1,16})")
_UNIT = re.compile(r"[^\d\s=×;,.+-]{1,16}")


class BadPack(CatalogError):
    """A ladder that cannot stand, or a quantity that does not come out in whole base units."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: a `unit` (盒) that `holds` so many of the unit below it (24 片)."""

    unit: str
    holds: int


@dataclass(frozen=True, slots=True)
class PackLadder:
    """The unit a medicine is counted in (片, 支, ml) and the packs it travels in, smallest first.

    Everything stored is counted in `base_unit`; packs exist only where people read and write.
    Refused with BadPack: no unit, a unit twice, a rung that holds less than 2
    of the unit below (except the first, which may hold exactly 1: 盒 = 1 支).
    """

    base_unit: str
    rungs: tuple[Rung, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a ladder that cannot stand."""
        for unit in self.units:
            if not _UNIT.fullmatch(unit):
                raise BadPack("pack.unit", sentence("'{unit}' cannot be the name of a unit."), unit=unit)
        if len(set(self.units)) != len(self.units):
            raise BadPack(
                "pack.unit_twice", sentence("{ladder}: each unit stands once on a ladder."), ladder=str(self)
            )
        for place, rung in enumerate(self.rungs):
            if rung.holds < (1 if place == 0 else 2):
                raise BadPack(
                    "pack.holds",
                    sentence(
                        "A {unit} cannot hold {holds}: a pack holds at least {least} of the unit below."
                    ),
                    unit=rung.unit,
                    holds=rung.holds,
                    least=1 if place == 0 else 2,
                )
        if self._sizes()[-1][1] > LARGEST_PACK:
            raise BadPack(
                "pack.too_large",
                sentence("{ladder}: the largest pack may hold at most {limit} {unit}."),
                ladder=str(self),
                limit=LARGEST_PACK,
                unit=self.base_unit,
            )

    @classmethod
    def of(cls, base_unit: str, *rungs: tuple[str, int]) -> "PackLadder":
        """Build a ladder in words: `PackLadder.of("片", ("盒", 24), ("箱", 200))`."""
        return cls(base_unit, tuple(Rung(unit, holds) for unit, holds in rungs))

    @classmethod
    def read(cls, text: str) -> "PackLadder":
        """Read `盒=24片;箱=200盒`, or just `片`. The inverse of `str()`."""
        steps = [step for step in re.split(r"[;,、；，]", _plain(text)) if step]
        if len(steps) == 1 and _UNIT.fullmatch(steps[0]):
            return cls(steps[0])
        found = [_RUNG.fullmatch(step) for step in steps]
        rungs = [(match[1], int(match[2]), match[3]) for match in found if match]
        follows = all(below[0] == above[2] for below, above in pairwise(rungs))
        if not rungs or len(rungs) != len(steps) or not follows:
            raise BadPack(
                "pack.unreadable",
                sentence("'{value}' is not a pack: write it from small to large, as in 盒=24片;箱=200盒."),
                value=text,
            )
        return cls.of(rungs[0][2], *((unit, holds) for unit, holds, _ in rungs))

    @property
    def units(self) -> tuple[str, ...]:
        """Every unit of the ladder, the base unit first."""
        return (self.base_unit, *(rung.unit for rung in self.rungs))

    def size_of(self, unit: str) -> int:
        """How many base units one `unit` holds. Refuses a unit that is not on this ladder."""
        for known, size in self._sizes():
            if known == unit:
                return size
        raise BadPack(
            "pack.unknown_unit",
            sentence("{unit} is not a pack of this product; it comes in {units}."),
            unit=unit,
            units=", ".join(self.units),
        )

    def to_base(self, quantity: int | Decimal | Fraction | str, unit: str) -> int:
        """Turn 3 盒 into 72 (片). Half a box is fine if it is a whole number of tablets; nothing is rounded."""
        exact = _exact(quantity) * self.size_of(unit)
        if exact.denominator != 1 or exact < 0:
            raise BadPack(
                "pack.not_whole",
                sentence("{quantity} {unit} is not a whole number of {base_unit}."),
                quantity=str(quantity),
                unit=unit,
                base_unit=self.base_unit,
            )
        return exact.numerator

    def split(self, quantity: int) -> tuple[tuple[int, str], ...]:
        """Take base units apart into packs, largest first: 76 becomes (3, 盒), (4, 片)."""
        if quantity < 0:
            raise BadPack("pack.negative", sentence("A quantity cannot be below zero."))
        return tuple(self._peel(quantity)) or ((0, self.base_unit),)

    def in_packs(self, quantity: int) -> str:
        """Say base units as people read them: 76 as "3 盒 4 片"."""
        return " ".join(f"{count} {unit}" for count, unit in self.split(quantity))

    def read_quantity(self, text: str) -> int:
        """Read "3盒4片" into base units. The inverse of `in_packs`; a bare number is base units."""
        plain = _plain(text)
        if re.fullmatch(r"\d{1,18}", plain):
            return int(plain)
        counts = _COUNT.findall(plain)
        if not counts or "".join(number + unit for number, unit in counts) != plain:
            raise BadPack(
                "pack.quantity_unreadable",
                sentence("'{value}' is not a quantity: write a number and a pack, as in 3 {unit}."),
                value=text,
                unit=self.units[-1],
            )
        return sum(self.to_base(number, unit) for number, unit in counts)

    def __str__(self) -> str:
        """The ladder as it is written in files: 盒=24片;箱=200盒."""
        below = self.units
        steps = (f"{rung.unit}={rung.holds}{unit}" for rung, unit in zip(self.rungs, below, strict=False))
        return ";".join(steps) or self.base_unit

    def _sizes(self) -> list[tuple[str, int]]:
        """Each unit with the base units it holds, smallest first."""
        sizes = [(self.base_unit, 1)]
        for rung in self.rungs:
            sizes.append((rung.unit, sizes[-1][1] * rung.holds))
        return sizes

    def _peel(self, quantity: int) -> Iterator[tuple[int, str]]:
        """Largest pack first, what is left goes to the next smaller one."""
        for unit, size in reversed(self._sizes()):
            count, quantity = divmod(quantity, size)
            if count:
                yield count, unit


def _plain(text: str) -> str:
    """Full-width signs made plain, without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _exact(quantity: int | Decimal | Fraction | str) -> Fraction:
    """The number as it was written: a float has no place here, "0.5" has.

    Powers of ten are not read: "1e999999999" would take the memory of the machine to write out.
    """
    if isinstance(quantity, float):
        raise TypeError("a float is not an exact quantity; write it as text or Decimal")
    if isinstance(quantity, int | Fraction):
        return Fraction(quantity)
    plain = (
        f"{quantity:f}" if isinstance(quantity, Decimal) and abs(quantity.adjusted()) < 30 else str(quantity)
    )
    if not re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", plain, re.ASCII):
        raise BadPack("pack.not_a_number", sentence("'{value}' is not a number."), value=str(quantity))
    return Fraction(plain)
