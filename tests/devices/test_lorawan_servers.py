"""ChirpStack and The Things Stack: their own samples, and uplinks with decoded values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import DecodeError, Origin
from devices.envelopes import envelopes
from devices.envelopes.chirpstack import ChirpStack
from devices.envelopes.decoded import channels_of
from devices.envelopes.mapping import Mapping
from devices.envelopes.things_stack import ThingsStack
from devices.reading import ARRIVAL, COUNTED, MAXIMUM_CHANNELS
from gateway.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from devices.device import Decode
    from devices.reading import Reading

NOW = 1_795_341_600_500
OURS = Origin("acme", "broker")
EUI = "0101010101010101"


def chirpstack(event: str, eui: str = EUI) -> Decode:
    decode = ChirpStack().bind(f"application/17c8/device/{eui}/event/{event}", OURS)
    assert decode is not None
    return decode


def things_stack(suffix: str = "up", application: str = "app1@tenant1") -> Decode:
    decode = ThingsStack().bind(f"v3/{application}/devices/dev1/{suffix}", OURS)
    assert decode is not None
    return decode


def channels(made: Reading) -> dict[str, float]:
    return dict(zip(made.layout.channels, made.values, strict=True))


def sample(path: Path, **more: object) -> bytes:
    return json.dumps(json.loads(path.read_bytes()) | more).encode()


def uplink(vectors: Path, **more: object) -> bytes:
    return sample(vectors / "chirpstack/event_up.json", **more)


def tts_uplink(vectors: Path, **more: object) -> bytes:
    document = json.loads((vectors / "tts/uplink_message.json").read_bytes())
    document["uplink_message"] |= more
    dropped = [key for key, value in more.items() if value is None]
    for key in dropped:
        del document["uplink_message"][key]
    return json.dumps(document).encode()


def test_a_chirpstack_uplink_with_decoded_values_is_a_reading(vectors: Path) -> None:
    payload = uplink(vectors, object={"temperature": 4.5, "humidity": 60}, fCnt=17)
    (made,) = chirpstack("up")(payload, NOW, 0)
    assert made.device == ("acme", EUI)
    assert made.at == 1_658_136_855_775  # 2022-07-18T09:34:15.775023242Z
    assert channels(made) == {"humidity": 60.0, "signal": -36.0, "temperature": 4.5}
    assert (made.identity, made.flags, made.source) == (17, COUNTED, "broker")


def test_the_best_radio_gateway_gives_the_signal(vectors: Path) -> None:
    receptions = [{"rssi": -110}, {"rssi": -90.5}, {"snr": 3}, {"rssi": True}, 7]
    payload = uplink(vectors, object={"temperature": 4.5}, rxInfo=receptions)
    assert chirpstack("up")(payload, NOW, 0)[0].value("signal") == -90.5
    assert chirpstack("up")(uplink(vectors, object={"co2": 1}, rxInfo=None), NOW, 0)[0].values == (
        1.0,
    )


def test_a_chirpstack_uplink_without_decoded_values_names_the_cure(vectors: Path) -> None:
    with pytest.raises(DecodeError, match=r"device set acme.* --model") as caught:
        chirpstack("up")((vectors / "chirpstack/event_up.json").read_bytes(), NOW, 0)
    assert caught.value.reason == "unknown-model"


@pytest.mark.parametrize("event", ["ack", "integration", "join", "log", "txack"])
def test_chirpstack_events_without_a_measurement_give_none(vectors: Path, event: str) -> None:
    eui = "0016c001f000175a" if event == "integration" else EUI
    assert (
        chirpstack(event, eui)((vectors / f"chirpstack/event_{event}.json").read_bytes(), NOW, 0)
        == []
    )


def test_chirpstack_status_and_location_are_readings(vectors: Path) -> None:
    (status,) = chirpstack("status")(
        (vectors / "chirpstack/event_status.json").read_bytes(), NOW, 0
    )
    assert channels(status) == {"battery_level": 88.3}
    (place,) = chirpstack("location")(
        (vectors / "chirpstack/event_location.json").read_bytes(), NOW, 0
    )
    assert place.position == (37.344214, -8.839375)
    powered = sample(vectors / "chirpstack/event_status.json", externalPowerSource=True)
    assert chirpstack("status")(powered, NOW, 0) == []
    unknown = sample(vectors / "chirpstack/event_status.json", batteryLevelUnavailable=True)
    assert chirpstack("status")(unknown, NOW, 0) == []
    equator = sample(vectors / "chirpstack/event_location.json", location={"longitude": 9.5})
    assert chirpstack("location")(equator, NOW, 0)[0].position == (0.0, 9.5)


def test_a_devices_id_must_be_the_topics(vectors: Path) -> None:
    upper = ChirpStack().bind("application/1/device/0016C001F000175A/event/join", OURS)
    assert upper is not None
    with pytest.raises(DecodeError) as caught:
        upper((vectors / "chirpstack/event_join.json").read_bytes(), NOW, 0)
    assert caught.value.reason == "device-mismatch"
    with pytest.raises(DecodeError, match="dev1"):
        things_stack()(b'{"end_device_ids":{"device_id":"dev2"}}', NOW, 0)
    with pytest.raises(DecodeError, match="16 hexadecimal"):
        ChirpStack().bind("application/1/device/dev1/event/up", OURS)
    with pytest.raises(DecodeError, match="device id"):
        ThingsStack().bind("v3/app/devices/a b/up", OURS)


@pytest.mark.parametrize("name", ["uplink_message", "example_1_uplink_message.COMMA_FIXED"])
@pytest.mark.parametrize("application", ["app1@tenant1", "app1"])
def test_a_things_stack_uplink_is_a_reading(vectors: Path, name: str, application: str) -> None:
    (made,) = things_stack(application=application)(
        (vectors / f"tts/{name}.json").read_bytes(), NOW, 0
    )
    assert made.device == ("acme", "dev1")
    assert made.at == 1_581_520_545_789  # 2020-02-12T15:15:45.789585559Z
    assert channels(made) == {"illuminance": 0.64, "signal": -35.0, "temperature": 1.0}
    assert (made.identity, made.flags) == (1, COUNTED)


def test_a_things_stack_count_of_zero_is_left_out_and_still_counts(vectors: Path) -> None:
    (made,) = things_stack()(tts_uplink(vectors, f_cnt=None), NOW, 0)
    assert (made.identity, made.flags) == (0, COUNTED)


def test_the_normalised_form_is_read_where_no_decoded_name_is_known(vectors: Path) -> None:
    normal = [
        {"time": "2026-11-22T09:00:00Z", "air": {"temperature": 4.5, "relativeHumidity": 60}},
        {"air": {"temperature": 5.5}, "battery": 3.1},
        {"metering": {"water": 3}},
    ]
    payload = tts_uplink(
        vectors, decoded_payload={"X": 1}, normalized_payload=normal, rx_metadata=None
    )
    first, second = things_stack()(payload, NOW, 0)
    assert (first.at, channels(first)) == (1_795_338_000_000, {"humidity": 60, "temperature": 4.5})
    assert (second.at, channels(second)) == (
        1_581_520_545_789,
        {"battery": 3.1, "temperature": 5.5},
    )


def test_what_is_of_one_time_is_one_reading_and_all_of_it_is_stored(
    vectors: Path, tmp_path: Path
) -> None:
    normal = [
        {"air": {"temperature": 21.5}},
        {"air": {"relativeHumidity": 40}},
        {"air": {"temperature": -18.0}},
        {"time": "2020-02-12T10:00:00Z", "air": {"temperature": 4.5}},
        {"time": "2020-02-12T09:00:00Z", "air": {"temperature": 3.5}},
        {"time": "2020-02-12T10:00:00Z", "air": {"relativeHumidity": 60}},
        "no measurement",
    ]
    found = things_stack()(
        tts_uplink(vectors, decoded_payload=None, normalized_payload=normal), NOW, 0
    )
    assert [
        {key: one for key, one in channels(each).items() if key != "signal"} for each in found
    ] == [
        {"temperature": 3.5},
        {"humidity": 60, "temperature": 4.5},
        {"humidity": 40, "temperature": 21.5, "temperature.2": -18.0},
    ]
    # What has a time of its own may come again in another message; only the newest is counted.
    assert [bool(each.flags & COUNTED) for each in found] == [False, False, True]
    assert ["signal" in channels(each) for each in found] == [False, False, True]
    journal = Journal(tmp_path / "journal.db")
    journal.append(found)
    journal.commit()
    journal.publish()
    assert len(journal.read(0, 10).readings) == len(found)
    journal.close()


@pytest.mark.parametrize("more", [0, 1])
def test_a_reading_that_is_full_leaves_the_signal_out(vectors: Path, more: int) -> None:
    measured = {f"temperature.{number}": 4 for number in range(MAXIMUM_CHANNELS - 1 + more)}
    (made,) = things_stack()(tts_uplink(vectors, decoded_payload=measured), NOW, 0)
    assert ("signal" in channels(made)) == (more == 0)


@pytest.mark.parametrize("many", [1, 50, 501])
def test_a_form_that_says_too_much_is_refused(vectors: Path, many: int) -> None:
    each = {"air": {"temperature": {str(number): number for number in range(41 // many + 1)}}}
    with pytest.raises(DecodeError) as caught:
        things_stack()(
            tts_uplink(vectors, decoded_payload=None, normalized_payload=[each] * many), NOW, 0
        )
    assert caught.value.reason == "too-many-channels"


def test_things_stack_uplinks_that_say_nothing_known_are_told_why(vectors: Path) -> None:
    with pytest.raises(DecodeError, match=r"device set acme.* --model") as caught:
        things_stack()(tts_uplink(vectors, decoded_payload=None), NOW, 0)
    assert caught.value.reason == "unknown-model"
    with pytest.raises(DecodeError, match=r"names seen: 'foo', 'bar\.x'"):
        things_stack()(tts_uplink(vectors, decoded_payload={"foo": 1, "bar": {"x": 2}}), NOW, 0)
    with pytest.raises(DecodeError, match="uplink_message"):
        things_stack()(b'{"end_device_ids":{"device_id":"dev1"}}', NOW, 0)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("example_0_join_accept", "join"),
        ("example_2_downlink_ack", "down/ack"),
        ("example_3_downlink_failed", "down/failed"),
        ("example_4_downlinks", "down/push"),
    ],
)
def test_other_things_stack_messages_give_none(vectors: Path, name: str, suffix: str) -> None:
    assert things_stack(suffix)((vectors / f"tts/{name}.json").read_bytes(), NOW, 0) == []


def test_a_solved_location_is_a_position() -> None:
    solved = {
        "end_device_ids": {"device_id": "dev1"},
        "location_solved": {"location": {"latitude": 51.9, "longitude": 4.1, "accuracy": 30}},
    }
    (made,) = things_stack("location/solved")(json.dumps(solved).encode(), NOW, 0)
    assert made.position == (51.9, 4.1)
    assert made.flags == ARRIVAL
    solved["location_solved"] = {"location": {}}
    assert things_stack("location/solved")(json.dumps(solved).encode(), NOW, 0) == []


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        (  # Dragino LHT65
            {"BatV": 3.062, "Hum_SHT": "88.6", "TempC_DS": 27.81, "TempC_SHT": 28.29},
            {
                "battery": 3.062,
                "humidity": 88.6,
                "temperature": 28.29,
                "temperature.external": 27.81,
            },
        ),
        (  # Elsys
            {"temperature": 22.6, "humidity": 41, "light": 39, "vdd": 3594, "motion": 6},
            {
                "motion": 6.0,
                "battery": 3.594,
                "humidity": 41.0,
                "illuminance": 39.0,
                "temperature": 22.6,
            },
        ),
        (  # Decentlab
            {
                "air_temperature": {"displayName": "x", "unit": "°C", "value": 15.25},
                "pressure": {"unit": "bar", "value": 1.0},
                "battery_voltage": {"value": 3.168, "unit": "V"},
            },
            {"battery": 3.168, "pressure": 1000.0, "temperature": 15.25},
        ),
        ({"DOOR_OPEN_STATUS": 0, "BAT_V": 2.952}, {"battery": 2.952, "door": 0.0}),
        ({"door_open": True}, {"door": 1.0}),
        (
            {"batV": 5.55, "latitudeDeg": -32, "longitudeDeg": 116, "manDown": None},
            {"battery": 5.55, "latitude": -32.0, "longitude": 116.0},
        ),
        (
            {"temperature_2": 4.5, "relative_humidity_3": 50, "digital_in_1": 1},
            {"humidity.3": 50.0, "temperature.2": 4.5},
        ),
        (
            {
                "temperatureSensor": {"1": 4.5},
                "gpsLocation": {"2": {"latitude": 1, "longitude": 2}},
            },
            {"latitude": 1.0, "longitude": 2.0, "temperature.1": 4.5},
        ),
        (
            {"temperature.return_air": 3, "set_point": 2},
            {"set_point": 2, "temperature.return_air": 3},
        ),
        ({"motion": 1}, {"motion": 1.0}),
        (None, {}),
    ],
)
def test_codecs_names_are_known(decoded: object, expected: dict[str, float]) -> None:
    assert channels_of(decoded) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("decoded", "reason"),
    [
        ({"temperature": "cold"}, "not-a-number"),
        ({"temperature": "nan"}, "not-a-number"),
        ({"temperature": "1e400"}, "not-a-number"),
        ({"temperature": [1]}, "not-a-number"),
        ({"temperature": {"value": 1, "unit": "bar"}}, "unknown-unit"),
        ({f"temperature_{n}": n for n in range(41)}, "too-many-channels"),
    ],
)
def test_codecs_values_that_cannot_be_are_refused(decoded: object, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        channels_of(decoded)
    assert caught.value.reason == reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["temperature", "unit", "value", "location", "latitude", "rssi", "time"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
PARTS = ["object", "time", "fCnt", "rxInfo", "batteryLevel", "location", "location_solved"]
UPLINK = ["decoded_payload", "normalized_payload", "f_cnt", "rx_metadata", "received_at"]


@given(
    st.sampled_from(["up", "status", "location", "join"]),
    st.dictionaries(st.sampled_from(PARTS), JSON),
    st.dictionaries(st.sampled_from(UPLINK), JSON),
    st.binary(max_size=60),
)
def test_whatever_arrives_raises_nothing_but_a_decode_error(
    event: str, parts: dict[str, Any], inner: dict[str, Any], raw: bytes
) -> None:
    parts |= {"deviceInfo": {"devEui": EUI}, "end_device_ids": {"device_id": "dev1"}}
    document = json.dumps(parts | {"uplink_message": inner}).encode()
    suffix = "location/solved" if event == "location" else event
    for decode in (chirpstack(event), things_stack(suffix)):
        for payload in (document, raw, json.dumps(list(parts.values())).encode()):
            try:
                decode(payload, NOW, 0)
            except DecodeError:
                continue


def test_each_envelope_takes_its_own_topics_only() -> None:
    topics = {
        "cargo/north/box-7/readings": "plain-json",
        f"application/1/device/{EUI}/event/up": "chirpstack",
        "v3/app@tenant/devices/dev1/up": "things-stack",
        "other/x": None,
    }
    for topic, expected in topics.items():
        names = [each.name for each in envelopes() if each.bind(topic, OURS) is not None]
        assert names == ([expected] if expected else [])


def test_mapped_envelopes_are_asked_first() -> None:
    first, *others = envelopes([Mapping(topic="other/{device}")])
    assert first.bind("other/x", OURS) is not None
    assert [one.name for one in others] == [one.name for one in envelopes()]
