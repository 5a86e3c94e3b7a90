"""A gateway that copies to an InfluxDB, and whether all of it is there, point by point.

What must be there is written down here once more, from docs/influxdb.md, and not asked of the
gateway's own code.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from math import isfinite
from pathlib import Path
from typing import Any, Self

import msgspec

from devices.reading import DeviceKey, Reading, layout, reading
from gateway.history import History
from gateway.journal import Journal
from gateway.state import State
from tests.broker import free_port
from tests.faults.running import LISTENING, PATIENCE, Running, until
from tests.faults.sensors import Kind, Sensors
from tests.influxdb import RunningInflux

DATABASE = "cargo"
NAME = "influxdb:office"
ALERTS = "influxdb:office:alerts"
COPYING = (
    LISTENING
    + """
[[devices]]
match = "*"
site = "Hamburg, 2"
model = "T=1"

[[influxdb]]
name = "office"
url = "{url}"
database = "{database}"
backlog = "{backlog}"
"""
)
TAGS = {"site": "Hamburg, 2", "model": "T=1"}
KINDS = (Kind(1, 4), Kind(1, 5), Kind(2, 4))
PAGE = 20_000
DAY = 86_400_000
SETTLED_WITHIN = 4 * PATIENCE

Fields = tuple[tuple[str, Any], ...]
Point = tuple[int, Fields]
"""Time (ns), and what was written there."""


def fill(data: Path, rows: int, *, devices: int, archived: bool) -> None:
    """Put readings of three days into the journal, and into the history if they are `archived`.

    As of a gateway that took them in while the server was away.
    """
    data.mkdir(parents=True, exist_ok=True)
    began = time.time_ns() // 1_000_000 - 3 * DAY
    shape = layout(("humidity", "temperature"))
    keys = [DeviceKey("", f"d-past-{number}") for number in range(devices)]
    journal, history = Journal(data / "journal.db"), History(data / "history.db")
    with closing(journal), closing(history):
        for first in range(0, rows, PAGE):
            page = [
                reading(
                    device=keys[i % devices],
                    at=began + i * 3 * DAY // rows,
                    received=began + i * 3 * DAY // rows + 500,
                    layout=shape,
                    values=(50.0, 9.0 if i // devices % 60 < 3 else 4.0 + i % 7 / 10),
                    sequence=i // devices,
                    source="listener",
                )
                for i in range(first, min(first + PAGE, rows))
            ]
            journal.append(page)
            journal.commit()
            journal.publish()
            if archived:
                history.gather(page)
                history.stage_gathered(journal.head)
                history.commit()


class Copying:
    """One gateway with sensors of its own. `url`: where it copies to, if not to the server."""

    def __init__(
        self,
        folder: Path,
        server: RunningInflux,
        *faults: str,
        rate: float = 600,
        devices: int = 12,
        backlog: str = "1 GB",
        url: str = "",
    ) -> None:
        self.server = server
        ways = COPYING.replace("{url}", url or server.url).replace("{database}", DATABASE)
        port = free_port()
        self.gateway = Running(
            folder, port, "--hurried", *faults, ways=ways.replace("{backlog}", backlog)
        )
        self.sensors = Sensors(port, rate, devices, kinds=KINDS)
        self._refused = 0
        """How often the log said that nobody listens there, when that was last looked at."""

    async def __aenter__(self) -> Self:
        self.gateway.start()
        await self.sensors.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gateway.kill()
        await self.sensors.stop()

    async def restart(self) -> None:
        """kill -9, and again."""
        self.gateway.kill()
        self.gateway.start()
        await self.takes()

    async def takes(self) -> None:
        """Wait until it acknowledges."""
        before = time.monotonic()
        end = before + PATIENCE
        while self.sensors.last_acknowledged <= before:
            assert self.gateway.alive, self.gateway.log.read_text()[-4000:]
            assert time.monotonic() < end, "it acknowledges nothing"
            await asyncio.sleep(0.02)

    @contextmanager
    def looking(self) -> Iterator[tuple[Journal, State]]:
        """Open its files to look at them, while it runs."""
        journal = Journal(self.gateway.data / "journal.db", looking=True)
        with (
            closing(journal),
            closing(State(self.gateway.data / "state.db", looking=True)) as state,
        ):
            yield journal, state

    def waiting(self) -> int:
        """How many readings and events it has yet to copy, as far as it has written down."""
        with self.looking() as (journal, state):
            missed = sum(journal.head for _ in state.missed(NAME))
            events = state.head - state.cursor(ALERTS)
            return journal.head - state.cursor(NAME) + missed + events

    async def misses_it(self) -> None:
        """Wait until the gateway has found the server gone, which was killed just before."""

        def refused() -> int:
            return self.gateway.log.read_text().count("Connection refused")

        await until(lambda: refused() > self._refused, "it is missed", PATIENCE)
        self._refused = refused()

    async def drained(self) -> None:
        """Wait until everything is copied, while more may come in: but for the newest seconds."""
        end = time.monotonic() + SETTLED_WITHIN
        most = 2 * len(KINDS) * self.sensors.rate
        # Looked at aside and seldom: the sensors, whose waiting is measured, share this loop.
        while (left := await asyncio.to_thread(self.waiting)) > most:
            assert self.gateway.alive, self.gateway.log.read_text()[-4000:]
            assert time.monotonic() < end, f"still {left} wait"
            await asyncio.sleep(0.2)

    async def settled(self, grace: float = 5.0) -> list[str]:
        """Let the sensors be silent and the gateway end its work; return what is wrong then.

        `grace`: seconds for what the rules find to tell when it is quiet.
        """
        end = time.monotonic() + SETTLED_WITHIN
        self.sensors.sending = False
        while self.sensors.unacknowledged or self.waiting():
            assert self.gateway.alive, self.gateway.log.read_text()[-4000:]
            if time.monotonic() > end:
                return [f"{self.sensors.unacknowledged} and {self.waiting()} still wait"]
            await asyncio.sleep(0.05)
        # The rules may yet find something to tell; it is there soon.
        while wrong := self.compare():
            if time.monotonic() > self.sensors.last_acknowledged + grace:
                break
            await asyncio.sleep(0.2)
        return wrong

    # -- point by point

    def compare(self) -> list[str]:
        """Return what is not there, or is there and should not be."""
        with self.looking() as (journal, state):
            letters = [msgspec.json.decode(one.body) for one in state.letters(NAME, 0, 10**6)]
            aside = {(one["device"], one["at"], one["identity"]) for one in letters}
            wrong = [] if len(aside) == len(letters) else ["a reading lies aside twice"]
            known: set[tuple[str, int]] = set()
            for device in journal.devices():
                readings = journal.read_device(device, 0, journal.head)
                known.update((device.id, one.identity) for one in readings)
                wrong += self._compare_device(
                    device,
                    [one for one in readings if (device.id, one.at, one.identity) not in aside],
                )
            lost = [one for one in self.sensors.acknowledged if one not in known]
            wrong += [f"acknowledged, and not in the journal: {one}" for one in lost]
            strangers = self._devices() - {str(one) for one in journal.devices()}
            wrong += [f"{one} was never heard" for one in strangers]
            return wrong + self._compare_events(state)

    def _compare_device(self, device: DeviceKey, readings: list[Reading]) -> list[str]:
        query = f"SELECT * FROM readings WHERE device = '{device}' GROUP BY *"  # noqa: S608 - our own device
        series = self.server.query(DATABASE, query)
        wrong = [
            f"tags of {device}: {one['tags']}"
            for one in series
            if one["tags"] != {"device": str(device), **TAGS}
        ]
        there = Counter(_points(series))
        wanted = Counter(_point(one) for one in readings)
        wrong += [f"lost: {device} {point}" for point in wanted - there]
        return wrong + [f"twice or never sent: {device} {point}" for point in there - wanted]

    def _devices(self) -> set[str]:
        told = self.server.rows(DATABASE, "SHOW TAG VALUES FROM readings WITH KEY = device")
        return {one["value"] for one in told}

    def _compare_events(self, state: State) -> list[str]:
        there = Counter(
            (one["time"], one["id"], one["event"])
            for one in self.server.rows(DATABASE, 'SELECT "id", "event" FROM alerts')
        )
        events = [one.event for one in state.read(0, 10**6)[0]]
        wanted = Counter((_event_time(one.key, one.at), one.alert.id, one.kind) for one in events)
        return [f"event lost: {one}" for one in wanted - there] + [
            f"event twice or never told: {one}" for one in there - wanted
        ]


def _event_time(key: str, at: int) -> int:
    digest = hashlib.sha256(key.encode()).digest()
    return at * 1_000_000 + int.from_bytes(digest[:8], "big") % 1_000_000


def _point(one: Reading) -> Point:
    fields = [
        (channel, value)
        for i, (channel, value) in enumerate(zip(one.layout.channels, one.values, strict=True))
        if isfinite(value) and not one.flags >> (16 + i) & 1
    ]
    return _reading_time(one), tuple(sorted(fields))


def _reading_time(one: Reading) -> int:
    if not one.flags & 6:  # its clock is right
        return one.at * 1_000_000 + one.identity % 1_000_000
    digest = hashlib.blake2b(struct.pack(">qq", one.identity, one.at), digest_size=8).digest()
    return one.received * 1_000_000 + int.from_bytes(digest, "big") % 1_000_000_000


def _points(series: list[dict[str, Any]]) -> Iterator[Point]:
    for one in series:
        names = one["columns"][1:]
        for when, *values in one["values"]:
            told = zip(names, values, strict=True)
            yield when, tuple(sorted((name, value) for name, value in told if value is not None))


def p99(latencies: list[float]) -> float:
    """Return the 99th percentile in ms, 0 of nothing."""
    return 1000 * sorted(latencies)[int(0.99 * len(latencies))] if latencies else 0.0
