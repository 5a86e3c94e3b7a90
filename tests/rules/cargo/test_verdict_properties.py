"""What holds of every verdict, whatever the sensors said."""

from __future__ import annotations

import itertools
import random
from typing import NamedTuple

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import DeviceKey, Reading
from rules.cargo.compose import compose
from rules.cargo.consignment import Consignment, Custody
from rules.cargo.statistics import Limits, bands, edges, statistic
from rules.cargo.verdict import Verdict
from rules.cargo.voices import Spoken, Voice, Window, chorus, together, voice
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.rule import current
from tests.rules.cargo.voyages import (
    TOTAL,
    A,
    B,
    assigned,
    consignment,
    custody,
    profile,
    sample,
    verdict,
)
from tests.rules.series import STEP, at, rule

LENGTH = 24
LIMITS = Limits(2.0, 8.0, 5.0)
RULES = (
    TOTAL,
    {"name": "hot", "kind": "threshold", "channel": "temperature", "above": 9.5},
    {
        "name": "cold",
        "kind": "exposure",
        "channel": "temperature",
        "bands": [{"name": "frost", "below": -0.5, "for": "20 min", "inclusive": True}],
    },
)
GOODS = profile(rules=RULES)
# No further apart than what a sensor can follow: see `rules.jumps`.
VALUE = st.one_of(st.none(), st.floats(-9.9, 9.9).map(lambda one: round(one, 1)))
SERIES = st.lists(VALUE, min_size=LENGTH, max_size=LENGTH)
COUNTS = st.sampled_from(["", "any", "all", "mean", "probe-a"])


class Said(NamedTuple):
    """A consignment with two sensors, and what they said."""

    whole: Consignment
    readings: dict[DeviceKey, list[Reading]]


def heard(sensor: DeviceKey, values: list[float | None], since: float) -> list[Reading]:
    """Return samples every five minutes; the first is there, so that all begin alike."""
    first = 5.0 if values[0] is None else values[0]
    return [
        sample(since + 5 * place, sensor, temperature=value)
        for place, value in enumerate([first, *values[1:]])
        if value is not None
    ]


def handed_on(times: list[int]) -> tuple[Custody, ...]:
    """Return who had it, from one of these times (minutes) to the next."""
    edges = [-60, *sorted(set(times)), None]
    return tuple(
        custody(f"custodian {place}", begin or 0, end, confirmed=place % 2 == 0)
        for place, (begin, end) in enumerate(itertools.pairwise(edges))
    )


@st.composite
def voyages(draw: st.DrawFn) -> Said:
    times = draw(st.lists(st.integers(0, 5 * LENGTH), max_size=4))
    whole = consignment(
        assignments=(assigned(), assigned(B, 2)),
        custody=handed_on(times),
        counts=draw(COUNTS),
    )
    return Said(whole, {A: heard(A, draw(SERIES), 0), B: heard(B, draw(SERIES), 2)})


def judged(said: Said, *, speaks: int = 12 * MINUTE) -> Verdict:
    return verdict(said.readings, GOODS, said.whole, until=5 * LENGTH, speaks=speaks)


@given(voyages())
def test_what_custodians_had_adds_up_to_each_excursion(said: Said) -> None:
    for one in judged(said).excursions:
        assert sum(share.time for share in one.shares) == one.out
        assert all(share.custodian.startswith("custodian") for share in one.shares)
        assert one.out > 0
        assert one.out + one.unknown + one.partly == (one.end or at(5 * LENGTH)) - one.begin


@given(voyages())
def test_time_in_all_bands_and_unknown_time_are_the_whole_voyage(said: Said) -> None:
    found = judged(said)
    length = found.until - found.since
    (numbers,) = found.statistics
    assert sum(one.time.known for one in found.bands) == numbers.known
    assert numbers.known + numbers.unknown == length == found.known + found.unknown
    outside = sum(one.time.known for one in found.bands if not one.inside)
    assert sum(one.out for one in found.excursions) == outside


