"""Times as people at a site write them: 2026-11-23, or 2026-11-23 14:05, there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from gateway.refusal import ControlError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gateway.clock import Clock

LAST = 253_370_764_800_000
"""The year 9999 begins, ms: later times cannot be written everywhere."""
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
            if not 0 <= said <= LAST:
                raise ControlError(f"{said:.6g} ms after 1970 is no time", _CURE)
            return said
        if not isinstance(said, str):
            raise ControlError(f"{str(said)[:40]!r} is no time", _CURE)
        try:
            time = dt.datetime.fromisoformat(said.strip())
            if time.tzinfo is None:
                time = time.replace(tzinfo=self.zone)
            moment = round(time.timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            raise ControlError(f"{said[:40]!r} is no time", _CURE) from error
        if not 0 <= moment <= LAST:
            raise ControlError(f"{said[:40]!r} is before 1970, or beyond all time", _CURE)
        return moment

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
