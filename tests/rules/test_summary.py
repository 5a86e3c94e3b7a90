"""A series by local days."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.kinds.threshold import Threshold
from rules.summary import Day, by_day, by_hour
from tests.rules.series import INTERVAL, START, readings, rule

UTC = dt.UTC
MINUTE = 60_000
KINDS = ("ok", "below", "above", "unknown")


def threshold(**settings: object) -> Threshold:
    found = rule(**{"outside": [2, 8], "hold": "10 min", **settings})
    assert isinstance(found, Threshold)
    return found


def days(series: str, zone: dt.tzinfo = UTC, start: int = START, **settings: object) -> list[Day]:
    """Judge a series from its first sample to the end of what its last one holds."""
    moved = [(r.when + start - START, r.value("temperature")) for r in readings(series)]
    end = moved[-1][0] + 10 * MINUTE
    return by_day(moved, threshold(**settings), zone, INTERVAL, start=start, end=end)


def minutes(start: float, end: float) -> list[Day]:
    """Judge "9" at noon and "4" an hour later, between two minutes counted from noon."""
    noon = START + 12 * 60 * MINUTE
    series = [(noon, 9.0), (noon + 60 * MINUTE, 4.0)]
    first, last = noon + round(start * MINUTE), noon + round(end * MINUTE)
    return by_day(series, threshold(), UTC, INTERVAL, start=first, end=last)


@pytest.mark.parametrize(
    ("series", "ok", "below", "above", "unknown"),
    [
        ("4x12", 65, 0, 0, 0),
        ("4x6 9x6", 30, 0, 35, 0),
        ("1x6 9x6 4", 10, 30, 30, 0),
        ("8 2", 15, 0, 0, 0),
        ("4 -x11 4", 20, 0, 0, 50),
        ("9 -x11 4", 10, 0, 10, 50),
        ("4x6 ?x6 4", 40, 0, 0, 30),
        ("?", 0, 0, 0, 10),
    ],
)
def test_minutes_are_counted(
    series: str, ok: float, below: float, above: float, unknown: float
) -> None:
    (day,) = days(series)
    assert (day.ok, day.below, day.above, day.unknown) == (ok, below, above, unknown)


def test_an_inclusive_limit_counts_its_own_value() -> None:
    (day,) = days("8 2 5", inclusive=True)
    assert (day.ok, day.below, day.above) == (10, 5, 5)


def test_a_segment_is_split_at_local_midnight() -> None:
    before = START + (24 * 60 - 7) * MINUTE
    first, second = days("9 4x2", start=before)
    assert (first.date, first.above, first.ok) == (dt.date(2022, 5, 2), 5, 2)
    assert (second.date, second.above, second.ok) == (dt.date(2022, 5, 3), 0, 13)
    east = ZoneInfo("Asia/Kolkata")
    (day,) = days("9 4x2", east, start=before)
    assert day.date == dt.date(2022, 5, 3)


def test_days_without_a_sample_are_unknown() -> None:
    found = days("4 -x700 4")
    assert len(found) == 3
    assert found[1].unknown == 24 * 60
    assert sum(day.ok + day.unknown for day in found) == 701 * 5 + 10


def test_the_day_the_clocks_change_has_its_own_length() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = int(dt.datetime(2022, 3, 26, 12, tzinfo=zone).timestamp() * 1000)
    found = days("4x600", zone, start)
    assert found[1].date == dt.date(2022, 3, 27)
    assert found[1].ok == 23 * 60


@pytest.mark.parametrize(
    ("start", "end", "ok", "above", "unknown"),
    [
        (0, 4, 0, 4, 0),
        (0, 30, 0, 10, 20),
        (5, 8, 0, 3, 0),
        (5, 30, 0, 5, 20),
        (20, 50, 0, 0, 30),
        (-30, 10, 0, 10, 30),
        (-30, -10, 0, 0, 20),
        (50, 65, 5, 0, 10),
        (65, 200, 5, 0, 130),
        (100, 200, 0, 0, 100),
    ],
)
def test_only_the_time_asked_for_is_counted_and_all_of_it(
    start: int, end: int, ok: float, above: float, unknown: float
) -> None:
    (day,) = minutes(start, end)
    assert (day.ok, day.below, day.above, day.unknown) == (ok, 0, above, unknown)


def test_days_after_the_last_sample_are_unknown() -> None:
    found = minutes(0, 3 * 24 * 60)
    assert len(found) == 4
    assert [day.unknown for day in found[1:3]] == [24 * 60, 24 * 60]


def test_an_unsorted_series_is_refused() -> None:
    unsorted = [(START, 4.0), (START - 1, 4.0)]
    with pytest.raises(ValueError, match="sorted"):
        by_day(unsorted, threshold(), UTC, INTERVAL, start=START, end=START + 1)


def test_without_samples_all_is_unknown() -> None:
    span = {"start": START, "end": START + 90 * MINUTE}
    (day,) = by_day([], threshold(), UTC, INTERVAL, **span)
    assert (day.ok, day.below, day.above, day.unknown) == (0, 0, 0, 90)
    ((_, signs),) = by_hour([], [threshold()], UTC, INTERVAL, **span).items()
    assert set(signs.strip()) == {"?"}


@pytest.mark.parametrize(
    ("zone", "signs"), [("UTC", "^??"), ("Asia/Kolkata", "^^?"), ("Asia/Kathmandu", "^??")]
)
def test_hours_are_those_of_the_clock_on_the_wall(zone: str, signs: str) -> None:
    start = int(dt.datetime(2026, 1, 10, 10, 20, tzinfo=UTC).timestamp() * 1000)
    long = threshold(hold="20 min")
    ((_, found),) = by_hour(
        [(start, 9.0)], [long], ZoneInfo(zone), INTERVAL, start=start, end=start + 2 * 60 * MINUTE
    ).items()
    assert found.strip() == signs


@given(
    moments=st.lists(st.integers(0, 5_000), max_size=12).map(sorted),
    values=st.lists(st.sampled_from([1.0, 4.0, 9.0, None]), min_size=12, max_size=12),
    start=st.integers(0, 5_000),
    length=st.integers(1, 5_000),
)
def test_minutes_add_up_and_a_time_in_two_parts_is_the_time_as_a_whole(
    moments: list[int], values: list[float | None], start: int, length: int
) -> None:
    series = [(START + at * MINUTE, value) for at, value in zip(moments, values, strict=False)]

    def total(first: int, last: int) -> list[float]:
        span = {"start": START + first * MINUTE, "end": START + last * MINUTE}
        found = by_day(series, threshold(), UTC, INTERVAL, **span)
        return [sum(getattr(day, kind) for day in found) for kind in KINDS]

    whole, middle = total(start, start + length), start + length // 2
    assert sum(whole) == length
    assert min(whole) >= 0
    if middle > start:
        parts = zip(total(start, middle), total(middle, start + length), strict=True)
        assert [first + second for first, second in parts] == whole
