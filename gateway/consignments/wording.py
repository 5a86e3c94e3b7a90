"""How numbers, times and lengths of time are written in a report."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from devices.reading import QUANTITIES
from rules.duration import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from gateway.consignments.report import Report
    from rules.cargo.verdict import Budget, Cases, Excursion

UNKNOWN, PARTLY = "not known", "known in part"
"""That no sensor told, and that only some of those told that should have."""
NONE = "\N{EN DASH}"
_NEGATIVE = re.compile(r"(?<![^\s(])-(?=\d)")
"""A hyphen that begins a number: neither in an id nor in a date."""
STILL = "not ended"
"""The end of what had not ended when the report was made."""


EARLIEST, LATEST = -62_000_000_000_000, 253_370_000_000_000
"""Times (ms) that a calendar of four digits has in every zone: the years 5 to 9998."""


class Times:
    """Writes times as people at the gateway's place read them."""

    def __init__(self, report: Report) -> None:
        self._zone = ZoneInfo(report.zone)
        verdict = report.verdict
        # Where clocks were changed on the way, only the offset tells one 02:30 from the other.
        ends = (verdict.since, verdict.until)
        self._offset = len({self.local(one).utcoffset() for one in ends}) > 1
        self.note = f"Times are local: {report.zone}" + (
            ", each with its difference from UTC"
            if self._offset
            else f" ({self.local(verdict.until):%Z}, UTC{_offset(self.local(verdict.until))})"
        )
        """Which times they are."""

    def local(self, moment: int) -> datetime:
        """Return a time (ms) in the time zone."""
        # Somebody may have stated that a certificate is good for ever.
        within = min(max(moment, EARLIEST), LATEST)
        return datetime.fromtimestamp(within / 1000, UTC).astimezone(self._zone)

    def minute(self, moment: int | None) -> str:
        """Return a time to the minute: 2026-05-12 06:00."""
        if moment is None:
            return NONE
        local = self.local(moment)
        return f"{local:%Y-%m-%d %H:%M}" + (f" {_offset(local)}" if self._offset else "")

    def span(self, since: int, until: int | None) -> str:
        """Return from when until when, on two lines."""
        end = STILL if until is None else f"to {self.minute(until)}"
        return f"{self.minute(since)}\n{end}"

    def second(self, moment: int) -> str:
        """Return a time to the second with its difference from UTC."""
        local = self.local(moment)
        return f"{local:%Y-%m-%d %H:%M:%S} {_offset(local)}"

    def day(self, moment: int | None) -> str:
        """Return the last local day of what is good until its end."""
        return NONE if moment is None else f"{self.local(moment - 1):%Y-%m-%d}"


def _offset(local: datetime) -> str:
    seconds = round((local.utcoffset() or timedelta()).total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{rest // 60:02d}"


def number(value: float | None, decimals: int = 2) -> str:
    """Return a number as short as it can be said, below 0 with a minus sign and no hyphen."""
    if value is None:
        return NONE
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text.replace("-", "\u2212")


def with_unit(value: float | None, unit: str, decimals: int = 2) -> str:
    """Return a number and its unit, with a space that is not broken between."""
    if value is None:
        return NONE
    return number(value, decimals) + (f"\u00a0{unit}" if unit else "")


def mean_words(value: float | None, unit: str) -> str:
    """Return a number that was worked out and not measured: always with two decimals."""
    if value is None:
        return NONE
    text = f"{value:,.2f}"
    return minus("0.00" if text == "-0.00" else text) + (f"\u00a0{unit}" if unit else "")


def minus(text: str) -> str:
    """Return a sentence of ours with minus signs before numbers below 0, as `number` has them."""
    return _NEGATIVE.sub("\u2212", text)


def length(milliseconds: float) -> str:
    """Return a length of time: 3 days 4 h, 5 h 12 min, 90 s. Below a second it is 0 s."""
    rest = round(abs(milliseconds) / SECOND) * SECOND
    if rest >= 10 * MINUTE:
        rest = round(rest / MINUTE) * MINUTE
    parts = []
    for unit, size in (("day", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}\u00a0{unit}{'s' if unit == 'day' and count > 1 else ''}")
    text = " ".join(parts) or "0\u00a0s"
    return f"\u2212{text}" if milliseconds < 0 and text != "0\u00a0s" else text


def lengths(cases: Cases) -> str:
    """Return a length of time, as far as it is known, and what it may be."""
    return _cases(cases, length(cases.known), length(cases.best), length(cases.worst))


def out_words(one: Excursion) -> str:
    """Return how long something is known to have been out of range, and what nobody knows."""
    told = [length(one.out)]
    told += [f"and {length(one.unknown)} {UNKNOWN}"] if one.unknown else []
    told += [f"and {length(one.partly)} {PARTLY}"] if one.partly else []
    return " ".join(told)


def numbers(cases: Cases, unit: str = "") -> str:
    """Return a number that was worked out, as far as it is known, and what it may be."""
    known, best, worst = (mean_words(one, unit) for one in (cases.known, cases.best, cases.worst))
    return _cases(cases, known, best, worst)


def _cases(cases: Cases, known: str, best: str, worst: str) -> str:
    ends = [
        f"at {name} {text}"
        for name, case, text in (("best", cases.best, best), ("worst", cases.worst, worst))
        if case != cases.known and text != known
    ]
    return ", ".join((known, *ends))


def budget_amount(budget: Budget, amount: float) -> str:
    """Return an amount of a budget in its unit."""
    if budget.unit == "ms":
        return length(amount)
    return f"{number(amount)}\u00a0{'cycle' if amount == 1 else 'cycles'}"


def budget_cases(budget: Budget, cases: Cases) -> str:
    """Return an amount of a budget, as far as it is known, and what it may be."""
    told = (budget_amount(budget, one) for one in (cases.known, cases.best, cases.worst))
    return _cases(cases, *told)


def channel_words(channel: str) -> str:
    """Return a channel as people say it: temperature (return air)."""
    quantity, _, place = channel.partition(".")
    name = quantity.replace("_", " ").capitalize()
    return f"{name} ({place.replace('_', ' ')})" if place else name


def unit_of(channel: str) -> str:
    """Return the unit of a channel."""
    quantity = QUANTITIES.get(channel.partition(".")[0])
    return quantity.unit if quantity is not None else ""


def cut(text: str, longest: int) -> str:
    """Return text that stands elsewhere in full, shortened."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
