"""Looks at one alert as it stands, by all routes: what is told, of whom, and why not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway.notify.gather import Gathered, Windows
from gateway.notify.lapsing import CLOCK_MOVED, Lapse, lapse
from gateway.notify.message import Line
from gateway.notify.often import MOST as OFTEN
from gateway.notify.often import Often, same
from gateway.notify.plan import (
    LONGEST_WAIT,
    Plan,
    Said,
    Situation,
    Telling,
    Told,
    begun_again,
    plan,
)
from gateway.notify.routes import Route, taking
from gateway.own_alerts import KIND as OWN
from gateway.people.acts import LONGEST_MUTE, Facts
from rules.duration import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from devices.reading import DeviceKey
    from gateway.notify.about import About, Whereabouts
    from gateway.notify.hiding import Links
    from gateway.notify.ledger import Key, Ledger
    from gateway.notify.mutes import Mutes
    from gateway.notify.often import Same
    from gateway.registry.cards import Maintenance
    from gateway.settings.routes import Acknowledgement
    from rules.alert import Alert

SETTLES = 2 * MINUTE
"""Beyond its interval, a device may take so long (ms) to be heard when its link is well again."""


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """What a route has told of an alert, and why it tells nothing (more) now."""

    route: str
    """Its name; "" where no route takes the alert, and for what goes to every channel."""
    said: tuple[Said, ...] = ()
    """The last of what it told, oldest first."""
    reason: str
    again: int | None = None
    """When it is told again or goes on (ms since 1970), as when a mute or the time outside hours
    ends; None: not before something happens."""


class Policy(NamedTuple):
    """What the settings say of telling people."""

    routes: tuple[Route, ...]
    channels: tuple[str, ...]
    holds: Acknowledgement
    zone: str
    """The gateway's time zone."""

    def gather(self) -> dict[str, int]:
        """Return for how long each route gathers (ms)."""
        return {one.name: one.gather for one in self.routes}


class Work:
    """What one look comes to: nothing of it counts before it is committed."""

    def __init__(self, now: int, *, trusted: bool) -> None:
        self.now = now
        self.trusted = trusted
        self.told: dict[Key, Told] = {}
        self.gathered = Gathered()
        self.again: dict[str, int | None] = {}
        self.began: list[Same] = []
        """What is told to begin."""
        self.covered: dict[str, frozenset[str]] = {}
        """By a link's alert: the channels that are told of the link."""


