"""The words of a message, in plain English: what, where, since when, how bad, and what to do.

Pure: nothing is looked up. `letter.py` makes text and HTML of it.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from gateway.excess import excess
from gateway.notify.often import LASTS, MOST
from gateway.notify.phrases import (
    LONGEST,
    end,
    hidden,
    in_few_words,
    lasted,
    late,
    one_line,
    value,
    what,
)
from gateway.own_alerts import GRAVITY, KIND
from rules.duration import MINUTE, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import DeviceKey
    from gateway.notify.message import Line, Message
    from rules.alert import Alert

NAMED = 20
"""Alerts that a letter names."""
SITES = 10
"""Sites by which the others are counted."""
LATE = MINUTE
"""ms after which a message says that it comes late."""
OFTEN = (
    f"told {MOST} times within an hour; from now on it is told again only once it lasts "
    f"{format_duration(LASTS)}"
)
OVER = frozenset({"resolved", "withdrawn"})
"""Occasions after which nothing stands any more."""


class Item(NamedTuple):
    """What a message says of one alert."""

    title: str
    gravity: str
    """critical, warning, info; over, once it does not stand any more."""
    facts: tuple[tuple[str, str], ...]
    """What, and its value, in the order in which they are read."""
    link: str


class Words(NamedTuple):
    """A whole message in words."""

    subject: str
    opening: tuple[str, ...]
    items: tuple[Item, ...]
    others: tuple[str, ...]
    """What there is beside the items, counted."""
    closing: tuple[str, ...]
    id: str


class Wording(msgspec.Struct, frozen=True):
    """Puts messages into words. All times are shown as people at the site read them."""

    box: str
    zone: str
    """The gateway's own time zone."""
    zone_of: Callable[[DeviceKey], str]
    link: str = ""
    """Beginning of the page's addresses, "" where nobody knows it."""

    def words(self, message: Message, now: int, named: int = NAMED) -> Words:
        """Return a message in words, as it is sent at `now` (ms since 1970).

        `named`: alerts that it names; of more, only these and the number of the others.
        """
        opening = []
        if now - message.made >= LATE:
            opening.append(
                f"This comes late: made {self._at(message.made, now, None)}, "
                f"sent {late(now - message.made)} late."
            )
        if message.test:
            opening.insert(0, f"This is a test of the channel {message.channel}, and no alarm.")
            opening.append(f"{message.test} asked for it. Nothing has to be done.")
        lines = sorted(message.lines, key=_worst_first)
        if len(lines) > 1:
            opening.append(f"{_counted(lines)}.")
        return Words(
            self.subject(message),
            tuple(opening),
            tuple(self.item(line, message.made, now) for line in lines[:named]),
            tuple(_others(lines[named:])),
            (f"Holdwatch on {self.box}", f"Message {message.id}"),
            message.id,
        )

    def subject(self, message: Message) -> str:
        """Return the message in one line, the worst first, for the lock screen of a phone."""
        if message.test:
            return f"TEST of the channel {message.channel} of Holdwatch on {self.box}"
        lines = sorted(message.lines, key=_worst_first)
        if not lines:
            return f"Holdwatch on {self.box}"
        first = self._in_short(lines[0], message.made)
        if len(lines) == 1:
            return one_line(first)
        standing = sum(line.occasion not in OVER for line in lines)
        ended = _ended(lines if standing else lines[1:])
        if len(lines) <= 3 or standing < 2:
            rest = ", ".join([f"{standing - 1} more"] * (standing > 1) + ended)
            # However long the first is, it is said that there are others.
            return f"{one_line(first, LONGEST - len(rest) - 6)}, and {rest}"
        return one_line(f"{', '.join([f'{standing} ALERTS', *ended])}, worst: {first}")

    def _in_short(self, line: Line, made: int) -> str:
        alert, name = line.alert, _name(line)
        if line.occasion == "withdrawn":
            return f"WITHDRAWN {name}: {what(alert)} was no alarm"
        if line.occasion == "resolved":
            length = lasted((alert.ended or made) - alert.began)
            over = "OVER" if alert.state == "resolved" else "CLOSED"
            return f"{over} {name}: {in_few_words(alert)}, after {length}"
        word = alert.severity.upper()
        before = {
            "repeated": f"STILL {word}",
            "escalated": f"{word}, nobody took it:",
            "lapsed": f"{word}, nobody has it:",
            "severity": f"NOW {word}",
        }.get(line.occasion, word)
        since = self._at(alert.began, made, alert.device)
        return f"{before} {name} {in_few_words(alert)}, since {_without_zone(since)}"

    def item(self, line: Line, made: int, now: int) -> Item:
        """Return what there is to say of one alert, as it stood when the message was made."""
        alert = line.alert
        over = line.occasion in OVER
        return Item(
            one_line(f"{_headline(line)}: {_name(line)}"),
            "over" if over else alert.severity,
            tuple((key, one_line(value, 500)) for key, value in self._facts(line, made, now)),
            self.address(alert.id),
        )

    def address(self, alert: str) -> str:
        """Return where the page shows an alert, "" where nobody knows the page."""
        return f"{self.link}/alerts/{quote(alert, safe='')}" if self.link else ""

    def _facts(self, line: Line, made: int, now: int) -> Iterable[tuple[str, str]]:
        alert = line.alert
        facts = [
            ("What", what(alert)),
            ("Where", line.site),
            ("Goods", line.goods),
            *self._course(line, made, now),
            ("Not heard", hidden(line.hides)),
            ("Comes and goes", OFTEN if line.often else ""),
        ]
        if line.occasion not in OVER:
            facts += [("What to do", alert.note), ("Who has it", line.holder or "nobody")]
        facts += [("Told again", _why_again(line)), ("Rule", f"{alert.rule}, alert {alert.id}")]
        return [(key, told) for key, told in facts if told]

    def _course(self, line: Line, made: int, now: int) -> Iterable[tuple[str, str]]:
        """Yield how it went so far, or until its end."""
        alert = line.alert
        ended = alert.ended if line.occasion in OVER else None
        length = lasted((made if ended is None else ended) - alert.began)
        yield "Since", f"{self._at(alert.began, now, alert.device)}, for {length}"
        if ended is not None:
            yield "Over", f"{self._at(ended, now, alert.device)}: {alert.reason}"
        else:
            yield "Last value", self._value_at(alert, alert.last, alert.last_at, now)
        yield "Worst value", self._value_at(alert, alert.worst, alert.worst_at, now)
        if alert.unknown >= MINUTE:
            yield "Unknown", f"for {lasted(alert.unknown)} no usable value came"

    def _value_at(self, alert: Alert, given: float | None, at: int | None, now: int) -> str:
        said = value(alert, given)
        return f"{said}, {self._at(at, now, alert.device)}" if said and at is not None else said

    def _at(self, when: int, now: int, device: DeviceKey | None) -> str:
        """Return a time of a place: 14:05 CET today, with the day on other days."""
        zone = ZoneInfo(self.zone if device is None else self.zone_of(device))
        local, today = (
            datetime.fromtimestamp(one / 1000, UTC).astimezone(zone) for one in (when, now)
        )
        if local.date() == today.date():
            return f"{local:%H:%M %Z}"
        return (
            f"{local:%a %d %b %H:%M %Z}"
            if local.year == today.year
            else f"{local:%d %b %Y %H:%M %Z}"
        )


