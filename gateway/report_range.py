"""Which time a report is about: from the first reading to now, within the days asked for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.reading import IMPORTED
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.past import Known


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name. Raises ControlError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ControlError(
            f"{name!r} is no time zone", "Use a name such as Europe/Berlin"
        ) from error


def time_range(  # noqa: PLR0913 - what is known, what is asked, and by which clock
    device: DeviceKey,
    known: Known,
    *,
    since: str | None,
    until: str | None,
    zone: ZoneInfo,
    now: int,
    hold: int,
) -> tuple[int, int]:
    """Return start ≤ t < end (ms) of a report, never empty.

    `since` and `until` are the first and last local day asked for, such as 2026-05-31. Without
    `until` it ends now, or where an imported file ends: at midnight, or sooner once its last
    reading no longer speaks (`hold`, ms). Raises ControlError for days that nobody can know.
    """
    begin, finish = asked_days(since, until, zone)
    first, last = known
    if finish is not None and finish <= first:
        raise ControlError(
            f"{device} is known from {_day(first, zone)} on, not before",
            "Ask for that day or later ones",
        )
    # A reading ahead of our clock is told, and the time up to it; what it holds is not.
    end = max(now, last.when + 1)
    start = first if begin is None else max(begin, first)
    if start >= end:
        raise ControlError(f"{since} is still to come", "Give --from today or an earlier day")
    if finish is not None:
        return start, min(end, finish)
    if last.flags & IMPORTED and start <= last.when:
        # Nobody waits to hear more of a file.
        midnight = _midnight(_after(_day(last.when, zone)), zone)
        return start, min(end, midnight, last.when + max(hold, 1))
    return start, end


def asked_days(
    since: str | None, until: str | None, zone: ZoneInfo
) -> tuple[int | None, int | None]:
    """Return start ≤ t < end (ms) of the local days from `since` to `until`; None is open.

    Raises ControlError.
    """
    begin = None if since is None else _midnight(_parse(since), zone)
    finish = None if until is None else _midnight(_after(_parse(until)), zone)
    if begin is not None and finish is not None and begin >= finish:
        raise ControlError(
            f"--from {since} is later than --to {until}",
            "Give the first day as --from and the last one as --to",
        )
    return begin, finish


def _parse(day: str) -> dt.date:
    try:
        return dt.date.fromisoformat(day)
    except ValueError as error:
        raise ControlError(f"{day!r} is no day", "Write it as 2026-05-31") from error


def _after(day: dt.date) -> dt.date:
    return day if day == dt.date.max else day + dt.timedelta(days=1)


def _day(moment: int, zone: ZoneInfo) -> dt.date:
    return dt.datetime.fromtimestamp(moment / 1000, zone).date()


def _midnight(day: dt.date, zone: ZoneInfo) -> int:
    return int(dt.datetime.combine(day, dt.time(), zone).timestamp() * 1000)
