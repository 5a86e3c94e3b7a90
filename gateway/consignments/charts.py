"""What a report draws: each channel over the voyage, thinned such that no extreme is lost. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devices.reading import QUANTITIES
from gateway.consignments.report import Chart, Line
from gateway.downsample import downsample
from rules.cargo.voices import chorus, voice
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules.cargo.verdict import Verdict
    from rules.cargo.voices import Speaks, Spoken, Voice
    from rules.profile import Profile

POINTS, FEWEST = 2_400, 120
"""Points of a chart in all, and the least that one sensor has."""


def charts(
    profile: Profile, verdict: Verdict, heard: Sequence[Spoken], speaks: Speaks
) -> Iterator[Chart]:
    """Yield a chart of each channel of a verdict, those first of which the goods have a range."""
    channels = [one.channel for one in verdict.statistics]
    channels.sort(key=lambda one: profile.range(one) is None)
    for channel in channels:
        # As it was judged: a value that jumped waits for the next where all rules do so.
        waits = all(
            part.waits()
            for rule in profile.rules
            for part in rule.parts()
            if isinstance(part, SampleRule) and part.channel == channel
        )
        found = (voice(one, channel, speaks, waits=waits) for one in heard)
        voices = [one for one in found if one is not None]
        yield Chart(
            channel=channel,
            unit=QUANTITIES[channel.partition(".")[0]].unit,
            lines=tuple(_line(one, verdict, max(FEWEST, POINTS // len(voices))) for one in voices),
            unknown=_unknown(channel, voices, verdict),
        )


def _line(heard: Voice, verdict: Verdict, points: int) -> Line:
    """Return what a sensor said; where it speaks no more before its next value, nobody knows."""
    silent = np.flatnonzero(heard.until[:-1] < heard.when[1:])
    when = np.insert(heard.when, silent + 1, heard.until[silent])
    values = np.insert(heard.value, silent + 1, np.nan)
    known = ~np.isnan(values)
    drawn = downsample(when, values, known, verdict.since, verdict.until, points)
    return Line(
        sensor=heard.sensor,
        times=tuple(map(int, drawn.t)),
        values=tuple(None if np.isnan(one) else float(one) for one in drawn.v),
        thinned=drawn.thinned,
    )


def _unknown(channel: str, voices: list[Voice], verdict: Verdict) -> tuple[tuple[int, int], ...]:
    """Return from when until when (ms) no sensor spoke."""
    sung = chorus(channel, voices, verdict.since, verdict.until)
    nobody = np.isnan(sung.values).all(axis=0)
    changes = np.flatnonzero(np.diff(np.concatenate(([0], nobody.astype(np.int8), [0]))))
    bounds = [int(one) for one in sung.edges[changes]]
    return tuple(zip(bounds[::2], bounds[1::2], strict=True))
