"""What devices are recognised as, and by whose word."""

from __future__ import annotations

import json

import pytest

from devices.device import DecodeError, Origin
from devices.envelopes import envelopes
from devices.model import Model
from devices.reading import DeviceKey
from devices.recognition import Recognition

NOW = 1_795_341_600_500
EUI = "a840410000000001"
OURS, STRANGER = Origin("acme", "main"), Origin("acme", "http:partner")


def admit(source: str, device: DeviceKey) -> None:
    if source != OURS.source:
        raise DecodeError("may-not-speak-for", f"{source} may not speak for {device}", "Ask")


@pytest.fixture
def known() -> Recognition:
    made = Recognition()
    made.admit = admit
    return made


def send(known: Recognition, origin: Origin, topic: str, message: object) -> None:
    """Have a message decoded, as ingest would."""
    for envelope in envelopes((), known):
        decode = envelope.bind(topic, origin)
        if decode is not None:
            decode(json.dumps(message).encode(), NOW, 0)
            return


def chirpstack(profile: str) -> dict[str, object]:
    info = {"devEui": EUI, "deviceProfileName": profile}
    data = "y6QGIgHAAX//f/8="
    return {"deviceInfo": info, "fCnt": 1, "fPort": 2, "data": data, "object": {"temperature": 4}}


def things_stack(data: str | None) -> dict[str, object]:
    said = {"f_port": 2, "frm_payload": data, "decoded_payload": {"temperature": 4}}
    version = {"brand_id": "dragino", "model_id": "lht65"}
    return {
        "end_device_ids": {"device_id": EUI},
        "uplink_message": {**said, "version_ids": version},
    }


TAG = "0201061BFF99040512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
MESSAGES: list[tuple[str, object, str]] = [
    (f"application/1/device/{EUI}/event/up", chirpstack("LHT65"), EUI),
    (f"application/1/device/{EUI}/event/up", chirpstack("a make that nobody knows"), EUI),
    (f"application/1/device/{EUI}/event/join", chirpstack("LHT65"), EUI),
    (f"v3/app@t/devices/{EUI}/up", things_stack("y6QGIgHAAX//f/8="), EUI),
    (f"v3/app@t/devices/{EUI}/up", things_stack(None), EUI),
    ("zigbee2mqtt/fridge", {"temperature": 4}, "fridge"),
    ("zigbee2mqtt/fridge", {"temperature": 4, "device": {"model": "X"}}, "fridge"),
    (
        "shellyhtg3-84fce63ad204/events/rpc",
        {"src": "shellyhtg3-84fce63ad204", "method": "NotifyStatus", "params": {}},
        "shellyhtg3-84fce63ad204",
    ),
    ("tele/cellar/SENSOR", {"AM2301": {"Temperature": 4}}, "cellar"),
    ("senml/cellar", [{"n": "temperature", "u": "Cel", "v": 4}], "cellar"),
    ("ruuvi/C8:25:2D:8E:9C:2C/CB:B8:33:4C:88:4F", {"data": TAG}, "cbb8334c884f"),
]


@pytest.mark.parametrize(("topic", "message", "device"), MESSAGES)
def test_a_device_is_what_they_say_who_may_speak_for_it(
    known: Recognition, topic: str, message: object, device: str
) -> None:
    told: list[DeviceKey] = []
    known.on_recognised = lambda key, _what, _why: told.append(key)
    key = DeviceKey("acme", device)
    send(known, STRANGER, topic, message)
    assert (known.recognised(key), told) == (None, [])
    # Nor does what a stranger said keep others from being heard.
    send(known, OURS, topic, message)
    assert known.recognised(key) is not None
    assert told == [key]


def test_a_stranger_changes_nothing_of_what_is_known(known: Recognition) -> None:
    device = DeviceKey("acme", EUI)
    lht65 = known.decoder(device, ("LHT65",), OURS.source)
    assert isinstance(lht65, Model)
    before = known.recognised(device)
    for hint in ("Oyster", "nothing known"):
        # Its own message is decoded by its own word: it is refused afterwards.
        assert known.decoder(device, (hint,), STRANGER.source) is known.named(hint)
        known.note(device, hint, "it says so", STRANGER.source)
    assert (known.recognised(device), known.model(device)) == (before, lht65)


def test_nobody_is_asked_about_what_is_known_already(known: Recognition) -> None:
    device, asked = DeviceKey("acme", EUI), 0

    def count(_source: str, _device: DeviceKey) -> None:
        nonlocal asked
        asked += 1

    known.admit = count
    known.decoder(device, ("LHT65",), OURS.source)
    first = asked
    for _ in range(3):
        known.decoder(device, ("LHT65",), OURS.source)
    assert asked == first > 0
