"""The process under test: `python -m scripts.benchmarks.measures.child SETTINGS COUNT`.

It runs the gateway as `holdwatch run` does, and takes one word a line: join, leave. It answers
with one line each; after `join` comes another once COUNT readings are everywhere.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec
import structlog

from gateway.app import Gateway
from gateway.journal import Journal
from gateway.machine import tune
from gateway.settings import load
from scripts.benchmarks.measures.under_test import Done

LOOK = 0.01
"""Seconds between looks at what has no bell to wait for."""
QUIET = 0.5
"""Seconds in which a store of the history surely ends."""


async def _heard(word: str) -> None:
    line = await asyncio.to_thread(sys.stdin.readline)
    if line.strip() != word:
        sys.exit(f"wanted {word!r}, got {line!r}")


def _say(answer: bytes) -> None:
    sys.stdout.buffer.write(answer + b"\n")
    sys.stdout.buffer.flush()


async def _drained(gateway: Gateway, count: int, began: float, cpu: float) -> Done:
    """Wait until `count` readings are committed, judged and in the history."""
    commits = 0
    prune = gateway.ingest.before_commit

    def counted(journal: Journal) -> None:
        nonlocal commits
        commits += 1
        prune(journal)

    gateway.ingest.before_commit = counted
    while gateway.journal.head < count:
        await gateway.ingest.bell.wait()
    ended = time.perf_counter()
    while min(gateway.monitor.cursor, gateway.archivist.cursor) < gateway.journal.head:  # noqa: ASYNC110 - followers ring no bell
        await asyncio.sleep(LOOK)
    # The cursor moves when the history begins to store; when that has ended nobody tells.
    await asyncio.sleep(QUIET)
    await gateway.archivist.store()
    return Done(
        seconds=ended - began,
        settled=time.perf_counter() - QUIET - began,
        cpu=time.process_time() - cpu,
        commits=commits,
        stored=gateway.journal.head,
        quarantined=sum(gateway.journal.quarantine.counts().values()),
    )


async def _joined(gateway: Gateway) -> None:
    while any(one.session_present is None for one in gateway.subscribers):  # noqa: ASYNC110 - nor do subscribers
        await asyncio.sleep(LOOK)


async def main(file: Path, count: int) -> None:
    """Be the gateway under test."""
    tune()
    gateway = Gateway(load(file))
    await gateway.compose()
    _say(b"open")
    await _heard("join")
    began, cpu = time.perf_counter(), time.process_time()
    running = asyncio.create_task(gateway.run())
    drained = asyncio.create_task(_drained(gateway, count, began, cpu))
    await asyncio.wait(
        [running, asyncio.create_task(_joined(gateway))], return_when="FIRST_COMPLETED"
    )
    _say(b"joined")
    await asyncio.wait([running, drained], return_when="FIRST_COMPLETED")
    if running.done():
        running.result()
    _say(msgspec.json.encode(drained.result()))
    await _heard("leave")
    gateway.stop()
    await running
    gateway.close()
    _say(b"closed")
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
