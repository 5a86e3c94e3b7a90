"""Routes that others cut off: with hours, and without `go_on`, they keep what is not their time's.

A route with hours takes an alert also outside of them, and tells it when they begin. Whoever wrote
a route for the night behind it may not expect that.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rules.only import WEEKDAYS
from rules.rule import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.settings.routes import Route
    from rules.only import Schedule

MONDAY = dt.date(2026, 1, 5)
"""Hours are compared in the week that begins here: they are the same in every other."""
PATTERNS = ("devices", "sites", "goods", "rules")


def cut_off(routes: Sequence[Route], zone: str) -> tuple[str, ...]:
    """Return what is to be said of such routes, each with its cure.

    `zone` is the time zone of hours that name none.
    """
    found = []
    for place, route in enumerate(routes):
        if route.hours is None or route.go_on:
            continue
        others = (
            one
            for one in routes[place + 1 :]
            if _meet(route, one)
            and _open_outside(one, route.hours.schedule(zone), zone)
            and not any(_takes_all(before, route, one) for before in routes[:place])
        )
        other = next(others, None)
        if other is not None:
            found.append(
                f"route {route.name}: what it takes outside its hours waits until they begin, and "
                f"does not reach the route {other.name}, which would tell it. Put {other.name} "
                f"before it, or give {route.name} go_on = true: then both tell."
            )
    return tuple(found)


def _meet(route: Route, other: Route) -> bool:
    """Whether both could take one alert. Each takes whatever is critical."""
    pairs = ((getattr(route, one), getattr(other, one)) for one in PATTERNS)
    return all(
        not first or not second or any(_common(a, b) for a in first for b in second)
        for first, second in pairs
    )


def _common(first: str, second: str) -> bool:
    """Whether some text matches both patterns, with * and ?."""
    waiting, seen = [(0, 0)], set[tuple[int, int]]()
    while waiting:
        at = a, b = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        one, other = first[a : a + 1], second[b : b + 1]
        if not one and not other:
            return True
        if one == "*":
            waiting.append((a + 1, b))
        if other == "*":
            waiting.append((a, b + 1))
        # A star takes the letter of the other, and may take more.
        if one and other and (one == other or {one, other} & {"*", "?"}):
            waiting.append((a + (one != "*"), b + (other != "*")))
    return False


def _takes_all(before: Route, route: Route, other: Route) -> bool:
    """Whether an earlier route takes, and keeps, all that both of the others take."""
    if before.go_on:
        return False
    grave = max(SEVERITIES.index(one.severity) for one in (route, other))
    return SEVERITIES.index(before.severity) <= grave and all(
        not wide or any(one and set(one) <= set(wide) for one in narrow)
        for wide, *narrow in (
            tuple(getattr(each, name) for each in (before, route, other)) for name in PATTERNS
        )
    )


def _open_outside(other: Route, hours: Schedule, zone: str) -> bool:
    """Whether a route tells at a time that is outside of these hours."""
    its = None if other.hours is None else other.hours.schedule(zone)
    # If there is such a time, there is one at which these end, or its own begin.
    times = [*_times(hours.end, hours.timezone)]
    times += [] if its is None else _times(its.start, its.timezone)
    return any((its is None or its.applies(one)) and not hours.applies(one) for one in times)


def _times(clock: str, zone: str) -> Iterator[int]:
    """Yield when it is that time on each day of a week (ms)."""
    for day in range(len(WEEKDAYS)):
        at = dt.datetime.combine(MONDAY, dt.time.fromisoformat(clock), ZoneInfo(zone))
        yield int((at + dt.timedelta(days=day)).timestamp() * 1000)
