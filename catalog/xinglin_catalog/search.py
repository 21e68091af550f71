"""Finding a medicine by any of its names: Chinese, pinyin, initials, English, code.

The same pure functions serve a database and a process. A row stores `search_keys(...)` (a `text[]` under
GIN); `keys @> query_keys(text)` gives candidates, never fewer than the hits; `score(text, entry)` decides
and ranks them. Search by inner parts works everywhere; by typing errors, nowhere.
"""

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import islice
from typing import Generic, TypeVar

from xinglin_catalog import readings
from xinglin_catalog.naming import squeeze

LONGEST_QUERY = 100
"""Characters of a query that are looked at."""

CODE_CUTS = (1, 2, 3, 5, 8, 12, 17)
"""Lengths at which the beginnings of digit runs are keys; a query uses the longest that fits it."""

FEW = 1000
"""Up to so many candidates are looked up in the next row of places one by one."""

_NOWHERE = array("I")

MANY = 500
"""Candidates above which those that begin with the query are looked at first."""

LEAST_OPENING = 0.68
"""No text that begins with the query scores less, no other more than 0.6."""

_RUN = re.compile(r"[㐀-鿿豈-﫿]+|\d+(?:\.\d+)*|[^\W\d_㐀-鿿豈-﫿]+")
_CHINESE = re.compile(r"[㐀-鿿豈-﫿]")

Id = TypeVar("Id", bound=Hashable)


def search_keys(
    names: Iterable[str], names_en: Iterable[str] = (), codes: Iterable[str] = ()
) -> frozenset[str]:
    """The terms a product can be found by: about 60 to 130 short strings.

    `names` are Chinese names, makers, strengths: any inner part finds them. `names_en` are found by the
    beginning of a word or by three letters of it; `codes` by their beginning.
    """
    keys: set[str] = set()
    for name in map(squeeze, names):
        for run in _RUN.findall(name):
            keys.update(_name_grams(run))
        for spelling in readings.spellings(name):
            keys.update(_spelling_grams(spelling))
    for word in (word for name in names_en for word in _words(name)):
        for run in _RUN.findall(word):
            keys.update(_word_grams(run))
    for code in map(_plain_code, codes):
        for run in _RUN.findall(code):
            keys.update(_word_grams(run))
    return frozenset(keys)


def query_keys(text: str) -> list[str]:
    """The terms a product must all have to be a candidate; none means that nothing was asked."""
    keys: dict[str, None] = {}
    for term in query_terms(text):
        for run in _RUN.findall(term):
            keys.update(dict.fromkeys(_asked(run)))
    return list(keys)


def query_terms(text: str) -> list[str]:
    """The words of a query, each squeezed; all must be found. 国药准字 before a number is dropped."""
    plain = _plain_letters(text[:LONGEST_QUERY])
    plain = re.sub(r"国药准字(?=\s*[a-zA-Z])", " ", plain)
    return [term for term in map(squeeze, plain.split()) if _RUN.search(term)]


@dataclass(frozen=True, slots=True)
class Entry(Generic[Id]):
    """What a search returns: your `id`, with every name and code it may be found by.

    The first of `names` should be the name shown; ties are broken by its length.
    """

    id: Id
    names: tuple[str, ...]
    names_en: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """What to store beside it in a database."""
        return search_keys(self.names, self.names_en, self.codes)


def score(text: str, entry: Entry[Id]) -> float | None:
    """How well an entry answers a query, 0 to 1; None if some word of the query is nowhere in it.

    Whole name or code 1.0; beginning from 0.7; beginning of a word or of a syllable from 0.4; inner part from
    0.1. Within a step the shorter name is the better answer. The weakest word of the query decides.
    """
    terms = query_terms(text)
    if not terms:
        return None
    return _score(terms, _fields(entry.names, entry.names_en, entry.codes))


