"""Row 11: messages come twice, in another order, from clocks a year off, with crashes between.

Each reading is stored once, and the verdicts are those that an offline judge gives over all of
them in order. (Verdicts about absence rest on when we heard, and are no part of this.)
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from devices.envelopes import envelopes
from devices.envelopes.mapping import Mapping
from gateway.ingest import Ingest
from gateway.monitor import Monitor
from gateway.mqtt.packets import Publish
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.revision import WITHDRAWN
from rules.subject import order
from tests.faults.conftest import Seeds
from tests.faults.test_power_cut import read_all
from tests.gateway.parts import Line, publish
from tests.gateway.site import Site

YEAR = 365 * 24 * 3600 * 1000
CLOCKS = {
    "d-right": 0,
    "d-ahead": YEAR,
    "d-behind": -YEAR,
    "d-1970": -(10**15),
    "d-no-clock": None,
}
"""How far each device's clock is off, ms; None: it has none."""
BLIND = Mapping(topic="blind/{device}", time="", sequence="")
LENGTH = 120
INTERVAL = 5 * MINUTE


class Said(NamedTuple):
    """What a device says: when it truly measured (ms), and its number there."""

    device: str
    true: int
    number: int
    value: float


class Disorder:
    """One run of a seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a fault must come again
        self.site = Site(folder)
        self.line = Line()
        self.packet_id = 0
        self.sent: list[Said] = []

    async def run(self) -> list[str]:
        await self.site.start()
        self._connect()
        for burst in self._bursts():
            await self._deliver(burst)
            await self._something_happens()
        await self.site.settle()
        self._disconnect()
        wrong = self._compare()
        self.site.close()
        return wrong

    def _connect(self) -> None:
        self.ingest = Ingest(
            self.site.journal,
            envelopes([BLIND]),
            self.site.clock,
            admit=lambda _source, _device, **_: None,
            interval=0.001,
        )
        self.task = asyncio.create_task(self.ingest.run())

    def _disconnect(self) -> None:
        self.task.cancel()

    def _bursts(self) -> list[list[Said]]:
        """All readings, displaced by up to a day or so, in bursts."""
        begin = self.site.clock.now()
        said = []
        for device in CLOCKS:
            value = 5.0
            for number in range(LENGTH):
                if self.random.random() < 0.15:
                    value = self.random.choice((4.0, 8.0, 9.0, 12.0))
                said.append(Said(device, begin + number * INTERVAL, number, value))
        far = self.random.choice((2, 20, 200))
        said.sort(key=lambda one: one.true + self.random.random() * far * INTERVAL)
        bursts = []
        while said:
            count = self.random.randrange(1, 60)
            bursts.append(said[:count])
            del said[:count]
        return bursts

    async def _deliver(self, burst: list[Said]) -> None:
        # The newest of a burst was measured just now, or the clock would go back.
        ahead = max(one.true for one in burst) - self.site.clock.now()
        self.site.clock.passes(max(0, ahead) + 1000)
        self.sent += burst
        messages = [self._message(one) for one in burst]
        self.ingest.receive(self.line, messages)
        if self.random.random() < 0.4:
            # The connection broke before the acknowledgements came: the same again.
            self.line.generation += 1
            self.site.clock.passes(3000)
            self.ingest.receive(self.line, [_again(one) for one in messages])
        if self.random.random() < 0.3:
            # Somebody sends again what was sent long ago, as if it were new.
            old = [one for one in self.sent if CLOCKS[one.device] is not None]
            some = self.random.sample(old, min(len(old), 10))
            self.ingest.receive(self.line, [self._message(one) for one in some])
        await self.ingest.store([])
        await self.site.catch_up()

    def _message(self, said: Said) -> Publish:
        self.packet_id = self.packet_id % 60_000 + 1
        off = CLOCKS[said.device]
        # A value of its own, since without clock and number nothing else tells readings apart.
        told: dict[str, object] = {"temperature": said.value + said.number / 1e6}
        if off is None:
            return publish(json.dumps(told), self.packet_id, topic=f"blind/{said.device}")
        told["time"] = max(0, said.true + off)
        told["seq"] = said.number
        topic = f"cargo/site/{said.device}/readings"
        return publish(json.dumps(told), self.packet_id, topic=topic)

    async def _something_happens(self) -> None:
        what = self.random.choice(["", "", "", "crash", "checkpoint", "settle", "archive", "pass"])
        if what == "crash":
            self._disconnect()
            await self.site.crash()
            self._connect()
        elif what == "checkpoint":
            await self.site.monitor.checkpoint()
        elif what == "settle":
            await self.site.settle()
        elif what == "archive":
            await self.site.archive()
        elif what == "pass":
            await self.site.passes(0.1)

    def _compare(self) -> list[str]:
        readings = read_all(self.site.journal)
        sent = Counter(one.device for one in self.sent)
        stored = Counter(one.device.id for one in readings)
        wrong = [f"{one}: {sent[one]} sent, {stored[one]} stored" for one in sent - stored]
        wrong += [f"{one}: {sent[one]} sent, {stored[one]} stored" for one in stored - sent]
        judged = Engine(self.site.versions, always(12 * MINUTE)).judge(sorted(readings, key=order))
        expected = Counter((one.device.id, one.begin, one.fired_at, one.ended_at) for one in judged)
        found = Counter(
            (one.device.id, one.began, one.fired, one.ended)
            for device in self.site.journal.devices()
            for one in self.site.alerts(device)
            if one.reason != WITHDRAWN
        )
        wrong += [f"an alert is missing: {one}" for one in expected - found]
        wrong += [f"an alert is too many: {one}" for one in found - expected]
        return wrong


def _again(message: Publish) -> Publish:
    return Publish(message.topic, message.payload, message.packet_id, 1, message.retain, dup=True)


async def disorder(folder: Path, seeds: list[int]) -> dict[int, list[str]]:
    """What is wrong, by seed."""
    found = {}
    for seed in seeds:
        own = folder / str(seed)
        own.mkdir()
        wrong = await Disorder(own, seed).run()
        if wrong:
            found[seed] = wrong
    return found


async def test_each_reading_is_stored_once_and_judged_as_in_order(
    tmp_path: Path, seeds: Seeds
) -> None:
    assert await disorder(tmp_path, seeds(10, 200)) == {}


async def test_a_build_that_does_not_judge_late_data_again_is_caught(
    tmp_path: Path, seeds: Seeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget(*_: object) -> None:
        pass

    monkeypatch.setattr(Monitor, "_judge_again", forget)
    found = await disorder(tmp_path, seeds(5, 5))
    assert any("alert" in one for wrong in found.values() for one in wrong)


async def test_a_build_that_does_not_know_redeliveries_is_caught(
    tmp_path: Path, seeds: Seeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ingest, "_repeated", lambda *_args, **_options: False)
    found = await disorder(tmp_path, seeds(5, 5))
    assert any("stored" in one for wrong in found.values() for one in wrong)
