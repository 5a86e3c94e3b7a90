"""Plain JSON: what is taken, what is refused and why, and that the fast way says the same."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Decode, DecodeError, Origin, check_device_id
from devices.envelopes.document import MAXIMUM_BYTES, parse
from devices.envelopes.mapping import Mapping
from devices.envelopes.plain import Definition, PlainJson, Topic
from devices.reading import ARRIVAL, CLOCK_AHEAD, COUNTED, RETAINED, UNUSABLE, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_795_341_600_500
OURS = Origin("acme", "broker")
TYPICAL = (
    b'{"time":"2026-11-22T10:00:00.000Z","temperature":4.36,"humidity":60.5,'
    b'"battery":3.012,"seq":48000,"rssi":-71}'
)


def bound(mapping: Mapping | None = None, topic: str = "cargo/north/box-7/readings") -> Decode:
    decode = PlainJson(mapping).bind(topic, OURS)
    assert decode is not None
    return decode


def decode_one(
    document: object, mapping: Mapping | None = None, topic: str = "cargo/north/box-7/readings"
) -> Reading:
    (made,) = bound(mapping, topic)(json.dumps(document).encode(), NOW, 0)
    return made


def channels(made: Reading) -> dict[str, float]:
    return dict(zip(made.layout.channels, made.values, strict=True))


def test_a_typical_payload_becomes_one_reading_every_time() -> None:
    decode = bound()
    for _ in range(3):
        (made,) = decode(TYPICAL, NOW, RETAINED)
        assert made.device == ("acme", "box-7")
        assert (made.at, made.received) == (1_795_341_600_000, NOW)
        assert channels(made) == {"battery": 3.012, "humidity": 60.5, "temperature": 4.36}
        assert made.identity == 48_000
        assert made.flags == RETAINED | COUNTED
        assert made.source == "broker"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"temperature": 4}, {"temperature": 4.0}),
        ({"temperature.return_air": 4.5, "model": "x"}, {"temperature.return_air": 4.5}),
        (
            {"temperature": {"supply_air": 4.1, "return_air": 5.2}, "tags": ["a", {"b": 1}]},
            {"temperature.supply_air": 4.1, "temperature.return_air": 5.2},
        ),
        (
            {"position": {"lat": 51.9, "lon": 4.1, "sats": 7}, "speed": 12},
            {"latitude": 51.9, "longitude": 4.1, "speed": 12.0},
        ),
        ({"position": None, "humidity": 40}, {"humidity": 40.0}),
        ({"position": {}, "humidity": 40}, {"humidity": 40.0}),
        ({'tempe"rature': 1, "humidity": 40, "note": 'a "b"'}, {"humidity": 40.0}),
    ],
)
def test_keys_that_are_channels_are_read_and_others_ignored(
    document: object, expected: dict[str, float]
) -> None:
    decode = bound()
    for _ in range(3):
        (made,) = decode(json.dumps(document).encode(), NOW, 0)
        assert channels(made) == expected
        assert made.flags == ARRIVAL


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-22T10:00:00Z", 1_795_341_600_000),
        ("2026-11-22T12:00:00.25+02:00", 1_795_341_600_250),
        ("2026-11-22T10:00:00.123999999Z", 1_795_341_600_124),
        ("2026-11-22T10:00:00.1239Z", 1_795_341_600_123),
        ("1969-12-31T23:59:59.9999Z", -1),
        (1_795_341_600_000, 1_795_341_600_000),
        (1_795_341_600_000.5, 1_795_341_600_000),
        (-1.0, -1),
    ],
)
def test_times_are_read_to_the_millisecond(time: object, expected: int) -> None:
    decode = bound()
    payload = json.dumps({"time": time, "temperature": 4}).encode()
    assert {decode(payload, NOW, 0)[0].at for _ in range(3)} == {expected}


def test_a_clock_ahead_is_flagged_and_a_missing_one_is_arrival() -> None:
    assert decode_one({"time": NOW + 400_000, "temperature": 4}).flags == CLOCK_AHEAD
    assert decode_one({"time": None, "temperature": 4}).flags == ARRIVAL


def test_null_is_a_missing_value() -> None:
    decode = bound()
    for _ in range(3):
        (whole,) = decode(b'{"temperature":1,"humidity":2}', NOW, 0)
        (holed,) = decode(b'{"temperature":1,"humidity":null}', NOW, 0)
        assert whole.values == (2.0, 1.0)
        assert (holed.value("temperature"), holed.value("humidity")) == (1.0, None)
        assert math.isnan(holed.values[0])
        assert holed.flags & UNUSABLE


def test_an_array_is_a_backlog() -> None:
    decode = bound()
    decode(TYPICAL, NOW, 0)
    backlog = b"[" + b",".join([TYPICAL.replace(b"48000", b"%d" % n) for n in range(50)]) + b"]"
    for _ in range(2):
        assert [made.identity for made in decode(backlog, NOW, 0)] == list(range(50))


BAD = [
    (b"", "empty"),
    (b" \n", "empty"),
    (b"[]", "empty"),
    (b"{", "not-json"),
    (b"\xff\xfe", "not-json"),
    (b'{"temperature":NaN}', "not-json"),
    (b'{"temperature":1' + b"0" * 5000 + b"}", "not-json"),
    (b'{"temperature":01}', "not-json"),
    (b"[" * 100_000, "too-deep"),
    (b'{"temperature":1,"x":' + b"[" * 17 + b"]" * 17 + b"}", "too-deep"),
    (b'{"temperature":1}' + b" " * MAXIMUM_BYTES, "too-large"),
    (json.dumps({f"k{n}": n for n in range(201)}).encode(), "too-many-keys"),
    (json.dumps([{"temperature": 1}] * 10_001).encode(), "too-many-objects"),
    (json.dumps({f"temperature.p{n}": n for n in range(41)}).encode(), "too-many-channels"),
    (b"4.3", "not-an-object"),
    (b"null", "not-an-object"),
    (b'[{"temperature":1},7]', "not-an-object"),
    (b"{}", "no-channel"),
    (b'{"temp":4.1}', "no-channel"),
    (b'{"temperature":true}', "not-a-number"),
    (b'{"temperature":"4.1"}', "not-a-number"),
    (b'{"temperature":[4.1]}', "not-a-number"),
    (b'{"temperature":{"supply_air":{"x":1}}}', "not-a-number"),
    (b'{"temperature":1e999}', "number-too-large"),
    (b'{"temperature":9223372036854775808}', "number-too-large"),
    (b'{"temperature":4,"temperature":5}', "duplicate-key"),
    (b'{"temperature":4,"x":{"a":1,"a":1}}', "duplicate-key"),
    (b'[{"temperature":4},{"temperature":4,"temperature":5}]', "duplicate-key"),
    (b'{"temperature.a":4,"temperature":{"a":5}}', "duplicate-channel"),
    (b'{"position":{"lat":1,"lon":2},"latitude":1}', "duplicate-channel"),
    (b'{"temperature":4,"time":"2026-11-22T10:00:00"}', "no-time-zone"),
    (b'{"temperature":4,"time":"yesterday"}', "bad-time"),
    (b'{"temperature":4,"time":true}', "bad-time"),
    (b'{"temperature":4,"time":1e300}', "bad-time"),
    (b'{"temperature":4,"time":253402300800000}', "bad-time"),
    (b'{"temperature":4,"time":-62135596800001}', "bad-time"),
    (b'{"temperature":4,"seq":-1}', "bad-sequence"),
    (b'{"temperature":4,"seq":4611686018427387905}', "bad-sequence"),
    (b'{"temperature":4,"seq":1.5}', "bad-sequence"),
    (b'{"temperature":4,"seq":true}', "bad-sequence"),
]


@pytest.mark.parametrize(("payload", "reason"), BAD, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    decode = bound()
    for good in (None, b'{"temperature":4}', TYPICAL, b'{"temperature":4,"time":1}'):
        if good is not None:
            decode(good, NOW, 0)
        with pytest.raises(DecodeError) as caught:
            decode(payload, NOW, 0)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "the message is empty"),
        (b"[ ]", "the array is empty"),
        (b'{"temperature":4,"seq":-1}', "'seq' is the number -1, which is below 0"),
        (
            b'{"temperature":4,"seq":4611686018427387905}',
            "4611686018427387905, which is above 2^62",
        ),
        (b'{"temperature":4,"seq":' + b"9" * 99 + b"}", "'seq' is a number of 99 digits, which is"),
        (b'{"temperature":4,"seq":1.5}', "'seq' is the number 1.5, not a whole number"),
        (
            b'[{"temperature":1},{"temperature":"4"}]',
            "object 2 of 2: 'temperature' is the text '4'",
        ),
        (b'[{"temperature":1},7,null]', "object 2 of 3: the number 7 stands where an object is"),
        (b'[{"temp":1}]', "object 1 of 1: no key of the message is a channel; keys seen: 'temp'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_named(payload: bytes, words: str) -> None:
    decode = bound()
    for _ in range(2):
        with pytest.raises(DecodeError) as caught:
            decode(payload, NOW, 0)
        assert words in caught.value.detail
        decode(b'{"temperature":4}', NOW, 0)


@pytest.mark.parametrize(
    ("payload", "device"),
    [
        (b"{", ""),
        (b'{"id":"a 1","temperature":4}', ""),
        (b'{"id":"a1","temperature":"4"}', "acme/a1"),
        (b'[{"id":"a1","temperature":4},{"id":"b1","time":"x","temperature":4}]', "acme/b1"),
    ],
)
def test_an_error_names_the_device_where_it_is_known(payload: bytes, device: str) -> None:
    for decode, expected in (
        (bound(Mapping(topic="t", device_key="id"), "t"), device),
        (bound(Mapping(topic="t/{device}", channels={"door": "x"}), "t/d-1"), "acme/d-1"),
    ):
        with pytest.raises(DecodeError) as caught:
            decode(payload, NOW, 0)
        assert caught.value.device == expected


def test_a_message_without_a_channel_is_told_its_keys_and_what_is_accepted() -> None:
    with pytest.raises(DecodeError, match=r"'temp', 'model'.*temperature, humidity"):
        decode_one({"temp": 4.1, "model": "x"})
    took = r"the mapping of 'plant/\{device\}', which took the topic; .*'temperature'.*"
    with pytest.raises(DecodeError, match=took + r"Accepted keys: 'data\.t'"):
        decode_one(
            {"temperature": 4.1},
            Mapping(topic="plant/{device}", channels={"temperature": "data.t"}),
            topic="plant/box-7",
        )


@pytest.mark.parametrize(
    ("mapping", "topic", "document", "device", "expected"),
    [
        (
            Mapping(topic="zigbee2mqtt/{device}"),
            "zigbee2mqtt/fridge",
            {"temperature": 27.34, "humidity": 44.72, "linkquality": 5},
            "fridge",
            {"temperature": 27.34, "humidity": 44.72},
        ),
        (
            Mapping(
                topic="sensors/{device}/state",
                time="data.ts",
                time_unit="s",
                sequence="n",
                channels={"temperature.cargo": "data.temp", "battery_level": "bat"},
            ),
            "sensors/a1/state",
            {"data": {"temp": 4.5, "ts": 1795341600.25}, "bat": 90, "n": 7},
            "a1",
            {"battery_level": 90.0, "temperature.cargo": 4.5},
        ),
        (
            Mapping(topic="site/fridge/temp", device="cold-room-1", channels={"temperature": ""}),
            "site/fridge/temp",
            4.5,
            "cold-room-1",
            {"temperature": 4.5},
        ),
        (
            Mapping(topic="rtl_433/+/events", device_key="id", channels={"temperature": "t_C"}),
            "rtl_433/pi/events",
            {"id": 4711, "t_C": -18.2},
            "4711",
            {"temperature": -18.2},
        ),
        (
            Mapping(topic="gw/#", device_key="tag.id"),
            "gw/a/b",
            {"tag": {"id": "x-1"}, "humidity": 40},
            "x-1",
            {"humidity": 40.0},
        ),
    ],
)
def test_other_peoples_topics_and_keys_are_mapped(
    mapping: Mapping, topic: str, document: object, device: str, expected: dict[str, float]
) -> None:
    decode = bound(mapping, topic)
    for _ in range(3):
        (made,) = decode(json.dumps(document).encode(), NOW, 0)
        assert made.device.id == device
        assert channels(made) == expected
        if mapping.time == "data.ts":
            assert (made.at, made.identity) == (1_795_341_600_250, 7)


@pytest.mark.parametrize(
    ("topic", "name", "device"),
    [
        ("cargo/{site}/{device}/readings", "cargo/a/b/readings", "b"),
        ("cargo/{site}/{device}/readings", "cargo/a/b/readings/c", None),
        ("cargo/{site}/{device}/readings", "cargo/a/readings", None),
        ("+/{device}/x", "a/b/x", "b"),
        ("+/{device}/x", "$SYS/b/x", None),
        ("a/{device}/#", "a/b", "b"),
        ("a/{device}/#", "a/b/c/d", "b"),
        ("a/{device}/#", "ab/b", None),
    ],
)
def test_topics_match_as_mqtt_filters_do(topic: str, name: str, device: str | None) -> None:
    decode = PlainJson(Mapping(topic=topic)).bind(name, OURS)
    assert (decode is None) == (device is None)
    if decode is not None:
        assert decode(b'{"humidity":1}', NOW, 0)[0].device.id == device


@pytest.mark.parametrize(
    "sign", "\0 \n\x1b\x7f\x80\x85\x9b\x9f+#/.*>\u061c\u200f\u2028\u202e\u2066\u2069"
)
def test_an_id_holds_no_sign_that_means_something_elsewhere(sign: str) -> None:
    for text in (sign, f"a{sign}", f"{sign}a", f"a{sign}b"):
        with pytest.raises(DecodeError, match="device id"):
            check_device_id(text)
    assert check_device_id("Kühl-1;$(x)_冷") == "Kühl-1;$(x)_冷"


def test_a_topic_with_an_impossible_id_is_refused() -> None:
    for topic in ("cargo/a/b c/readings", "cargo/a//readings", "cargo/a/b.c/readings"):
        with pytest.raises(DecodeError, match="device id"):
            PlainJson().bind(topic, OURS)
    with pytest.raises(DecodeError, match="not a device id"):
        decode_one({"id": None, "humidity": 4}, Mapping(topic="a", device_key="id"), topic="a")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"topic": "a/b"}, "exactly one way"),
        ({"device": "x"}, "exactly one way"),
        ({"topic": "a/{device}/{device}"}, "twice"),
        ({"topic": "a/#/{device}"}, "only come last"),
        ({"topic": "a/x{device}"}, "not a topic level"),
        ({"channels": {"temp": "t"}}, "not a channel"),
        ({"channels": {"temperature": "", "humidity": "h"}}, "that one value"),
        ({"topic": "a/+", "ignore": True, "channels": {"door": "d"}}, "leave out channels, or"),
        ({"topic": "a", "ignore": True, "device": "x", "time": ""}, "leave out device, time, or"),
        ({"topic": "a/{channel}/{channel}", "device": "x"}, "twice"),
        ({"topic": "a/{channel}"}, "exactly one way"),
        ({"topic": "a/{channel}", "device_key": "id"}, "carries one value"),
        ({"topic": "a/{device}/{channel}", "channels": {"door": ""}}, "carries one value"),
        ({"units": {"temp": "K"}}, "not a channel"),
        ({"units": {"temperature": "bar"}}, "cannot have the unit 'bar'; it may have °C, Cel"),
        ({"topic": "a/{device}", "format": "shelly"}, "it lacks #"),
        ({"topic": "a/#", "format": "tasmota"}, "it lacks {device}"),
        ({"topic": "a", "format": "zigbee2mqtt"}, "it lacks #"),
        ({"topic": "a/#", "format": "zigbee2mqtt", "device": "x"}, "leave out device, or format"),
        ({"topic": "a/{device}", "format": "senml", "time": "t"}, "leave out time, or format"),
        ({"topic": "a/{device}/{channel}", "format": "senml"}, "leave {channel} out"),
        ({"topic": "a/{device}", "format": "senml", "device": "x"}, "leave out device"),
    ],
)
def test_a_mapping_that_could_never_work_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Mapping(**fields)


@pytest.mark.parametrize("payload", [b"", b"Online", b'{"Uptime": 1}', b"\xff", b"[" * 1_000_000])
@pytest.mark.parametrize("topic", ["tele/+/LWT", "tele/{device}/LWT", "tele/#"])
def test_a_topic_that_is_ignored_is_understood_and_carries_no_measurement(
    topic: str, payload: bytes
) -> None:
    envelope = PlainJson(Mapping(topic=topic, ignore=True))
    decode = envelope.bind("tele/no id/LWT", OURS)
    assert decode is not None
    assert decode(payload, NOW, 0) == []
    assert envelope.bind("tell/no id/LWT", OURS) is None


@pytest.mark.parametrize(
    ("units", "document", "expected"),
    [
        ({"temperature": "°F"}, {"temperature": 32}, {"temperature": 0.0}),
        ({"temperature": "K"}, {"temperature.a": 273.15}, {"temperature.a": 0.0}),
        (
            {"temperature": "K", "temperature.a": "°C"},
            {"temperature": {"a": 5, "b": 273.15}},
            {"temperature.a": 5.0, "temperature.b": 0.0},
        ),
        (
            {"pressure": "kPa"},
            {"pressure": 100, "humidity": 4},
            {"pressure": 1000.0, "humidity": 4.0},
        ),
    ],
)
def test_units_that_are_declared_become_ours(
    units: dict[str, str], document: object, expected: dict[str, float]
) -> None:
    decode = bound(Mapping(units=units))
    for _ in range(3):
        (made,) = decode(json.dumps(document).encode(), NOW, 0)
        assert channels(made) == pytest.approx(expected)


def test_a_mapping_knows_its_subscription() -> None:
    assert Mapping(topic="a/{device}/{channel}").topic_filter == "a/+/+"
    assert Mapping().topic_filter == "cargo/+/+/readings"
    assert Mapping(topic="a/{device}/#").topic_filter == "a/+/#"


def test_a_topic_whose_keys_never_settle_costs_no_endless_plans() -> None:
    envelope = PlainJson()
    decode = envelope.bind("cargo/a/b/readings", OURS)
    assert decode is not None
    for n in range(60):
        assert decode(b'{"humidity":%d,"k%d":1}' % (n, n), NOW, 0)[0].values == (float(n),)
    assert len(envelope._plans._plans) == 16


KEYS = ["time", "seq", "temperature", "humidity", "position", "temperature.a", "rssi", "note", "id"]
NUMBERS = (
    st.integers(-(10**20), 10**20)
    | st.integers(-100, 100)
    | st.integers(0, 1 << 63)
    | st.integers(-(10**14), 3 * 10**14)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-100, 100)
).map(json.dumps)
TIMES = st.datetimes().map(lambda when: f'"{when.isoformat()}Z"') | st.sampled_from(
    ['"0001-01-01T00:00:00+14:00"', '"2026-11-22 10:00:00.0005-00:30"', '"2026-11-22T10:00:00"']
)
SCALARS = (
    NUMBERS
    | TIMES
    | st.sampled_from(["null", "true", "1e999", "-0.0", "1E2", "-0", '"a"', '"\\u0022"', '"\\""'])
    | st.text(max_size=4).map(json.dumps)
)
INNER = st.sampled_from(["lat", "lon", "a", "b", "ts"])


def written(keys: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(keys, values), max_size=6)
    return pairs.map(lambda many: "{" + ",".join(f'"{k}": {v}' for k, v in many) + "}")


OBJECTS = written(
    st.sampled_from(KEYS),
    SCALARS | NUMBERS | NUMBERS | written(INNER, SCALARS) | st.just("[1]"),
)
PAYLOADS = (
    OBJECTS
    | st.lists(OBJECTS, max_size=3).map(lambda many: "[" + ",".join(many) + "]")
    | st.tuples(OBJECTS, st.sampled_from([" ", "x", ",", "\x00"])).map("".join)
)
MAPPINGS = st.sampled_from(
    [
        Mapping(),
        Mapping(time_unit="s"),
        Mapping(topic="t", device_key="id"),
        Mapping(time="position.ts", sequence="position.a", channels={"humidity": "position.b"}),
        Mapping(time="", sequence="", channels={"humidity": "seq", "temperature": "time"}),
        Mapping(time="seq", channels={"humidity": "seq"}),
        Mapping(channels={"temperature": ""}),
        Mapping(units={"temperature": "°F", "humidity": "percent", "temperature.a": "K"}),
        Mapping(channels={"pressure": "humidity"}, units={"pressure": "bar"}),
    ]
)


def outcome(decode: Callable[[], list[Reading]]) -> object:
    """What came of it, with every value as text so that NaN equals NaN and 0.0 not -0.0."""
    try:
        return [
            (
                made.device,
                made.at,
                made.layout.channels,
                repr(made.values),
                made.flags,
                made.identity,
            )
            for made in decode()
        ]
    except DecodeError as error:
        return error.reason, error.detail


def defined(definition: Definition, payload: bytes) -> list[Reading]:
    return definition.readings(parse(payload), NOW, 0)


@given(MAPPINGS, st.lists(PAYLOADS, min_size=1, max_size=5), st.data())
def test_the_fast_way_says_what_the_definition_says(
    mapping: Mapping, payloads: list[str], data: st.DataObject
) -> None:
    topic = "t" if mapping.device_key else "cargo/a/b/readings"
    decode = bound(mapping, topic)
    owner: Topic = decode.__self__  # type: ignore[attr-defined]  # a bound method
    definition: Definition = owner.definition
    order = data.draw(st.lists(st.sampled_from(payloads), min_size=2, max_size=8))
    for payload in order:
        raw = payload.encode("utf-8", "surrogatepass")
        slow = outcome(partial(defined, definition, raw))
        assert outcome(partial(decode, raw, NOW, 0)) == slow


@given(
    st.lists(st.tuples(st.sampled_from(KEYS), NUMBERS), unique_by=lambda pair: pair[0], min_size=1),
    st.data(),
)
def test_a_plan_that_fits_says_what_the_definition_says_after_any_damage(
    pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    raw = ("{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}").encode()
    decode = bound()
    definition: Definition = decode.__self__.definition  # type: ignore[attr-defined]
    outcome(partial(decode, raw, NOW, 0))
    where = data.draw(st.integers(0, len(raw)))
    put = data.draw(
        st.binary(max_size=2) | st.sampled_from([b'"', b"null", b"1", b",", b" ", b"-"])
    )
    cut = data.draw(st.integers(0, 2))
    damaged = raw[:where] + put + raw[where + cut :]
    slow = outcome(partial(defined, definition, damaged))
    assert outcome(partial(decode, damaged, NOW, 0)) == slow


@given(st.binary(max_size=200), MAPPINGS)
def test_random_bytes_raise_nothing_but_a_decode_error(payload: bytes, mapping: Mapping) -> None:
    decode = bound(mapping, "t" if mapping.device_key else "cargo/a/b/readings")
    outcome(partial(decode, payload, NOW, 0))


def test_mappings_come_from_settings_by_name() -> None:
    table = {"topic": "a/{device}", "channels": {"temperature": "t"}}
    assert msgspec.convert(table, Mapping).channels == {"temperature": "t"}


@pytest.mark.parametrize(
    ("said", "value"),
    [("true", 1.0), ("false", 0.0), ('"open"', 1.0), ('"closed"', 0.0), ("1", 1.0)],
)
def test_a_door_may_be_said_to_be_open_in_words(said: str, value: float) -> None:
    decode = PlainJson().bind("cargo/hall/d-1/readings", Origin("", "main"))
    assert decode is not None
    payload = f'{{"time": 1700000000000, "door": {said}, "temperature": 4.5}}'.encode()
    for _ in range(3):
        (one,) = decode(payload, 1_700_000_000_000, 0)
        assert one.value("door") == value
    with pytest.raises(DecodeError, match="not a number"):
        decode(b'{"temperature": true}', 1_700_000_000_000, 0)
