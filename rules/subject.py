"""What is known of one device between two readings.

A *quiet* subject is nothing but its latest reading: every phase is idle and follows from it, but
for its meters. So it may be where totals have begun, as they never end: a *settled* subject keeps
those, and how many calm readings have come since. That keeps 100,000 quiet devices small, and lets
the engine take a calm reading by remembering it. `wake` spells the phases out before a step that
needs them, and `quieten` folds them up again after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from devices.reading import (
    ARRIVAL,
    RETAINED,
    UNUSABLE_SHIFT,
    WRONG_CLOCK,
    DeviceKey,
    Reading,
)
from rules.lifecycle import CLEAR, UNKNOWN, Phase
from rules.meter import Meter
from rules.plan import FOREVER, Calm, Judge, Plan

DAY = 24 * 60 * 60 * 1000
NEVER = -(1 << 62)
"""Before all times."""

GRACE = " grace"
"""Ends the key of a judge's grace among the meters."""


class Order(NamedTuple):
    """What sorts the readings of a device in time, the same whichever way they came."""

    when: int
    identity: int
    at: int


def undated(reading: Reading) -> bool:
    """Say whether nobody knows when a reading was true, so that nobody can judge it.

    The broker had kept it, and it has no time of its own that could be believed.
    """
    return bool(reading.flags & RETAINED and reading.flags & (ARRIVAL | WRONG_CLOCK))


def order(reading: Reading) -> Order:
    """Return the sort key: judged time, then identity, then the device's own time."""
    return Order(reading.when, reading.identity, reading.at)


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A value that jumped as nothing real does, and waits for the next one to confirm it."""

    when: int
    identity: int
    value: float
    imported: bool


class Track(msgspec.Struct, array_like=True):
    """One channel of a subject: the last reading that was judged on it, and its phases by key.

    Where jumps matter, `trusted` is the last value that was believed, with its time (ms), and
    `held` one that waits to be: it is the last reading, and no phase has seen it that minds jumps.
    """

    when: int
    identity: int
    at: int
    phases: dict[str, Phase]
    trusted: tuple[int, float] | None = None
    held: Held | None = None

    @property
    def last(self) -> Order:
        """The order of the last reading judged."""
        return Order(self.when, self.identity, self.at)


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """A firing absence: the watch's key, when the device was last heard, when it fired.

    `of` is the id of whose absence it is, where several are missed as one: see `rules.contact`.
    """

    key: str
    begin: int
    fired_at: int
    of: str = ""


class Settled(msgspec.Struct):
    """Totals that stand still while all is well, as they were at the reading of `since` (ms).

    Since then `count` readings have come, all of them calm and none later than `hold` (ms) after
    the one before. `jumps` (index, by how much at most): what differs more may be no calm reading.
    """

    phases: dict[str, Phase]
    since: int
    hold: int
    jumps: tuple[tuple[int, float], ...]
    count: int = 0

    def stays(self, before: Reading, reading: Reading) -> bool:
        """Say whether a reading that is calm by its values leaves all as it is."""
        if reading.at - before.at > self.hold:
            return False
        for index, most in self.jumps:
            if not -most <= reading.values[index] - before.values[index] <= most:
                return False
        return True


class Subject(msgspec.Struct):
    """One device's state. `tracks` is None while it is quiet.

    `meters` are those of its judges, and their graces, by key; `fed` is the time and identity of a
    reading that the meters took although it was not calm.
    `heard` is when it was last heard fresh (ms received, -1 for never), `day` the start of
    the newest UTC day that a reading was judged on, `until` the time up to which `calm`
    holds, `number` and `due` its place and deadline among those
    watched for absence.
    """

    device: DeviceKey
    plan: Plan
    heard: int = -1
    day: int = NEVER
    lost: tuple[Lost, ...] = ()
    calm: Calm | None = None
    until: int = NEVER
    latest: Reading | None = None
    tracks: dict[str, Track] | None = None
    meters: dict[str, Any] = msgspec.field(default_factory=dict)
    fed: tuple[int, int] | None = None
    settled: Settled | None = None
    number: int = -1
    due: int = FOREVER


def sample(reading: Reading, index: int) -> tuple[float | None, float, bool]:
    """Return a value for the record (None if missing), the same as a number, and if usable."""
    raw = reading.values[index]
    usable = not reading.flags >> (UNUSABLE_SHIFT + index) & 1
    return (None if raw != raw else raw), raw, usable  # noqa: PLR0124 - NaN alone differs from itself


def seen(subject: Subject, key: str) -> Order | None:
    """Return the order of the last reading judged on a track."""
    if subject.tracks is not None:
        track = subject.tracks.get(key)
        return None if track is None else track.last
    latest = subject.latest
    if latest is None or key not in latest.layout.channels:
        return None
    return order(latest)


def meter_of(subject: Subject, judge: Judge) -> Meter:
    """Return a judge's meter, a new one where there is none yet."""
    meter: Meter | None = subject.meters.get(judge.key)
    if meter is None:
        if judge.meter is None:
            raise TypeError(f"{judge.rule.kind} has no meter")
        meter = subject.meters[judge.key] = judge.meter.meter()
    return meter


