"""One reading, one device: late, a repetition, or a step of its phases."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from devices.reading import IMPORTED, QUANTITIES, DeviceKey, Reading
from rules.assess import (
    Told,
    assess,
    assess_again,
    assess_held,
    doubts,
    heard_at,
    heard_of_several,
    note_grace,
)
from rules.jumps import confirms
from rules.lifecycle import Change, Phase, expire, explain
from rules.plan import FOREVER, Judge, Judged
from rules.stored import dump
from rules.subject import (
    DAY,
    NEVER,
    Held,
    Order,
    Subject,
    Track,
    order,
    quieten,
    sample,
    seen,
    still_calm,
    strangers,
    undated,
    wake,
)
from rules.transition import Episode, Transition, alert_id, episode

_FIRST = -(1 << 63)
"""Sorts before the identity of every reading."""
_BEFORE = Order(NEVER, _FIRST, _FIRST)


class Frame(msgspec.Struct, frozen=True):
    """A key frame: a device's state after all readings judged before `at` (ms), a midnight UTC."""

    device: DeviceKey
    at: int
    state: bytes


class Folded(msgspec.Struct):
    """What a batch did. `late`: for each device the earliest time that needs judging again."""

    transitions: list[Transition]
    late: dict[DeviceKey, int]
    frames: list[Frame]


def step(subject: Subject, reading: Reading, out: Folded) -> None:
    """Apply a reading to the subject's phases, or report it as late."""
    judged = subject.plan.judged(reading.layout)
    if not judged or undated(reading):
        return
    place = order(reading)
    last = max(seen(subject, channel.key) or _BEFORE for channel in judged)
    if place == last:
        return
    if place < last or place.when < subject.day:
        device = reading.device
        out.late[device] = min(place.when, out.late.get(device, place.when))
        return
    day = place.when - place.when % DAY
    if day > subject.day:
        # A channel whose rule was retired stands at that rule's end, which may lie beyond this
        # midnight: from there what comes for the time between could not be judged again.
        beyond = any(track.when >= day for track in (subject.tracks or {}).values())
        if subject.day != NEVER and not beyond:
            out.frames.append(Frame(subject.device, day, dump(subject, contact=False)))
        subject.day = day
    tracks = wake(subject)
    for channel in judged:
        track = tracks.get(channel.key)
        if track is None:
            track = tracks[channel.key] = Track(*place, {})
        _apply(subject, track, channel, reading, out.transitions)
        track.when, track.identity, track.at = place
    quieten(subject, reading)


def _apply(
    subject: Subject, track: Track, channel: Judged, reading: Reading, told: list[Transition]
) -> None:
    """Let every version in force judge the reading, and end those that no longer are."""
    when = reading.when
    for judge in channel.judges:
        if when >= judge.until:
            _expire(subject, track, channel.key, judge, told)
    if track.held is not None:
        _settle(subject, track, channel, reading, told)
    alone = None if channel.composed or channel.index < 0 else heard_at(reading, channel.index)
    doubted = alone is not None and alone.usable and doubts(track, channel, alone.raw, when)
    for judge in channel.judges:
        if judge.in_force(when):
            note_grace(subject, judge, channel, reading)
            heard = alone or heard_of_several(judge, channel, reading)
            if heard is not None:
                _judge(subject, track, Told(judge, channel, reading, heard), told, doubted=doubted)
    if doubted and alone is not None:
        track.held = Held(when, reading.identity, alone.raw, bool(reading.flags & IMPORTED))
    elif alone is not None and alone.usable and channel.jump is not None:
        track.trusted = (when, alone.raw)


def _judge(
    subject: Subject, track: Track, given: Told, told: list[Transition], *, doubted: bool
) -> None:
    judge = given.judge
    phase = track.phases.get(judge.key)
    if phase is None:
        phase = track.phases[judge.key] = Phase()
    if not (doubted and judge.waits):
        imported = bool(given.reading.flags & IMPORTED)
        told += [
            _tell(subject, given.channel.channel, judge, change, imported=imported)
            for change in assess(subject, phase, given)
        ]


def _settle(
    subject: Subject, track: Track, channel: Judged, reading: Reading, told: list[Transition]
) -> None:
    """Apply the value that was held: as it was where this reading confirms it, else as unknown."""
    held, jump, trusted = track.held, channel.jump, track.trusted
    if held is None:
        return
    track.held = None
    when = reading.when
    # Where the message carries another of its channels alone, nothing confirms it.
    _, value, usable = sample(reading, channel.index) if channel.index >= 0 else (None, 0.0, False)
    real = (
        usable
        and jump is not None
        and trusted is not None
        and confirms(jump, trusted[1], held.value, value, when - held.when)
    )
    if real:
        track.trusted = (held.when, held.value)
    for judge in channel.judges:
        # One that has ended meanwhile never knew: see `_expire`.
        phase = track.phases.get(judge.key)
        if phase is not None and judge.waits:
            changes = assess_held(subject, phase, judge, held, real=real)
            told += [
                _tell(subject, channel.channel, judge, change, imported=held.imported)
                for change in changes
            ]


