"""Event streams to browsers: made once, sent to all who look at the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.web.standing import Standing


class Streams:
    """Everybody who listens."""

    def __init__(self, standing: Standing, clock: Clock) -> None:
        self._standing = standing
        self._clock = clock

    def told(self) -> None:
        """Take note that something changed."""

    async def run(self) -> None:
        """Send what has changed, for ever."""
        await asyncio.Event().wait()
