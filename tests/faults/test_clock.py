"""A machine without a battery clock wakes in 2020, hears the time, and is set back by a bad server.

Nothing is flagged, lost, judged twice or missed for that. The gateway runs as people run it, under
faketime; the sensors go by the true time, or have no clock.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from devices.reading import ARRIVAL, OWN_CLOCK_UNTRUSTED, WRONG_CLOCK, Reading
from gateway.clock import RELEASED
from tests.broker import free_port
from tests.faults.running import LISTENING, Running, until
from tests.faults.sensors import Kind, Sensors
from tests.faults.standin import Sent
from tests.faults.test_power_cut import read_all

YEARS = int(time.time()) - 1_577_836_800
"""Seconds since 2020 began."""
AHEAD = 60
"""Seconds by which the time server is before the truth: more than a start takes."""
KINDS = (Kind(1, 4), Kind(2, 5), Kind(2, 4, clock=False))
GONE = """
[[rules]]
name = "gone"
kind = "lost_contact"
after = "5 s"
"""


class Machine:
    """What the clock of the gateway's machine says, beside the truth."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        found = subprocess.run(
            ["faketime", "-f", "+0", "printenv", "LD_PRELOAD"],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode:
            pytest.skip("faketime is not there: run scripts/setup.sh")
        self.around = (
            "env",
            f"LD_PRELOAD={found.stdout.strip()}",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_NO_CACHE=1",
            # Only what people call the time is false.
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )
        self.says(0)

    def says(self, beside: int) -> None:
        """Set its clock: so many seconds ahead of the truth."""
        self._file.write_text(f"{beside:+d}\n")


async def flows(sensors: Sensors) -> None:
    """Wait until everybody was heard again and again."""
    ours = len(sensors.acknowledged)

    def heard() -> bool:
        each = Counter(one.device[: len("d-0")] for one in sensors.acknowledged[ours:])
        return len(each) == len(KINDS) and min(each.values()) >= 100

    await until(heard, "it acknowledges")


async def test_a_clock_that_wakes_in_the_past_and_jumps_harms_nothing(tmp_path: Path) -> None:
    await wakes(tmp_path)


async def test_a_build_that_believes_its_clock_is_caught(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="before this version was made"):
        await wakes(tmp_path, "--believe-the-clock")


async def wakes(folder: Path, *faults: str) -> None:
    machine = Machine(folder)
    gateway = Running(folder, free_port(), *faults, ways=LISTENING + GONE, around=machine.around)
    sensors = Sensors(gateway.port, 400, 6, kinds=KINDS)
    # Their clocks go on while they speak, up to the truth and a little behind it.
    sensors.began = time.time_ns() // 1_000_000 - 900_000
    try:
        await sensors.start()
        gateway.start()
        await flows(sensors)
        gateway.stop()
        # A power cut; and no network when it wakes.
        machine.says(-YEARS)
        gateway.start()
        await flows(sensors)
        woken = await gateway.status()
        assert woken["now"] >= RELEASED, "it is before this version was made"
        assert not woken["clock_trusted"]
        machine.says(AHEAD)
        await gateway.becomes(lambda one: abs(one["now"] - later()) < 2_000, "it is set")
        await flows(sensors)
        machine.says(AHEAD - 7200)
        await gateway.becomes(lambda one: not one["clock_trusted"], "it is doubted")
        await flows(sensors)
        status = await gateway.status()
        assert abs(status["now"] - later()) < 5_000
        assert status["wrong_clocks"] == woken["wrong_clocks"] == []
        machine.says(AHEAD)
        await flows(sensors)
        sensors.sending = False
        await until(lambda: not sensors.unacknowledged, "all is acknowledged")
        gateway.stop()
    finally:
        gateway.kill()
        await sensors.stop()
    compare(gateway, sensors)


def compare(gateway: Running, sensors: Sensors) -> None:
    """Hold what was stored and told against what was sent."""
    with closing(gateway.journal()) as journal, closing(gateway.state()) as state:
        readings: list[Reading] = [*read_all(journal)]
        events = [one.event for one in state.read(0, 1 << 40)[0]]
        moved = [one for (one,) in state.rows("SELECT moved FROM clock WHERE moved <> 0")]
    stored = [Sent(one.device.id, one.identity) for one in readings]
    assert set(sensors.acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)), "each once"
    assert not any(one.flags & WRONG_CLOCK for one in readings)
    doubted = [one for one in readings if one.flags & OWN_CLOCK_UNTRUSTED]
    assert doubted, "it is marked what came before the clock was set"
    assert any(one.flags & ARRIVAL for one in doubted)
    received = [one.received for one in readings]
    assert received == sorted(received), "what came later is later"
    assert len(moved) == 1, "one correction, recorded"
    assert [one.alert.rule for one in events if one.alert.kind == "lost_contact"] == []
    keys = [one.key for one in events]
    assert len(keys) == len(set(keys))


def later() -> int:
    """Return the time server's time, ms since 1970."""
    return time.time_ns() // 1_000_000 + 1000 * AHEAD
