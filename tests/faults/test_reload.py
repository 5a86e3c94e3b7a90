"""Settings that are loaded anew while sensors send: nothing is lost, and nothing judged twice.

The sensors are Mosquitto's own clients. What the rules tell must be what they tell where nothing
was ever loaded anew.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.broker import free_port
from tests.faults.running import LISTENING, Running

DEVICES = 8
"""Each with a client of its own."""
READINGS = 600
"""Of each device, one for each second of its clock."""
PHASE = 30
"""Readings for which a device is warm, and then cold."""
RELOADS = 20
OTHERS = """
[[devices]]
match = "d-*"
name = "Number {number}"

[[mappings]]
topic = "other/{number}/{{device}}"

[[rules]]
name = "humid-{number}"
kind = "threshold"
channel = "humidity"
above = 80.0

[clients]
session_keep = "{number} days"
"""


def lines(began: int) -> list[bytes]:
    """What a device says, in order of time."""
    return [
        b'{"time": %d, "temperature": %.1f}\n'
        % (began + 1000 * number, 9.5 if number // PHASE % 2 else 4.0)
        for number in range(READINGS)
    ]


class Senders:
    """Mosquitto's clients, each with a connection that stays."""

    def __init__(self, port: int, began: int) -> None:
        self._port = port
        self._left = [lines(began) for _ in range(DEVICES)]
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        for number in range(DEVICES):
            options = ["-p", str(self._port), "-q", "1", "-t", f"cargo/x/d-{number}/readings"]
            self._processes.append(
                await asyncio.create_subprocess_exec(
                    "mosquitto_pub", *options, "-l", stdin=asyncio.subprocess.PIPE
                )
            )

    async def send(self, share: int) -> None:
        """Send the next of so many shares."""
        for process, left in zip(self._processes, self._left, strict=True):
            count = READINGS // share
            part, left[:count] = left[:count], []
            assert process.stdin is not None
            process.stdin.writelines(part)
            await process.stdin.drain()

    async def finish(self) -> None:
        """Wait until each has its acknowledgement for all it sent."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        async with asyncio.timeout(60):
            assert [await one.wait() for one in self._processes] == [0] * DEVICES


@asynccontextmanager
async def gateway(folder: Path, *faults: str) -> AsyncIterator[Running]:
    made = Running(folder, free_port(), *faults, ways=LISTENING)
    made.start()
    try:
        await made.listens()
        yield made
    finally:
        made.kill()


async def told(folder: Path, began: int, *faults: str, reloads: int) -> tuple[Counter[str], int]:
    """Let the sensors send to a gateway; return what its rules told, and how much it stored."""
    async with gateway(folder, *faults) as running:
        senders = Senders(running.port, began)
        await senders.start()
        settings = (folder / "holdwatch.toml").read_text()
        for number in range(1, RELOADS + 1):
            await senders.send(RELOADS)
            if number <= reloads:
                await reloaded(running, folder, settings, number)
        await senders.finish()
        await running.becomes(lambda one: one["waiting"]["monitor"] == 0, "all is judged")
        running.stop()
        state, journal = running.state(), running.journal()
        events = Counter(
            f"{one.event.key} {one.event.alert.began} {one.event.alert.fired}"
            for one in state.read(0, 1 << 40)[0]
            if one.event.alert.kind == "threshold"
        )
        ((stored,),) = journal.rows("SELECT count(*) FROM reading")
        assert not journal.quarantine.counts()
        state.close()
        journal.close()
        return events, stored


async def reloaded(running: Running, folder: Path, settings: str, number: int) -> None:
    """Write other settings; each fifth has a mistake, and each third comes as a signal."""
    wrong = number % 5 == 0
    other = "colour = 1\n" if wrong else ""
    (folder / "holdwatch.toml").write_text(other + settings + OTHERS.format(number=number))
    if not wrong and number % 3:
        answer = await running.ask({"do": "reload"})
        assert f"[[rules]] humid-{number}: added" in answer["changed"], answer
        assert answer["waits"] == []
        return
    before = (await running.status())["settings"]["loaded"]
    running.send_signal(signal.SIGHUP)
    await running.becomes(
        lambda one: one["settings"]["problem" if wrong else "loaded"] not in {None, before},
        "the signal is obeyed",
    )


@pytest.mark.parametrize("faults", [(), ("--forget-at-reload",)], ids=["intact", "forgets"])
async def test_reloads_under_load_change_nothing_but_what_they_say(
    tmp_path: Path, faults: tuple[str, ...]
) -> None:
    for name in ("reloaded", "plain"):
        (tmp_path / name).mkdir()
    began = time.time_ns() // 1_000_000 - 1000 * READINGS
    changed, stored = await told(tmp_path / "reloaded", began, *faults, reloads=RELOADS)
    plain, all_ = await told(tmp_path / "plain", began, reloads=0)
    assert stored == all_ == DEVICES * READINGS
    assert set(plain.values()) == {1}
    assert len(plain) == DEVICES * (READINGS // PHASE - 1)
    assert (changed == plain) != bool(faults)
