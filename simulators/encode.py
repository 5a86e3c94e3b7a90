"""Samples as devices send them: plain JSON, one object a reading, an array for a backlog."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import numpy as np

from simulators.roster import DeviceEntry
from simulators.scenario import Sensors
from simulators.sensing import Samples
from simulators.sources import MAKES


def template(section: Sensors) -> str:
    """Return the payload of a make of sensor, with places for time, count and each value."""
    parts = ['"time":"%sZ"', '"seq":%d']
    for channel in section.channels:
        quantity = channel.partition(".")[0]
        if channel == "position":
            places = decimals(MAKES["latitude"].resolution)
            parts.append(f'"position":{{"lat":%.{places}f,"lon":%.{places}f}}')
            continue
        resolution = MAKES[quantity].resolution
        if quantity == "temperature" and section.resolution is not None:
            resolution = section.resolution
        parts.append(f'"{channel}":%.{decimals(resolution)}f')
    return "{" + ",".join(parts) + "}"


@cache
def decimals(resolution: float) -> int:
    """Return how many decimals tell every step of a resolution: 0.25 needs two."""
    exponent = Decimal(repr(resolution)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


class Encoder:
    """Makes the payloads of all devices."""

    def __init__(self, devices: Sequence[DeviceEntry]) -> None:
        made: dict[int, str] = {}
        self._templates = [
            made.setdefault(id(device.section), template(device.section)) for device in devices
        ]

    def encode(self, samples: Samples) -> list[bytes]:
        """Return one payload for each sample."""
        templates, values = self._templates, samples.values
        times = np.datetime_as_string(samples.told.astype("datetime64[ms]"), unit="ms").tolist()
        return [
            (templates[device] % (time, sequence, *values[first:last])).encode()
            for device, time, sequence, first, last in zip(
                samples.devices.tolist(),
                times,
                samples.sequence.tolist(),
                samples.first,
                samples.last,
                strict=True,
            )
        ]


def backlog(payloads: Sequence[bytes]) -> bytes:
    """Return the array that holds these payloads."""
    return b"[" + b",".join(payloads) + b"]"
