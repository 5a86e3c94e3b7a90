"""A report tells a device's days by the clock on the wall, in numbers that add up."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from devices.reading import IMPORTED, DeviceKey, Reading, layout, reading
from gateway import report_table
from gateway.report import Report, from_json, report
from rules.alert import Alert
from rules.kinds.lost_contact import LostContact
from rules.kinds.threshold import Threshold
from rules.rule import Rule

DEVICE = DeviceKey("acme", "kitchen")
CLIMATE = layout(("humidity", "temperature"))
ZURICH = ZoneInfo("Europe/Zurich")
MINUTE, HOUR = 60_000, 3_600_000
INTERVAL = 10 * MINUTE


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZURICH).timestamp() * 1000)


def threshold(name: str, **limits: object) -> Threshold:
    return Threshold.model_validate(
        {"name": name, "channel": "temperature", "for": "30 min", "hold": "20 min", **limits}
    )


RULES = (
    threshold("too-cold", below=2.0),
    threshold("too-warm", above=8.0),
    LostContact.model_validate({"name": "gone", "kind": "lost_contact", "after": "1 h"}),
)


def one(when: int, temperature: float = 5.0) -> Reading:
    return reading(
        device=DEVICE,
        at=when,
        received=when,
        layout=CLIMATE,
        values=(55.0, temperature),
        sequence=None,
        flags=IMPORTED,
    )


def evenly(start: str, *temperatures: float) -> list[Reading]:
    begin = at(start)
    return [one(begin + i * INTERVAL, value) for i, value in enumerate(temperatures)]


def alert(
    fired: str,
    ended: str | None,
    rule: str = "too-warm",
    *,
    retrospective: bool = False,
    worst: float | None = None,
) -> Alert:
    parts: dict[str, Any] = {
        "id": f"{rule}-{fired}",
        "rule": rule,
        "version": "1",
        "kind": "threshold",
        "severity": "critical",
        "device": DEVICE,
        "channel": "temperature",
        "state": "firing" if ended is None else "resolved",
        "reason": "",
        "began": at(fired) - 30 * MINUTE,
        "fired": at(fired),
        "ended": None if ended is None else at(ended),
    }
    return Alert(**parts, retrospective=retrospective, worst=worst, unit="°C")


def of(
    readings: list[Reading],
    *alerts: Alert,
    rules: Sequence[Rule] = RULES,
    start: str | None = None,
    end: str | None = None,
) -> Report:
    """Report from the first reading to the end of what the last one holds, or as told."""
    return report(
        DEVICE,
        readings,
        rules=rules,
        alerts=alerts,
        zone=ZURICH,
        interval=INTERVAL,
        start=at(start) if start else readings[0].when,
        end=at(end) if end else readings[-1].when + 20 * MINUTE,
    )


def test_a_day_has_its_range_its_minutes_and_its_readings() -> None:
    (day,) = of(evenly("2026-01-10 12:00", 1.0, 1.5, 5.0, 9.0, 5.0)).days
    assert (day.date, day.readings) == (dt.date(2026, 1, 10), 5)
    assert (day.ranges["temperature"].lowest, day.ranges["temperature"].highest) == (1.0, 9.0)
    assert day.ranges["temperature"].mean == pytest.approx(4.3)
    assert day.ranges["humidity"].mean == 55.0
    cold, warm = day.minutes
    assert (cold.rule, cold.below, cold.above, cold.ok, cold.unknown) == ("too-cold", 20, 0, 40, 0)
    assert (warm.rule, warm.below, warm.above, warm.ok, warm.unknown) == ("too-warm", 0, 10, 50, 0)
    assert warm.breach == 10


def test_days_begin_at_local_midnight() -> None:
    days = of(evenly("2026-07-10 23:40", *[5.0] * 6)).days
    assert [(day.date.day, day.readings) for day in days] == [(10, 2), (11, 4)]


@pytest.mark.parametrize(
    ("temperatures", "signs"),
    [
        ([5.0] * 12, "--"),
        ([5.0] * 6 + [9.0] + [5.0] * 5, "-^"),
        ([1.0] + [5.0] * 11, "v-"),
        ([1.0, 9.0] + [5.0] * 10, "x-"),
        ([5.0] * 6 + [999.0] * 6, "-?"),
        ([5.0] * 6 + [math.nan] * 5 + [9.0], "-^"),
    ],
)
def test_an_hour_has_the_sign_of_its_worst(temperatures: list[float], signs: str) -> None:
    (day,) = of(evenly("2026-01-10 12:00", *temperatures)).days
    assert day.hours["temperature"][12:14] == signs
    assert day.hours["temperature"][:12].strip() == ""


def test_a_gap_is_unknown_in_hours_and_minutes() -> None:
    (day,) = of([one(at("2026-01-10 01:00")), one(at("2026-01-10 06:00"))]).days
    assert day.hours["temperature"].rstrip() == " ?????-"
    assert day.minutes[0].unknown == 300 - 20


def test_a_day_nobody_knows_is_a_day_of_the_report() -> None:
    days = of([one(at("2026-01-10 12:00")), one(at("2026-01-12 12:00"))]).days
    assert [day.date.day for day in days] == [10, 11, 12]
    assert (days[1].readings, days[1].ranges, days[1].hours["temperature"]) == (0, {}, "?" * 24)
    assert days[1].minutes[0].unknown == 24 * 60


def test_the_long_day_of_autumn_has_25_hours() -> None:
    start = at("2026-10-25 00:00")
    readings = [one(start + i * INTERVAL) for i in range(25 * 6)]
    (day,) = of(readings, end="2026-10-26 00:00").days
    assert sum((day.minutes[0].ok, day.minutes[0].unknown)) == 25 * 60
    assert day.hours["temperature"] == "-" * 24


def test_silence_after_the_last_reading_is_unknown_to_the_end() -> None:
    days = of(evenly("2026-01-10 12:00", 9.0), end="2026-01-12 06:00").days
    assert [day.date.day for day in days] == [10, 11, 12]
    assert [day.hours["temperature"].strip() for day in days] == ["^???????????", "?" * 24, "?" * 6]
    warm = [day.minutes[1] for day in days]
    assert [(one.above, one.unknown) for one in warm] == [(20, 700), (0, 1440), (0, 360)]


def test_nothing_is_counted_beyond_the_end() -> None:
    (day,) = of(evenly("2026-01-10 12:00", 9.0, 9.0), end="2026-01-10 12:13").days
    assert (day.readings, day.minutes[1].above, day.minutes[1].unknown) == (2, 13, 0)
    (day,) = of(evenly("2026-01-10 12:00", 9.0, 5.0, 1.0), end="2026-01-10 12:20").days
    assert (day.readings, day.minutes[1].above, day.minutes[1].ok) == (2, 10, 10)


def test_what_was_heard_before_the_start_holds_into_it() -> None:
    readings = [one(at("2026-01-09 23:50"), 9.0)]
    (day,) = of(readings, start="2026-01-10 00:00", end="2026-01-10 03:00").days
    assert (day.readings, day.ranges) == (0, {})
    assert (day.minutes[1].above, day.minutes[1].unknown) == (10, 170)
    assert day.hours["temperature"].rstrip() == "^??"


def test_a_rule_whose_channel_never_came_knows_nothing() -> None:
    damp = threshold("gas", channel="co2", above=900.0)
    told = of(evenly("2026-01-10 12:00", 5.0), rules=(*RULES, damp))
    assert [limit.heard for limit in told.limits] == [True, True, False]
    (day,) = told.days
    assert (day.minutes[2].ok, day.minutes[2].unknown) == (0, 20)
    assert day.hours["co2"].strip() == "?"
    assert "rule gas: no co2 was heard" in shown(told)
    silent = of([], rules=(damp,), start="2026-01-10 12:00", end="2026-01-10 13:00")
    assert "was heard" not in shown(silent)


def test_an_alert_stands_on_the_day_it_fired_and_goes_on_until_it_ends() -> None:
    readings = evenly("2026-01-10 00:00", *[9.0] * 6 * 24 * 3)
    days = of(
        readings,
        alert("2026-01-10 22:30", "2026-01-11 05:00", retrospective=True),
        alert("2026-01-12 07:00", None, rule="too-cold"),
        alert("2026-01-11 09:00", "2026-01-12 00:00"),
        alert("2026-01-12 23:55", None, rule="later"),
        end="2026-01-12 23:50",
    ).days
    told = [[(one.rule, one.time, one.retrospective) for one in day.alerts] for day in days]
    assert told == [
        [("too-warm", "22:30", True)],
        [("too-warm", None, True), ("too-warm", "09:00", False)],
        [("too-cold", "07:00", False)],
    ]


def test_json_gives_the_same_report_back() -> None:
    told = of(evenly("2026-01-10 12:00", 1.0, 9.0), alert("2026-01-10 12:00", None, worst=9.0))
    assert from_json(json.loads(json.dumps(told.as_json()))) == told


def test_an_alert_has_its_end_and_its_worst_value() -> None:
    (day,) = of(
        evenly("2026-01-10 12:00", *[9.0] * 6),
        alert("2026-01-10 12:30", "2026-01-10 12:40", worst=9.5),
        alert("2026-01-10 12:35", None, rule="gone"),
    ).days
    warm, gone = day.alerts
    assert (warm.began, warm.fired) == (at("2026-01-10 12:00"), at("2026-01-10 12:30"))
    assert (warm.ended, warm.worst) == (at("2026-01-10 12:40"), 9.5)
    assert (gone.ended, gone.worst) == (None, None)


# --- on a terminal


def shown(told: Report, width: int = 80) -> str:
    console = Console(width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(report_table.shown(told))
    return capture.get()


def rows(text: str, beginning: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.startswith(beginning)]


TWO_ALERTS = of(
    evenly("2026-01-10 10:00", *[1.0] * 6, *[9.0] * 6, *[5.0] * 6),
    alert("2026-01-09 10:30", "2026-01-10 09:30", rule="too-cold", worst=-11.5),
    alert("2026-01-10 11:30", "2026-01-10 12:00", worst=9.0),
    alert("2026-01-10 11:50", None),
)


def test_the_table_says_without_colour_what_was_wrong_and_how_long() -> None:
    text = shown(TWO_ALERTS)
    day = ["Sat", "10", "Jan", "▼▲──", "▼1.0", "▲9.0", "5.0", "120", "·", "18", "●2"]
    assert rows(text, "Sat 10 Jan")[0] == day
    assert "too-warm: temperature above 8.0 °C for 30 min (warning)" in text
    assert "· none" in text
    assert "No limit" not in text


def test_alerts_stand_below_with_their_end_their_length_and_their_worst() -> None:
    assert [" ".join(row) for row in rows(shown(TWO_ALERTS), "○") + rows(shown(TWO_ALERTS), "●")][
        :3
    ] == [
        "○ too-cold 09 Jan 10:00 09 Jan 10:30 10 Jan 09:30 23 h 30 min -11.5 °C",
        "● too-warm 10 Jan 11:00 10 Jan 11:30 10 Jan 12:00 60 min 9.0 °C",
        "● too-warm 10 Jan 11:20 10 Jan 11:50 open 1 h 50 min",
    ]


@pytest.mark.parametrize(
    ("days", "start", "title"),
    [
        (1, "2026-11-22", "acme/kitchen · 22 Nov 2026 · Europe/Zurich"),
        (2, "2026-11-22", "acme/kitchen · 22 Nov 2026 to 23 Nov 2026 · Europe/Zurich"),
        (2, "2026-12-31", "acme/kitchen · 31 Dec 2026 to 01 Jan 2027 · Europe/Zurich"),
    ],
)
def test_the_title_stands_on_one_line(days: int, start: str, title: str) -> None:
    readings = evenly(f"{start} 00:00", *[5.0] * (days * 24 * 6 - 2))
    assert shown(of(readings)).splitlines()[0] == title


def test_days_of_several_years_name_their_year() -> None:
    text = shown(of([one(at("2026-12-31 12:00"))], end="2027-01-01 12:00"))
    assert "31 Dec 2026" in text
    assert "01 Jan 2027" in text


def test_without_limits_every_channel_has_its_values_and_it_is_said() -> None:
    told = of(evenly("2026-01-10 12:00", 4.0, 6.0), rules=RULES[2:], end="2026-01-11 12:00")
    assert told.limits == []
    text = shown(told)
    assert rows(text, "Sat")[0][3:] == ["2", "55.0", "55.0", "55.0", "4.0", "6.0", "5.0"]
    assert rows(text, "Sun")[0][3:] == ["?"] * 7
    assert "humidity %RH" in text
    assert "temperature °C" in text
    assert "No limit in the settings watches this device." in text


def test_channels_without_a_limit_stand_below_those_with_one() -> None:
    text = shown(of(evenly("2026-01-10 12:00", 4.0)))
    assert [row[3:] for row in rows(text, "Sat 10 Jan")] == [
        ["─", "4.0", "4.0", "4.0", "·", "·", "1"],
        ["1", "55.0", "55.0", "55.0"],
    ]


WIDE = layout(
    (
        *("battery_level", "humidity.return_air", "illuminance", "pressure", "signal"),
        *("temperature", "temperature.return_air"),
    )
)


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_off_or_folded(width: int) -> None:
    """The widest values that are usual, in a report over two years."""
    when = at("2026-12-31 12:00")
    values = (100.0, 100.0, 120_000.0, 1013.2, -120.5, -21.4, -21.4)
    wide = reading(device=DEVICE, at=when, received=when, layout=WIDE, values=values, sequence=None)
    rules = (threshold("too-cold", below=-18.0), threshold("fridge", outside=[-30.0, -25.0]))
    told = of(
        [wide],
        alert("2026-12-31 12:30", "2027-01-01 11:59", "too-cold", worst=-21.4),
        rules=rules,
        end="2027-01-01 13:00",
    )
    text = shown(told, width)
    assert "…" not in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert sum("31 Dec 2026" in line for line in lines) == 1 + 3 + 1
    assert any(line.endswith("23 h 59 min  -21.4 °C") for line in lines)
