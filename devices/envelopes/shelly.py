"""Shelly devices of the second generation and later: their notifications over MQTT.

Source: Shelly's API documentation, "Gen2+ Device API": MQTT, Notifications, and the components
Temperature, Humidity, DevicePower, Flood, Illuminance, Voltmeter, Switch, PM1, EM and EM1.
Topics `<prefix>/events/rpc`, with the time in `params.ts`, and `<prefix>/status/<component>`, if
that is switched on, without a time. The prefix is the device's id, such as
`shellyhtg3-dc5475c0ffee`; where somebody chose another one the settings map it.

A notification holds what has changed, and only a full status all of it. The first of several
components of a kind gives the channel without a place: `temperature:0` is `temperature`,
`temperature:100` is `temperature.100`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devices.device import Decode, DecodeError, Origin, check_device_id
from devices.envelopes.document import Document, describe, moment, number, parse_object
from devices.envelopes.mapping import Mapping
from devices.envelopes.measured import made, naming, nothing, truth
from devices.reading import DeviceKey, Reading
from devices.recognition import Recognition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOPIC = re.compile(r"(?P<device>shelly[a-z0-9]+-[0-9a-f]{12})/(?P<rest>.+)", re.DOTALL)
_UNDERSTOOD = re.compile(r"online|announce|info|rpc|command(/.*)?|events/.*|status|debug/.*")
"""Topics of the device that carry no measurement."""
_STATUS = "status/"
_RPC = "events/rpc"
_COMPONENT = re.compile(r"([a-z0-9_]+):(\d{1,4})")

_NAMES = {
    "shellyhtg3": "Shelly H&T Gen3",
    "shellyplusht": "Shelly Plus H&T",
    "shellyfloodg4": "Shelly Flood Gen4",
    "shellyplusuni": "Shelly Plus Uni",
    "shellyplus1": "Shelly Plus 1",
    "shellyplus1pm": "Shelly Plus 1PM",
    "shellyplugsg3": "Shelly Plug S Gen3",
    "shellyplusplugs": "Shelly Plus Plug S",
    "shelly1g3": "Shelly 1 Gen3",
    "shelly1pmg3": "Shelly 1PM Gen3",
    "shelly1minig3": "Shelly 1 Mini Gen3",
    "shellypmminig3": "Shelly PM Mini Gen3",
    "shellypro3em": "Shelly Pro 3EM",
    "shellyproem50": "Shelly Pro EM-50",
}


class Shelly:
    """Shelly devices, each on topics of its own."""

    name = "shelly"

    def __init__(
        self, recognition: Recognition | None = None, mapping: Mapping | None = None
    ) -> None:
        self._mapping = mapping
        self._pattern = mapping.pattern if mapping is not None else _TOPIC
        self._recognition = recognition or Recognition()

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one device's notifications, or of one component's status."""
        match = self._pattern.fullmatch(topic)
        rest = match["rest"] if match is not None else None
        if match is None or not rest:
            return None
        named = self._mapping.device if self._mapping is not None else ""
        key = DeviceKey(origin.owner, check_device_id(named or match["device"]))
        device = _Device(key, origin.source, self._recognition, own=self._mapping is None)
        if rest == _RPC:
            return naming(key, device.notification)
        component = rest.removeprefix(_STATUS)
        if component != rest and _COMPONENT.fullmatch(component):
            return naming(key, device.status_of(component))
        if component != rest or _UNDERSTOOD.fullmatch(rest):
            return nothing
        return None


