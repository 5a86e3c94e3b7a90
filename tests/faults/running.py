"""A gateway in a process of its own, that can be asked, killed and started again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.control import NotRunningError, ask
from gateway.history import History
from gateway.journal import Journal
from gateway.state import State

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 30.0
"""Seconds that anything may take on a busy machine before a test gives up."""
SETTINGS = """\
[gateway]
box = "box"
data = "{data}"

{ways}
[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "10 s"
hold = "1 h"

[journal]
commit_interval = "{interval}"

[disk]
ballast = "4 MB"
minimum_free = "{minimum_free}"
"""

JOINED = """\
[[brokers]]
name = "main"
host = "127.0.0.1"
port = {port}
session_expiry = "1 h"
"""
"""It joins a broker there."""
LISTENING = """\
[[listeners]]
port = {port}
anonymous = true
"""
"""It listens there itself."""
WAYS = pytest.mark.parametrize(
    "ways", [pytest.param(JOINED, id="broker"), pytest.param(LISTENING, id="listener")]
)


class Running:
    """`ways` are the settings of how readings come in, with {port} for the port.

    `faults` are options of gateway_process. Files that tests look at are in `data`.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        *faults: str,
        ways: str = JOINED,
        data: Path | None = None,
        interval: str = "20 ms",
        minimum_free: str = "8 MB",
        around: tuple[str, ...] = (),
    ) -> None:
        self.port = port
        self.data = data or folder / "data"
        self.log = folder / "gateway.log"
        self.faults = faults
        self._around = around
        self._settings = folder / "holdwatch.toml"
        self._settings.write_text(
            SETTINGS.format(
                data=self.data,
                ways=ways.format(port=port),
                interval=interval,
                minimum_free=minimum_free,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [*self._around, sys.executable, "-m", "tests.faults.gateway_process"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self.faults, "run", "-c", str(self._settings)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it end in good order."""
        code = self._end(signal.SIGTERM)
        assert code == 0, self.log.read_text()[-4000:]

    def send_signal(self, which: signal.Signals) -> None:
        """Send it a signal that does not end it."""
        assert self._process is not None
        self._process.send_signal(which)

    def signal_inside(self) -> None:
        """Ask the gateway to end that another program runs for us."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        return process.wait(PATIENCE)

    async def status(self) -> dict[str, Any]:
        """Ask it how it stands; wait until it answers."""
        answer: dict[str, Any] = await self.ask({"do": "status"})
        return answer

    async def ask(self, request: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the command answers
        """Have it do a command; wait until it can."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    answer = await ask(self.data, request)
                except NotRunningError:
                    assert self.alive, self.log.read_text()[-4000:]
                    await asyncio.sleep(0.02)
                else:
                    return answer

    async def becomes(
        self, so: Callable[[dict[str, Any]], bool], what: str, within: float = PATIENCE
    ) -> dict[str, Any]:
        """Ask until its status is so; return it."""
        end = time.monotonic() + within
        while not so(status := await self.status()):
            assert time.monotonic() < end, f"not within {within} s: {what}: {status}"
            await asyncio.sleep(0.02)
        return status

    async def joins(self) -> dict[str, Any]:
        """Wait until it has joined its broker; return how."""
        status = await self.becomes(
            lambda one: one["brokers"].get("main", {}).get("state") == "connected", "it joins"
        )
        broker: dict[str, Any] = status["brokers"]["main"]
        return broker

    async def listens(self) -> None:
        """Wait until sensors can connect."""
        await self.becomes(
            lambda one: bool(one["listener"] and one["listener"]["since"]), "it listens"
        )

    def peak_memory(self) -> int:
        """Most bytes of memory that it ever had."""
        assert self._process is not None
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        match = re.search(r"VmHWM:\s*(\d+) kB", text)
        assert match is not None
        return int(match[1]) * 1024

    def journal(self) -> Journal:
        return Journal(self.data / "journal.db")

    def history(self) -> History:
        return History(self.data / "history.db")

    def state(self) -> State:
        return State(self.data / "state.db")


async def until(true: Callable[[], bool], what: str, within: float = PATIENCE) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(within):
            while not true():  # noqa: ASYNC110 - other processes give no sign
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {within} s: {what}") from None
