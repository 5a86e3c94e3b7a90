"""ChirpStack v4: events that its MQTT integration publishes as JSON.

Source: ChirpStack's documentation, "Event types". Topic
`application/<application id>/device/<devEui>/event/<event>`. Fields of value zero may be missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devices.device import DecodeError, Origin
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

_TOPIC = re.compile(r"application/([^/]+)/device/([^/]+)/event/([^/]+)")
_EUI = re.compile(r"[0-9a-fA-F]{16}")


class ChirpStack:
    """Uplinks with decoded values, battery levels and locations of LoRaWAN devices."""

    name = "chirpstack"

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one device's events. Its id is the devEui in lower case."""
        match = _TOPIC.fullmatch(topic)
        if match is None:
            return None
        if not _EUI.fullmatch(match[2]):
            raise DecodeError(
                "bad-device-id",
                f"{match[2][:40]!r} in the topic is not a devEui of 16 hexadecimal digits",
                "Check the event topic in ChirpStack's MQTT settings",
            )
        return _Event(match[2].lower(), match[3], origin).decode


class _Event:
    __slots__ = ("_channels", "_eui", "_origin")

    def __init__(self, eui: str, event: str, origin: Origin) -> None:
        self._eui = eui
        self._channels = _CHANNELS.get(event)
        self._origin = origin

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one event. One that never carries a measurement gives no reading."""
        event = parse_object(payload)
        info = event.get("deviceInfo")
        eui = info.get("devEui") if isinstance(info, dict) else None
        if not isinstance(eui, str) or eui.lower() != self._eui:
            raise DecodeError(
                "device-mismatch",
                f"deviceInfo.devEui is {describe(eui)}, but the topic is of {self._eui}",
                "Check who publishes here: ChirpStack itself never sends the two apart",
            )
        channels = self._channels(event) if self._channels is not None else {}
        if not channels:
            return []
        names = tuple(sorted(channels))
        return [
            reading(
                device=DeviceKey(self._origin.owner, self._eui),
                at=moment(event.get("time"), "ms"),
                received=received,
                layout=layout(names, self._origin.source),
                values=tuple([channels[name] for name in names]),
                sequence=sequence_number(event.get("fCnt"), "fCnt"),
                flags=flags,
                source=self._origin.source,
            )
        ]


def _uplink(event: Document) -> dict[str, float]:
    decoded = event.get("object")
    if not isinstance(decoded, dict) or not decoded:
        raise DecodeError(
            "no-decoded-values",
            "the uplink carries no decoded values (`object`), only the device's own bytes",
            "Switch on a payload codec in ChirpStack: device profile, Codec",
        )
    channels = channels_of(decoded)
    if not channels:
        raise unknown_names(decoded, "codec in ChirpStack")
    return best_signal(event.get("rxInfo")) | channels


def _status(event: Document) -> dict[str, float]:
    if event.get("externalPowerSource") or event.get("batteryLevelUnavailable"):
        return {}
    level = event.get("batteryLevel")
    return {} if level is None else {"battery_level": number(level, "batteryLevel")}


def _location(event: Document) -> dict[str, float]:
    place: Any = event.get("location")
    if not isinstance(place, dict) or not place.keys() & {"latitude", "longitude"}:
        return {}
    return {axis: number(place.get(axis, 0.0), axis) for axis in ("latitude", "longitude")}


_CHANNELS = {"up": _uplink, "status": _status, "location": _location}
