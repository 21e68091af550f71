"""Every sentence a person may read has its Chinese."""

import ast
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from xinglin.base import language

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "src" / "xinglin", ROOT / "catalog", ROOT / "routing")
MARKERS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "sentence": None}


def test_every_sentence_has_its_chinese() -> None:
    known = language.catalogue("zh_CN")
    missing = {message: place for message, place in sentences() if message not in known}
    entries = "\n\n".join(
        f'#: {place}\nmsgid {quoted(message)}\nmsgstr ""' for message, place in sorted(missing.items())
    )
    assert not missing, f"{len(missing)} sentences have no Chinese; put it into a .po file:\n\n{entries}"


def test_a_translation_fills_the_same_fields_as_its_sentence() -> None:
    for message, entry in language.catalogue("zh_CN").items():
        for text in [entry] if isinstance(entry, str) else entry:
            assert fields(text) <= fields(message), f"{message!r} becomes {text!r}"


def test_no_sentence_is_translated_in_two_ways() -> None:
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted((language.FOLDER / "zh_CN" / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="zh_CN", ignore_obsolete=True):
                key, text = str(message.id), str(message.string)
                if key:
                    before = found.setdefault(key, (text, path))
                    assert before[0] == text, (
                        f"{key!r}: {before[0]} in {before[1].name}, {text} in {path.name}"
                    )


def test_a_refusal_is_found_by_the_name_of_its_kind() -> None:
    assert {"Refusal", "NotFound", "NotAllowed", "WrongState"} <= refusals()


def test_a_sentence_that_nobody_translated_is_noticed() -> None:
    assert "Nobody ever wrote this sentence." not in language.catalogue("zh_CN")
    assert dict(sentences())["Sign out"].endswith("layout/desk.html")


def sentences() -> Iterator[tuple[str, str]]:
    """Each sentence of the service with the place where it stands."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    for folder in SOURCES:
        for name, _, message, _, _ in extract_from_dir(folder, methods, options, MARKERS):
            first = message if isinstance(message, str) else message[0]
            if first:
                yield first, str((folder / name).relative_to(ROOT))
        for path in sorted(folder.rglob("*.py")):
            yield from ((message, str(path.relative_to(ROOT))) for message in refused(path))


def refused(path: Path) -> Iterator[str]:
    """The sentences that stand plainly as the first argument of a refusal."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args and name_of(node.func) in refusals():
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def name_of(node: ast.expr) -> str:
    """`Refusal` of both `Refusal` and `errors.Refusal`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@cache
def refusals() -> set[str]:
    """The names of Refusal and of every class that is one, wherever it is written."""
    parents = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for folder in SOURCES
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    kinds = {"Refusal"}
    while more := {name for name, bases in parents.items() if bases & kinds} - kinds:
        kinds |= more
    return kinds


def fields(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def quoted(text: str) -> str:
    """As it stands in a .po file."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@pytest.mark.parametrize("text", ['a "b"', "a\\b"])
def test_what_is_offered_to_paste_is_a_valid_entry(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.po").write_text(f'msgid {quoted(text)}\nmsgstr "x"\n', "utf-8")
    with (tmp_path / "a.po").open("rb") as file:
        assert [message.id for message in read_po(file) if message.id] == [text]
