"""Devices and alerts in Home Assistant, by its MQTT discovery: they appear there by themselves.

Of each device its channels are sensors, what opens and shuts a binary sensor, and one more binary
sensor says whether any rule has raised an alert. What Home Assistant shall know of them is
retained, and so is the newest state, so that it finds both after a restart of its own.

Source: Home Assistant's documentation, "MQTT discovery", "MQTT sensor", "MQTT binary sensor" and
"MQTT device tracker"; device classes and units from "Sensor" and "Binary sensor".
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import aiomqtt
import msgspec
import structlog

from devices.reading import QUANTITIES, DeviceKey
from gateway import __version__
from gateway.brokers import publishing_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gateway.live import Live, Seen
    from gateway.mqtt.subscriber import BrokerSettings

log = structlog.get_logger()

EVERY = 10.0
"""Seconds between two states of one device, at least, unless its alert changes."""
AGAIN = 5.0
"""Seconds until the next attempt when the broker did not take what we publish."""
TIMEOUT = 10

_CLASSES = {
    "temperature": "temperature",
    "set_point": "temperature",
    "humidity": "humidity",
    "pressure": "atmospheric_pressure",
    "illuminance": "illuminance",
    "voltage": "voltage",
    "battery": "voltage",
    "battery_level": "battery",
    "signal": "signal_strength",
    "co2": "carbon_dioxide",
    "speed": "speed",
    "moisture": "moisture",
    "tvoc": "volatile_organic_compounds_parts",
    "sound": "sound_pressure",
    "distance": "distance",
    "duration": "duration",
    "current": "current",
    "power": "power",
    "energy": "energy",
}
_BINARY = {"door": "door", "leak": "moisture", "tamper": "tamper", "occupancy": "occupancy"}
_DIAGNOSTIC = frozenset({"battery", "battery_level", "signal"})
_UNITS = {"%RH": "%"}
_PLACE = frozenset({"latitude", "longitude"})
PROBLEM = "alert"
"""The key of a state that says how grave the gravest alert is, "" where there is none."""


class Told(NamedTuple):
    """What people say of a device, empty where nobody does."""

    name: str = ""
    area: str = ""
    maker: str = ""
    model: str = ""
    holds: int = 0
    """ms that a value holds; 0 where nobody knows."""


class Ours(NamedTuple):
    """What all that we publish there has in common."""

    box: str
    prefix: str
    """Beginning of the topics of states."""
    discovery: str
    """Beginning of the topics that Home Assistant discovers by, `homeassistant` as shipped."""


def object_id(ours: Ours, device: DeviceKey) -> str:
    """Return the device's name in Home Assistant's topics: letters, digits, _ and - alone.

    Where other signs had to give way, their code stands in their place, so that two devices never
    become one.
    """
    name = re.sub(r"[^A-Za-z0-9-]", lambda found: _escaped(found.group()), str(device))
    return f"holdwatch_{ours.box}_{name}"


def _escaped(sign: str) -> str:
    return "__" if sign == "_" else f"_{ord(sign):x}_"


def state_topic(ours: Ours, device: DeviceKey) -> str:
    """Return where the device's newest state is published."""
    return f"{ours.prefix}/devices/{device}"


def state(values: Mapping[str, float | None], seen: Seen) -> bytes:
    """Return the state of a device as JSON: all its channels, and how grave its worst alert is."""
    return msgspec.json.encode({**values, "time": seen.when, PROBLEM: _gravity(seen)})


def _gravity(seen: Seen) -> str:
    """Return how grave the gravest alert of a device is, "" where there is none."""
    firing = [one.severity for one in seen.rules or () if one.state == "firing"]
    return next((one for one in ("critical", "warning", "info") if one in firing), "")


def configs(ours: Ours, device: DeviceKey, channels: Iterable[str], told: Told) -> dict[str, bytes]:
    """Return what Home Assistant shall know of a device: topic → message, both retained."""
    name = object_id(ours, device)
    shared: dict[str, Any] = {
        "state_topic": state_topic(ours, device),
        "origin": {"name": "Holdwatch", "sw": __version__},
        "device": _device(ours, device, told),
    }
    if told.holds:
        shared["expire_after"] = told.holds // 1000
    found: dict[str, dict[str, Any]] = {}
    given = list(channels)
    for channel in given:
        quantity, _, _ = channel.partition(".")
        if quantity in _PLACE:
            continue
        component = "binary_sensor" if quantity in _BINARY else "sensor"
        told_of = _binary(channel) if quantity in _BINARY else _sensor(channel)
        entity = f"{name}_{_slug(channel)}"
        topic = f"{ours.discovery}/{component}/{entity}/config"
        found[topic] = shared | told_of | {"unique_id": entity}
    problem = {
        "name": "Alert",
        "unique_id": f"{name}_{PROBLEM}",
        "device_class": "problem",
        "value_template": "{{ 'ON' if value_json." + PROBLEM + " else 'OFF' }}",
        "json_attributes_topic": shared["state_topic"],
    }
    without_end = {key: value for key, value in shared.items() if key != "expire_after"}
    found[f"{ours.discovery}/binary_sensor/{name}_{PROBLEM}/config"] = without_end | problem
    if set(given) >= _PLACE:
        place = {
            "name": None,
            "unique_id": f"{name}_position",
            "json_attributes_topic": shared["state_topic"],
        }
        del without_end["state_topic"]
        found[f"{ours.discovery}/device_tracker/{name}_position/config"] = without_end | place
    return {topic: msgspec.json.encode(config) for topic, config in found.items()}


