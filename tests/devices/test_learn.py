"""What is proposed for other people's traffic, and that every proposal does what it says."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.device import DecodeError, Later, Origin
from devices.envelopes import envelopes
from devices.envelopes.mapping import Mapping
from devices.learn.heard import Heard, look
from devices.learn.names import Meaning, meaning
from devices.learn.proposal import Proposal, legible, quoted
from devices.learn.propose import propose
from devices.learn.tried import Known
from devices.reading import Reading

NOW = 1_795_346_283_000


def heard(topic: str, payload: Any, after: int = 0) -> Heard:  # noqa: ANN401 - whatever devices send
    """A message; what is neither text nor bytes is sent as JSON."""
    if isinstance(payload, bytes):
        return Heard(topic, payload, NOW + after)
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return Heard(topic, text.encode(), NOW + after)


def mappings_of(proposal: Proposal) -> list[Mapping]:
    """The text of a proposal, as the settings read it."""
    return [
        msgspec.convert(one, Mapping) for one in tomllib.loads(proposal.toml).get("mappings", [])
    ]


def decoded(proposal: Proposal, messages: list[Heard]) -> list[Reading]:
    """What a gateway with the proposal makes of the messages; what it refuses is left out."""
    found = envelopes(mappings_of(proposal))
    readings: list[Reading] = []
    for one in messages:
        try:
            bound = (each.bind(one.topic, Origin("", "test")) for each in found)
            decode = next((each for each in bound if each is not None), None)
            readings += decode(one.payload, one.received, one.flags) if decode else []
        except DecodeError:
            continue
    return readings


def said(readings: list[Reading]) -> dict[str, dict[str, float]]:
    """By device, the newest value of each channel."""
    values: dict[str, dict[str, float]] = {}
    for one in readings:
        values.setdefault(str(one.device), {}).update(
            {
                channel: round(value, 3)
                for channel, value in zip(one.layout.channels, one.values, strict=True)
            }
        )
    return values


class Case(NamedTuple):
    """Traffic, what is decoded of it in the end, and what some mapping of it must say."""

    messages: list[Heard]
    values: dict[str, dict[str, float]]
    settings: dict[str, Any] | None = None
    unplaced: tuple[str, ...] = ()


ESPHOME = [
    heard(f"{device}/{kind}/{name}/state", value)
    for device in ("cellar", "kitchen")
    for kind, name, value in (
        ("sensor", "temperature", "21.5"),
        ("sensor", "humidity", "55"),
        ("sensor", "wifi_signal", "-61"),
        ("sensor", "uptime", "1234"),
        ("binary_sensor", "door", "ON"),
    )
]
TAG = {"brand": "Acme", "rssi": -70, "tempc": 21.5, "tempf": 70.7, "hum": 50, "batt": 95}
MACS = ("A4:C1:38:11:22:33", "A4:C1:38:11:22:34")
THEENGS = [heard(f"home/gate/BTtoMQTT/{mac.replace(':', '')}", {"id": mac, **TAG}) for mac in MACS]

CASES = {
    "ESPHome: a topic for each attribute": Case(
        ESPHOME,
        {
            device: {"temperature": 21.5, "humidity": 55.0, "signal": -61.0, "door": 1.0}
            for device in ("cellar", "kitchen")
        },
        {"topic": "{device}/sensor/{channel}/state"},
        ("uptime",),
    ),
    "levels that repeat the device's name": Case(
        [
            heard(f"{device}/sensor/{device}_{name}/state", value)
            for device in ("cellar", "kitchen")
            for name, value in (("temperature", "21.5"), ("humidity", "55"))
        ],
        {device: {"temperature": 21.5, "humidity": 55.0} for device in ("cellar", "kitchen")},
        {"device": "cellar", "topic": "cellar/sensor/{channel}/state"},
    ),
    "a BLE gateway: the same value in two units": Case(
        [*THEENGS, heard("home/gate/LWT", "online"), heard("home/gate/SYStoMQTT", {"rssi": -60})],
        {
            mac.replace(":", ""): {
                "temperature": 21.5,
                "humidity": 50.0,
                "battery_level": 95.0,
                "signal": -70.0,
            }
            for mac in MACS
        },
        {"topic": "home/gate/BTtoMQTT/{device}"},
        ("brand", "id", "tempf"),
    ),
    "one tag alone: its level is known by its key": Case(
        THEENGS[:1],
        {
            "A4C138112233": {
                "temperature": 21.5,
                "humidity": 50.0,
                "battery_level": 95.0,
                "signal": -70.0,
            }
        },
        {"topic": "home/gate/BTtoMQTT/{device}"},
    ),
    "a LoRaWAN gateway's own JSON: device, time and count are keys": Case(
        [
            heard(
                "factory/uplink",
                {
                    "applicationID": 1,
                    "deviceName": f"door {number}",
                    "devEUI": f"24E124136B50000{number}",
                    "time": "2026-11-22T11:17:00.000Z",
                    "fCnt": 12 + count,
                    "fPort": 85,
                    "data": "AXVk",
                    "rxInfo": [{"mac": "24e1", "rssi": -57}],
                    "temperature": 24.5,
                    "battery": 92,
                },
                count * 1000,
            )
            for count in range(3)
            for number in (1, 2)
        ],
        {
            f"24E124136B50000{number}": {"temperature": 24.5, "battery_level": 92.0}
            for number in (1, 2)
        },
        {"device_key": "devEUI", "sequence": "fCnt", "time": "time"},
        ("applicationID", "rxInfo", "fPort"),
    ),
    "single letters, and seconds": Case(
        [
            heard("plant/data", {"dev": "x", "ts": NOW // 1000 + at, "t": 4.5, "h": 60}, at * 1000)
            for at in range(3)
        ],
        {"x": {"temperature": 4.5, "humidity": 60.0}},
        {"device_key": "dev", "time": "ts", "time_unit": "s"},
    ),
    "nested, with two sensors of a kind": Case(
        [
            heard(
                f"plant/{device}/up",
                {
                    "header": {"timestamp": NOW, "seq": count},
                    "data": {
                        "bme280": {"temp": 4.5, "hum": 60, "press": 101_325},
                        "ds18b20": {"temp": 3.5},
                    },
                    "status": "ok",
                },
            )
            for device in ("a1", "a2")
            for count in range(2)
        ],
        {
            device: {
                "temperature.bme280": 4.5,
                "temperature.ds18b20": 3.5,
                "humidity": 60.0,
                "pressure": 1013.25,
            }
            for device in ("a1", "a2")
        },
        {"time": "header.timestamp", "sequence": "header.seq", "units": {"pressure": "Pa"}},
        ("status",),
    ),
    "an array is a backlog": Case(
        [heard("log/r1", [{"time": NOW - 1000, "temp": 4.5}, {"time": NOW, "temp": 4.6}])],
        {"r1": {"temperature": 4.6}},
    ),
    "units in names, and a local time": Case(
        [
            heard(
                "barn/ws1/obs",
                {
                    "temp_f": 50.0,
                    "pressure_pa": 101_325,
                    "bat_mv": 3000,
                    "time": "2026-11-22 12:00",
                    "door": True,
                },
            )
        ],
        {"ws1": {"temperature": 10.0, "pressure": 1013.25, "battery": 3.0}},
        {"time": "", "units": {"temperature": "°F", "pressure": "Pa", "battery": "mV"}},
        ("door",),
    ),
    "a unit beside its value": Case(
        [heard("home/fridge", {"temperature": {"value": 39.2, "unit": "F"}})],
        {"fridge": {"temperature": 4.0}},
        {"units": {"temperature": "°F"}, "channels": {"temperature": "temperature.value"}},
    ),
    "an object for one attribute": Case(
        [heard("home/fridge/temperature", {"value": 39.2, "unit": "°F", "ts": NOW // 1000})],
        {"fridge": {"temperature": 4.0}},
        {"topic": "home/{device}/{channel}", "time": "ts", "time_unit": "s"},
    ),
    "a name that can be no id": Case(
        [heard("home/Cold room/state", {"temp": 4}), heard("home/Fridge/state", {"temp": 5})],
        {"Cold-room": {"temperature": 4.0}, "Fridge": {"temperature": 5.0}},
        {"device": "Cold-room"},
    ),
    "kelvin is known by its values": Case(
        [heard("lab/n1/x", {"temperature": 277.15})],
        {"n1": {"temperature": 4.0}},
        {"units": {"temperature": "K"}},
    ),
    "our own topics with other keys": Case(
        [
            heard("cargo/s/d/readings", {"temp": 4.2, "time": "2026-11-22T11:17:00Z"}),
            heard("cargo/s/e/readings", {"temperature": 5.0, "time": "2026-11-22T11:17:00Z"}),
        ],
        {"d": {"temperature": 4.2}, "e": {"temperature": 5.0}},
        {"topic": "cargo/s/d/readings"},
    ),
    "Tasmota, Zigbee2MQTT and SenML on other topics": Case(
        [
            heard(
                "geraete/keller/tele/SENSOR",
                {"Time": "2026-11-22T13:30:00", "DS18B20": {"Temperature": 4.3}, "TempUnit": "C"},
            ),
            heard("z2m/bridge/state", "online"),
            heard("z2m/fridge", {"temperature": 4, "linkquality": 100}),
            heard(
                "sm/x", [{"bn": "urn:dev:mac:0024beff:", "n": "temperature", "u": "Cel", "v": 4}]
            ),
        ],
        {
            "keller": {"temperature": 4.3},
            "fridge": {"temperature": 4.0},
            "0024beff": {"temperature": 4.0},
        },
        {"topic": "geraete/{device}/tele/SENSOR", "format": "tasmota"},
    ),
    "a Shelly under a prefix of its own, and Ruuvi's gateway": Case(
        [
            heard("hall/east/status/temperature:0", {"id": 0, "tC": 4.5, "tF": 40.1}),
        ],
        {"east": {"temperature": 4.5}},
        {"topic": "hall/{device}/#", "format": "shelly"},
    ),
    "one bare value": Case(
        [heard("temperature", "4.5"), heard("val", "17")],
        {"unnamed": {"temperature": 4.5}},
        {"topic": "{channel}", "device": "unnamed"},
        ("val",),
    ),
    "one name in two places is two devices": Case(
        [
            heard(f"hall/zone{zone}/fridge{number}", {"temp": 4 + zone})
            for zone in (1, 2)
            for number in (1, 2)
        ],
        {
            f"zone{zone}-fridge{number}": {"temperature": 4.0 + zone}
            for zone in (1, 2)
            for number in (1, 2)
        },
        {"topic": "hall/zone2/fridge1", "device": "zone2-fridge1"},
    ),
    "and also where each value has its topic": Case(
        [heard(f"hall/zone{zone}/fridge1/temp", f"{4 + zone}") for zone in (1, 2)]
        + [heard("hall/zone1/fridge2/temp", "9")],
        {
            "zone1-fridge1": {"temperature": 5.0},
            "zone2-fridge1": {"temperature": 6.0},
            "zone1-fridge2": {"temperature": 9.0},
        },
    ),
    "one tag that two gateways hear is one device": Case(
        [
            heard(f"gw/{gateway}/tag/AABB0{tag}", {"mac": f"AA:BB:0{tag}", "temp": 4})
            for gateway in ("east", "west")
            for tag in (1, 2)
        ],
        {"AABB01": {"temperature": 4.0}, "AABB02": {"temperature": 4.0}},
        {"topic": "gw/+/tag/{device}"},
    ),
    "a radio's events, with flags and a local time": Case(
        [
            heard(
                "radio/events",
                {
                    "time": "2026-11-22 13:00:00",
                    "model": model,
                    "id": number,
                    "battery_ok": 1,
                    "temperature_C": 4.5,
                    "humidity": 60,
                },
            )
            for model, number in (("A", 12), ("B", 77), ("A", 12))
        ],
        {device: {"temperature": 4.5, "humidity": 60.0} for device in ("12", "77")},
        {"device_key": "id", "time": ""},
        ("battery_ok", "model"),
    ),
    "one odd message beside devices does not take their mapping away": Case(
        [
            *(heard(f"farm/n{number}/up", {"temp": number}) for number in (1, 2)),
            heard("farm/n3/up", ""),
            heard("farm/all/up", "online"),
        ],
        {"n1": {"temperature": 1.0}, "n2": {"temperature": 2.0}},
        {"topic": "farm/{device}/up"},
    ),
    "one device alone beside other topics": Case(
        [heard("farm/n1", {"temp": 4}), heard("farm/LWT", "online")],
        {"n1": {"temperature": 4.0}},
        {"topic": "farm/n1", "device": "n1"},
    ),
    "rubbish": Case(
        [
            heard("x/y", "hello"),
            heard("x/z", b"\xff\x00\x01"),
            heard("q", ""),
            heard("r", "{bad"),
            heard("a/b", "[1, 2]"),
            heard("a/c", {}),
            heard("a/d", {"min_temp": 3, "temp_alarm": 1}),
        ],
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_proposal_decodes_what_it_was_made_from(name: str) -> None:
    case = CASES[name]
    proposal = propose(case.messages)
    assert said(decoded(proposal, case.messages)) == case.values
    told = [msgspec.structs.asdict(one) for one in mappings_of(proposal)]
    wanted = case.settings or {}
    assert not wanted or any(
        all(one[key] == value for key, value in wanted.items()) for one in told
    ), proposal.toml
    assert set(case.unplaced) <= {one.key for one in proposal.unplaced}


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_messages_does_not_matter_to_the_settings(name: str) -> None:
    messages = CASES[name].messages
    by_topic = sorted(messages, key=lambda one: one.topic)
    assert mappings_of(propose(messages)) == mappings_of(propose(by_topic))


def test_what_says_nothing_of_cargo_may_be_ignored_when_somebody_says_so() -> None:
    proposal = propose([*ESPHOME, heard("cellar/status", "online"), heard("q", b"\xff")])
    assert proposal.ignorable == ("cellar/status",)
    assert '# topic = "cellar/status"\n# ignore = true' in proposal.toml
    uncommented = proposal.toml.replace("# [[map", "[[map").replace("# topic", "topic")
    first = tomllib.loads(uncommented.replace("# ignore", "ignore"))["mappings"][0]
    assert msgspec.convert(first, Mapping).ignore


def test_a_proposal_says_how_many_messages_it_decodes_and_why_not_all() -> None:
    messages = [heard("farm/n1/up", {"temp": 4.5}), heard("farm/n1/up", {"temp": "error"})]
    proposal = propose([*messages, messages[0]])
    (block,) = proposal.blocks
    assert (block.decoded, block.messages, proposal.decoded) == (2, 3, 2)
    assert block.refused == ("1 of them, not-a-number: 'temp' is the text 'error', not a number",)
    assert "# 2 of 3 messages; 1 device: n1" in proposal.toml


def test_what_is_understood_is_told_by_envelope_and_left_alone() -> None:
    known = [
        heard("zigbee2mqtt/fridge", {"temperature": 4, "linkquality": 9}),
        heard("tele/plug/SENSOR", {"Time": "2026-11-22T13:30:00", "AM2301": {"Temperature": 4.3}}),
        heard("cargo/s/d/readings", {"temperature": 4.2}),
    ]
    proposal = propose(known)
    assert {one.envelope for one in proposal.understood} == {
        "zigbee2mqtt",
        "tasmota",
        "plain-json",
    }
    assert proposal.toml == ""
    assert proposal.blocks == ()
    assert "zigbee2mqtt/#" in proposal.topics
    assert {"Tasmota with AM2301": 1} in [one.recognised for one in proposal.understood]


def test_what_the_settings_map_already_is_not_proposed_again() -> None:
    first = propose(ESPHOME)
    again = propose(ESPHOME, Known(tuple(mappings_of(first))))
    assert again.decoded == 0
    assert sum(one.messages for one in again.understood) == first.decoded
    assert any(one.envelope.startswith("your mapping of ") for one in again.understood)


def test_a_mapping_of_the_settings_that_refuses_is_told_with_its_cure() -> None:
    mapping = Mapping(topic="farm/{device}/up", channels={"temperature": "wrong"})
    proposal = propose([heard("farm/n1/up", {"temp": 4})], Known((mapping,)))
    assert proposal.blocks == ()
    (refused,) = proposal.refused
    assert (refused.reason, refused.messages) == ("no-channel", 1)
    assert refused.envelope == "your mapping of farm/{device}/up"
    assert refused.cure


def test_a_make_that_is_not_known_is_told_with_models_of_a_near_name() -> None:
    event = {
        "deviceInfo": {"deviceProfileName": "EM300THX", "devEui": "24e124136b500001"},
        "time": "2026-11-22T11:17:00Z",
        "fCnt": 1,
        "fPort": 85,
        "data": "AXVkA2cQAQ==",
    }
    proposal = propose([heard("application/1/device/24e124136b500001/event/up", event)])
    (make,) = proposal.unknown_makes
    assert (make.device, make.called, make.messages) == ("24e124136b500001", "EM300THX", 1)
    assert "milesight-em300-th" in make.near
    assert proposal.refused == ()


@pytest.mark.parametrize(
    ("values", "channels"),
    [
        ({"battery": 3.1}, {"battery": 3.1}),
        ({"battery": 87}, {"battery_level": 87.0}),
        ({"battery": 3100}, {"battery": 3.1}),
        ({"battery_voltage": 12.6}, {"battery": 12.6}),
        ({"batteryLevel": 4}, {"battery_level": 4.0}),
        ({"pressure": 101.3}, {"pressure": 1013.0}),
        ({"co2_ppm": 800}, {"co2": 800.0}),
        ({"tempProbe1F": 50}, {"temperature.probe_1": 10.0}),
        ({"set_temp": 4}, {"set_point": 4.0}),
        ({"soilMoisture": 40}, {"moisture": 40.0}),
        ({"lat": 53.5, "lng": 9.9}, {"latitude": 53.5, "longitude": 9.9}),
        ({"temp": 4, "temperature_2": 5}, {"temperature": 4.0, "temperature.2": 5.0}),
        ({"temp": 21.5, "temp_min": 3}, {"temperature": 21.5}),
        ({"temp": 2150, "hum": 55}, {"humidity": 55.0}),
        ({"temp": 4, "rssi": 3}, {"temperature": 4.0}),
        ({"temp": 4, "hum": 0.55}, {"temperature": 4.0}),
        ({"temp": 4, "a.b_temp": 5}, {"temperature": 4.0}),
        ({"temp": 4, "contact": 1}, {"temperature": 4.0}),
        ({"temp": 4, "hum": None}, {"temperature": 4.0, "humidity": float("nan")}),
    ],
)
def test_keys_become_channels_by_name_unit_and_range(
    values: dict[str, Any], channels: dict[str, float]
) -> None:
    messages = [heard("farm/n1/up", values)]
    found = said(decoded(propose(messages), messages))
    assert repr(sorted(found["n1"].items())) == repr(sorted(channels.items()))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tempF", Meaning("temperature", "°F", "", sure=True)),
        ("fridge_temp", Meaning("temperature", "", "fridge", sure=True)),
        ("battery_temp", Meaning("temperature", "", "battery", sure=True)),
        ("CO2", Meaning("co2", "", "", sure=True)),
        ("h", Meaning("humidity", "", "", sure=False)),
        ("bat_mv", Meaning("battery", "mV", "", sure=True)),
        ("distance_cm", Meaning("distance", "cm", "", sure=True)),
        ("TempC_SHT", Meaning("temperature", "", "", sure=True)),
        ("battery_ok", None),
        ("temperature_unit", None),
        ("snr", None),
        ("", None),
        ("日本", None),
    ],
)
def test_a_name_says_quantity_unit_and_place(name: str, found: Meaning | None) -> None:
    assert meaning((name,)) == found


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([1, 2, 5], "seq"),
        ([1, 1, 2], None),
        ([3, 2, 4], None),
        ([7], None),
    ],
)
def test_only_what_is_seen_to_count_is_a_sequence(values: list[int], path: str | None) -> None:
    messages = [
        heard("farm/n1/up", {"temp": 4, "n": place, "seq": value}, place * 1000)
        for place, value in enumerate(values)
    ]
    (mapping,) = mappings_of(propose(messages))
    # A number that counts messages by one does as well.
    assert mapping.sequence == (path or ("n" if len(values) > 2 else ""))


@pytest.mark.parametrize(
    ("value", "key", "unit"),
    [
        (NOW // 1000 - 5, "ts", "s"),
        (NOW - 5, "ts", "ms"),
        ("2026-11-22T11:17:00+01:00", "ts", "ms"),
        ("2026-11-22T11:17:00", "", "ms"),
        ("22.11.2026 11:17", "", "ms"),
        (123_456, "", "ms"),
        (NOW * 1000, "", "ms"),
    ],
)
def test_a_time_is_known_by_how_near_it_is(value: object, key: str, unit: str) -> None:
    proposal = propose([heard("farm/n1/up", {"temp": 4, "ts": value})])
    (mapping,) = mappings_of(proposal)
    assert (mapping.time if mapping.time != "time" else "", mapping.time_unit) == (key, unit)
    if not key:
        assert "arrival" in proposal.toml or "that one counts" in proposal.toml


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b" 21.5 ", "value"),
        (b'"21.5"', "value"),
        (b"ON", "word"),
        (b"unavailable", "nothing"),
        (b"", "nothing"),
        (b"online", "text"),
        (b"\xff\x00", "binary"),
        (b"a\x00b", "binary"),
        (b"{bad", "broken"),
        (b'"bad', "broken"),
        (b"[1]", "broken"),
        (b"[]", "broken"),
        (b"{}", "object"),
    ],
)
def test_a_payload_is_of_a_kind_at_first_sight(payload: bytes, kind: str) -> None:
    assert look(payload).kind == kind


def test_no_sign_of_a_stranger_reaches_a_terminal_or_breaks_the_settings() -> None:
    topic = 'farm/\x1b[31mred"\\\u202e/up'
    proposal = propose([heard(topic, {"temp": 4, "\x1b]0;x\x07": 1})])
    assert proposal.toml.isprintable() or set(proposal.toml) - set(legible(proposal.toml)) == {"\n"}
    assert mappings_of(proposal)[0].device
    assert tomllib.loads(f"a = {quoted(topic)}")["a"] == topic


LEVELS = st.sampled_from(
    [
        "home",
        "sensor",
        "a",
        "b",
        "n1",
        "n2",
        "temperature",
        "humidity",
        "state",
        "x y",
        "{device}",
        "cargo",
        "readings",
        "tele",
        "SENSOR",
        "status",
        "",
        "zigbee2mqtt",
        "senml",
        "$SYS",
    ]
)
KEYS = st.sampled_from(
    [
        "temp",
        "temperature",
        "tempf",
        "h",
        "t",
        "ts",
        "time",
        "seq",
        "id",
        "mac",
        "data",
        "value",
        "unit",
        "bat",
        "rssi",
        "lat",
        "door",
        "linkquality",
        "n",
        "u",
        "v",
        "bn",
        "Time",
        "a.b",
        "",
    ]
)
LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 200_000),
    st.floats(-1e9, 1e9),
    st.sampled_from(["on", "21.5", "x y", "°F", "Cel", "2026-11-22T11:17:00Z", "A4:C1", "\x1b[1m"]),
    st.just(NOW),
    st.just(NOW // 1000),
)
DOCUMENT = st.recursive(
    st.dictionaries(KEYS, LEAF, max_size=5),
    lambda inner: st.dictionaries(KEYS, inner | LEAF, max_size=4),
    max_leaves=4,
)
PAYLOAD = st.one_of(
    DOCUMENT.map(lambda one: json.dumps(one).encode()),
    st.lists(DOCUMENT, max_size=3).map(lambda one: json.dumps(one).encode()),
    st.sampled_from([b"21.5", b"on", b"online", b"", b"nan", b"\xff", b"{", b"[1]", b'"4"']),
    st.binary(max_size=20),
)
MESSAGES = st.lists(
    st.tuples(st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool), PAYLOAD),
    max_size=12,
).map(lambda all_: [heard(topic, payload, at) for at, (topic, payload) in enumerate(all_)])


SHELLY = '{"src": "a", "method": "NotifyStatus", "params": {"temperature:0": {"tC": 4}}}'
ZIGBEE = '{"linkquality": 60, "temperature": 4}'


@settings(max_examples=200, deadline=None)
@given(MESSAGES)
@example([heard("{device}/{channel}/events/rpc", SHELLY.encode(), 0)])
@example([heard("{device}/{device}/status/temperature:0", b'{"id": 0, "tC": 4}', 0)])
@example([heard("{device}/{channel}/fridge", ZIGBEE.encode(), 0)])
def test_every_proposal_loads_and_decodes_as_much_as_it_says(messages: list[Heard]) -> None:
    proposal = propose(messages)
    mappings = mappings_of(proposal)
    assert mappings == [block.mapping for block in proposal.blocks]
    before, after = envelopes(), envelopes(mappings)
    taken = 0
    for one in messages:
        was, now = outcome(before, one), outcome(after, one)
        if isinstance(was, list):
            # What was understood is understood as before.
            assert repr(now) == repr(was)
        elif isinstance(now, list):
            taken += 1
    assert taken == proposal.decoded
    assert all(block.readings > 0 for block in proposal.blocks)


def outcome(found: tuple[Any, ...], one: Heard) -> list[Reading] | None:
    try:
        for each in found:
            decode = each.bind(one.topic, Origin("", "test"))
            if decode is not None:
                readings: list[Reading] = decode(one.payload, one.received, one.flags)
                return readings
    except (DecodeError, Later):
        return None
    return None


def test_so_many_different_topics_are_not_all_looked_at() -> None:
    messages = [heard(f"{place}/" * place + "end", {f"k{place}": place}) for place in range(1, 130)]
    proposal = propose(messages)
    assert proposal.left == 29
    assert proposal.seen_topics == 129


def test_the_example_of_the_guide_is_what_is_proposed() -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "learn.md"
    (example,) = re.findall(
        r"^```toml\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    messages = [
        heard(f"farm/{device}/up", {"tempF": 50, "hum": 61, "mystery": 1}, count * 1000)
        for count in range(32)
        for device in ("n1", "n2")
    ]
    assert propose(messages).toml == example