def _expire(subject: Subject, track: Track, key: str, judge: Judge, told: list[Transition]) -> None:
    phase = track.phases.pop(judge.key, None)
    if phase is not None:
        # Where the end was set in the past, its readings are yet to be judged again.
        changes = []
        if track.held is not None and judge.waits and judge.in_force(track.held.when):
            changes = assess_held(subject, phase, judge, track.held, real=False)
        changes += expire(phase, judge.timing(phase.since), max(judge.until, phase.since))
        told += [_tell(subject, channel_of(key), judge, change) for change in changes]
        successor = subject.plan.successor(judge)
        if successor is not None and successor.key not in track.phases and track.held is None:
            given = assess_again(judge, phase, successor)
            if given is not None:
                track.phases[successor.key], changes = given
                alone = subject.heard < 0  # its readings came from files only
                told += [
                    _tell(subject, channel_of(key), successor, one, imported=alone)
                    for one in changes
                ]


def channel_of(key: str) -> str:
    """Return the channel that is judged on a track."""
    return key.partition("+")[0]


def retire(subject: Subject) -> list[Transition]:
    """End the phases of versions with `until`, as a reading after it would."""
    told: list[Transition] = []
    if subject.settled is not None or not still_calm(subject):
        wake(subject)
    for key, track in (subject.tracks or {}).items():
        for judge in subject.plan.judges.values():
            if judge.until < FOREVER and judge.key in track.phases:
                _expire(subject, track, key, judge, told)
                if track.when < judge.until:
                    # What comes for the time before is late now, and judged again.
                    track.when, track.identity, track.at = judge.until, _FIRST, _FIRST
    return told


def orphans(subject: Subject) -> list[Transition]:
    """Drop the phases of versions that nobody knows any more; tell which alarms end so."""
    return [
        _orphan(subject, channel_of(track), key, phase)
        for track, key, phase in strangers(subject)
        if phase.fired_at is not None
    ]


def _tell(
    subject: Subject, channel: str, judge: Judge, change: Change, *, imported: bool = False
) -> Transition:
    rule = judge.rule
    return Transition(
        kind=change.kind,
        id=alert_id(rule.name, subject.device, channel, change.begin),
        rule=rule.name,
        version=judge.version,
        rule_kind=rule.kind,
        severity=rule.severity_at(change.step),
        device=subject.device,
        channel=channel,
        begin=change.begin,
        fired_at=change.fired_at,
        at=change.at,
        limit=rule.limit(),
        note=rule.note,
        explanation=change.explanation,
        imported=imported,
        reason=judge.reason if change.kind == "indeterminate" else "",
        unit=_unit(judge, channel),
    )


def _unit(judge: Judge, channel: str) -> str:
    if judge.meter is not None:
        return judge.meter.unit()
    quantity = QUANTITIES.get(channel.partition(".")[0])
    return quantity.unit if quantity else ""


def _orphan(subject: Subject, channel: str, key: str, phase: Phase) -> Transition:
    """Close an alarm of a rule version that nobody knows any more."""
    name, version, _ = key.split(" ")
    begin = phase.since if phase.begin is None else phase.begin
    return Transition(
        kind="indeterminate",
        id=alert_id(name, subject.device, channel, begin),
        rule=name,
        version=version,
        rule_kind="",
        severity="",
        device=subject.device,
        channel=channel,
        begin=begin,
        fired_at=phase.since if phase.fired_at is None else phase.fired_at,
        at=phase.since,
        limit="",
        note="",
        explanation=explain(phase),
    )


def firing(subject: Subject) -> Iterator[Episode]:
    """Return the alarms that fire now, as far as their readings tell."""
    if subject.settled is not None:
        wake(subject)
    for name, track in (subject.tracks or {}).items():
        for key, phase in track.phases.items():
            if phase.fired_at is not None and phase.begin is not None:
                judge = subject.plan.judges[key]
                change = Change(
                    "firing",
                    phase.fired_at,
                    phase.begin,
                    phase.fired_at,
                    explain(phase),
                    phase.step,
                )
                yield episode(_tell(subject, channel_of(name), judge, change))
