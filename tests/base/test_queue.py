"""Jobs: enqueued with the transaction, done once, and not lost when a worker or PostgreSQL dies."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import psutil
import pytest
from sqlalchemy.exc import DBAPIError

from xinglin import worker
from xinglin.base import queue
from xinglin.base.cluster import Cluster
from xinglin.base.database import Database, driver, run as database_run

COUNTY = "654203"
SOON_S = 15.0  # the longest a dead worker's job may be away, and far more than anything else takes
done: list[dict[str, Any]] = []
failures: list[Exception] = []

# A worker to be killed: it takes the job in hand, says so, and never ends it.
DOOMED = """
import asyncio, sys
from xinglin import worker
from xinglin.base import queue

@queue.task("test.note")
async def note(context, **arguments):
    print("taken", flush=True)
    await asyncio.sleep(600)

@queue.task("test.think")
async def think(context, **arguments):
    import os, time
    print(await context.solve_in_process(os.getpid), flush=True)
    await context.solve_in_process(time.sleep, 600)

asyncio.run(worker.run_worker(sys.argv[1]))
"""


@queue.task("test.note")
async def note(context: queue.JobContext, **arguments: Any) -> None:
    done.append({"county": context.county, "attempt": context.attempt, **arguments})


@queue.task("test.fail")
async def fail(context: queue.JobContext, **arguments: Any) -> None:
    done.append(arguments)
    if failures:
        raise failures.pop()


@queue.task("test.wait")
async def wait(context: queue.JobContext, *, for_s: float) -> None:
    done.append({"attempt": context.attempt})
    await asyncio.sleep(for_s)


@queue.task("test.solve")
async def solve(context: queue.JobContext, *, numbers: list[int]) -> None:
    done.append({"sum": await context.solve_in_process(sum, numbers)})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # Fast, yet a commit must outlive a killed server: with synchronous_commit off the last ones do not.
    told = {"synchronous_commit": "on"}
    with Cluster(tmp_path_factory.mktemp("queue"), fast_and_unsafe=True, parameters=told) as cluster:
        yield cluster


@pytest.fixture
def url(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    url = cluster.ensure_database(request.node.name[:60])
    asyncio.run(queue.ensure_schema(url))
    return url


@pytest.fixture(autouse=True)
def nothing_done_yet() -> None:
    done.clear()
    failures.clear()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def working(url: str, **options: Any) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run_worker(url, stop=stop, **options))
    try:
        yield stop
    finally:
        stop.set()
        await running


async def until(is_so: Callable[[], bool] | Callable[[], Awaitable[bool]], within_s: float = SOON_S) -> None:
    deadline = time.monotonic() + within_s
    while True:
        answer = is_so()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.05)


async def states(url: str) -> list[str]:
    async with connected(url) as connection:
        rows = await connection.fetch(
            "SELECT status::text FROM procrastinate_jobs WHERE task_name LIKE 'test.%' ORDER BY id"
        )
    return [row["status"] for row in rows]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_the_tables_are_made_once_however_often_and_by_however_many(cluster: Cluster) -> None:
    url = cluster.ensure_database("made_once")

    async def scenario() -> None:
        await asyncio.gather(*(queue.ensure_schema(url) for _ in range(3)))
        await queue.ensure_schema(url)
        assert await states(url) == []

    run(scenario())


def test_a_job_of_a_transaction_rolled_back_never_runs_and_one_committed_runs_once(url: str) -> None:
    async def scenario() -> None:
        async with connected(url) as connection:
            transaction = connection.transaction()
            await transaction.start()
            await queue.enqueue(connection, "test.note", county=COUNTY, what="undone")
            await transaction.rollback()
            async with connection.transaction():
                await queue.enqueue(connection, "test.note", county=COUNTY, what="沙湾", on=date(2026, 3, 14))
        async with working(url), working(url):
            await until(lambda: bool(done))
            await asyncio.sleep(worker.POLL_S + 0.5)
        assert done == [{"county": COUNTY, "attempt": 1, "what": "沙湾", "on": "2026-03-14"}]
        assert await states(url) == ["succeeded"]

    run(scenario())


def test_a_job_is_enqueued_through_our_session_with_a_county_first_on_the_path(url: str) -> None:
    async def scenario() -> None:
        database = Database(url)
        async with database.transaction() as session:
            await database_run(session, f"CREATE SCHEMA county_{COUNTY}")
        with pytest.raises(ZeroDivisionError):
            async with database.transaction(COUNTY) as session:
                await queue.enqueue(await driver(session), "test.note", county=COUNTY, queueing_lock="plan")
                raise ZeroDivisionError
        async with database.transaction(COUNTY) as session:
            first = await queue.enqueue(
                await driver(session), "test.note", county=COUNTY, queueing_lock="plan"
            )
            again = await queue.enqueue(
                await driver(session), "test.note", county=COUNTY, queueing_lock="plan"
            )
            await database_run(session, "SELECT 1")
        await database.close()
        assert first == again
        assert await states(url) == ["todo"]

    run(scenario())


def test_while_a_job_waits_another_under_its_queueing_lock_is_that_job(url: str) -> None:
    async def scenario() -> None:
        async with connected(url) as one, connected(url) as other:
            transaction = one.transaction()
            await transaction.start()
            first = await queue.enqueue(one, "test.note", county=COUNTY, queueing_lock="plan")
            second = asyncio.create_task(
                queue.enqueue(other, "test.note", county=COUNTY, queueing_lock="plan")
            )
            await asyncio.sleep(0.2)
            assert not second.done(), "it has to wait to know whether the first is committed"
            await transaction.commit()
            assert await second == first
            different = await queue.enqueue(other, "test.note", county=COUNTY, queueing_lock="seal")
            assert different != first

    run(scenario())


def test_a_refusal_of_the_database_other_than_the_queueing_lock_is_not_swallowed(url: str) -> None:
    async def scenario() -> None:
        async with connected(url) as connection:
            with pytest.raises(asyncpg.StringDataRightTruncationError):
                await queue.enqueue(connection, "t" * 200, county=COUNTY, queueing_lock="plan")

    run(scenario())


def test_a_job_runs_no_earlier_than_it_is_scheduled(url: str) -> None:
    async def scenario() -> None:
        due_at = datetime.now(UTC) + timedelta(seconds=1.5)
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.note", county=COUNTY, schedule_at=due_at)
        async with working(url):
            await until(lambda: bool(done))
        assert datetime.now(UTC) >= due_at

    run(scenario())


def test_a_failing_job_ends_as_failed_and_its_traceback_is_in_the_log(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        failures.append(ValueError("no such order"))
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.fail", county=COUNTY)
        async with working(url):
            await until(lambda: _are(url, ["failed"]))

    run(scenario())
    assert len(done) == 1
    assert "no such order" in caplog.text
    assert "Traceback" in caplog.text


def test_a_job_that_lost_its_connection_is_tried_again_up_to_five_times(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WAITS_S", (0.01, 0.01, 0.01, 0.01))

    async def scenario() -> None:
        async with connected(url) as connection, working(url):
            failures.extend(_wrapped(ConnectionResetError()) for _ in range(4))
            await queue.enqueue(connection, "test.fail", county=COUNTY)
            await until(lambda: _are(url, ["succeeded"]))
            failures.extend(asyncpg.CannotConnectNowError("starting up") for _ in range(5))
            await queue.enqueue(connection, "test.fail", county=COUNTY)
            await until(lambda: _are(url, ["succeeded", "failed"]))

    run(scenario())
    assert len(done) == 10


@pytest.mark.parametrize(
    ("error", "momentary"),
    [
        (FileNotFoundError(2, "No such file"), True),  # a socket that is not there yet
        (FileNotFoundError(2, "No such file", "prices.csv"), False),
        (asyncpg.DeadlockDetectedError("deadlock"), True),
        (asyncpg.UniqueViolationError("twice"), False),
        (ValueError("wrong"), False),
    ],
)
def test_only_errors_that_a_next_try_may_cure_are_momentary(error: Exception, momentary: bool) -> None:
    assert queue.is_momentary(error) is momentary


def _wrapped(error: Exception) -> Exception:
    """As SQLAlchemy hands on what the driver raised."""
    outer = DBAPIError("SELECT 1", None, error)
    outer.__cause__ = error
    return outer


async def _are(url: str, expected: list[str]) -> bool:
    return await states(url) == expected


def test_thinking_happens_in_another_process_that_is_replaced_when_it_dies(url: str) -> None:
    async def scenario() -> None:
        async with connected(url) as connection, working(url):
            await queue.enqueue(connection, "test.solve", county=COUNTY, numbers=[1, 2, 3])
            await until(lambda: done == [{"sum": 6}])
            first = await worker.solve_in_process(os.getpid)
            assert first != os.getpid()
            os.kill(first, signal.SIGKILL)
            await queue.enqueue(connection, "test.solve", county=COUNTY, numbers=[4])
            await until(lambda: {"sum": 4} in done)
            assert await worker.solve_in_process(os.getpid) != first

    run(scenario())


def test_a_loop_that_fails_is_started_again_beside_the_jobs(url: str) -> None:
    rounds: list[int] = []

    async def seal() -> None:
        rounds.append(len(rounds))
        if len(rounds) < 3:
            raise ConnectionError
        await asyncio.sleep(600)

    async def scenario() -> None:
        async with working(url, also=[seal]):
            await until(lambda: len(rounds) == 3)

    run(scenario())
    assert rounds == [0, 1, 2]


def test_a_worker_told_to_stop_puts_back_what_it_cannot_end(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GRACE_S", 0.2)

    async def scenario() -> None:
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.wait", county=COUNTY, for_s=600)
            async with working(url):
                await until(lambda: bool(done))
            assert await states(url) == ["todo"]
            assert await connection.fetchval("SELECT count(*) FROM procrastinate_workers") == 0

    run(scenario())


def test_what_was_done_a_week_ago_is_forgotten_and_what_failed_is_kept(url: str) -> None:
    async def scenario() -> None:
        async with connected(url) as connection, working(url):
            failures.append(ValueError())
            await queue.enqueue(connection, "test.fail", county=COUNTY)
            await queue.enqueue(connection, "test.note", county=COUNTY)
            await until(lambda: _are(url, ["failed", "succeeded"]))
            await connection.execute("UPDATE procrastinate_events SET at = at - interval '8 days'")
            await queue.enqueue(connection, "test.note", county=COUNTY)
            await until(lambda: _are(url, ["failed", "succeeded", "succeeded"]))
            app = queue.make_app(url)
            async with app.open_async():
                await app.tasks["queue.tidy"].defer_async(timestamp=0)
            await until(lambda: _are(url, ["failed", "succeeded"]))

    run(scenario())


@pytest.fixture
def doomed(url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", DOOMED, url], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_sigterm_ends_a_worker_cleanly(url: str, doomed: subprocess.Popen[str]) -> None:
    async def registered() -> bool:
        async with connected(url) as connection:
            return bool(await connection.fetchval("SELECT count(*) FROM procrastinate_workers"))

    run(until(registered))
    doomed.send_signal(signal.SIGTERM)
    assert doomed.wait(SOON_S) == 0


@pytest.mark.crash
def test_another_worker_ends_the_job_of_a_killed_one_in_time(url: str, doomed: subprocess.Popen[str]) -> None:
    async def scenario() -> None:
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.note", county=COUNTY, lock="plan", what="plan")
        assert await asyncio.to_thread(said, doomed) == "taken"
        async with working(url), working(url):
            doomed.kill()
            await until(lambda: bool(done), SOON_S)
            await until(lambda: _are(url, ["succeeded"]))
        assert done == [{"county": COUNTY, "attempt": 2, "what": "plan"}]

    run(scenario())


@pytest.mark.crash
def test_the_job_of_a_killed_worker_gives_way_to_one_that_waits_in_its_place(
    url: str, doomed: subprocess.Popen[str]
) -> None:
    async def scenario() -> None:
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.note", county=COUNTY, queueing_lock="plan")
            assert await asyncio.to_thread(said, doomed) == "taken"
            doomed.kill()
            later = datetime.now(UTC) + timedelta(hours=1)
            await queue.enqueue(
                connection, "test.note", county=COUNTY, queueing_lock="plan", schedule_at=later
            )
            app = queue.make_app(url)
            async with app.open_async():
                assert await queue.bring_back_stalled(app, silent_s=0) == []
        assert await states(url) == ["failed", "todo"]

    run(scenario())


@pytest.mark.crash
def test_a_job_that_brings_down_every_worker_is_given_up(url: str, doomed: subprocess.Popen[str]) -> None:
    async def scenario() -> None:
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.note", county=COUNTY)
            assert await asyncio.to_thread(said, doomed) == "taken"
            doomed.kill()
            await connection.execute("UPDATE procrastinate_jobs SET attempts = $1", queue.TRIES - 1)
            app = queue.make_app(url)
            async with app.open_async():
                assert await queue.bring_back_stalled(app, silent_s=0) == []
        assert await states(url) == ["failed"]

    run(scenario())


@pytest.mark.crash
def test_thinking_ends_with_the_worker_that_asked_for_it(url: str, doomed: subprocess.Popen[str]) -> None:
    async def scenario() -> None:
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.think", county=COUNTY)
        thinking = int(await asyncio.to_thread(said, doomed))
        doomed.kill()
        await until(lambda: _has_ended(thinking))

    run(scenario())


def _has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.crash
def test_a_worker_goes_on_after_postgresql_was_killed_under_it(cluster: Cluster, url: str) -> None:
    async def scenario() -> None:
        async with working(url):
            for what in ("before", "after the first", "after the second"):
                await _is_done(url, what)
                assert cluster.pid
                os.kill(cluster.pid, signal.SIGKILL)
            await _is_done(url, "last")

    run(scenario())


async def _is_done(url: str, what: str) -> None:
    await until(lambda: _enqueued(url, what=what))
    await until(lambda: any(job["what"] == what for job in done))


async def _enqueued(url: str, **arguments: Any) -> bool:
    try:
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.note", county=COUNTY, **arguments)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


@pytest.mark.crash
def test_a_job_in_hand_when_postgresql_is_killed_is_ended_once_it_is_back(cluster: Cluster, url: str) -> None:
    async def scenario() -> None:
        async with connected(url) as connection:
            await queue.enqueue(connection, "test.wait", county=COUNTY, for_s=0.1)
        async with working(url):
            await until(lambda: bool(done))
            assert cluster.pid
            os.kill(cluster.pid, signal.SIGKILL)
            await until(lambda: _ended(url))

    run(scenario())
    assert done == [{"attempt": 1}]


async def _ended(url: str) -> bool:
    try:
        return await states(url) == ["succeeded"]
    except (OSError, asyncpg.PostgresError):
        return False
