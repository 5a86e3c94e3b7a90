"""Sends what a simulation says, in its time or as fast as it is taken.

What it guarantees: the simulation goes no faster than what it sends is taken, so nothing is
dropped and little is kept; and it never overtakes the clock, since no device measures tomorrow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from simulators.connection import Clock, Connection, Count, Target, TransmitError
from simulators.length import MINUTE
from simulators.radio import Message

__all__ = [
    "Clock",
    "Progress",
    "Source",
    "SystemClock",
    "Target",
    "Transmission",
    "TransmitError",
]

SLICE = MINUTE
"""Simulated ms that pass at once, at most."""
AGAIN = 0.5
"""Seconds until a task that was told to end is told so again."""
TICK = 0.2
"""Seconds between two looks at the clock when there is nothing else to do."""
LOOK_BACK = 2_000
"""Milliseconds over which the speed is measured, at least."""
GRACE = 5.0
"""Seconds in which what is under way may still be acknowledged after it was told to stop."""
_FIRST = asyncio.FIRST_COMPLETED


class Source(Protocol):
    """Whatever has messages to send as time goes on: a Simulation, a Replay."""

    now: int

    def advance(self, until: int) -> Sequence[Message]:
        """Let time pass until then (ms since 1970); return what is sent until then, in order."""


class Progress(NamedTuple):
    """How far it has come."""

    now: int
    """The simulated time, ms since 1970."""
    speed: float
    """Simulated seconds in a second, lately."""
    sent: int
    """Messages; `again`: how many of them, more than once."""
    acknowledged: int
    again: int
    refused: int
    """Messages that were answered with a refusal, the last for this `reason`."""
    reason: str
    trouble: str
    """Why a connection is away, and what to do; "" while all are there."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Return ms since 1970, UTC."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Return when so much time has passed."""
        await asyncio.sleep(seconds)


class Transmission:
    """Sends what `source` says, over connections that all devices share."""

    def __init__(self, source: Source, target: Target, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._count = Count()
        self._connections = [
            Connection(target, number, clock, self._count) for number in range(target.connections)
        ]
        self._of_device: dict[str, Connection] = {}
        """A device stays with one connection, so that its messages stay in order."""
        self._stop = asyncio.Event()
        self._mark = (clock.now(), source.now)
        self._speed = 0.0

    def stop(self) -> None:
        """Have `run` end: nothing more is sent, and what is under way is awaited for a while."""
        self._stop.set()

    async def run(self, *, until: int | None, speed: float | None) -> None:
        """Send until the simulated time `until`, or until it is stopped.

        `speed` is how much faster than the clock, None for as fast as it is taken; once the
        simulated time has caught up with the clock, both go on together. Returns when all is
        acknowledged. Raises TransmitError if that cannot be.
        """
        feeding = asyncio.create_task(self._feed(until, speed))
        stopping = asyncio.create_task(self._stop.wait())
        connecting = [asyncio.create_task(one.run()) for one in self._connections]
        tasks = [feeding, stopping, *connecting]
        try:
            await asyncio.wait(tasks, return_when=_FIRST)
            if stopping.done() and not feeding.done():
                feeding.cancel()
                ending = asyncio.create_task(self._drain(connected_only=True))
                tasks.append(ending)
                await asyncio.wait([ending, *connecting], timeout=GRACE, return_when=_FIRST)
        finally:
            pending = set(tasks)
            while pending:
                # A client that is just connecting may swallow it once (wait_for of Python 3.11).
                for task in pending:
                    task.cancel()
                _, pending = await asyncio.wait(pending, timeout=AGAIN)
        for task in (feeding, *connecting):
            if not task.cancelled():
                task.result()

    async def _feed(self, until: int | None, speed: float | None) -> None:
        """Let the simulated time go on, until all is sent and acknowledged."""
        source, clock = self._source, self._clock
        began, start = clock.now(), source.now
        while until is None or source.now < until:
            now = clock.now()
            due = now if speed is None else min(now, start + round((now - began) * speed))
            goal = min(due, source.now + SLICE, due if until is None else until)
            if goal > source.now:
                for message in source.advance(goal):
                    await self._connection(message.device).put(message)
                # Connections have their turn.
                await asyncio.sleep(0)
            if goal >= due and goal != until:
                await clock.sleep(TICK)
        await self._drain()

    async def _drain(self, *, connected_only: bool = False) -> None:
        """Wait until all that was sent is acknowledged."""
        for connection in self._connections:
            if connection.connected or not connected_only:
                await connection.drained()

    def _connection(self, device: str) -> Connection:
        connections = self._connections
        turn = len(self._of_device) % len(connections)
        return self._of_device.setdefault(device, connections[turn])

    def progress(self) -> Progress:
        """Return how far it has come."""
        count, now, simulated = self._count, self._clock.now(), self._source.now
        since, then = self._mark
        if now - since >= LOOK_BACK:
            self._speed = (simulated - then) / (now - since)
            self._mark = now, simulated
        return Progress(
            now=simulated,
            speed=self._speed,
            sent=count.sent,
            acknowledged=count.answered - count.refused,
            again=count.again,
            refused=count.refused,
            reason=count.reason,
            trouble=next((one.trouble for one in self._connections if one.trouble), ""),
        )
