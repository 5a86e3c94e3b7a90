"""Lets go of alerts whose readings have gone too, so that state.db does not grow for ever.

An alert is kept as long as the history keeps the readings that it rests on, and as long as
anything of its device in its time is held for a consignment. With it go its events, what people
did about it, and which messages told of it. The audit trail stays.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from devices.reading import DeviceKey
from gateway.database import DiskError
from rules.cargo.consignment import consignment_of
from rules.duration import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.history.held import Held
    from gateway.state import State

log = structlog.get_logger()

LOOK = 6 * HOUR / 1000
"""Seconds between looks: what is years old can wait."""
PAGE = 200
"""Alerts that go in one transaction."""
OF_ALERT = ("event", "act", "told", "message_of")
"""Tables whose rows belong to an alert, and name it in the column `alert`."""


class OldAlerts:
    """Looks through ended alerts, the oldest first."""

    def __init__(self, state: State, clock: Clock, keep: int, held: Callable[[], Held]) -> None:
        """`keep`: how long the history keeps readings (ms). `held`: what must stay now."""
        self._state = state
        self._clock = clock
        self._keep = keep
        self._held = held

    def use(self, keep: int) -> None:
        """Keep so long from now on; see `__init__`."""
        self._keep = keep

    async def run(self) -> None:
        """Look every few hours, for ever."""
        while True:
            try:
                gone = await self.prune()
            except DiskError as error:
                log.warning("old alerts are not let go", problem=str(error))
            else:
                if gone:
                    log.info("old alerts went with their readings", count=gone)
            await asyncio.sleep(LOOK)

    async def prune(self) -> int:
        """Let go of all that is too old and not held; return how many. Raises DiskError.

        Nothing goes while our clock may be wrong: where it leapt, what looks old may be of today,
        and its readings, which go by the same rule, are still there.
        """
        if not (self._clock.trusted() and self._clock.steady()):
            return 0
        before, held = self._clock.now() - self._keep, self._held()
        gone, place = 0, (0, "")
        while True:
            rows = self._state.rows(
                "SELECT began, id, owner, device, ended FROM alert WHERE ended < ? "
                "AND (began, id) > (?, ?) ORDER BY began, id LIMIT ?",
                (before, *place, PAGE),
            )
            if not rows:
                return gone
            place = rows[-1][:2]
            old = [
                identity
                for began, identity, owner, device, ended in rows
                if not _stays(DeviceKey(owner, device), began, ended, held)
            ]
            if old:
                await self._drop(old)
            gone += len(old)

    async def _drop(self, alerts: list[str]) -> None:
        ids = [(one,) for one in alerts]
        async with self._state.writing():
            for table in OF_ALERT:
                self._state.stage(f"DELETE FROM {table} WHERE alert = ?", ids)  # noqa: S608 - a name of ours
            self._state.stage("DELETE FROM alert WHERE id = ?", ids)


def _stays(device: DeviceKey, began: int, ended: int, held: Held) -> bool:
    """Whether an alert is part of what must stay; those of a consignment go with it alone."""
    return consignment_of(device) is not None or held.holds(device, began, ended)
