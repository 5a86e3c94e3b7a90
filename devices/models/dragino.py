"""Dragino: sensors whose messages have one fixed form for each port."""

from __future__ import annotations

import math
import struct

from devices.model import HOUR, MINUTE, Model, Sample
from devices.models.dragino_forms import (
    ENTRY,
    VOLTS,
    celsius,
    clock,
    entries,
    unknown_port,
    unknown_type,
    wrong_length,
)
from devices.models.dragino_lht import lht52, lht65

_MANUALS = "wiki.dragino.com, User Manual for LoRaWAN End Nodes"

# LGT-92. Until firmware 1.4 positions have three bytes and four decimals, then four and six.
_LGT92_OLD = (8, 12)
_LGT92 = (11, 15, 18)


def _lgt92(data: bytes, port: int) -> list[Sample]:
    if port != 2:
        raise unknown_port(port, "2")
    if len(data) not in (*_LGT92_OLD, *_LGT92):
        raise wrong_length(data, "it sends 11, 15 or 18, old firmware 8 or 12")
    wide = len(data) in _LGT92
    size, scale, none = (4, 1e6, 0x0FFFFFFF) if wide else (3, 1e4, 0x0FFFFF)
    place = (_signed(data[:size]), _signed(data[size : 2 * size]))
    # Zeros: no fix in time. The other: GPS is off, since the battery is low.
    fix = place not in {(0, 0), (none, none)}
    latitude, longitude = place if fix else (math.nan, math.nan)
    battery = (data[2 * size] << 8 | data[2 * size + 1]) & VOLTS
    channels = {
        "latitude": latitude / scale,
        "longitude": longitude / scale,
        "battery": battery / 1000,
    }
    tilt = 2 * size + 3 if wide else 2 * size + 2
    if len(data) >= tilt + 4:
        roll, pitch = struct.unpack_from(">hh", data, tilt)
        channels |= {"tilt.roll": roll / 100, "tilt.pitch": pitch / 100}
    return [Sample(channels)]


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


_NO_TIME = 0x7FFF_0000


def _s31(data: bytes, port: int) -> list[Sample]:
    match port:
        case 2:
            return [_s31_now(data)]
        case 3:
            return entries(data, _s31_entry)
        case 5:
            return []  # firmware, band and interval
    raise unknown_port(port, "2, 3 and 5")


def _s31_now(data: bytes) -> Sample:
    """Read a message of port 2.

    Bytes 2 to 5 are the time since firmware 1.8. Before, they are pins that this model does not
    use: published decoders tell their values, and a door's, that nobody has measured. The first
    is a temperature, 7FFF or FFFF where there is none: as a time, from the year 2038 on.
    """
    if len(data) != ENTRY.size:
        raise wrong_length(data, f"it sends {ENTRY.size}")
    battery, seconds, mode, temperature, humidity = struct.unpack(">HIBhH", data)
    channels = {"battery": battery / 1000}
    mode = mode >> 2 & 0x1F
    if mode == 31:  # the limits of its alarm, and no values
        return Sample(channels)
    if mode != 0:
        raise unknown_type(f"byte 6 says mode {mode}: an LSN50v2 with other sensors")
    channels |= {"temperature": celsius(temperature, 10), "humidity": humidity / 10}
    return Sample(channels, at=clock(seconds) if seconds < _NO_TIME else None)


def _s31_entry(entry: bytes) -> Sample:
    temperature, humidity, seconds = struct.unpack_from(">hHI", entry, 3)
    return Sample(
        {"temperature": celsius(temperature, 10), "humidity": humidity / 10}, at=seconds * 1000
    )


# LDS01 and LDS02 are one firmware: byte 2 says whether a door, a leak or both are watched.
_WATCHED = {1: ("door",), 2: ("leak",), 3: ("door", "leak")}


