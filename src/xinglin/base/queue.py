"""Work for later: enqueued in the caller's transaction, done by a worker, not lost when one dies."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, Protocol, TypeVar

import asyncpg
import procrastinate
import procrastinate.connector
import psycopg
import structlog
from procrastinate import exceptions, jobs, retry
from procrastinate.schema import SchemaManager

log = logging.getLogger(__name__)

TRIES = 5
WAITS_S = (1, 3, 9, 27)  # between the tries
RECONNECT_S = (0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
KEEP_DONE_HOURS = 7 * 24
# 杏林 in two bytes each: whoever makes the tables holds this advisory lock.
MAKING_TABLES = 0x674F6797
SCHEMA_SQL: str = SchemaManager.get_schema()
MOMENTARY = (
    ConnectionError,
    TimeoutError,
    BrokenExecutor,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    psycopg.OperationalError,
    exceptions.ConnectorException,
)
QUEUEING_LOCK = "procrastinate_jobs_queueing_lock_idx_v1"
DEFER = """
SELECT (public.procrastinate_defer_jobs_v1(ARRAY[ROW(
    $1::varchar, $2::varchar, 0, $3::text, $4::text, $5::text::jsonb, $6::timestamptz
)::public.procrastinate_job_to_defer_v1]))[1]
"""
WAITING = "SELECT id FROM public.procrastinate_jobs WHERE queueing_lock = $1 AND status = 'todo'"
# One job at a time, its row locked: two workers that look at once never both bring back the same job.
# A server that has just come up is given the time in which living workers show themselves.
BRING_BACK: LiteralString = """
WITH stalled AS (
    SELECT job.id, job.attempts, job.queueing_lock
    FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
      AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(silent_s)s))
      AND pg_postmaster_start_time() < now() - make_interval(secs => %(silent_s)s)
    ORDER BY job.id LIMIT 1
    FOR UPDATE OF job SKIP LOCKED
), judged AS (
    SELECT id, attempts + 1 < %(tries)s AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS next
        WHERE next.status = 'todo' AND next.queueing_lock = stalled.queueing_lock
    ) AS again
    FROM stalled
)
SELECT id, again, CASE
    WHEN again THEN procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)::text
    ELSE procrastinate_finish_job_v1(id, 'failed', false)::text
END FROM judged
"""

T = TypeVar("T")


class InProcess(Protocol):
    """Runs a function in a process of its own, so that long thinking holds up nobody."""

    def __call__(self, function: Callable[..., T], /, *arguments: Any) -> Awaitable[T]: ...


@dataclass(frozen=True)
class JobContext:
    """What a task is told beside its arguments."""

    county: str
    job_id: int
    attempt: int
    """1 the first time; more after a worker died or was stopped in the middle."""
    solve_in_process: InProcess


Task = Callable[..., Awaitable[None]]
_tasks: dict[str, Task] = {}


def task(name: str) -> Callable[[Task], Task]:
    """Register `async def run(context: JobContext, **arguments)` as what is done under this name.

    It opens its own transactions. It may run again after a crash, so what it does must bear repeating.
    """

    def register(function: Task) -> Task:
        assert name not in _tasks, f"two tasks are named {name}"
        _tasks[name] = function
        return function

    return register


async def ensure_schema(url: str) -> None:
    """Make procrastinate's tables and functions in `public` unless they are there."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", MAKING_TABLES)
            await connection.execute("SET LOCAL search_path TO public")
            if await connection.fetchval("SELECT to_regclass('public.procrastinate_jobs') IS NULL"):
                await connection.execute(SCHEMA_SQL)
    finally:
        await connection.close()


async def enqueue(
    connection: asyncpg.Connection,
    task: str,
    *,
    county: str,
    queue: str = "default",
    lock: str | None = None,
    queueing_lock: str | None = None,
    schedule_at: datetime | None = None,
    **arguments: Any,
) -> int:
    """Put a job in the queue as part of the caller's transaction; answers with the job's id.

    Of the jobs with the same `lock` one runs at a time. While one with the same `queueing_lock` waits
    nothing is added and its id is the answer. `public` must be on the search_path. Identifiers, days and
    decimals among the arguments reach the task as text.
    """
    told = json.dumps({"county": county, **arguments}, default=str, ensure_ascii=False)
    row = (queue, task, lock, queueing_lock, told, schedule_at)
    if queueing_lock is None:
        return int(await connection.fetchval(DEFER, *row))
    while True:
        try:
            async with connection.transaction():
                return int(await connection.fetchval(DEFER, *row))
        except asyncpg.UniqueViolationError as refused:
            if refused.constraint_name != QUEUEING_LOCK:
                raise
        waiting = await connection.fetchval(WAITING, queueing_lock)
        if waiting is not None:  # else a worker took it in this moment: ours may go in
            return int(waiting)