class Decider:
    """Knows all that a decision rests on."""

    def __init__(  # noqa: PLR0913, PLR0917 - it brings these together
        self,
        policy: Policy,
        where: Whereabouts,
        mutes: Mutes,
        links: Links,
        ledger: Ledger,
        maintenance: Callable[[DeviceKey, int], Maintenance | None],
    ) -> None:
        self.policy = policy
        self.windows = Windows()
        self.often = Often()
        for route, told in ledger.going_on():
            self.windows.join(route, told)
        self._links = links
        self._where = where
        self._mutes = mutes
        self._ledger = ledger
        self._maintenance = maintenance

    def look(self, alert: Alert, known: Facts, work: Work) -> None:
        """Add to `work` what is told of an alert now, and when to look at it again."""
        about = self._about(alert, work.now)
        again: list[int] = []
        for route, before, found in self._plans(alert, known, about, work):
            if found.told != before:
                work.told[alert.id, route.name] = found.told
            self.windows.join(route.name, found.told)
            if found.again is not None:
                again.append(found.again)
            for telling in found.tellings:
                line = self._line(alert, known, about, telling)
                if telling.occasion == "fired":
                    began = same(alert, route.name)
                    work.began.append(began)
                    last = self.often.count(began, work.now) == OFTEN - 1
                    line = msgspec.structs.replace(line, often=last)
                for channel in telling.channels:
                    if channel in self.policy.channels:
                        work.gathered.add(route.name, channel, line)
        if alert.ended is None:
            lapses = self.lapse(alert, known, work).again
            again += [work.now + LONGEST_WAIT, *([] if lapses is None else [lapses])]
        work.again[alert.id] = min(again, default=None)

    def why(self, alert: Alert, known: Facts, work: Work) -> list[Why]:
        """Return what every route has told of an alert, and why no more."""
        about = self._about(alert, work.now)
        found = [
            Why(
                route=route.name,
                said=() if before is None else before.said,
                reason="about to be told" if found.tellings else found.why,
                again=found.due if alert.ended is None else found.again,
            )
            for route, before, found in self._plans(alert, known, about, work)
        ]
        none = "no route takes it" if self.policy.channels else "there are no channels"
        return found or [Why(route="", reason=none)]

    def lapse(self, alert: Alert, known: Facts, work: Work) -> Lapse:
        """Say whether who has an alert has it no more."""
        holds, zone = self.policy.holds, self.policy.zone
        return lapse(alert, known, holds, zone=zone, now=work.now, trusted=work.trusted)

    def _plans(
        self, alert: Alert, known: Facts, about: About, work: Work
    ) -> Iterator[tuple[Route, Told | None, Plan]]:
        """Yield each route that takes the alert or has told of it, what it had told, and its plan.

        They are planned one after the other: a channel hears of it by the first alone.
        """
        stored = self._ledger.of(alert.id)
        told = dict(stored)
        rounds = [one.round for one in told.values()]
        if alert.ended is None and any(one.over for one in told.values()):
            again = max(rounds) + 1
            rounds.append(again)
            told = {
                name: begun_again(one, again) if one.over else one for name, one in told.items()
            }
        takes = taking(alert, about, self.policy.routes, self.policy.channels)
        names = {one.name for one in takes}
        left = {each for name, one in told.items() if name not in names for each in one.channels}
        for route in (*takes, *self._others(names, told)):
            others = [one for name, one in told.items() if name != route.name]
            now = self._situation(alert, known, about, route, others, work)
            now = now._replace(takes=route.name in names, left=frozenset(left))
            left.difference_update(route.reached())
            before = told.get(route.name) or Told(round=max(rounds, default=0))
            found = plan(before, now, route)
            told[route.name] = found.told
            yield route, stored.get(route.name), found

    def _others(self, names: set[str], told: Mapping[str, Told]) -> list[Route]:
        """Return routes that have told of an alert which they do not take, or are no more."""
        known = {one.name: one for one in self.policy.routes}
        return [
            known.get(name, Route(name=name, channels=())) for name in told if name not in names
        ]

    def _situation(  # noqa: PLR0913, PLR0917 - what a decision rests on
        self,
        alert: Alert,
        known: Facts,
        about: About,
        route: Route,
        others: Sequence[Told],
        work: Work,
    ) -> Situation:
        muted, by = self._muted(alert, known, about, work.now)
        counts: Counter[str] = Counter()
        for one in others:
            counts |= Counter(one.counts)
        behind = self._hidden(alert, route, work)
        return Situation(
            alert=alert,
            now=work.now,
            holder=known.holder,
            lapse=0 if known.lapsed is None else known.lapsed.number,
            muted=muted,
            muted_by=by,
            behind=behind,
            settle=self._where.interval(alert.device, work.now) + SETTLES,
            elsewhere=frozenset(name for one in others for name in one.channels),
            counts=counts,
            often=self.often.count(same(alert, route.name), work.now) == OFTEN,
            window=self.windows.since(route.name),
            trusted=work.trusted,
        )

    def _muted(self, alert: Alert, known: Facts, about: About, now: int) -> tuple[int | None, str]:
        """Return until when an alert is muted (None: it is not), and by whom."""
        worked_on = self._maintenance(alert.device, now)
        if worked_on is not None:
            # It mutes by acts too (gateway/hush.py), some moments later.
            return worked_on.until, f"in maintenance by {worked_on.who}: {worked_on.reason}"
        act, standing = known.muted, self._mutes.of(alert, about, now)
        until = 0 if act is None or act.until is None else act.until
        if until > now + LONGEST_MUTE + CLOCK_MOVED:
            # Nobody can have muted it for so long: our clock is behind what it was then.
            act, until = None, 0
        if standing is not None and standing.until > until:
            return standing.until, f"muted by {standing.who}: {standing.reason}"
        return (None, "") if act is None else (until, f"muted by {act.who}: {act.reason}")

    def _hidden(self, alert: Alert, route: Route, work: Work) -> str:
        """Return the dead link that hides an alert from a route, "" where none does.

        It hides it only where all whom this route tells are told of the link, and not some time
        later, when the hours begin of a route that tells of links.
        """
        link = self._links.hider(alert, work.now)
        if link is None:
            return ""
        if link.id not in work.covered:
            takes = taking(
                link, self._about(link, work.now), self.policy.routes, self.policy.channels
            )
            lists = [one.channels for one in takes if self._tells(one, work)]
            lists += [one.channels for one in self._ledger.of(link.id).values() if not one.over]
            work.covered[link.id] = frozenset(name for one in lists for name in one)
        return link.channel if work.covered[link.id].issuperset(route.channels) else ""

    @staticmethod
    def _tells(route: Route, work: Work) -> bool:
        return route.hours is None or not work.trusted or route.hours.applies(work.now)

    def _about(self, alert: Alert, now: int) -> About:
        about = self._where.about(alert.device, now)
        return self._links.about(alert, about, now) if alert.kind == OWN else about

    def _line(self, alert: Alert, known: Facts, about: About, telling: Telling) -> Line:
        hides = self._links.behind(alert) if alert.kind == OWN else ()
        site = () if hides else about.sites
        goods = () if hides else about.goods
        return Line(
            alert=alert,
            occasion=telling.occasion,
            number=telling.number,
            name=about.name,
            site=", ".join(site),
            goods=", ".join(goods),
            holder=known.holder,
            hides=tuple(map(str, hides)),
        )
