"""Tells systemd that we work, as long as we do: what hangs is ended, and started again.

That the event loop turns is not enough. The intake must commit, and whoever judges must come on
while there is something to judge. A disk that takes no writes is no reason to be started anew: it
is told otherwise, and another start would lose what waits in memory.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from gateway.service import identity
from gateway.service.notify_socket import NotifySocket

if TYPE_CHECKING:
    from gateway.app import Gateway

log = structlog.get_logger()

PINGS = 4
"""So many fall into the time within which one must come."""
SELDOM = 15.0
"""Seconds between looks where nobody waits for pings."""
COMMITTED = 120_000
"""A commit that is not done so many ms after it was due hangs."""
JUDGED = 300_000
"""Whoever has not come on for so many ms, though there is something to judge, hangs."""


class Progress:
    """Whether one who follows comes on."""

    def __init__(self) -> None:
        self._behind_at = -1
        """Where it stood at the last look, when it was behind; -1 when it was not."""
        self._since = 0

    def hangs(self, cursor: int, head: int, now: int) -> bool:
        """Look again at `now` (ms): whether it is behind, and has stood still for too long."""
        behind_at = cursor if cursor < head else -1
        if behind_at != self._behind_at:
            self._behind_at, self._since = behind_at, now
        return behind_at >= 0 and now - self._since >= JUDGED


class Watchdog:
    """Watches one gateway, for systemd."""

    def __init__(self, gateway: Gateway, systemd: NotifySocket | None = None) -> None:
        self._gateway = gateway
        self.systemd = systemd or NotifySocket(os.environ, os.getpid())
        self._asked: int | None = None
        self._judging = {"monitor": Progress(), "freight": Progress()}
        self._told = ""

    async def run(self) -> None:
        """Say that we are ready, ping until the gateway stops, and then that it does; for ever."""
        gateway = self._gateway
        identity.tell(gateway.own_alerts, gateway.settings, identity.fingerprint())
        pause = self.systemd.watchdog / PINGS or SELDOM
        self.systemd.ready(self.sentence())
        gateway.reloading.telling = self._reloading
        while not gateway.stopping.is_set():
            self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(gateway.stopping.wait(), pause)
        self.systemd.stopping()
        while True:
            await asyncio.sleep(pause)
            # What has come is still to be judged, and systemd has a limit of its own for that.
            self.systemd.tell("WATCHDOG=1")

    def _reloading(self, busy: bool) -> None:  # noqa: FBT001 - as the caller has it
        if busy:
            self.systemd.reloading()
        else:
            self.systemd.ready(self.sentence())

    def look(self) -> None:
        """Ping if all of us works; else say in our log what hangs, and be silent."""
        stuck = self.stuck(self._gateway.clock.monotonic())
        if stuck is None:
            self.systemd.ping(self.sentence())
        elif stuck != self._told:
            log.error("a part of the gateway hangs", part=stuck)
        self._told = stuck or ""

    def stuck(self, now: int) -> str | None:
        """Return which part does not work, None where all do; `now` is monotonic, in ms."""
        gateway = self._gateway
        due = gateway.settings.journal.commit_interval + COMMITTED
        if gateway.ingest.problem is not None or gateway.state.problem is not None:
            self._asked = None
            self._judging = {name: Progress() for name in self._judging}
            return None
        if self._asked is None:
            self._asked = now
            gateway.ingest.along(None, self._committed)
        if now - self._asked >= due:
            return "ingest"
        head = gateway.journal.head
        judges = {"monitor": gateway.monitor, "freight": gateway.freight.monitor}
        for name, progress in self._judging.items():
            if progress.hangs(judges[name].cursor, head, now):
                return name
        return None

    def _committed(self) -> None:
        self._asked = None

    def sentence(self) -> str:
        """Say in a line how it stands: `systemctl status` shows it."""
        gateway = self._gateway
        wrong = gateway.own_alerts.open_alerts
        box = gateway.settings.gateway.box
        told = f"{box}: {gateway.ingest.received:,} received since the start"
        if wrong:
            told += f"; {len(wrong)} wrong, first {wrong[0].channel}: {wrong[0].reason}"
        return told
