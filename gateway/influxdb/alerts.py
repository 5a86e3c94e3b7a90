"""A follower of events that copies what happens to alerts to one InfluxDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.influxdb.names import alerts_name
from gateway.influxdb.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.influxdb.delivery import Delivery
    from gateway.influxdb.lines import Lines
    from gateway.state import State, StoredEvent


LAST = 10_000
"""Events that a server which broke down gets again."""


class AlertSink:
    """Copies events of alerts to one server. They are few, and kept for good: it needs no cap."""

    limit = 500

    def __init__(self, delivery: Delivery, lines: Lines, state: State, clock: Clock) -> None:
        self.name = alerts_name(delivery.name)
        self.cursor = state.cursor(self.name)
        self._delivery = delivery
        self._lines = lines
        self._state = state
        self.refusals = Refusals(self.name, state, clock)

    async def handle(self, items: Sequence[StoredEvent], cursor: int) -> None:
        """Send events. Raises RetryLater."""
        self.refusals.check()
        refused = await self._delivery.deliver(self._lines.of_events(items))
        letters = [(msgspec.json.encode(items[one.place]), one.reason) for one in refused]
        # Sent, but not noted: the same again does no harm.
        await self.refusals.lay_aside(letters, lambda: self._state.move(self.name, cursor))
        self.cursor = cursor

    async def again(self) -> None:
        """Send the newest events once more, to a server that may have lost them.

        Raises RetryLater.
        """
        after = max(0, self.cursor - LAST)
        while after < self.cursor:
            items, after = self._state.read(after, self.limit)
            # What is refused lies aside already: it was, the first time.
            await self._delivery.deliver(self._lines.of_events(items))
