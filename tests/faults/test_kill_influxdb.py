"""Row 6: InfluxDB is killed while it takes what waits, again and again, on one folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from tests.faults.conftest import Seeds
from tests.faults.copying import Copying, fill
from tests.faults.running import PATIENCE, until
from tests.influxdb import RunningInflux

ROWS = 40_000
"""That wait for each time that it is killed: it takes them in a second."""
FEW = 1_000
"""So many wait now and then, while sensors send."""


class Kills:
    """Kill it at random moments after it has begun to take what waits."""

    def __init__(self, server: RunningInflux, copying: Copying, seed: int) -> None:
        self.in_the_middle = 0
        """How many kills came before it had taken all."""
        self._server = server
        self._copying = copying
        self._random = Random(seed)  # noqa: S311 - a fault must come again

    async def run(self, count: int) -> None:
        waiting = self._copying.waiting
        for _ in range(count):
            self._server.start()
            goal = max(waiting() - 2_000, FEW)
            await until(lambda: waiting() <= goal, "it takes some", PATIENCE)  # noqa: B023 - called here
            await asyncio.sleep(self._random.uniform(0.0, 0.1))
            self.in_the_middle += waiting() > FEW
            self._server.kill()
        self._server.start()


async def test_nothing_is_lost_or_double_when_the_server_is_killed(
    tmp_path: Path, server: RunningInflux, seeds: Seeds, *, long_run: bool
) -> None:
    count = 50 if long_run else 3
    server.kill()
    fill(tmp_path / "data", count * ROWS, devices=20, archived=True)
    async with Copying(tmp_path, server) as copying:
        await copying.takes()
        kills = Kills(server, copying, seeds(1, 1)[0])
        await kills.run(count)
        wrong = await copying.settled()
    print(f"{kills.in_the_middle} of {count} kills came while it took what waited")  # noqa: T201 - the report
    assert wrong == []
    assert kills.in_the_middle > count // 2


async def test_a_build_that_sends_again_to_another_time_is_caught(
    tmp_path: Path, server: RunningInflux, seeds: Seeds
) -> None:
    server.kill()
    fill(tmp_path / "data", ROWS // 8, devices=20, archived=True)
    async with Copying(tmp_path, server, "--send-elsewhere") as copying:
        await copying.takes()
        await Kills(server, copying, seeds(1, 1)[0]).run(1)
        wrong = await copying.settled(grace=0.5)
    double = [one for one in wrong if one.startswith("twice")]
    print(f"{len(double)} points are there that should not be")  # noqa: T201 - the report
    assert double
