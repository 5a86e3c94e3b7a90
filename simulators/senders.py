"""Devices of the catalogue as they really arrive: their own bytes, in what their server wraps.

LoRaWAN devices come through ChirpStack or The Things Stack, tags through a Ruuvi Gateway. The time
is that of the radio gateway, for such a device has none. Servers know a device by a number that
ours has not got, so one is made of its name: the same name, the same number.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from simulators.encoders import ENCODERS
from simulators.encoders.encoder import Encoder
from simulators.roster import DeviceEntry
from simulators.scenario import Sensors

BY_MODEL: dict[str, Encoder] = {one.model: one for one in reversed(ENCODERS)}
"""By the model's id; of a model with several forms the first."""

_USUAL = {"battery_level": 100.0, "heading": 0.0}
"""What is said that nothing here measures: a position without a heading would be none."""


def eui(name: str) -> str:
    """Return a device's EUI-64: its name where that is one, else a number made of it."""
    if re.fullmatch(r"[0-9a-fA-F]{16}", name):
        return name.lower()
    return _number(name, 8).hex()


def mac(name: str) -> str:
    """Return a tag's address, made of its name."""
    return _number(name, 6).hex(":").upper()


def _number(name: str, size: int) -> bytes:
    number = bytearray(hashlib.sha256(name.encode()).digest()[:size])
    # Locally administered, and of one station: no maker was given such a number.
    number[0] = number[0] & 0xFC | 0x02
    return bytes(number)


def flat(section: Sensors) -> list[str]:
    """Return the names of a device's values: a position is two."""
    return [
        name
        for channel in section.channels
        for name in (("latitude", "longitude") if channel == "position" else (channel,))
    ]


class Sender(ABC):
    """One device: by which topic it arrives, and in which bytes."""

    suits: ClassVar[str]
    """Which devices come by it, in words."""
    topic: str

    def __init__(self, name: str, encoder: Encoder, section: Sensors) -> None:
        self._name = name
        self._encoder = encoder
        self._names = flat(section)
        self._rest = {
            channel: _usual(channel, limits, section)
            if channel in encoder.always or channel in _USUAL
            else math.nan
            for channel, limits in encoder.ranges.items()
        }

    @staticmethod
    @abstractmethod
    def takes(encoder: Encoder) -> bool:
        """Return whether such a device can come by it."""

    @abstractmethod
    def payload(self, values: Sequence[float], at: str, sequence: int) -> bytes:
        """Return what arrives. `values` as the section names them; `at` is UTC, to the ms."""

    def _own_bytes(self, values: Sequence[float]) -> bytes:
        measured = dict(zip(self._names, values, strict=True))
        ranges = self._encoder.ranges
        return self._encoder.encode(
            self._rest
            | {
                name: min(max(one, ranges[name][0]), ranges[name][1])
                for name, one in measured.items()
            }
        )


def _usual(channel: str, limits: tuple[float, float, float], section: Sensors) -> float:
    value = section.battery if channel == "battery" else _USUAL.get(channel, 0.0)
    return min(max(value, limits[0]), limits[1])


