"""What a sensor said: one moment of one device.

A reading is a value, not an opinion. Its flags depend on the message alone, so that the
same message decoded twice gives the same reading; what needs neighbours in time is judged
by the rules.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections import Counter
from itertools import pairwise
from typing import NamedTuple
from weakref import WeakValueDictionary

import msgspec

from devices.errors import DecodeError


class Quantity(NamedTuple):
    """What is measured. The quantity fixes the unit; the range is what can be true at all.

    A value outside `lowest`..`highest` is kept, flagged unusable, and kept out of verdicts.
    """

    name: str
    unit: str
    lowest: float
    highest: float


QUANTITIES: dict[str, Quantity] = {
    quantity.name: quantity
    for quantity in (
        # Below liquid nitrogen (-196 °C) nothing is shipped; above 150 °C a probe is broken.
        Quantity("temperature", "°C", -200.0, 150.0),
        Quantity("humidity", "%RH", 0.0, 100.0),
        Quantity("pressure", "hPa", 300.0, 1200.0),
        Quantity("illuminance", "lx", 0.0, 200_000.0),
        Quantity("acceleration", "g", -400.0, 400.0),
        Quantity("voltage", "V", 0.0, 1000.0),
        Quantity("battery", "V", 0.0, 60.0),
        Quantity("battery_level", "%", 0.0, 100.0),
        Quantity("signal", "dBm", -200.0, 50.0),
        Quantity("co2", "ppm", 0.0, 100_000.0),
        Quantity("oxygen", "%", 0.0, 100.0),
        Quantity("door", "", 0.0, 1.0),
        Quantity("latitude", "°", -90.0, 90.0),
        Quantity("longitude", "°", -180.0, 180.0),
        Quantity("speed", "km/h", 0.0, 2000.0),
        Quantity("set_point", "°C", -200.0, 150.0),
        Quantity("moisture", "%", 0.0, 100.0),
        Quantity("leak", "", 0.0, 1.0),
        Quantity("tamper", "", 0.0, 1.0),
        Quantity("motion", "", 0.0, 65_535.0),
        Quantity("occupancy", "", 0.0, 2.0),
        Quantity("count", "", 0.0, 4_294_967_295.0),
        Quantity("tilt", "°", -180.0, 180.0),
        Quantity("heading", "°", 0.0, 360.0),
        Quantity("tvoc", "ppb", 0.0, 65_535.0),
        Quantity("sound", "dB", 0.0, 200.0),
        Quantity("distance", "m", 0.0, 1000.0),
        Quantity("duration", "s", 0.0, 1e9),
        Quantity("current", "A", -10_000.0, 10_000.0),
        Quantity("power", "W", -1e7, 1e7),
        Quantity("energy", "kWh", 0.0, 1e9),
    )
}
"""Every quantity by name. A channel is a quantity, or `quantity.place` as in
`temperature.return_air`."""

# Flags of a reading. Plain integers: they are tested once for every reading.
ARRIVAL = 1
"""The device has no clock: `at` is the time of arrival."""
CLOCK_AHEAD = 2
"""The device's clock is more than five minutes ahead: judged on `received`."""
CLOCK_BEHIND = 4
"""The device's clock is before the year 2000: judged on `received`."""
RETAINED = 8
"""The broker had kept this message: it is not fresh, and nobody was heard."""
COUNTED = 16
"""`identity` is the device's own sequence number, not a digest of the values."""
IMPORTED = 32
"""From a logger's file: history, judged as retrospective, and nobody was heard."""
OWN_CLOCK_UNTRUSTED = 64
"""Received before this gateway's own clock could be trusted."""
EXPIRED = 128
"""Of a sensor whose calibration had expired by then. Set where readings are corrected, never
stored: what is stated of a device may change."""
WRONG_CLOCK = CLOCK_AHEAD | CLOCK_BEHIND
UNUSABLE_SHIFT = 16
UNUSABLE = -1 << UNUSABLE_SHIFT
"""Mask of the bits `1 << (UNUSABLE_SHIFT + i)`: the i-th value cannot be true, or was null."""

MAXIMUM_CHANNELS = 40

_FIRST = struct.Struct(">q").unpack_from

YEAR_2000 = 946_684_800_000
AHEAD_LIMIT = 5 * 60 * 1000


class DeviceKey(NamedTuple):
    """A device is known by its owner and its id: two companies' devices may share an id."""

    owner: str
    id: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.id}" if self.owner else self.id


class Position(NamedTuple):
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


