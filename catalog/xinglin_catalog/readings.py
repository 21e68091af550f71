"""How people type a Chinese name on a Latin keyboard: pinyin and initials, with the readings they also use."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, product
from typing import Any, NamedTuple

from pypinyin import lazy_pinyin

ALSO_READ: dict[str, tuple[str, ...]] = {
    "阿": ("a", "e"),
    "石": ("shi", "dan"),
    "单": ("dan", "shan", "chan"),
    "参": ("shen", "can", "cen"),
    "泊": ("bo", "po"),
    "长": ("chang", "zhang"),
    "降": ("jiang", "xiang"),
    "羧": ("suo", "zui"),
    "枸": ("gou", "ju"),
    "重": ("chong", "zhong"),
    "吖": ("a", "ya"),
    "芎": ("xiong", "qiong"),
    "蛤": ("ge", "ha"),
    "术": ("zhu", "shu"),
    "茄": ("qie", "jia"),
    "调": ("tiao", "diao"),
    "乐": ("le", "yue"),
    "龈": ("yin", "ken"),
    "豉": ("chi", "shi"),
    "便": ("bian", "pian"),
    "膀": ("pang", "bang"),
    "荨": ("xun", "qian"),
    "薄": ("bo", "bao"),
    "柏": ("bai", "bo"),
    "露": ("lu", "lou"),
    "朴": ("pu", "po"),
    "藏": ("zang", "cang"),
    "角": ("jiao", "jue"),
    "脉": ("mai", "mo"),
    "咯": ("ge", "ka", "luo"),
    "壳": ("ke", "qiao"),
    "卡": ("ka", "qia"),
    "血": ("xue", "xie"),
    "佛": ("fo", "fu"),
    "栓": ("shuan", "quan"),
    "癣": ("xuan", "xian"),
}
"""Characters in names of medicines that are read in more than one way, the readings people type.

The first 19 with two first letters are those found in the names of the 2026 list; the others are common in
names outside it. pypinyin's own choice for the phrase always counts too.
"""

MOST_SPELLINGS = 8
"""A name keeps at most so many spellings; names with four ambiguous characters do not exist in practice."""

_CHINESE = re.compile(r"[㐀-鿿豈-﫿]")
_RUN = re.compile(r"[㐀-鿿豈-﫿]+|[^㐀-鿿豈-﫿]+")


class Spelling(NamedTuple):
    """One way to type a name: its parts in full, and the letters they begin with.

    Signs that are not Chinese stand whole in both: 维生素b6 is wei sheng su b6, and w s s b6.
    """

    parts: tuple[str, ...]
    starts: tuple[str, ...]

    @property
    def pinyin(self) -> str:
        """All parts in one word."""
        return "".join(self.parts)

    @property
    def initials(self) -> str:
        """All beginnings in one word."""
        return "".join(self.starts)


@lru_cache(maxsize=65536)
def spellings(name: str) -> tuple[Spelling, ...]:
    """Every way to spell a squeezed name, the commonest first: 阿胶 is a jiao and e jiao."""
    choices: list[tuple[tuple[str, str], ...]] = []
    for run in _RUN.findall(name):
        choices += _chinese(run) if _CHINESE.match(run) else [((run, run),)]
    chosen = islice(product(*choices), MOST_SPELLINGS)
    return tuple(Spelling(tuple(full for full, _ in way), tuple(start for _, start in way)) for way in chosen)


def _each_sign(signs: str) -> Any:
    """A sign pypinyin cannot read stands for itself; its annotation promises text, its code takes a list."""
    return list(signs)


def _chinese(run: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """The readings of each character with their first letters; a character without reading stands for itself."""
    for sign, usual in zip(run, lazy_pinyin(run, errors=_each_sign), strict=True):
        readings = dict.fromkeys((usual, *ALSO_READ.get(sign, ())))
        yield tuple((reading, reading[0]) for reading in readings)
