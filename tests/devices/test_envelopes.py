"""All envelopes together: whose a topic is, how settings give one other topics, and the guide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from devices.device import Decode, Origin
from devices.envelopes import FORMATS, envelopes
from devices.envelopes.mapping import Format, Mapping
from gateway.settings import parse

NOW = 1_795_341_600_500
OURS = Origin("acme", "broker")
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "devices-mqtt.md"
BLOCKS = re.findall(r"^```toml\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def taken(topic: str, *mappings: Mapping) -> list[tuple[str, Decode]]:
    bound = ((one.name, one.bind(topic, OURS)) for one in envelopes(mappings))
    return [(name, decode) for name, decode in bound if decode is not None]


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("cargo/north/box-7/readings", "plain-json"),
        ("zigbee2mqtt/kitchen/fridge", "zigbee2mqtt"),
        ("zigbee2mqtt/bridge/state", "zigbee2mqtt"),
        ("shellyhtg3-dc5475c0ffee/events/rpc", "shelly"),
        ("ruuvi/C8:25:2D:8E:9C:2C/CB:B8:33:4C:88:4F", "ruuvi-gateway"),
        ("ruuvi/C8:25:2D:8E:9C:2C/gw_status", "ruuvi-gateway"),
        ("tele/tasmota_A1/SENSOR", "tasmota"),
        ("stat/tasmota_A1/RESULT", "tasmota"),
        ("senml/box", "senml"),
        ("senml", "senml"),
        ("home/fridge/temperature", None),
        ("$SYS/broker/uptime", None),
    ],
)
def test_a_topic_is_of_one_envelope(topic: str, name: str | None) -> None:
    assert [one for one, _ in taken(topic)] == ([name] if name else [])


def test_every_format_is_an_envelope_and_the_other_way_round() -> None:
    assert {"json", *FORMATS} == set(get_args(Format))


@pytest.mark.parametrize(
    ("topic", "payload", "device", "channels"),
    [
        ("site-3/z2m/hall/fridge", b'{"temperature":4}', "hall:fridge", ("temperature",)),
        ("warehouse/c1/status/temperature:0", b'{"tC":4}', "c1", ("temperature",)),
        ("cellar/tele/SENSOR", b'{"DS18B20":{"Temperature":4}}', "cellar", ("temperature",)),
        (
            "hall/CB:B8:33:4C:88:4F",
            b'{"data":"0201061BFF99040512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F","ts":"1795341600"}',
            "cbb8334c884f",
            None,
        ),
        ("lwm2m/oven/up", b'[{"n":"probe","u":"Cel","v":4}]', "oven", ("temperature.probe",)),
        ("home/fridge/temp", b"39.2", "fridge", ("temperature",)),
        ("home/fridge/contact_open", b"open", "fridge", ("door",)),
    ],
)
def test_the_mappings_of_the_guide_read_what_is_sent(
    topic: str, payload: bytes, device: str, channels: tuple[str, ...] | None
) -> None:
    mappings = [one.mapping() for block in BLOCKS for one in parse(block).mappings]
    (made,) = taken(topic, *mappings)[0][1](payload, NOW, 0)
    assert made.device.id == device
    assert channels is None or made.layout.channels == channels
    expected = {"hall/CB:B8:33:4C:88:4F": 24.3, "home/fridge/contact_open": 1.0}.get(topic, 4.0)
    assert expected in [pytest.approx(value) for value in made.values]


def test_what_the_guide_ignores_gives_no_reading() -> None:
    mappings = [one.mapping() for block in BLOCKS for one in parse(block).mappings]
    assert taken("home/fridge/uptime", *mappings)[0][1](b"77", NOW, 0) == []


def test_the_guides_pack_is_one_reading() -> None:
    (pack,) = re.findall(r"^```json\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (made,) = taken("senml")[0][1](pack.encode(), NOW, 0)
    assert (made.device.id, made.at) == ("0024befffe804ff1", 1_795_341_600_000)
    assert dict(zip(made.layout.channels, made.values, strict=True)) == {
        "humidity": 61.5,
        "temperature": 4.3,
    }


def test_the_guides_names_mean_what_it_says() -> None:
    rows = re.findall(
        r"^\| `([^`]+)`(?:, on `([^`]+)`)? \| `([^`]+)` \| `([^`]+)` \|$",
        GUIDE.read_text("utf-8").partition("## SenML")[2].partition("\n## ")[0],
        re.MULTILINE,
    )
    assert len(rows) == 5
    for name, topic, device, channel in rows:
        payload = f'[{{"n": "{name}", "u": "Cel", "v": 4}}]'.encode()
        (made,) = taken(topic or "senml/x")[0][1](payload, NOW, 0)
        assert (made.device.id, made.layout.channels) == (device, (channel,))
