"""The PostgreSQL beside the service: started, shared, killed, and whole again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from xinglin.base import cluster as cluster_module
from xinglin.base.cluster import Cluster, ClusterError

HOLD = """
import sys, time
from pathlib import Path
from xinglin.base.cluster import Cluster
cluster = Cluster(Path(sys.argv[1]))
cluster.start()
print(cluster.is_owner, cluster.pid, flush=True)
time.sleep(600)
"""
BACK_WITHIN_S = 10.0  # far above the 0.3 s it takes, for a machine with other work


@pytest.fixture(scope="module")
def ready_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder set up and ended in order once, copied for each test that only needs a warm one."""
    folder = tmp_path_factory.mktemp("ready")
    with Cluster(folder) as cluster:
        cluster.ensure_database("county")
    return folder


@pytest.fixture
def folder(ready_made: Path, tmp_path: Path) -> Path:
    shutil.copytree(ready_made, tmp_path / "data", ignore=shutil.ignore_patterns("run", "*.lock"))
    return tmp_path / "data"


@pytest.fixture
def hold(folder: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], bool, int]]]:
    """Another process over the same folder: the process, whether it owns the server, the server's pid."""
    holders: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], bool, int]:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
        )
        holders.append(holder)
        assert holder.stdout
        owns, pid = holder.stdout.readline().split()
        return holder, owns == "True", int(pid)

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()
        assert holder.stdout
        holder.stdout.close()


def servers_over(folder: Path) -> list[int]:
    marks = {"name": "postgres", "cwd": str(folder / "pgdata")}
    return [one.pid for one in psutil.process_iter(["name", "cwd"]) if one.info == marks]


def until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + BACK_WITHIN_S
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_a_cold_start_makes_a_server_that_keeps_chinese_and_checks_its_pages(tmp_path: Path) -> None:
    with Cluster(tmp_path / "new") as cluster, psycopg.connect(cluster.ensure_database("县")) as connection:
        shown = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('data_checksums'),"
            " current_setting('fsync'), lower('É'), '杏' < '林'"
        ).fetchone()
    assert shown == ("UTF8", "on", "on", "é", "杏" < "林")
    assert servers_over(tmp_path / "new") == []


def test_a_half_made_folder_is_thrown_away_and_made_anew(tmp_path: Path) -> None:
    (tmp_path / "pgdata-new-1" / "base").mkdir(parents=True)
    with Cluster(tmp_path, fast_and_unsafe=True) as cluster:
        assert answers(cluster.address.url("postgres"))
    assert not list(tmp_path.glob("pgdata-new-*"))


def test_a_warm_start_finds_what_was_written(folder: Path) -> None:
    for _ in range(2):
        with Cluster(folder) as cluster, psycopg.connect(cluster.address.url("county")) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS seen (id int GENERATED ALWAYS AS IDENTITY)")
            connection.execute("INSERT INTO seen DEFAULT VALUES")
            counted = connection.execute("SELECT count(*) FROM seen").fetchone()
    assert counted == (2,)


def test_only_its_owner_may_enter_the_socket_folder_however_deep_the_data_lies(tmp_path: Path) -> None:
    deep = tmp_path / ("杏林" * 20)
    with Cluster(deep, fast_and_unsafe=True) as cluster:
        socket_folder = Path(cluster.address.host)
        assert answers(cluster.address.url("postgres"))
        assert len(os.fsencode(socket_folder)) < 90
        assert socket_folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(socket_folder)


def test_a_socket_folder_open_to_others_is_refused(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "run").chmod(0o755)
    with pytest.raises(ClusterError, match="only user"):
        Cluster(folder).start()


def test_settings_given_go_before_our_own(folder: Path) -> None:
    cluster = Cluster(folder, fast_and_unsafe=True, parameters={"max_connections": "17"})
    with cluster, psycopg.connect(cluster.address.url("county")) as connection:
        shown = connection.execute(
            "SELECT current_setting('max_connections'), current_setting('fsync')"
        ).fetchone()
    assert shown == ("17", "off")


def test_a_setting_postgresql_refuses_is_told_in_its_words_and_nothing_stays_behind(folder: Path) -> None:
    broken = Cluster(folder, parameters={"shared_buffers": "lots"})
    with pytest.raises(ClusterError, match=r"shared_buffers.*XINGLIN_DATABASE_URL"):
        broken.start()
    with Cluster(folder) as cluster:
        assert answers(cluster.address.url("county"))


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterError, match="PostgreSQL cannot use"):
        Cluster(tmp_path / "file" / "data").start()


def test_without_binaries_it_says_what_to_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "SOURCES", (("no_such_package", "pginstall"),))
    with pytest.raises(ClusterError, match="set XINGLIN_DATABASE_URL"):
        Cluster(folder).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root takes another name")
def test_root_without_namespaces_runs_it_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "_may_unshare", lambda: False)
    folder = Path(tempfile.mkdtemp(prefix="xinglin-test-"))  # pytest's own folders are closed to nobody
    try:
        with Cluster(folder, fast_and_unsafe=True) as cluster:
            assert cluster.pid
            assert psutil.Process(cluster.pid).username() == "nobody"
            assert (folder / "pgdata").owner() == "nobody"
    finally:
        shutil.rmtree(folder)


