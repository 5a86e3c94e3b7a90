"""Digital Matter Oyster: a GPS tracker on LoRaWAN.

Source: Digital Matter, Oyster LoRaWAN Integration, and its own decoder in The Things Network's
repository of devices (vendor/digital-matter/oyster.js). All little-endian. Port 1 is a position
(11 bytes), port 4 the same in fewer bits (9), port 2 the answer to a downlink, port 3 counts over
the device's life. Not for the Oyster 3, whose ports mean other things.
"""

from __future__ import annotations

import math
import struct

from devices.errors import DecodeError
from devices.model import HOUR, Model, Sample

_POSITION = 1
_ACKNOWLEDGEMENT = 2
_STATISTICS = 3
_SHORT_POSITION = 4
_LENGTHS = {_POSITION: (11, 11), _ACKNOWLEDGEMENT: (3, 3), _STATISTICS: (11, 11)}
# Later firmware adds up to two bytes that nothing here needs.
_LENGTHS[_SHORT_POSITION] = (9, 11)


def _decode(data: bytes, port: int) -> list[Sample]:
    length = _LENGTHS.get(port)
    if length is None:
        raise DecodeError(
            "unknown-port",
            f"the Oyster sends nothing on port {port}",
            "Assign the model that the device's label names: an Oyster 3 is none of these",
        )
    if not length[0] <= len(data) <= length[1]:
        raise DecodeError(
            "wrong-length",
            f"a message on port {port} has {length[0]} bytes, not {len(data)}",
            "Check that the device's own bytes arrive here unchanged",
        )
    if port == _POSITION:
        return [_position(data)]
    if port == _SHORT_POSITION:
        return [_short_position(data)]
    # The statistics' voltage is that of the day when the batteries were put in.
    return []


def _position(data: bytes) -> Sample:
    latitude, longitude, flags, speed, battery = struct.unpack("<iiBBB", data)
    place = {
        "latitude": latitude / 1e7,
        "longitude": longitude / 1e7,
        "speed": float(speed),
        "heading": (flags >> 2) * 5.625,
    }
    return _sample(flags, battery, place)


def _short_position(data: bytes) -> Sample:
    course, battery, flags = data[6], data[7], data[8]
    place = {
        "latitude": int.from_bytes(data[:3], "little", signed=True) * 256 / 1e7,
        "longitude": int.from_bytes(data[3:6], "little", signed=True) * 256 / 1e7,
        "speed": (course >> 3) * 5.0,
        "heading": (course & 7) * 45.0,
    }
    return _sample(flags, battery, place)


def _sample(flags: int, battery: int, place: dict[str, float]) -> Sample:
    """Bit 0 of the flags: on a trip. Bit 1: there was no fix, and the place is an old one."""
    if flags & 2:
        place = dict.fromkeys(place, math.nan)
    return Sample(place | {"battery": battery * 25 / 1000, "motion": float(flags & 1)})


MODELS: tuple[Model, ...] = (
    Model(
        id="digital-matter-oyster",
        maker="Digital Matter",
        name="Oyster",
        data_sheet="Oyster LoRaWAN Integration, and its Configuration and Usage Guide; "
        "support.digitalmatter.com",
        decode=_decode,
        channels=("latitude", "longitude", "speed", "heading", "motion", "battery"),
        interval=None,
        hold=24 * HOUR,  # its heartbeat
        known_as=("Oyster LoRaWAN", "Digital Matter Oyster LoRaWAN"),
        proven="published vectors",
    ),
)
