"""The devices: `python -m scripts.benchmarks.measures.publisher PORT ORDER` sends a load.

It is a process of its own, so that what it spends is not counted for what it measures. It makes
its packets, connects, says `ready`, waits for a line, sends, and says what came of it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from types import TracebackType
from typing import Self

import msgspec

from scripts.benchmarks.measures.bench import ROOT
from simulators.fleet import Fleet, Sent
from simulators.load import messages, split

MINUTE = 60_000
"""Milliseconds between two readings of a device, where no pace is wanted."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. `rate` is in messages a second, None for as fast as it is taken."""

    count: int
    devices: int
    connections: int
    window: int
    rate: float | None = None


class Publisher:
    """A publisher process that is connected and ready."""

    def __init__(self, port: int, order: Order) -> None:
        program = "scripts.benchmarks.measures.publisher"
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", program, str(port), msgspec.json.encode(order).decode()],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._hear()

    def go(self) -> Sent:
        """Let it send; return once all is acknowledged."""
        if self._process.stdin is None:
            raise RuntimeError("the publisher was started without a pipe")
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._hear(), type=Sent)

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
        self._process.communicate()

    def _hear(self) -> bytes:
        if self._process.stdout is None:
            raise RuntimeError("the publisher was started without a pipe")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the publisher ended early; it says above why")
        return line


def main(port: int, order: Order) -> None:
    """Be the publisher."""
    now = time.time_ns() // 1_000_000
    if order.rate is None:
        step = MINUTE / order.devices
        start = int(now - order.count * step)
    else:
        start, step = now, 1000 / order.rate
    load = split(messages(order.count, order.devices, start, step), order.connections)
    with Fleet(port, load, window=order.window) as fleet:
        print("ready", flush=True)
        sys.stdin.readline()
        sent = fleet.send(order.rate)
    print(msgspec.json.encode(sent).decode(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Order))
