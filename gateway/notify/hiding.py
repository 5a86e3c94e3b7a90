"""Dead links: behind one of them nobody is heard, and it alone is told of.

A link is a source of readings: a broker, a way in, or whatever several sensors come through, such
as a radio gateway. It is dead while an alert of our own about it is open: "broker NAME" (critical:
it cannot be reached), "way SOURCE", "link SOURCE" (none of several sensors that come through it is
heard: `silent` finds them), and "disk": while that is full nothing is taken in from anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.notify.about import About
from gateway.own_alerts import GRAVITY
from gateway.own_alerts import KIND as OWN
from rules.duration import DAY, MINUTE
from rules.kinds.lost_contact import LostContact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from devices.reading import DeviceKey, Reading
    from gateway.notify.about import Whereabouts
    from rules.alert import Alert

LOST = LostContact.model_fields["kind"].default
"""The kind of alerts that a dead link hides."""
LINK = "link "
ALL = "*"
SEVERAL = 3
"""So many sensors that go at once are taken for their link."""


def source_of_link(alert: Alert) -> str | None:
    """Return the source that an open alert says is dead, ALL for every one, None for none."""
    if alert.kind != OWN or alert.ended is not None:
        return None
    what, _, name = alert.channel.partition(" ")
    if what == "broker":
        return name if alert.severity == "critical" else None
    if what in {"way", "link"}:
        return name
    return ALL if alert.channel == "disk" else None


class Links:
    """Which links are dead, and who is behind them."""

    def __init__(
        self,
        where: Whereabouts,
        devices: Callable[[], Iterable[DeviceKey]],
        source: Callable[[DeviceKey], str],
    ) -> None:
        """`devices`: all that were ever heard. `source`: by what one came last, "" if unknown."""
        self._where = where
        self._devices = devices
        self._source = source
        self._dead: dict[str, Alert] = {}
        self._behind: dict[str, tuple[DeviceKey, ...]] = {}
        self._about: dict[str, About] = {}

    def take(self, alert: Alert) -> bool:
        """Take up one of our own alerts as it stands; say whether that changes what is hidden."""
        source = source_of_link(alert)
        known = [name for name, one in self._dead.items() if one.id == alert.id]
        if source is not None and source in known:
            self._dead[source] = alert
            return False
        for name in known:
            del self._dead[name]
            self._behind.pop(alert.id, None)
            self._about.pop(alert.id, None)
        if source is not None:
            self._dead[source] = alert
        return source is not None or bool(known)

    def hider(self, alert: Alert, now: int) -> Alert | None:
        """Return the alert of the dead link behind which everybody is that it is about."""
        if alert.kind != LOST or not self._dead:
            return None
        if ALL in self._dead:
            return self._dead[ALL]
        found = [
            self._dead.get(self._source(one)) for one in self._where.sensors(alert.device, now)
        ]
        return found[0] if found and None not in found else None

    def behind(self, link: Alert) -> tuple[DeviceKey, ...]:
        """Return the devices that are not heard because of a link, () where it is none."""
        source = source_of_link(link)
        if source is None or source == ALL:
            return ()
        if link.id not in self._behind:
            found = (one for one in self._devices() if self._source(one) == source)
            self._behind[link.id] = tuple(sorted(found))
        return self._behind[link.id]

    def about(self, link: Alert, own: About, now: int) -> About:
        """Return whom a link's alert is about: also those behind it, so that routes take it."""
        devices = self.behind(link)
        if not devices:
            return own
        if link.id not in self._about:
            known = [self._where.about(one, now) for one in devices]
            self._about[link.id] = About(
                (*own.devices, *map(str, devices)),
                own.name,
                tuple(dict.fromkeys(site for one in known for site in one.sites)),
                tuple(dict.fromkeys(name for one in known for name in one.goods)),
            )
        return self._about[link.id]

    def dead(self, source: str) -> bool:
        """Whether an alert other than "link SOURCE" tells that a source is dead."""
        alert = self._dead.get(source) or self._dead.get(ALL)
        return alert is not None and not alert.channel.startswith(LINK)


class Heard(NamedTuple):
    """Who came through what, and when.

    `last`: the last reading of each device since our start. `source`: by what a device came last,
    "" if unknown. `interval`: how often it sends (ms).
    """

    last: Callable[[], Mapping[DeviceKey, Reading]]
    source: Callable[[DeviceKey], str]
    interval: Callable[[DeviceKey], int]

    def since(self, source: str, when: int, lost: Collection[DeviceKey]) -> bool:
        """Whether anybody who is not `lost` came through a source after a time (ms)."""
        return any(
            reading.source == source and reading.received > when and device not in lost
            for device, reading in self.last().items()
        )


def silent(lost: Iterable[Alert], heard: Heard, now: int) -> dict[str, list[Alert]]:
    """Return sources through which nobody comes any more, with the alerts of who went at once.

    `lost`: open alerts that a device is not heard. A source counts as a dead link where SEVERAL
    that we had heard fell silent within about an interval, and nobody else came within a day.
    """
    by_source: dict[str, list[Alert]] = {}
    for alert in lost:
        by_source.setdefault(heard.source(alert.device), []).append(alert)
    by_source.pop("", None)
    found = {}
    last = heard.last() if by_source else {}
    for name, alerts in by_source.items():
        newest = max(one.began for one in alerts)
        together = [
            one
            for one in alerts
            if one.device in last
            and one.began >= newest - heard.interval(one.device) * 3 // 2 - MINUTE
        ]
        devices = {one.device for one in alerts}
        if len(together) >= SEVERAL and not heard.since(name, now - DAY, devices):
            found[name] = together
    return found


def gravest(alerts: Iterable[Alert]) -> str:
    """Return the severity of the gravest."""
    return min((one.severity for one in alerts), key=GRAVITY.__getitem__)
