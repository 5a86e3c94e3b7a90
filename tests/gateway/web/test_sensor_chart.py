"""What a chart is made of: nothing here runs but numbers."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import CLOCK_AHEAD, RETAINED, UNUSABLE_SHIFT, DeviceKey
from gateway.history.reader import Series
from gateway.web.corrected import Corrected
from gateway.web.look import render
from gateway.web.pages.sensor_chart import Chart, make_chart
from gateway.web.pages.sensor_files import ordered
from gateway.web.pages.sensor_marks import Mark
from gateway.web.pages.sensor_range import Length, shown, zone_parts
from rules.alert import Alert
from rules.duration import DAY, HOUR, MINUTE
from rules.kinds.threshold import Threshold
from rules.revision import WITHDRAWN, withdrawn
from rules.rule import RuleVersion

START = 1_780_000_000_000 // DAY * DAY
BERLIN = ZoneInfo("Europe/Berlin")
FRIDGE = DeviceKey("", "fridge-1")
OUTSIDE = Threshold(name="too-warm", channel="temperature", outside=(2.0, 8.0), severity="critical")


def series(*readings: tuple[int, float, int]) -> Series:
    """Make a series of (minutes after START, value, flags)."""
    when, values, flags = zip(*readings, strict=True) if readings else ((), (), ())
    marked = np.array(flags, np.int64)
    return Series(
        START + np.array(when, np.int64) * MINUTE,
        np.array(values, np.float64),
        marked,
        (marked >> UNUSABLE_SHIFT & 1) == 0,
    )


def as_said(found: Series) -> Corrected:
    """Return a series that nobody has corrected."""
    count = len(found.when)
    return Corrected(found, np.zeros(count), np.zeros(count, np.bool_), found.usable)


def chart(
    found: Series,
    *,
    rules: tuple[RuleVersion, ...] = (RuleVersion(OUTSIDE, "1"),),
    alerts: tuple[Alert, ...] = (),
    until: int = 60,
    now: int = 60,
    heard: int = -DAY,
    points: int = 2_000,
) -> Chart:
    """Chart START up to `until` minutes later, of a device that sends every 2 minutes."""
    return make_chart(
        as_said(found),
        versions=rules,
        alerts=alerts,
        channel="temperature",
        interval=2 * MINUTE,
        start=START,
        end=START + until * MINUTE,
        now=START + now * MINUTE,
        heard=START + heard,
        points=points,
    )


def minutes(spans: list[tuple[int, int]]) -> list[tuple[float, float]]:
    return [((begin - START) / MINUTE, (end - START) / MINUTE) for begin, end in spans]


UNUSABLE = 1 << UNUSABLE_SHIFT


@pytest.mark.parametrize(
    ("readings", "unknown"),
    [
        ((), [(0, 60)]),
        (((0, 5.0, 0),), [(5, 60)]),
        # What was said before speaks into the chart.
        (((-2, 5.0, 0), (2, 5.0, 0), (50, 5.0, 0), (55, 5.0, 0)), [(7, 50)]),
        # An unusable value says that nobody knows, until the next one.
        (((0, 5.0, 0), (2, 999.0, UNUSABLE), (4, 5.0, 0)), [(2, 4), (9, 60)]),
    ],
)
def test_the_times_unknown_are_those_for_which_no_value_speaks(
    readings: tuple[tuple[int, float, int], ...], unknown: list[tuple[float, float]]
) -> None:
    made = chart(series(*readings))
    assert minutes(made.gaps) == unknown
    assert made.summary.unknown == sum(end - begin for begin, end in made.gaps)


def test_nothing_is_unknown_before_a_device_was_first_heard_or_in_the_time_to_come() -> None:
    made = chart(series((30, 5.0, 0)), heard=30 * MINUTE, now=40)
    assert minutes(made.gaps) == [(35, 40)]


def test_an_extreme_of_one_point_among_ten_thousand_is_there_at_every_zoom() -> None:
    values = [(index, 5.0 + index % 3 / 10, 0) for index in range(10_000)]
    values[6_789] = (6_789, 31.0, 0)
    values[3_210] = (3_210, -7.0, 0)
    found = series(*values)
    for width in (10_000, 5_000, 2_000, 500, 60):
        for middle, extreme in ((6_789, 31.0), (3_210, -7.0)):
            first = max(0, middle - width // 2)
            part = Series._make(one[first : first + width] for one in found)
            made = make_chart(
                as_said(part),
                versions=(),
                alerts=(),
                channel="temperature",
                interval=MINUTE,
                start=int(part.when[0]),
                end=int(part.when[-1]) + 1,
                now=START + DAY,
                heard=START,
                points=600,
            )
            assert extreme in made.values
            assert len([one for one in made.values if one is not None]) <= 600


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=400),
    st.integers(8, 100),
)
def test_lowest_and_highest_are_among_what_is_drawn(values: list[float], points: int) -> None:
    made = chart(
        series(*((index, value, 0) for index, value in enumerate(values))),
        until=len(values),
        points=points,
    )
    drawn = [one for one in made.values if one is not None]
    assert min(drawn) == made.summary.lowest == min(values)
    assert max(drawn) == made.summary.highest == max(values)


def test_the_line_breaks_where_nobody_knows() -> None:
    made = chart(series((0, 5.0, 0), (2, 5.5, 0), (30, 6.0, 0)))
    assert made.values == [5.0, 5.5, None, 6.0]
    assert made.when[2] == START + 7 * MINUTE


def test_time_beyond_a_limit_is_counted_as_long_as_the_value_speaks() -> None:
    made = chart(series((0, 5.0, 0), (2, 9.0, 0), (4, 1.0, 0), (6, 5.0, 0), (8, 9.0, 0)))
    assert made.summary.outside == (2 + 2 + 5) * MINUTE


def test_a_limit_counts_only_while_it_was_in_force() -> None:
    at = START + 30 * MINUTE
    old = RuleVersion(Threshold(name="warm", channel="temperature", above=4.0), "1", 0, at)
    new = RuleVersion(Threshold(name="warm", channel="temperature", above=8.0), "2", at, None)
    made = chart(series((0, 5.0, 0), (40, 5.0, 0)), rules=(old, new))
    assert made.summary.outside == 5 * MINUTE
    assert [(one.high, one.since, one.until) for one in made.limits] == [
        (4.0, None, at),
        (8.0, at, None),
    ]


def test_flaws_of_readings_are_marked_and_counted() -> None:
    made = chart(
        series((0, 5.0, CLOCK_AHEAD), (20, 5.0, RETAINED), (40, 999.0, UNUSABLE), (50, 5.0, 0))
    )
    assert sorted(made.marks, key=lambda one: one.at) == [
        Mark(START, "clock", 1),
        Mark(START + 20 * MINUTE, "retained", 1),
        Mark(START + 40 * MINUTE, "unusable", 1),
    ]


@pytest.mark.parametrize(("points", "whole"), [(12, True), (8, False)])
def test_a_chart_says_that_values_are_left_out_to_make_room_for_gaps(
    points: int, *, whole: bool
) -> None:
    made = chart(series(*((index * 10, float(index), 0) for index in range(6))), points=points)
    drawn = [one for one in made.values if one is not None]
    assert (made.all_there, len(drawn) == 6) == (whole, whole)


def test_very_many_gaps_and_flaws_are_joined_and_none_is_lost() -> None:
    readings = [(10 * index, 5.0, CLOCK_AHEAD) for index in range(20_000)]
    made = chart(series(*readings), until=200_000, now=200_000)
    assert len(made.gaps) <= 1_000
    assert made.gaps[0][0] == START + 5 * MINUTE
    assert made.gaps[-1][1] == START + 200_000 * MINUTE
    assert len(made.marks) <= 201
    assert sum(one.count for one in made.marks) == 20_000


def alert(channel: str, began: int, ended: int | None, reason: str = "") -> Alert:
    return Alert(
        id=f"{channel}-{began}",
        rule="too-warm",
        version="1",
        kind="threshold",
        severity="critical",
        device=FRIDGE,
        channel=channel,
        state="firing" if ended is None else "resolved",
        reason=reason,
        began=START + began * MINUTE,
        fired=START + began * MINUTE,
        ended=None if ended is None else START + ended * MINUTE,
    )


def test_alerts_of_this_channel_that_were_are_shaded_and_no_others() -> None:
    made = chart(
        series((0, 5.0, 0)),
        alerts=(
            alert("temperature", -30, -10),
            alert("temperature", -5, 5),
            alert("humidity", 0, 10),
            alert("temperature", 50, None),
            alert("temperature", 60, None),
            alert("temperature", 20, 30, WITHDRAWN),
        ),
    )
    assert [one.id for one in made.excursions] == ["temperature--5", "temperature-50"]


@pytest.mark.parametrize(
    ("ended", "reason", "said", "not_said"),
    [
        (30, WITHDRAWN, "withdrawn", "<use"),
        (30, "", "to ", "withdrawn"),
        (None, "", "still open", "withdrawn"),
    ],
)
def test_the_list_of_alerts_says_which_were_withdrawn(
    ended: int | None, reason: str, said: str, not_said: str
) -> None:
    late = [alert("temperature", 20, ended, reason)]
    text = render("sensor_late.html", late=late, withdrawn=withdrawn, place="UTC")
    assert said in text
    assert not_said not in text


@pytest.mark.parametrize(
    ("channels", "watched", "first"),
    [
        ({"battery", "humidity", "temperature"}, set(), "temperature"),
        ({"battery", "temperature.a", "temperature.b"}, {"temperature.b"}, "temperature.b"),
        ({"battery", "humidity", "voltage"}, {"voltage"}, "voltage"),
        ({"latitude", "longitude", "signal"}, set(), "signal"),
    ],
)
def test_temperature_and_what_rules_watch_come_first(
    channels: set[str], watched: set[str], first: str
) -> None:
    assert ordered(channels, frozenset(watched))[0] == first


@pytest.mark.parametrize(
    ("length", "day", "title", "hours", "forward"),
    [
        ("day", "2026-03-29", "Sunday 29 March 2026", 23, "2026-03-30"),
        ("day", "2026-10-25", "Sunday 25 October 2026", 25, "2026-10-26"),
        ("week", "2026-10-25", "19 Oct to 25 Oct 2026", 7 * 24 + 1, "2026-10-26"),
        ("month", "2026-10-25", "October 2026", 31 * 24 + 1, "2026-11-01"),
        ("day", "2026-11-22", "Sunday 22 November 2026", 24, None),
        ("month", "2026-02-14", "February 2026", 28 * 24, "2026-03-01"),
    ],
)
def test_a_day_is_one_by_the_clock_on_the_wall(
    length: Length, day: str, title: str, hours: int, forward: str | None
) -> None:
    now = int(dt.datetime(2026, 11, 22, 12, tzinfo=BERLIN).timestamp() * 1000)
    found = shown(length, dt.date.fromisoformat(day), BERLIN, now)
    assert found.title == title
    assert found.end - found.start == hours * HOUR
    assert found.forward == (forward and dt.date.fromisoformat(forward))
    assert not found.rolling


def test_without_a_day_it_ends_now() -> None:
    now = int(dt.datetime(2026, 11, 22, 12, tzinfo=BERLIN).timestamp() * 1000)
    found = shown("week", None, BERLIN, now)
    assert (found.start, found.end, found.rolling) == (now - 7 * DAY, now, True)
    assert found.back == dt.date(2026, 11, 15)


@pytest.mark.parametrize(
    ("zone", "day", "parts"),
    [
        ("Europe/Berlin", "2026-10-25", [("00:00", 2, "CEST"), ("01:00", 1, "CET")]),
        ("Europe/Berlin", "2026-03-29", [("00:00", 1, "CET"), ("01:00", 2, "CEST")]),
        ("Australia/Lord_Howe", "2026-10-03", [("00:00", 10.5, "+1030"), ("15:30", 11, "+11")]),
        ("Asia/Kolkata", "2026-10-25", [("00:00", 5.5, "IST")]),
    ],
)
def test_the_axis_knows_to_the_minute_when_clocks_change(
    zone: str, day: str, parts: list[tuple[str, float, str]]
) -> None:
    start = int(dt.datetime.fromisoformat(f"{day}T00:00+00:00").timestamp() * 1000)
    found = zone_parts(ZoneInfo(zone), start, start + DAY)
    told = [
        (f"{dt.datetime.fromtimestamp(at / 1000, dt.UTC):%H:%M}", offset / HOUR, sign)
        for at, offset, sign in found
    ]
    assert told == parts
