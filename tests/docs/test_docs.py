"""The docs are true where a machine can tell: links lead somewhere, commands exist, figures have a command."""

import re
from pathlib import Path

import pytest

from xinglin.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/xinglin/web/templates/*.md"))
    if ".venv" not in page.parts
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    written = [page.name for page in (ROOT / "docs/decisions").glob("0*.md")]
    assert written and all(name in listed for name in written)


def test_every_benchmark_has_its_figures() -> None:
    page = (ROOT / "docs/performance.md").read_text("utf-8")
    names = [
        path.stem
        for path in (ROOT / "benchmarks").glob("[a-z]*.py")
        if 'if __name__ == "__main__"' in path.read_text()
    ]
    assert names and [name for name in names if f"benchmarks.{name}" not in page] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "docs/operate.md"])
def test_every_word_for_make_is_one(name: str) -> None:
    words = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", (ROOT / name).read_text("utf-8"), re.M))
    known = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    assert [word for pair in words for word in pair if word and word not in known] == []


def test_every_command_in_the_docs_is_one() -> None:
    asked = set()
    for page in PAGES:
        asked |= set(re.findall(r"`?xinglin ((?:county )?[a-z]+)(?=[ `\n])", page.read_text("utf-8")))
    known = set(main.commands) | {f"county {name}" for name in main.commands["county"].commands}  # type: ignore[attr-defined]
    assert sorted(asked - known) == []
