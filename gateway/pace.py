"""Whoever sends copies gives way to the intake: it may catch up later, a sensor may not wait.

The interpreter is one and so is the disk, and what copies take of them the intake lacks. While
readings come in, copying takes a part of one processor, and one request at a time. How busy the
rest of the gateway is shows in the processor time of the process, less what the copying itself
took: where it is very busy, copying takes next to nothing.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WINDOW = 0.2
"""Seconds over which is measured how busy the others are."""
BUSY = 0.7
"""From this share of one processor on the others are given way to."""
SHARE = 0.03
"""Share of one processor that copying then still takes, so that it always comes on."""
LIVE = 100
"""With so many readings a second coming in, somebody waits for acknowledgements."""
GENTLE = 0.25
"""Share of one processor that copying takes beside them."""
LONGEST = 2.0
"""Seconds of rest at most."""


class Pace:
    """How much copying there may be beside the intake. One for all who copy."""

    def __init__(
        self,
        arrived: Callable[[], int],
        used: Callable[[], float] = time.process_time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a count of what has arrived, and clocks in seconds.

        `used` is the time of the whole process, and `now` passes steadily.
        """
        self._arrived = arrived
        self._used = used
        self._now = now
        self._since = (arrived(), used(), now())
        self._own = 0.0
        self._debt = 0.0
        self.others = 0.0
        """How busy all but the copying is: 1.0 is one whole processor."""
        self.live = False
        """Whether readings are coming in that somebody waits to see acknowledged."""

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count what is done inside, on this thread, as copying."""
        begun = time.thread_time()
        try:
            yield
        finally:
            self.took(time.thread_time() - begun)

    def took(self, seconds: float) -> None:
        """Count processor time of any thread as copying."""
        self._own += seconds
        self._debt += seconds

    def due(self) -> float:
        """Return for how many seconds to rest now, after what was done since the last time."""
        arrived, used, now = self._arrived(), self._used(), self._now()
        before, used_before, since = self._since
        passed = now - since
        if passed >= WINDOW:
            self.others = max(0.0, used - used_before - self._own) / passed
            self.live = (arrived - before) / passed >= LIVE
            self._since, self._own = (arrived, used, now), 0.0
        debt, self._debt = self._debt, 0.0
        if self.others >= BUSY:
            return min(debt / SHARE, LONGEST)
        return min(debt / GENTLE, LONGEST) if self.live else 0.0

    async def rest(self) -> None:
        """Let the others go first."""
        await asyncio.sleep(self.due())
