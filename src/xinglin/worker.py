"""The worker: does what was enqueued, and goes on when PostgreSQL or another worker dies."""

import asyncio
import ctypes
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import procrastinate

from xinglin.base import queue

log = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
SILENT_S = 8.0  # a worker not heard of for so long is dead: several heartbeats, so that a busy one is not
LOOK_FOR_STALLED_S = 3.0
POLL_S = 2.0  # nobody is told of a job that is back: 8 + 3 + 2 s, so it is taken up within 15
GRACE_S = 5.0  # a worker told to stop ends its jobs or puts them back before others take it for dead
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
CALM_S = 60.0
PR_SET_PDEATHSIG = 1

T = TypeVar("T")
Loop = Callable[[], Awaitable[None]]
_thinker: ProcessPoolExecutor | None = None


async def run_worker(
    url: str, *, concurrency: int = 2, stop: asyncio.Event | None = None, also: Sequence[Loop] = ()
) -> None:
    """Do jobs and run the other loops until told to stop, by `stop`, SIGTERM or SIGINT.

    A loop that fails is started again after a growing pause; one that returns has ended. Told to stop,
    running jobs have GRACE_S to end; those that do not go back into the queue.
    """
    stop = stop or asyncio.Event()
    async with _stopped_by_signals(stop):
        loops = [asyncio.create_task(_keep_going(loop)) for loop in (lambda: _serve(url, concurrency), *also)]
        try:
            await stop.wait()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            _end_thinker()


async def solve_in_process(function: Callable[..., T], /, *arguments: Any) -> T:
    """Run a function of a module, with arguments that pickle, in the one process kept for long thinking.

    Raises BrokenExecutor if that process dies; the next call has a new one.
    """
    global _thinker
    if _thinker is None:
        context = multiprocessing.get_context("spawn")
        _thinker = ProcessPoolExecutor(1, context, initializer=_end_with, initargs=(os.getpid(),))
    thinker = _thinker
    try:
        return await asyncio.get_running_loop().run_in_executor(thinker, function, *arguments)
    except BrokenExecutor:
        if _thinker is thinker:
            _end_thinker()
        raise


async def _serve(url: str, concurrency: int) -> None:
    """One life of procrastinate's worker; it ends when its connections are lost in the wrong moment."""
    app = queue.make_app(url)
    async with app.open_async():
        rescue = asyncio.create_task(_keep_going(lambda: _bring_back_stalled(app)))
        try:
            await app.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=3600,  # forgetting a silent worker is no hurry, its jobs are seen to
                fetch_job_polling_interval=POLL_S,
                shutdown_graceful_timeout=GRACE_S,
                additional_context={"solve_in_process": solve_in_process},
            )
        finally:
            rescue.cancel()
    raise ConnectionError("the worker lost its connections")


async def _bring_back_stalled(app: procrastinate.App) -> None:
    """A loop of its own, not a job: a worker full of long jobs must still see to the jobs of a dead one."""
    while True:
        await asyncio.sleep(LOOK_FOR_STALLED_S)
        await queue.bring_back_stalled(app, silent_s=SILENT_S)


async def _keep_going(loop: Loop) -> None:
    pause_s = FIRST_PAUSE_S
    while True:
        began = time.monotonic()
        try:
            return await loop()
        except Exception as error:
            if time.monotonic() - began > CALM_S:
                pause_s = FIRST_PAUSE_S
            log.warning(
                "The worker starts a loop again in %.1f s", pause_s, exc_info=not queue.is_momentary(error)
            )
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


@asynccontextmanager
async def _stopped_by_signals(stop: asyncio.Event) -> AsyncIterator[None]:
    """Within the block SIGTERM and SIGINT mean stop; in a thread that gets no signals, only `stop` does."""
    loop = asyncio.get_running_loop()
    heard = []
    if threading.current_thread() is threading.main_thread():
        heard = [signal.SIGTERM, signal.SIGINT]
    for number in heard:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


def _end_with(parent: int) -> None:
    """In the thinking process: go when the worker goes, however it went, and let people waiting go first."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)


def _end_thinker() -> None:
    """Nobody waits for its answer any more; left alone it would think on and hold up the worker's end."""
    global _thinker
    thinker, _thinker = _thinker, None
    if thinker is not None:
        children = list((thinker._processes or {}).values())
        thinker.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.kill()
