"""How the gateway itself is, copied to one InfluxDB once a minute.

Measurements of a minute ago are no evidence: those that could not be sent wait in memory, for a
day, and are gone with the process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

from gateway.follow import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.clock import Clock
    from gateway.influxdb.delivery import Delivery
    from gateway.influxdb.lines import Lines

log = structlog.get_logger()

EVERY = 60.0
"""Seconds between two points."""
KEPT = 1_440
"""Points that wait at most: a day."""


class HealthSink:
    """Copies the numbers of the gateway to one server."""

    def __init__(
        self,
        delivery: Delivery,
        lines: Lines,
        *,
        box: str,
        numbers: Callable[[], Mapping[str, float]],
        clock: Clock,
    ) -> None:
        """`numbers` gives name → value, as they are now."""
        self._delivery = delivery
        self._lines = lines
        self._box = box
        self._numbers = numbers
        self._clock = clock
        self._waiting: deque[bytes] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Take and send a point each minute, for ever."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Take a point, and send what waits; where that fails it goes with the next."""
        numbers = self._numbers()
        self._waiting.append(self._lines.of_health(self._box, self._clock.now(), numbers))
        sending = list(self._waiting)
        try:
            refused = await self._delivery.deliver(sending)
        except RetryLater:
            return  # the readings' follower has said so
        for _ in sending:
            self._waiting.popleft()
        if refused:
            log.warning("not taken", follower=self._delivery.name, reason=refused[0].reason)
