"""Tasmota: what its sensors say.

Source: Tasmota's documentation, "MQTT", "Commands" (TelePeriod, SetOption8, SetOption24,
SetOption52) and the page of each sensor. Topics `tele/<topic>/SENSOR`; `STATE`, `LWT`, `INFO`,
and results under `stat/` hold no measurement. Another full topic is mapped in the settings.

`Time` is the device's local time, as a rule without its offset from UTC: which hour it means
nobody can know (twice a year not even who knows the zone), so the time of arrival counts. With
the offset (`SetOption52 1`) it is the time of the reading.

A message holds an object for each sensor. If one alone measures a quantity, its channel is the
quantity; else, and where the sensor's name carries a number (`DS18B20-2`), the name is the place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.device import Decode, DecodeError, Origin, check_device_id
from devices.envelopes.document import Document, describe, instant, number, parse_object
from devices.envelopes.mapping import Mapping
from devices.envelopes.measured import made, naming, nothing, place_of
from devices.reading import DeviceKey, Reading
from devices.recognition import Recognition
from devices.units import SAME, Conversion, conversion

if TYPE_CHECKING:
    from collections.abc import Iterator

_TELE = re.compile(r"tele/(?P<device>[^/]+)/(?P<kind>[A-Z]+\d*)")
_OTHERS = re.compile(r"(?:stat|cmnd)/[^/]+/[A-Za-z]+\d*|tasmota/discovery/[^/]+/\w+")
_OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)$")

_KEYS = {
    "Temperature": "temperature",
    "ProbeTemperature": "temperature",
    "Humidity": "humidity",
    "Pressure": "pressure",
    "Illuminance": "illuminance",
    "CarbonDioxide": "co2",
    "TVOC": "tvoc",
    "Moisture": "moisture",
    "Distance": "distance",
    "Battery": "battery_level",
    "Power": "power",
    "Voltage": "voltage",
    "Current": "current",
    "Total": "energy",
}
"""Of several for one quantity the first counts: a thermocouple's probe before its reference."""
_UNITS = {"distance": "cm"}
_OF_THE_CHIP = frozenset({"ESP32"})
"""Not sensors of anything: how warm the processor is."""
_NUMBERED = re.compile(r".*[-_](?:\d+|0x[0-9A-Fa-f]+|[0-9A-Fa-f]{6,})")
_PRESSURES = {"mmHg": Conversion(0.0, 1.33322387415), "inHg": Conversion(0.0, 33.8638866667)}
"""Barometers' units, which nobody else sends."""

_Values = dict[str, dict[str, float]]
"""Channel → sensor → value."""


class Tasmota:
    """Sensors of Tasmota's devices."""

    name = "tasmota"

    def __init__(
        self, recognition: Recognition | None = None, mapping: Mapping | None = None
    ) -> None:
        self._mapping = mapping
        self._pattern = mapping.pattern if mapping is not None else _TELE
        self._recognition = recognition or Recognition()

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one device's telemetry."""
        match = self._pattern.fullmatch(topic)
        if match is None:
            return nothing if self._mapping is None and _OTHERS.fullmatch(topic) else None
        if topic.rpartition("/")[2] != "SENSOR":
            return nothing
        named = self._mapping.device if self._mapping is not None else ""
        key = DeviceKey(origin.owner, check_device_id(named or match["device"]))
        return naming(key, _Device(key, origin.source, self._recognition).decode)


class _Device:
    __slots__ = ("_key", "_recognition", "_source")

    def __init__(self, key: DeviceKey, source: str, recognition: Recognition) -> None:
        self._key = key
        self._source = source
        self._recognition = recognition

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one `SENSOR` message. One that holds but switches gives no reading."""
        message = parse_object(payload)
        values = _values(message)
        channels = dict(_channels(values))
        if not channels:
            return []
        sensors = sorted({name for of in values.values() for name in of} - _OF_THE_CHIP)
        what = f"Tasmota with {', '.join(sensors)}" if sensors else "Tasmota"
        why = "it publishes SENSOR as Tasmota does"
        self._recognition.note(self._key, what[:100], why, self._source)
        return [
            made(
                self._key,
                channels,
                at=_time(message.get("Time")),
                received=received,
                flags=flags,
                source=self._source,
            )
        ]


def _time(text: object) -> int | None:
    if text is None or (isinstance(text, str) and not _OFFSET.search(text)):
        return None
    if isinstance(text, str):
        return instant(text, "Time")
    raise DecodeError("bad-time", f"'Time' is {describe(text)}, not a text", "Check who sends here")


def _values(message: Document) -> _Values:
    found: _Values = {}
    for sensor, said in message.items():
        if not isinstance(said, dict):
            continue
        own: set[str] = set()
        for key, channel in _KEYS.items():
            if key not in said or channel in own:
                continue
            own.add(channel)
            convert = _conversion(message, channel)
            value = said[key]
            for number_, one in enumerate(value, 1) if isinstance(value, list) else [(0, value)]:
                name = f"{sensor}-{number_}" if number_ else sensor
                found.setdefault(channel, {})[name] = convert.of(number(one, f"{sensor}.{key}"))
    return found


def _conversion(message: Document, channel: str) -> Conversion:
    if channel in _UNITS:
        return conversion(channel, _UNITS[channel]) or SAME
    key = {"temperature": "TempUnit", "pressure": "PressureUnit"}.get(channel)
    unit = message.get(key) if key is not None else None
    if unit is None:
        return SAME
    found = None
    if isinstance(unit, str):
        found = _PRESSURES.get(unit) if channel == "pressure" else None
        found = found or conversion(channel, unit)
    if found is None:
        raise DecodeError(
            "unknown-unit",
            f"{key!r} is {describe(unit)}, which {channel} cannot have",
            "Set SetOption8 0 (Celsius) and SetOption24 0 (hPa) on the device",
        )
    return found


def _channels(values: _Values) -> Iterator[tuple[str, float]]:
    for channel, of in values.items():
        alone = len(of.keys() - _OF_THE_CHIP) == 1
        for sensor, value in of.items():
            if sensor in _OF_THE_CHIP:
                yield f"{channel}.device", value
            elif alone and not _NUMBERED.fullmatch(sensor):
                yield channel, value
            else:
                yield f"{channel}.{place_of(sensor)}", value
