"""`xinglin demo`: the county, its worker, the day, the summary, and then the desks."""

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinglin import install
from xinglin.base import clock, database, seals
from xinglin.base.database import Database
from xinglin.base.language import translate
from xinglin.demo.county import CODE, COUNTY_STAFF, NAME, SHOWN
from xinglin.demo.day import Day
from xinglin.formulary import queries as formulary
from xinglin.people.rules import ROLE_NAMES, Role

Step = tuple[str, Callable[[], Awaitable[Any]]]
ROLE_OF_SHOWN = {
    "doctor": Role.VILLAGE_DOCTOR, "pharmacist": Role.TOWNSHIP_PHARMACIST, "keeper": Role.DEPOT_KEEPER,
    "driver": Role.DRIVER,
}  # fmt: skip


SMALL = {"shared_buffers": "48MB"}
"""A demo shares its machine: what PostgreSQL does not keep, the system's own cache does."""


class Memory:
    """Watches how much memory all processes of the demo hold together, PostgreSQL among them."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()

    def __enter__(self) -> "Memory":
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.peak = max(self.peak, resident())

    @property
    def peak_mib(self) -> int:
        """The highest so far, in MiB."""
        return round(max(self.peak, resident()) / 2**20)


def resident() -> int:
    """Bytes resident in this process and all below it, added up: what they share is counted for each (RSS)."""
    total, me = 0, psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.Error, OSError):
            total += process.memory_info().rss
    return total


@contextlib.contextmanager
def working(url: str) -> Iterator[None]:
    """A worker beside the demo; one that dies is followed by another."""
    stop = threading.Event()
    command = [sys.executable, "-m", "xinglin.cli", "worker", "--with-parent"]
    environment = os.environ | {"XINGLIN_DATABASE_URL": url, "XINGLIN_SOLVE_SECONDS": os.environ.get("XINGLIN_SOLVE_SECONDS", "6"),
                                "XINGLIN_LOG_LEVEL": os.environ.get("XINGLIN_LOG_LEVEL", "error")}  # fmt: skip
    children: list[subprocess.Popen[bytes]] = [subprocess.Popen(command, env=environment)]

    def watch() -> None:
        while not stop.wait(0.5):
            if children[-1].poll() is not None:
                children.append(subprocess.Popen(command, env=environment))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        children[-1].terminate()
        children[-1].wait(15)


def password_in(folder: Path) -> str:
    """The demo's password: made once, kept beside its data, so that it can be printed again."""
    kept = folder / "demo-password"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(f"xing-{secrets.token_hex(4)}")
    return kept.read_text()


async def play(
    url: str, password: str, townships: int, console: Console, *, is_served: bool
) -> dict[str, Any]:
    """The whole day; figures and seconds by step."""
    base = Database(url, pool_size=7)
    seconds: dict[str, float] = {}
    try:
        await _county(url, base)
        with _bars(console) as bars:
            tasks: dict[str, Any] = {}

            def tick(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = bars.add_task(name, total=total)
                bars.update(tasks[name], completed=done, total=total)

            day = Day(base, await _day_of(base), townships, tick)
            steps: list[Step] = [
                ("county", lambda: day.open_county(password)), ("books", day.open_books), ("meet", day.meet),
                ("baskets", day.baskets), ("review", day.review), ("township_orders", day.townships_order),
                ("allocation", day.allocate), ("picking", day.pick), ("planning", day.plan),
                ("driving", day.drive), ("sealing", lambda: _seal(base)),
            ]  # fmt: skip
            for name, step in steps:
                began = time.perf_counter()
                await step()
                seconds[name] = round(time.perf_counter() - began, 2)
            began = time.perf_counter()
            figures = await day.close()
            seconds["verification"] = round(time.perf_counter() - began, 2)
            if is_served:
                await day.evening()
    finally:
        await base.close()
    return figures | {
        "day": day.on.isoformat(),
        "seconds": seconds | {"total": round(sum(seconds.values()), 2)},
    }


async def _county(url: str, base: Database) -> None:
    async with base.transaction() as session:
        is_there = await database.value(session, "SELECT 1 FROM county WHERE code = $1", CODE)
    if not is_there:
        await install.create_county(url, CODE, NAME)


async def _day_of(base: Database) -> date:
    """The day that is played: today, or the day on which a demo that was cut off began."""
    async with base.transaction(CODE) as session:
        kept = await formulary.policy(session, "demo_day", clock.today())
        if kept:
            return date.fromisoformat(kept["on"])
        on = clock.today()
        await database.run(
            session,
            "INSERT INTO policy (name, valid_from, value, source) VALUES ('demo_day', $1, $2::text::jsonb, 'xinglin demo')",
            on, json.dumps({"on": on.isoformat()}),
        )  # fmt: skip
        return on


async def _seal(base: Database) -> None:
    """Nothing of the day stays unsealed before it is verified."""
    async with base.transaction(CODE) as session:
        await seals.seal(session)


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=False,
    )  # fmt: skip


