"""Times as people at a site write them: 2026-11-23, or 2026-11-23 14:05, there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from gateway.control import ControlError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gateway.clock import Clock

_CURE = "Write it as 2026-11-23 or 2026-11-23 14:05"


class Times:
    """Reads times by a site's zone and our clock."""

    def __init__(self, clock: Clock, zone: ZoneInfo) -> None:
        self.zone = zone
        self._clock = clock

    def now(self) -> int:
        """Return the time, ms."""
        return self._clock.now()

    def moment(self, said: object) -> int:
        """Return a time in ms; a day is its beginning. Raises ControlError.

        `said` is local time, time with its offset, or ms since 1970 as a number.
        """
        if isinstance(said, int) and not isinstance(said, bool):
            return said
        if not isinstance(said, str):
            raise ControlError(f"{said!r} is no time", _CURE)
        try:
            time = dt.datetime.fromisoformat(said.strip())
            if time.tzinfo is None:
                time = time.replace(tzinfo=self.zone)
            return round(time.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise ControlError(f"{said[:40]!r} is no time", _CURE) from error

    def said(self, moment: int) -> str:
        """Return a time (ms) as `moment` reads it: local, with seconds where there are any."""
        time = dt.datetime.fromtimestamp(moment / 1000, self.zone)
        return f"{time:%Y-%m-%d %H:%M:%S}".removesuffix(":00")

    def past(self, said: object) -> int:
        """Return a time that is over, now where none is said. Raises ControlError."""
        if said is None or said == "":
            return self.now()
        moment = self.moment(said)
        if moment > self.now():
            raise ControlError(f"{said} is still to come", "Give a time that is over, or none")
        return moment

    def end_of_day(self, said: object) -> int:
        """Return when a day is over, ms. Raises ControlError."""
        if isinstance(said, int) and not isinstance(said, bool):
            return said
        try:
            day = dt.date.fromisoformat(str(said).strip())
            after = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), self.zone)
            return round(after.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise ControlError(f"{said!r} is no day", "Write it as 2027-11-23") from error
