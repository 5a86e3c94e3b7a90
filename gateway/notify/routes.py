"""Which routes take an alert, and when they tell: the settings' routes, with their defaults.

The first that matches counts, and further ones where it says `go_on`. An alert about a channel
that fails goes to all other channels, whatever the routes.
"""

from __future__ import annotations

import datetime as dt
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from gateway.own_alerts import GRAVITY
from gateway.own_alerts import KIND as OWN
from gateway.settings.routes import EVERY
from rules.duration import HOUR
from rules.only import Schedule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from gateway.notify.about import About
    from gateway.settings.routes import Route as Declared
    from rules.alert import Alert

CHANNEL = "channel "
"""How the subject of an alert begins that is about a channel."""
WEEK = 8


class Step(msgspec.Struct, frozen=True):
    """Who is told `after` so many ms while nobody has the alert."""

    after: int
    channels: tuple[str, ...]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route as it is followed. Times are in ms."""

    name: str
    channels: tuple[str, ...]
    severity: str = "info"
    devices: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    goods: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    hours: Schedule | None = None
    steps: tuple[Step, ...] = ()
    repeat: int | None = None
    gather: int = 0
    resolved: bool = True
    go_on: bool = False

    def reached(self) -> tuple[str, ...]:
        """Return every channel that it leads to, those of its steps last."""
        return (*self.channels, *(name for one in self.steps for name in one.channels))

    def takes(self, alert: Alert, about: About) -> bool:
        """Whether an alert is told by this route."""
        return (
            GRAVITY[alert.severity] <= GRAVITY[self.severity]
            and _any(self.rules, (alert.rule,))
            and _any(self.devices, about.devices)
            and _any(self.sites, about.sites)
            and _any(self.goods, about.goods)
        )


def _any(patterns: tuple[str, ...], values: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(one, each) for one in values for each in patterns)


def routes_of(
    declared: Sequence[Declared], channels: Sequence[str], zone: str
) -> tuple[Route, ...]:
    """Return the settings' routes; without any there is one to every channel.

    `channels` are the names of all; `zone` is the time zone where hours name none. A channel
    that there is not is left out.
    """
    return tuple(
        Route(
            name=one.name,
            channels=_known(one.channels or channels, channels),
            severity=one.severity,
            devices=one.devices,
            sites=one.sites,
            goods=one.goods,
            rules=one.rules,
            hours=one.hours.schedule(zone) if one.hours is not None else None,
            steps=tuple(Step(each.after, _known(each.channels, channels)) for each in one.steps),
            repeat=one.repeat,
            gather=one.gather,
            resolved=one.resolved,
            go_on=one.go_on,
        )
        for one in declared or (EVERY,)
    )


def _known(names: Iterable[str], channels: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in names if one in channels))


def taking(
    alert: Alert, about: About, routes: Sequence[Route], channels: Sequence[str]
) -> list[Route]:
    """Return the routes by which an alert is told, in their order."""
    if alert.kind == OWN and alert.channel.startswith(CHANNEL):
        dead = alert.channel.removeprefix(CHANNEL)
        return [Route(name="", channels=tuple(one for one in channels if one != dead))]
    found = []
    for route in routes:
        if route.takes(alert, about):
            found.append(route)
            if not route.go_on:
                break
    return found


def begins(hours: Schedule, now: int) -> int:
    """Return when hours begin next (ms), an hour from now at the latest where that is not clear.

    It is not clear in the night in which clocks are set: then it is looked again.
    """
    zone = ZoneInfo(hours.timezone)
    today = dt.datetime.fromtimestamp(now / 1000, zone)
    hour, minute = map(int, hours.start.split(":"))
    for days in range(WEEK):
        day = today + dt.timedelta(days=days)
        start = day.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
        found = int(start.timestamp() * 1000)
        if found > now and hours.applies(found):
            return found
    return now + HOUR
