"""A year of one sensor tried on other rules: the history is read, and all of it is judged twice."""

from __future__ import annotations

import time
from pathlib import Path

from devices.reading import COUNTED, DeviceKey, Reading
from gateway.backtest.backtest import Plan, judge
from gateway.history import History
from gateway.journal import Journal
from gateway.past import Past
from gateway.settings import parse
from rules.duration import DAY
from rules.plan import EVER
from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.five import FIVE
from scripts.benchmarks.measures.judging import CHANNELS, INTERVAL, START, SWING, temperature

DEVICE = DeviceKey("", "dev-000000")
"""It is too warm for three hours of each twelve of some days."""
WARM_DAYS = 20
"""One day in so many."""
NOW = """
[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "30 min"

[[rules]]
name = "too-cold"
kind = "threshold"
channel = "temperature"
below = 2.0
for = "30 min"

[[rules]]
name = "gone"
kind = "lost_contact"
after = "1 h"
"""
"""The rules that the five are held against."""


def _fill(path: Path, days: int) -> int:
    """Write a history of one sensor; return how many readings it has."""
    readings = []
    for number in range(days * DAY // INTERVAL):
        at = START + number * INTERVAL
        sensor = 0 if at // DAY % WARM_DAYS == 0 else 1
        battery, humidity, _ = SWING[number % len(SWING)]
        values = (battery, humidity, temperature(sensor, at))
        flags = COUNTED if number % 2 else 0  # every other names itself by its digest
        readings.append(Reading(DEVICE, at, at + 40, CHANNELS, values, flags, number, "site"))
    history = History(path)
    for first in range(0, len(readings), 10_000):
        history.gather(readings[first : first + 10_000])
        history.stage_gathered(first + 1)
        history.commit()
    history.close()
    return len(readings)


def backtest_year(bench: Bench) -> Group:
    """backtest_year_s."""
    folder = bench.fresh("year")
    days = bench.size.tried_days
    count = _fill(folder / "history.db", days)
    spent, fired = [], 0
    for run in range(bench.size.tried_runs):
        bench.tell(f"backtest_year_s: run {run + 1} of {bench.size.tried_runs}")
        began = time.perf_counter()
        history = History(folder / "history.db")
        journal = Journal(folder / "journal.db")
        past = Past(journal, history)
        plan = Plan(
            subject=DEVICE,
            name=DEVICE.id,
            against="the settings",
            devices=(DEVICE,),
            since=START,
            start=START,
            end=START + days * DAY,
            intervals=((EVER, INTERVAL),),
            tried=tuple(parse(FIVE).rules),
            standing=tuple(parse(NOW).rules),
        )
        read = [
            reading
            for device, since, before in plan.parts()
            for reading in past.readings(device, since, journal.head, before)
        ]
        found = judge(plan, read).found
        spent.append(time.perf_counter() - began)
        history.close()
        journal.close()
        if found.readings != count:
            raise RuntimeError(f"of {count} readings {found.readings} were judged")
        fired = len(found.alerts)
    return Group(
        [figure("backtest_year_s", spent, at_most=2)],
        {"backtest_year": spent, "backtest_readings": count, "backtest_alerts": fired},
    )
