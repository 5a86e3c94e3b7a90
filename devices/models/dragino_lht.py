"""Dragino LHT65, LHT65N and LHT52: temperature and humidity, and a socket for a probe or cable."""

from __future__ import annotations

import math
import struct

from devices.model import Sample
from devices.models.dragino_forms import (
    ENTRY,
    NONE,
    VOLTS,
    celsius,
    clock,
    entries,
    status,
    unknown_port,
    unknown_type,
    wrong_length,
)

# LHT65 and LHT65N: two bytes of battery, built-in temperature and humidity, what the socket holds
# (the low half of byte 6) and its value. Types 9 and 10 give the battery's place to the probe,
# and the value's to the time: the form of a log entry.
_PROBES = (1, 2, 9, 10, 11)
_TIMED = (9, 10)
_CABLE = {4: None, 5: "illuminance", 6: "voltage.adc", 7: "count.external", 8: "count.external"}
_LOG = 0x40
_BIT_7 = 0x80
"""With a probe: not acknowledged before, and sent again as a log entry. With a cable: lost."""
_HOTTEST = 0x5E00
"""As hundredths of a degree 240 °C, which no probe bears; as the upper half of a time, 2019."""


def lht65(data: bytes, port: int) -> list[Sample]:
    """Read an LHT65 or LHT65N: its values, those of a log, or its status (port 5)."""
    if port == 5:
        return status(data)
    if port != 2:
        raise unknown_port(port, "2, and an LHT65N on 5 too")
    if len(data) < 7:
        raise wrong_length(data, "the shortest has 7")
    if not any(data):
        return []  # what a log answers where it has nothing of that time
    if data[6] & _LOG or (len(data) >= ENTRY.size and _sent_again(data)):
        return entries(data, _lht65_entry)
    return [_lht65_now(data)]


def _sent_again(data: bytes) -> bool:
    known = data[6] & 0x0F in _PROBES
    return bool(data[6] & _BIT_7) and known and _HOTTEST < data[7] << 8 | data[8] < NONE


def _lht65_entry(entry: bytes) -> Sample:
    """Read one moment with its time: of a log, or of a probe that sends the time always."""
    outer, inner, humidity, kind, seconds = ENTRY.unpack(entry)
    channels = {"temperature": celsius(inner), "humidity": (humidity & 0x0FFF) / 10}
    kind &= 0x0F
    if kind in _PROBES:
        channels["temperature.external"] = celsius(outer)
    elif kind in {5, 6, 7}:
        raw = outer & 0xFFFF
        channels[str(_CABLE[kind])] = raw / 1000 if kind == 6 else float(raw)
    return Sample(channels, at=seconds * 1000)


def _lht65_now(data: bytes) -> Sample:
    kind = data[6] & 0x0F
    if len(data) != ENTRY.size and (kind or len(data) != 7):
        raise wrong_length(data, f"it has {ENTRY.size}, or 7 with nothing in its socket")
    if kind in _TIMED:
        entry = _lht65_entry(data)
        return entry._replace(at=clock((entry.at or 0) // 1000))
    battery, inner, humidity = struct.unpack_from(">HhH", data)
    channels = {"battery": (battery & VOLTS) / 1000}
    if kind == 15:  # the probe's serial number stands where values would
        return Sample(channels)
    channels |= {"temperature": celsius(inner), "humidity": (humidity & 0x0FFF) / 10}
    return Sample(channels | _socket(kind, data))


def _socket(kind: int, data: bytes) -> dict[str, float]:
    """Return what is in the socket, and says what."""
    if kind == 0:
        return {}
    first, whole = struct.unpack_from(">h", data, 7)[0], struct.unpack_from(">I", data, 7)[0]
    if kind in _PROBES:
        made = {"temperature.external": celsius(first)}
        if kind == 11:  # an SHT31
            made["humidity.external"] = (whole & 0x0FFF) / 10
        return made
    if kind not in _CABLE:
        raise unknown_type(f"byte 6 says that its socket holds type {kind}, which nobody knows")
    channel = _CABLE[kind]
    if channel is None:
        return {}  # a switch, at a level that could mean anything
    if data[6] & _BIT_7:
        return {channel: math.nan}
    if kind == 8:  # it counts in four bytes
        return {channel: float(whole)}
    raw = first & 0xFFFF
    return {channel: raw / 1000 if kind == 6 else float(raw)}


def lht52(data: bytes, port: int) -> list[Sample]:
    """Read an LHT52: its values (port 2), a log (3), or its status (5)."""
    match port:
        case 2:
            if len(data) != ENTRY.size:
                raise wrong_length(data, f"its values have {ENTRY.size}")
            inner, humidity, outer, _kind, seconds = struct.unpack(">hHhBI", data)
            sample = _lht52_sample(outer, inner, humidity, seconds)
            return [sample._replace(at=clock(seconds))]
        case 3:
            return entries(data, _lht52_entry)
        case 4:
            return []  # the serial number of its probe
        case 5:
            return status(data)
    raise unknown_port(port, "2, 3, 4 and 5")


def _lht52_entry(entry: bytes) -> Sample:
    """Read an entry of a log: the probe comes first, other than in a message of port 2."""
    outer, inner, humidity, _kind, seconds = ENTRY.unpack(entry)
    return _lht52_sample(outer, inner, humidity, seconds)


def _lht52_sample(outer: int, inner: int, humidity: int, seconds: int) -> Sample:
    channels = {"temperature": celsius(inner), "humidity": humidity / 10}
    if outer != NONE:  # sold without a probe, and it says type 1 all the same
        channels["temperature.external"] = outer / 100
    return Sample(channels, at=seconds * 1000)
