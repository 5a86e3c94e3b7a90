"""SenML in JSON or CBOR: packs of measurements that name themselves.

Source: RFC 8428 (SenML), RFC 8798 (more units), IANA's registry of SenML units, RFC 9039 (device
names `urn:dev:…`). No topic is standard: `senml/#` is taken, others by a mapping in the settings.

A resolved name alone says which device and which channel, however base name and name share it:

- `urn:dev:mac:0024befffe804ff1:humidity`, `urn:dev:ow:10e2073a01080063;temperature`: the device is
  the number, in small letters; what follows behind `:`, `;`, `/` or `_` names the sensor. With the
  other kinds (`urn:dev:ops:32473-Refrigerator-5002`) the device keeps its kind: `ops:32473-…`;
- `2001:db8::2/temperature`: all before the last slash is the device (`device_of` makes it an id);
- `cellar.humidity`, `cellar:humidity`: the same, where what follows the last sign is a channel;
- `temperature`: only a channel. The device is then the last level of the topic.

The unit says the quantity. The sensor's name is the place, unless it only repeats the quantity:
`Cel` and `probe-2` are `temperature.probe-2`, `Cel` and `temp` are `temperature`. Values in units
without a quantity here, texts, data and sums are left out. Records of one device and one time are
one reading. A time that counts from now is marked as one of arrival: the device has no clock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.device import Decode, DecodeError, Origin, check_device_id
from devices.envelopes.mapping import Mapping, is_channel
from devices.envelopes.measured import device_of, made, naming, place_of
from devices.envelopes.senml_pack import Record, records
from devices.reading import ARRIVAL, QUANTITIES, DeviceKey, Reading
from devices.recognition import Recognition

if TYPE_CHECKING:
    from collections.abc import Iterable

_OURS = Mapping(topic="senml/#", format="senml")

_UNITS: dict[str, tuple[str, float, float]] = {
    "Cel": ("temperature", 1.0, 0.0),
    "K": ("temperature", 1.0, -273.15),
    "%RH": ("humidity", 1.0, 0.0),
    "Pa": ("pressure", 0.01, 0.0),
    "hPa": ("pressure", 1.0, 0.0),
    "lx": ("illuminance", 1.0, 0.0),
    "m/s2": ("acceleration", 1 / 9.80665, 0.0),
    "V": ("voltage", 1.0, 0.0),
    "mV": ("voltage", 0.001, 0.0),
    "A": ("current", 1.0, 0.0),
    "mA": ("current", 0.001, 0.0),
    "W": ("power", 1.0, 0.0),
    "kW": ("power", 1000.0, 0.0),
    "J": ("energy", 1 / 3.6e6, 0.0),
    "Wh": ("energy", 0.001, 0.0),
    "kWh": ("energy", 1.0, 0.0),
    "%EL": ("battery_level", 1.0, 0.0),
    "lat": ("latitude", 1.0, 0.0),
    "lon": ("longitude", 1.0, 0.0),
    "m/s": ("speed", 3.6, 0.0),
    "km/h": ("speed", 1.0, 0.0),
    "m": ("distance", 1.0, 0.0),
    "cm": ("distance", 0.01, 0.0),
    "mm": ("distance", 0.001, 0.0),
    "km": ("distance", 1000.0, 0.0),
    "s": ("duration", 1.0, 0.0),
    "ms": ("duration", 0.001, 0.0),
    "min": ("duration", 60.0, 0.0),
    "h": ("duration", 3600.0, 0.0),
    "dB": ("sound", 1.0, 0.0),
    "Bspl": ("sound", 10.0, 0.0),
    "dBm": ("signal", 1.0, 0.0),
    "count": ("count", 1.0, 0.0),
    "ppm": ("co2", 1.0, 0.0),
    "ppb": ("tvoc", 1.0, 0.0),
    "%": ("", 1.0, 0.0),
    "/": ("", 100.0, 0.0),
    "/100": ("", 1.0, 0.0),
    "deg": ("", 1.0, 0.0),
    "rad": ("", 57.29577951308232, 0.0),
}
"""SenML's unit → quantity here, factor, and what is then added. Without a quantity the sensor's
name must say it: a share of something, an angle."""
_SHARES = frozenset({"humidity", "moisture", "oxygen", "battery_level"})
_ANGLES = frozenset({"tilt", "heading"})
_NAMED = {
    "%": _SHARES,
    "/": _SHARES,
    "/100": _SHARES,
    "deg": _ANGLES | {"latitude", "longitude"},
    "rad": _ANGLES,
    # A registered unit, and yet one of several gases.
    "ppm": frozenset({"co2"}),
    "V": frozenset({"battery", "voltage"}),
    "mV": frozenset({"battery", "voltage"}),
    "Cel": frozenset({"temperature", "set_point"}),
    "K": frozenset({"temperature", "set_point"}),
    "count": frozenset({"count", "motion", "occupancy"}),
}
"""Quantities that a sensor's name may choose among; else the unit's own counts."""
_ALIASES = {
    "temp": "temperature",
    "hum": "humidity",
    "rh": "humidity",
    "press": "pressure",
    "lum": "illuminance",
    "light": "illuminance",
    "batt": "battery",
    "battery_voltage": "battery",
    "bat": "battery",
    "lat": "latitude",
    "lon": "longitude",
    "rssi": "signal",
    "open": "door",
    "water": "leak",
    "presence": "occupancy",
    "setpoint": "set_point",
}
_URN = re.compile(
    r"urn:dev:(mac|ow):([0-9A-Fa-f]+)(?:[:;/_](.*))?|urn:dev:([a-z]+:[^:;/_]+)(?:[:;/_](.*))?"
)
_LAST = re.compile(r"(.+?)[-:._]+([^-:._]+)")


class SenML:
    """Packs, whoever sends them."""

    name = "senml"

    def __init__(
        self, recognition: Recognition | None = None, mapping: Mapping | None = None
    ) -> None:
        self._mapping = mapping or _OURS
        self._pattern = self._mapping.pattern
        self._recognition = recognition or Recognition()

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one topic's packs."""
        match = self._pattern.fullmatch(topic)
        if match is None:
            return None
        fixed = self._mapping.device or match.groupdict().get("device")
        # Asked for only where a pack names no device, so it need not be an id before.
        fallback = topic.rpartition("/")[2] if match.groupdict().get("rest") else ""
        if fixed is not None:
            check_device_id(fixed)
        pack = _Pack(origin, fixed, fallback, self._recognition)
        return naming(DeviceKey(origin.owner, fixed), pack.decode) if fixed else pack.decode


