"""Row 5: InfluxDB is away while much comes in, and the gateway is killed; then it is back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from gateway.monitor import Monitor
from tests.faults.copying import NAME, Copying, fill, p99
from tests.faults.running import PATIENCE, until
from tests.influxdb import RunningInflux

ROWS = 20_000
MANY_ROWS = 2_000_000
"""Of "three days"."""
DRAINS = 20_000
"""Readings/s at which the backlog goes."""


async def calm(copying: Copying) -> None:
    """Wait until all but the copying has been done to what came in before."""

    def done() -> bool:
        with copying.looking() as (journal, state):
            return journal.head - state.cursor(Monitor.name) < 50_000

    await until(done, "it is judged", 20 * PATIENCE)


async def test_nothing_is_missing_after_an_outage_in_which_the_gateway_was_killed(
    tmp_path: Path, server: RunningInflux, *, long_run: bool
) -> None:
    rows = MANY_ROWS if long_run else ROWS
    server.kill()
    fill(tmp_path / "data", rows, devices=20, archived=long_run)
    async with Copying(tmp_path, server) as copying:
        await copying.takes()
        await asyncio.sleep(0.5)
        await copying.restart()
        if long_run:
            await calm(copying)
        before = len(copying.sensors.latencies)
        await asyncio.sleep(10.0 if long_run else 1.0)
        during = len(copying.sensors.latencies)
        waiting = copying.waiting()
        assert waiting >= rows, "none of it can be there"
        server.start()
        began = time.monotonic()
        await copying.drained()
        rate = (waiting - copying.waiting()) / (time.monotonic() - began)
        without = p99(copying.sensors.latencies[before:during])
        live = p99(copying.sensors.latencies[during:])
        print(  # noqa: T201 - the report
            f"{waiting} readings drained at {rate:.0f}/s; p99 of the PUBACK {live:.1f} ms, "
            f"{without:.1f} ms while the server was away"
        )
        assert await copying.settled() == []
        assert len(copying.sensors.acknowledged) > 500
    if long_run:
        assert rate >= DRAINS
        assert live <= 2 * without


async def test_days_behind_the_cap_come_from_the_history(
    tmp_path: Path, server: RunningInflux, *, long_run: bool
) -> None:
    server.kill()
    fill(tmp_path / "data", 200_000 if long_run else ROWS, devices=20, archived=True)
    async with Copying(tmp_path, server, backlog="300 kB") as copying:
        await copying.takes()

        def given_up() -> bool:
            with copying.looking() as (_, state):
                return len(state.missed(NAME)) >= 3

        await until(given_up, "days are given up")
        await copying.restart()
        server.start()
        assert await copying.settled() == []
        with copying.looking() as (_, state):
            assert state.cursor(NAME) > ROWS // 2


async def test_a_server_that_hangs_holds_up_no_sensor(
    tmp_path: Path, server: RunningInflux, *, long_run: bool
) -> None:
    async with Copying(tmp_path, server) as copying:
        await copying.takes()
        await asyncio.sleep(0.5)
        for _ in range(20 if long_run else 2):
            server.freeze()
            before = len(copying.sensors.latencies)
            await asyncio.sleep(1.2)  # longer than the gateway waits for an answer
            server.thaw()
            held = copying.sensors.latencies[before:]
            assert len(held) > 100, "they are acknowledged meanwhile"
            print(f"p99 of the PUBACK while it hangs {p99(held):.1f} ms")  # noqa: T201 - the report
            await asyncio.sleep(0.3)
        assert await copying.settled() == []


async def test_a_build_that_moves_its_cursor_early_is_caught(
    tmp_path: Path, server: RunningInflux
) -> None:
    server.kill()
    fill(tmp_path / "data", 5_000, devices=5, archived=False)
    async with Copying(tmp_path, server, "--move-early") as copying:
        await copying.takes()
        await asyncio.sleep(0.5)
        server.start()
        wrong = await copying.settled(grace=0.5)
    lost = [one for one in wrong if one.startswith("lost")]
    print(f"{len(lost)} were lost")  # noqa: T201 - the report
    assert lost
