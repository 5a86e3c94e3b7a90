"""Shelly: notifications as devices and the documentation show them."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Decode, DecodeError, Origin
from devices.envelopes.mapping import Mapping
from devices.envelopes.shelly import Shelly
from devices.reading import ARRIVAL, DeviceKey, Reading
from devices.recognition import Recognition
from tests.devices.test_zigbee2mqtt import JSON

NOW = 1_752_192_303_000
OURS = Origin("acme", "broker")
HT = "shellyhtg3-dc5475c0ffee"
# formats.md's message, with what else a full status holds.
FULL: dict[str, Any] = {
    "ts": 1752192302.55,
    "ble": {},
    "cloud": {"connected": False},
    "devicepower:0": {
        "id": 0,
        "battery": {"V": 5.32, "percent": 65},
        "external": {"present": False},
    },
    "ht_ui": {},
    "humidity:0": {"id": 0, "rh": 58.9},
    "mqtt": {"connected": True},
    "sys": {"mac": "DC5475C0FFEE", "uptime": 3, "wakeup_period": 7200},
    "temperature:0": {"id": 0, "tC": 19.9, "tF": 67.8},
    "wifi": {"sta_ip": "192.0.2.9", "status": "got ip", "rssi": -61},
}


def bound(
    rest: str = "events/rpc", device: str = HT, recognition: Recognition | None = None
) -> Decode:
    decode = Shelly(recognition).bind(f"{device}/{rest}", OURS)
    assert decode is not None
    return decode


def notification(params: object, method: str = "NotifyStatus", device: str = HT) -> bytes:
    return json.dumps(
        {"src": device, "dst": f"{device}/events", "method": method, "params": params}
    ).encode()


def channels(made: Reading) -> dict[str, float]:
    return dict(zip(made.layout.channels, made.values, strict=True))


def test_a_full_status_is_a_reading_at_its_time() -> None:
    (made,) = bound()(notification(FULL, "NotifyFullStatus"), NOW, 0)
    assert channels(made) == {
        "temperature": 19.9,
        "humidity": 58.9,
        "battery": 5.32,
        "battery_level": 65.0,
        "signal": -61.0,
    }
    assert (made.device, made.at, made.flags) == (DeviceKey("acme", HT), 1_752_192_302_550, 0)


def test_on_external_power_there_is_no_battery() -> None:
    powered = {"id": 0, "battery": {"V": 0.43, "percent": 0}, "external": {"present": True}}
    (made,) = bound()(notification(FULL | {"devicepower:0": powered}, "NotifyFullStatus"), NOW, 0)
    assert channels(made) == {"temperature": 19.9, "humidity": 58.9, "signal": -61.0}


COMPONENTS = [
    ({"temperature:0": {"id": 0, "tC": -3.5, "tF": 25.7}}, {"temperature": -3.5}),
    ({"temperature:100": {"id": 100, "tC": 4}}, {"temperature.100": 4.0}),
    ({"humidity:0": {"rh": 60}, "humidity:1": {"rh": 70}}, {"humidity": 60, "humidity.1": 70}),
    ({"flood:0": {"id": 0, "alarm": True, "mute": False}}, {"leak": 1.0}),
    ({"illuminance:0": {"id": 0, "lux": 132, "illumination": "twilight"}}, {"illuminance": 132.0}),
    ({"voltmeter:100": {"id": 100, "voltage": 4.321}}, {"voltage.100": 4.321}),
    (
        {
            "switch:0": {
                "id": 0,
                "output": True,
                "apower": 8.9,
                "voltage": 237.5,
                "current": 0.05,
                "aenergy": {"total": 6532.0, "by_minute": [45.1], "minute_ts": 1626935779},
                "temperature": {"tC": 23.5, "tF": 74.4},
            }
        },
        {
            "power": 8.9,
            "voltage": 237.5,
            "current": 0.05,
            "energy": 6.532,
            "temperature.device": 23.5,
        },
    ),
    ({"switch:1": {"temperature": {"tC": 30}}}, {"temperature.device_1": 30.0}),
    (
        {"pm1:0": {"voltage": 230, "current": 1, "apower": 200, "freq": 50}},
        {"voltage": 230.0, "current": 1.0, "power": 200.0},
    ),
    ({"em1:1": {"act_power": 100.5, "voltage": 229}}, {"power.1": 100.5, "voltage.1": 229.0}),
    (
        {"em:0": {"a_act_power": 1, "b_act_power": 2, "c_voltage": 230, "total_act_power": 3}},
        {"power.a": 1.0, "power.b": 2.0, "voltage.c": 230.0, "power": 3.0},
    ),
    (
        {"emdata:0": {"total_act": 5000}, "em1data:1": {"total_act_energy": 10}},
        {"energy": 5.0, "energy.1": 0.01},
    ),
    ({"devicepower:0": {"battery": {"V": None, "percent": 90}}}, {"battery_level": 90.0}),
]


@pytest.mark.parametrize(("status", "expected"), COMPONENTS, ids=lambda one: ",".join(one)[:40])
def test_what_components_measure_becomes_channels(
    status: dict[str, Any], expected: dict[str, float]
) -> None:
    (made,) = bound()(notification({"ts": 1752192302.55} | status), NOW, 0)
    assert channels(made) == pytest.approx(expected)
    for component, one in status.items() if len(status) == 1 else ():
        (alone,) = bound(f"status/{component}")(json.dumps(one).encode(), NOW, 0)
        assert (channels(alone), alone.flags) == (channels(made), ARRIVAL)


def test_a_sensor_that_could_not_be_read_is_a_missing_value() -> None:
    (made,) = bound()(notification({"temperature:0": {"tC": None, "errors": ["read"]}}), NOW, 0)
    assert math.isnan(made.values[0])


@pytest.mark.parametrize(
    "payload",
    [
        notification({"ts": 1.0, "wifi": {"rssi": -60}}),
        notification({"ts": 1.0, "input:0": {"id": 0, "state": True}, "smoke:0": {"alarm": True}}),
        notification({"ts": 1.0, "temperature:0": None, "temperature:x": {"tC": 4}}),
        notification({"ts": 1.0, "events": [{"component": "input:0"}]}, "NotifyEvent"),
        notification({"ts": 1.0, "switch:0": {"id": 0, "output": True}}),
    ],
)
def test_a_notification_without_a_measurement_is_understood(payload: bytes) -> None:
    assert bound()(payload, NOW, 0) == []


@pytest.mark.parametrize(
    ("rest", "payload"),
    [
        ("online", b"true"),
        ("online", b"false"),
        ("announce", b"{"),
        ("rpc", b'{"id":1}'),
        ("command/switch:0", b"on"),
        ("status/sys", b"{}"),
        ("status/wifi", b'{"rssi":-60}'),
        ("status/input:0", b'{"state":true}'),
        ("debug/log", b"\xff"),
        ("events/ble", b"x"),
    ],
)
def test_what_else_it_publishes_carries_no_measurement(rest: str, payload: bytes) -> None:
    assert bound(rest)(payload, NOW, 0) == []


@pytest.mark.parametrize(
    "topic",
    [
        "shellies/shellyht-A1B2C3/sensor/temperature",
        "shellyhtg3-DC5475C0FFEE/events/rpc",
        "shellyhtg3-dc5475c0ffee",
        f"{HT}/anything",
        "warehouse/cold-1/events/rpc",
    ],
)
def test_topics_of_others_are_left_to_them(topic: str) -> None:
    assert Shelly().bind(topic, OURS) is None


def test_a_prefix_that_somebody_chose_is_mapped() -> None:
    envelope = Shelly(mapping=Mapping(topic="warehouse/{device}/#", format="shelly"))
    decode = envelope.bind("warehouse/cold-1/events/rpc", OURS)
    assert decode is not None
    (made,) = decode(notification(FULL, "NotifyFullStatus"), NOW, 0)
    assert made.device == DeviceKey("acme", "cold-1")
    assert envelope.bind("warehouse/cold-1/nonsense", OURS) is None
    assert envelope.bind("warehouse/cold-1", OURS) is None
    fixed = Shelly(mapping=Mapping(topic="a/b/#", format="shelly", device="c"))
    decode = fixed.bind("a/b/status/temperature:0", OURS)
    assert decode is not None
    assert decode(b'{"tC":4}', NOW, 0)[0].device.id == "c"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not-json"),
        (b"[]", "not-an-object"),
        (b"{}", "no-notification"),
        (b'{"method":"NotifyStatus","params":[]}', "no-notification"),
        (
            notification({"temperature:0": {"tC": 4}}, device="shellyhtg3-000000000000"),
            "device-mismatch",
        ),
        (notification({"temperature:0": {"tC": "4"}}), "not-a-number"),
        (notification({"ts": "now", "temperature:0": {"tC": 4}}), "bad-time"),
        (notification({"flood:0": {"alarm": "wet?"}}), "not-a-state"),
    ],
)
def test_what_is_wrong_is_refused_and_tells_the_device(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        bound()(payload, NOW, 0)
    assert (caught.value.reason, caught.value.device) == (reason, f"acme/{HT}")


@pytest.mark.parametrize(
    ("device", "what"),
    [
        (HT, "Shelly H&T Gen3"),
        ("shellyplusht-b8d61a8b17cc", "Shelly Plus H&T"),
        ("shellyxyz9-b8d61a8b17cc", "a Shelly (shellyxyz9)"),
    ],
)
def test_a_device_is_recognised_by_its_id(device: str, what: str) -> None:
    recognition = Recognition()
    decode = bound(device=device, recognition=recognition)
    decode(notification({"temperature:0": {"tC": 4}}, device=device), NOW, 0)
    known = recognition.recognised(DeviceKey("acme", device))
    assert known == (what, f'its id begins with "{device.partition("-")[0]}-"')


NAMES = st.sampled_from(
    ["ts", "wifi", "temperature:0", "devicepower:0", "flood:0", "switch:0", "em:0", "emdata:0"]
)
INNER = st.dictionaries(
    st.sampled_from(["tC", "battery", "external", "alarm", "aenergy", "temperature", "apower"]),
    JSON,
)


@given(st.binary(max_size=60) | st.dictionaries(NAMES, JSON | INNER).map(notification))
def test_random_payloads_raise_nothing_but_a_decode_error(payload: bytes) -> None:
    for rest in ("events/rpc", "status/switch:0"):
        try:
            bound(rest)(payload, NOW, 0)
        except DecodeError:
            continue
