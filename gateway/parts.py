"""Devices that tell of themselves in parts: now the temperature, an hour later the battery.

What such a device says now is put together from the newest of each kind of its messages. A value
that nobody could still believe is shown as missing, never as if it were of this moment.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from devices.device import DecodeError
from devices.reading import UNUSABLE, UNUSABLE_SHIFT, DeviceKey, Layout, Reading, layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HOUR = 3_600_000
LOOKED_AT = 500
"""Readings of the past in which a device's kinds are looked for."""
MOST = 16
"""Kinds of messages of one device that are kept; the one that came longest ago makes room."""


class Parts:
    """The newest reading of each kind, of those devices that send several kinds."""

    def __init__(self) -> None:
        self.holds: Callable[[DeviceKey], int] = lambda _device: HOUR
        """Returns for how long (ms) a device's value counts while no other comes."""
        self._only: dict[DeviceKey, Layout | None] = {}
        """The one kind that a device sends; None: several."""
        self._kinds: dict[DeviceKey, dict[Layout, Reading]] = {}

    def take(
        self, readings: Sequence[Reading], before: Callable[[DeviceKey], Reading | None]
    ) -> None:
        """Take note of readings; `before` returns what a device said last until then."""
        only = self._only
        for place, reading in enumerate(readings):
            device, shape = reading.device, reading.layout
            known = only.get(device, shape)
            if known is shape:
                if device not in only:
                    only[device] = shape
                continue
            if known is not None:
                only[device] = None
                earlier = (one for one in reversed(readings[:place]) if one.device == device)
                last = next(earlier, None) or before(device)
                self._kinds[device] = {} if last is None else {last.layout: last}
            self._keep(self._kinds[device], reading)

    def _keep(self, kinds: dict[Layout, Reading], reading: Reading) -> None:
        kept = kinds.get(reading.layout)
        if kept is not None and kept.when > reading.when:
            return
        if kept is None and len(kinds) >= MOST:
            del kinds[min(kinds, key=lambda one: kinds[one].when)]
        kinds[reading.layout] = reading

    def renew(self, device: DeviceKey, past: Sequence[Reading]) -> None:
        """Begin anew with a device's past, oldest first: what is said of its values has changed."""
        if self._only.pop(device, None) is None:
            self._kinds.pop(device, None)
            self.take(past[-LOOKED_AT:], lambda _device: None)

    def whole(self, newest: Reading) -> Reading:
        """Return what a device says now: its newest reading, with what it told before beside it."""
        kinds = self._kinds.get(newest.device)
        if not kinds:
            return newest
        parts = sorted(kinds.values(), key=lambda one: one.when, reverse=True)
        oldest = newest.when - self.holds(newest.device)
        values: dict[str, float] = {}
        for one in (newest, *parts):
            for index, channel in enumerate(one.layout.channels):
                usable = one.when >= oldest and not one.flags >> (UNUSABLE_SHIFT + index) & 1
                values.setdefault(channel, one.values[index] if usable else math.nan)
        names = tuple(sorted(values))
        try:
            shape = layout(names)
        except (DecodeError, ValueError):
            return newest  # more channels than a reading can have
        found = tuple([values[name] for name in names])
        flags = newest.flags & ~UNUSABLE
        for index, value in enumerate(found):
            if math.isnan(value):
                flags |= 1 << UNUSABLE_SHIFT + index
        return msgspec.structs.replace(newest, layout=shape, values=found, flags=flags)
