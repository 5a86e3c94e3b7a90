"""Zigbee2MQTT: what it publishes of the devices of a Zigbee network.

Source: Zigbee2MQTT's documentation, "MQTT topics and messages", "Exposes" and "MQTT" settings.
Topics `<base>/<friendly name>`, whose names may hold slashes and spaces: `device_of` says how one
becomes an id. The base is `zigbee2mqtt` unless the settings map another.

Each message repeats what the bridge last heard of the whole device, also after a restart of the
bridge, with `last_seen` (to be switched on there) as its time. A value that the device has not
sent yet is null, and left out: it is not the sensor that says so. Values without a quantity here,
and messages without a value, such as those of lamps and buttons, are understood and not kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.device import Decode, DecodeError, Origin
from devices.envelopes.document import Document, describe, moment, number, parse, parse_object
from devices.envelopes.mapping import Mapping
from devices.envelopes.measured import device_of, made, naming, nothing, truth
from devices.reading import DeviceKey, Reading
from devices.recognition import Recognition

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = Mapping(topic="zigbee2mqtt/#", format="zigbee2mqtt")

_NUMBERS = {
    "temperature": "temperature",
    "local_temperature": "temperature",
    "device_temperature": "temperature.device",
    "humidity": "humidity",
    "pressure": "pressure",
    "illuminance": "illuminance",
    "illuminance_lux": "illuminance",
    "battery": "battery_level",
    "co2": "co2",
    "voc": "tvoc",
    "soil_moisture": "moisture",
    "current_heating_setpoint": "set_point",
    "occupied_heating_setpoint": "set_point",
    "power": "power",
    "current": "current",
    "energy": "energy",
    "noise": "sound",
    "angle_x": "tilt.x",
    "angle_y": "tilt.y",
    "angle_z": "tilt.z",
}
_STATES = {
    "water_leak": "leak",
    "occupancy": "occupancy",
    "presence": "occupancy",
    "vibration": "motion",
    "tamper": "tamper",
}
_CONTACT = "contact"
"""True while magnet and switch touch: a door that is shut."""
_PLACED = re.compile(
    r"(temperature|humidity|contact|water_leak|occupancy|illuminance|soil_moisture|power|current|"
    r"energy)_(probe|external|internal|left|right|l?\d{1,2}|ch\d)"
)
"""A device with several of a kind names the endpoint behind the value."""
_MILLIVOLTS = 1_000
"""Of a device with a battery `voltage` is mV, of a plug V. No cell has 1 V, no mains 1000."""


class Zigbee2Mqtt:
    """Devices behind one bridge."""

    name = "zigbee2mqtt"

    def __init__(
        self, recognition: Recognition | None = None, mapping: Mapping | None = None
    ) -> None:
        self._pattern = (mapping or _OURS).pattern
        self._recognition = recognition or Recognition()

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one device's messages, or of its availability."""
        match = self._pattern.fullmatch(topic)
        name = match["rest"] if match is not None else None
        if not name:
            return None
        # Commands that others send to devices come along with a subscription to everything.
        if name.partition("/")[0] == "bridge" or re.search(r"/(set|get)(/|$)", name):
            return nothing
        name, _, last = name.rpartition("/") if name.endswith("/availability") else (name, "", "")
        key = DeviceKey(origin.owner, device_of(name))
        if last:
            return naming(key, _availability)
        return naming(key, _Device(key, origin.source, self._recognition).decode)


def _availability(payload: bytes, _received: int, _flags: int) -> list[Reading]:
    state: object = payload.decode(errors="replace").strip()
    if isinstance(state, str) and state[:1] in {"{", '"'}:
        document = parse(payload)
        state = document.get("state") if isinstance(document, dict) else document
    # An empty one clears what the broker had kept of a device that is gone.
    if isinstance(state, str) and state in {"online", "offline", ""}:
        return []
    raise DecodeError(
        "not-a-state",
        f"the availability is {describe(state)}, neither online nor offline",
        "Check who publishes here, or rename a device whose name ends in /availability",
    )


class _Device:
    __slots__ = ("_key", "_recognition", "_source")

    def __init__(self, key: DeviceKey, source: str, recognition: Recognition) -> None:
        self._key = key
        self._source = source
        self._recognition = recognition

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one message of a device."""
        if not payload:
            return []
        if payload[:1] not in b"{ \n\t":
            raise DecodeError(
                "not-an-object",
                f"the payload is {payload[:20]!r}, not an object",
                "Set the output of Zigbee2MQTT's mqtt section to json",
            )
        message = parse_object(payload)
        self._note(message.get("device"))
        channels: dict[str, float] = {}
        for channel, value in _channels(message):
            # Where two names mean one channel, the first in the message counts.
            channels.setdefault(channel, value)
        if not channels:
            return []
        return [
            made(
                self._key,
                channels,
                at=moment(message.get("last_seen"), "ms", "last_seen"),
                received=received,
                flags=flags,
                source=self._source,
            )
        ]

    def _note(self, device: object) -> None:
        note, source = self._recognition.note, self._source
        if not isinstance(device, dict):
            note(self._key, "a Zigbee device", "Zigbee2MQTT sends for it", source)
            return
        words = [device.get(key) for key in ("manufacturerName", "model")]
        what = " ".join(word for word in words if isinstance(word, str) and word)
        if what:
            note(self._key, what[:100], "Zigbee2MQTT says so in `device`", source)


def _channels(message: Document) -> Iterator[tuple[str, float]]:
    for name, value in message.items():
        if value is None or (name == "illuminance" and message.get("illuminance_lux") is not None):
            continue
        match = _PLACED.fullmatch(name)
        base, place = (match[1], f".{match[2]}") if match is not None else (name, "")
        if base in _NUMBERS:
            yield f"{_NUMBERS[base]}{place}", number(value, name)
        elif base in _STATES:
            yield f"{_STATES[base]}{place}", truth(value, name)
        elif base == _CONTACT:
            # No words here: "open" and "on" would be turned around as well.
            shut = float(value) if isinstance(value, bool) else number(value, name)
            yield f"door{place}", 1.0 - shut
        elif name == "voltage":
            volts = number(value, name)
            if message.keys() & {"battery", "battery_low"} or volts >= _MILLIVOLTS:
                yield "battery", volts / 1000
            else:
                yield "voltage", volts
