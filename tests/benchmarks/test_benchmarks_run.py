"""Every benchmark runs, small, and tells its figures; how fast it was is nobody's business here."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "orders": ("--seconds=1", "--rounds=1", "--clinics=5", "--products=120", "--lines=3", "--connections=2"),
    "search": ("--seconds=1", "--rounds=1", "--clinics=2", "--products=120", "--connections=2"),
    "rationing": ("--clinics=6", "--items=5"),
    "allocation": ("--requisitions=4", "--lines=3", "--clients=2", "--clinics=4", "--products=120"),
    "routing": ("--seconds=0.5", "--judged=2"),
    "seals": ("--writers=2", "--seconds=0.3", "--rounds=1"),
    "ledger": ("--connections=2", "--lines=3", "--seconds=0.5", "--clinics=2", "--products=120"),
}
FIGURES = {
    "orders": {"ratio", "orders_per_s", "floor_per_s", "p95_ms"},
    "search": {"p95_ms", "per_s"},
    "rationing": {"seconds", "per_line_us"},
    "allocation": {"wave_s", "statements", "statements_tenth", "p95_ms", "errors"},
    "routing": {"judge_ms", "cost_yuan_12_townships", "cost_yuan_17_clinics", "cost_yuan_213_stops"},
    "seals": {"without_per_s", "with_per_s", "ratio", "verified_rows_per_s"},
    "ledger": {"moves_per_s", "p95_ms", "unequal"},
}


def run(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """The figures of one benchmark, with one web process where it serves."""
    monkeypatch.setenv("XINGLIN_WEB_PROCESSES", "1")
    monkeypatch.setattr(sys, "argv", [name, *SMALL[name], "--json"])
    importlib.import_module(f"benchmarks.{name}").main()
    figures: dict[str, float] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return figures


def test_every_benchmark_is_among_those_run_here() -> None:
    there = {path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py")}
    assert there == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_ends_with_its_figures(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = run(name, monkeypatch, capsys)
    assert FIGURES[name] <= figures.keys()
    assert figures.get("errors", 0) == figures.get("unequal", 0) == 0
    if name == "allocation":
        assert figures["statements"] == figures["statements_tenth"], "as many statements for many as for few"
