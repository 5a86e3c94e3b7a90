"""The life of one alarm: the only place where durations and states change.

A series is a piecewise-constant signal over event time. A sample speaks until the next
one, at most `hold`; beyond that nobody knows, and UNKNOWN is never good and never bad:

- no timer runs on it. A gap pauses a timer, or resets it, as the rule says;
- a run that is only pending ends when a gap resets it; a firing alarm stays.

A *run* begins at the first BREACH and is pending until its timer is full, then firing.

- consecutive: BREACH fills the timer. While pending, CLEAR or NEUTRAL ends the run. While
  firing, only CLEAR for `clear_duration` ends it (0: the first CLEAR sample does), and
  NEUTRAL or BREACH starts that count again.
- instant: the same with a duration of nothing, so it fires at the first BREACH.
- cumulative: BREACH adds to a total that CLEAR and NEUTRAL leave alone. The run ends when
  the total starts again, after `reset_after` of continuous CLEAR; without it, never.

A timer that fills between two samples changes the state at that exact time, and is seen
when the next sample arrives: time passes only through samples.

While firing, a run has a severity. It rises to the gravest *step* that is reached, by the time in
breach or by how far the value is beyond the limit, and falls again; without knowledge it stays.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

UNKNOWN, CLEAR, NEUTRAL, BREACH, EXCUSED = 0, 1, 2, 3, 4
"""Conditions of a sample. NEUTRAL lies between the alarm's limit and the clear limit. EXCUSED is a
breach within a grace: it counts as NEUTRAL, and how long it lasted is told."""


class StepAt(msgspec.Struct, frozen=True):
    """Where a step is reached: so much `beyond` the limit, or `after` so many ms in breach."""

    beyond: float | None = None
    after: int | None = None


class Timing(msgspec.Struct, frozen=True):
    """How long a rule waits. Durations in milliseconds.

    `hold` is how long a sample speaks for; `reset_after` (cumulative only) is the continuous
    CLEAR time after which the total starts again, None for never.
    """

    mode: Literal["instant", "consecutive", "cumulative"]
    duration: int
    clear_duration: int
    gap: Literal["pause", "reset"]
    hold: int
    reset_after: int | None = None
    carried: int = 0
    """What a total begins with, ms: used up before we heard of it."""
    steps: tuple[StepAt, ...] = ()


class Phase(msgspec.Struct, array_like=True, gc=False):
    """Where one rule stands on one channel. Times and durations in milliseconds.

    The last sample is (since, identity, value, condition). From `begin` on it tells of the
    present run, and means nothing while `begin` is None: then the phase is idle, and
    follows from its last sample alone.
    """

    condition: int = UNKNOWN
    since: int = 0
    identity: int = 0
    value: float | None = None
    begin: int | None = None
    fired_at: int | None = None
    breached: int = 0
    clear: int = 0
    unknown: int = 0
    samples: int = 0
    first: float | None = None
    worst: float | None = None
    worst_at: int = 0
    badness: float = 0.0
    rate: float = 1.0
    step: int = 0
    graced: int = 0
    spoken: int = 0
    """How long the last sample had spoken already at `since`: to the version before this one."""

    def speaks(self, hold: int, when: int) -> int:
        """Return for how long the last sample speaks between `since` and `when` (ms)."""
        return min(max(0, hold - self.spoken), when - self.since)

    def state(self) -> Literal["ok", "pending", "firing", "unknown"]:
        """Say how it stands at its last sample."""
        if self.fired_at is not None:
            return "firing"
        if self.begin is not None:
            return "pending"
        return "unknown" if self.condition == UNKNOWN else "ok"


class Explanation(msgspec.Struct, frozen=True):
    """Why a verdict is what it is: what was known when it changed.

    `samples` counts the readings since the run began, `breached` and `unknown` the
    milliseconds in breach and without knowledge since then, `graced` those that were excused.
    Values are in the channel's unit, or the meter's; None is a value that was missing.
    """

    first: float | None = None
    worst: float | None = None
    worst_at: int | None = None
    samples: int = 0
    breached: int = 0
    unknown: int = 0
    last_when: int | None = None
    last_value: float | None = None
    last_identity: int | None = None
    graced: int = 0


class Change(msgspec.Struct, frozen=True):
    """A run began to fire, changed its severity or ended, at `at` (event time, ms since 1970).

    `step` is which step it is at: 0 is the rule's own severity.
    """

    kind: Literal["firing", "severity", "resolved", "indeterminate"]
    at: int
    begin: int
    fired_at: int
    explanation: Explanation
    step: int = 0


def explain(phase: Phase) -> Explanation:
    """Return what is known of the present run."""
    return Explanation(
        first=phase.first,
        worst=phase.worst,
        worst_at=phase.worst_at,
        samples=phase.samples,
        breached=phase.breached,
        unknown=phase.unknown,
        last_when=phase.since,
        last_value=phase.value,
        last_identity=phase.identity,
        graced=phase.graced,
    )


def advance(  # noqa: PLR0913 - a sample has this many parts
    phase: Phase,
    timing: Timing,
    *,
    when: int,
    condition: int,
    value: float | None,
    badness: float,
    identity: int = 0,
    rate: float = 1.0,
) -> list[Change]:
    """Account for the time since the last sample, then apply the new one.

    `when` must not be before the last sample. `timing` is that of the last sample: of the
    durations only `hold` may differ between samples of one run. `rate` is how fast time in breach
    counts while this sample speaks.
    """
    changes: list[Change] = []
    if phase.begin is not None:
        _account(phase, timing, when, changes)
    phase.condition, phase.since, phase.identity, phase.value = condition, when, identity, value
    phase.rate, phase.spoken = rate, 0
    if phase.begin is None:
        if condition != BREACH:
            return changes
        _start(phase, timing)
    phase.samples += 1
    if condition == BREACH:
        _breach(phase, timing, badness, changes)
    elif condition in {NEUTRAL, EXCUSED}:
        phase.clear = 0
    if condition in {CLEAR, NEUTRAL, EXCUSED} and timing.mode != "cumulative":
        if phase.fired_at is None:
            _end(phase)
        elif condition == CLEAR and timing.clear_duration == 0:
            _close(phase, "resolved", when, changes)
    if timing.steps and phase.fired_at is not None and condition != UNKNOWN:
        beyond = badness if condition == BREACH else -math.inf
        _set_step(phase, _reached(phase, timing, beyond), when, changes)
    return changes


def expire(phase: Phase, timing: Timing, until: int) -> list[Change]:
    """Close the phase because its rule stopped judging at `until`: nobody will know its end."""
    changes: list[Change] = []
    if phase.begin is not None:
        _account(phase, timing, until, changes)
    _close(phase, "indeterminate", until, changes)
    return changes


def _account(phase: Phase, timing: Timing, when: int, changes: list[Change]) -> None:
    """Let the time from the last sample to `when` pass."""
    known = 0 if phase.condition == UNKNOWN else phase.speaks(timing.hold, when)
    if phase.condition == BREACH:
        _fill(phase, timing, known, changes)
    elif phase.condition == EXCUSED:
        phase.graced += known
    elif phase.condition == CLEAR:
        enough = _clear_enough(phase, timing)
        if enough is not None and phase.clear + known >= enough:
            _close(phase, "resolved", phase.since + enough - phase.clear, changes)
            return
        phase.clear += known
    gap = when - phase.since - known
    if gap > 0:
        phase.unknown += gap
        if timing.gap == "reset":
            phase.clear = 0
            if phase.fired_at is None:
                _end(phase)


def _fill(phase: Phase, timing: Timing, known: int, changes: list[Change]) -> None:
    """Let so many ms in breach fill the timers; what they fill happens at its exact time."""
    before = phase.breached
    full = before + (known if phase.rate == 1.0 else int(known * phase.rate))
    if phase.fired_at is None and full >= timing.duration:
        phase.breached = timing.duration
        _fire(phase, _filled_at(phase, before, timing.duration), changes)
    if phase.fired_at is not None:
        for number, step in enumerate(timing.steps, 1):
            after = step.after
            if after is not None and max(before, timing.duration) < after <= full:
                phase.breached = after
                if number > phase.step:
                    _set_step(phase, number, _filled_at(phase, before, after), changes)
    phase.breached = full


def _filled_at(phase: Phase, before: int, level: int) -> int:
    """Return when a timer that stood at `before` at the last sample reaches a level (ms)."""
    missing = level - before
    return phase.since + (missing if phase.rate == 1.0 else math.ceil(missing / phase.rate))


def _reached(phase: Phase, timing: Timing, beyond: float) -> int:
    """Return the gravest step that is reached, 0 if none is."""
    found = 0
    for number, step in enumerate(timing.steps, 1):
        if step.after is not None:
            reached = phase.breached >= step.after
        else:
            reached = step.beyond is not None and beyond >= step.beyond
        if reached:
            found = number
    return found


def _set_step(phase: Phase, step: int, at: int, changes: list[Change]) -> None:
    if step == phase.step or phase.begin is None or phase.fired_at is None:
        return
    phase.step = step
    last = changes[-1] if changes else None
    if last is not None and last.kind == "firing" and last.at == at:
        # It fires gravely at once: people are told once.
        changes[-1] = msgspec.structs.replace(last, step=step)
        return
    changes.append(Change("severity", at, phase.begin, phase.fired_at, explain(phase), step))


def _clear_enough(phase: Phase, timing: Timing) -> int | None:
    """How much CLEAR time ends the run; None if none does."""
    if timing.mode == "cumulative":
        return timing.reset_after
    return None if phase.fired_at is None else timing.clear_duration


def _breach(phase: Phase, timing: Timing, badness: float, changes: list[Change]) -> None:
    phase.clear = 0
    if phase.samples == 1 or badness > phase.badness:
        phase.badness, phase.worst, phase.worst_at = badness, phase.value, phase.since
    if phase.fired_at is None and phase.breached >= timing.duration:
        _fire(phase, phase.since, changes)


def _start(phase: Phase, timing: Timing) -> None:
    phase.begin, phase.first = phase.since, phase.value
    phase.breached = timing.carried


def _end(phase: Phase) -> None:
    phase.begin = phase.fired_at = phase.first = phase.worst = None
    phase.breached = phase.clear = phase.unknown = phase.samples = phase.worst_at = 0
    phase.step = phase.graced = 0
    phase.badness = 0.0


def _fire(phase: Phase, at: int, changes: list[Change]) -> None:
    phase.fired_at = at
    begin = at if phase.begin is None else phase.begin
    changes.append(Change("firing", at, begin, at, explain(phase)))


def _close(
    phase: Phase, kind: Literal["resolved", "indeterminate"], at: int, changes: list[Change]
) -> None:
    """End the run; a run that only was pending ends unsaid."""
    if phase.begin is not None and phase.fired_at is not None:
        changes.append(Change(kind, at, phase.begin, phase.fired_at, explain(phase), phase.step))
    _end(phase)
