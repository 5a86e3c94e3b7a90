"""Our own clock, and whether it may be trusted.

A Pi has no battery clock: after a power cut without a network it wakes in the past, or where it was
when it last wrote its time down, and jumps once it hears a time server.

What this file guarantees:

- `now` never stands before what is known to be over: there it goes on from that, until the
  machine's clock has passed it, so that what comes is later than what came before;
- `now` steps in `corrected` alone, and whoever asked for that knows by how much: nobody else sees
  a time from before and one from after a step side by side;
- while the clock is not trusted, no time stamp of a device is doubted;
- what it was set by is recorded (`State.note_clock`); what was received before is not rewritten.
"""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import TYPE_CHECKING

from devices.reading import AHEAD_LIMIT
from rules.duration import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

RELEASED = 1_793_000_000_000
"""A moment before this version was made (October 2026), ms since 1970: no true clock is earlier."""

STEP = 1_000
"""A clock that moves by more than this many ms against the monotonic one was corrected."""
WAKING = 30 * MINUTE
"""For so long after its start a machine without a battery clock may yet hear a time server (ms)."""
DOUBT = DAY
"""A clock that was set back is trusted again after so long (ms), or once it is where it was."""
HOLD = HOUR
"""A clock that is set back by more than a device may be wrong is followed after so long (ms): a bad
time server is mended sooner, and times that come again would mix with those that were."""
LONG = 30 * DAY
"""A clock that is so much (ms) later than all that is known may be wrong: see `steady`."""
_UNSYNCHRONISED = 5
"""What adjtimex(2) returns where nobody keeps the clock: TIME_ERROR."""


class Clock:
    """The time in ms since 1970, UTC: the machine's clock, held against its monotonic one."""

    def __init__(
        self,
        known_past: int = 0,
        *,
        kept: Callable[[], bool] | None = None,
        battery: Callable[[], bool] | None = None,
    ) -> None:
        """`known_past`: the newest time that is surely over, from an earlier life (ms).

        `kept`: whether a time server keeps the machine's clock. `battery`: whether it has one that
        goes on without power. By themselves, what the kernel says.
        """
        self._known_past = max(known_past, RELEASED)
        self._kept = kept or kept_by_server
        self._battery = battery or has_battery_clock
        self._begun = self.monotonic()
        self._passed = self._trusted = False
        self._before = 0
        """Where the clock was when it was set back."""
        self._doubted: int | None = None
        """When that was followed, by the monotonic clock."""
        self._behind: int | None = None
        """Since when the machine's clock has been set back without being followed, as above."""
        self._pass()
        self.offset = self._best() - self._begun
        """Our clock minus the monotonic one, ms."""
        self._stepped = self._begun if self.now() - self._known_past >= LONG else None

    def _wall(self) -> int:
        return time.time_ns() // 1_000_000

    def now(self) -> int:
        """Return the time, ms since 1970, UTC."""
        return self.monotonic() + self.offset

    def monotonic(self) -> int:
        """Return ms since this machine started; never corrected."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def trusted(self) -> bool:
        """Whether a device that says another time is wrong, and not we."""
        if not self._passed:
            return False
        if not self._trusted:
            # On a machine without either, somebody has set it, or nobody ever will.
            self._trusted = self._kept() or self._battery() or self.monotonic() >= WAKING
        return self._trusted and self._behind is None and not self._is_doubted()

    def steady(self) -> bool:
        """Whether it has not leapt for a day: only then anything is deleted because it is old."""
        return self._stepped is None or self.monotonic() - self._stepped >= DAY

    def corrected(self) -> int:
        """Follow the machine's clock; return by how many ms it was set since the last call, else 0.

        What it drifts is followed too, and is no correction.
        """
        self._pass()
        now = self.monotonic()
        moved = self._best() - now - self.offset
        if moved > -AHEAD_LIMIT:
            self._behind = None
        else:
            self._behind = now if self._behind is None else self._behind
            if now - self._behind < HOLD:
                return 0
            self._before, self._doubted = max(now + self.offset, self._before), now
            self._behind = None
        self.offset += moved
        if abs(moved) < STEP:
            return 0
        if abs(moved) >= DAY:
            self._stepped = now
        return moved

    def _pass(self) -> None:
        wall = self._wall()
        # What an earlier life took for the time may have been ahead: a time server knows better.
        if not self._passed and wall >= RELEASED:
            self._passed = wall >= self._known_past or self._kept()

    def _best(self) -> int:
        if self._passed:
            return self._wall()
        return max(self._wall(), self._known_past + self.monotonic() - self._begun)

    def _is_doubted(self) -> bool:
        if self._doubted is None:
            return False
        if self.now() >= self._before or self.monotonic() - self._doubted >= DOUBT:
            self._doubted, self._before = None, 0
        return self._doubted is not None


class FollowingClock(Clock):
    """The time for a process in which nobody asks for corrections."""

    def now(self) -> int:
        """Return the time, ms since 1970, UTC."""
        self.corrected()
        return super().now()


def kept_by_server() -> bool:
    """Whether the kernel says that somebody keeps its clock, such as a time server."""
    try:
        # With no modes set it only answers; the struct takes 208 bytes.
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return False
    return 0 <= int(answer) < _UNSYNCHRONISED


def has_battery_clock() -> bool:
    """Whether the machine has a clock that goes on without power.

    Small boards, which tell of their parts by a device tree, often have none; others always do,
    and so do virtual machines, though it may not be shown to us.
    """
    return any(Path("/sys/class/rtc").glob("rtc*")) or not Path("/proc/device-tree").exists()


def boot_id() -> str:
    """Return the kernel's name for this run of the machine, empty where it gives none."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""