def test_the_log_and_one_predecessor_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "LOG_BYTES", 2000)
    with Cluster(folder) as cluster:
        with psycopg.connect(cluster.address.url("county"), autocommit=True) as connection:
            for _ in range(40):
                with pytest.raises(psycopg.errors.UndefinedTable):
                    connection.execute("SELECT * FROM nowhere")
        assert until(lambda: cluster.log_file.stat().st_size < 2000)
    assert cluster.log_file.with_suffix(".log.1").stat().st_size > 2000


def test_a_second_process_attaches_and_leaves_the_server_running(
    folder: Path, hold: Callable[[], tuple[subprocess.Popen[str], bool, int]]
) -> None:
    _, owns, pid = hold()
    with Cluster(folder) as second:
        assert (owns, second.is_owner, second.pid) == (True, False, pid)
    assert psutil.pid_exists(pid)
    assert answers(second.address.url("county"))


def test_when_the_owner_leaves_an_attached_process_takes_over(folder: Path) -> None:
    first, second = Cluster(folder), Cluster(folder)
    first.start()
    second.start()
    try:
        first.stop()
        assert until(lambda: second.is_owner and answers(second.address.url("county")))
    finally:
        second.stop()
    assert servers_over(folder) == []


@pytest.mark.crash
def test_a_killed_postmaster_comes_back_with_every_acknowledged_commit(folder: Path) -> None:
    with Cluster(folder) as cluster:
        url, acknowledged, ended = cluster.address.url("county"), list[int](), threading.Event()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (id int PRIMARY KEY)")

        def write(first: int) -> None:
            number = first
            while not ended.is_set():
                try:
                    with psycopg.connect(url, autocommit=True) as connection:
                        while not ended.is_set():
                            number += (
                                1  # a number is never tried twice: an unanswered commit may have happened
                            )
                            connection.execute("INSERT INTO kept VALUES (%s)", [number])
                            acknowledged.append(number)
                except psycopg.OperationalError:
                    time.sleep(0.02)

        def has_written_more() -> None:
            before = len(acknowledged)
            assert until(lambda: len(acknowledged) > before + 200)

        writers = [threading.Thread(target=write, args=[n * 1_000_000]) for n in range(4)]
        for writer in writers:
            writer.start()
        for _ in range(2):
            has_written_more()
            killed = cluster.pid
            assert killed
            os.kill(killed, signal.SIGKILL)
        has_written_more()
        ended.set()
        for writer in writers:
            writer.join()
        with psycopg.connect(url) as connection:
            kept = {row[0] for row in connection.execute("SELECT id FROM kept")}
    assert set(acknowledged) <= kept


@pytest.mark.crash
def test_a_busy_backend_that_outlives_its_postmaster_does_not_bar_the_next_one(folder: Path) -> None:
    with Cluster(folder) as cluster:
        url = cluster.address.url("county")
        busy = psycopg.connect(url)
        spin = "DO $$ BEGIN LOOP END LOOP; END $$"  # never looks whether its postmaster lives

        def spin_until_cut_off() -> None:
            with pytest.raises(psycopg.OperationalError):
                busy.execute(spin)

        spinning = threading.Thread(target=spin_until_cut_off)
        spinning.start()
        time.sleep(0.2)
        assert cluster.pid
        os.kill(cluster.pid, signal.SIGKILL)
        spinning.join(BACK_WITHIN_S)
        assert not spinning.is_alive()
        assert until(lambda: answers(url))


@pytest.mark.crash
def test_a_process_number_given_away_since_the_crash_does_not_bar_the_next_start(folder: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    pid_file = folder / "pgdata" / "postmaster.pid"
    pid_file.write_text(
        f"{stranger.pid}\n{folder / 'pgdata'}\n1700000000\n5432\n{folder / 'run'}\n\n0 0\nready\n"
    )
    try:
        with Cluster(folder) as cluster:
            assert answers(cluster.address.url("county"))
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.crash
def test_a_killed_owner_leaves_no_server_and_no_damage(
    folder: Path, hold: Callable[[], tuple[subprocess.Popen[str], bool, int]]
) -> None:
    holder, _, _ = hold()
    with psycopg.connect(Cluster(folder).address.url("county"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
    holder.kill()
    assert until(lambda: servers_over(folder) == [])
    with Cluster(folder) as cluster, psycopg.connect(cluster.address.url("county")) as connection:
        assert connection.execute("SELECT id FROM kept").fetchone() == (1,)
    assert "was not properly shut down" not in cluster.log_file.read_text()


@pytest.mark.crash
def test_when_the_owner_is_killed_an_attached_process_takes_over(
    folder: Path, hold: Callable[[], tuple[subprocess.Popen[str], bool, int]]
) -> None:
    holder, _, _ = hold()
    with Cluster(folder) as second:
        holder.kill()
        assert until(lambda: second.is_owner and answers(second.address.url("county")))
