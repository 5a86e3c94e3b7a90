"""What one judge makes of one sample: which value counts, what its meter shows, what is excused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from rules.grace import Graced
from rules.lifecycle import BREACH, CLEAR, EXCUSED, UNKNOWN, Change, Phase, advance
from rules.pick import counted, inputs, usable_at
from rules.subject import GRACE, meter_of, sample

if TYPE_CHECKING:
    from devices.reading import Reading
    from rules.plan import Judge, Judged
    from rules.subject import Held, Subject, Track


class Heard(NamedTuple):
    """What a judge is told: a value for the record, the same as a number, and if it is usable.

    `withheld`: it could be true, and is flagged all the same. A person did that: while a device is
    worked on nobody knows, and its sensor is not at fault.
    """

    value: float | None
    raw: float
    usable: bool
    withheld: bool = False


class Told(NamedTuple):
    """What a judge is told: a sample of a channel, and the reading that it is of."""

    judge: Judge
    channel: Judged
    reading: Reading
    heard: Heard


def heard_at(reading: Reading, index: int) -> Heard:
    """Return what a message says of one channel."""
    value, raw, usable = sample(reading, index)
    low, high = reading.layout.limits[index]
    return Heard(value, raw, usable, withheld=not usable and low <= raw <= high)


def heard_of_several(judge: Judge, channel: Judged, reading: Reading) -> Heard | None:
    """Return which value of a consignment's sensors counts; None where none is carried."""
    places = channel.places[0]
    if not places:
        # Another of its channels was heard: that is for a meter with several inputs.
        several = judge.meter is not None and len(judge.meter.inputs()) > 1
        return Heard(None, 0.0, usable=False) if several else None
    if judge.meter is not None:
        return Heard(None, 0.0, usable_at(reading, places[0]))
    raw, usable = counted(judge.rule, reading, places)
    value = None if raw != raw else raw  # noqa: PLR0124 - NaN alone differs from itself
    return Heard(value, raw, usable)


def note_grace(subject: Subject, judge: Judge, channel: Judged, reading: Reading) -> None:
    """Tell a judge's grace whether its door is open."""
    grace = judge.grace
    if grace is None or grace.channel is None:
        return
    places = channel.places[channel.channels.index(grace.channel)]
    values = [reading.values[one] for one in places if usable_at(reading, one)]
    if values:
        state = subject.meters.setdefault(judge.key + GRACE, Graced())
        grace.begins(state, reading.when, max(values))


def assess(subject: Subject, phase: Phase, told: Told) -> list[Change]:
    """Apply one sample to one phase, and say what changes."""
    judge, channel, reading, heard = told
    when, rule = reading.when, judge.rule
    if judge.meter is not None:
        given: Any = inputs(judge.meter, reading, channel)
        if heard.withheld:
            given = _nothing(given)
        return _assess_level(subject, judge, phase, given, (when, reading.identity))
    if heard.withheld:
        condition = UNKNOWN
    elif rule.judges_flags:
        condition = BREACH if reading.flags & rule.judges_flags else CLEAR
    else:
        condition = rule.condition(heard.raw, heard.usable)
    condition = _in_force(subject, judge, condition, when)
    return advance(
        phase,
        judge.timing(phase.since),
        when=when,
        condition=condition,
        value=heard.value,
        badness=rule.badness(heard.raw),
        identity=reading.identity,
        rate=rule.rate(heard.raw) if condition == BREACH else 1.0,
    )


def assess_held(
    subject: Subject, phase: Phase, judge: Judge, held: Held, *, real: bool
) -> list[Change]:
    """Apply a value that was held to one phase, as it was where it is real, else as unknown."""
    rule = judge.rule
    if judge.meter is not None:
        # Of a meter with several inputs the others were heard with later readings.
        others = len(judge.meter.inputs()) - 1
        given: Any = held.value if real else math.nan
        if others:
            given = (given, *[math.nan] * others)
        return _assess_level(subject, judge, phase, given, (held.when, held.identity))
    condition = _in_force(subject, judge, rule.condition(held.value, real), held.when)
    return advance(
        phase,
        judge.timing(phase.since),
        when=held.when,
        condition=condition,
        value=held.value,
        badness=rule.badness(held.value),
        identity=held.identity,
        rate=rule.rate(held.value) if condition == BREACH else 1.0,
    )


