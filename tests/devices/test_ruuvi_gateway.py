"""Ruuvi Gateway: tags as one gateway or several hear them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Decode, DecodeError, Origin
from devices.envelopes import ruuvi_gateway
from devices.envelopes.mapping import Mapping
from devices.envelopes.ruuvi_gateway import RuuviGateway
from devices.reading import ARRIVAL, COUNTED, DeviceKey, Reading
from devices.recognition import Recognition
from gateway.journal import Journal
from tests.devices.test_zigbee2mqtt import JSON

NOW = 1_653_668_028_000
OURS = Origin("acme", "broker")
EAST, WEST = "C8:25:2D:8E:9C:2C", "C8:25:2D:8E:00:01"
TAG = "CB:B8:33:4C:88:4F"
KEY = DeviceKey("acme", "cbb8334c884f")
# The vector of Ruuvi's "Data format 5" page: 24.3 °C, 53.49 %, 100044 Pa, count 205.
VALID = "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
UNCOUNTED = VALID[:36] + "FFFF" + VALID[40:]


def advertisement(data: str = VALID) -> str:
    return f"0201061BFF9904{data}"


def message(**more: object) -> bytes:
    plain: dict[str, object] = {
        "gw_mac": EAST,
        "rssi": -26,
        "aoa": [],
        "gwts": "1653668027",
        "ts": "1653668027",
        "data": advertisement(),
        "coords": "",
    }
    return json.dumps(plain | more).encode()


def bound(
    envelope: RuuviGateway | None = None, gateway: str = EAST, tag: str = TAG, origin: Origin = OURS
) -> Decode:
    decode = (envelope or RuuviGateway()).bind(f"ruuvi/{gateway}/{tag}", origin)
    assert decode is not None
    return decode


def channels(made: Reading) -> dict[str, float]:
    return dict(zip(made.layout.channels, made.values, strict=True))


def test_an_advertisement_is_a_reading_of_its_tag() -> None:
    (made,) = bound()(message(), NOW, 0)
    assert (made.device, made.at) == (KEY, 1_653_668_027_000)
    assert (made.identity, made.flags) == (205, COUNTED)
    assert channels(made) == pytest.approx(
        {
            "temperature": 24.3,
            "humidity": 53.49,
            "pressure": 1000.44,
            "acceleration.x": 0.004,
            "acceleration.y": -0.004,
            "acceleration.z": 1.036,
            "battery": 2.977,
            "count.movement": 66.0,
            "signal": -26.0,
        }
    )


@pytest.mark.parametrize(
    ("coordinates", "place"),
    [("60.17, 24.94", (60.17, 24.94)), ("-33.9;18.4", (-33.9, 18.4)), ("roof", None), (7, None)],
)
def test_where_the_gateway_stands_is_where_the_tag_was_heard(
    coordinates: object, place: tuple[float, float] | None
) -> None:
    (made,) = bound()(message(coords=coordinates), NOW, 0)
    assert made.position == place


@pytest.mark.parametrize("ts", ["", "0", None, "25"])
def test_a_gateway_without_a_clock_gives_no_time(ts: object) -> None:
    (made,) = bound()(message(ts=ts), NOW, 0)
    assert (made.at, made.flags) == (NOW, ARRIVAL | COUNTED)
    (made,) = bound()(message(ts=1_653_668_027.0), NOW, 0)
    assert (made.at, made.flags) == (1_653_668_027_000, COUNTED)


@pytest.mark.parametrize("data", [VALID, UNCOUNTED])
def test_one_advertisement_heard_by_two_gateways_is_stored_once(tmp_path: Path, data: str) -> None:
    envelope = RuuviGateway()
    east, west = bound(envelope, EAST), bound(envelope, WEST)
    near, far = advertisement(data), advertisement(data)
    (first,) = east(message(data=near, rssi=-60, coords="60.1,24.9"), NOW, 0)
    (second,) = west(message(data=far, rssi=-92, ts="1653668029", gw_mac=WEST), NOW + 900, 0)
    assert (second.at, second.identity) == (first.at, first.identity)
    assert second.value("signal") == -60.0
    journal = Journal(tmp_path / "journal.db")
    journal.append([first, second])
    journal.commit()
    journal.publish()
    (stored,) = journal.read(0, 10).readings
    assert (stored.device, stored.value("signal"), stored.value("latitude")) == (KEY, -60.0, 60.1)
    journal.close()


def test_hearings_may_come_in_any_order_and_mixed() -> None:
    envelope = RuuviGateway()
    east, west = bound(envelope, EAST), bound(envelope, WEST)
    one, two = (advertisement(VALID.replace("00CD", count)) for count in ("00CE", "00CF"))
    heard = [
        decode(message(data=data, ts=str(1653668027 + late)), NOW, 0)[0]
        for decode, data, late in ((east, one, 0), (east, two, 1), (west, two, 2), (west, one, 0))
    ]
    assert [(made.identity, made.at % 100_000) for made in heard] == [
        (206, 27_000),
        (207, 28_000),
        (207, 28_000),
        (206, 27_000),
    ]


def test_the_second_gateway_may_have_no_clock() -> None:
    envelope = RuuviGateway()
    (first,) = bound(envelope, EAST)(message(), NOW, 0)
    (second,) = bound(envelope, WEST)(message(ts=""), NOW + 700, 0)
    assert (second.at, second.flags) == (first.at, COUNTED)
    # Nor the first: then the second gets the first one's time of arrival.
    envelope = RuuviGateway()
    (first,) = bound(envelope, EAST)(message(ts=""), NOW, 0)
    (second,) = bound(envelope, WEST)(message(), NOW + 700, 0)
    assert (first.at, first.flags & ARRIVAL) == (NOW, ARRIVAL)
    assert (second.at, second.flags & ARRIVAL) == (NOW, 0)


def test_what_is_not_the_same_stays_apart() -> None:
    envelope = RuuviGateway()
    bound(envelope)(message(), NOW, 0)
    (later,) = bound(envelope)(message(ts="1653668088"), NOW + 61_000, 0)
    assert later.at == 1_653_668_088_000
    (other,) = bound(envelope, tag="AA:B8:33:4C:88:4F")(message(ts="1653668030"), NOW, 0)
    assert other.at == 1_653_668_030_000
    (theirs,) = bound(envelope, origin=Origin("other", "x"))(message(ts="1653668031"), NOW, 0)
    assert theirs.at == 1_653_668_031_000


def test_what_was_heard_is_forgotten_before_memory_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ruuvi_gateway, "MOST", 3)
    envelope = RuuviGateway()
    decode = bound(envelope)
    for count in range(10):
        decode(message(data=advertisement(VALID.replace("00CD", f"{count:04X}"))), NOW, 0)
    assert len(envelope._heard._first) == 3
    again = message(data=advertisement(VALID.replace("00CD", "0009")), ts="1653668029")
    assert decode(again, NOW, 0)[0].at == 1_653_668_027_000
    gone = message(data=advertisement(VALID.replace("00CD", "0001")), ts="1653668029")
    assert decode(gone, NOW, 0)[0].at == 1_653_668_029_000


def test_the_status_of_a_gateway_and_other_companies_carry_no_reading() -> None:
    status = RuuviGateway().bind(f"ruuvi/{EAST}/gw_status", OURS)
    assert status is not None
    assert status(b'{"state":"online"}', NOW, 0) == []
    assert bound()(message(data="02010603FF4C00"), NOW, 0) == []
    assert bound()(message(data=""), NOW, 0) == []


def test_topics() -> None:
    assert RuuviGateway().bind("ruuvi/x", OURS) is None
    assert RuuviGateway().bind(f"other/{EAST}/{TAG}", OURS) is None
    with pytest.raises(DecodeError, match="not a Bluetooth address"):
        RuuviGateway().bind(f"ruuvi/{EAST}/tag-1", OURS)
    mapped = RuuviGateway(mapping=Mapping(topic="hall/{device}", format="ruuvi-gateway"))
    decode = mapped.bind(f"hall/{TAG}", OURS)
    assert decode is not None
    assert decode(message(), NOW, 0)[0].device == KEY
    status = mapped.bind("hall/gw_status", OURS)
    assert status is not None
    assert status(b"", NOW, 0) == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not-json"),
        (b"[]", "not-an-object"),
        (b"{}", "no-advertisement"),
        (message(data=None), "no-advertisement"),
        (message(data="02010"), "no-advertisement"),
        (message(data="zz"), "no-advertisement"),
        (message(data="0201061BFF9904"), "bad-advertisement"),
        (message(data="04FF990403"), "unknown-version"),
        (message(ts="noon"), "bad-time"),
        (message(ts=True), "bad-time"),
        (message(ts="9" * 15), "bad-time"),
        (message(rssi="-26"), "not-a-number"),
    ],
)
def test_what_is_wrong_is_refused_and_tells_the_device(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        bound()(payload, NOW, 0)
    assert (caught.value.reason, caught.value.device) == (reason, str(KEY))


def test_a_reading_has_nothing_of_what_a_stranger_says_he_heard() -> None:
    def admit(source: str, device: DeviceKey) -> None:
        if source != OURS.source:
            raise DecodeError("may-not-speak-for", f"{source} may not speak for {device}", "Ask")

    recognition = Recognition()
    recognition.admit = admit
    envelope = RuuviGateway(recognition)
    stranger = bound(envelope, WEST, origin=Origin("acme", "http:partner"))
    stranger(message(ts="1653667990", rssi=-1, coords="52.5,13.4"), NOW, 0)
    (first,) = bound(envelope, EAST)(message(coords="60.1,24.9"), NOW, 0)
    assert (first.at, first.value("signal")) == (1_653_668_027_000, -26.0)
    assert first.position == (60.1, 24.9)
    # And what two of ours hear is still one.
    (second,) = bound(envelope, WEST)(message(ts="1653668029", rssi=-90), NOW, 0)
    assert (second.at, second.values) == (first.at, first.values)


def test_a_tag_is_recognised_by_its_data_format() -> None:
    recognition = Recognition()
    bound(RuuviGateway(recognition))(message(), NOW, 0)
    known = recognition.recognised(KEY)
    assert known == ("ruuvi-ruuvitag", "it advertises in Ruuvi's data format 5")
    model = recognition.model(KEY)
    assert model is not None
    assert model.name == "RuuviTag"


@given(
    st.binary(max_size=60)
    | st.fixed_dictionaries(
        {},
        optional={
            "data": JSON | st.binary(max_size=40).map(bytes.hex) | st.just(advertisement()),
            "ts": JSON | st.text("0123456789", max_size=20),
            "rssi": JSON,
            "coords": JSON,
        },
    ).map(lambda more: message(**more))
)
def test_random_payloads_raise_nothing_but_a_decode_error(payload: bytes) -> None:
    try:
        bound()(payload, NOW, 0)
    except DecodeError:
        return
