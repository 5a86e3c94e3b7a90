"""What readings are after calibration, and which of them mean nothing for maintenance.

Files hold what sensors said. Whoever judges or shows it takes it through here, and so a
correction that is stated, or withdrawn, years later holds for all of it.

Of a fleet that nobody has calibrated this costs next to nothing: most readings pass by one look
into a set.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from devices.reading import EXPIRED, UNUSABLE_SHIFT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devices.reading import DeviceKey, Layout, Reading
    from gateway.registry.cards import Calibration, Maintenance

_DEVICE = attrgetter("device")
DIGITS = 9
"""Decimals of a corrected value: 4.1 + 0.2 is 4.3, and not 4.299999999999999."""


class _Channel(NamedTuple):
    """What is added to the values of a channel: since when (ms), rising, and how much."""

    name: str
    since: list[int]
    offsets: list[float]

    def at(self, when: int) -> float:
        place = bisect_right(self.since, when)
        return self.offsets[place - 1] if place else 0.0


class _Expiry(NamedTuple):
    """When the calibrations of a channel are good no longer: each by since when it holds (ms)."""

    since: list[int]
    expires: list[int | None]

    def over(self, when: int) -> bool:
        place = bisect_right(self.since, when)
        end = self.expires[place - 1] if place else None
        return end is not None and when >= end


class _Device:
    """The corrections of one device."""

    def __init__(
        self, calibrations: Iterable[Calibration], maintenance: Iterable[Maintenance]
    ) -> None:
        by_channel: dict[str, list[Calibration]] = {}
        for one in calibrations:
            by_channel.setdefault(one.channel, []).append(one)
        self._channels = [
            _Channel(name, [one.since for one in ones], [one.offset for one in ones])
            for name, ones in by_channel.items()
            if any(one.offset for one in ones)
        ]
        self._expiries = [
            _Expiry([one.since for one in ones], [one.expires for one in ones])
            for ones in by_channel.values()
            if any(one.expires is not None for one in ones)
        ]
        self._maintenance = [(one.since, one.until) for one in maintenance]
        self._places: dict[Layout, list[tuple[int, _Channel]]] = {}

    def __bool__(self) -> bool:
        return bool(self._channels or self._maintenance or self._expiries)

    def corrected(self, reading: Reading) -> Reading:
        """Return the reading as it counts; the same object where nothing of it changes."""
        when = reading.when
        values, flags = reading.values, reading.flags
        for index, channel in self._in(reading.layout):
            offset = channel.at(when)
            if offset:
                value = round(values[index] + offset, DIGITS)
                values = (*values[:index], value, *values[index + 1 :])
        if self._expiries and any(one.over(when) for one in self._expiries):
            flags |= EXPIRED
        if any(since <= when < until for since, until in self._maintenance):
            flags |= (1 << len(values)) - 1 << UNUSABLE_SHIFT
        if values is reading.values and flags == reading.flags:
            return reading
        return msgspec.structs.replace(reading, values=values, flags=flags)

    def _in(self, layout: Layout) -> list[tuple[int, _Channel]]:
        found = self._places.get(layout)
        if found is None:
            placed = ((layout.index(one.name), one) for one in self._channels)
            found = [(index, one) for index, one in placed if index is not None]
            self._places[layout] = found
        return found


class Corrections:
    """What every device's readings are corrected by; the registry fills it."""

    def __init__(self) -> None:
        self._devices: dict[DeviceKey, _Device] = {}

    @property
    def any(self) -> bool:
        """Whether there is anything to correct at all."""
        return bool(self._devices)

    def state(
        self,
        device: DeviceKey,
        calibrations: Sequence[Calibration],
        maintenance: Sequence[Maintenance],
    ) -> None:
        """Correct a device by these from now on.

        Each is in order of `since`; of two calibrations of one channel and time the later counts.
        """
        made = _Device(calibrations, maintenance)
        if made:
            self._devices[device] = made
        else:
            self._devices.pop(device, None)

    def apply(self, readings: list[Reading]) -> list[Reading]:
        """Return readings as they count; the same list where none of them changes.

        Identity, times and flags stay, but in maintenance all values are flagged as unusable, and
        a reading after the expiry of a calibration as EXPIRED.
        """
        devices = self._devices
        if not devices or devices.keys().isdisjoint(map(_DEVICE, readings)):
            return readings
        return [self.corrected(one) if one.device in devices else one for one in readings]

    def corrected(self, reading: Reading) -> Reading:
        """Return a reading as it counts; the same object where nothing of it changes."""
        device = self._devices.get(reading.device)
        return reading if device is None else device.corrected(reading)