@given(voyages())
def test_what_is_known_lies_between_the_best_and_the_worst_case(said: Said) -> None:
    found = judged(said)
    for band in found.bands:
        best, known, worst = band.time.best, band.time.known, band.time.worst
        assert worst <= known <= best if band.inside else best <= known <= worst
        assert min(best, worst) >= 0
        assert max(best, worst) <= found.until - found.since
    for budget in found.budgets:
        assert 0 <= budget.used.best <= budget.used.known <= budget.used.worst
        assert budget.left.worst <= budget.left.known <= budget.left.best
    mkt = found.statistics[0].mkt
    assert mkt is not None
    assert mkt.best <= mkt.known <= mkt.worst


@given(voyages(), st.integers())
def test_the_order_in_which_readings_come_does_not_matter(said: Said, seed: int) -> None:
    shuffled = random.Random(seed)  # noqa: S311 - to be found again
    readings = {
        sensor: shuffled.sample([*own, *own[:3]], len(own) + len(own[:3]))
        for sensor, own in sorted(said.readings.items(), key=lambda _: shuffled.random())
    }
    assert judged(said._replace(readings=readings)) == judged(said)


RANK = {"release": 0, "indeterminate": 1, "hold": 1, "reject": 1}


@given(voyages(), st.sets(st.integers(1, LENGTH)), st.sets(st.integers(1, LENGTH)))
def test_the_worst_case_never_gets_better_when_readings_are_missing(
    said: Said, of_a: set[int], of_b: set[int]
) -> None:
    """Where a reading speaks just until the next is due.

    Where it speaks longer, one that is missing is bridged by the one before it. And the first
    ones stay, since with them the voyage begins.
    """
    fewer = {
        sensor: [one for place, one in enumerate(said.readings[sensor]) if place not in gone]
        for sensor, gone in ((A, of_a), (B, of_b))
    }
    before, after = judged(said, speaks=STEP), judged(said._replace(readings=fewer), speaks=STEP)
    assert after.since == before.since
    for was, now in zip(before.bands, after.bands, strict=True):
        assert now.time.worst <= was.time.worst if was.inside else now.time.worst >= was.time.worst
    for spent, still in zip(before.budgets, after.budgets, strict=True):
        assert still.used.worst >= spent.used.worst
    assert RANK[after.proposal] >= RANK[before.proposal]


def voices(said: Said) -> list[Voice]:
    found = []
    for sensor, own in said.readings.items():
        window = Window(own[0].when, at(5 * LENGTH), own[0].when)
        spoken = Spoken(sensor, own, [window])
        made = voice(spoken, "temperature", lambda _sensor, _when: 12 * MINUTE, waits=True)
        assert made is not None
        found.append(made)
    return found


@given(voyages(), st.integers(0, 5 * LENGTH * MINUTE), COUNTS.filter(bool))
def test_a_voyage_that_is_split_adds_up(said: Said, cut: int, counts: str) -> None:
    def numbers(begin: int, end: int) -> list[int]:
        sung = chorus("temperature", voices(said), begin, end)
        joint = together(sung, counts, LIMITS.beyond(sung.values))
        one = statistic(sung, joint, counts, LIMITS, None)
        times = bands(sung, joint, LIMITS, edges(LIMITS, ()))
        return [
            one.known,
            one.unknown,
            one.partly,
            one.readings,
            *(int(time) for band in times for time in (band.time.known, band.time.worst)),
        ]

    begin, middle, end = at(0), at(0) + cut, at(5 * LENGTH)
    parts = np.array([numbers(begin, middle), numbers(middle, end)])
    assert parts.sum(axis=0).tolist() == numbers(begin, end)


@given(voyages(), st.integers(1, 40))
def test_a_total_is_used_up_when_the_rule_alerts(said: Said, allowed: int) -> None:
    """Live it is the engine that judges, reading by reading, what the verdict sums up at once."""
    total = rule(above=8.0, mode="cumulative", duration=f"{allowed} min", hold="1 day")
    whole = msgspec.structs.replace(said.whole, counts="")
    heard = [one for own in said.readings.values() for one in own]
    until = at(5 * LENGTH)
    composed = compose(whole, heard, lambda _sensor, _when: 12 * MINUTE, until=until)
    last = msgspec.structs.replace(composed[-1], at=until, received=until)
    episodes = Engine(current((total.bound(whole),)), always(STEP)).judge([*composed, last])
    goods = profile(rules=(total.settings(),))
    found = verdict(said.readings, goods, whole, until=5 * LENGTH)
    (budget,) = found.budgets
    assert bool(episodes) == (budget.used.known >= budget.allowed)
