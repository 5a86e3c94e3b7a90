"""ChirpStack v4: events that its MQTT integration publishes as JSON.

Source: ChirpStack's documentation, "Event types". Topic
`application/<application id>/device/<devEui>/event/<event>`. Fields of value zero may be missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devices.device import DecodeError, Origin
from devices.envelopes.decoded import best_signal
from devices.envelopes.document import (
    Document,
    describe,
    moment,
    number,
    parse_object,
    sequence_number,
)
from devices.envelopes.uplink import Uplink, bytes_of, decode, place_of, port_of
from devices.model import Sample
from devices.reading import DeviceKey, Reading
from devices.recognition import Recognition

if TYPE_CHECKING:
    from devices.device import Decode

_TOPIC = re.compile(r"application/([^/]+)/device/([^/]+)/event/([^/]+)")
_EUI = re.compile(r"[0-9a-fA-F]{16}")


class ChirpStack:
    """Uplinks, battery levels, joins and locations of LoRaWAN devices."""

    name = "chirpstack"

    def __init__(self, recognition: Recognition | None = None) -> None:
        self._recognition = recognition or Recognition()

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
        key = DeviceKey(origin.owner, match[2].lower())
        return _Event(key, match[3], origin.source, self._recognition).decode


class _Event:
    __slots__ = ("_event", "_key", "_recognition", "_source")

    def __init__(self, key: DeviceKey, event: str, source: str, recognition: Recognition) -> None:
        self._key = key
        self._event = event
        self._source = source
        self._recognition = recognition

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one event. One that never carries a measurement gives no reading."""
        try:
            event = parse_object(payload)
            return self._readings(event, self._hints(event), received, flags)
        except DecodeError as error:
            error.device = str(self._key)
            raise

    def _hints(self, event: Document) -> tuple[str, ...]:
        """Return what ChirpStack calls the device, once it is sure that it is this one."""
        info = event.get("deviceInfo")
        eui = info.get("devEui") if isinstance(info, dict) else None
        if not isinstance(info, dict) or not isinstance(eui, str) or eui.lower() != self._key.id:
            raise DecodeError(
                "device-mismatch",
                f"deviceInfo.devEui is {describe(eui)}, but the topic is of {self._key.id}",
                "Check who publishes here: ChirpStack itself never sends the two apart",
            )
        name = info.get("deviceProfileName")
        return (name,) if isinstance(name, str) else ()

    def _readings(
        self, event: Document, hints: tuple[str, ...], received: int, flags: int
    ) -> list[Reading]:
        kind = self._event
        uplink = Uplink(
            self._key,
            moment(event.get("time"), "ms"),
            received,
            flags,
            self._source,
            sequence_number(event.get("fCnt"), "fCnt"),
            port_of(event.get("fPort"), "fPort"),
            bytes_of(event.get("data"), "data") if kind == "up" else None,
            best_signal(event.get("rxInfo")) if kind == "up" else {},
        )
        if kind == "up":
            return decode(
                uplink,
                hints,
                event.get("object"),
                recognition=self._recognition,
                server="ChirpStack",
            )
        if kind == "join":
            # It carries no measurement; what joins is recognised before it has sent one.
            self._recognition.decoder(self._key, hints, self._source)
        return uplink.readings([Sample(_CHANNELS[kind](event))]) if kind in _CHANNELS else []


def _status(event: Document) -> dict[str, float]:
    if event.get("externalPowerSource") or event.get("batteryLevelUnavailable"):
        return {}
    level: Any = event.get("batteryLevel")
    return {} if level is None else {"battery_level": number(level, "batteryLevel")}


def _location(event: Document) -> dict[str, float]:
    return place_of(event.get("location"))


_CHANNELS = {"status": _status, "location": _location}
