"""Our own clock, and whether it may be trusted.

A Pi has no battery clock: after a power cut without a network it wakes in the past. Until its
clock has passed every time we know to be over, no time stamp of a device is doubted.
"""

from __future__ import annotations

import time
from pathlib import Path

RELEASED = 1_793_000_000_000
"""A moment before this version was made (October 2026), ms since 1970: no true clock is earlier."""

STEP = 1_000
"""A clock that moves by more than this many ms against the monotonic one was corrected."""


class Clock:
    """Wall clock in ms since 1970, UTC, held against the machine's monotonic clock."""

    def __init__(self, known_past: int = 0) -> None:
        """`known_past`: the newest time that is surely over, from an earlier life (ms)."""
        self._known_past = max(known_past, RELEASED)
        self._trusted = False
        self.offset = self.now() - self.monotonic()
        """Wall clock minus monotonic clock, ms, as last recorded."""

    def now(self) -> int:
        """Return the wall clock, ms since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> int:
        """Return ms since this machine started; never corrected."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def trusted(self) -> bool:
        """Whether the wall clock has passed everything that is known to be over."""
        if not self._trusted:
            self._trusted = self.now() >= self._known_past
        return self._trusted

    def corrected(self) -> int:
        """Return by how many ms the wall clock was set since the last call, 0 if it was not."""
        moved = self.now() - self.monotonic() - self.offset
        if abs(moved) < STEP:
            return 0
        self.offset += moved
        return moved


def boot_id() -> str:
    """Return the kernel's name for this run of the machine, empty where it gives none."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""
