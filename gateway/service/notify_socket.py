"""What systemd is told of us, as sd_notify(3) describes it: lines in one datagram to a socket.

Without systemd nothing is said to anybody. What it does not take is not said again: the next ping
comes soon, and nothing of ours may wait for it.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger()


class NotifySocket:
    """The socket that systemd named to us."""

    def __init__(self, environment: Mapping[str, str], process: int) -> None:
        """`process` is our number: a time for pings may be meant for another."""
        address = environment.get("NOTIFY_SOCKET", "")
        # An @ stands for the zero byte of a name that is in no file system.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        ours = environment.get("WATCHDOG_PID", str(process)) == str(process)
        given = environment.get("WATCHDOG_USEC", "") if ours else ""
        self.watchdog = int(given) / 1e6 if given.isdecimal() and self._address else 0.0
        """Seconds within which a ping must come, 0.0 where nobody waits for one."""

    def ready(self, status: str) -> None:
        """Say that we work, at the start and after a reload."""
        self.tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that new settings are read; `ready` follows, whatever came of it."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that we were told to stop, and store what has come."""
        self.tell("STOPPING=1", "STATUS=Stopping: what has come is stored and judged")

    def ping(self, status: str) -> None:
        """Say that we still work, and how it stands, for people."""
        self.tell("WATCHDOG=1", f"STATUS={status}")

    def tell(self, *lines: str) -> None:
        """Say something, if anybody is there."""
        if not self._address:
            return
        message = "\n".join(line.replace("\n", " ") for line in lines).encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.sendto(message, socket.MSG_DONTWAIT, self._address)
        except OSError as error:
            log.warning("systemd was not told", lines=lines, problem=os.strerror(error.errno or 0))
