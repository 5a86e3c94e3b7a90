"""What has arrived and waits for one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.reading import Reading
    from gateway.evidence.messages import Message
    from gateway.journal import Arrival, Journal
    from gateway.mqtt.link import Link
    from gateway.pending import Waiting
    from gateway.quarantine import Rejected


class Gathered:
    """What waits for one commit, and who waits for it."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.rejected: list[Rejected] = []
        self.waiting: list[Waiting] = []
        self.messages: list[Message] = []
        self.arrivals: list[Arrival] = []
        self.forgotten: list[str] = []
        self.heavy = 0
        """Bytes of what is put aside, or kept as it came; readings are small, and counted."""
        self.along: list[Callable[[Journal], None]] = []
        self.acknowledgements: dict[tuple[Link, int], list[int]] = {}
        """By link and its generation: what one writes once, its client reads once."""
        self.committed: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self.readings) + len(self.rejected) + len(self.waiting) + len(self.along)
