"""SenML: the RFC's own examples, CBOR, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Decode, DecodeError, Origin
from devices.envelopes.mapping import Mapping
from devices.envelopes.senml import SenML
from devices.envelopes.senml_pack import records
from devices.reading import ARRIVAL, CLOCK_AHEAD, DeviceKey, Reading
from devices.recognition import Recognition
from tests.devices.test_zigbee2mqtt import JSON

NOW = 1_498_780_179_000
"""When the published examples were resolved."""
OURS = Origin("acme", "broker")
LABELS = ("bver", "bn", "bt", "bu", "bv", "bs", "n", "u", "v", "vs", "vb", "s", "t", "ut", "vd")
NUMBERS = dict(zip(LABELS, (-1, -2, -3, -4, -5, -6, 0, 1, 2, 3, 4, 5, 6, 7, 8), strict=True))


def bound(topic: str = "senml/box", mapping: Mapping | None = None) -> Decode:
    decode = SenML(mapping=mapping).bind(topic, OURS)
    assert decode is not None
    return decode


def packed(*pack: dict[str, Any]) -> bytes:
    return json.dumps(pack).encode()


def in_cbor(pack: list[dict[str, Any]]) -> bytes:
    return cbor2.dumps([{NUMBERS.get(key, key): one[key] for key in one} for one in pack])


def decoded(payload: bytes, topic: str = "senml/box") -> list[tuple[str, int, dict[str, float]]]:
    return [said(made) for made in bound(topic)(payload, NOW, 0)]


def said(made: Reading) -> tuple[str, int, dict[str, float]]:
    return made.device.id, made.at, dict(zip(made.layout.channels, made.values, strict=True))


OW = "10e2073a01080063"
EXAMPLES: dict[str, list[tuple[str, int, dict[str, float]]]] = {
    "ex1": [(OW, NOW, {"temperature": 23.1})],
    "ex2": [(OW, NOW, {"voltage": 120.1, "current": 1.2})],
    "ex3": [
        *(
            ("10e2073a0108006", 1_276_020_071_001 + 1000 * n, {"current": 1.2 + n / 10})
            for n in range(5)
        ),
        ("10e2073a0108006", 1_276_020_076_001, {"current": 1.7, "voltage": 120.1}),
    ],
    "ex4": [
        (OW, 1_320_067_464_000 + 1000 * after, {"humidity": value})
        for after, value in zip(
            (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 91, 92),
            (21.2, 21.3, 21.4, 21.4, 21.5, 21.5, 21.5, 21.6, 21.7, 21.5, 21.5, 21.5),
            strict=True,
        )
    ],
    "ex5": [
        (OW, 1_320_067_464_000, {"humidity": 20, "longitude": 24.30621, "latitude": 60.07965}),
        (OW, 1_320_067_524_000, {"humidity": 20.3, "longitude": 24.30622, "latitude": 60.07965}),
        (OW, 1_320_067_584_000, {"humidity": 20.7, "longitude": 24.30623, "latitude": 60.07966}),
        (OW, 1_320_067_614_000, {"battery_level": 98}),
        (OW, 1_320_067_644_000, {"humidity": 21.2, "longitude": 24.30628, "latitude": 60.07967}),
    ],
    "ex6": [
        ("2001%3Adb8%3A%3A1", 1_320_078_429_000, {"temperature": 12.3, "humidity": 67}),
        ("2001%3Adb8%3A%3A2", 1_320_078_429_000, {"temperature": 25.2, "humidity": 30}),
    ],
    "ex8": [(OW, 1_320_078_429_000, {"temperature": 27.2, "humidity": 80})],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_the_rfc_are_understood_packed_resolved_and_in_cbor(
    vectors: Path, name: str
) -> None:
    written = (vectors / f"senml/{name}.json").read_bytes()
    resolved = (vectors / f"senml/{name}.gen.resolved.json").read_bytes()
    for payload in (written, resolved, in_cbor(json.loads(written))):
        found = decoded(payload)
        assert [one[:2] for one in found] == [one[:2] for one in EXAMPLES[name]]
        for (_, _, channels), (_, _, expected) in zip(found, EXAMPLES[name], strict=True):
            assert channels == pytest.approx(expected)


@pytest.mark.parametrize("name", EXAMPLES)
def test_records_resolve_as_the_published_ones_do(vectors: Path, name: str) -> None:
    found = list(records((vectors / f"senml/{name}.json").read_bytes(), NOW))
    published = json.loads((vectors / f"senml/{name}.gen.resolved.json").read_bytes())
    assert [(one.name, one.unit, one.value) for one in found] == [
        (one["n"], one["u"], one["v"]) for one in published
    ]
    times = [NOW if one.at is None else one.at for one in found]
    assert times == [round(one["t"] * 1000) for one in published]


NAMED = [
    ({"n": "urn:dev:mac:0024BEFFFE804FF1:humidity", "u": "%RH"}, "0024befffe804ff1", "humidity"),
    ({"n": "urn:dev:ow:10e2073a01080063;temperature", "u": "Cel"}, OW, "temperature"),
    ({"n": "urn:dev:ow:10e2073a01080063_probe-2", "u": "Cel"}, OW, "temperature.probe-2"),
    (
        {"n": "urn:dev:ops:32473-Fridge-5002/temp", "u": "Cel"},
        "ops:32473-Fridge-5002",
        "temperature",
    ),
    ({"n": "urn:dev:ops:32473-Fridge-5002", "u": "Cel"}, "ops:32473-Fridge-5002", "temperature"),
    ({"n": "site/hall/fridge/temp", "u": "Cel"}, "site:hall:fridge", "temperature"),
    ({"n": "fridge/probe1", "u": "Cel"}, "fridge", "temperature.probe1"),
    ({"n": "fridge/temperature.core", "u": "Cel"}, "fridge", "temperature.core"),
    ({"n": "fridge.humidity", "u": "%RH"}, "fridge", "humidity"),
    ({"n": "fridge:rh", "u": "%RH"}, "fridge", "humidity"),
    ({"n": "fridge-7", "u": "Cel"}, "fridge-7", "temperature"),
    ({"n": "temperature", "u": "Cel"}, "box", "temperature"),
    ({"n": "temp", "u": "Cel"}, "box", "temperature"),
    ({"n": "a/battery", "u": "V"}, "a", "battery"),
    ({"n": "a/battery", "u": "%EL"}, "a", "battery_level.battery"),
    ({"n": "a/moisture", "u": "/"}, "a", "moisture"),
    ({"n": "a/co2", "u": "ppm"}, "a", "co2"),
    ({"n": "a/set_point", "u": "Cel"}, "a", "set_point"),
    ({"n": "a/heading", "u": "deg"}, "a", "heading"),
    ({"n": "a/pulses", "u": "count"}, "a", "count.pulses"),
    ({"n": "a/door"}, "a", "door"),
]


@pytest.mark.parametrize(("record", "device", "channel"), NAMED, ids=lambda one: str(one)[:40])
def test_a_name_says_device_and_channel(record: dict[str, Any], device: str, channel: str) -> None:
    ((found, _, channels),) = decoded(packed({"v": 1, **record}))
    assert (found, list(channels)) == (device, [channel])


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("K", 273.15, {"temperature": 0.0}),
        ("Pa", 101_325, {"pressure": 1013.25}),
        ("hPa", 1000, {"pressure": 1000.0}),
        ("m/s2", 9.80665, {"acceleration": 1.0}),
        ("m/s", 10, {"speed": 36.0}),
        ("mV", 3000, {"voltage": 3.0}),
        ("J", 3.6e6, {"energy": 1.0}),
        ("dBm", -71, {"signal": -71.0}),
        ("lx", 5, {"illuminance": 5.0}),
        ("min", 2, {"duration": 120.0}),
    ],
)
def test_units_become_ours(unit: str, value: float, expected: dict[str, float]) -> None:
    ((_, _, channels),) = decoded(packed({"n": "a", "u": unit, "v": value}))
    assert channels == pytest.approx(expected)


@pytest.mark.parametrize(
    ("record", "at", "flags"),
    [
        ({}, NOW, ARRIVAL),
        ({"t": 0}, NOW, ARRIVAL),
        ({"t": -5}, NOW - 5000, ARRIVAL),
        ({"t": -5.25}, NOW - 5250, ARRIVAL),
        ({"bt": 10, "t": -10}, NOW, ARRIVAL),
        ({"t": 3600}, NOW + 3_600_000, ARRIVAL | CLOCK_AHEAD),
        ({"t": 2**28 - 1}, NOW + (2**28 - 1) * 1000, ARRIVAL | CLOCK_AHEAD),
        ({"t": 1.4e9}, 1_400_000_000_000, 0),
        ({"bt": 1.4e9, "t": -1}, 1_399_999_999_000, 0),
    ],
)
def test_small_times_count_from_now_and_are_no_clock(
    record: dict[str, Any], at: int, flags: int
) -> None:
    (made,) = bound()(packed({"n": "a", "u": "Cel", "v": 4, **record}), NOW, 0)
    assert (made.at, made.flags) == (at, flags)


def test_what_counts_from_now_comes_first() -> None:
    pack = packed({"n": "a", "u": "Cel", "v": 4, "t": 1.4e9}, {"n": "a", "u": "Cel", "v": 5})
    assert [made.flags for made in bound()(pack, NOW, 0)] == [ARRIVAL, 0]


def test_base_values_add_up_and_records_of_base_fields_alone_are_none() -> None:
    pack = packed(
        {"bn": "a/", "bu": "Cel", "bt": 1.4e9},
        {"bv": 20, "n": "x", "v": 1.5},
        {"n": "y"},
        {"n": "z", "v": -21},
        {"n": "name", "vs": "cellar"},
        {"n": "raw", "vd": "AAAA"},
        {"n": "sum", "s": 7},
    )
    ((_, _, channels),) = decoded(pack)
    assert channels == {"temperature.x": 21.5, "temperature.y": 20.0, "temperature.z": -1.0}


def test_true_and_false_are_states() -> None:
    pack = packed(
        {"n": "a/open", "vb": True}, {"n": "a/leak", "vb": False}, {"n": "a/fan", "vb": True}
    )
    ((_, _, channels),) = decoded(pack)
    assert channels == {"door": 1.0, "leak": 0.0}


def test_a_mapped_topic_may_name_the_device() -> None:
    mapping = Mapping(topic="plant/{device}/up", format="senml")
    pack = packed(
        {"bn": "urn:dev:mac:0024befffe804ff1:", "n": "humidity", "u": "%RH", "v": 60},
        {"bn": "", "n": "probe1", "u": "Cel", "v": 4},
    )
    (made,) = bound("plant/oven-3/up", mapping)(pack, NOW, 0)
    assert said(made) == ("oven-3", NOW, {"humidity": 60.0, "temperature.probe1": 4.0})
    assert SenML(mapping=mapping).bind("senml/box", OURS) is None
    plain = Mapping(topic="lwm2m/#", format="senml")
    (made,) = bound("lwm2m/x", plain)(pack.replace(b"probe1", b"a/probe1"), NOW, 0)[:1]
    assert made.device.id == "0024befffe804ff1"


def test_decimal_fractions_in_cbor_are_numbers() -> None:
    payload = cbor2.dumps([{0: "a", 1: "Cel", 2: Decimal("-18.25"), 6: Decimal("1.4E9")}])
    assert decoded(payload) == [("a", 1_400_000_000_000, {"temperature": -18.25})]


def cbor(start: str, count: int = 1, end: str = "") -> bytes:
    return bytes.fromhex(start * count + end)


WRONG = [
    (b"", "empty"),
    (b"{}", "not-a-pack"),
    (b"[]", "not-a-pack"),
    (b"\x80", "not-a-pack"),
    (b"7", "not-a-pack"),
    (b"[7]", "not-an-object"),
    (b"\x81\x07", "not-an-object"),
    (b"\x81\x41\x07", "not-an-object"),
    (b"[{", "not-json"),
    (packed({"u": "Cel", "v": 4}), "bad-record"),
    (packed({"n": "a b", "u": "Cel", "v": 4}), "bad-record"),
    (packed({"n": "-a", "u": "Cel", "v": 4}), "bad-record"),
    (packed({"n": 7, "u": "Cel", "v": 4}), "bad-record"),
    (packed({"n": "a", "u": "Cel", "v": 4, "vb": True}), "bad-record"),
    (packed({"n": "a", "u": "Cel", "vb": 1}), "bad-record"),
    (packed({"n": "a", "u": "Cel", "v": 4, "x_": 1}), "bad-record"),
    (packed({"n": "a", "u": "Cel", "v": 4, "bver": 11}), "bad-record"),
    (packed({"n": "a", "u": "Cel", "v": 4, "bver": "10"}), "bad-record"),
    (packed({"n": "a", "u": "Cel", "v": "4"}), "not-a-number"),
    (packed({"n": "a", "u": "Cel", "v": None}), "not-a-number"),
    (packed({"n": "a", "u": "Cel", "v": 1e300}), "number-too-large"),
    (packed({"n": "a", "u": "Cel", "v": 4, "t": 1e18}), "bad-time"),
    (packed({"n": "a", "u": "kg", "v": 4}), "no-channel"),
    (packed({"n": "a/temperature", "v": 4}), "no-channel"),
    (packed({"n": "a/gas", "u": "ppm", "v": 4}), "no-channel"),
    (packed({"n": "a", "vs": "x"}), "no-channel"),
    (packed({"bn": "a"}), "no-channel"),
    (packed(*[{"n": "a", "u": "Cel", "v": n} for n in (1, 2)]), "duplicate-channel"),
    (packed(*[{"n": f"a/p{n}", "u": "Cel", "v": n} for n in range(41)]), "too-many-channels"),
    (packed(*[{"n": "a"}] * 10_001), "too-many-objects"),
    (cbor("9bffffffffffffffff"), "not-cbor"),
    (cbor("81", 5000, "00"), "not-cbor"),
    (cbor("9f", 5), "not-cbor"),
    (cbor("81a202010203"), "not-cbor"),  # a key twice
    (cbor("81bb00000000ffffffff"), "not-cbor"),
    (cbor("817bffffffffffffffff"), "not-cbor"),
    (cbor("81a102c11a514b67b0"), "not-cbor"),  # a date
    (cbor("82d81c81d81d00d81d00"), "not-cbor"),  # an array that holds itself
    (cbor("81a102c259ffff") + b"\xff" * 65_535, "not-cbor"),  # a number of 158,000 digits
    (cbor("81a30061610163" + b"Cel".hex() + "02c4821b7fffffffffffffff03"), "not-cbor"),
    (cbor("81a30061610163" + b"Cel".hex() + "02f97e00"), "number-too-large"),  # NaN
    (b"\x80" + b" " * (1 << 20), "too-large"),
]


@pytest.mark.parametrize(("payload", "reason"), WRONG, ids=lambda one: str(one)[:50])
def test_what_is_wrong_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        bound()(payload, NOW, 0)
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 1000


def test_a_record_that_is_wrong_is_named_by_its_place() -> None:
    good = {"n": "a", "u": "Cel", "v": 4}
    with pytest.raises(DecodeError, match=r"record 2 of 3: 'v' is the text 'x'"):
        bound()(packed(good, good | {"v": "x"}, good), NOW, 0)


def test_who_measured_must_be_said_somewhere() -> None:
    with pytest.raises(DecodeError) as caught:
        bound("senml")(packed({"n": "temperature", "u": "Cel", "v": 4}), NOW, 0)
    assert caught.value.reason == "no-device-id"
    mapping = Mapping(topic="plant/{device}/up", format="senml")
    with pytest.raises(DecodeError) as caught:
        bound("plant/oven-3/up", mapping)(b"{", NOW, 0)
    assert caught.value.device == "acme/oven-3"
    with pytest.raises(DecodeError, match="device id"):
        SenML(mapping=mapping).bind("plant/a b/up", OURS)


def test_devices_are_noted() -> None:
    recognition = Recognition()
    decode = SenML(recognition).bind("senml/x", OURS)
    assert decode is not None
    decode(packed({"n": "a/temp", "u": "Cel", "v": 4}), NOW, 0)
    assert recognition.recognised(DeviceKey("acme", "a")) == ("a SenML device", "it sends SenML")


FIELDS = st.dictionaries(
    st.sampled_from([*LABELS, "x", "y_"]),
    JSON | st.sampled_from(["Cel", "a/temp", "%RH", "a"]) | st.floats(-100, 100),
)


@given(st.binary(max_size=80), st.lists(FIELDS, max_size=4), st.integers(0x80, 0x9F))
def test_random_payloads_raise_nothing_but_a_decode_error(
    raw: bytes, pack: list[dict[str, Any]], first: int
) -> None:
    for payload in (raw, bytes([first]) + raw, json.dumps(pack).encode(), in_cbor(pack)):
        try:
            bound()(payload, NOW, 0)
        except DecodeError:
            continue
