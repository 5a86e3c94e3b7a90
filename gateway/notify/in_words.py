"""Routes in words, and what became of a message: the same on the page and on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from gateway.settings.channels import Email, Mqtt, Webhook
from rules.duration import format_duration
from rules.only import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.notify.message import Occasion
    from gateway.notify.mutes import Mute
    from gateway.notify.outbox import Fate
    from gateway.settings.channels import AnyChannel
    from gateway.settings.routes import Acknowledgement, Hours, Route

OCCASIONS: dict[Occasion, str] = {
    "fired": "began",
    "severity": "became graver",
    "repeated": "still stands, and nobody has it",
    "escalated": "nobody took it: the next step",
    "lapsed": "nobody has it any more",
    "resolved": "is over",
    "withdrawn": "never was",
    "shown": "stands, now that its link is well again",
}
FATES: dict[Fate, tuple[str, str]] = {
    "waiting": ("pending", "waits"),
    "sent": ("ok", "sent"),
    "refused": ("critical", "refused"),
    "given up": ("critical", "given up"),
    "superseded": ("unknown", "needless by a later one"),
}
"""The state whose shape and colour a message has, and the word beside it."""
KINDS = {
    "email": "e-mail to",
    "webhook": "web service at",
    "mqtt": "MQTT, topic",
    "apprise": "by apprise:",
}
"""What stands before whom a channel reaches."""
FROM = {"info": "Every alert", "warning": "Warnings and worse", "critical": "Critical alerts"}


class RouteInWords(NamedTuple):
    """A route as people read it."""

    name: str
    which: str
    """Which alerts it takes: "Warnings and worse, at Warehouse 2, 06:00 to 22:00"."""
    whom: tuple[str, ...]
    """Who is told and when: "office at once", "duty after 15 min if nobody has it"."""
    more: tuple[str, ...] = ()
    """What else there is to know of it, in sentences."""

    @property
    def sentence(self) -> str:
        """Return all of it as one paragraph."""
        return " ".join([f"{self.which}: {'; '.join(self.whom)}.", *self.more])


def route_in_words(route: Route, channels: Sequence[str]) -> RouteInWords:
    """Return a route in words; `channels`: the names of all, which an empty list stands for."""
    first = route.channels or tuple(channels)
    whom = [f"{_listed(first)} at once" if first else "nobody, as there is no channel"]
    whom += [
        f"{_listed(one.channels)} after {format_duration(one.after)} if nobody has it"
        for one in route.steps
    ]
    if route.repeat is not None:
        whom.append(f"again every {format_duration(route.repeat)} until somebody has it")
    more = []
    if not route.resolved:
        more.append("Its end is not told.")
    if route.gather:
        more.append(f"What happens within {format_duration(route.gather)} is one message.")
    if route.go_on:
        more.append("Further routes are looked at as well.")
    return RouteInWords(route.name, _which(route), tuple(whom), tuple(more))


def lapses(acknowledgement: Acknowledgement) -> str:
    """Return in a sentence when whoever has an alert has it no more."""
    ends = ["it becomes graver"]
    if acknowledgement.shifts:
        ends.append(f"the shift changes ({', '.join(acknowledgement.shifts)})")
    if acknowledgement.longest is not None:
        ends.append(f"{format_duration(acknowledgement.longest)} are over")
    return f"Whoever has an alert has it until {_listed(ends, 'or')}; then people are told again."


def where_to(channel: AnyChannel) -> str:
    """Return whom a channel reaches, without what may be a secret: no path, no token."""
    match channel:
        case Email():
            return ", ".join(channel.to)
        case Webhook():
            return urlsplit(channel.url).netloc
        case Mqtt():
            return f"{channel.topic} on the broker {channel.broker}"
        case _:
            return channel.address.partition("://")[0]


def mute_in_words(mute: Mute) -> str:
    """Return what a mute is about: "reefer-*, at Warehouse 2, by the rule too-warm"."""
    found = [f"of {_listed(mute.devices, 'or')}"] if mute.devices else []
    if mute.sites:
        found.append(f"at {_listed(mute.sites, 'or')}")
    if mute.goods:
        found.append(f"about {_listed(mute.goods, 'or')}")
    if mute.rules:
        found.append(f"by the rule {_listed(mute.rules, 'or')}")
    return ", ".join(found)


def _which(route: Route) -> str:
    found = [FROM[route.severity]]
    if route.devices:
        found.append(f"of {_listed(route.devices, 'or')}")
    if route.sites:
        found.append(f"at {_listed(route.sites, 'or')}")
    if route.goods:
        found.append(f"about {_listed(route.goods, 'or')}")
    if route.rules:
        found.append(f"by the rule {_listed(route.rules, 'or')}")
    if route.hours is not None:
        found.append(_hours(route.hours))
    return ", ".join(found)


def _hours(hours: Hours) -> str:
    days = ""
    if set(hours.days) != set(WEEKDAYS):
        days = _days([one for one in WEEKDAYS if one in hours.days])
    times = f"{hours.start} to {hours.end}" if hours.start != hours.end else ""
    zone = f"({hours.timezone})" if hours.timezone is not None and times else ""
    return " ".join(filter(None, (days, times, zone))) or "at any time"


def _days(days: Sequence[str]) -> str:
    """Return days as people say them: Mon to Fri; Mon, Wed."""
    first, last = WEEKDAYS.index(days[0]), WEEKDAYS.index(days[-1])
    names = [one.capitalize() for one in days]
    if len(days) > 2 and last - first + 1 == len(days):
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)


def _listed(names: Iterable[str], word: str = "and") -> str:
    *some, last = names
    return f"{', '.join(some)} {word} {last}" if some else last