class _Pack:
    __slots__ = ("_fallback", "_fixed", "_origin", "_recognition")

    def __init__(
        self, origin: Origin, fixed: str | None, fallback: str, recognition: Recognition
    ) -> None:
        self._origin = origin
        self._fixed = fixed
        self._fallback = fallback
        self._recognition = recognition

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one pack."""
        found: dict[tuple[bool, int, DeviceKey], dict[str, float]] = {}
        seen: list[Record] = []
        for record in records(payload, received):
            seen.append(record)
            device, sensor = self._device(record.name)
            channel = _channel(record, sensor)
            if channel is None:
                continue
            name, value = channel
            # Times that count from now come first: by the first reading of a message it is told
            # whether a repetition must be known by other means than its times.
            when = (not record.relative, received if record.at is None else record.at, device)
            channels = found.setdefault(when, {})
            if name in channels:
                raise _twice(name, device)
            channels[name] = value
        if not found:
            raise _no_channel(seen)
        return [self._reading(when, found[when], received, flags) for when in sorted(found)]

    def _reading(
        self,
        when: tuple[bool, int, DeviceKey],
        channels: dict[str, float],
        received: int,
        flags: int,
    ) -> Reading:
        absolute, at, device = when
        self._recognition.note(device, "a SenML device", "it sends SenML", self._origin.source)
        return made(
            device,
            channels,
            at=at,
            received=received,
            flags=flags if absolute else flags | ARRIVAL,
            source=self._origin.source,
        )

    def _device(self, name: str) -> tuple[DeviceKey, str]:
        device, sensor = _parts(name)
        if self._fixed is not None:
            # All of the name that is not plainly a device says where it was measured.
            device, sensor = self._fixed, sensor if _URN.fullmatch(name) or sensor else name
        elif device:
            device = device_of(device)
        elif self._fallback:
            device = device_of(self._fallback)
        else:
            raise DecodeError(
                "no-device-id",
                f"the name {name[:60]!r} says what is measured, and not by which device",
                "Send a base name such as urn:dev:mac:0024befffe804ff1: or publish on senml/DEVICE",
            )
        return DeviceKey(self._origin.owner, device), sensor


def _parts(name: str) -> tuple[str, str]:
    """Return the device of a resolved name, and what it calls its sensor; empty: not said."""
    urn = _URN.fullmatch(name)
    if urn is not None:
        if urn[2] is not None:
            return urn[2].lower(), urn[3] or ""
        return urn[4].replace(":", "/", 1), urn[5] or ""
    device, slash, sensor = name.rpartition("/")
    if slash:
        return device, sensor
    if _quantity(name):
        return "", name
    last = _LAST.fullmatch(name)
    return (last[1], last[2]) if last is not None and _quantity(last[2]) else (name, "")


def _quantity(sensor: str) -> str:
    """Return the quantity that a sensor's name says, empty where it says none."""
    low = sensor.lower()
    if is_channel(low):
        return low.partition(".")[0]
    return _ALIASES.get(low, "")


def _channel(record: Record, sensor: str) -> tuple[str, float] | None:
    """Return a record's channel and value, None where there is no quantity for it."""
    said = _quantity(sensor)
    if isinstance(record.value, bool) or not record.unit:
        # Without a unit only what has none can be meant: °C and °F look alike.
        if record.value is None or not said or QUANTITIES[said].unit:
            return None
        return said, float(record.value)
    unit = _UNITS.get(record.unit)
    if record.value is None or unit is None:
        return None
    quantity, factor, added = unit
    allowed = _NAMED.get(record.unit, frozenset({quantity}))
    if said in allowed:
        place = sensor.partition(".")[2]
        return (f"{said}.{place_of(place)}" if place else said), record.value * factor + added
    if not quantity or (record.unit in {"ppm", "ppb"} and sensor):
        return None
    return (f"{quantity}.{place_of(sensor)}" if sensor else quantity), record.value * factor + added


def _twice(channel: str, device: DeviceKey) -> DecodeError:
    error = DecodeError(
        "duplicate-channel",
        f"the pack gives {channel} of {device} twice for the same time",
        "Give each sensor a name of its own, and each record its time",
    )
    error.device = str(device)
    return error


def _no_channel(seen: Iterable[Record]) -> DecodeError:
    units = sorted({record.unit or "none" for record in seen})[:20]
    return DecodeError(
        "no-channel",
        "no record has a unit and name that say a quantity; units seen: "
        f"{', '.join(repr(unit[:20]) for unit in units) or 'none'}",
        f"Send one of the units {', '.join(_UNITS)}, or none for door, leak and the like",
    )
