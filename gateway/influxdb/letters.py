"""Readings as dead letters: JSON that a person can read, and that becomes the reading again."""

from __future__ import annotations

import math

import msgspec

from devices.reading import DeviceKey, Reading, layout


class _Letter(msgspec.Struct):
    owner: str
    device: str
    at: int
    received: int
    values: dict[str, float | None]
    flags: int
    identity: int
    source: str


def letter(reading: Reading) -> bytes:
    """Return a reading as JSON. A missing value (NaN) is null."""
    values = dict(zip(reading.layout.channels, reading.values, strict=True))
    return msgspec.json.encode(
        _Letter(
            *reading.device,
            at=reading.at,
            received=reading.received,
            values={
                channel: value if math.isfinite(value) else None
                for channel, value in values.items()
            },
            flags=reading.flags,
            identity=reading.identity,
            source=reading.source,
        )
    )


def reading_of(body: bytes) -> Reading:
    """Return the reading that `letter` wrote."""
    told = msgspec.json.decode(body, type=_Letter)
    channels = tuple(sorted(told.values))
    return Reading(
        DeviceKey(told.owner, told.device),
        told.at,
        told.received,
        layout(channels),
        tuple(math.nan if (value := told.values[one]) is None else value for one in channels),
        told.flags,
        told.identity,
        told.source,
    )
