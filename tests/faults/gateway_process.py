"""Runs the gateway as people do, with a fault built in:  gateway_process [faults] run -c FILE.

--acknowledge-early    break the promise: acknowledge before the commit
--forget-held          break another: which QoS 2 messages it holds is not written down
--slow-while FILE      while FILE exists, every sync of the disk takes 200 ms longer
--fail-while FILE      while FILE exists, nothing can be written or synced
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import apsw

from gateway.cli import main
from gateway.ingest import Ingest
from gateway.listener.sessions import Session, Sessions
from gateway.mqtt.link import Link

REAL = apsw.vfs_names()[0]
"""The default before there is another."""
DELAY = 0.2
"""Seconds."""


class FailingDisk(apsw.VFS):
    """The default disk of the process, slow or failing."""

    def __init__(self, slow_while: Path | None, fail_while: Path | None) -> None:
        self.slow_while = slow_while
        self.fail_while = fail_while
        super().__init__("failing", REAL, makedefault=True, iVersion=3)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: ANN401, N802 - apsw's
        return _File(self, name, flags)

    def check(self) -> None:
        if self.fail_while is not None and self.fail_while.exists():
            raise apsw.IOError("the disk fails")


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:  # noqa: ANN401 - apsw's
        super().__init__(REAL, name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's
        self._disk.check()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's
        self._disk.check()
        if self._disk.slow_while is not None and self._disk.slow_while.exists():
            time.sleep(DELAY)
        super().xSync(flags)


def acknowledge_early() -> None:
    """Make the deliberately broken build: it acknowledges what it has only in memory."""
    expect = Ingest._expect

    def broken(self: Ingest, link: Link, packet_ids: list[int]) -> None:
        link.acknowledge(link.generation, packet_ids)
        expect(self, link, [])

    Ingest._expect = broken  # type: ignore[method-assign]  # broken on purpose


def forget_held() -> None:
    """Make another broken build: after a crash it takes QoS 2 messages for new ones."""

    def broken(self: Sessions, session: Session, packet_id: int) -> None:  # noqa: ARG001 - as what it stands for
        session.held.add(packet_id)

    Sessions.hold = broken  # type: ignore[method-assign]  # broken on purpose


def start() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--acknowledge-early", action="store_true")
    parser.add_argument("--forget-held", action="store_true")
    parser.add_argument("--slow-while", type=Path)
    parser.add_argument("--fail-while", type=Path)
    faults, rest = parser.parse_known_args()
    if faults.acknowledge_early:
        acknowledge_early()
    if faults.forget_held:
        forget_held()
    if faults.slow_while or faults.fail_while:
        # Kept as long as the process lives.
        sys.modules["gateway"].failing_disk = FailingDisk(  # type: ignore[attr-defined]
            faults.slow_while, faults.fail_while
        )
    sys.argv[1:] = rest
    main()


if __name__ == "__main__":
    start()
