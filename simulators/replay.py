"""A recorded series as if its device sent it now: a logger's export, a CSV table, a GPX track."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

import msgspec

from devices import loggers
from devices.device import DecodeError, check_device_id
from simulators import gpx
from simulators.length import format_length
from simulators.radio import Message
from simulators.truth import moment


class Sample(NamedTuple):
    """What was measured at one time, ms since 1970: channel and value, None for a missing one."""

    at: int
    values: Mapping[str, float | None]


class Recording(NamedTuple):
    """A device's samples, at least one, in the order of time."""

    device: str
    samples: Sequence[Sample]
    notes: Sequence[str] = ()
    """What a person should know."""


def read(  # noqa: PLR0913 - all that a file cannot say itself
    name: str,
    content: bytes,
    *,
    received: int,
    zone: tzinfo | None = None,
    device: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Recording:
    """Read a file that was recorded. `received` is now. Raises DecodeError and nothing else."""
    if name.lower().endswith(".gpx"):
        return _track(device or name[: -len(".gpx")], content)
    file = loggers.read(name, content, received=received, zone=zone, device=device, columns=columns)
    samples = [
        Sample(
            reading.at,
            {
                channel: None if math.isnan(value) else value
                for channel, value in zip(reading.layout.channels, reading.values, strict=True)
            },
        )
        for reading in file.readings
    ]
    if not samples:
        cure = "Export a period in which it measured"
        raise DecodeError("empty", f"{name}: it holds no measurement", cure)
    return Recording(file.device, sorted(samples, key=lambda sample: sample.at), file.notes)


def _track(device: str, content: bytes) -> Recording:
    track = gpx.read(content)
    samples = [Sample(point.at, _position(point)) for point in track.points]
    notes = [f"{track.untimed} points have no time, and are left out"] if track.untimed else []
    return Recording(check_device_id(device), samples, notes)


def _position(point: gpx.Point) -> dict[str, float | None]:
    values: dict[str, float | None] = {"latitude": point.latitude, "longitude": point.longitude}
    return values if point.speed is None else {**values, "speed": point.speed}


def shift(recording: Recording, now: int, speed: float | None) -> Recording:
    """Return it with other times: at this speed (None: at once) the last is sent when it is due.

    So at the speed 1 the first sample is of now, and at the speed None the last one.
    """
    first, last = recording.samples[0].at, recording.samples[-1].at
    takes = 0 if speed is None else round((last - first) / max(speed, 1))
    by = now + takes - last
    samples = [sample._replace(at=sample.at + by) for sample in recording.samples]
    return recording._replace(samples=samples)


class Replay:
    """A recording as time goes on, like a Simulation."""

    def __init__(self, recording: Recording, site: str) -> None:
        """`site` stands in the topic."""
        self.recording = recording
        self.now = recording.samples[0].at - 1
        """ms since 1970."""
        self.end = recording.samples[-1].at
        self._topic = f"cargo/{site}/{recording.device}/readings"
        self._times = [sample.at for sample in recording.samples]
        self._next = 0

    def advance(self, until: int) -> list[Message]:
        """Let time pass until then; return what is sent until then, in order."""
        first, self._next = self._next, bisect_right(self._times, until)
        self.now = until
        return [self._message(number) for number in range(first, self._next)]

    def describe(self) -> str:
        """Say in one line what is happening."""
        length = format_length(self.end - self._times[0])
        return (
            f"{self.recording.device}: {self._next:,} of {len(self._times):,} readings of {length}"
        )

    def _message(self, number: int) -> Message:
        device, samples = self.recording.device, self.recording.samples
        at, values = samples[number]
        content = {"time": moment(at), "seq": number, **values}
        return Message(at, self._topic, msgspec.json.encode(content), device, 1)