class _Device:
    __slots__ = ("_key", "_own", "_recognition", "_source")

    def __init__(self, key: DeviceKey, source: str, recognition: Recognition, *, own: bool) -> None:
        self._key = key
        self._source = source
        self._recognition = recognition
        self._own = own

    def notification(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode what comes on `events/rpc`. An event, such as a button's, gives no reading."""
        message = parse_object(payload)
        source, method, params = (message.get(key) for key in ("src", "method", "params"))
        if not isinstance(method, str) or not isinstance(params, dict):
            raise DecodeError(
                "no-notification",
                f"'method' is {describe(method)} and 'params' is {describe(params)}",
                "Check who publishes here: a Shelly sends a text and an object",
            )
        if self._own and source != self._key.id:
            raise DecodeError(
                "device-mismatch",
                f"'src' is {describe(source)}, but the topic is of {self._key.id}",
                "Check who publishes here: a Shelly itself never sends the two apart",
            )
        self._note(source)
        if method not in {"NotifyStatus", "NotifyFullStatus"}:
            return []
        return self._readings(params, moment(params.get("ts"), "s", "ts"), received, flags)

    def status_of(self, component: str) -> Decode:
        """Return the decoder of one component's status."""

        def decode(payload: bytes, received: int, flags: int) -> list[Reading]:
            self._note(self._key.id)
            return self._readings({component: parse_object(payload)}, None, received, flags)

        return decode

    def _note(self, source: object) -> None:
        kind = source.partition("-")[0] if isinstance(source, str) else ""
        if kind.startswith("shelly"):
            what = _NAMES.get(kind, f"a Shelly ({kind[:40]})")
            why = f'its id begins with "{kind[:40]}-"'
            self._recognition.note(self._key, what, why, self._source)

    def _readings(
        self, components: Document, at: int | None, received: int, flags: int
    ) -> list[Reading]:
        channels: dict[str, float] = {}
        for name, status in components.items():
            match = _COMPONENT.fullmatch(name)
            find = _COMPONENTS.get(match[1]) if match is not None else None
            if match is None or find is None or not isinstance(status, dict):
                continue
            place = "" if match[2] == "0" else match[2]
            channels.update((_placed(channel, place), value) for channel, value in find(status))
        if not channels:
            return []
        # How well it hears its access point is worth keeping, and no reason for a reading.
        wifi = components.get("wifi")
        if isinstance(wifi, dict) and wifi.get("rssi") is not None:
            channels["signal"] = number(wifi["rssi"], "wifi.rssi")
        reading = made(
            self._key, channels, at=at, received=received, flags=flags, source=self._source
        )
        return [reading]


def _placed(channel: str, place: str) -> str:
    if not place:
        return channel
    return f"{channel}_{place}" if "." in channel else f"{channel}.{place}"


def _plain(channel: str, key: str) -> Callable[[Document], Iterator[tuple[str, float]]]:
    """Return what finds one number; null is a sensor that could not be read."""

    def find(status: Document) -> Iterator[tuple[str, float]]:
        if key in status:
            yield channel, number(status[key], key)

    return find


def _flood(status: Document) -> Iterator[tuple[str, float]]:
    if "alarm" in status:
        yield "leak", truth(status["alarm"], "alarm")


def _power(status: Document) -> Iterator[tuple[str, float]]:
    external, battery = status.get("external"), status.get("battery")
    # On external power it measures an empty compartment: near 0 V, and no battery is low.
    if isinstance(external, dict) and external.get("present"):
        return
    if isinstance(battery, dict):
        for key, channel in (("V", "battery"), ("percent", "battery_level")):
            if battery.get(key) is not None:
                yield channel, number(battery[key], f"battery.{key}")


def _meter(status: Document) -> Iterator[tuple[str, float]]:
    for key, channel in (
        ("apower", "power"),
        ("act_power", "power"),
        ("voltage", "voltage"),
        ("current", "current"),
    ):
        if status.get(key) is not None:
            yield channel, number(status[key], key)
    total = _inner(status, "aenergy", "total")
    if total is not None:
        yield "energy", number(total, "aenergy.total") / 1000
    # That of the relay, not of what it switches.
    warm = _inner(status, "temperature", "tC")
    if warm is not None:
        yield "temperature.device", number(warm, "temperature.tC")


def _three_phases(status: Document) -> Iterator[tuple[str, float]]:
    for phase in "abc":
        for key, channel in (
            ("act_power", "power"),
            ("voltage", "voltage"),
            ("current", "current"),
        ):
            value = status.get(f"{phase}_{key}")
            if value is not None:
                yield f"{channel}.{phase}", number(value, f"{phase}_{key}")
    for key, channel in (("total_act_power", "power"), ("total_current", "current")):
        if status.get(key) is not None:
            yield channel, number(status[key], key)


def _energy(key: str) -> Callable[[Document], Iterator[tuple[str, float]]]:
    def find(status: Document) -> Iterator[tuple[str, float]]:
        if status.get(key) is not None:
            yield "energy", number(status[key], key) / 1000

    return find


def _inner(status: Document, outer: str, key: str) -> Any:  # noqa: ANN401 - JSON is anything until it is looked at
    inner = status.get(outer)
    return inner.get(key) if isinstance(inner, dict) else None


_COMPONENTS: dict[str, Callable[[Document], Iterator[tuple[str, float]]]] = {
    "temperature": _plain("temperature", "tC"),
    "humidity": _plain("humidity", "rh"),
    "illuminance": _plain("illuminance", "lux"),
    "voltmeter": _plain("voltage", "voltage"),
    "devicepower": _power,
    "flood": _flood,
    "switch": _meter,
    "cover": _meter,
    "light": _meter,
    "pm1": _meter,
    "em1": _meter,
    "em": _three_phases,
    "em1data": _energy("total_act_energy"),
    "emdata": _energy("total_act"),
}
"""What a component's status holds of measurements."""
