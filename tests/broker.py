"""Debian's real Mosquitto on a free loopback port, for tests that need a broker.

    async def test_something(broker):                 # the fixture: one broker, default settings
        ... broker.port ...

    with Broker(tmp_path, "max_inflight_messages 0") as broker:
        broker.kill()       # kill -9
        broker.start()      # again, on the same port, with what it had persisted

To have the fixture: `from tests.broker import broker  # noqa: F401 - a fixture`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_WITHIN = 10.0
"""Seconds."""


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Broker:
    """One Mosquitto. `folder` holds its settings, log and persistent sessions.

    `settings` are lines of mosquitto.conf. Anonymous clients are allowed unless they say
    otherwise. With `persistent`, sessions are saved when it stops, and by
    `save()`.
    `listener` are lines that belong to the listener (TLS).
    """

    def __init__(
        self,
        folder: Path,
        settings: str = "",
        *,
        listener: str = "",
        persistent: bool = True,
        port: int | None = None,
    ) -> None:
        if MOSQUITTO is None:
            pytest.skip("mosquitto is not installed: apt-get install mosquitto")
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = free_port() if port is None else port
        self.log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        anonymous = "" if "allow_anonymous" in settings else "allow_anonymous true"
        keep = (
            f"persistence true\npersistence_location {folder}/"
            if persistent
            else "persistence false"
        )
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(
            # Without `user root` it drops to a user that cannot write into the test's folder.
            f"user root\n{anonymous}\n{keep}\n{settings}\n"
            f"listener {self.port} {self.host}\n{listener}\n"
        )

    @property
    def pid(self) -> int:
        """Its process id, to look at its memory."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when it listens."""
        assert MOSQUITTO is not None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._configuration)], stdout=log, stderr=log
            )
        end = time.monotonic() + START_WITHIN
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"Mosquitto did not start: {self.log.read_text()}") from None
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """Let it end by itself: it saves its sessions."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9: what it had not saved is lost."""
        self._end(signal.SIGKILL)

    def save(self) -> None:
        """Ask it to write its sessions to the disk now, and return when it has."""
        assert self._process is not None
        saved = self.folder / "mosquitto.db"
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        self._process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + START_WITHIN
        while not saved.exists() or saved.stat().st_mtime_ns == before:
            if time.monotonic() > end:
                raise RuntimeError("Mosquitto did not save its sessions")
            time.sleep(0.01)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(START_WITHIN)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as running:
        yield running