def assess_again(judge: Judge, phase: Phase, successor: Judge) -> tuple[Phase, list[Change]] | None:
    """Judge the last value that a version saw, as it ends, by the version that follows it.

    Returns the new phase, as it begins then, and what changes by it; None where nobody knows: the
    value does not speak any more, or the version needs more than one value.
    """
    # Some devices' clocks are a little ahead of ours.
    rule, when = successor.rule, max(judge.until, phase.since)
    spoken = when - phase.since + phase.spoken
    simple = not any(
        one.meter is not None or one.grace is not None or one.rule.judges_flags
        for one in (judge, successor)
    )
    known = phase.condition != UNKNOWN and phase.value is not None and judge.applies(phase.since)
    holds = when < successor.until and spoken < successor.timing(phase.since).hold
    if not (simple and known and holds) or phase.value is None:
        return None
    value = phase.value
    condition = rule.condition(value, True) if successor.applies(when) else CLEAR  # noqa: FBT003 - by position, as above
    begun = Phase()
    changes = advance(
        begun,
        successor.timing(when),
        when=when,
        condition=condition,
        value=value,
        badness=rule.badness(value),
        identity=phase.identity,
        rate=rule.rate(value) if condition == BREACH else 1.0,
    )
    begun.spoken = spoken
    return begun, changes


def _nothing(given: Any) -> Any:  # noqa: ANN401 - a number, or a tuple of them
    return tuple(math.nan for _ in given) if isinstance(given, tuple) else math.nan


def _assess_level(
    subject: Subject,
    judge: Judge,
    phase: Phase,
    given: Any,  # noqa: ANN401 - a number, or a tuple of them
    moment: tuple[int, int],
) -> list[Change]:
    """Let a judge's meter take a sample of a time and identity, and judge what it shows."""
    when, identity = moment
    rule, timing = judge.rule, judge.timing(phase.since)
    if not judge.applies(when):
        given = _nothing(given)
    meter = meter_of(subject, judge)
    # The calm path may have given it the sample already, and found it not calm.
    fed = subject.fed == (when, identity) and len(judge.inputs) == 1
    level = meter.level if fed else meter.take(when, given, timing.hold)
    known = level == level  # noqa: PLR0124 - NaN alone differs from itself
    return advance(
        phase,
        timing,
        when=when,
        condition=_in_force(subject, judge, rule.condition(level, known), when),
        value=level if known else None,
        badness=rule.badness(level),
        identity=identity,
    )


def _in_force(subject: Subject, judge: Judge, condition: int, when: int) -> int:
    """Return a condition as it counts: all is well while the rule does not apply, or excused."""
    if not judge.applies(when):
        return CLEAR
    grace = judge.grace
    if condition != BREACH or grace is None:
        return condition
    state = subject.meters.get(judge.key + GRACE) or Graced()
    return EXCUSED if grace.excuses(state, when) else BREACH


def doubts(track: Track, channel: Judged, value: float, when: int) -> bool:
    """Whether a value jumped as nothing real does, and it matters: to a breach or a run.

    What no rule minds is believed at once, as the calm path does: it costs nobody an alarm.
    """
    jump, trusted = channel.jump, track.trusted
    if jump is None or trusted is None or jump.allows(value - trusted[1], when - trusted[0]):
        return False
    for judge in channel.judges:
        if judge.waits and judge.in_force(when):
            phase = track.phases.get(judge.key)
            if (phase is not None and phase.begin is not None) or _minds(judge, value):
                return True
    return False


def _minds(judge: Judge, value: float) -> bool:
    """Whether a value that jumped matters to a judge."""
    if judge.meter is not None:
        # One false value can be in a mean for a month.
        return True
    return judge.rule.condition(value, True) == BREACH  # noqa: FBT003 - hot: by position
