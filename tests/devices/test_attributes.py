"""Devices with one topic for each attribute."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Decode, DecodeError, Origin
from devices.envelopes import envelopes
from devices.envelopes.attributes import Attributes
from devices.envelopes.mapping import Mapping
from devices.reading import ARRIVAL, COUNTED, DeviceKey, Reading

NOW = 1_795_341_600_500
OURS = Origin("acme", "broker")
HOME = Mapping(topic="home/{device}/{channel}")


def bound(topic: str = "home/fridge/temperature", mapping: Mapping = HOME) -> Decode:
    decode = Attributes(mapping).bind(topic, OURS)
    assert decode is not None
    return decode


def decoded(
    payload: bytes, topic: str = "home/fridge/temperature", mapping: Mapping = HOME
) -> Reading:
    (made,) = bound(topic, mapping)(payload, NOW, 0)
    assert made.device == DeviceKey("acme", "fridge")
    return made


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"21.5", 21.5),
        (b" 21.5\n", 21.5),
        (b'"21.5"', 21.5),
        (b'{"value": 21.5}', 21.5),
        (b'{"value": "21.5", "note": "x"}', 21.5),
        (b'{"value": 70.7, "unit": "\xc2\xb0F"}', 21.5),
    ],
)
def test_a_value_is_read_however_it_is_wrapped(payload: bytes, value: float) -> None:
    made = decoded(payload)
    assert made.layout.channels == ("temperature",)
    assert made.values[0] == pytest.approx(value)
    assert (made.at, made.flags, made.source) == (NOW, ARRIVAL, "broker")


@pytest.mark.parametrize("payload", [b"", b"null", b"nan", b"unavailable", b'{"value": null}'])
def test_a_value_may_be_missing(payload: bytes) -> None:
    assert math.isnan(decoded(payload).values[0])


@pytest.mark.parametrize(
    ("level", "payload", "value"),
    [
        ("door", b"open", 1.0),
        ("door", b"CLOSED", 0.0),
        ("door", b"1", 1.0),
        ("leak", b"true", 1.0),
        ("leak", b"dry", 0.0),
        ("tamper", b'{"value": false}', 0.0),
        ("motion", b"17", 17.0),
        ("occupancy", b'"off"', 0.0),
    ],
)
def test_a_quantity_without_a_unit_may_come_in_words(
    level: str, payload: bytes, value: float
) -> None:
    assert decoded(payload, f"home/fridge/{level}").values == (value,)


def test_an_object_may_say_when_and_how_often() -> None:
    made = decoded(b'{"value": 4, "time": "2026-11-22T10:00:00Z", "seq": 7}')
    assert (made.at, made.identity, made.flags) == (1_795_341_600_000, 7, COUNTED)
    named = Mapping(topic=HOME.topic, time="ts", time_unit="s", sequence="n")
    made = decoded(b'{"value": 4, "ts": 1795341600, "n": 7}', mapping=named)
    assert (made.at, made.identity, made.flags) == (1_795_341_600_000, 7, COUNTED)


def test_levels_and_units_are_mapped() -> None:
    mapping = Mapping(
        topic=HOME.topic,
        channels={"temperature.core": "t1", "pressure": "p"},
        units={"temperature": "°F", "pressure": "kPa"},
    )
    made = decoded(b"32", "home/fridge/t1", mapping)
    assert (made.layout.channels, made.values) == (("temperature.core",), (0.0,))
    assert decoded(b"101.3", "home/fridge/p", mapping).values[0] == pytest.approx(1013.0)


def test_the_device_may_be_fixed() -> None:
    decode = bound("van/temperature", Mapping(topic="van/{channel}", device="van-3"))
    assert decode(b"4", NOW, 0)[0].device.id == "van-3"


def test_a_level_that_is_no_channel_is_left_to_others() -> None:
    for level in ("uptime", "Temperature", "temperature.a/b", "t2"):
        assert Attributes(HOME).bind(f"home/fridge/{level}", OURS) is None
    only = Mapping(topic=HOME.topic, channels={"humidity": "rh"})
    assert Attributes(only).bind("home/fridge/temperature", OURS) is None
    assert Attributes(HOME).bind("house/fridge/temperature", OURS) is None
    ignored = envelopes([HOME, Mapping(topic="home/+/+", ignore=True)])
    takes = [one.bind("home/fridge/uptime", OURS) for one in ignored]
    assert [one(b"77", NOW, 0) for one in takes if one is not None] == [[]]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"warm", "not-a-number"),
        (b"on", "not-a-number"),
        (b'{"value": true}', "not-a-number"),
        (b"21.5 C", "not-a-number"),
        (b"inf", "number-too-large"),
        (b"\xff\xfe", "not-text"),
        (b'{"temperature": 4}', "no-value"),
        (b"{}", "no-value"),
        (b"[4]", "not-a-number"),
        (b"{", "not-json"),
        (b'{"value": 4, "unit": "bar"}', "unknown-unit"),
        (b'{"value": 4, "unit": 7}', "unknown-unit"),
        (b'{"value": 4, "time": "noon"}', "bad-time"),
        (b'{"value": 4, "seq": -1}', "bad-sequence"),
        (b"4" + b" " * 5000, "too-large"),
    ],
)
def test_what_is_wrong_is_refused_and_tells_the_device(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoded(payload)
    assert (caught.value.reason, caught.value.device) == (reason, "acme/fridge")


def test_a_state_that_is_neither_is_refused() -> None:
    with pytest.raises(DecodeError, match="neither a yes nor a no"):
        decoded(b"ajar", "home/fridge/door")


def test_an_impossible_id_is_refused() -> None:
    with pytest.raises(DecodeError, match="device id"):
        Attributes(HOME).bind("home/a b/temperature", OURS)


@given(
    st.binary(max_size=60)
    | st.text(max_size=20).map(str.encode)
    | st.sampled_from([b"1" * 5000, b'"\\ud800"', b'{"value":"\\ud800"}', b"-", b'{"value":{}}']),
    st.sampled_from(["temperature", "door", "latitude"]),
)
def test_random_payloads_raise_nothing_but_a_decode_error(payload: bytes, level: str) -> None:
    try:
        readings = bound(f"home/fridge/{level}")(payload, NOW, 0)
    except DecodeError:
        return
    assert len(readings) == 1
