"""The lowest and highest of a window, against all samples of it."""

from __future__ import annotations

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rules.duration import MINUTE
from rules.meters.window import PARTS, Extremes
from tests.rules.series import START

LENGTH = 47 * MINUTE

pairs = st.lists(
    st.tuples(st.integers(0, 9 * MINUTE), st.integers(-5, 5)), min_size=1, max_size=120
)


def kept(found: list[tuple[int, int]]) -> tuple[Extremes, list[tuple[int, int]]]:
    when, series, extremes = START, [], Extremes(LENGTH)
    for passed, value in found:
        when += passed
        series.append((when, value))
        extremes.add(when, float(value))
        extremes.pass_to(when)
    return extremes, series


@given(pairs)
def test_extremes_are_those_of_the_window_or_of_one_part_longer(
    found: list[tuple[int, int]],
) -> None:
    extremes, series = kept(found)
    end = series[-1][0]
    window = [value for when, value in series if when >= end - LENGTH]
    longer = [value for when, value in series if when >= end - LENGTH - LENGTH // PARTS]
    assert min(longer) <= extremes.lowest <= min(window)
    assert max(window) <= extremes.highest <= max(longer)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=120))
def test_with_samples_further_apart_than_a_part_they_are_exact(values: list[int]) -> None:
    extremes, series = kept([(MINUTE, value) for value in values])
    window = [value for when, value in series if when >= series[-1][0] - LENGTH]
    assert (extremes.lowest, extremes.highest) == (min(window), max(window))


def test_a_sample_as_old_as_the_window_counts_and_an_older_one_does_not() -> None:
    extremes = Extremes(LENGTH)
    extremes.add(START, 1.0)
    extremes.add(START + 5 * MINUTE, 4.0)
    extremes.pass_to(START + LENGTH)
    assert extremes.lowest == 1.0
    extremes.pass_to(START + LENGTH + 1)
    assert extremes.lowest == 4.0
    extremes.pass_to(START + 2 * LENGTH)
    assert math.isnan(extremes.lowest)
    assert math.isnan(extremes.highest)


def test_however_many_samples_there_are_few_are_kept() -> None:
    extremes, _ = kept([(500, number) for number in range(40_000)])
    falling, _ = kept([(500, -number) for number in range(40_000)])
    for one in (extremes, falling):
        assert len(one.lows) + len(one.highs) <= PARTS + 3
        assert len(msgspec.msgpack.encode(one)) < 1200
