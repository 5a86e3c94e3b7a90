"""The caretaker: looks after disk, clock, brokers and certificates, lets time pass, and tidies up.

It waits for none of what it looks at, since it tells when they fail.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from gateway.clock import boot_id
from gateway.database import DiskError
from gateway.journal import PAGE, Journal
from gateway.listener.certificates import tell_faults

if TYPE_CHECKING:
    from gateway.app import Gateway

log = structlog.get_logger()

TICK = 1.0
"""Seconds between looks at the clock, the disk and who is missing."""
PRUNE_INTERVAL = 10_000
"""The journal is looked through for readings to drop every so many ms, while there are any."""
QUARANTINE_INTERVAL = 600_000
"""The quarantine is held to its limits every so many ms."""
CERTIFICATES_INTERVAL = 60_000
"""Certificates are looked at every so many ms."""


class Caretaker:
    """Looks after one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._next_prune = self._next_quarantine = self._next_certificates = 0
        self._moved = self._rejected = 0
        self._deaf_until = 0

    async def watch(self) -> None:
        """Look at the disk, the brokers and everything else that may fail, for ever."""
        gateway = self._gateway
        while True:
            self.check_disk()
            gateway.brokers.check(gateway.own_alerts)
            gateway.intruders.check()
            self._check_certificates()
            for copies in gateway.copies:
                report = gateway.own_alerts.report
                report(f"influxdb {copies.name}", copies.problem, "warning")
                report(f"refused {copies.name}", copies.refusal, "warning")
            for way in gateway.ways:
                gateway.own_alerts.report(f"way {way.name}", way.problem, "warning")
            self.check_evidence()
            gateway.own_alerts.report("codecs", gateway.decoders.problem, "warning")
            if gateway.page is not None:
                gateway.screens.check(gateway.own_alerts)
            await asyncio.sleep(TICK)

    async def tick(self) -> None:
        """Let time pass, for ever: for the clock, new devices, and who is missing."""
        gateway = self._gateway
        while True:
            await self._check_clock()
            await gateway.admission.flush()
            for one in (gateway.monitor, gateway.freight.monitor):
                await one.tick(self.listening_since())
            await asyncio.sleep(TICK)

    async def _check_clock(self) -> None:
        gateway = self._gateway
        moved = gateway.clock.corrected()
        self._moved += moved
        if moved:
            # Times before and after cannot be compared: nobody is missed for what lies between.
            self._deaf_until = gateway.clock.now()
            for one in (gateway.monitor, gateway.freight.monitor):
                one.engine.set_back(self._deaf_until)
        if not self._moved:
            return
        try:
            async with gateway.state.writing():
                now = gateway.clock.now()
                gateway.state.note_clock(boot_id(), gateway.clock.monotonic(), now, self._moved)
        except DiskError as error:
            log.warning("a correction of our clock waits to be recorded", problem=str(error))
            return
        log.warning("our clock was set", by_ms=self._moved)
        self._moved = 0

    def check_disk(self) -> None:
        """Look at the disk now: no intake where it is full, no ballast where it fails."""
        gateway = self._gateway
        gateway.room.look()
        if gateway.ingest.held or gateway.ingest.problem is not None:
            self._deaf_until = gateway.clock.now()
        problem = gateway.monitor.problem or gateway.freight.monitor.problem
        gateway.own_alerts.report("history", problem)

    def check_evidence(self) -> None:
        """Look now at what is kept for consignments, and whether it fits."""
        gateway = self._gateway
        # Where a read fails, what was kept stays kept; who writes there tells of the disk.
        with suppress(DiskError):
            gateway.ingest.witness.held = gateway.holding.look(gateway.clock.now())
        over, full = gateway.history.over_size, gateway.room.problem()
        gateway.holding.check(gateway.own_alerts, over, full)

    def _check_certificates(self) -> None:
        gateway = self._gateway
        now = gateway.clock.monotonic()
        if gateway.listener is None or now < self._next_certificates:
            return
        self._next_certificates = now + CERTIFICATES_INTERVAL
        tell_faults(gateway.own_alerts, gateway.listener.certificates())

    def listening_since(self) -> int | None:
        """Since when we can hear somebody, None while nobody can be missed.

        That is while no broker is joined and no port listened on, and while sockets lie unread.
        Where our clock was set, it is from then on. With one of two brokers away its devices are
        reported missing too: one alert too many is better than none.
        """
        gateway = self._gateway
        listening = gateway.listener.since if gateway.listener is not None else None
        pushed = gateway.page is not None and gateway.pushers.any
        others = gateway.started if pushed or gateway.ways else None
        known = (gateway.brokers.joined_since(), listening, others)
        ways = [one for one in known if one is not None]
        deaf = gateway.ingest.held or gateway.ingest.problem is not None
        if not ways or deaf:
            return None
        return max(*ways, self._deaf_until)

    def prune(self, journal: Journal) -> None:
        """Stage the end of what is old, in the journal and the quarantine."""
        gateway = self._gateway
        now = gateway.clock.monotonic()
        if now < self._next_prune:
            return
        copied = [one.sink.saved for one in gateway.copies]
        judged = [one.saved_cursor for one in (gateway.monitor, gateway.freight.monitor)]
        done = min(gateway.history.cursor, *judged, *copied)
        keep = gateway.settings.journal
        pruned = journal.prune(done, *gateway.room.limits())
        self._next_prune = now if pruned == PAGE else now + PRUNE_INTERVAL
        # Sooner where much is rejected: one client must not fill the disk meanwhile.
        rejected = gateway.ingest.rejected
        grown = rejected - self._rejected >= keep.quarantine_size // 10
        if now < self._next_quarantine and not grown:
            return
        self._next_quarantine, self._rejected = now + QUARANTINE_INTERVAL, rejected
        steady = gateway.clock.steady()
        since = gateway.clock.now() - keep.keep_quarantine if steady else 0
        dropped = journal.quarantine.prune(since, keep.quarantine_size)
        if dropped:
            log.warning("old messages left the quarantine undecoded", count=dropped)