class SearchIndex(Generic[Id]):
    """All entries of a catalogue in this process: built once, asked often, never changed."""

    def __init__(self, entries: Iterable[Entry[Id]]) -> None:
        """Build the postings: about 0.3 ms and 6 KB for each entry."""
        self._entries = tuple(entries)
        self._fields = [_make_fields(entry.names, entry.names_en, entry.codes) for entry in self._entries]
        postings: dict[str, list[int]] = {}
        for place, entry in enumerate(self._entries):
            for key in entry.keys:
                postings.setdefault(key, []).append(place)
        # Packed and sorted: two million places as sets of Python numbers would take twenty times the room.
        self._postings = {key: array("I", places) for key, places in postings.items()}
        openings: dict[str, list[int]] = {}
        for place, fields in enumerate(self._fields):
            for opening in fields.openings:
                openings.setdefault(opening, []).append(place)
        self._openings = {opening: array("I", places) for opening, places in openings.items()}

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def find(self, text: str, limit: int = 20) -> list[Entry[Id]]:
        """The best answers, best first; entries of equal score stand in the order they came in."""
        terms = query_terms(text)
        candidates = self._candidates(text)
        if len(terms) == 1 and len(candidates) > MANY:
            # Nothing inside a name can outrank what begins with the query, so these may be all that is needed.
            opening = self._best(
                terms, candidates.intersection(self._openings.get(terms[0][:2], _NOWHERE)), limit
            )
            if len(opening) == limit and opening[-1][0] >= LEAST_OPENING:
                return [self._entries[-place] for _, place in opening]
        return [self._entries[-place] for _, place in self._best(terms, candidates, limit)]

    def _best(self, terms: Sequence[str], places: Iterable[int], limit: int) -> list[tuple[float, int]]:
        """The highest scores with their (negative) places."""
        ranked = ((_score(terms, self._fields[place]), -place) for place in places)
        return nlargest(limit, ((value, place) for value, place in ranked if value is not None))

    def _candidates(self, text: str) -> frozenset[int]:
        """Entries that have every key of the query."""
        postings = sorted((self._postings.get(key, _NOWHERE) for key in query_keys(text)), key=len)
        found = frozenset(postings[0]) if postings else frozenset()
        for places in postings[1:]:
            found = found.intersection(places) if len(found) > FEW else frozenset(_both(found, places))
        return found


def _both(found: Iterable[int], places: Sequence[int]) -> Iterator[int]:
    """Those found that also stand in a sorted row of places: looked up one by one, for few among many."""
    for place in found:
        here = bisect_left(places, place)
        if here < len(places) and places[here] == place:
            yield place


class _Fields:
    """The texts of an entry as they are compared; spelled ones with the places where a word begins."""

    __slots__ = ("codes", "english", "names", "spelled", "starts")

    def __init__(self, names: Sequence[str], names_en: Sequence[str], codes: Sequence[str]) -> None:
        self.names = [squeeze(name) for name in names]
        ways = [way for name in self.names for way in readings.spellings(name)]
        self.starts = list(dict.fromkeys(way.initials for way in ways))
        self.spelled = [("".join(way.parts), tuple(_offsets(way.parts))) for way in ways]
        self.english = [words for words in map(_words, names_en) if words]
        self.codes = [(code, tuple(_RUN.findall(code))) for code in map(_plain_code, codes)]

    @property
    def openings(self) -> set[str]:
        """The first one and two signs of every text."""
        texts = (
            *self.names,
            *self.starts,
            *(text for text, _ in self.spelled),
            *(code for code, _ in self.codes),
        )
        return {text[:size] for text in texts for size in (1, 2)}


def _offsets(words: Iterable[str]) -> Iterator[int]:
    """Where each word begins when all stand together."""
    place = 0
    for word in words:
        yield place
        place += len(word)


_make_fields = _Fields


@lru_cache(maxsize=4096)
def _fields(names: tuple[str, ...], names_en: tuple[str, ...], codes: tuple[str, ...]) -> _Fields:
    """The same, remembered: candidates of one query are often those of the next letter typed."""
    return _Fields(names, names_en, codes)


def _score(terms: Sequence[str], fields: _Fields) -> float | None:
    """The weakest term decides; all must be found."""
    worst = 1.0
    for term in terms:
        best = max(_term_scores(term, fields), default=0.0) or _score_in_runs(term, fields)
        if not best:
            return None
        worst = min(worst, best)
    return worst


def _score_in_runs(term: str, fields: _Fields) -> float:
    """A word typed without a blank between two things: 阿莫西林0.25g, 阿莫jiaonang. Half of what a blank gives."""
    runs = _RUN.findall(term)
    if len(runs) < 2 or not (_CHINESE.search(term) or "." in term):
        return 0.0
    return min(max(_term_scores(run, fields), default=0.0) for run in runs) / 2


