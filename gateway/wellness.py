"""Whether the gateway truly does its work: what a heartbeat says by being sent.

Only what makes the gateway useless counts: that it cannot store, or not judge, or not be looked
at, or tell nobody. That a sensor is too warm or a broker away is told as an alert.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

from rules.duration import MINUTE, format_duration

if TYPE_CHECKING:
    from gateway.app import Gateway

LATE = 2 * MINUTE
"""ms after which a reading should long be judged."""
LOOKS = 600
"""Looks at the journal that are remembered, one a second: more than LATE."""


class Wellness:
    """Looks at one gateway. `look` once a second; `problem` says what is wrong."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._heads: deque[tuple[int, int]] = deque(maxlen=LOOKS)
        """When (monotonic, ms) the journal came to which cursor."""

    def look(self) -> None:
        """Remember how far the journal is now."""
        head = self._gateway.journal.head
        if not self._heads or self._heads[-1][1] != head:
            self._heads.append((self._gateway.clock.monotonic(), head))
        judged = self._judged()
        while self._heads and self._heads[0][1] <= judged:
            self._heads.popleft()

    def behind(self) -> int:
        """Return for how long (ms) the oldest reading that is not judged has waited; 0 for none."""
        judged = self._judged()
        waits = [since for since, head in self._heads if head > judged]
        return self._gateway.clock.monotonic() - waits[0] if waits else 0

    def _judged(self) -> int:
        gateway = self._gateway
        return min(gateway.monitor.cursor, gateway.freight.monitor.cursor)

    def problem(self) -> str | None:
        """Say why nobody may rely on this gateway now, None while it is well."""
        return self._stores() or self._judges() or self._tells()

    def _stores(self) -> str | None:
        """Say why what arrives is not kept."""
        gateway = self._gateway
        parts = (gateway.ingest, gateway.state, gateway.history, gateway.evidence)
        failing = next((one.problem for one in parts if one.problem), None)
        if failing is not None:
            return f"the disk takes no writes: {failing}"
        full = gateway.room.problem()
        if full is not None:
            return f"nothing is taken in: {full}"
        if os.statvfs(gateway.settings.gateway.data).f_flag & os.ST_RDONLY:
            return f"{gateway.settings.gateway.data} can only be read: its disk has failed"
        return None

    def _judges(self) -> str | None:
        """Say why what arrives is not judged, or wrongly."""
        gateway = self._gateway
        judging = gateway.monitor.problem or gateway.freight.monitor.problem
        if judging is not None:
            return f"rules cannot judge: {judging}"
        behind = self.behind()
        if behind > LATE:
            return f"readings have waited for {format_duration(behind)} to be judged"
        if not gateway.clock.trusted():
            return "the clock is not trusted: nobody has set it since the start, or it was set back"
        return None

    def _tells(self) -> str | None:
        """Say why people would not hear or see anything."""
        own = {one.channel: one.reason for one in self._gateway.own_alerts.open_alerts}
        if "page" in own:
            return own["page"]
        channels = self._gateway.settings.channels
        if channels and all(f"channel {one.name}" in own for one in channels):
            return "no channel reaches anybody: " + own[f"channel {channels[0].name}"]
        return None
