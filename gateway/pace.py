"""Whoever sends copies gives way to the intake: it may catch up later, a sensor may not wait.

The interpreter is one, and what copies take of it the intake lacks. How busy the rest of the
gateway is shows in the processor time of the process, less what the copying itself took.
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
LONGEST = 2.0
"""Seconds of rest at most."""


class Pace:
    """How much copying there may be beside the intake. One for all who copy."""

    def __init__(
        self,
        used: Callable[[], float] = time.process_time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take clocks in seconds: `used` by the whole process, and `now`, which passes steadily."""
        self._used = used
        self._now = now
        self._since = (used(), now())
        self._own = 0.0
        self._debt = 0.0
        self.others = 0.0
        """How busy all but the copying is: 1.0 is one whole processor."""

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
        used, now = self._used(), self._now()
        passed = now - self._since[1]
        if passed >= WINDOW:
            self.others = max(0.0, used - self._since[0] - self._own) / passed
            self._since, self._own = (used, now), 0.0
        debt, self._debt = self._debt, 0.0
        return min(debt / SHARE, LONGEST) if self.others >= BUSY else 0.0

    async def rest(self) -> None:
        """Let the others go first."""
        await asyncio.sleep(self.due())