def _slug(channel: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", channel)


def _words(channel: str) -> str:
    """Return `temperature.return_air` as "Temperature return air"."""
    return channel.replace(".", " ").replace("_", " ").capitalize()


def _value(channel: str) -> str:
    return f"value_json['{channel}']"


def _sensor(channel: str) -> dict[str, Any]:
    quantity = QUANTITIES[channel.partition(".")[0]]
    config: dict[str, Any] = {
        "name": _words(channel),
        "value_template": "{{ " + _value(channel) + " }}",
        "state_class": "total_increasing" if quantity.name == "energy" else "measurement",
    }
    if quantity.unit:
        config["unit_of_measurement"] = _UNITS.get(quantity.unit, quantity.unit)
    if quantity.name in _CLASSES:
        config["device_class"] = _CLASSES[quantity.name]
    if quantity.name in _DIAGNOSTIC:
        config["entity_category"] = "diagnostic"
    return config


def _binary(channel: str) -> dict[str, Any]:
    return {
        "name": _words(channel),
        "device_class": _BINARY[channel.partition(".")[0]],
        "value_template": "{{ 'ON' if " + _value(channel) + " | float(0) > 0 else 'OFF' }}",
    }


def _device(ours: Ours, device: DeviceKey, told: Told) -> dict[str, Any]:
    known = {
        "identifiers": [object_id(ours, device)],
        "name": told.name or str(device),
        "manufacturer": told.maker,
        "model": told.model,
        "suggested_area": told.area,
    }
    return {key: value for key, value in known.items() if value}


class HomeAssistant:
    """Publishes to one broker."""

    def __init__(
        self,
        broker: BrokerSettings,
        ours: Ours,
        live: Live,
        devices: Callable[[], Iterable[DeviceKey]],
        told: Callable[[DeviceKey], Told] = lambda _device: Told(),
    ) -> None:
        """`devices` returns every device there is; `told` what people say of one."""
        self.name = f"home-assistant:{broker.name}"
        self.problem: str | None = None
        """Why nothing is published now, None while it is."""
        self._broker = broker
        self._ours = ours
        self._live = live
        self._devices = devices
        self._told = told
        self._told_gravity: dict[DeviceKey, str] = {}
        self._known: dict[DeviceKey, tuple[dict[str, float | None], Told]] = {}

    async def run(self) -> None:
        """Publish how every device stands and what changes, for ever; again after each failure."""
        while True:
            try:
                async with publishing_client(self._broker, "home", TIMEOUT) as client:
                    self._known.clear()
                    self._told_gravity.clear()
                    self.problem = None
                    await self._publish(client)
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                if self.problem is None:
                    log.warning("not published", name=self.name, problem=str(error))
                self.problem = str(error)
                await asyncio.sleep(AGAIN)

    async def _publish(self, client: aiomqtt.Client) -> None:
        waiting: dict[DeviceKey, Seen] = {}
        loop = asyncio.get_running_loop()
        due = loop.time()
        async for part in self._live.watch(self._devices()):
            for one in part.devices:
                device = DeviceKey(one.owner, one.id)
                waiting[device] = one
                if _gravity(one) != self._told_gravity.get(device, ""):
                    # An alert waits for nothing.
                    await self._tell(client, device, waiting.pop(device))
            if part.more or loop.time() < due:
                continue
            due = loop.time() + EVERY
            told, waiting = waiting, {}
            for device, seen in told.items():
                await self._tell(client, device, seen)

    async def _tell(self, client: aiomqtt.Client, device: DeviceKey, seen: Seen) -> None:
        if seen.when is None:
            return
        told = self._told(device)
        values, said = self._known.get(device, ({}, None))
        # Not every message holds every channel: Home Assistant is given them all each time.
        newer = values | dict(zip(seen.channels, seen.values, strict=True))
        if said != told or newer.keys() != values.keys():
            for topic, config in configs(self._ours, device, sorted(newer), told).items():
                await client.publish(topic, config, qos=1, retain=True)
        self._known[device] = newer, told
        self._told_gravity[device] = _gravity(seen)
        topic = state_topic(self._ours, device)
        await client.publish(topic, state(newer, seen), qos=1, retain=True)
