"""The gateway as a process of its own, so that what the kernel counts for it is its alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from scripts.benchmarks.measures.bench import ROOT

PATIENCE = 600.0
"""Seconds that the gateway may take to leave once it is told to."""

_SETTINGS = """
[gateway]
box = "bench"
data = "{data}"

[[brokers]]
name = "site"
host = "127.0.0.1"
port = {port}
version = "5"

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "60 min"

[[rules]]
name = "too-cold"
kind = "threshold"
channel = "temperature"
below = 2.0
for = "60 min"

[[rules]]
name = "gone"
kind = "lost_contact"
after = "2 h"
"""
TOPIC = "cargo/+/+/readings"
"""What it subscribes to by default."""


def settings(data: Path, port: int) -> str:
    """Return the settings of a gateway with three rules per device."""
    return _SETTINGS.format(data=data, port=port)


class Done(msgspec.Struct, frozen=True):
    """What the gateway reports once the wanted readings are committed, judged and in history.

    `seconds` from connecting to the commit and acknowledgement of the last, `settled` until all
    are judged and in the history; `cpu` in seconds, user and system, until then; `commits` of
    the journal.
    """

    seconds: float
    settled: float
    cpu: float
    commits: int
    stored: int
    quarantined: int


class GatewayProcess:
    """A gateway over `folder`, joined to the broker on `port`, that awaits `count` readings."""

    def __init__(self, folder: Path, port: int, count: int) -> None:
        """Start it; it opens its files and waits for `join`."""
        file = folder / "holdwatch.toml"
        file.write_text(settings(folder / "data", port), encoding="utf-8")
        self._log = folder / "gateway.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "scripts.benchmarks.measures.child", file, str(count)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._hear()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def join(self) -> None:
        """Let it join the broker; returns once the broker knows its session."""
        self._say("join")
        self._hear()

    def done(self) -> Done:
        """Wait until it has its readings: committed, judged and in the history."""
        return msgspec.json.decode(self._hear(), type=Done)

    def drain(self) -> Done:
        """Join, and wait until it has its readings."""
        self.join()
        return self.done()

    def leave(self) -> None:
        """Let it stop and close its files. The process stays, so that it can be looked at."""
        self._say("leave")
        self._hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate(timeout=PATIENCE)

    def _say(self, word: str) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the gateway was started without a pipe")
        self._process.stdin.write(word.encode() + b"\n")
        self._process.stdin.flush()

    def _hear(self) -> bytes:
        if self._process.stdout is None:
            raise RuntimeError("the gateway was started without a pipe")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the gateway ended early: {self._log.read_text(encoding='utf-8')}")
        return line
