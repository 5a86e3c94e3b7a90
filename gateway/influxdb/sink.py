"""A follower of the journal that copies every reading to one InfluxDB.

The journal is its buffer: nothing waits in memory but the few batches that are on their way. Its
cursor moves past a batch when the server has it. What lies between the cursor and the newest
reading keeps the journal from dropping it, up to a cap; beyond the cap, the days of what is oldest
are noted in place of it, and `refill` sends them from the history.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from gateway.influxdb.delivery import BATCH
from gateway.influxdb.letters import letter
from gateway.influxdb.names import cursor_name
from gateway.influxdb.refusals import Refusals
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import Reading
    from gateway.clock import Clock
    from gateway.history import History
    from gateway.influxdb.delivery import Delivery, Refused
    from gateway.influxdb.lines import Lines
    from gateway.journal import Cursor, Journal
    from gateway.pace import Pace
    from gateway.state import State

PARALLEL = 4
"""Batches on their way at a time: an InfluxDB 3 holds each for about a second."""
LINGER = 1.0
"""Seconds to wait for more once all is sent: one request a second, not one for each reading."""
LET_GO = 0.9
"""Share of the cap that still waits after the oldest was given up."""
PAGE = 20_000
"""Rows of the journal that are looked at in one go."""


class _Batch(NamedTuple):
    """Readings on their way, and the cursor behind them."""

    cursor: Cursor
    readings: Sequence[Reading]
    refused: asyncio.Task[list[Refused]]


class Sink:
    """Copies readings to one server."""

    limit = 1_000

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        delivery: Delivery,
        lines: Lines,
        *,
        journal: Journal,
        history: History,
        state: State,
        clock: Clock,
        pace: Pace,
        backlog: int,
        linger: float = LINGER,
    ) -> None:
        """`backlog` is the cap: bytes of the journal that may wait for this server."""
        self.name = cursor_name(delivery.name)
        self._day_name = f"{self.name}:day"
        self.delivery = delivery
        self._lines = lines
        self._journal = journal
        self._history = history
        self._state = state
        self._clock = clock
        self._pace = pace
        self._backlog = backlog
        self._linger = linger
        self.saved: Cursor = state.cursor(self.name)
        """How far it had come when that was last written down: it begins here after a crash."""
        self.sent: Cursor = self.saved
        """Up to here the server has everything, but for days that were missed."""
        self.cursor: Cursor = self.saved
        self._readings: list[Reading] = []
        self._encoded: list[bytes] = []
        self._flying: deque[_Batch] = deque()
        self.refusals = Refusals(self.name, state, clock)
        self.let_go = False
        """Whether the disk has no room for what waits: then the cap is nothing."""
        self._day = state.cursor(self._day_name)
        self.given_up: Counter[int] = Counter()
        """How often readings of a day (UTC, since 1970) were given up since the start."""

    @property
    def waiting(self) -> int:
        """How many readings the server has yet to get, days that were missed aside."""
        return self._journal.head - self.sent

    async def handle(self, items: Sequence[Reading], cursor: Cursor) -> None:
        """Send readings, many at a time. Raises RetryLater: then all since `sent` comes again."""
        self.refusals.check()
        with self._pace.working():
            self._encoded += self._lines.of_readings(items)
        self._readings += items
        self.cursor = cursor
        well = self.delivery.well
        caught_up = cursor >= self._journal.head
        if len(self._readings) >= min(BATCH, self.delivery.most) or caught_up or not well:
            self._take_off()
        # One at a time to a server that was away: the first answer says whether it is back. And
        # while readings come in, since each writing of the server's may hold the disk that we
        # commit to.
        alone = caught_up or not well or self._pace.live
        allowed = 0 if alone else PARALLEL - 1
        while len(self._flying) > allowed:
            await self._landed()
        if caught_up:
            await asyncio.sleep(self._linger)
        else:
            await self._pace.rest()

    def _take_off(self) -> None:
        readings, lines = self._readings, self._encoded
        self._readings, self._encoded = [], []
        sending = asyncio.create_task(self.delivery.deliver(lines), name=self.name)
        self._flying.append(_Batch(self.cursor, readings, sending))

    async def _landed(self) -> None:
        """Wait for the batch that is the longest on its way."""
        batch = self._flying[0]
        try:
            refused = await batch.refused
            if refused:
                await self._bury(batch, refused)
        except BaseException:
            await self._begin_again()
            raise
        self._flying.popleft()
        self.sent = max(self.sent, batch.cursor)
        if batch.readings:
            self._day = max(self._day, batch.readings[-1].received // DAY)

    async def _begin_again(self) -> None:
        for batch in self._flying:
            batch.refused.cancel()
        await asyncio.gather(*(one.refused for one in self._flying), return_exceptions=True)
        self._flying.clear()
        self._readings, self._encoded = [], []
        self.cursor = self.sent

    async def _bury(self, batch: _Batch, refused: Sequence[Refused]) -> None:
        letters = [(letter(batch.readings[one.place]), one.reason) for one in refused]
        await self.lay_aside(letters, batch.cursor)

    async def lay_aside(self, letters: Sequence[tuple[bytes, str]], cursor: Cursor = 0) -> None:
        """Put readings that the server refuses into the dead letters, with the cursor behind them.

        Raises RetryLater where there are too many, or the disk takes none.
        """
        saved = self.saved

        def move() -> None:
            # Looked at inside: while the disk was waited for, it may have been moved.
            nonlocal saved
            saved = max(self.saved, cursor)
            self._state.move(self.name, saved)

        await self.refusals.lay_aside(letters, move)
        self.saved = max(self.saved, saved)

    # -- the cursor on the disk --------------------------------------------------------------

    async def save(self) -> None:
        """Write down how far it has come; seldom, since it wears the disk. Raises DiskError."""
        if self.sent > self.saved:
            async with self._state.writing():
                saved = max(self.sent, self.saved)
                self._state.move(self.name, saved)
                self._state.move(self._day_name, self._day)
            self.saved = saved

    async def note_lost(self, today: int) -> None:
        """Note the days that this server lacks where the journal it followed is gone.

        A journal that was lost and begun anew has none of what waited; the history may have it.
        `today` is the day since 1970, UTC. Raises DiskError.
        """
        if self.saved and self._journal.first > self.saved + 1:
            days = range(self._day, today + 1)
            async with self._state.writing():
                self._state.note_missed(self.name, days)
            self.given_up.update(days)

    async def keep_within(self) -> None:
        """Give up what is oldest of what waits, where that is more than the cap.

        Its days are noted, to be sent from the history; so only what is in the history is given
        up. Raises DiskError.
        """
        backlog = 0 if self.let_go else self._backlog
        if self._journal.head - self.sent <= self._journal.rows_of(backlog):
            return
        rows = self._journal.rows_of(int(LET_GO * backlog))
        until = min(self._journal.head - rows, self._history.cursor)
        if until <= self.sent:
            return
        days: set[int] = set()
        after = self.sent
        while after < until:
            page = min(after + PAGE, until)
            days |= self._journal.days(after, page)
            after = page
            await asyncio.sleep(0)
        async with self._state.writing():
            saved = max(until, self.saved)
            self._state.note_missed(self.name, days)
            self._state.move(self.name, saved)
        self.saved = saved
        self.given_up.update(days)
        self.sent = max(self.sent, until)
        if not self._flying and not self._readings:
            self.cursor = max(self.cursor, self.sent)
