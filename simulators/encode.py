"""Samples as devices send them: plain JSON, one object a reading, an array for a backlog.

What devices of the catalogue send is made by senders.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import numpy as np

from simulators.roster import DeviceEntry
from simulators.scenario import Sensors
from simulators.senders import Sender, sender
from simulators.sensing import Integers, Samples
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
        self.own: dict[int, Sender] = {
            place: found
            for place, device in enumerate(devices)
            if (found := sender(device)) is not None
        }
        """What sends for those that do not send plain JSON, by their places."""

    def encode(self, samples: Samples) -> list[bytes]:
        """Return one payload for each sample."""
        templates, values, own = self._templates, samples.values, self.own
        told = _texts(samples.told)
        # Who has no clock is told the time by what heard it.
        heard = _texts(samples.at) if own else told
        return [
            own[device].payload(values[first:last], true, sequence)
            if device in own
            else (templates[device] % (time, sequence, *values[first:last])).encode()
            for device, time, true, sequence, first, last in zip(
                samples.devices.tolist(),
                told,
                heard,
                samples.sequence.tolist(),
                samples.first,
                samples.last,
                strict=True,
            )
        ]


def _texts(times: Integers) -> list[str]:
    """Return times (ms since 1970) as text, UTC, to the millisecond."""
    texts: list[str] = np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms").tolist()
    return texts


def backlog(payloads: Sequence[bytes]) -> bytes:
    """Return the array that holds these payloads."""
    return b"[" + b",".join(payloads) + b"]"
