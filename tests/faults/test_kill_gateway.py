"""Row 1: the gateway is killed at any moment, under 2,000 messages a second."""

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
from rules.rule import current
from rules.subject import order
from tests.faults.conftest import Seeds
from tests.faults.running import PATIENCE, Running, until
from tests.faults.standin import Sent, StandIn
from tests.faults.test_power_cut import read_all

RATE = 2000
DEVICES = 50
SERVING_WITHIN = 3.0
"""Seconds from the start of the process to the first acknowledgement."""


class Drive:
    """Kill a gateway again and again; then let it come to rest, and compare."""

    def __init__(self, folder: Path, seed: int, *faults: str) -> None:
        self.random = Random(seed)  # noqa: S311 - a fault must come again
        self.broker = StandIn(RATE, DEVICES)
        self.folder = folder
        self.faults = faults
        self.slowest = 0.0

    async def run(self, kills: int) -> list[str]:
        await self.broker.start()
        gateway = Running(self.folder, self.broker.port, *self.faults)
        try:
            await self._drive(gateway, kills)
        finally:
            gateway.kill()
            await self.broker.stop()
        return self._compare(gateway)

    async def _drive(self, gateway: Running, kills: int) -> None:
        for _ in range(kills):
            await self._serve(gateway)
            await asyncio.sleep(self.random.uniform(0.05, 0.6))
            gateway.kill()
        await self._serve(gateway)
        self.broker.sending = False
        await until(lambda: not self.broker.unacknowledged, "everything is acknowledged")
        await self._quiet()
        gateway.stop()

    async def _serve(self, gateway: Running) -> None:
        """Start it, and wait for its first acknowledgement."""
        before = time.monotonic()
        gateway.start()
        await until(lambda: self.broker.last_acknowledged > before, "it serves", PATIENCE)
        self.slowest = max(self.slowest, self.broker.last_acknowledged - before)

    async def _quiet(self) -> None:
        """Wait until it has told the broker all that it has to tell."""
        told = -1
        while told != len(self.broker.told):
            told = len(self.broker.told)
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
        wrong = [f"lost {one}" for one in self.broker.acknowledged if one not in stored]
        wrong += [f"stored {count} times: {one}" for one, count in stored.items() if count > 1]
        if sum(stored.values()) != self.broker.sent:
            wrong.append(f"{self.broker.sent} were sent, {sum(stored.values())} are stored")
        wrong += _out_of_order(readings)
        rules = [msgspec.json.decode(one.settings) for one in versions]
        wrong += _wrong_alerts(readings, rules, alerts)
        wrong += self._wrongly_told(standing)
        return wrong

    def _wrongly_told(self, standing: dict[str, Alert]) -> list[str]:
        """What is retained on the broker is what stands, no more and no less."""
        told = {
            topic.rpartition("/")[2] for topic, payload in self.broker.alerts.items() if payload
        }
        return [f"told otherwise on the broker: {one}" for one in told ^ standing.keys()]


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
    judged = Engine(versions, lambda _: 12 * MINUTE).judge(sorted(readings, key=order))
    expected = Counter(f"{one.id} firing" for one in judged)
    expected.update(f"{one.id} {one.ended_how}" for one in judged if one.ended_how)
    found = Counter(f"{one.alert.id} {one.kind}" for one in events)
    return [f"alerts: {count} too few: {one}" for one, count in (expected - found).items()] + [
        f"alerts: {count} too many: {one}" for one, count in (found - expected).items()
    ]


async def test_nothing_acknowledged_is_lost_when_the_gateway_is_killed(
    tmp_path: Path, seeds: Seeds, *, long_run: bool
) -> None:
    drive = Drive(tmp_path, seeds(1, 1)[0])
    wrong = await drive.run(100 if long_run else 5)
    print(  # noqa: T201 - the report
        f"{len(drive.broker.acknowledged)} acknowledged, slowest restart {drive.slowest:.2f} s"
    )
    assert wrong == []
    assert len(drive.broker.told) > 10, "there was something to tell"
    assert drive.slowest < SERVING_WITHIN


async def test_a_build_that_acknowledges_before_its_commit_is_caught(
    tmp_path: Path, seeds: Seeds
) -> None:
    drive = Drive(tmp_path, seeds(1, 1)[0], "--acknowledge-early")
    wrong = await drive.run(3)
    lost = [one for one in wrong if one.startswith("lost")]
    print(f"{len(lost)} of {len(drive.broker.acknowledged)} acknowledged were lost")  # noqa: T201 - the report
    assert lost
