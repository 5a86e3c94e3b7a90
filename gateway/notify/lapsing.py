"""When somebody has an alert no more: the shift is over, it does not recover, it has become graver.

Pure. That it lapsed is an act of the gateway with its reason; then people are told again. While our
clock cannot be trusted nobody's shift ends: only what becomes graver lapses.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from gateway.own_alerts import GRAVITY
from rules.duration import MINUTE, format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.people.acts import Facts
    from gateway.settings.routes import Acknowledgement
    from rules.alert import Alert

CLOCK_MOVED = 5 * MINUTE
"""What was taken so many ms after now was taken when our clock stood otherwise."""


class Lapse(NamedTuple):
    """Why it has lapsed by now ("": it has not), else when it will (ms; None: not by itself)."""

    reason: str = ""
    again: int | None = None


def lapse(  # noqa: PLR0913 - what it depends on
    alert: Alert, known: Facts, holds: Acknowledgement, *, zone: str, now: int, trusted: bool
) -> Lapse:
    """Say whether who has an alert has it no more. `zone`: time zone of the shifts."""
    taken = known.taken
    if taken is None or alert.ended is not None:
        return Lapse()
    if taken.severity and GRAVITY[alert.severity] < GRAVITY[taken.severity]:
        return Lapse(
            f"it was {taken.severity} when {known.holder} took it, and is {alert.severity}"
        )
    if not trusted or taken.at > now + CLOCK_MOVED:
        return Lapse()
    ends = []
    if holds.longest is not None:
        why = f"it has not recovered for {format_duration(holds.longest)}"
        ends.append((taken.at + holds.longest, why))
    if holds.shifts:
        end, clock = shift_end(holds.shifts, taken.at, zone)
        ends.append((end, f"the shift ended at {clock}"))
    if not ends:
        return Lapse()
    end, why = min(ends)
    return Lapse(why) if end <= now else Lapse(again=end)


def shift_end(shifts: Sequence[str], since: int, zone: str) -> tuple[int, str]:
    """Return when the shift of a time (ms) ends, and that time of day."""
    day = dt.datetime.fromtimestamp(since / 1000, ZoneInfo(zone))
    found = []
    for days in range(3):
        date = day + dt.timedelta(days=days)
        for clock in shifts:
            hour, minute = map(int, clock.split(":"))
            end = date.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
            found.append((int(end.timestamp() * 1000), clock))
    return min(one for one in found if one[0] > since)
