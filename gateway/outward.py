"""What this gateway tells the world of itself, whether or not anybody looks.

Heartbeats to services that miss it, its presence on brokers, and how quickly its loop turns.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.brokers import broker_settings
from gateway.heartbeat import Heart, Hearts
from gateway.own_numbers import CertificateEnds
from gateway.presence import Presence
from gateway.wellness import Wellness

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator

    from gateway.app import Gateway
    from gateway.settings import Broker

LOOK = 1.0
"""Seconds between looks at the journal and at our own loop."""
LOOKS = 60
"""Looks of which the slowest is told."""
SEVERITIES = ("critical", "warning", "info")


class Outward:
    """Of one gateway."""

    def __init__(self, gateway: Gateway, brokers: Iterable[Broker], *, beats: bool) -> None:
        """`brokers` are those that are joined; without `beats` nobody is called."""
        self._gateway = gateway
        self.wellness = Wellness(gateway)
        sections = gateway.settings.heartbeats if beats else ()
        self.hearts = Hearts(
            [
                Heart(one, gateway.clock, unwell=self.wellness.problem, status=self.beat)
                for one in sections
            ]
        )
        self._presences = [
            Presence(
                broker_settings(gateway.settings, one), gateway.settings.gateway.prefix, self.status
            )
            for one in brokers
            if one.publish_alerts
        ]
        self.certificates = CertificateEnds(gateway.settings)
        self._lags: deque[float] = deque(maxlen=LOOKS)

    @property
    def lag(self) -> float:
        """By how many seconds our loop was late at most, in the last minute."""
        return max(self._lags, default=0.0)

    def status(self) -> dict[str, Any]:
        """Return what brokers are told: what changes seldom."""
        gateway = self._gateway
        return {
            "box": gateway.settings.gateway.box,
            "version": __version__,
            "started": gateway.started,
            "alerts": self._alerts(),
        }

    def beat(self) -> dict[str, Any]:
        """Return what is sent along with a heartbeat: no name of a device, and no secret."""
        gateway = self._gateway
        return {
            "box": gateway.settings.gateway.box,
            "version": __version__,
            "alerts": self._alerts(),
            "waiting": gateway.journal.head - gateway.monitor.cursor,
            "disk_free": gateway.disk.free(),
        }

    def _alerts(self) -> dict[str, int]:
        """Count open alerts by severity, with those about the gateway itself."""
        gateway = self._gateway
        judged = (*gateway.monitor.open_alerts, *gateway.freight.monitor.open_alerts)
        counts = Counter(
            one.severity
            for one in (*gateway.own_alerts.open_alerts, *judged)
            if not one.retrospective
        )
        return {severity: counts[severity] for severity in SEVERITIES}

    def parts(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what runs, by name."""
        yield "outward", self._watch()
        yield from self.hearts.parts()
        for one in self._presences:
            yield one.name, one.run()

    async def _watch(self) -> None:
        gateway, loop = self._gateway, asyncio.get_running_loop()
        gateway.own_alerts.forget("heartbeat", [one.name for one in self.hearts.all])
        while True:
            self.wellness.look()
            self.hearts.check(gateway.own_alerts)
            begin = loop.time()
            await asyncio.sleep(LOOK)
            self._lags.append(max(0.0, loop.time() - begin - LOOK))

    def close(self) -> None:
        """Close the connections to services."""
        for one in self.hearts.all:
            one.close()
