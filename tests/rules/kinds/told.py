"""What rules tell of a series, in words: "warm-hot firing 60 critical"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devices.reading import EXPIRED, Reading
from rules.duration import MINUTE
from rules.rule import Rule
from rules.transition import Transition
from tests.rules.series import START, engine, readings, rule, several


def live(settings: Mapping[str, object], series: str | Sequence[Reading]) -> list[str]:
    """Judge a series by one rule as it comes: each change, its minute and how grave it is."""
    return by(rule(**settings), series)


def by(judging: Rule, series: str | Sequence[Reading]) -> list[str]:
    """Judge a series by a rule."""
    given = readings(series) if isinstance(series, str) else series
    return [_told(one, judging) for one in engine([judging]).fold(given).transitions]


def _told(one: Transition, judging: Rule) -> str:
    name = one.rule.removeprefix(judging.name).removeprefix("-")
    words = (name, one.kind, f"{(one.at - START) / MINUTE:g}", one.severity)
    return " ".join(word for word in words if word)


def every(minutes: int, *rows: Mapping[str, float]) -> list[Reading]:
    """Return readings of several channels, so many minutes apart; "__" stands for a dot."""
    return [several(number * minutes, **row) for number, row in enumerate(rows)]


def expired(reading: Reading) -> Reading:
    """Return a reading of a device whose calibration has expired."""
    return Reading(
        reading.device,
        reading.at,
        reading.received,
        reading.layout,
        reading.values,
        reading.flags | EXPIRED,
        reading.identity,
        reading.source,
    )
