"""What is known of one device, as bytes: for restarts, and for key frames to judge again from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from devices.reading import DeviceKey, Reading, layout
from rules.grace import Graced
from rules.subject import GRACE, Lost, Subject, Track, arm, spelled_out, tracks_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.plan import Plan

FORMAT = 3
READABLE = {1, 2, 3}
"""Formats of stored state. Version 1 knew nothing of jumps: it takes up as if none had been.
Version 2 knew nothing of meters."""


class _Latest(msgspec.Struct, array_like=True):
    """The latest reading of a quiet subject, and the keys of the phases that follow from it."""

    channels: tuple[str, ...]
    at: int
    received: int
    values: tuple[float, ...]
    flags: int
    identity: int
    keys: tuple[str, ...]


class _Dump(msgspec.Struct, array_like=True):
    format: int
    heard: int
    day: int
    lost: tuple[Lost, ...]
    latest: _Latest | None
    tracks: dict[str, Track] | None
    meters: dict[str, bytes] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Dump)


def dump(subject: Subject, *, contact: bool = True) -> bytes:
    """Return the state as MessagePack; the same state gives the same bytes.

    Without `contact` nothing is said of when the subject was heard.
    """
    latest, packed, tracks = subject.latest, None, subject.tracks
    if subject.settled is not None:
        tracks = spelled_out(subject)
    elif tracks is None and latest is not None:
        packed = _Latest(
            latest.layout.channels,
            latest.at,
            latest.received,
            latest.values,
            latest.flags,
            latest.identity,
            subject.plan.calm(latest.layout, latest.when).keys,
        )
    if tracks is not None:
        tracks = {
            channel: msgspec.structs.replace(t, phases=dict(sorted(t.phases.items())))
            for channel, t in sorted(tracks.items())
        }
    heard, lost = (subject.heard, subject.lost) if contact else (-1, ())
    meters = {key: _encoder.encode(meter) for key, meter in sorted(subject.meters.items())}
    content = _Dump(FORMAT, heard, subject.day, lost, packed, tracks, meters)
    return _encoder.encode(content)


def load(subject: Subject, state: bytes) -> None:
    """Take over a dumped state; phases of unknown versions are kept until `strangers` is asked.

    Raises ValueError when the state is of another format.
    """
    try:
        content = _decoder.decode(state)
    except msgspec.DecodeError as error:
        raise ValueError(
            f"the stored rule state of {subject.device} cannot be read: judge its readings again"
        ) from error
    if content.format not in READABLE:
        raise ValueError(
            f"the stored rule state of {subject.device} has format {content.format}, "
            f"this version reads {FORMAT}: judge its readings again"
        )
    subject.heard, subject.day, subject.lost = content.heard, content.day, content.lost
    subject.tracks, subject.latest, subject.settled = content.tracks, None, None
    subject.meters = dict(_meters(subject.plan, content.meters))
    if content.latest is not None:
        latest = _restore(subject.device, content.latest)
        keys = content.latest.keys
        if keys == subject.plan.calm(latest.layout, latest.when).keys:
            subject.latest = latest
        else:
            # The rules have changed: a version that has seen nothing yet knows nothing yet.
            subject.tracks = tracks_after(subject, latest, frozenset(keys))
    arm(subject)


def _meters(plan: Plan, packed: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    """Unpack the meters of judges that the plan knows."""
    for key, body in packed.items():
        judge = plan.judges.get(key.removesuffix(GRACE))
        if judge is None:
            continue
        if key.endswith(GRACE):
            yield key, msgspec.msgpack.decode(body, type=Graced)
        elif judge.meter is not None:
            yield key, msgspec.msgpack.decode(body, type=judge.meter.METER)


def _restore(device: DeviceKey, latest: _Latest) -> Reading:
    return Reading(
        device=device,
        at=latest.at,
        received=latest.received,
        layout=layout(latest.channels),
        values=latest.values,
        flags=latest.flags,
        identity=latest.identity,
        source="",
    )
