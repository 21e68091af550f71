"""A load generator that costs little: keep-alive connections on raw sockets, requests made beforehand as bytes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass
class Answers:
    """What came back: seconds of each answer, and how many of each status."""

    took_s: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    lasted_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Good answers in a second."""
        return sum(n for status, n in self.statuses.items() if status < 400) / self.lasted_s

    @property
    def refused(self) -> int:
        """Answers that were no good."""
        return sum(n for status, n in self.statuses.items() if status >= 400)


class _Caller(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, asks again."""

    def __init__(self, make: Callable[[], bytes], answers: Answers, until: float) -> None:
        self.make, self.answers, self.until = make, answers, until
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self.asked_at = time.perf_counter()
        if self.asked_at > self.until:
            self.transport.close()
            if not self.ended.done():
                self.ended.set_result(None)
            return
        self.transport.write(self.make())

    def data_received(self, data: bytes) -> None:
        self.seen += data
        head_end = self.seen.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self.seen[:head_end].lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 : head.find(b"\r\n", place) if b"\r\n" in head[place:] else None])
        if len(self.seen) < head_end + 4 + length:
            return
        status = int(self.seen[9:12])
        self.seen = b""
        self.answers.took_s.append(time.perf_counter() - self.asked_at)
        self.answers.statuses[status] = self.answers.statuses.get(status, 0) + 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the service hung up"))


def drive(
    address: tuple[str, int], make: Callable[[], bytes], *, connections: int, seconds: float
) -> Answers:
    """Ask on so many connections for so long; each asks again as soon as it is answered."""

    async def run() -> Answers:
        answers = Answers()
        began = time.perf_counter()
        callers = [_Caller(make, answers, began + seconds) for _ in range(connections)]
        for caller in callers:
            await asyncio.get_running_loop().create_connection(lambda caller=caller: caller, *address)  # type: ignore[misc]
        await asyncio.gather(*(caller.ended for caller in callers))
        answers.lasted_s = time.perf_counter() - began
        answers.took_s.sort()
        return answers

    return uvloop.run(run())


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One request as it goes over the wire."""
    told = {"host": "bench", "content-length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body
