"""Devices of the catalogue, simulated: what they send arrives and means what was measured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest

from devices.device import Origin
from devices.envelopes import envelopes
from devices.reading import Reading
from simulators.encode import Encoder
from simulators.encoders import ENCODERS
from simulators.mistakes import ScenarioError
from simulators.scenario_file import parse
from simulators.senders import BY_MODEL, SENDERS, eui, flat, mac
from simulators.sensing import Samples
from simulators.simulation import Message, Simulation
from simulators.sources import CHANNELS
from simulators.transmit import Target, Transmission
from tests.gateway.listener.serving import serving
from tests.simulators.small import FAULT, HOUR, MINUTE, START
from tests.simulators.told_clock import ToldClock

ROOM = """
seed = 7
weather = 2026-07-01T06:00:00Z

[[assets]]
name = "room"
kind = "cold-room"
place = [51.9, 4.3]
"""
SENSORS = """
    [[assets.sensors]]
    device = "{device}"
    every = "5 min"
    battery = 3.2
    channels = {channels}
    model = "{model}"
    {more}
"""
MIXED = (
    ROOM
    + SENSORS.format(
        device="probe",
        channels='["temperature", "humidity", "temperature.external", "battery"]',
        model="dragino-lht65",
        more="",
    )
    + SENSORS.format(
        device="tracker",
        channels='["position", "battery"]',
        model="dragino-lgt92",
        more='envelope = "things-stack"',
    )
    + SENSORS.format(
        device="tag",
        channels='["humidity", "temperature", "battery"]',
        model="ruuvi-ruuvitag",
        more='measures = "wall"',
    )
    + """
    [[assets.sensors]]
    device = "logger"
    every = "5 min"
    channels = ["temperature"]
"""
)
IDS = {
    "probe": eui("probe"),
    "tracker": "tracker",
    "tag": mac("tag").replace(":", "").lower(),
    "logger": "logger",
}
ENVELOPES = envelopes()


@dataclass
class Measured:
    """What sensors measured, before it was encoded."""

    values: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    """Device and count → channel → value."""


@contextmanager
def measuring() -> Iterator[Measured]:
    """Look over an encoder's shoulder."""
    seen = Measured()
    encode = Encoder.encode

    def look(self: Encoder, samples: Samples) -> list[bytes]:
        for place, device in enumerate(samples.devices.tolist()):
            name, names = ROSTER[device]
            values = samples.values[samples.first[place] : samples.last[place]]
            key = (name, int(samples.sequence[place]))
            seen.values[key] = dict(zip(names, values, strict=True))
        return encode(self, samples)

    with patch.object(Encoder, "encode", look):
        yield seen


ROSTER = [
    (one.name, flat(one.section)) for one in Simulation(parse(MIXED), start=START).roster.devices
]


def decode(message: Message) -> list[Reading]:
    """Decode a message as Holdwatch does."""
    for envelope in ENVELOPES:
        bound = envelope.bind(message.topic, Origin("", "test"))
        if bound is not None:
            return bound(message.payload, message.at, 0)
    raise AssertionError(f"nobody knows {message.topic}")


def step(device: str, channel: str) -> float:
    return (
        {
            "probe": BY_MODEL["dragino-lht65"],
            "tracker": BY_MODEL["dragino-lgt92"],
            "tag": BY_MODEL["ruuvi-ruuvitag"],
        }[device].ranges[channel][2]
        if device != "logger"
        else 1e-9
    )


def check(readings: Sequence[Reading], measured: Measured) -> None:
    """Every value that was measured has arrived, within the step of its device's bytes."""
    found = {(one.device.id, one.identity): one for one in readings}
    assert len(found) == len(readings) == len(measured.values)
    for (device, sequence), values in measured.values.items():
        reading = found[IDS[device], sequence]
        for channel, value in values.items():
            assert reading.value(channel) == pytest.approx(
                value, rel=0, abs=step(device, channel) * 0.51
            ), (device, channel)