def at_rest(judge: Judge, subject: Subject, when: int, sample: tuple[float, bool]) -> Phase:
    """Return the idle phase of a judge after a sample that broke nothing: a value, if usable."""
    value, usable = sample
    condition = CLEAR
    if judge.meter is not None:
        value = meter_of(subject, judge).level
        usable = value == value  # noqa: PLR0124 - NaN alone differs from itself
    if judge.applies(when) and not judge.rule.judges_flags:
        condition = judge.rule.condition(value, usable)
    return Phase(condition, when, 0, None if value != value else value)  # noqa: PLR0124 - as above


def still_calm(subject: Subject) -> bool:
    """Whether a quiet subject would be so by the versions that judge from now on, too."""
    latest = subject.latest
    if latest is None:
        return True
    calm = subject.plan.calm(latest.layout, FOREVER - 1)
    if calm is subject.plan.calm(latest.layout, latest.when):
        return True
    if calm.never or calm.meters or latest.flags & calm.mask:
        return False
    return all(low < latest.values[index] < high for index, low, high in calm.band)


def wake(subject: Subject) -> dict[str, Track]:
    """Spell out the phases of a quiet subject."""
    if subject.tracks is None:
        subject.tracks = spelled_out(subject)
    subject.calm = subject.latest = subject.settled = None
    return subject.tracks


def spelled_out(subject: Subject) -> dict[str, Track]:
    """Return the tracks of a quiet subject, totals included."""
    latest, settled = subject.latest, subject.settled
    if latest is None:
        return {}
    tracks = tracks_after(subject, latest, None)
    for key, phase in (settled.phases if settled is not None else {}).items():
        phases = tracks[subject.plan.judges[key].rule.channel].phases
        phases[key] = msgspec.structs.replace(
            phases[key],
            begin=phase.begin,
            fired_at=phase.fired_at,
            breached=phase.breached,
            clear=phase.clear + latest.when - settled.since,  # type: ignore[union-attr] # its phases are there
            unknown=phase.unknown,
            samples=phase.samples + settled.count,  # type: ignore[union-attr] # as above
            first=phase.first,
            worst=phase.worst,
            worst_at=phase.worst_at,
            badness=phase.badness,
            step=phase.step,
            graced=phase.graced,
        )
    return tracks


