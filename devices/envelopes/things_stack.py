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
from devices.envelopes.codec_output import measurements
from devices.envelopes.decoded import best_signal, channels_of
from devices.envelopes.document import (
    Document,
    describe,
    moment,
    parse_object,
    sequence_number,
)
from devices.envelopes.uplink import Uplink, bytes_of, decode, place_of, port_of
from devices.model import Sample
from devices.reading import DeviceKey, Reading
from devices.recognition import Recognition

if TYPE_CHECKING:
    from devices.device import Decode

_TOPIC = re.compile(r"v3/[^/]+/devices/([^/]+)/(.+)", re.DOTALL)


class ThingsStack:
    """Uplinks, joins and solved locations of LoRaWAN devices."""

    name = "things-stack"

    def __init__(self, recognition: Recognition | None = None) -> None:
        self._recognition = recognition or Recognition()

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one device's messages."""
        match = _TOPIC.fullmatch(topic)
        if match is None:
            return None
        key = DeviceKey(origin.owner, check_device_id(match[1]))
        return _Message(key, match[2], origin.source, self._recognition).decode


class _Message:
    __slots__ = ("_key", "_recognition", "_source", "_suffix")

    def __init__(self, key: DeviceKey, suffix: str, source: str, recognition: Recognition) -> None:
        self._key = key
        self._suffix = suffix
        self._source = source
        self._recognition = recognition

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one message. One that never carries a measurement gives no reading."""
        try:
            message = parse_object(payload)
            self._check_device(message)
            if self._suffix == "up":
                return self._uplink(message, received, flags)
            if self._suffix == "location/solved":
                place = place_of(_part(message, "location_solved").get("location"))
                uplink = self._heard(message.get("received_at"), None, received, flags)
                return uplink.readings([Sample(place)])
        except DecodeError as error:
            error.device = str(self._key)
            raise
        return []

    def _check_device(self, message: Document) -> None:
        ids = message.get("end_device_ids")
        device = ids.get("device_id") if isinstance(ids, dict) else None
        if device != self._key.id:
            raise DecodeError(
                "device-mismatch",
                f"end_device_ids.device_id is {describe(device)}, "
                f"but the topic is of {self._key.id!r}",
                "Check who publishes here: The Things Stack itself never sends the two apart",
            )

    def _uplink(self, message: Document, received: int, flags: int) -> list[Reading]:
        said = _part(message, "uplink_message")
        time = said.get("received_at", message.get("received_at"))
        uplink = self._heard(time, sequence_number(said.get("f_cnt", 0), "f_cnt"), received, flags)
        uplink.port = port_of(said.get("f_port"), "f_port")
        uplink.data = bytes_of(said.get("frm_payload"), "frm_payload")
        uplink.signal = best_signal(said.get("rx_metadata"))
        hints = _hints(said.get("version_ids"))
        decoded, normalized = said.get("decoded_payload"), said.get("normalized_payload")
        known = None
        if uplink.data is not None:
            known = self._recognition.decoder(self._key, hints, self._source)
        if known is None and normalized and not channels_of(decoded):
            measured = self._normalized(normalized, uplink)
            if measured:
                return measured
        return decode(
            uplink,
            hints,
            decoded or normalized,
            recognition=self._recognition,
            server="The Things Stack",
        )

    def _normalized(self, normalized: object, uplink: Uplink) -> list[Reading]:
        """Return what the normalised form holds: measurements, some with times of their own."""
        several = normalized if isinstance(normalized, list) else [normalized]
        objects = [each for each in several if isinstance(each, dict)]
        return uplink.readings(measurements(objects, "in The Things Stack"))

    def _heard(self, time: object, sequence: int | None, received: int, flags: int) -> Uplink:
        at = moment(time, "ms", "received_at")
        return Uplink(self._key, at, received, flags, self._source, sequence, 0, None, {})


def _hints(version: object) -> tuple[str, ...]:
    """Return what the device repository calls the device: `dragino/lht65`."""
    if not isinstance(version, dict):
        return ()
    brand, model = version.get("brand_id"), version.get("model_id")
    if not isinstance(brand, str) or not isinstance(model, str):
        return ()
    return (f"{brand}/{model}",)


def _part(message: Document, key: str) -> Document:
    part = message.get(key)
    if not isinstance(part, dict):
        raise DecodeError(
            f"no-{key.replace('_', '-')}",
            f"{key!r} is {describe(part)}, not an object",
            "Check who publishes here: this topic is for The Things Stack's own messages",
        )
    return part
