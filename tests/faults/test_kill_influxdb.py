"""Row 6: InfluxDB is killed while it takes what waits, again and again, on one folder.

InfluxDB 1.6.7 by itself loses what it said to have stored: a kill in the middle of a write leaves
a torn entry at the end of its log. The next start cuts it off, and goes on writing behind where it
was, so that the log has a hole; what comes after the hole is gone with the start after that. The
gateway therefore sends again what a server took before it was gone.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from tests.faults.conftest import Seeds
from tests.faults.copying import DATABASE, Copying, fill
from tests.faults.running import PATIENCE, until
from tests.influxdb import RunningInflux

ROWS = 40_000
"""That wait for each time that it is killed: it takes them in a second."""
SENT_AGAIN = 30.0
"""Seconds in which the gateway sends again what the server may have lost."""
FEW = 1_000
"""So many wait now and then, while sensors send."""


def logs(server: RunningInflux) -> list[Path]:
    """Return the files of its write-ahead log."""
    return sorted(server.folder.glob("wal/*/*/*/*.wal"))


def is_torn(log: Path) -> bool:
    """Whether an entry was not written to its end: a byte of kind, four of length, data."""
    size = log.stat().st_size
    with log.open("rb") as file:
        while len(head := file.read(5)) == 5 and head[0]:
            end = file.tell() + int.from_bytes(head[1:], "big")
            if end > size:
                return True
            file.seek(end)
        return file.tell() < size


def tear(log: Path) -> None:
    """Leave an entry of which the end was not written."""
    with log.open("ab") as file:
        file.write(b"\x01\x00\x00\x40\x00" + b"x" * 3_000)  # 16,384 bytes were to come


class Kills:
    """Kill it at random moments after it has begun to take what waits."""

    def __init__(self, server: RunningInflux, copying: Copying, seed: int) -> None:
        self.torn = 0
        """How many kills left a torn entry in its log."""
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
            self.torn += sum(map(is_torn, logs(self._server)))
            await self._copying.misses_it()
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
        wrong = await copying.settled(grace=SENT_AGAIN)
    print(  # noqa: T201 - the report
        f"{kills.in_the_middle} of {count} kills came while it took what waited; "
        f"{kills.torn} left a torn log"
    )
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


def test_the_server_itself_loses_what_it_took_after_a_torn_write(server: RunningInflux) -> None:
    """Why it gets again what it took. Once this fails, InfluxDB has mended it."""
    server.write(DATABASE, b"m v=1 1")
    server.kill()
    (log,) = logs(server)
    tear(log)
    server.start()
    server.write(DATABASE, b"m v=2 2")
    assert len(server.rows(DATABASE, "SELECT v FROM m")) == 2
    server.kill()
    server.start()
    assert [one["v"] for one in server.rows(DATABASE, "SELECT v FROM m")] == [1]


async def test_what_the_server_loses_by_itself_it_gets_again(
    tmp_path: Path, server: RunningInflux
) -> None:
    fill(tmp_path / "data", ROWS // 8, devices=20, archived=True)
    async with Copying(tmp_path, server) as copying:
        await copying.takes()
        await copying.drained()
        server.kill()
        for log in logs(server):
            tear(log)
        await copying.misses_it()
        server.start()
        await copying.drained()
        taken = len(copying.sensors.acknowledged)
        await until(lambda: len(copying.sensors.acknowledged) > taken + FEW, "more comes", PATIENCE)
        await copying.drained()
        server.kill()  # and nothing of that is left
        await copying.misses_it()
        server.start()
        assert await copying.settled(grace=SENT_AGAIN) == []
