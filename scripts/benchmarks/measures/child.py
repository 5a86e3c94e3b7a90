"""The process under test: `python -m scripts.benchmarks.measures.child SETTINGS COUNT`.

It runs the gateway as `holdwatch run` does, and takes one word a line: join, leave, and between
them copied, where there is an InfluxDB. It answers with one line each; after `join` comes another
once COUNT readings are everywhere in the gateway, and `copied` is answered once they are in the
InfluxDB too.
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
from scripts.benchmarks.measures.under_test import PATIENCE, Done

LOOK = 0.01
"""Seconds between looks at what has no bell to wait for."""
QUIET = 0.5
"""Seconds in which a store of the history surely ends."""


async def _heard(*words: str) -> str:
    line = await asyncio.to_thread(sys.stdin.readline)
    word: str = line.strip()
    if word not in words:
        sys.exit(f"wanted one of {words}, got {line!r}")
    return word


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
    waiting = sum(one.sink.waiting for one in gateway.copies)
    followers = (gateway.monitor, gateway.freight.monitor, gateway.archivist)
    while min(one.cursor for one in followers) < gateway.journal.head:  # noqa: ASYNC110 - followers ring no bell
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
        waiting=waiting,
    )


async def _copied(gateway: Gateway, count: int, began: float) -> float:
    """Wait until the InfluxDB has `count` readings; return the seconds since `began`."""
    async with asyncio.timeout(PATIENCE):
        while any(one.sink.sent < count for one in gateway.copies):  # noqa: ASYNC110 - as above
            await asyncio.sleep(LOOK)
    return time.perf_counter() - began


async def _joined(gateway: Gateway) -> None:
    while any(one.session_present is None for one in gateway.joining.subscribers):  # noqa: ASYNC110 - nor do subscribers
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
    copied = asyncio.create_task(_copied(gateway, count, began))
    await asyncio.wait(
        [running, asyncio.create_task(_joined(gateway))], return_when="FIRST_COMPLETED"
    )
    _say(b"joined")
    await asyncio.wait([running, drained], return_when="FIRST_COMPLETED")
    if running.done():
        running.result()
    _say(msgspec.json.encode(drained.result()))
    while await _heard("copied", "leave") == "copied":
        await asyncio.wait([running, copied], return_when="FIRST_COMPLETED")
        if running.done():
            running.result()
        _say(msgspec.json.encode(copied.result()))
    copied.cancel()
    gateway.stop()
    await running
    gateway.close()
    _say(b"closed")
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
