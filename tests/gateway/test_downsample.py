"""Fewer points, and nothing lost that matters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.downsample import A_BUCKET, buckets, downsample

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Made(NamedTuple):
    when: NDArray[np.int64]
    values: NDArray[np.float64]
    flags: NDArray[np.int64]
    usable: NDArray[np.bool_]


READING = st.tuples(
    st.integers(0, 10_000),
    st.floats(-200, 150),
    st.integers(0, 1 << 17),
    st.booleans(),
)


@st.composite
def series(draw: st.DrawFn) -> Made:
    rows = sorted(draw(st.lists(READING, max_size=120)), key=lambda row: row[0])
    when, values, flags, usable = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Made(
        np.array(when, np.int64),
        np.array(values, np.float64),
        np.array(flags, np.int64),
        np.array(usable, np.bool_),
    )


def pairs(t: NDArray[np.int64], v: NDArray[np.float64]) -> set[tuple[int, float]]:
    return set(zip(t.tolist(), v.tolist(), strict=True))


def span(made: Made) -> tuple[int, int]:
    return (int(made.when[0]), int(made.when[-1]) + 1) if len(made.when) else (0, 1)


@given(series(), st.integers(1, 80))
def test_lowest_highest_first_and_last_of_every_bucket_are_kept(made: Made, points: int) -> None:
    start, end = span(made)
    t, v, _ = downsample(made.when, made.values, made.usable, start, end, points)
    width = max(1, -(-(end - start) // max(1, points // A_BUCKET)))
    for bucket in set(((made.when - start) // width).tolist()):
        there = ((made.when - start) // width == bucket) & made.usable
        kept = v[((t - start) // width == bucket) & np.isfinite(v)]
        if not there.any():
            assert not len(kept)
            continue
        mine = made.values[there]
        assert kept.min() == mine.min()
        assert kept.max() == mine.max()
        assert kept[0] == mine[0]
        assert kept[-1] == mine[-1]


@given(series(), st.integers(1, 80))
def test_what_comes_back_was_measured_and_is_little(made: Made, points: int) -> None:
    start, end = span(made)
    t, v, _ = downsample(made.when, made.values, made.usable, start, end, points)
    assert (np.diff(t) >= 0).all()
    known = np.isfinite(v)
    assert pairs(t[known], v[known]) <= pairs(made.when[made.usable], made.values[made.usable])
    assert known.sum() <= max(points, A_BUCKET)
    assert len(t) <= max(points, A_BUCKET) * 1.5


@given(series(), st.integers(1, 80))
def test_a_gap_between_two_buckets_stays_a_gap(made: Made, points: int) -> None:
    start, end = span(made)
    t, v, _ = downsample(made.when, made.values, made.usable, start, end, points)
    width = max(1, -(-(end - start) // max(1, points // A_BUCKET)))
    unknown = made.when[~made.usable]
    for i in np.flatnonzero(np.isfinite(v[:-1]) & np.isfinite(v[1:])):
        # Two values that would be joined by a line: nothing unknown lies between them, except
        # within one bucket, which is a pixel or two.
        if (t[i] - start) // width != (t[i + 1] - start) // width:
            assert not ((unknown > t[i]) & (unknown < t[i + 1])).any()


def test_few_readings_come_back_as_they_are() -> None:
    when = np.array([0, 10, 20])
    t, v, _ = downsample(when, np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), 0, 30, 10)
    assert t.tolist() == [0, 10, 20]
    assert v.tolist()[::2] == [1, 3]
    assert math.isnan(v[1])


def test_only_what_lies_between_start_and_end_counts() -> None:
    when = np.array([0, 10, 20, 30])
    t, _, _ = downsample(when, np.ones(4), np.ones(4, np.bool_), 10, 30, 10)
    assert t.tolist() == [10, 20]


@pytest.mark.parametrize("points", [4, 1_000])
def test_after_a_silence_nobody_knows(points: int) -> None:
    when = np.array([0, 10, 20, 500, 510])
    t, v, _ = downsample(when, np.arange(5.0), np.ones(5, np.bool_), 0, 600, points, silence=100)
    gaps = t[np.isnan(v)]
    assert gaps.tolist() == [120]


def test_what_was_left_out_is_said_though_marks_of_silence_are_why() -> None:
    when = np.arange(6) * 1_000
    drawn = downsample(when, np.arange(6.0), np.ones(6, np.bool_), 0, 6_000, 8, silence=10)
    assert drawn.thinned
    assert len(set(when.tolist()) - set(drawn.t.tolist())) > 0
    whole = downsample(when, np.arange(6.0), np.ones(6, np.bool_), 0, 6_000, 11, silence=10)
    assert not whole.thinned
    assert set(when.tolist()) <= set(whole.t.tolist())


@given(series(), st.integers(1, 3_000))
def test_buckets_say_what_was_measured_in_each(made: Made, width: int) -> None:
    found = buckets(*made, width)
    assert found.readings.sum() == len(made.when)
    assert (found.start % width == 0).all()
    for i, start in enumerate(found.start.tolist()):
        there = (made.when >= start) & (made.when < start + width)
        known = made.values[there & made.usable]
        assert found.readings[i] == there.sum()
        assert found.usable[i] == len(known)
        assert found.flags[i] == np.bitwise_or.reduce(made.flags[there])
        ours = [float(part[i]) for part in found[3:7]]
        if not len(known):
            assert all(map(math.isnan, ours))
            continue
        assert ours == [known.min(), known.max(), known[0], known[-1]]
        assert found.total[i] == pytest.approx(known.sum(), abs=1e-6)
