"""The gateway as a process of its own, so that what the kernel counts for it is its alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from gateway.listener.authority import Issued
from scripts.benchmarks.measures.bench import ROOT

PATIENCE = 600.0
"""Seconds that the gateway may take to leave once it is told to, or to copy everything."""

_SETTINGS = """
[gateway]
box = "bench"
data = "{data}"

{source}
{rules}
"""
_THREE = """
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
_BROKER = """
[[brokers]]
name = "site"
host = "127.0.0.1"
port = {port}
version = "5"
"""
_LISTENER = """
[[listeners]]
host = "127.0.0.1"
port = {port}
anonymous = true
{tls}

[clients]
rate = 1_000_000
"""
"""The rate is lifted: it would hold each connection to 2,000 messages a second."""
_TLS = 'tls = {{ certificate = "{certificate}", key = "{key}" }}'
_INFLUXDB = """
[[influxdb]]
url = "{url}"
database = "{database}"
"""
TOPIC = "cargo/+/+/readings"
"""What it subscribes to by default."""


def by_broker(port: int) -> str:
    """Return the source of a gateway that joins the broker on a port of this machine."""
    return _BROKER.format(port=port)


def by_listener(port: int, tls: Issued | None = None) -> str:
    """Return the source of a gateway that listens on a port itself, with a certificate by TLS."""
    shown = "" if tls is None else _TLS.format(certificate=tls.certificate, key=tls.key)
    return _LISTENER.format(port=port, tls=shown)


def by_influxdb(url: str, database: str) -> str:
    """Return what makes a gateway copy to an InfluxDB; it is added to its source."""
    return _INFLUXDB.format(url=url, database=database)


def settings(data: Path, source: str, rules: str = _THREE) -> str:
    """Return the settings of a gateway with three rules per device, or with other rules."""
    return _SETTINGS.format(data=data, source=source, rules=rules)


class Done(msgspec.Struct, frozen=True):
    """What the gateway reports once the wanted readings are committed, judged and in history.

    `seconds` from connecting to the commit and acknowledgement of the last, `settled` until all
    are judged and in the history; `cpu` in seconds, user and system, until then; `commits` of
    the journal; `waiting` is how many of them an InfluxDB had yet to get at `seconds`.
    """

    seconds: float
    settled: float
    cpu: float
    commits: int
    stored: int
    quarantined: int
    waiting: int


class GatewayProcess:
    """A gateway over `folder` with three rules per device, that awaits `count` readings."""

    def __init__(self, folder: Path, source: str, count: int, rules: str = _THREE) -> None:
        """Start it; it opens its files and waits for `join`.

        `source`: where the readings come from, `by_broker(port)` or `by_listener(port)`; `rules`:
        others than the three, as TOML.
        """
        file = folder / "holdwatch.toml"
        file.write_text(settings(folder / "data", source, rules), encoding="utf-8")
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
        """Let it run; returns once its broker, if there is one, knows its session."""
        self._say("join")
        self._hear()

    def done(self) -> Done:
        """Wait until it has its readings: committed, judged and in the history."""
        return msgspec.json.decode(self._hear(), type=Done)

    def drain(self) -> Done:
        """Join, and wait until it has its readings."""
        self.join()
        return self.done()

    def copied(self) -> float:
        """Wait, after `done`, until the InfluxDB has its readings too.

        Return the seconds from connecting until then.
        """
        self._say("copied")
        return msgspec.json.decode(self._hear(), type=float)

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
