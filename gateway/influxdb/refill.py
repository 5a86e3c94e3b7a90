"""Sends the past again: days that a server missed behind its cap, or what a person asks for.

It reads the history, and behind it the journal as far as the sink has come: what lies after that
the sink sends anyway. Readings are sent as they were the first time, with the tags they had, so
that what a server has already does not change.

Also sent again is what a server took last before it broke down. InfluxDB 1.6, killed in the middle
of a write, drops one start later everything that it took in between, though it had said that it is
stored; others lose what lay in their caches.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import structlog

from gateway.database import DiskError, FileError
from gateway.follow import FIRST_DELAY, LONGEST_DELAY, RetryLater
from gateway.history import DamagedHistoryError
from gateway.history.reader import Day
from gateway.influxdb.delivery import BATCH
from gateway.influxdb.letters import letter
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from devices.reading import DeviceKey, Reading
    from gateway.history import History, HistoryReader
    from gateway.influxdb.alerts import AlertSink
    from gateway.influxdb.delivery import Delivery
    from gateway.influxdb.lines import Lines
    from gateway.influxdb.sink import Sink
    from gateway.journal import Cursor, Journal
    from gateway.pace import Pace
    from gateway.state import State

log = structlog.get_logger()

Asked = ParamSpec("Asked")
Result = TypeVar("Result")

SLICE = 20_000
"""Readings of one device that are in memory at a time, about."""
SOME = 1_000
"""Readings that are written as lines in one go: others wait meanwhile."""
FINELY = 100
"""Parts of each device that progress is told in."""
FINE = 60_000
"""Around what is damaged, the rest is read in pieces down to so many ms."""
LAST = 1_000_000
"""Readings that a server which broke down gets again: those that it took last."""
LOOK = 5.0
"""Seconds between looks whether there is something to send."""


class Refill:
    """Sends ranges of the past to one server."""

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        sink: Sink,
        delivery: Delivery,
        lines: Lines,
        *,
        journal: Journal,
        history: History,
        state: State,
        pace: Pace,
        alerts: AlertSink | None = None,
    ) -> None:
        self._sink = sink
        self._delivery = delivery
        self._lines = lines
        self._journal = journal
        self._history = history
        self._state = state
        self._pace = pace
        self._alerts = alerts
        self._returns = 0
        self._again = f"{sink.name}:again"
        self.damaged = ""
        """What of the history could not be read, and so not be sent."""

    @property
    def missed(self) -> list[int]:
        """The UTC days (since 1970) that are yet to be sent."""
        return self._state.missed(self._sink.name)

    async def run(self) -> None:
        """Send what a server may have lost, and the days it missed, the newest first; for ever."""
        delay = FIRST_DELAY
        while True:
            try:
                done = self._delivery.well and await self.once()
            except (RetryLater, DiskError, FileError) as error:
                if isinstance(error, FileError):
                    self._cannot_read(str(error))
                await asyncio.sleep(max(delay, getattr(error, "after", 0.0)))
                delay = min(2 * delay, LONGEST_DELAY)
            else:
                delay = FIRST_DELAY
                if not done:
                    await asyncio.sleep(LOOK)

    async def once(self) -> bool:
        """Send one thing that is due, if any is; return whether one was. Raises as `send` does."""
        await self._note_return()
        noted = self._state.cursor(self._again)
        if noted:
            await self._send_again(noted - 1)
            return True
        missed = self.missed
        if not missed:
            return False
        day = missed[-1]
        given_up = self._sink.given_up[day]
        await self.send(day * DAY, (day + 1) * DAY)
        if self._sink.given_up[day] != given_up:
            return True  # more of it was given up meanwhile: once more
        if self._history.pruned_before > day * DAY:
            date = datetime.fromtimestamp(day * DAY / 1000, UTC)
            self._cannot_read(f"the history has no longer all of {date:%Y-%m-%d} (UTC)")
        async with self._state.writing():
            self._state.forget_missed(self._sink.name, day)
        log.info("a day that was missed is there now", follower=self._sink.name, day=day)
        return True

    def _cannot_read(self, problem: str) -> None:
        if self.damaged != problem:
            self.damaged = problem
            log.error("not sent", follower=self._sink.name, problem=problem)

    async def _note_return(self) -> None:
        """Write down from where on a server that broke down gets everything again."""
        returns = self._delivery.returns
        if returns == self._returns:
            return
        # One more than the cursor, since 0 is what is found where nothing is noted.
        begin = max(0, self._sink.sent - LAST) + 1
        noted = self._state.cursor(self._again)
        async with self._state.writing():
            self._state.move(self._again, min(begin, noted or begin))
        self._returns = returns

    async def _send_again(self, begin: Cursor) -> None:
        until, count = self._sink.sent, 0
        while begin < until:
            readings: list[Reading] = []
            while begin < until and len(readings) < BATCH:
                page, begin = self._journal.read(begin, self._sink.limit)
                readings += page
                await asyncio.sleep(0)
            await self._deliver(readings)
            count += len(readings)
            if self._delivery.returns != self._returns:
                return  # it broke down again, and may have lost these too
        if self._alerts is not None:
            await self._alerts.again()
        async with self._state.writing():
            self._state.forget_followers([self._again])
        log.info("sent again to a server that broke down", follower=self._sink.name, count=count)

    async def send(
        self, start: int, end: int, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> int:
        """Send what was measured in start ≤ t < end (ms); return how many readings that were.

        `progress` is told how much of how much is done. Raises RetryLater, DiskError, FileError.
        """
        waiting: list[Reading] = []
        count = 0
        async for reading_page in self._past(start, end, progress):
            waiting += reading_page
            while len(waiting) >= BATCH:
                await self._deliver(waiting[:BATCH])
                del waiting[:BATCH]
                count += BATCH
        if waiting:
            await self._deliver(waiting)
        return count + len(waiting)

    async def _past(
        self, start: int, end: int, progress: Callable[[int, int], None]
    ) -> AsyncIterator[list[Reading]]:
        # Asked first: between the two reads the history may be stored to.
        stored, until = self._history.cursor, self._sink.sent
        with self._history.opened() as history:
            devices = await _ask(history.devices)
            parts = len(devices) + 1
            for done, device in enumerate(devices):
                async for readings, far in self._stored(history, device, start, end):
                    progress(int(FINELY * (done + far)), FINELY * parts)
                    yield readings
        progress(FINELY * len(devices), FINELY * parts)
        while stored < until:
            page, stored = self._journal.read(stored, self._sink.limit)
            yield [one for one in page if start <= one.when < end]
            await asyncio.sleep(0)
        progress(FINELY * parts, FINELY * parts)

    async def _stored(
        self, history: HistoryReader, device: DeviceKey, start: int, end: int
    ) -> AsyncIterator[tuple[list[Reading], float]]:
        """Yield what the history has of one device, some at a time, and how far that is, 0 to 1."""
        async for day in _days(history, device, start, end):
            first, last = max(start, day.first), min(end, day.last + 1)
            step = max(1, (last - first) * SLICE // max(day.readings, SLICE))
            for begin in range(first, last, step):
                async for readings in self._read(history, device, begin, min(begin + step, last)):
                    yield readings, (begin - start) / (end - start)

    async def _read(
        self, history: HistoryReader, device: DeviceKey, start: int, end: int
    ) -> AsyncIterator[list[Reading]]:
        """Yield what can be read in start ≤ t < end (ms): one bad block costs itself."""
        try:
            yield await _ask(history.read, device, start, end)
        except DamagedHistoryError as error:
            if end - start > FINE:
                middle = (start + end) // 2
                for begin, stop in ((start, middle), (middle, end)):
                    async for readings in self._read(history, device, begin, stop):
                        yield readings
            else:
                # The rest goes on. People are told of it.
                self._cannot_read(str(error))

    async def _deliver(self, readings: list[Reading]) -> None:
        self._sink.refusals.check()
        lines: list[bytes] = []
        for begin in range(0, len(readings), SOME):
            with self._pace.working():
                lines += self._lines.of_readings(readings[begin : begin + SOME])
            await asyncio.sleep(0)
        refused = await self._delivery.deliver(lines)
        if refused:
            letters = [(letter(readings[one.place]), one.reason) for one in refused]
            await self._sink.lay_aside(letters)
        await self._pace.rest()


async def _days(
    history: HistoryReader, device: DeviceKey, start: int, end: int
) -> AsyncIterator[Day]:
    """Yield the days of a device; one that is damaged, as a whole day."""
    try:
        for day in await _ask(history.days, device, start, end):
            yield day
    except DamagedHistoryError:
        if end - start > DAY:
            # Asked one by one, which is slow.
            for midnight in range(start // DAY * DAY, end, DAY):
                begin, stop = max(start, midnight), min(end, midnight + DAY)
                async for day in _days(history, device, begin, stop):
                    yield day
        else:
            yield Day(start // DAY * DAY, start, end - 1, SLICE, {})


async def _ask(
    question: Callable[Asked, Result], *asked: Asked.args, **more: Asked.kwargs
) -> Result:
    """Ask the history on another thread. Cancelled in the middle, it still waits for the answer."""
    task = asyncio.ensure_future(asyncio.to_thread(question, *asked, **more))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
