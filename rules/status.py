"""Where the rules stand on a device, for people who look."""

from __future__ import annotations

import msgspec

from rules.lifecycle import Phase
from rules.plan import FOREVER, Judge, Watch
from rules.step import channel_of
from rules.stored import dump, load
from rules.subject import Subject, Track, still_calm, tracks_after, wake
from rules.transition import alert_id


class Status(msgspec.Struct, frozen=True):
    """Where one rule stands on one channel of a device. Times in ms, `channel` "" for absence.

    `since` is the time of the last sample (of being heard), `pending_until` the earliest
    time at which a pending alarm can fire. `since` is None while a rule has judged nothing yet of
    what it is to judge: it is new, or was changed.
    """

    rule: str
    version: str
    kind: str
    severity: str
    channel: str
    state: str
    since: int | None
    value: float | None
    worst: float | None
    worst_at: int | None
    begin: int | None
    pending_until: int | None
    id: str | None
    unit: str = ""
    """Of the value, where it is a meter's."""


def status(subject: Subject) -> list[Status]:
    """Return where every rule stands; left out is one whose channel nobody has judged yet."""
    # A copy: to spell the phases out would wake the subject.
    copy = Subject(subject.device, subject.plan)
    load(copy, dump(subject))
    tracks = _tracks(copy)
    found = [
        _sample_status(copy, channel_of(name), judge, track.phases[judge.key])
        for name, track in tracks.items()
        for judge in copy.plan.judges.values()
        if judge.key in track.phases
    ]
    found += [
        _sample_status(copy, channel_of(name), judge, None)
        for name, track in tracks.items()
        for judge in copy.plan.judges.values()
        if judge.until == FOREVER and judge.key not in track.phases and _looks_at(judge, name)
    ]
    return found + [_contact_status(copy, watch) for watch in copy.plan.watches.values()]


def _tracks(copy: Subject) -> dict[str, Track]:
    """Spell out the phases; what is well by the versions of now also is told as theirs."""
    latest = copy.latest
    if latest is None or copy.settled is not None or not still_calm(copy):
        return wake(copy)
    keys = copy.plan.calm(latest.layout, FOREVER - 1).keys
    return tracks_after(copy, latest, frozenset(keys))


def _looks_at(judge: Judge, track: str) -> bool:
    return "+".join(judge.inputs) == track


def _sample_status(subject: Subject, channel: str, judge: Judge, seen: Phase | None) -> Status:
    phase = seen or Phase()
    rule, begin, state = judge.rule, phase.begin, phase.state()
    duration = judge.timing(phase.since).duration
    until = phase.since + duration - phase.breached if state == "pending" else None
    return Status(
        rule=rule.name,
        version=judge.version,
        kind=rule.kind,
        severity=rule.severity_at(phase.step),
        channel=channel,
        state=state,
        since=phase.since if seen else None,
        value=phase.value,
        worst=phase.worst,
        worst_at=phase.worst_at if phase.begin is not None else None,
        begin=begin,
        pending_until=until,
        id=None if begin is None else alert_id(rule.name, subject.device, channel, begin),
        unit=judge.meter.unit() if judge.meter is not None else "",
    )


def _contact_status(subject: Subject, watch: Watch) -> Status:
    rule = watch.rule
    lost = next((lost for lost in subject.lost if lost.key == watch.key), None)
    state = "firing" if lost else "unknown" if subject.heard < 0 else "ok"
    return Status(
        rule=rule.name,
        version=watch.version,
        kind=rule.kind,
        severity=rule.severity,
        channel="",
        state=state,
        since=None if subject.heard < 0 else subject.heard,
        value=None,
        worst=None,
        worst_at=None,
        begin=lost.begin if lost else None,
        pending_until=None,
        id=alert_id(rule.name, subject.device, "", lost.begin) if lost else None,
    )
