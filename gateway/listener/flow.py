"""Whether a client's socket is read: left unread for as long as there is any reason to.

Nothing is thrown away by it: what is not read waits with the client.
"""

from __future__ import annotations

import asyncio
from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.listener.channel import Channel

BURST = 10.0
"""Seconds' worth of packets that may come at once."""


class Unread(IntFlag):
    """Why a socket is left unread."""

    INTAKE = 1
    """The disk cannot follow."""
    ANSWER = 2
    """Its CONNACK waits for the disk."""
    RATE = 4
    """It sends more than its rate."""
    WINDOW = 8
    """Too many of its messages wait for the disk."""
    UNTAKEN = 16
    """It does not take our answers."""


class Flow:
    """The reading of one socket. Times are seconds of the loop's clock."""

    __slots__ = ("_allowance", "_channel", "_rate", "_refilled", "_resting", "heard", "unread")

    def __init__(self, channel: Channel, rate: int, now: float) -> None:
        """`rate` is in packets per second."""
        self.unread = Unread(0)
        self.heard = now
        """When something came, or when reading began again: meanwhile nothing could be heard."""
        self._channel = channel
        self._rate = rate
        self._allowance = BURST * rate
        self._refilled = now
        self._resting: asyncio.TimerHandle | None = None

    def leave(self, reason: Unread) -> None:
        """Leave the socket unread."""
        if not self.unread:
            self._channel.pause()
        self.unread |= reason

    def read_on(self, reason: Unread) -> None:
        """Read on, if this was the only reason not to."""
        before, self.unread = self.unread, self.unread & ~reason
        if before and not self.unread:
            self.heard = asyncio.get_running_loop().time()
            self._channel.resume()

    def spend(self, count: int) -> None:
        """Take packets from the rate; once it is used up, the socket is left unread a while."""
        grown = self._allowance + (self.heard - self._refilled) * self._rate
        self._allowance = min(grown, BURST * self._rate) - count
        self._refilled = self.heard
        if self._allowance < 0 and self._resting is None:
            self.leave(Unread.RATE)
            loop = asyncio.get_running_loop()
            self._resting = loop.call_later(-self._allowance / self._rate, self._rested)

    def end(self) -> None:
        """Let no timer outlive the connection."""
        if self._resting is not None:
            self._resting.cancel()

    def _rested(self) -> None:
        self._resting = None
        self.read_on(Unread.RATE)