def _compact(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


class ChirpStack(Sender):
    """ChirpStack v4: its `up` events. The device's id there is its EUI."""

    suits = "LoRaWAN devices"
    _RADIO: ClassVar = {
        "gatewayId": "0203040506070809",
        "uplinkId": 4217106255,
        "nsTime": None,
        "rssi": -87,
        "snr": 8.5,
        "channel": 2,
        "location": {"latitude": 51.9, "longitude": 4.3},
        "context": "E3OWOQ==",
        "crcStatus": "CRC_OK",
    }
    _SENT: ClassVar = {
        "frequency": 867_100_000,
        "modulation": {"lora": {"bandwidth": 125_000, "spreadingFactor": 9, "codeRate": "CR_4_5"}},
    }

    def __init__(self, name: str, encoder: Encoder, section: Sensors) -> None:
        super().__init__(name, encoder, section)
        self._eui = eui(name)
        application = "c7a1e2d0-0000-4000-8000-000000000001"
        self.topic = f"application/{application}/device/{self._eui}/event/up"
        self._info = {
            "tenantId": "c7a1e2d0-0000-4000-8000-000000000002",
            "tenantName": "simulated",
            "applicationId": application,
            "applicationName": "cargo",
            "deviceProfileId": "c7a1e2d0-0000-4000-8000-000000000003",
            "deviceProfileName": encoder.model,
            "deviceName": name,
            "devEui": self._eui,
            "deviceClassEnabled": "CLASS_A",
            "tags": {},
        }
        self._address = _number(name, 4).hex()

    @staticmethod
    def takes(encoder: Encoder) -> bool:
        """Return whether it is a LoRaWAN device."""
        return encoder.port > 0

    def payload(self, values: Sequence[float], at: str, sequence: int) -> bytes:
        """Return an `up` event."""
        return _compact(
            {
                "deduplicationId": f"{self._address}-0000-4000-8000-{sequence:012x}",
                "time": f"{at}+00:00",
                "deviceInfo": self._info,
                "devAddr": self._address,
                "adr": True,
                "dr": 3,
                "fCnt": sequence,
                "fPort": self._encoder.port,
                "confirmed": False,
                "data": base64.b64encode(self._own_bytes(values)).decode(),
                "rxInfo": [self._RADIO | {"nsTime": f"{at}+00:00"}],
                "txInfo": self._SENT,
            }
        )


class ThingsStack(Sender):
    """The Things Stack v3: its `up` messages. The device's id there is its name."""

    suits = "LoRaWAN devices"
    _RADIO: ClassVar = {"gateway_ids": {"gateway_id": "roof"}, "rssi": -87, "snr": 8.5}

    def __init__(self, name: str, encoder: Encoder, section: Sensors) -> None:
        super().__init__(name, encoder, section)
        self.topic = f"v3/cargo@simulated/devices/{name}/up"
        self._ids = {
            "device_id": name,
            "application_ids": {"application_id": "cargo"},
            "dev_eui": eui(name).upper(),
        }
        brand, _, model = encoder.model.partition("-")
        self._version = {"brand_id": brand, "model_id": model}

    @staticmethod
    def takes(encoder: Encoder) -> bool:
        """Return whether it is a LoRaWAN device."""
        return encoder.port > 0

    def payload(self, values: Sequence[float], at: str, sequence: int) -> bytes:
        """Return an uplink message."""
        uplink = {
            "f_port": self._encoder.port,
            "f_cnt": sequence,
            "frm_payload": base64.b64encode(self._own_bytes(values)).decode(),
            "rx_metadata": [self._RADIO],
            "received_at": f"{at}Z",
            "version_ids": self._version,
        }
        return _compact(
            {"end_device_ids": self._ids, "received_at": f"{at}Z", "uplink_message": uplink}
        )


class RuuviGateway(Sender):
    """A Ruuvi Gateway: an advertisement that it heard. The tag's id is its address."""

    suits = "RuuviTags"
    _GATEWAY = "02:48:57:00:00:01"

    def __init__(self, name: str, encoder: Encoder, section: Sensors) -> None:
        super().__init__(name, encoder, section)
        self._mac = mac(name)
        self.topic = f"ruuvi/{self._GATEWAY}/{self._mac}"

    @staticmethod
    def takes(encoder: Encoder) -> bool:
        """Return whether it is a tag."""
        return encoder.model.startswith("ruuvi-")

    def payload(self, values: Sequence[float], at: str, sequence: int) -> bytes:
        """Return what the gateway says of an advertisement: whole seconds, as text."""
        # Behind what was measured come its count and its address (docs.ruuvi.com, data format 5).
        counted = (sequence % 0xFFFF).to_bytes(2) + bytes.fromhex(self._mac.replace(":", ""))
        data = self._own_bytes(values)[:16] + counted
        seconds = str(_seconds(at))
        return _compact(
            {
                "gw_mac": self._GATEWAY,
                "rssi": -61,
                "aoa": [],
                "gwts": seconds,
                "ts": seconds,
                "data": f"0201061BFF9904{data.hex().upper()}",
                "coords": "",
            }
        )


def _seconds(at: str) -> int:
    # Whole seconds since 1970: an advertisement is never from the future.
    return int(np.datetime64(at, "s").astype(np.int64))


SENDERS: dict[str, type[Sender]] = {
    "chirpstack": ChirpStack,
    "things-stack": ThingsStack,
    "ruuvi-gateway": RuuviGateway,
}
"""By the name that scenarios give the envelope."""
PLAIN = "plain"
"""Our own JSON: what every device sends that is of no model."""


def envelope(section: Sensors) -> str:
    """Return how a make of device arrives: as it says, else by what suits its model."""
    if section.envelope is not None or section.model is None:
        return section.envelope or PLAIN
    encoder = BY_MODEL[section.model]
    return next((name for name, one in SENDERS.items() if one.takes(encoder)), PLAIN)


def sender(device: DeviceEntry) -> Sender | None:
    """Return what sends for a device; None for one that sends plain JSON."""
    section = device.section
    if section.model is None:
        return None
    return SENDERS[envelope(section)](device.name, BY_MODEL[section.model], section)
