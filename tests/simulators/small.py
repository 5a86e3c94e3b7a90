"""A scenario of a few assets, and what its devices say, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from devices.device import Origin
from devices.envelopes.plain import PlainJson
from devices.reading import Reading
from simulators.scenario_file import parse
from simulators.simulation import Message, Simulation

START = 1_795_348_800_000
"""2026-11-22 12:00 UTC."""
MINUTE = 60_000
HOUR = 60 * MINUTE

SMALL = """
seed = 7
weather = 2026-07-01T06:00:00Z

[[routes]]
name = "road"
by = "road"
speed = 80
waypoints = [[52.0, 4.3], [51.0, 7.0], [48.1, 11.6]]

[[assets]]
name = "truck"
kind = "truck"
set_point = 2.0
route = "road"
    [[assets.sensors]]
    channels = ["temperature", "humidity", "position", "speed", "acceleration", "illuminance"]

[[assets]]
name = "room-{n}"
kind = "cold-room"
count = 2
site = "house"
place = [51.9, 4.3]
openings = 20
    [[assets.sensors]]
    device = "{asset}-{n}"
    count = 2
    channels = ["temperature", "temperature.cargo", "door", "battery"]
    every = "50 s"
    error = 0.1
"""
FAULT = """
[[faults]]
kind = "{kind}"
on = "{on}"
at = "{at}"
for = "{lasts}"
{more}
"""


def fault(kind: str, on: str, at: str = "10 min", lasts: str = "20 min", more: str = "") -> str:
    """Return a fault as it stands in a scenario."""
    return FAULT.format(kind=kind, on=on, at=at, lasts=lasts, more=more)


def simulation(more: str = "", *, text: str = SMALL, start: int = START) -> Simulation:
    """Return the small scenario, with more at its end."""
    return Simulation(parse(text + more), start=start)


@cache
def sent(more: str = "", minutes: float = 60, *, text: str = SMALL) -> list[Message]:
    """Return what the small scenario, with more, sends in so many minutes; do not change it."""
    return simulation(more, text=text).advance(START + round(minutes * MINUTE))


def readings(messages: Iterable[Message], device: str = "") -> list[Reading]:
    """Decode messages, of one device or all, as Holdwatch does."""
    return [
        reading
        for message in messages
        if message.device == device or not device
        for reading in decode(message)
    ]


def decode(message: Message) -> list[Reading]:
    """Decode a message as Holdwatch does."""
    bound = PlainJson().bind(message.topic, Origin("", "test"))
    assert bound is not None, message.topic
    return bound(message.payload, message.at, 0)


def series(messages: Iterable[Message], device: str, channel: str) -> list[tuple[float, float]]:
    """Return minutes since the start, by the device's clock, and values of a channel."""
    return [
        ((reading.at - START) / MINUTE, value)
        for reading in readings(messages, device)
        if (value := reading.value(channel)) is not None
    ]


def objects(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Return all objects of all payloads, those of backlogs too."""
    found: list[dict[str, Any]] = []
    for message in messages:
        payload = json.loads(message.payload)
        found += payload if isinstance(payload, list) else [payload]
    return found
