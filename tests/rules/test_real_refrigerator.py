"""A real vaccine refrigerator, 38 days, against its own logger's verdict."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from devices.reading import IMPORTED, Reading
from rules.duration import DAY, MINUTE
from rules.kinds.threshold import Threshold
from rules.summary import by_day
from tests.rules.series import START, engine, rule, temperature

VECTORS = Path(
    os.environ.get("HOLDWATCH_TEST_VECTORS")
    or Path(__file__).resolve().parents[3] / "shared" / "vectors"
)
FILE = VECTORS / "loggers" / "fridgetag-2l_130500109088.txt"
pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason=f"{FILE} is absent: set HOLDWATCH_TEST_VECTORS"
)
ZONE = dt.timezone(dt.timedelta(hours=2))
HOUR = {"duration": "60 min", "hold": "10 min"}


class Verdict(NamedTuple):
    """A day as the device judged it: minutes, and when each alarm began to ring, if it did."""

    date: dt.date
    below: int
    above: int
    alarms: tuple[str | None, str | None]


def device_verdicts(text: str) -> list[Verdict]:
    history = text[text.index("Hist:") :]
    found = []
    for day in re.split(r"\n \d+:\n", history)[1:]:
        date = re.search(r"Date: (\S+)", day)
        alarms = re.findall(r"t Acc: (\d+)(?:, TS A: (\d\d:\d\d))?", day)
        if date is None or len(alarms) < 2:
            continue
        (below, low), (above, high) = alarms[:2]
        found.append(
            Verdict(
                dt.date.fromisoformat(date[1]), int(below), int(above), (low or None, high or None)
            )
        )
    return found


def samples(text: str) -> list[Reading]:
    found = []
    for moment, value in re.findall(
        r"^\t(\d{4}-\d\d-\d\d \d\d:\d\d)\t([-\d.]+)", text, re.MULTILINE
    ):
        local = dt.datetime.fromisoformat(moment).replace(tzinfo=ZONE)
        minutes = (local.timestamp() * 1000 - START) / MINUTE
        found.append(temperature(minutes, float(value), flags=IMPORTED))
    return found


@pytest.fixture(scope="module")
def text() -> str:
    return FILE.read_text(encoding="utf-8")


def test_minutes_out_of_limits_agree_with_the_device_every_day(text: str) -> None:
    band = rule(outside=[2.0, 8.0], **HOUR)
    assert isinstance(band, Threshold)
    series = [(made.when, made.value("temperature")) for made in samples(text)]
    assert len(series) == 10_653
    start, end = series[0][0], series[-1][0] + 10 * MINUTE
    days = by_day(series, band, ZONE, 5 * MINUTE, start=start, end=end)
    ours = {day.date: day for day in days}
    theirs = device_verdicts(text)
    assert len(theirs) == 38
    for verdict in theirs:
        day = ours[verdict.date]
        assert abs(day.below - verdict.below) <= 10, verdict
        assert abs(day.above - verdict.above) <= 10, verdict


@pytest.mark.parametrize("gap", ["pause", "reset"])
def test_alarms_ring_on_the_days_and_at_the_times_of_the_device(text: str, gap: str) -> None:
    rules = [
        rule(name="too-cold", below=2.0, gap=gap, **HOUR),
        rule(name="too-warm", above=8.0, gap=gap, **HOUR),
    ]
    episodes = engine(rules).judge(samples(text))
    for side, name in enumerate(("too-cold", "too-warm")):
        ours: dict[dt.date, int] = {}
        for episode in episodes:
            if episode.rule == name:
                end = episode.ended_at or samples(text)[-1].when
                for date, start in days_of(episode.fired_at, end):
                    ours.setdefault(date, start)
        theirs = {v.date: alarm for v in device_verdicts(text) if (alarm := v.alarms[side])}
        assert sorted(ours) == sorted(theirs)
        for date, clock in theirs.items():
            if clock != "00:00":
                expected = dt.datetime.combine(date, dt.time.fromisoformat(clock), ZONE)
                assert abs(ours[date] / 1000 - expected.timestamp()) <= 10 * 60, (date, clock)


def days_of(start: int, end: int) -> list[tuple[dt.date, int]]:
    """Return each local day that start..end touches, and when it began to on that day."""
    found = []
    while start < end:
        moment = dt.datetime.fromtimestamp(start / 1000, ZONE)
        found.append((moment.date(), start))
        midnight = dt.datetime.combine(moment.date(), dt.time(), ZONE)
        start = int(midnight.timestamp() * 1000) + DAY
    return found
