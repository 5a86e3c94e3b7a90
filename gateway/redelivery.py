"""Recognises messages without times of their own that are sent again.

A sender repeats a message under its packet id. Held against what came last under that id it is
recognised; held against values alone, a new one could be taken for it. Only the ids that a
sender may have under way at a time are kept, in a ring, and only those of so many senders: a
client that has another name at each connection repeats nothing.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from gateway.journal import Arrival

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.mqtt.link import Link
    from gateway.mqtt.packets import Publish

SENDERS = 10_000
"""Of so many it is known what they sent; the one that was met first is forgotten first."""


class Redelivery:
    """What came last under the packet ids of each sender."""

    def __init__(self, arrivals: Iterable[Arrival]) -> None:
        """Take up what the journal remembers."""
        self._known: dict[str, dict[int, bytes]] = {}
        for one in arrivals:
            self._known.setdefault(one.source, {})[one.packet] = one.trace

    def arrived(self, link: Link, message: Publish) -> Arrival | None:
        """Return what is to be remembered of a message; None if it is one that came before.

        `message` has a packet id.
        """
        content = b"%d %b\0%b" % (message.packet_id, message.topic, message.payload)
        trace = blake2b(content, digest_size=8).digest()
        known = self._known.setdefault(link.name, {})
        place = message.packet_id % link.window
        if message.dup and known.get(place) == trace:
            return None
        known[place] = trace
        return Arrival(link.name, place, trace)

    def forget(self) -> list[str]:
        """Forget senders where there are too many; return them."""
        gone = list(self._known)[: max(0, len(self._known) - SENDERS)]
        for name in gone:
            del self._known[name]
        return gone