def show(figures: dict[str, Any], console: Console, locale: str) -> None:
    """The summary of the day."""
    table = Table(title=f"{NAME} {figures['day']}", show_header=False)
    by_class = ", ".join(f"{name} {count}" for name, count in figures["shortages_by_class"].items())
    rows = [
        ("orders / lines", f"{figures['orders']} / {figures['lines']}"),
        ("fill rate (yuan accepted / approved)", f"{figures['fill_rate']:.1%}"),
        ("shortages", f"{figures['shortages']} ({by_class})"),
        (
            "vehicles / stops / on time",
            f"{figures['vehicles']} / {figures['stops']} / {figures['stops_on_time']}",
        ),
        (
            "kilometres / hours",
            f"{figures['distance_km']} / {figures['hours']}  (straight lines × a factor: an estimate)",
        ),
        ("stops left out", str(figures["left_out"])),
        *(
            ("", f"{left['stop']}: {_reason(left['reason'], locale)}")
            for left in figures["left_out_reasons"][:12]
        ),
        ("ledger = balance", "yes" if figures["ledger_balanced"] else "NO"),
        (
            "trail",
            f"{'verified' if figures['trail_verified'] else 'BROKEN'}: {figures['seals']} seals over {figures['sealed_rows']} rows",
        ),
        ("seconds", ", ".join(f"{name} {value}" for name, value in figures["seconds"].items())),
        ("memory, all processes", f"{figures['peak_rss_mib']} MiB at most"),
    ]
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _reason(reason: dict[str, Any], locale: str) -> str:
    return translate(locale, reason["template"], **reason["params"])


def sign_ins(password: str, address: str, console: Console) -> None:
    """The address and a sign-in for each role, printed last."""
    console.print(
        "Everything but the towns' names is invented; clinics' coordinates are synthetic.\n"
        "除乡镇名称外均为虚构，村卫生室坐标为合成数据。\n"
    )
    table = Table()
    for column in ("user name", "password", "role", "角色"):
        table.add_column(column)
    for username, role in [(name, ROLE_OF_SHOWN[name]) for name in SHOWN] + list(COUNTY_STAFF):
        table.add_row(username, password, ROLE_NAMES[role], translate("zh_CN", ROLE_NAMES[role]))
    console.print(table)
    console.print(f"\n[bold]{address}[/bold]   (Ctrl+C ends it)")


def run(
    url: str, folder: Path, *, townships: int, as_json: bool, console: Console, locale: str, is_served: bool
) -> str:
    """Play the day beside a worker; the password of its people."""
    password = password_in(folder)
    with Memory() as memory:
        began = time.perf_counter()
        asyncio.run(install.prepare(url))
        prepared = round(time.perf_counter() - began, 2)
        figures = asyncio.run(play(url, password, townships, console, is_served=is_served))
        figures["seconds"] = {"prepare": prepared} | figures["seconds"]
        figures["seconds"]["total"] = round(figures["seconds"]["total"] + prepared, 2)
        figures["peak_rss_mib"] = memory.peak_mib
    show(figures, console, locale)
    if as_json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
        sys.stdout.flush()
    return password
