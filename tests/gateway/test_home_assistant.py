"""What Home Assistant is told: entities by its discovery, and their states."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from devices.reading import QUANTITIES, DeviceKey
from gateway.home_assistant import Ours, Told, configs, object_id, state
from gateway.live import Seen
from rules.status import Status

OURS = Ours("roof", "holdwatch/roof", "homeassistant")
FRIDGE = DeviceKey("", "fridge-1")
STATE = "holdwatch/roof/devices/fridge-1"


def told(*channels: str, about: Told | None = None) -> dict[str, dict[str, Any]]:
    found = configs(OURS, FRIDGE, channels, about or Told())
    return {topic: json.loads(message) for topic, message in found.items()}


def test_a_channel_is_a_sensor_with_its_unit_and_class() -> None:
    config = told("temperature.return_air")[
        "homeassistant/sensor/holdwatch_roof_fridge-1_temperature_return_air/config"
    ]
    assert config["state_topic"] == STATE
    assert config["value_template"] == "{{ value_json['temperature.return_air'] }}"
    assert (config["unit_of_measurement"], config["device_class"]) == ("°C", "temperature")
    assert (config["state_class"], config["name"]) == ("measurement", "Temperature return air")
    assert config["unique_id"] == "holdwatch_roof_fridge-1_temperature_return_air"
    assert config["device"] == {"identifiers": ["holdwatch_roof_fridge-1"], "name": "fridge-1"}


@pytest.mark.parametrize(
    ("channel", "component", "device_class", "unit"),
    [
        ("humidity", "sensor", "humidity", "%"),
        ("pressure", "sensor", "atmospheric_pressure", "hPa"),
        ("battery", "sensor", "voltage", "V"),
        ("battery_level", "sensor", "battery", "%"),
        ("door", "binary_sensor", "door", None),
        ("leak", "binary_sensor", "moisture", None),
        ("motion", "sensor", None, None),
        ("acceleration.x", "sensor", None, "g"),
    ],
)
def test_quantities_are_what_home_assistant_calls_them(
    channel: str, component: str, device_class: str | None, unit: str | None
) -> None:
    name = f"holdwatch_roof_fridge-1_{channel.replace('.', '_')}"
    config = told(channel)[f"homeassistant/{component}/{name}/config"]
    assert (config.get("device_class"), config.get("unit_of_measurement")) == (device_class, unit)


def test_every_quantity_can_be_told() -> None:
    places = {"latitude", "longitude"}
    assert len(told(*(set(QUANTITIES) - places))) == len(QUANTITIES) - len(places) + 1


def test_an_alert_is_a_problem_that_does_not_expire() -> None:
    found = told("temperature", about=Told("Fridge", "Kitchen", "Dragino", "LHT65", 90_000))
    alert = found["homeassistant/binary_sensor/holdwatch_roof_fridge-1_alert/config"]
    assert alert["device_class"] == "problem"
    assert "expire_after" not in alert
    temperature = found["homeassistant/sensor/holdwatch_roof_fridge-1_temperature/config"]
    assert temperature["expire_after"] == 90
    assert temperature["device"] == {
        "identifiers": ["holdwatch_roof_fridge-1"],
        "name": "Fridge",
        "manufacturer": "Dragino",
        "model": "LHT65",
        "suggested_area": "Kitchen",
    }


def test_a_position_is_a_tracker() -> None:
    found = told("latitude", "longitude", "temperature")
    tracker = found["homeassistant/device_tracker/holdwatch_roof_fridge-1_position/config"]
    assert tracker["json_attributes_topic"] == STATE
    assert not any("latitude" in topic for topic in found)


def test_two_devices_never_are_one_there() -> None:
    keys = ["a_b", "a-b", "a b", "ä", "a.b", "a_20_b", "acme/a"]
    names = {object_id(OURS, DeviceKey("", key)) for key in keys}
    assert len(names) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)


@pytest.mark.parametrize(
    ("severities", "grave"),
    [((), ""), (("warning",), "warning"), (("info", "critical"), "critical")],
)
def test_a_state_holds_all_channels_and_the_gravest_alert(
    severities: tuple[str, ...], grave: str
) -> None:
    rules = tuple(
        Status("r", "v", "threshold", one, "temperature", "firing", 1, 9.0, 9.0, 1, 1, None, "x")
        for one in severities
    )
    seen = Seen("", "fridge-1", 5, 6, 0, ("temperature",), (9.0,), rules, False)  # noqa: FBT003 - by place
    values = {"humidity": 40.0, "temperature": 9.0, "co2": None}
    assert json.loads(state(values, seen)) == {
        "humidity": 40.0,
        "temperature": 9.0,
        "co2": None,
        "time": 5,
        "alert": grave,
    }