def _lds02(data: bytes, port: int) -> list[Sample]:
    """Read a door's or a leak's state, how often it was, and how long the last time.

    Published vectors have one that ends before the duration, which is then left out.
    """
    if port != 10:
        raise unknown_port(port, "10")
    if not 3 <= len(data) <= 10:
        raise wrong_length(data, "it sends 10")
    kind = data[2]
    if kind not in _WATCHED:
        raise unknown_type(f"byte 2 says that it watches {kind}: known are 1, 2 and 3")
    channels = {"battery": ((data[0] << 8 | data[1]) & VOLTS) / 1000}
    for watched in _WATCHED[kind]:
        channels[watched] = float(data[0] >> (7 if watched == "door" else 6) & 1)
    if kind != 3:  # both together have no counts
        if len(data) < 6:
            raise wrong_length(data, "it sends 10")
        channels[f"count.{watched}"] = float(int.from_bytes(data[3:6], "big"))
        if len(data) >= 9:
            channels[f"duration.{watched}"] = 60.0 * int.from_bytes(data[6:9], "big")
    return [Sample(channels)]


_LHT65_CHANNELS = (
    "temperature",
    "humidity",
    "battery",
    "temperature.external",
    "humidity.external",
    "illuminance",
    "voltage.adc",
    "count.external",
)

MODELS: tuple[Model, ...] = (
    Model(
        id="dragino-lht65",
        maker="Dragino",
        name="LHT65",
        data_sheet="LHT65 Temperature & Humidity Sensor User Manual, 2.4 to 2.6; dragino.com",
        decode=lht65,
        channels=_LHT65_CHANNELS,
        interval=20 * MINUTE,
        low_battery=2.55,
        known_as=("LHT65-E1", "LHT65-E3", "dragino/lht65"),
        proven="published vectors",
    ),
    Model(
        id="dragino-lht65n",
        maker="Dragino",
        name="LHT65N",
        data_sheet=f"LHT65N Temperature & Humidity Sensor Manual, 2.4 to 2.6; {_MANUALS}",
        decode=lht65,
        channels=_LHT65_CHANNELS,
        interval=20 * MINUTE,
        low_battery=2.55,
        known_as=("LHT65N-E1", "LHT65N-E3", "LHT65N-E31F", "dragino/lht65n"),
        proven="data sheet",
    ),
    Model(
        id="dragino-lht52",
        maker="Dragino",
        name="LHT52",
        data_sheet=f"LHT52 Temperature & Humidity Sensor User Manual, 2.4; {_MANUALS}",
        decode=lht52,
        channels=("temperature", "humidity", "temperature.external", "battery"),
        interval=20 * MINUTE,
        known_as=("dragino/lht52",),
        proven="published vectors",
    ),
    Model(
        id="dragino-lgt92",
        maker="Dragino",
        name="LGT-92",
        data_sheet="LGT-92 LoRa GPS Tracker User Manual, 2.3; dragino.com",
        decode=_lgt92,
        channels=("latitude", "longitude", "battery", "tilt.roll", "tilt.pitch"),
        interval=5 * MINUTE,
        low_battery=2.84,
        known_as=("LGT-92-LI", "LGT-92-AA", "dragino/lgt92"),
        proven="published vectors",
    ),
    Model(
        id="dragino-lsn50v2-s31",
        maker="Dragino",
        name="LSN50v2-S31",
        data_sheet="LSN50v2-S31 user manual, and Dragino's decoder of firmware 1.8; dragino.com",
        decode=_s31,
        channels=("temperature", "humidity", "battery"),
        interval=20 * MINUTE,
        known_as=("LSN50v2-S31B", "S31", "S31B", "dragino/lsn50v2-s31"),
        proven="published vectors",
    ),
    Model(
        id="dragino-lds02",
        maker="Dragino",
        name="LDS02",
        data_sheet=f"LDS02 LoRaWAN Door Sensor User Manual v1.3, 4.3; {_MANUALS}",
        decode=_lds02,
        channels=(
            "door",
            "battery",
            "count.door",
            "duration.door",
            "leak",
            "count.leak",
            "duration.leak",
        ),
        interval=None,
        hold=24 * HOUR,
        known_as=("LDS01", "dragino/lds02", "dragino/lds01"),
        proven="published vectors",
    ),
)
