"""Excursions: times out of range, each with who was answerable, where it was and what was said.

An excursion is as long as anything may have been out of range: a gap does not end it, nor do some
of the sensors where others are silent, for any of which counts. It ends with what is known to be
well, or where it goes on out of the other side of the range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from devices.reading import QUANTITIES
from rules.cargo.mix import channel_of
from rules.cargo.verdict import Excursion, Share
from rules.cargo.words import length
from rules.revision import withdrawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.alert import Alert
    from rules.cargo.consignment import Consignment
    from rules.cargo.statistics import Limits
    from rules.cargo.voices import Chorus, Floats, Integers, Together
    from rules.cargo.voyage import Voyage
    from rules.cargo.whereabouts import Track

NOT_STATED = "not stated"
"""The custodian where nobody was named."""
_WELL, _BELOW, _ABOVE, _DOUBT = range(4)


class Run(NamedTuple):
    """Stretches `first` ≤ i < `last` of a chorus that are one excursion; `side`: -1 or 1."""

    first: int
    last: int
    side: int


class Around(NamedTuple):
    """What an excursion is told with: the consignment, its way, its alerts and what was said."""

    consignment: Consignment
    voyage: Voyage
    track: Track
    alerts: Sequence[Alert]
    said: Mapping[str, Sequence[str]]


def excursions(
    sung: Chorus, heard: Together, limits: Limits, around: Around
) -> Iterator[Excursion]:
    """Yield a channel's excursions in order of time, all with the number 0."""
    for run in runs(heard, limits):
        yield _excursion(run, sung, heard, limits, around)


def runs(heard: Together, limits: Limits) -> Iterator[Run]:
    """Yield which stretches are excursions."""
    state = np.full(len(heard.value), _WELL)
    state[limits.below(heard.value)] = _BELOW
    state[limits.above(heard.value)] = _ABOVE
    state[heard.unknown] = _DOUBT
    if heard.worse:
        state[heard.partly & (state == _WELL)] = _DOUBT
    starts = np.flatnonzero(np.diff(state, prepend=-1))
    begun, side = -1, _WELL
    for start in starts.tolist():
        now = int(state[start])
        if begun >= 0 and now not in {side, _DOUBT}:
            yield Run(begun, start, -1 if side == _BELOW else 1)
            begun = -1
        if begun < 0 and now in {_BELOW, _ABOVE}:
            begun, side = start, now
    if begun >= 0:
        yield Run(begun, len(state), -1 if side == _BELOW else 1)


def _excursion(
    run: Run, sung: Chorus, heard: Together, limits: Limits, around: Around
) -> Excursion:
    here = slice(run.first, run.last)
    value, begins, ends = heard.value[here], sung.edges[:-1][here], sung.edges[1:][here]
    out = limits.below(value) if run.side < 0 else limits.above(value)
    begin, end = int(begins[0]), int(ends[-1])
    lasts = run.last == len(heard.value) and not around.voyage.over
    length = int((ends - begins)[out].sum())
    silent = int((ends - begins)[heard.unknown[here]].sum())
    # What is left: some were well, and others silent.
    partly = end - begin - length - silent
    row = int(np.nanargmax(np.where(out, run.side * value, np.nan)))
    worst, voice = float(value[row]), int(heard.voice[here][row])
    worst_at = int(sung.voices[voice].when[sung.samples[voice, run.first + row]])
    # A mean may be told by a sample from before it went out of range.
    worst_at = max(worst_at, begin)
    alerts = meeting(around.alerts, sung.channel, begin, None if lasts else end)
    return Excursion(
        number=0,
        channel=sung.channel,
        side="below" if run.side < 0 else "above",
        begin=begin,
        end=None if lasts else end,
        out=length,
        unknown=silent,
        partly=partly,
        worst=worst,
        worst_at=worst_at,
        worst_sensor=sung.voices[voice].sensor,
        shares=tuple(shares(around.consignment, begins[out], ends[out])),
        place=around.track.place(begin, end),
        alerts=tuple(one.id for one in alerts),
        explanation=_explanation(
            sung.channel, limits, worst, (length, silent, partly), alerts, around.said
        ),
    )


# -- who was answerable ----------------------------------------------------------------------------


def shares(consignment: Consignment, begins: Integers, ends: Integers) -> Iterator[Share]:
    """Yield how much of these stretches (ms) each custodian had: together all of it, exactly."""
    found: dict[tuple[str, int | None, bool], int] = {}
    taken = int((ends - begins).sum())
    place = begins.copy()
    for one in consignment.custody:
        since = np.maximum(place, one.since)
        until = ends if one.until is None else np.minimum(ends, one.until)
        time = int(np.maximum(until - since, 0).sum())
        # What one has, no other has too.
        place = np.maximum(place, np.minimum(ends, until))
        if time:
            key = (one.custodian or NOT_STATED, one.leg, one.confirmed)
            found[key] = found.get(key, 0) + time
            taken -= time
    for (custodian, leg, confirmed), time in found.items():
        yield Share(custodian, time, confirmed, leg)
    if taken:
        yield Share(NOT_STATED, taken, confirmed=False)


# -- what happened ---------------------------------------------------------------------------------


def meeting(alerts: Sequence[Alert], channel: str, begin: int, end: int | None) -> list[Alert]:
    """Return the alerts about a channel that lasted at any time of this one (ms)."""
    return [
        one
        for one in alerts
        if not withdrawn(one.reason)
        and channel_of(one.channel) == channel
        and (end is None or one.began < end)
        and (one.ended is None or one.ended > begin)
    ]


def _explanation(  # noqa: PLR0913, PLR0917 - all that a sentence is made of
    channel: str,
    limits: Limits,
    worst: float,
    times: tuple[int, int, int],
    alerts: Sequence[Alert],
    said: Mapping[str, Sequence[str]],
) -> str:
    unit = QUANTITIES[channel.partition(".")[0]].unit
    space = f" {unit}" if unit else ""
    low = worst < limits.low
    limit = limits.low if low else limits.high
    verb, side = ("Fell", "below") if low else ("Rose", "above")
    out, unknown, partly = times
    text = (
        f"{verb} to {number(worst)}{space}, {number(abs(worst - limit))}{space} {side} "
        f"{number(limit)}{space}; out of range for {length(out)}"
    )
    if unknown:
        text += f", and for {length(unknown)} nobody knows"
    if partly:
        text += f", and for {length(partly)} only some of its sensors told, which were well"
    names = dict.fromkeys(f"{one.rule} ({one.severity})" for one in alerts)
    text += f". Alerted by {', '.join(names)}." if names else ". No rule alerted."
    words = dict.fromkeys(word for one in alerts for word in said.get(one.id, ()))
    if words:
        text += " Said of it: " + "; ".join(word.rstrip(".") for word in words) + "."
    return text


def number(value: float | Floats) -> str:
    """Return a value for people: at most two decimals, and none that say nothing."""
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
