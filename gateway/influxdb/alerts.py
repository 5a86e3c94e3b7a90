"""A follower of events that copies what happens to alerts to one InfluxDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.database import DiskError
from gateway.follow import RetryLater
from gateway.influxdb.sink import cursor_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.influxdb.delivery import Delivery
    from gateway.influxdb.lines import Lines
    from gateway.state import State, StoredEvent


class AlertSink:
    """Copies events of alerts to one server. They are few, and kept for good: it needs no cap."""

    limit = 500

    def __init__(self, delivery: Delivery, lines: Lines, state: State) -> None:
        self.name = f"{cursor_name(delivery.name)}:alerts"
        self.cursor = state.cursor(self.name)
        self._delivery = delivery
        self._lines = lines
        self._state = state

    async def handle(self, items: Sequence[StoredEvent], cursor: int) -> None:
        """Send events. Raises RetryLater."""
        refused = await self._delivery.deliver(self._lines.of_events(items))
        letters = [(msgspec.json.encode(items[one.place]), one.reason) for one in refused]
        try:
            async with self._state.writing():
                if letters:
                    self._state.bury(self.name, letters, items[-1].recorded)
                self._state.move(self.name, cursor)
        except DiskError as error:
            # Sent, but not noted: the same again changes nothing.
            raise RetryLater(str(error)) from error
        self.cursor = cursor
