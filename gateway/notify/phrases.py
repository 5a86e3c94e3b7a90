"""Phrases about one alert: what is wrong, a value with its unit, how long. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.reading import QUANTITIES
from gateway.consignments.reports import REVIEW
from gateway.own_alerts import KIND
from rules.duration import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.notify.message import Occasion
    from rules.alert import Alert

LONGEST = 140
"""Characters of a line such as a subject."""
_MINUS = "\N{MINUS SIGN}"


def what(alert: Alert) -> str:
    """Return what is wrong: Temperature above 8 °C for 60 min."""
    if alert.kind == KIND:
        return f"{alert.channel}: {alert.reason}" if alert.ended is None else alert.channel
    if alert.kind == REVIEW:
        return "What was decided has to be looked at again"
    text = f"{_channel(alert.channel)} {_plain(alert.limit)}".strip()
    return text[:1].upper() + text[1:]


def in_few_words(alert: Alert) -> str:
    """Return value and limit, or what else is wrong: 12.4 °C, limit 8 °C."""
    if alert.kind in {KIND, REVIEW}:
        return what(alert)
    given = value(alert, alert.worst if alert.last is None or alert.ended else alert.last)
    short = _plain(alert.limit).partition(" for ")[0].rstrip(",")
    if alert.kind == "threshold":
        short = re.sub(r"^(at or )?(above|below) ", "limit ", short)
        short = re.sub(r"^outside ", "limits ", short)
    parts = [given or _channel(alert.channel), short if alert.channel else _plain(alert.limit)]
    if alert.ended and given:
        parts[0] = f"worst {given}"
    return ", ".join(filter(None, parts))


def value(alert: Alert, given: float | None) -> str:
    """Return a value of the alert's with its unit, "" where it has none."""
    if given is None or not alert.channel or alert.kind in {KIND, REVIEW}:
        return ""
    number = f"{given:.1f}" if alert.unit == "°C" else f"{given:g}"
    return f"{number} {alert.unit}".strip().replace("-", _MINUS)


def lasted(length: int) -> str:
    """Return a length of time (ms) as people say it: 3 h 5 min."""
    length = max(0, length)
    if length < MINUTE:
        return f"{length // 1000} s"
    days, rest = divmod(length, DAY)
    hours, minutes = rest // HOUR, rest % HOUR // MINUTE
    parts = ((days, "days" if days > 1 else "day"), (hours, "h"), (minutes, "min"))
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2])


def late(length: int) -> str:
    """Return how much later something is (ms): while it is little, to the second."""
    return f"{length // 1000} s" if length < 2 * MINUTE else lasted(length)


def end(alert: Alert, occasion: Occasion) -> str:
    """Return how an alert ended: over; closed, as nobody knows its end; withdrawn."""
    if occasion == "withdrawn":
        return "withdrawn"
    return "over" if alert.state == "resolved" else "closed"


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return a text without control characters and line ends, not longer than that."""
    line = " ".join(re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", text).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def hidden(devices: Sequence[str]) -> str:
    """Return which devices are not heard because of something else."""
    if not devices:
        return ""
    some = ", ".join(devices[:5])
    more = f" and {len(devices) - 5} more" if len(devices) > 5 else ""
    plural = "devices are" if len(devices) > 1 else "device is"
    return f"{len(devices)} {plural} not heard because of this, and not told of apart: {some}{more}"


def _channel(channel: str) -> str:
    """Return a channel in words: temperature, return air."""
    quantity, _, place = channel.partition(".")
    words = quantity.replace("_", " ") if quantity in QUANTITIES else channel
    return f"{words}, {place.replace('_', ' ')}" if place else words


def _plain(limit: str) -> str:
    """Return a limit as people write it: 8 °C, and not 8.0 °C."""
    return re.sub(r"(\d)\.0(?!\d)", r"\1", limit).replace("-", _MINUS)
