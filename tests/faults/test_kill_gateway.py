"""Row 1: the gateway is killed at any moment, under 2,000 messages a second.

They come from a broker, or from sensors that connect to the gateway, at QoS 1 and 2.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from random import Random

import msgspec
from pydantic import TypeAdapter

from devices.reading import Reading
from rules import AnyRule
from rules.alert import Alert, Event
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.rule import current
from rules.subject import order
from tests.broker import free_port
from tests.faults.conftest import Seeds
from tests.faults.running import JOINED, LISTENING, PATIENCE, WAYS, Running, until
from tests.faults.sensors import Sensors
from tests.faults.standin import Sent, StandIn
from tests.faults.test_power_cut import read_all

RATE = 2000
DEVICES = 50
SERVING_WITHIN = 3.0
"""Seconds from the start of the process to the first acknowledgement."""


class Drive:
    """Kill a gateway again and again; then let it come to rest, and compare.

    `ways`: whether it joins a broker, which sends, or sensors connect to it.
    """

    def __init__(
        self, folder: Path, seed: int, ways: str, *faults: str, interval: str = "20 ms"
    ) -> None:
        self.random = Random(seed)  # noqa: S311 - a fault must come again
        self.source = (
            StandIn(RATE, DEVICES) if ways == JOINED else Sensors(free_port(), RATE, DEVICES)
        )
        self.folder = folder
        self.ways = ways
        self.faults = faults
        self.interval = interval
        self.slowest = 0.0

    async def run(self, kills: int) -> list[str]:
        await self.source.start()
        gateway = Running(
            self.folder, self.source.port, *self.faults, ways=self.ways, interval=self.interval
        )
        try:
            await self._drive(gateway, kills)
        finally:
            gateway.kill()
            await self.source.stop()
        return self._compare(gateway)

    async def _drive(self, gateway: Running, kills: int) -> None:
        for _ in range(kills):
            await self._serve(gateway)
            await asyncio.sleep(self.random.uniform(0.05, 0.6))
            gateway.kill()
        await self._serve(gateway)
        self.source.sending = False
        await until(lambda: not self.source.unacknowledged, "everything is acknowledged")
        await self._quiet()
        gateway.stop()

    async def _serve(self, gateway: Running) -> None:
        """Start it, and wait for its first acknowledgement."""
        before = time.monotonic()
        gateway.start()
        await until(lambda: self.source.last_acknowledged > before, "it serves", PATIENCE)
        self.slowest = max(self.slowest, self.source.last_acknowledged - before)

    async def _quiet(self) -> None:
        """Wait until it has told all that it has to tell."""
        told = -1
        while told != len(self.source.told):
            told = len(self.source.told)
            await asyncio.sleep(0.7)

    def _compare(self, gateway: Running) -> list[str]:
        journal, state = gateway.journal(), gateway.state()
        readings = read_all(journal)
        alerts = [one.event for one in state.read(0, 10**6)[0]]
        standing = {one.id: one for one in state.open_alerts()}
        versions = state.rule_versions()
        journal.close()
        state.close()
        stored = Counter(Sent(one.device.id, one.identity) for one in readings)
        wrong = [f"lost {one}" for one in self.source.acknowledged if one not in stored]
        wrong += [f"stored {count} times: {one}" for one, count in stored.items() if count > 1]
        if sum(stored.values()) != self.source.sent:
            wrong.append(f"{self.source.sent} were sent, {sum(stored.values())} are stored")
        wrong += _out_of_order(readings)
        rules = [msgspec.json.decode(one.settings) for one in versions]
        wrong += _wrong_alerts(readings, rules, alerts)
        wrong += self._wrongly_told(standing)
        return wrong

    def _wrongly_told(self, standing: dict[str, Alert]) -> list[str]:
        """What is retained is what stands, no more and no less."""
        told = {
            topic.rpartition("/")[2] for topic, payload in self.source.alerts.items() if payload
        }
        return [f"told otherwise: {one}" for one in told ^ standing.keys()]


def _out_of_order(readings: list[Reading]) -> list[str]:
    last: dict[str, int] = {}
    wrong = []
    for one in readings:
        if one.identity < last.get(one.device.id, -1):
            wrong.append(f"out of order: {one.device.id} {one.identity}")
        last[one.device.id] = one.identity
    return wrong


def _wrong_alerts(readings: list[Reading], rules: list[object], events: list[Event]) -> list[str]:
    known: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)
    versions = current(tuple(known.validate_python(one) for one in rules))
    judged = Engine(versions, always(12 * MINUTE)).judge(sorted(readings, key=order))
    expected = Counter(f"{one.id} firing" for one in judged)
    expected.update(f"{one.id} {one.ended_how}" for one in judged if one.ended_how)
    found = Counter(f"{one.alert.id} {one.kind}" for one in events)
    return [f"alerts: {count} too few: {one}" for one, count in (expected - found).items()] + [
        f"alerts: {count} too many: {one}" for one, count in (found - expected).items()
    ]


@WAYS
async def test_nothing_acknowledged_is_lost_when_the_gateway_is_killed(
    tmp_path: Path, seeds: Seeds, ways: str, *, long_run: bool
) -> None:
    drive = Drive(tmp_path, seeds(1, 1)[0], ways)
    wrong = await drive.run(100 if long_run else 5)
    print(  # noqa: T201 - the report
        f"{len(drive.source.acknowledged)} acknowledged, slowest restart {drive.slowest:.2f} s"
    )
    assert wrong == []
    assert len(drive.source.told) > 10, "there was something to tell"
    assert drive.slowest < SERVING_WITHIN


@WAYS
async def test_a_build_that_acknowledges_before_its_commit_is_caught(
    tmp_path: Path, seeds: Seeds, ways: str
) -> None:
    # Much waits for its commit, so that no kill can hit a moment in which nothing does.
    drive = Drive(tmp_path, seeds(1, 1)[0], ways, "--acknowledge-early", interval="200 ms")
    wrong = await drive.run(3)
    lost = [one for one in wrong if one.startswith("lost")]
    print(f"{len(lost)} of {len(drive.source.acknowledged)} acknowledged were lost")  # noqa: T201 - the report
    assert lost


async def test_a_build_that_forgets_which_messages_it_holds_is_caught(
    tmp_path: Path, seeds: Seeds
) -> None:
    drive = Drive(tmp_path, seeds(1, 1)[0], LISTENING, "--forget-held")
    wrong = await drive.run(2)
    twice = [one for one in wrong if one.startswith("stored")]
    print(f"{len(twice)} of {drive.source.sent} were stored twice")  # noqa: T201 - the report
    assert twice