def make_app(url: str) -> procrastinate.App:
    """A procrastinate app for the worker, with every task registered until now."""
    session = {"application_name": "xinglin-worker", "options": "-c search_path=public"}
    app = procrastinate.App(
        connector=PatientConnector(conninfo=url, kwargs=session, min_size=1, max_size=4, timeout=5.0)
    )
    for name, function in _tasks.items():
        app.task(name=name, pass_context=True, retry=BackToTheQueue())(_handed_over(function))
    # Also keeps procrastinate's periodic part alive: without it the worker stops watching its heartbeat.
    tidy = app.task(name="queue.tidy", queueing_lock="queue.tidy", pass_context=True)(_tidy)
    app.periodic(cron="7 * * * *")(tidy)
    return app


async def bring_back_stalled(app: procrastinate.App, *, silent_s: float) -> list[int]:
    """Put the jobs of workers not heard of for so long back into the queue; answers with their ids.

    A job that has brought down its worker TRIES times ends as failed, as does one whose successor waits.
    """
    back: list[int] = []
    while found := await app.connector.execute_query_all_async(BRING_BACK, silent_s=silent_s, tries=TRIES):
        job_id, again = found[0]["id"], found[0]["again"]
        if again:
            log.warning("The worker of job %s is gone: the job is back in the queue", job_id)
            back.append(job_id)
        else:
            log.error("The worker of job %s is gone: the job is not tried again", job_id)
    return back


def is_momentary(error: BaseException) -> bool:
    """Whether an error comes from a connection or a process lost on the way, so that a next try may do."""
    causes = list(_causes(error))
    # An OSError that names no file comes from a socket: there is none while PostgreSQL starts.
    return any(
        isinstance(cause, MOMENTARY) or (isinstance(cause, OSError) and cause.filename is None)
        for cause in causes
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _handed_over(function: Task) -> Callable[..., Awaitable[None]]:
    """The task as procrastinate calls it."""

    async def run(context: procrastinate.JobContext, *, county: str, **arguments: Any) -> None:
        job_id = context.job.id
        assert job_id is not None
        solve: InProcess = context.additional_context["solve_in_process"]
        told = JobContext(county, job_id, context.job.attempts + 1, solve)
        with structlog.contextvars.bound_contextvars(county=county, job=job_id, task=context.job.task_name):
            await _with_tries(lambda: function(told, **arguments))

    return run


async def _with_tries(attempt: Callable[[], Awaitable[None]]) -> None:
    """Wait out a lost connection here, with the job still in hand, and not by way of the queue.

    Back in the queue it would collide with a job that waits under the same queueing_lock.
    """
    for wait_s in WAITS_S:
        try:
            return await attempt()
        except Exception as error:
            if not is_momentary(error):
                raise
            log.warning("A job is tried again in %s s: %s", wait_s, error)
        await asyncio.sleep(wait_s)
    return await attempt()


async def _tidy(context: procrastinate.JobContext, timestamp: int) -> None:
    """Forget jobs that were done a week ago; failed ones stay to be looked at."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_DONE_HOURS)


class BackToTheQueue(retry.BaseRetryStrategy):
    """A job cut short because its worker was told to stop is for the next worker."""

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> retry.RetryDecision | None:
        is_cut_short = isinstance(exception, asyncio.CancelledError)
        return retry.RetryDecision(retry_in={"seconds": 0}) if is_cut_short else None


class PatientConnector(procrastinate.PsycopgConnector):
    """Carries a worker over a restart of PostgreSQL.

    Only what bears repeating is repeated: heartbeats, and the word that a job has ended. A fetched job
    whose answer was lost must not be fetched over, or it would stay in nobody's hands.
    """

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        for wait_s in RECONNECT_S:
            try:
                await super().execute_query_async(query, **arguments)
                return
            except exceptions.ConnectorException as error:
                if not isinstance(error.__cause__, psycopg.OperationalError):
                    raise
            await asyncio.sleep(wait_s)
        await super().execute_query_async(query, **arguments)

    async def listen_notify(
        self, on_notification: procrastinate.connector.Notify, channels: Iterable[str]
    ) -> None:
        while True:
            try:
                await super().listen_notify(on_notification, channels)
            except exceptions.ConnectorException:
                await asyncio.sleep(RECONNECT_S[-1])