def tracks_after(
    subject: Subject, latest: Reading, keys: frozenset[str] | None
) -> dict[str, Track]:
    """Return the idle tracks that follow from a reading, for these keys or all in force."""
    tracks = {}
    when = latest.when
    for judged in subject.plan.judged(latest.layout):
        _, raw, usable = sample(latest, judged.index)
        phases = {}
        for judge in judged.judges:
            # One that was ended a moment before, by our clock, has judged it all the same.
            if judge.in_force(when) if keys is None else judge.key in keys:
                phases[judge.key] = phase = at_rest(judge, subject, when, (raw, usable))
                phase.identity = latest.identity
        trusted = None if judged.jump is None else (when, raw)
        tracks[judged.key] = Track(when, latest.identity, latest.at, phases, trusted)
    return tracks


def begin(subject: Subject, reading: Reading) -> bool:
    """Let a subject that knows nothing begin with a calm reading; say whether it was one.

    A hundred thousand devices begin when a gateway starts: this saves them the full step,
    and leaves what it would leave.
    """
    if subject.day != NEVER or subject.latest is not None or subject.tracks is not None:
        return False
    if not subject.plan.judged(reading.layout):
        return False
    when = reading.when
    calm = subject.plan.calm(reading.layout, when)
    if calm.never or reading.flags & calm.mask:
        return False
    values = reading.values
    for index, low, high in calm.band:
        if not low < values[index] < high:
            return False
    if calm.meters:
        # A new meter knows so little that the full step judges it.
        return False
    subject.day = when - when % DAY
    subject.latest = reading
    arm(subject)
    return True


def quieten(subject: Subject, reading: Reading) -> None:
    """Fold the phases up if `reading`, just judged, tells all there is to know."""
    plan, when = subject.plan, reading.when
    calm = plan.calm(reading.layout, when)
    if calm.never or reading.flags & calm.mask or subject.tracks is None:
        return
    last = order(reading)
    totals: dict[str, Phase] = {}
    for track in subject.tracks.values():
        if track.last != last or track.held is not None:
            return
        for key, phase in track.phases.items():
            judge = plan.judges[key]
            if phase.begin is not None:
                if not _stands_still(judge, phase):
                    return
                totals[key] = phase
            elif phase.condition == UNKNOWN and judge.meter is None:
                return
    subject.tracks, subject.latest = None, reading
    subject.settled = _settled(plan, totals, reading) if totals else None
    arm(subject)


def _stands_still(judge: Judge, phase: Phase) -> bool:
    """Whether a run is a total that calm readings leave as it is."""
    cumulative = judge.timing(phase.since).mode == "cumulative"
    return cumulative and phase.condition == CLEAR and judge.rule.settles()


def _settled(plan: Plan, totals: dict[str, Phase], reading: Reading) -> Settled:
    when = reading.when
    jumps = tuple(
        (judged.index, judged.jump.base)
        for judged in plan.judged(reading.layout)
        if judged.jump is not None
    )
    hold = min(plan.judges[key].timing(when).hold for key in totals)
    return Settled(totals, when, hold, jumps)


def arm(subject: Subject) -> None:
    """Let a quiet subject take calm readings again, unless it is to be heard with care."""
    latest = subject.latest
    if latest is None or subject.tracks is not None or subject.lost:
        subject.calm = None
        return
    calm = subject.plan.calm(latest.layout, latest.when)
    subject.calm = None if calm.never else calm
    subject.until = min(subject.day + DAY, calm.until)
    if subject.settled is not None:
        subject.until = min(subject.until, _resets(subject.plan, subject.settled))


def _resets(plan: Plan, settled: Settled) -> int:
    """Return when the first of the totals starts again (ms)."""
    ends = [
        settled.since + reset - phase.clear
        for key, phase in settled.phases.items()
        if (reset := plan.judges[key].timing(settled.since).reset_after) is not None
    ]
    return min(ends, default=FOREVER)


def strangers(subject: Subject) -> Iterator[tuple[str, str, Phase]]:
    """Take out the phases whose version the plan does not know: (channel, key, phase)."""
    for channel, track in (subject.tracks or {}).items():
        for key in [key for key in track.phases if key not in subject.plan.judges]:
            yield channel, key, track.phases.pop(key)
