"""Zigbee2MQTT: devices as its documentation shows them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Decode, DecodeError, Origin
from devices.envelopes.mapping import Mapping
from devices.envelopes.zigbee2mqtt import Zigbee2Mqtt
from devices.reading import ARRIVAL, DeviceKey, Reading
from devices.recognition import Recognition

NOW = 1_795_341_600_500
OURS = Origin("acme", "broker")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def bound(name: str = "fridge", recognition: Recognition | None = None) -> Decode:
    decode = Zigbee2Mqtt(recognition).bind(f"zigbee2mqtt/{name}", OURS)
    assert decode is not None
    return decode


def channels(made: Reading) -> dict[str, float]:
    return dict(zip(made.layout.channels, made.values, strict=True))


SAID = [
    ({"temperature": 27.34, "humidity": 44.72}, {"temperature": 27.34, "humidity": 44.72}),
    (  # Aqara WSDCGQ11LM
        {
            "battery": 97,
            "humidity": 61.1,
            "linkquality": 105,
            "pressure": 1008.2,
            "temperature": 4.31,
            "voltage": 2995,
            "power_outage_count": 12,
        },
        {
            "battery_level": 97.0,
            "humidity": 61.1,
            "pressure": 1008.2,
            "temperature": 4.31,
            "battery": 2.995,
        },
    ),
    (
        {"contact": True, "battery": 100, "voltage": 3005},
        {"door": 0, "battery_level": 100, "battery": 3.005},
    ),
    ({"contact": False}, {"door": 1.0}),
    ({"water_leak": True, "battery_low": False, "tamper": False}, {"leak": 1.0, "tamper": 0.0}),
    (
        {"occupancy": True, "illuminance": 12, "illuminance_lux": 3},
        {"occupancy": 1.0, "illuminance": 3.0},
    ),
    ({"illuminance": 120}, {"illuminance": 120.0}),
    ({"vibration": True, "angle_x": -3, "action": "tilt"}, {"motion": 1.0, "tilt.x": -3.0}),
    (
        {"state": "ON", "power": 41.5, "voltage": 231, "current": 0.18, "energy": 12.3},
        {"power": 41.5, "voltage": 231.0, "current": 0.18, "energy": 12.3},
    ),
    ({"voltage": 3000, "soil_moisture": 31}, {"battery": 3.0, "moisture": 31.0}),
    ({"co2": 612, "voc": 90}, {"co2": 612.0, "tvoc": 90.0}),
    (
        {"temperature": 20, "temperature_probe": -18.5, "temperature_calibration": 1.5},
        {"temperature": 20.0, "temperature.probe": -18.5},
    ),
    ({"temperature_l1": 1, "temperature_2": 2}, {"temperature.l1": 1.0, "temperature.2": 2.0}),
    (
        {"local_temperature": 19, "occupied_heating_setpoint": 21},
        {"temperature": 19.0, "set_point": 21.0},
    ),
    ({"temperature": None, "humidity": 40}, {"humidity": 40.0}),
]


@pytest.mark.parametrize(("message", "expected"), SAID, ids=lambda one: ",".join(one)[:40])
def test_what_devices_say_becomes_channels(
    message: dict[str, object], expected: dict[str, float]
) -> None:
    (made,) = bound()(json.dumps(message).encode(), NOW, 0)
    assert channels(made) == expected
    assert (made.device, made.at, made.flags) == (DeviceKey("acme", "fridge"), NOW, ARRIVAL)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"action": "single", "linkquality": 105}',
        b'{"state": "ON", "brightness": 215, "color": {"x": 0.3, "y": 0.3}}',
        b'{"temperature": null, "humidity": null}',
        b"{}",
        b"",
    ],
)
def test_a_message_without_a_value_is_understood(payload: bytes) -> None:
    assert bound()(payload, NOW, 0) == []


@pytest.mark.parametrize(
    "seen",
    ["2026-11-22T10:00:00.123Z", "2026-11-22T11:00:00.123+01:00", 1_795_341_600_123],
)
def test_last_seen_is_the_time_in_each_of_its_formats(seen: object) -> None:
    payload = json.dumps({"temperature": 4, "last_seen": seen}).encode()
    (made,) = bound()(payload, NOW, 0)
    assert (made.at, made.flags) == (1_795_341_600_123, 0)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("kitchen/fridge", "kitchen:fridge"),
        ("Cold room 1", "Cold%20room%201"),
        ("0x00158d00045b2b4c", "0x00158d00045b2b4c"),
        ("settings", "settings"),
    ],
)
def test_a_friendly_name_becomes_an_id(name: str, device: str) -> None:
    (made,) = bound(name)(b'{"temperature": 4}', NOW, 0)
    assert made.device.id == device


@pytest.mark.parametrize(
    "payload",
    [b"online", b"offline", b'{"state":"online"}', b'{"state":"offline"}', b'"online"', b""],
)
@pytest.mark.parametrize("name", ["fridge/availability", "kitchen/fridge/availability"])
def test_availability_is_understood(name: str, payload: bytes) -> None:
    assert bound(name)(payload, NOW, 0) == []


@pytest.mark.parametrize(
    "payload", [b"away", b'{"temperature": 4}', b"[", b'{"state":1}', b'{"state":{}}', b"\xff"]
)
def test_an_availability_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        bound("fridge/availability")(payload, NOW, 0)
    assert caught.value.device == "acme/fridge"


@pytest.mark.parametrize(
    "name",
    ["bridge/state", "bridge/devices", "bridge", "fridge/set", "kitchen/fridge/set/state", "a/get"],
)
@pytest.mark.parametrize("payload", [b"online", b'[{"temperature": 4}]', b"\xff", b""])
def test_the_bridges_own_and_commands_carry_no_reading(name: str, payload: bytes) -> None:
    assert bound(name)(payload, NOW, 0) == []


def test_other_topics_are_not_its_own_unless_mapped() -> None:
    assert Zigbee2Mqtt().bind("zigbee2mqtt", OURS) is None
    assert Zigbee2Mqtt().bind("zigbee/fridge", OURS) is None
    mapped = Zigbee2Mqtt(mapping=Mapping(topic="site/z2m/#", format="zigbee2mqtt"))
    decode = mapped.bind("site/z2m/hall/fridge", OURS)
    assert decode is not None
    assert decode(b'{"temperature": 4}', NOW, 0)[0].device.id == "hall:fridge"
    assert mapped.bind("zigbee2mqtt/fridge", OURS) is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"21.5", "not-an-object"),
        (b"[]", "not-an-object"),
        (b'"x"', "not-an-object"),
        (b"{", "not-json"),
        (b'{"temperature": "warm"}', "not-a-number"),
        (b'{"contact": "open"}', "not-a-number"),
        (b'{"water_leak": "maybe"}', "not-a-state"),
        (b'{"temperature": 4, "last_seen": "2026-11-22T10:00:00"}', "no-time-zone"),
        (b'{"temperature": 4, "last_seen": []}', "bad-time"),
    ],
)
def test_what_is_wrong_is_refused_and_tells_the_device(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        bound()(payload, NOW, 0)
    assert (caught.value.reason, caught.value.device) == (reason, "acme/fridge")


def test_a_device_is_recognised_by_what_the_bridge_says_of_it() -> None:
    recognition = Recognition()
    decode = bound(recognition=recognition)
    key = DeviceKey("acme", "fridge")
    decode(b'{"temperature": 4}', NOW, 0)
    assert recognition.recognised(key) == ("a Zigbee device", "Zigbee2MQTT sends for it")
    about = {
        "friendlyName": "fridge",
        "model": "WSDCGQ11LM",
        "ieeeAddr": "0x00158d00045b2b4c",
        "manufacturerName": "LUMI",
        "powerSource": "Battery",
    }
    decode(json.dumps({"temperature": 4, "device": about}).encode(), NOW, 0)
    assert recognition.recognised(key) == ("LUMI WSDCGQ11LM", "Zigbee2MQTT says so in `device`")


NAMES = st.sampled_from(
    ["temperature", "contact", "voltage", "battery", "last_seen", "device", "water_leak", "x"]
)


@given(
    st.binary(max_size=60) | st.dictionaries(NAMES, JSON).map(lambda one: json.dumps(one).encode()),
    st.sampled_from(["a", "a/availability", "bridge/x"]),
)
def test_random_payloads_raise_nothing_but_a_decode_error(payload: bytes, name: str) -> None:
    try:
        bound(name)(payload, NOW, 0)
    except DecodeError:
        return


@given(st.text(max_size=140))
def test_random_names_raise_nothing_but_a_decode_error(name: str) -> None:
    try:
        Zigbee2Mqtt().bind(f"zigbee2mqtt/{name}", OURS)
    except DecodeError:
        return
