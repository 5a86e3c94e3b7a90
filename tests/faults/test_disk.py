"""Row 8: the disk is full, fails, or is slow. Nothing false is acknowledged, and it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.broker import Broker
from tests.faults.publisher import Publisher
from tests.faults.running import Running, until
from tests.faults.standin import Sent, StandIn
from tests.faults.tap import Tap
from tests.faults.test_power_cut import read_all

ALARM_WITHIN = 5.0
"""Seconds."""
MEMORY = 200 * 10**6
RATE = 200


@contextmanager
def small_disk(folder: Path, size: int = 40) -> Iterator[Path]:
    """A disk of so many MB in memory."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk can be mounted by root only: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Alarms:
    """What stands about the disk on the broker now, as a client sees it that subscribed."""

    def __init__(self, port: int) -> None:
        self.standing: dict[str, dict[str, Any]] = {}
        self._port = port

    async def watch(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self._port) as client:
            await client.subscribe("holdwatch/box/alerts/#")
            async for message in client.messages:
                topic = str(message.topic)
                assert isinstance(message.payload, bytes)
                if message.payload:
                    self.standing[topic] = json.loads(message.payload)
                else:
                    self.standing.pop(topic, None)

    def disk(self) -> list[dict[str, Any]]:
        return [one for one in self.standing.values() if one["channel"] == "disk"]


class Scene:
    """A publisher, a real broker, a tap, a watcher of alarms and a gateway on `data`."""

    def __init__(self, folder: Path, data: Path, broker: Broker, *faults: str) -> None:
        self.data = data
        self.publisher = Publisher(broker.port, RATE)
        self.alarms = Alarms(broker.port)
        self.tap = Tap(broker.port)
        self._folder = folder
        self._faults = faults

    async def start(self) -> None:
        await self.tap.start()
        self.gateway = Running(self._folder, self.tap.port, *self._faults, data=self.data)
        self._watch = asyncio.create_task(self.alarms.watch())
        self.gateway.start()
        await self.gateway.joins()
        self.publisher.start()
        await self.flows()

    async def flows(self) -> None:
        ours = len(self.tap.acknowledged)
        await until(lambda: len(self.tap.acknowledged) > ours + 50, "it acknowledges")

    async def alarmed(self) -> None:
        """Wait for the alarm on the broker and in the status, at most as long as promised."""
        began = time.monotonic()
        await until(lambda: bool(self.alarms.disk()), "an alarm on the broker", ALARM_WITHIN)
        left = ALARM_WITHIN - (time.monotonic() - began)
        await self.gateway.becomes(
            lambda status: any(one["channel"] == "disk" for one in status["alerts"]),
            "an alarm in the status",
            left,
        )

    async def rests(self) -> None:
        """Wait until no more is acknowledged."""
        acknowledged = -1
        while acknowledged != len(self.tap.acknowledged):
            acknowledged = len(self.tap.acknowledged)
            await asyncio.sleep(0.7)

    async def well_again(self) -> None:
        """Wait until it goes on by itself, and says that all is well."""
        await self.flows()
        await until(lambda: not self.alarms.disk(), "the alarm is cleared", ALARM_WITHIN)
        await until(self.ballast, "the ballast is loaded again", ALARM_WITHIN)

    def ballast(self) -> bool:
        path = self.data / "ballast"
        return path.exists() and path.stat().st_size == 4_000_000

    async def losses(self) -> list[Sent]:
        """End it; return what was acknowledged and is not stored."""
        await self.publisher.stop()
        await self.rests()
        self.gateway.stop()
        journal = self.gateway.journal()
        stored = {Sent(one.device.id, one.identity) for one in read_all(journal)}
        journal.close()
        return [one for one in self.tap.acknowledged if one not in stored]

    async def close(self) -> None:
        self.gateway.kill()
        await self.publisher.stop()
        await self.tap.stop()
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)


@asynccontextmanager
async def scene(folder: Path, *faults: str, data: Path | None = None) -> AsyncIterator[Scene]:
    with Broker(folder, "max_queued_messages 0") as broker:
        made = Scene(folder, data or folder / "data", broker, *faults)
        try:
            await made.start()
            yield made
        finally:
            await made.close()


def fill(disk: Path) -> Path:
    """Take all the room there is."""
    path = disk / "filler"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while os.write(descriptor, bytes(1 << 16)):
            pass
    os.close(descriptor)
    return path


async def test_a_full_disk_is_told_in_time_and_it_goes_on_alone_when_there_is_room(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        async with scene(tmp_path, data=disk / "data") as one:
            assert one.ballast()
            filler = fill(disk)
            await one.alarmed()
            await one.rests()
            filler.unlink()
            await one.well_again()
            assert one.gateway.peak_memory() <= MEMORY
            assert await one.losses() == []


async def killed_while_full(folder: Path, *faults: str) -> list[Sent]:
    with small_disk(folder / "disk") as disk:
        async with scene(folder, *faults, data=disk / "data") as one:
            filler = fill(disk)
            await one.alarmed()
            one.gateway.kill()
            filler.unlink()
            one.gateway.start()
            await one.flows()
            return await one.losses()


async def test_nothing_is_lost_when_it_is_killed_with_a_full_disk(tmp_path: Path) -> None:
    assert await killed_while_full(tmp_path) == []


async def test_a_build_that_acknowledges_before_its_commit_is_caught(tmp_path: Path) -> None:
    assert await killed_while_full(tmp_path, "--acknowledge-early")


async def test_a_failing_disk_is_told_in_time_and_it_goes_on_alone_when_it_works(
    tmp_path: Path,
) -> None:
    failing = tmp_path / "failing"
    async with scene(tmp_path, "--fail-while", str(failing)) as one:
        failing.touch()
        await one.alarmed()
        await one.rests()
        assert not one.ballast()
        acknowledged = len(one.tap.acknowledged)
        await asyncio.sleep(1)
        assert len(one.tap.acknowledged) == acknowledged
        failing.unlink()
        await one.well_again()
        assert one.gateway.peak_memory() <= MEMORY
        assert await one.losses() == []


async def test_a_slow_disk_slows_only_the_acknowledgement(tmp_path: Path) -> None:
    broker, slow = StandIn(2000, 50), tmp_path / "slow"
    await broker.start()
    gateway = Running(tmp_path, broker.port, "--slow-while", str(slow))
    try:
        gateway.start()
        await until(lambda: len(broker.acknowledged) > 200, "it acknowledges")
        slow.touch()
        kept = len(broker.acknowledged)
        await until(lambda: len(broker.acknowledged) > kept + 4000, "it goes on")
        assert gateway.peak_memory() <= MEMORY
        gateway.kill()
        slow.unlink()
        gateway.start()
        broker.sending = False
        await until(lambda: not broker.unacknowledged, "all is acknowledged")
        gateway.stop()
    finally:
        gateway.kill()
        await broker.stop()
    journal = gateway.journal()
    stored = [Sent(one.device.id, one.identity) for one in read_all(journal)]
    journal.close()
    assert len(set(stored)) == len(stored) == broker.sent
    assert set(broker.acknowledged) <= set(stored)
