"""The demo day is cut off three times, by kill -9, and goes on: nothing lost, nothing done twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from xinglin.base.cluster import Cluster

COUNTY = "county_654203"
PATIENCE_S = 90.0


def start(folder: Path) -> subprocess.Popen[str]:
    """One township's day, in a process group of its own."""
    environment = os.environ | {
        "XINGLIN_DATA_DIR": str(folder), "XINGLIN_SOLVE_SECONDS": "3", "XINGLIN_LOG_LEVEL": "warning",
    }  # fmt: skip
    environment.pop("XINGLIN_DATABASE_URL", None)
    return subprocess.Popen(
        [sys.executable, "-m", "xinglin.cli", "demo", "--no-serve", "--json", "--townships", "1"],
        env=environment, stdout=subprocess.PIPE, stderr=(folder / "log").open("a"), text=True,
    )  # fmt: skip


def ask(folder: Path, sql: str) -> Any:
    """One figure from the demo's database; None while it is not there."""

    async def value() -> Any:
        url = Cluster(folder / "postgres").address.url("xinglin")
        connection = await asyncpg.connect(
            url, timeout=5, server_settings={"search_path": f"{COUNTY},public"}
        )
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    try:
        return asyncio.run(value())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        return None


def wait_until(folder: Path, demo: subprocess.Popen[str], sql: str, enough: Callable[[Any], bool]) -> None:
    """Watch the day until it has come so far."""
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        found = ask(folder, sql)
        if found is not None and enough(found):
            return
        assert demo.poll() is None, (folder / "log").read_text()[-3000:]
        time.sleep(0.05)
    pytest.fail(f"the day never came to: {sql}\n{(folder / 'log').read_text()[-3000:]}")


def kill(process: psutil.Process) -> None:
    """Without a word of warning."""
    process.send_signal(signal.SIGKILL)


def worker_of(demo: subprocess.Popen[str]) -> psutil.Process:
    """The worker beside the demo."""
    return next(p for p in psutil.Process(demo.pid).children() if "worker" in p.cmdline())


def postmaster(folder: Path) -> psutil.Process:
    """The PostgreSQL of the demo."""
    pid = Cluster(folder / "postgres").pid
    assert pid is not None
    return psutil.Process(pid)


@pytest.mark.crash
def test_a_day_cut_off_three_times_goes_on_where_it_stood(tmp_path: Path) -> None:
    demo = start(tmp_path)
    wait_until(tmp_path, demo, "SELECT count(*) FROM requisition", lambda n: n >= 4)
    kill(postmaster(tmp_path))
    wait_until(tmp_path, demo, "SELECT count(*) FROM plan WHERE state = 'solving'", lambda n: n >= 1)
    kill(worker_of(demo))
    wait_until(tmp_path, demo, "SELECT count(*) FROM proof", lambda n: n >= 3)
    kill(psutil.Process(demo.pid))
    demo.wait(10)
    acknowledged = int(ask_after(tmp_path))

    again = start(tmp_path)
    output, _ = again.communicate(timeout=150)
    assert again.returncode == 0, (tmp_path / "log").read_text()[-3000:]
    figures = json.loads(output.strip().splitlines()[-1])
    assert figures["ledger_balanced"] and figures["trail_verified"]
    assert figures["orders"] == 15  # fourteen clinics and their township, each once
    assert figures["signed"] == figures["stops"] >= max(3, acknowledged)
    assert figures["stops"] + figures["left_out"] == 15
    with Cluster(tmp_path / "postgres"):
        assert ask(tmp_path, "SELECT count(*) FROM run WHERE state <> 'closed'") == 0
        assert (
            ask(tmp_path, "SELECT max(n) FROM (SELECT count(*) n FROM requisition GROUP BY place_id) x") == 1
        )
        twice = """SELECT count(*) FROM (SELECT verb, subject FROM trail WHERE subject IS NOT NULL AND verb IN
            ('orders.submit', 'orders.approve', 'orders.pick', 'delivery.adopt_plan', 'delivery.depart',
             'delivery.hand_over', 'delivery.come_back', 'delivery.keep_solution')
            GROUP BY 1, 2 HAVING count(*) > 1) x"""
        assert ask(tmp_path, twice) == 0
        on_wheels = "SELECT coalesce(sum(b.on_hand), 0) FROM balance b JOIN vehicle v ON v.id = b.place_id"
        assert ask(tmp_path, on_wheels) == 0


def ask_after(folder: Path) -> int:
    """How many proofs were acknowledged before the demo was killed."""
    with Cluster(folder / "postgres"):
        return int(ask(folder, "SELECT count(*) FROM proof"))
