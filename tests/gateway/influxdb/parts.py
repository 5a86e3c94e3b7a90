"""What the tests of copies share: a server that is told what to answer, and all that is copied."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from gateway.follow import Bell, follow
from gateway.history import History
from gateway.influxdb.delivery import Delivery
from gateway.influxdb.lines import Lines, time_of
from gateway.influxdb.refill import Refill
from gateway.influxdb.server import Answer, Server, Verdict
from gateway.influxdb.sink import Sink
from gateway.journal import Batch, Journal
from gateway.pace import Pace
from gateway.settings.influxdb import Schema
from gateway.state import State
from gateway.tagging import BEGINNING, Pattern, Tagging, Tags
from tests.gateway.parts import ToldClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from devices.reading import Reading
    from gateway.clock import Clock

WRITTEN = Answer(Verdict.WRITTEN)
AWAY = Answer(Verdict.LATER, "cannot connect")
GONE = Answer(Verdict.GONE, "cannot connect: Connection refused")
TAGGING = Tagging([(BEGINNING, [Pattern("*", Tags("Hamburg", "T-1"))])])
MUCH = 10**12
"""A cap that nothing reaches (bytes)."""


class Office:
    """Stands in for a Server. It keeps a point for each series and time, as InfluxDB does.

    `fault` may give another answer to lines; `hold` keeps every answer back until it is set.
    """

    known_version = "1.6.7"

    def __init__(self) -> None:
        self.points: dict[tuple[bytes, int], bytes] = {}
        self.requests: list[list[bytes]] = []
        self.bad: set[int] = set()
        """Times (ns) of points that it refuses."""
        self.fault: Callable[[list[bytes]], Answer | None] = lambda _lines: None

    def write(self, body: bytes) -> Answer:
        lines = body.split(b"\n")
        self.requests.append(lines)
        answer = self.fault(lines)
        if answer is not None:
            return answer
        fine = [one for one in lines if _time(one) not in self.bad]
        for one in fine:
            series, fields, _ = one.rsplit(b" ", 2)
            self.points[series, _time(one)] = fields
        if len(fine) < len(lines):
            return Answer(Verdict.REFUSED, "400 field type conflict")
        return WRITTEN

    @property
    def times(self) -> list[int]:
        """Times of its points (ns), sorted."""
        return sorted(time for _, time in self.points)

    def sent(self) -> list[int]:
        """Times of all lines it was ever sent (ns), in order, repetitions too."""
        return [_time(one) for lines in self.requests for one in lines]


def _time(line: bytes) -> int:
    return int(line.rpartition(b" ")[2])


class House:
    """Journal, history and state over one folder, and what copies from them to an Office."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bell = Bell()
        self.clock: Clock = ToldClock()
        self.open()

    def open(self) -> None:
        self.journal = Journal(self.folder / "journal.db")
        self.history = History(self.folder / "history.db")
        self.state = State(self.folder / "state.db")

    def close(self) -> None:
        for one in (self.journal, self.history, self.state):
            one.close()

    def restart(self) -> None:
        """As after kill -9: what was only in memory is gone."""
        self.close()
        self.open()

    # -- as a log of readings

    @property
    def head(self) -> int:
        return self.journal.head

    def read(self, after: int, limit: int) -> Batch:
        return self.journal.read(after, limit)

    def store(self, readings: Sequence[Reading]) -> None:
        self.journal.append(readings)
        self.journal.commit()
        self.journal.publish()
        self.bell.ring()

    def archive(self) -> None:
        """Bring all of the journal into the history."""
        cursor = self.history.cursor
        while cursor != self.head:
            readings, cursor = self.journal.read(cursor, 5_000)
            self.history.gather(readings)
        self.history.stage_gathered(cursor)
        self.history.commit()

    # -- what copies

    def delivery(self, office: Office | Server, name: str = "office") -> Delivery:
        return Delivery(name, office, Pace(lambda: 0), self.clock)  # type: ignore[arg-type]  # stands in for a Server

    def sink(self, office: Office | Server, name: str = "office", *, backlog: int = MUCH) -> Sink:
        return Sink(
            self.delivery(office, name),
            lines(),
            journal=self.journal,
            history=self.history,
            state=self.state,
            clock=self.clock,
            pace=Pace(lambda: 0),
            backlog=backlog,
            linger=0.0,
        )

    def refill(self, sink: Sink) -> Refill:
        return Refill(
            sink,
            sink.delivery,
            lines(),
            journal=self.journal,
            history=self.history,
            state=self.state,
            pace=Pace(lambda: 0),
        )

    async def copy(self, *sinks: Sink) -> None:
        """Follow until each has sent all there is."""
        await during(
            lambda: all(one.sent == self.head for one in sinks),
            *(follow(self, one) for one in sinks),
        )


def lines() -> Lines:
    return Lines(Schema(), TAGGING)


def times(readings: Iterable[Reading]) -> list[int]:
    """Return the times of their points (ns), sorted."""
    return sorted(time_of(one) for one in readings)


async def during(so: Callable[[], bool], *parts: Awaitable[None]) -> None:
    """Run parts that run for ever, side by side, until something is so; then end them."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        async with asyncio.timeout(20):
            while not so():
                for task in tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.001)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Gate:
    """Keeps answers back until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.waiting = 0

    def open(self) -> None:
        self._open.set()

    def pass_through(self) -> None:
        self.waiting += 1
        assert self._open.wait(20), "nobody opens the gate"
