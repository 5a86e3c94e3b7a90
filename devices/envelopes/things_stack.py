"""The Things Stack v3: messages of its MQTT server.

Source: The Things Stack's documentation, "MQTT Server" and "Data Formats". Topics
`v3/<application>@<tenant>/devices/<device id>/<suffix>`, on some servers without the tenant.
Fields that are empty or zero are missing. A device id is unique in one application only: devices
of two applications whose ids may meet need principals with different owners.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.device import DecodeError, Origin, check_device_id
from devices.envelopes.decoded import best_signal, channels_of, unknown_names
from devices.envelopes.document import (
    Document,
    describe,
    moment,
    number,
    parse_object,
    sequence_number,
)
from devices.reading import DeviceKey, Reading, layout, reading

if TYPE_CHECKING:
    from devices.device import Decode

_TOPIC = re.compile(r"v3/[^/]+/devices/([^/]+)/(.+)", re.DOTALL)
_Sample = tuple[object, dict[str, float]]
"""A time (RFC 3339, or None) and the channels measured then."""


class ThingsStack:
    """Uplinks with decoded values, and solved locations, of LoRaWAN devices."""

    name = "things-stack"

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one device's messages."""
        match = _TOPIC.fullmatch(topic)
        if match is None:
            return None
        return _Message(check_device_id(match[1]), match[2], origin).decode


class _Message:
    __slots__ = ("_device", "_origin", "_suffix")

    def __init__(self, device: str, suffix: str, origin: Origin) -> None:
        self._device = device
        self._suffix = suffix
        self._origin = origin

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one message. One that never carries a measurement gives no reading."""
        message = parse_object(payload)
        ids = message.get("end_device_ids")
        device = ids.get("device_id") if isinstance(ids, dict) else None
        if device != self._device:
            raise DecodeError(
                "device-mismatch",
                f"end_device_ids.device_id is {describe(device)}, "
                f"but the topic is of {self._device!r}",
                "Check who publishes here: The Things Stack itself never sends the two apart",
            )
        sequence: int | None = None
        samples: list[_Sample] = []
        if self._suffix == "up":
            uplink = _part(message, "uplink_message")
            samples = _uplink(message, uplink)
            sequence = sequence_number(uplink.get("f_cnt", 0), "f_cnt")
        elif self._suffix == "location/solved":
            samples = _location(message)
        return [self._reading(sample, sequence, received, flags) for sample in samples]

    def _reading(self, sample: _Sample, sequence: int | None, received: int, flags: int) -> Reading:
        time, channels = sample
        names = tuple(sorted(channels))
        return reading(
            device=DeviceKey(self._origin.owner, self._device),
            at=moment(time, "ms", "received_at"),
            received=received,
            layout=layout(names, self._origin.source),
            values=tuple([channels[name] for name in names]),
            sequence=sequence,
            flags=flags,
            source=self._origin.source,
        )


def _part(message: Document, key: str) -> Document:
    part = message.get(key)
    if not isinstance(part, dict):
        raise DecodeError(
            f"no-{key.replace('_', '-')}",
            f"{key!r} is {describe(part)}, not an object",
            "Check who publishes here: this topic is for The Things Stack's own messages",
        )
    return part


def _uplink(message: Document, uplink: Document) -> list[_Sample]:
    time = uplink.get("received_at", message.get("received_at"))
    decoded, normalized = uplink.get("decoded_payload"), uplink.get("normalized_payload")
    if not decoded and not normalized:
        raise DecodeError(
            "no-decoded-values",
            "the uplink carries no decoded values (`decoded_payload`), only the device's own bytes",
            "Switch on a payload formatter in The Things Stack: end device, Payload formatters",
        )
    signal = best_signal(uplink.get("rx_metadata"))
    channels = channels_of(decoded)
    if channels:
        return [(time, signal | channels)]
    # The normalised form may hold several measurements, each with a time of its own.
    samples: list[_Sample] = []
    for each in normalized if isinstance(normalized, list) else [normalized]:
        channels = channels_of(each)
        if channels and isinstance(each, dict):
            samples.append((each.get("time") or time, signal | channels))
    if not samples:
        raise unknown_names(decoded or normalized, "payload formatter in The Things Stack")
    return samples


def _location(message: Document) -> list[_Sample]:
    solved = _part(message, "location_solved")
    place = solved.get("location")
    if not isinstance(place, dict) or not place.keys() & {"latitude", "longitude"}:
        return []
    channels = {axis: number(place.get(axis, 0.0), axis) for axis in ("latitude", "longitude")}
    return [(message.get("received_at"), channels)]