def test_what_is_measured_is_decoded_within_the_step_of_each_device() -> None:
    with measuring() as measured:
        sent = Simulation(parse(MIXED), start=START).advance(START + HOUR)
    assert {one.topic.split("/")[0] for one in sent} == {"application", "v3", "ruuvi", "cargo"}
    check([reading for one in sent for reading in decode(one)], measured)


async def test_it_arrives_in_the_journal_through_the_listener(tmp_path: Path) -> None:
    with measuring() as measured:
        source = Simulation(parse(MIXED), start=START)
        async with serving(tmp_path) as door:
            target = Target("127.0.0.1", door.port, connections=2)
            transmission = Transmission(source, target, ToldClock(START + HOUR))
            async with asyncio.timeout(20):
                await transmission.run(until=START + HOUR, speed=None)
            await door.settle()
            readings = door.journal.read(0, 10**6).readings
    assert len(measured.values) > 4 * 10
    check(readings, measured)


MOST = [one for one in ENCODERS if any(way.takes(one) for way in SENDERS.values())]


@pytest.mark.parametrize("model", sorted({one.model for one in MOST}))
def test_every_model_can_be_simulated(model: str) -> None:
    ranges = BY_MODEL[model].ranges
    channels = [name for name in CHANNELS if name in ranges]
    channels += ["position"] * ("latitude" in ranges)
    text = ROOM + SENSORS.format(device="one", channels=json.dumps(channels), model=model, more="")
    sent = Simulation(parse(text), start=START).advance(START + 30 * MINUTE - 1)
    assert len(sent) == 6
    for message in sent:
        (reading,) = decode(message)
        for channel in flat(parse(text).assets[0].sensors[0]):
            assert reading.value(channel) is not None, channel
        assert abs(reading.at - message.at) < 1000


def test_what_waits_for_a_link_goes_one_by_one_with_its_own_time() -> None:
    lost = FAULT.format(kind="lost_link", on="room", at="10 min", lasts="30 min", more="")
    with measuring() as measured:
        sent = Simulation(parse(MIXED + lost), start=START).advance(START + HOUR)
    check([reading for one in sent for reading in decode(one)], measured)
    late = [one for one in sent if one.device == "probe" and decode(one)[0].at < one.at - MINUTE]
    assert len(late) == 6


def test_a_number_is_made_of_a_name_and_stays() -> None:
    assert eui("70B3D5A1B2C3D4E5") == "70b3d5a1b2c3d4e5"
    assert eui("probe") == eui("probe") != eui("probe-2")
    assert int(eui("probe")[:2], 16) & 3 == 2, "nobody's real device"
    assert mac("tag").count(":") == 5


@pytest.mark.parametrize(
    ("channels", "model", "more", "says"),
    [
        ('["temperature"]', "dragino-lht66", "", "no model 'dragino-lht66'. Did you mean dragino"),
        ('["door"]', "dragino-lht65", "", "dragino-lht65 does not send 'door'"),
        ('["temperature"]', "dragino-lht65", 'envelope = "ruuvi-gateway"', "for RuuviTags"),
        ('["temperature"]', "ruuvi-ruuvitag", 'envelope = "chirpstack"', "for LoRaWAN devices"),
        ('["temperature"]', "dragino-lht65", 'envelope = "plain"', "plain JSON is none"),
        ('["temperature"]', "dragino-lht65", 'envelope = "chirp"', "Did you mean chirpstack"),
        ('["temperature.external"]', "dragino-lht65", 'probe = "wal"', "Did you mean wall"),
    ],
)
def test_a_model_that_cannot_be_so_is_a_mistake_with_its_cure(
    channels: str, model: str, more: str, says: str
) -> None:
    text = SENSORS.format(device="one", channels=channels, model=model, more=more)
    with pytest.raises(ScenarioError) as caught:
        parse(ROOM + text)
    assert says in str(caught.value).replace("\n", " ")


def test_an_envelope_needs_a_model() -> None:
    text = '\n    [[assets.sensors]]\n    channels = ["temperature"]\n    envelope = "chirpstack"\n'
    with pytest.raises(ScenarioError, match="Say by `model` what it is"):
        parse(ROOM + text)
