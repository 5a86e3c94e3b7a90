"""Mutes the alerts of devices that somebody works on, for as long as they do.

A follower of events. It mutes as a person would, so that everybody who looks at an alert sees by
whom, why and until when; in the name of who stated the maintenance. Other alerts go on sounding.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gateway.database import DiskError
from gateway.follow import RetryLater
from gateway.people.acts import LONGEST_MUTE, SHORTEST_MUTE, Act, Acts, acts_of, facts
from gateway.people.audit import Who
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.registry.cards import Maintenance
    from gateway.registry.registry import Registry
    from gateway.state import State, StoredEvent
    from rules.alert import Alert

log = structlog.get_logger()

LOOK = 10.0
"""Seconds between looks."""
REASON = "in maintenance"
"""How the reason begins by which we mute: what begins so, we end too."""


class Hush:
    """Follows events, and what is stated of devices."""

    name = "maintenance"
    limit = 100

    def __init__(self, state: State, registry: Registry, clock: Clock) -> None:
        self.cursor = state.cursor(self.name)
        self._state = state
        self._registry = registry
        self._clock = clock
        self._acts = Acts(state)

    async def handle(self, items: Sequence[StoredEvent], cursor: int) -> None:
        """Mute those of these alerts whose device is in maintenance. Raises RetryLater."""
        try:
            for device in dict.fromkeys(one.event.alert.device for one in items):
                await self.renew(device)
            async with self._state.writing():
                self._state.move(self.name, cursor)
        except DiskError as error:
            raise RetryLater(str(error)) from error
        self.cursor = cursor

    async def run(self) -> None:
        """Look at every device that is worked on, for ever: a mute lasts a day at most."""
        while True:
            try:
                for device in {one.device for one in self._state.open_alerts()}:
                    if self._registry.maintenances(device):
                        await self.renew(device)
            except DiskError as error:
                log.warning("alerts of devices in maintenance are not muted", problem=str(error))
            await asyncio.sleep(LOOK)

    async def renew(self, device: DeviceKey) -> None:
        """Mute a device's open alerts, or let them sound again. Raises DiskError."""
        now = self._clock.now()
        maintenance = self._registry.maintenance(device, now)
        for alert in self._state.alerts_of(device, now):
            if alert.ended is not None:
                continue
            muted = facts(acts_of(self._state, alert.id), now).muted
            if maintenance is not None and muted is None:
                await self._mute(alert, maintenance, now)
            elif maintenance is None and muted is not None and muted.reason.startswith(REASON):
                await self._do(Act(alert.id, "unmuted", "", now, "maintenance is over"), muted.who)

    async def _mute(self, alert: Alert, maintenance: Maintenance, now: int) -> None:
        until = min(maintenance.until, now + LONGEST_MUTE)
        if until - now < SHORTEST_MUTE:
            return
        reason = f"{REASON}: {maintenance.reason}"
        await self._do(Act(alert.id, "muted", "", now, reason, until=until), maintenance.who)

    async def _do(self, act: Act, name: str) -> None:
        try:
            await self._acts.do(act, Who(name, "gateway"))
        except ControlError:
            # It is over by now, or too much was done about it: then there is nothing to mute.
            return
