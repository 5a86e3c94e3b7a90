"""A series by local days."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from rules.summary import Day, by_day
from rules.threshold import Threshold
from tests.rules.series import INTERVAL, START, readings, rule

UTC = dt.UTC
MINUTE = 60_000


def threshold(**settings: object) -> Threshold:
    found = rule(outside=[2, 8], hold="10 min", **settings)
    assert isinstance(found, Threshold)
    return found


def days(series: str, zone: dt.tzinfo = UTC, start: int = START, **settings: object) -> list[Day]:
    moved = [(r.when + start - START, r.value("temperature")) for r in readings(series)]
    return by_day(moved, threshold(**settings), zone, INTERVAL)


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
    assert (first.samples, second.samples) == (2, 1)
    east = ZoneInfo("Asia/Kolkata")
    (day,) = days("9 4x2", east, start=before)
    assert day.date == dt.date(2022, 5, 3)


def test_days_without_a_sample_are_unknown() -> None:
    found = days("4 -x700 4")
    assert [day.samples for day in found] == [1, 0, 1]
    assert found[1].unknown == 24 * 60
    assert sum(day.ok + day.unknown for day in found) == 701 * 5 + 10


def test_the_day_the_clocks_change_has_its_own_length() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = int(dt.datetime(2022, 3, 26, 12, tzinfo=zone).timestamp() * 1000)
    found = days("4x600", zone, start)
    assert found[1].date == dt.date(2022, 3, 27)
    assert found[1].ok == 23 * 60


def test_least_greatest_and_mean_are_over_usable_values() -> None:
    (day,) = days("4 6 ? 8")
    assert (day.minimum, day.maximum, day.mean, day.samples) == (4, 8, 6, 4)
    (nothing,) = days("? ?")
    assert (nothing.minimum, nothing.maximum, nothing.mean) == (None, None, None)


def test_an_unsorted_series_is_refused() -> None:
    with pytest.raises(ValueError, match="sorted"):
        by_day([(START, 4.0), (START - 1, 4.0)], threshold(), UTC, INTERVAL)


def test_no_samples_make_no_days() -> None:
    assert by_day([], threshold(), UTC, INTERVAL) == []