def _term_scores(term: str, fields: _Fields) -> Iterator[float]:
    """How well one word answers in each text that holds it."""
    for text in fields.names:
        if term in text:
            yield _graded(term, text, 0.4 if text.startswith(term) else 0.1)
    if _CHINESE.search(term):
        return
    for text in fields.starts:
        if term in text:
            yield _graded(term, text, 0.1) - 0.02
    for text, offsets in fields.spelled:
        if term in text:
            yield from _spelled(term, text, _begins_word(term, text, offsets))
    for words in fields.english:
        for place, word in enumerate(words):
            if term in word:
                yield from _spelled(term, "".join(words), word.startswith(term), is_first=place == 0)
    for text, runs in fields.codes:
        if text.startswith(term) or term in runs:
            yield _graded(term, text, 0.1)


def _spelled(term: str, text: str, begins_word: bool, *, is_first: bool = True) -> Iterator[float]:
    """One or two letters, or a number, count only where a word begins: there is no key for them elsewhere."""
    if not begins_word and (len(term) < 3 or term[0].isdigit()):
        return
    inner = 0.4 if begins_word else 0.1
    yield (_graded(term, text, inner) if is_first else inner + 0.2 * len(term) / len(text)) - 0.01


def _graded(term: str, text: str, inner: float) -> float:
    """Whole, beginning or inner part; up to 0.2 more for how much of the text it is."""
    if term == text:
        return 1.0
    return (0.7 if text.startswith(term) else inner) + 0.2 * len(term) / len(text)


def _begins_word(term: str, text: str, offsets: tuple[int, ...]) -> bool:
    """Whether some word (or syllable) begins with the term, which may run on into the next ones."""
    place = text.find(term)
    while place >= 0 and place not in offsets:
        place = text.find(term, place + 1)
    return place >= 0


def _asked(run: str) -> Iterator[str]:
    """The keys one run of a query must find."""
    if _CHINESE.match(run):
        yield from _windows(run, 2) if len(run) > 1 else (run,)
    elif run[0].isdigit():
        yield run[: max(cut for cut in CODE_CUTS if cut <= len(run))]
    else:
        yield from _windows(run, min(3, len(run)))


def _name_grams(run: str) -> Iterator[str]:
    """Any inner part of a name must be found, so every window is a key."""
    if _CHINESE.match(run):
        yield from run
        yield from _windows(run, 2)
    elif run[0].isdigit():
        yield from _digit_grams(run)
    else:
        for size in (1, 2, 3):
            yield from _windows(run, size)


def _digit_grams(run: str) -> Iterator[str]:
    """Beginnings, from every place, of a number inside a name: 18 in 复方氨基酸18AA, 25 in 0.25g."""
    for start in (place for place, sign in enumerate(run) if sign != "."):
        yield from (run[start : start + cut] for cut in CODE_CUTS if start + cut <= len(run))


def _spelling_grams(spelling: readings.Spelling) -> Iterator[str]:
    """Initials at any place; pinyin by three letters at any place, or by the beginning of a syllable."""
    for run in _RUN.findall(spelling.initials):
        yield from _name_grams(run)
    for run in _RUN.findall(spelling.pinyin):
        yield from _windows(run, 3) if not run[0].isdigit() else ()
    for part in spelling.parts:
        yield from islice((part[:2], part[:1]), 2)


def _word_grams(run: str) -> Iterator[str]:
    """A word of English or a run of a code: by its beginning, or three letters at any place."""
    if run[0].isdigit():
        yield from (run[:cut] for cut in CODE_CUTS if cut <= len(run))
    else:
        yield from (run[:1], run[:2])
        yield from _windows(run, 3)


def _windows(text: str, size: int) -> Iterator[str]:
    """Every part of that length."""
    return (text[start : start + size] for start in range(len(text) - size + 1))


def _words(name: str) -> list[str]:
    """The words of an English name, squeezed."""
    return [word for word in map(squeeze, _plain_letters(name).split()) if word]


def _plain_code(code: str) -> str:
    """A code as it is compared: small letters, no blanks, without 国药准字."""
    return squeeze(code).removeprefix("国药准字")


def _plain_letters(text: str) -> str:
    """Latin letters without their marks (qīng, lǜ as lv), full-width ones made plain; α and 素 stay."""
    spread = unicodedata.normalize("NFKD", text).replace("u\u0308", "v").replace("U\u0308", "v")
    spread = re.sub(r"([A-Za-z])[\u0300-\u036f]+", r"\1", spread)
    spread = re.sub(r"(?<=[a-zA-Z])['’](?=[a-zA-Z])", "", spread)
    return unicodedata.normalize("NFKC", spread)
