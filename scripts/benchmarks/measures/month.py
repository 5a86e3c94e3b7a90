"""A month of a quiet site at speed: whether memory and what is decided stay as small as they were.

`python -m scripts.benchmarks.measures.month FOLDER DAYS` is the gateway: all its parts, a clock
that is told, and readings handed to its intake as a listener would. Each night one sensor is too
warm for two hours, so that there are alerts. It prints a line of JSON a day.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

import gateway.app
from gateway.app import Gateway
from gateway.machine import tune
from gateway.settings import parse
from rules.duration import DAY, HOUR, MINUTE
from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.kernel import resident
from scripts.benchmarks.measures.quiet_site import SENSORS, SETTINGS
from tests.gateway.parts import Line, ToldClock, publish

SETTLED = 10
"""Days after which everything that fills up once has filled up."""
ROUNDS = 10
"""Minutes whose readings are handed over between two looks at what else is due."""

SITE = """
[[brokers]]
name = "site"
host = "127.0.0.1"
"""
"""Who the sensors speak through; it is not joined."""


class Evening(msgspec.Struct, frozen=True):
    """How it is at the end of a day: MB resident, MB of state.db, and of the journal."""

    memory: float
    state: float
    journal: float


def month(bench: Bench) -> Group:
    """Figures of the last evening, and what grew since the tenth."""
    days = bench.size.month_days
    bench.tell(f"month: {days} days of {SENSORS} sensors")
    program = "scripts.benchmarks.measures.month"
    done = subprocess.run(  # noqa: S603 - this program
        [sys.executable, "-m", program, str(bench.fresh("month")), str(days)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    evenings = [msgspec.json.decode(one, type=Evening) for one in done.stdout.splitlines()]
    settled, last = evenings[min(SETTLED, len(evenings)) - 1], evenings[-1]
    return Group(
        [
            figure("month_growth_mb", [last.memory - settled.memory], at_most=10.0),
            figure("month_state_mb", [last.state - settled.state]),
            figure("month_memory_mb", [last.memory]),
        ],
        {"month": [msgspec.to_builtins(one) for one in evenings]},
    )


def _payload(sensor: int, moment: int) -> str:
    """Return what a sensor says: sensor 0 is too warm from 02:00 to 04:00."""
    warm = sensor == 0 and 2 * HOUR <= moment % DAY < 4 * HOUR
    temperature = 9.5 if warm else 4 + (moment // MINUTE + 7 * sensor) % 40 / 20
    measured = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")[:23]
    return (
        f'{{"time":"{measured}Z","temperature":{temperature:.2f},'
        f'"humidity":{60 + sensor % 13 / 10:.2f},"battery":3.012,'
        f'"seq":{moment // MINUTE},"rssi":-71}}'
    )


async def _live(folder: Path, days: int) -> None:
    clock = ToldClock(time.time_ns() // 1_000_000 // DAY * DAY)
    gateway.app.Clock = lambda _known_past: clock  # type: ignore[assignment, attr-defined, misc]
    text = SETTINGS.format(folder=folder, mqtt=1, web=1, commit="20 ms") + SITE
    box = Gateway(parse(text), join=False)
    await box.compose()
    running = asyncio.create_task(box.run())
    link = Line("site")
    for _ in range(days):
        for _ in range(DAY // MINUTE // ROUNDS):
            for _ in range(ROUNDS):
                clock.passes(MINUTE)
                said = [
                    publish(_payload(one, clock.now()), topic=f"cargo/quiet/dev-{one}/readings")
                    for one in range(SENSORS)
                ]
                box.ingest.receive(link, said)
            await box.ingest.store([])
            while min(box.monitor.cursor, box.archivist.cursor) < box.journal.head:  # noqa: ASYNC110 - followers ring no bell
                await asyncio.sleep(0)
            link.acknowledged.clear()
            for one in (box.monitor, box.freight.monitor):
                await one.tick(clock.now() - DAY)
        await asyncio.sleep(1.5)  # what looks once a second has looked
        gc.collect()
        evening = Evening(resident(os.getpid()), box.state.size() / 1e6, box.journal.size() / 1e6)
        print(msgspec.json.encode(evening).decode(), flush=True)
    box.stop()
    await running
    box.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    tune()
    asyncio.run(_live(Path(sys.argv[1]), int(sys.argv[2])))
