"""All that goes to one InfluxDB, put together: readings, alerts, health, and what was missed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from gateway.database import DiskError
from gateway.follow import follow
from gateway.influxdb.alerts import AlertSink
from gateway.influxdb.delivery import Delivery
from gateway.influxdb.health import HealthSink
from gateway.influxdb.lines import Lines
from gateway.influxdb.names import server_of
from gateway.influxdb.refill import Refill
from gateway.influxdb.server import Server
from gateway.influxdb.sink import PARALLEL, Sink
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping

    from gateway.clock import Clock
    from gateway.follow import Log
    from gateway.history import History
    from gateway.journal import Journal
    from gateway.pace import Pace
    from gateway.settings.influxdb import InfluxDB
    from gateway.state import State
    from gateway.tagging import Tagging

log = structlog.get_logger()

KEEP = 5.0
"""Seconds between looks at the cap, and writings of the cursor."""


class Sources(NamedTuple):
    """What the gateway has that can be copied, and what copying needs of it."""

    journal: Journal
    history: History
    state: State
    clock: Clock
    pace: Pace
    tagging: Tagging
    box: str
    numbers: Callable[[], Mapping[str, float]]


class Copies:
    """Copies to one server."""

    def __init__(self, section: InfluxDB, sources: Sources) -> None:
        self.name = section.name
        self.section = section
        self.server = Server(section, parallel=2 * PARALLEL)
        journal, history, state, clock, pace, tagging, box, numbers = sources
        self._clock = clock
        self.lines = lines = Lines(section.names, tagging)
        self.delivery = Delivery(section.name, self.server, pace, clock)
        self.sink = Sink(
            self.delivery,
            lines,
            journal=journal,
            history=history,
            state=state,
            clock=clock,
            pace=pace,
            backlog=section.backlog,
        )
        self._alerts: AlertSink | None = None
        if section.names.alerts:
            self._alerts = AlertSink(self.delivery, lines, state, clock)
        self.refill = Refill(
            self.sink,
            self.delivery,
            lines,
            journal=journal,
            history=history,
            state=state,
            pace=pace,
            alerts=self._alerts,
        )
        self._health: HealthSink | None = None
        if section.names.gateway:
            self._health = HealthSink(self.delivery, lines, box=box, numbers=numbers, clock=clock)

    def parts(self, readings: Log[Any], events: Log[Any]) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what runs side by side."""
        yield follow(readings, self.sink)
        yield self.refill.run()
        yield self._keep()
        if self._alerts is not None:
            yield follow(events, self._alerts)
        if self._health is not None:
            yield self._health.run()

    async def _keep(self) -> None:
        looked = False
        while True:
            try:
                if not looked:
                    await self.sink.note_lost(self._clock.now() // DAY)
                    looked = True
                await self.sink.keep_within()
                await self.sink.save()
            except DiskError as error:
                log.warning("a cursor waits for the disk", follower=self.sink.name, why=str(error))
            await asyncio.sleep(KEEP)

    @property
    def rejected(self) -> int:
        """How many readings and alerts the server refused that lie in the dead letters."""
        return self.sink.refusals.count + (self._alerts.refusals.count if self._alerts else 0)

    def recount_rejected(self) -> None:
        """Count them again, and let copying go on where they had stopped it."""
        self.sink.refusals.recount()
        if self._alerts is not None:
            self._alerts.refusals.recount()

    @property
    def problem(self) -> str | None:
        """Why nothing gets to this server, where that is so for a while."""
        if self.delivery.problem is not None:
            return f"cannot be written to, and gets what it misses later: {self.delivery.problem}"
        return None

    @property
    def refusal(self) -> str | None:
        """What this server does not get, though it is there."""
        if self.sink.refusals.stopped:
            return f"{self.sink.refusals.stopped}. See holdwatch influx rejected {self.name}"
        if self.rejected:
            return f"has refused what lies aside. See why: holdwatch influx rejected {self.name}"
        return self.refill.damaged or None

    def report(self) -> dict[str, Any]:
        """Return how it stands, for the status."""
        delivery, sink = self.delivery, self.sink
        stopped = sink.refusals.stopped
        return {
            "url": self.section.url,
            "version": self.server.known_version,
            "well": delivery.well and not stopped,
            "reason": stopped or delivery.reason,
            "last": delivery.last,
            "written": delivery.written,
            "expired": delivery.expired,
            "rejected": self.rejected,
            "waiting": sink.waiting,
            "missed_days": len(self.refill.missed),
        }

    def close(self) -> None:
        """Close the connections."""
        self.server.close()


async def forget_others(state: State, names: Collection[str]) -> None:
    """Forget how far servers had come that the settings name no more: the journal goes on.

    One that comes back begins anew, with what the journal still has. Raises DiskError.
    """
    gone = [one for one in state.followers() if server_of(one) not in {"", *names}]
    if gone:
        async with state.writing():
            state.forget_followers(gone)
