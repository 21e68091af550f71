"""What the worker does: solves plans, seals the books, tidies up, checks every night."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from xinglin.base import clock, database, queue, seals
from xinglin.base.actor import worker_of
from xinglin.base.database import Database
from xinglin.base.logs import log
from xinglin.base.settings import settings
from xinglin.delivery import actions as delivery, planning, queries as delivery_queries
from xinglin.inspection import actions as inspection

SEAL_S, SEAL_IDLE_S = 0.2, 2.0
TIDY_S = 600
KEEP_KEYS = timedelta(days=7)
CHECK_HOUR_S = 2 * 3600

_database: Database | None = None


def use(base: Database) -> list[Callable[[], Awaitable[None]]]:
    """Work on this database; the loops to be run beside the queue."""
    global _database
    _database = base
    return [seal_on, tidy_on]


def base() -> Database:
    """The database in use."""
    assert _database is not None, "jobs.use() comes first"
    return _database


@queue.task("delivery.solve")
async def solve(context: queue.JobContext, *, plan_id: str) -> None:
    """Read, think, write: two short transactions with the thinking outside of any."""
    actor = worker_of(context.county, "delivery.keep_solution")
    async with base().transaction(context.county) as session:
        plan = await delivery_queries.plan(session, actor, UUID(plan_id))
    if plan["state"] != "solving":
        return
    problem: dict[str, Any] = msgspec.json.decode(plan["problem_text"])
    result, verdict = await context.solve_in_process(
        planning.solve_json, problem, float(settings().solve_seconds), 0
    )
    async with base().transaction(context.county) as session:
        await delivery.keep_solution(session, actor, UUID(plan_id), result, verdict)


async def counties() -> list[str]:
    """The codes of all counties."""
    async with base().transaction() as session:
        return [row["code"] for row in await database.rows(session, "SELECT code FROM county ORDER BY code")]


async def seal_on() -> None:
    """Seal every county's books as long as the worker lives; rest a little longer while nothing happens."""
    wait_s = SEAL_S
    while True:
        sealed = 0
        for county in await counties():
            async with base().transaction(county) as session:
                sealed += await seals.seal(session)
        wait_s = SEAL_S if sealed else min(wait_s * 2, SEAL_IDLE_S)
        await asyncio.sleep(wait_s)


async def tidy_on() -> None:
    """Forget what has run out, and check every county's books once a night."""
    while True:
        async with base().transaction() as session:
            await database.run(session, "DELETE FROM credential WHERE expires_at < $1", clock.now())
        for county in await counties():
            await tidy(county)
        await asyncio.sleep(TIDY_S)


async def tidy(county: str) -> None:
    """One county: old idempotency keys go; the nightly round of checks is made if it is due."""
    async with base().transaction(county) as session:
        await database.run(session, "DELETE FROM done_once WHERE done_at < $1", clock.now() - KEEP_KEYS)
        due_at = clock.instant(clock.today(), CHECK_HOUR_S)
        is_due = clock.now() >= due_at and not await database.value(
            session, "SELECT 1 FROM check_round WHERE at >= $1 LIMIT 1", due_at
        )
        if is_due:
            findings = await inspection.check(session, worker_of(county, "inspection.check"))
            log.info("nightly check", county=county, findings=len(findings))
