"""The last messages of each device as they came, for whoever asks what a sensor really says.

They are kept in memory alone, and no more of them than there is room for: a device is heard
again soon. Only what was understood is here; what was not lies in the quarantine.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from devices.reading import DeviceKey

if TYPE_CHECKING:
    from gateway.mqtt.packets import Publish

EACH = 20
"""Messages of each device, while there are few devices."""
ALL = 40_000
"""Messages of all devices together: with many devices, fewer of each."""
FEWEST = 2
"""Messages of each device, where there are very many."""
LONGEST = 2_048
"""Bytes of a message that are kept: of its topic so many, and of the payload what is left."""


class RawMessage(msgspec.Struct, frozen=True):
    """A message as it came."""

    received: int
    """When, in ms since 1970, UTC."""
    topic: str
    payload: bytes
    qos: int
    retained: bool
    source: str
    """Who brought it: a broker's name, or listener/credential."""
    whole: bool
    """Whether this is all of it; else it is the beginning."""


_Kept = tuple[int, bytes, bytes, int, bool, str, bool]
"""A RawMessage in its making: a tuple is made sooner, and not looked into by the collector."""


class Raw:
    """Notes messages, and returns those of a device."""

    def __init__(self, *, each: int = EACH, all_: int = ALL) -> None:
        """Keep `each` messages of a device; of many devices fewer, but at least two.

        Of how many devices follows from `all_`. Those that were heard first are kept, so that
        with very many of them not every message needs room to be made for it.
        """
        self._each = each
        self._all = all_
        self._rings: dict[DeviceKey, deque[_Kept]] = {}

    def note(self, device: DeviceKey, source: str, message: Publish, received: int) -> None:
        """Keep a message of a device; called for every single one, so it does little."""
        ring = self._rings.get(device)
        if ring is None and (ring := self._begin(device)) is None:
            return
        topic, payload = message.topic, message.payload
        whole = len(topic) + len(payload) <= LONGEST
        if not whole:
            topic = topic[:LONGEST]
            payload = payload[: LONGEST - len(topic)]
        ring.append((received, topic, payload, message.qos, message.retain, source, whole))

    def of(self, device: DeviceKey) -> list[RawMessage]:
        """Return what is known of a device, newest first.

        One that had no room has it from now on, in place of the one that was heard first.
        """
        if device not in self._rings and not self._has_room():
            del self._rings[next(iter(self._rings))]
            self._begin(device)
        return [
            RawMessage(
                received, topic.decode(errors="replace"), payload, qos, retained, source, whole
            )
            for received, topic, payload, qos, retained, source, whole in reversed(
                self._rings.get(device, ())
            )
        ]

    def _has_room(self) -> bool:
        """Whether there is room for another device, if need be with fewer messages of each."""
        return (len(self._rings) + 1) * FEWEST <= self._all

    def _begin(self, device: DeviceKey) -> deque[_Kept] | None:
        rings = self._rings
        if not self._has_room():
            return None
        while (len(rings) + 1) * self._each > self._all:
            self._each = max(FEWEST, self._each // 2)
            for one, ring in rings.items():
                rings[one] = deque(ring, self._each)
        ring = rings[device] = deque(maxlen=self._each)
        return ring
