"""Tasmota: sensors as its documentation shows them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Decode, DecodeError, Origin
from devices.envelopes.mapping import Mapping
from devices.envelopes.tasmota import Tasmota
from devices.reading import ARRIVAL, DeviceKey, Reading
from devices.recognition import Recognition
from tests.devices.test_zigbee2mqtt import JSON

NOW = 1_795_341_600_500
OURS = Origin("acme", "broker")
TOPIC = "tele/tasmota_A1B2C3/SENSOR"


def bound(topic: str = TOPIC, recognition: Recognition | None = None) -> Decode:
    decode = Tasmota(recognition).bind(topic, OURS)
    assert decode is not None
    return decode


def channels(made: Reading) -> dict[str, float]:
    return dict(zip(made.layout.channels, made.values, strict=True))


SENSORS = [
    (
        '{"Time":"2019-01-01T00:00:00","AM2301":{"Temperature":24.6,"Humidity":58.2},"TempUnit":"C"}',
        {"temperature": 24.6, "humidity": 58.2},
    ),
    (
        '{"DHT11":{"Temperature":20.0,"Humidity":40.0,"DewPoint":6.0}}',
        {"temperature": 20.0, "humidity": 40.0},
    ),
    ('{"DS18B20":{"Id":"0416C1D6","Temperature":49.7},"TempUnit":"C"}', {"temperature": 49.7}),
    (
        '{"DS18B20-1":{"Id":"1","Temperature":4.1},"DS18B20-2":{"Id":"2","Temperature":-18.6}}',
        {"temperature.DS18B20-1": 4.1, "temperature.DS18B20-2": -18.6},
    ),
    # The other one is missing: what is left keeps its channel.
    ('{"DS18B20-2":{"Id":"2","Temperature":-18.6}}', {"temperature.DS18B20-2": -18.6}),
    (
        '{"SI7021":{"Temperature":71.6,"Humidity":35.4},"TempUnit":"F"}',
        {"temperature": 22.0, "humidity": 35.4},
    ),
    (
        (
            '{"BME280":{"Temperature":20.2,"Humidity":51.9,"DewPoint":9.9,"Pressure":993.5,'
            '"SeaPressure":1021.0},"PressureUnit":"hPa","TempUnit":"C"}'
        ),
        {"temperature": 20.2, "humidity": 51.9, "pressure": 993.5},
    ),
    (
        '{"BMP280":{"Temperature":1,"Pressure":750.0},"PressureUnit":"mmHg"}',
        {"temperature": 1, "pressure": 999.917},
    ),
    ('{"BMP280":{"Pressure":29.53},"PressureUnit":"inHg"}', {"pressure": 1000.0}),
    (
        '{"SHT3X-0x44":{"Temperature":5.5,"Humidity":80}}',
        {"temperature.SHT3X-0x44": 5.5, "humidity.SHT3X-0x44": 80},
    ),
    ('{"BH1750":{"Illuminance":79}}', {"illuminance": 79.0}),
    ('{"TSL2561":{"Illuminance":21.180,"IR":34,"Broadband":87}}', {"illuminance": 21.18}),
    ('{"MCP9808":{"Temperature":26.4},"TempUnit":"C"}', {"temperature": 26.4}),
    ('{"MAX31855":{"ProbeTemperature":-70.2,"ReferenceTemperature":21.5}}', {"temperature": -70.2}),
    (
        '{"AM2301":{"Temperature":20,"Humidity":50},"DS18B20":{"Temperature":4}}',
        {"temperature.AM2301": 20.0, "temperature.DS18B20": 4.0, "humidity": 50.0},
    ),
    (
        '{"DS18B20":{"Temperature":4},"ESP32":{"Temperature":53.3}}',
        {"temperature": 4.0, "temperature.device": 53.3},
    ),
    (
        (
            '{"ENERGY":{"TotalStartTime":"2019-09-01T00:00:00","Total":1.5,"Today":0.1,"Power":40,'
            '"Factor":0.95,"Voltage":230,"Current":0.18}}'
        ),
        {"energy": 1.5, "power": 40.0, "voltage": 230.0, "current": 0.18},
    ),
    ('{"ENERGY":{"Power":[40,0]}}', {"power.ENERGY-1": 40.0, "power.ENERGY-2": 0.0}),
    ('{"SR04":{"Distance":125.5}}', {"distance": 1.255}),
    ('{"S8":{"CarbonDioxide":612},"SGP30":{"eCO2":400,"TVOC":7}}', {"co2": 612.0, "tvoc": 7.0}),
    (
        '{"ATC3A4b5c":{"Temperature":4.5,"Humidity":60,"Battery":77}}',
        {"temperature": 4.5, "humidity": 60.0, "battery_level": 77.0},
    ),
]


@pytest.mark.parametrize(("text", "expected"), SENSORS, ids=lambda one: str(one)[:40])
def test_what_sensors_say_becomes_channels(text: str, expected: dict[str, float]) -> None:
    (made,) = bound()(text.encode(), NOW, 0)
    assert channels(made) == pytest.approx(expected, abs=1e-3)
    assert made.device == DeviceKey("acme", "tasmota_A1B2C3")
    assert (made.at, made.flags) == (NOW, ARRIVAL)


@pytest.mark.parametrize(
    ("time", "at", "flags"),
    [
        ("2026-11-22T10:00:00", NOW, ARRIVAL),
        ("2026-11-22T11:00:00+01:00", 1_795_341_600_000, 0),
        ("2026-11-22T10:00:00Z", 1_795_341_600_000, 0),
        (None, NOW, ARRIVAL),
    ],
)
def test_a_time_counts_only_with_its_offset(time: str | None, at: int, flags: int) -> None:
    payload = json.dumps({"Time": time, "DS18B20": {"Temperature": 4}}).encode()
    (made,) = bound()(payload, NOW, 0)
    assert (made.at, made.flags) == (at, flags)


def test_a_sensor_that_failed_is_a_missing_value() -> None:
    (made,) = bound()(b'{"AM2301":{"Temperature":null,"Humidity":null}}', NOW, 0)
    assert all(math.isnan(value) for value in made.values)


@pytest.mark.parametrize(
    "payload",
    [b'{"Time":"2019-01-01T00:00:00","Switch1":"OFF"}', b"{}", b'{"PN532":{"UID":"04A1"}}'],
)
def test_a_message_without_a_measurement_is_understood(payload: bytes) -> None:
    assert bound()(payload, NOW, 0) == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("tele/tasmota_A1B2C3/LWT", b"Online"),
        ("tele/tasmota_A1B2C3/LWT", b"Offline"),
        ("tele/tasmota_A1B2C3/STATE", b'{"Wifi":{"RSSI":80,"Signal":-60}}'),
        ("tele/tasmota_A1B2C3/INFO1", b"{}"),
        ("stat/tasmota_A1B2C3/RESULT", b'{"POWER":"ON"}'),
        ("stat/tasmota_A1B2C3/POWER", b"ON"),
        ("stat/tasmota_A1B2C3/STATUS10", b"{}"),
        ("cmnd/tasmota_A1B2C3/Power1", b"ON"),
        ("tasmota/discovery/AABBCCA1B2C3/config", b"{}"),
    ],
)
def test_what_else_it_publishes_carries_no_measurement(topic: str, payload: bytes) -> None:
    assert bound(topic)(payload, NOW, 0) == []


@pytest.mark.parametrize(
    "topic",
    ["tele/a/b/SENSOR", "tele/a/sensor", "tele/a", "stat/a/b/c", "tasmota/x", "home/a/SENSOR"],
)
def test_topics_of_others_are_left_to_them(topic: str) -> None:
    assert Tasmota().bind(topic, OURS) is None


def test_another_full_topic_is_mapped() -> None:
    envelope = Tasmota(mapping=Mapping(topic="{device}/tele/+", format="tasmota"))
    decode = envelope.bind("cellar/tele/SENSOR", OURS)
    assert decode is not None
    assert decode(b'{"DS18B20":{"Temperature":4}}', NOW, 0)[0].device.id == "cellar"
    decode = envelope.bind("cellar/tele/LWT", OURS)
    assert decode is not None
    assert decode(b"Online", NOW, 0) == []
    assert envelope.bind("cellar/stat/RESULT", OURS) is None
    with pytest.raises(DecodeError, match="device id"):
        envelope.bind("a b/tele/SENSOR", OURS)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not-json"),
        (b"Online", "not-json"),
        (b"[]", "not-an-object"),
        (b'{"AM2301":{"Temperature":"24"}}', "not-a-number"),
        (b'{"AM2301":{"Temperature":4},"TempUnit":"R"}', "unknown-unit"),
        (b'{"AM2301":{"Temperature":4},"TempUnit":1}', "unknown-unit"),
        (b'{"BMP280":{"Pressure":4},"PressureUnit":"psi"}', "unknown-unit"),
        (b'{"AM2301":{"Temperature":4},"Time":17}', "bad-time"),
        (b'{"AM2301":{"Temperature":4},"Time":"noon+01:00"}', "bad-time"),
    ],
)
def test_what_is_wrong_is_refused_and_tells_the_device(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        bound()(payload, NOW, 0)
    assert (caught.value.reason, caught.value.device) == (reason, "acme/tasmota_A1B2C3")


def test_a_device_is_recognised_with_its_sensors() -> None:
    recognition = Recognition()
    bound(recognition=recognition)(
        b'{"DS18B20":{"Temperature":4},"BH1750":{"Illuminance":3},"ESP32":{"Temperature":50}}',
        NOW,
        0,
    )
    known = recognition.recognised(DeviceKey("acme", "tasmota_A1B2C3"))
    assert known == ("Tasmota with BH1750, DS18B20", "it publishes SENSOR as Tasmota does")


KEYS = st.sampled_from(["Temperature", "Pressure", "Total", "Power", "Distance", "x"])
SENSOR = st.dictionaries(KEYS, JSON | st.lists(st.floats(-50, 50), max_size=50), max_size=4)


@given(
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["Time", "TempUnit", "DS18B20-1", "ENERGY", "ESP32", "a b.c/d"]),
        JSON | SENSOR,
    ).map(lambda one: json.dumps(one).encode())
)
def test_random_payloads_raise_nothing_but_a_decode_error(payload: bytes) -> None:
    try:
        bound()(payload, NOW, 0)
    except DecodeError:
        return
