"""A report tells a device's days by the clock on the wall, in numbers that add up."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from devices.reading import IMPORTED, DeviceKey, Reading, layout, reading
from gateway.report import Report, from_json, report
from rules.alert import Alert
from rules.lost_contact import LostContact
from rules.threshold import Threshold

DEVICE = DeviceKey("acme", "kitchen")
CLIMATE = layout(("humidity", "temperature"))
ZURICH = ZoneInfo("Europe/Zurich")
MINUTE, HOUR = 60_000, 3_600_000
INTERVAL = 10 * MINUTE


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZURICH).timestamp() * 1000)


def threshold(name: str, **limits: float) -> Threshold:
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
    fired: str, ended: str | None, rule: str = "too-warm", *, retrospective: bool = False
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
    return Alert(**parts, retrospective=retrospective)


def of(readings: list[Reading], *alerts: Alert) -> Report:
    return report(DEVICE, readings, rules=RULES, alerts=alerts, zone=ZURICH, interval=INTERVAL)


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
    (day,) = of(readings).days
    assert sum((day.minutes[0].ok, day.minutes[0].unknown)) == 25 * 60
    assert day.hours["temperature"] == "-" * 24


def test_an_alert_stands_on_the_day_it_fired_and_goes_on_until_it_ends() -> None:
    readings = evenly("2026-01-10 00:00", *[9.0] * 6 * 24 * 3)
    days = of(
        readings,
        alert("2026-01-10 22:30", "2026-01-11 05:00", retrospective=True),
        alert("2026-01-12 07:00", None, rule="too-cold"),
        alert("2026-01-11 09:00", "2026-01-12 00:00"),
    ).days
    told = [[(one.rule, one.time, one.retrospective) for one in day.alerts] for day in days]
    assert told == [
        [("too-warm", "22:30", True)],
        [("too-warm", None, True), ("too-warm", "09:00", False)],
        [("too-cold", "07:00", False)],
    ]


def test_json_gives_the_same_report_back() -> None:
    told = of(evenly("2026-01-10 12:00", 1.0, 9.0), alert("2026-01-10 12:00", None))
    assert from_json(json.loads(json.dumps(told.as_json()))) == told


def test_no_readings_are_no_days() -> None:
    told = of([])
    assert told.days == []
    assert "no readings" in shown(told)


def test_a_report_without_limits_has_ranges_alone() -> None:
    told = report(
        DEVICE, evenly("2026-01-10 12:00", 4.0), rules=(), alerts=(), zone=ZURICH, interval=INTERVAL
    )
    assert told.limits == []
    assert told.days[0].ranges["temperature"].mean == 4.0
    assert "10 Jan" in shown(told)


def shown(told: Report) -> str:
    console = Console(width=140, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(told.as_table())
    return capture.get()


def test_the_table_says_without_colour_what_was_wrong_and_how_long() -> None:
    text = shown(
        of(
            evenly("2026-01-10 10:00", *[1.0] * 6, *[9.0] * 6, *[5.0] * 6),
            alert("2026-01-10 10:30", "2026-01-10 11:00", rule="too-cold"),
            alert("2026-01-10 11:30", "2026-01-10 12:00"),
            alert("2026-01-10 11:50", "2026-01-10 12:00"),
        )
    )
    row = next(line for line in text.splitlines() if line.startswith("Sat 10 Jan"))
    assert row.split() == [
        *("Sat", "10", "Jan", "▼▲──", "▼", "1.0", "▲", "9.0", "5.0", "60", "60", "·", "18"),
        *("●", "10:30", "too-cold", "●", "11:30", "(+1)", "too-warm"),
    ]
    assert "too-warm: temperature above 8.0 °C for 30 min" in text
