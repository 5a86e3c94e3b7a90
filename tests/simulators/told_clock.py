"""A clock that stands still until a test lets time pass, and wakes who sleeps by it."""

from __future__ import annotations

import asyncio


class ToldClock:
    """What simulators know of a clock."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._sleeping: list[tuple[float, asyncio.Event]] = []

    @property
    def awaited(self) -> bool:
        """Whether somebody sleeps."""
        return bool(self._sleeping)

    def now(self) -> int:
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleeping.append((self._now + 1000 * seconds, woken))
        await woken.wait()

    def passes(self, length: int) -> None:
        """Let so many ms pass."""
        self._now += length
        for end, woken in self._sleeping:
            if end <= self._now:
                woken.set()
        self._sleeping = [one for one in self._sleeping if not one[1].is_set()]