def _worst_first(line: Line) -> tuple[bool, int, float, int, str]:
    alert = line.alert
    grave = GRAVITY.get(alert.severity, 9)
    return line.occasion in OVER, grave, -excess(alert), alert.began, alert.id


def _name(line: Line) -> str:
    device = line.alert.device
    if line.alert.kind == KIND:
        return f"Gateway {device.id}"
    kind, _, name = device.id.rpartition("/")
    return line.name or f"{kind.capitalize()} {name}".strip()


def _headline(line: Line) -> str:
    word = line.alert.severity.capitalize()
    if line.occasion == "resolved":
        return "Over" if line.alert.state == "resolved" else "Closed"
    if line.occasion == "withdrawn":
        return "Withdrawn, it was no alarm"
    return {"severity": f"Now {word.lower()}", "repeated": f"Still {word.lower()}"}.get(
        line.occasion, word
    )


def _without_zone(when: str) -> str:
    return when.rpartition(" ")[0]


def _why_again(line: Line) -> str:
    return {
        "repeated": f"reminder {line.number}: nobody has it yet",
        "escalated": f"step {line.number}: nobody took it",
        "lapsed": "who had it has it no more",
        "shown": "it was hidden while its link was away; the link is back, and this still stands",
        "severity": "it has become graver",
    }.get(line.occasion, "")


def _counted(lines: Sequence[Line]) -> str:
    """Return how many alerts there are of each gravity: 480 critical, 20 warning, 3 over."""
    words = Counter(line.alert.severity for line in lines if line.occasion not in OVER)
    found = sorted(words.items(), key=lambda one: GRAVITY.get(one[0], 8))
    counted = [f"{number} {word}" for word, number in found]
    return f"{len(lines)} alerts: " + ", ".join(counted + _ended(lines))


def _ended(lines: Sequence[Line]) -> list[str]:
    """Return how many alerts ended, and how: 52 closed."""
    words = Counter(end(line.alert, line.occasion) for line in lines if line.occasion in OVER)
    return [f"{words[one]} {one}" for one in ("over", "closed", "withdrawn") if words[one]]


def _others(lines: Sequence[Line]) -> Iterable[str]:
    if not lines:
        return
    yield f"And {len(lines)} more."
    sites = Counter(line.site or "no site" for line in lines).most_common()
    for site, number in sites[:SITES]:
        yield f"{one_line(site)}: {number}"
    rest = sum(number for _, number in sites[SITES:])
    if rest:
        yield f"other sites: {rest}"
