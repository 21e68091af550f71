"""Sentences that can be translated, and faults that say where something is wrong."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Value = str | int


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English template with named values: the template is the key a translator looks up."""

    template: str
    values: tuple[tuple[str, Value], ...] = ()

    @property
    def params(self) -> dict[str, Value]:
        """The named values, for a template in another language."""
        return dict(self.values)

    def translated(self, gettext: Callable[[str], str]) -> str:
        """The sentence in the language of `gettext`, values filled in."""
        params = self.params
        # Not str.format: a template may come from a file, and format reaches into objects.
        return re.sub(r"\{(\w+)\}", lambda hit: str(params.get(hit[1], hit[0])), gettext(self.template))

    def __str__(self) -> str:
        return self.translated(str)


def say(template: str, /, **params: Value) -> Sentence:
    """A sentence from its English template; extract translations with `pybabel extract -k say`."""
    return Sentence(template, tuple(params.items()))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in what was handed in: where (`stops[3].load_g`), and what in words."""

    where: str
    what: Sentence

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ProblemError(ValueError):
    """A problem, plan or table that cannot be used; carries every fault found, not only the first."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type["ProblemError"], tuple[tuple[Fault, ...]]]:
        return (ProblemError, (self.faults,))
