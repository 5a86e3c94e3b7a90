"""A chart of a week out of a large history, as a process sees it that has never read the file.

`python -m scripts.benchmarks.measures.chart FILE DEVICE START END` is that process. It prints
the milliseconds, how many points it got, and the bytes that came from the disk.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from devices.reading import COUNTED, DeviceKey, Reading, layout
from gateway.archivist import MANY
from gateway.history import History
from gateway.history.columns import DAY
from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.kernel import drop_cache, read_from_disk

INTERVAL = 5 * 60 * 1000
"""Milliseconds between two readings of a sensor."""
START = 20_000 * DAY
WEEK = 7 * DAY
STEPS = 10_007
"""Values before they come again: more than a sensor has, so that none can be guessed."""
CHANNELS = layout(("battery", "humidity", "temperature"))


class Chart(msgspec.Struct, frozen=True):
    """What the reading process says."""

    milliseconds: float
    points: int
    read: int


def _name(sensor: int) -> DeviceKey:
    return DeviceKey("", f"dev-{sensor:06d}")


def _readings(count: int, sensors: int) -> Iterator[Reading]:
    """Yield readings of all sensors in turn, as a refrigerator swings: 40 minutes, 2 degrees."""
    noise = np.random.default_rng(2).normal(0, 1, (STEPS, 3)).tolist()
    values = [
        (
            round(3.05 + voltage / 200, 3),
            round(62 + 6 * math.sin(step / 11) + humidity, 1),
            round(5 + math.sin(step * 0.785) + temperature / 5, 2),
        )
        for step, (voltage, humidity, temperature) in enumerate(noise)
    ]
    names = [_name(sensor) for sensor in range(sensors)]
    for number in range(count):
        rounds, sensor = divmod(number, sensors)
        at = START + rounds * INTERVAL + sensor * 251 % INTERVAL
        yield Reading(
            names[sensor],
            at,
            at + 40,
            CHANNELS,
            values[(rounds + 31 * sensor) % STEPS],
            COUNTED,
            rounds,
            "site",
        )


def _fill(bench: Bench, path: Path) -> None:
    """Write the readings as the archivist does: as many at a time as it lets gather."""
    count = bench.size.chart_readings
    history = History(path)
    waiting: list[Reading] = []
    for number, reading in enumerate(_readings(count, bench.size.chart_sensors), 1):
        waiting.append(reading)
        if len(waiting) == MANY or number == count:
            history.gather(waiting)
            history.stage_gathered(number)
            history.commit()
            waiting.clear()
            bench.tell(f"week_chart_ms: {number:,} of {count:,} readings written")
    history.close()


def week_chart(bench: Bench) -> Group:
    """week_chart_ms: opening the file and reading a week of one channel, cold."""
    folder = bench.fresh("chart")
    path = folder / "history.db"
    _fill(bench, path)
    size = path.stat().st_size
    charts = []
    days = bench.size.chart_readings // bench.size.chart_sensors * INTERVAL // DAY
    first = START + max(0, days - 7) // 2 * DAY + DAY // 3
    for number in range(bench.size.chart_runs):
        bench.tell(f"week_chart_ms: run {number + 1} of {bench.size.chart_runs}")
        drop_cache(path)
        sensor = bench.size.chart_sensors * (number + 1) // (bench.size.chart_runs + 1)
        charts.append(_cold(path, sensor, first))
    shutil.rmtree(folder)
    return Group(
        [figure("week_chart_ms", [one.milliseconds for one in charts], at_most=200)],
        {"charts": charts, "history_bytes": size},
    )


def _cold(path: Path, sensor: int, first: int) -> Chart:
    answer = subprocess.run(  # noqa: S603 - this program
        [
            *(sys.executable, "-m", "scripts.benchmarks.measures.chart", path),
            *(_name(sensor).id, str(first), str(first + WEEK)),
        ],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    return msgspec.json.decode(answer.stdout, type=Chart)


def main(path: Path, device: str, start: int, end: int) -> None:
    """Read one chart."""
    before = read_from_disk()
    began = time.perf_counter()
    history = History(path)
    series = history.series(DeviceKey("", device), "temperature", start, end)
    taken = (time.perf_counter() - began) * 1000
    history.close()
    chart = Chart(taken, len(series.when), read_from_disk() - before)
    print(msgspec.json.encode(chart).decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