class Layout(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """The channels that a message carries, in alphabetical order. Use `layout()` to get one.

    There is one object for each set of channels, so `is` compares them.
    """

    channels: tuple[str, ...]
    limits: tuple[tuple[float, float], ...]
    pack: struct.Struct
    canonical: struct.Struct
    """Packs what `digest` hashes: each channel's name before its value."""
    named: tuple[bytes | float, ...]
    """What `canonical` packs: names, with zeros where the values go."""

    def index(self, channel: str) -> int | None:
        """Where `channel` stands in a reading's values, None if it has no place there."""
        return self.channels.index(channel) if channel in self.channels else None


_LAYOUTS: dict[tuple[str, ...], Layout] = {}
_COMPOSED: WeakValueDictionary[tuple[str, ...], Layout] = WeakValueDictionary()
"""Those of several sensors together (`temperature.@2`), as long as something uses them: no message
brings them, and there are as many as consignments have different sensors."""
_MADE_FOR: Counter[str] = Counter()
MAXIMUM_LAYOUTS = 16_384
"""Sets of channels that are told apart: each stays in memory for good."""
MAXIMUM_OF_SOURCE = 512
"""Sets of channels that one source may bring: what it invents must not use up all there are."""


def layout(channels: tuple[str, ...], source: str = "") -> Layout:
    """Return the one Layout of these channels, which must be sorted, distinct and known.

    `source` is who brings them, empty for what is stored already. Raises DecodeError when there
    are too many different ones.
    """
    found = _LAYOUTS.get(channels)
    if found is None:
        if not source and any("@" in channel for channel in channels):
            return _composed(channels)
        if source and _MADE_FOR[source] >= MAXIMUM_OF_SOURCE:
            raise _too_many(f"{source} has brought {MAXIMUM_OF_SOURCE} different sets of channels")
        if len(_LAYOUTS) >= MAXIMUM_LAYOUTS:
            raise _too_many(f"{MAXIMUM_LAYOUTS} different sets of channels have been seen already")
        found = _LAYOUTS[channels] = _make_layout(channels)
        _MADE_FOR[source] += 1
    return found


def _composed(channels: tuple[str, ...]) -> Layout:
    found = _COMPOSED.get(channels)
    if found is None:
        found = _COMPOSED[channels] = _make_layout(channels)
    return found


def _too_many(what: str) -> DecodeError:
    cure = "Let devices send the same channels, with the same places, in every message"
    return DecodeError("too-many-layouts", what, cure)


def _make_layout(channels: tuple[str, ...]) -> Layout:
    if any(a >= b for a, b in pairwise(channels)):
        raise ValueError(f"channels must be sorted and distinct: {channels}")
    if not channels or len(channels) > MAXIMUM_CHANNELS:
        raise ValueError(f"a reading has 1 to {MAXIMUM_CHANNELS} channels, not {len(channels)}")
    limits = []
    for channel in channels:
        quantity = QUANTITIES[channel.partition(".")[0]]
        limits.append((quantity.lowest, quantity.highest))
    names = [channel.encode() + b"\0" for channel in channels]
    names[0] = b"holdwatch-values-1" + names[0]
    canonical = struct.Struct(">" + "".join(f"{len(name)}sd" for name in names))
    pack = struct.Struct(f"<{len(channels)}d")
    named = tuple(part for name in names for part in (name, 0.0))
    return Layout(channels, tuple(limits), pack, canonical, named)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One moment of one device.

    `at` and `received` are milliseconds since 1970, UTC: when the device says it measured,
    and when this gateway heard it. `values` run parallel to `layout.channels`; a value that
    the device reported as missing is NaN. `identity` is the device's sequence number where
    it counts (flag COUNTED), else a digest of the values: together with device and `at` it
    names the reading, so that it is stored once. `source` says how it came.
    """

    device: DeviceKey
    at: int
    received: int
    layout: Layout
    values: tuple[float, ...]
    flags: int
    identity: int
    source: str

    @property
    def when(self) -> int:
        """The time it is judged at: the device's, or ours where its clock is wrong."""
        return self.received if self.flags & WRONG_CLOCK else self.at

    @property
    def position(self) -> Position | None:
        """Where it was measured, if the message says."""
        latitude, longitude = self.value("latitude"), self.value("longitude")
        if latitude is None or longitude is None:
            return None
        return Position(latitude, longitude)

    def value(self, channel: str) -> float | None:
        """Return the value of a channel, None where it is missing or unusable."""
        index = self.layout.index(channel)
        if index is None or self.flags >> (UNUSABLE_SHIFT + index) & 1:
            return None
        return self.values[index]


def digest(layout: Layout, values: tuple[float, ...]) -> int:
    """Digest of the values before calibration, as a signed 64-bit integer.

    SHA-256 over version 1 of the canonical encoding: `holdwatch-values-1`, then for each
    channel in alphabetical order its name, a zero byte and the IEEE 754 double, big-endian.
    Minus zero counts as zero, and every NaN as one.
    """
    # Adding zero turns minus zero into zero.
    named = [*layout.named]
    named[1::2] = [value + 0.0 if value == value else math.nan for value in values]  # noqa: PLR0124 - NaN
    first: int = _FIRST(hashlib.sha256(layout.canonical.pack(*named)).digest())[0]
    return first


def reading(  # noqa: PLR0913 - a reading has this many parts
    *,
    device: DeviceKey,
    at: int | None,
    received: int,
    layout: Layout,
    values: tuple[float, ...],
    sequence: int | None,
    flags: int = 0,
    source: str = "",
) -> Reading:
    """Make a reading: compare clocks, flag what cannot be true, find its identity.

    `at` is None for a device without a clock. `flags` are those of the message
    (RETAINED, IMPORTED, OWN_CLOCK_UNTRUSTED).
    """
    if at is None:
        at = received
        flags |= ARRIVAL
    elif at > received + AHEAD_LIMIT:
        if not flags & (OWN_CLOCK_UNTRUSTED | IMPORTED):
            flags |= CLOCK_AHEAD
    elif at < YEAR_2000 and not flags & (OWN_CLOCK_UNTRUSTED | IMPORTED):
        flags |= CLOCK_BEHIND
    bit = 1 << UNUSABLE_SHIFT
    for value, (lowest, highest) in zip(values, layout.limits):  # noqa: B905 - hot, and equal by construction
        if not lowest <= value <= highest:
            flags |= bit
        bit <<= 1
    if sequence is None:
        identity = digest(layout, values)
    else:
        identity = sequence
        flags |= COUNTED
    return Reading(device, at, received, layout, values, flags, identity, source)
