"""Series that a person can read: "4x12 9x13 4" is twelve fours, thirteen nines and a four.

One sample every five minutes from START on. "?" is a value that cannot be true, "-" a
sample that never came; both take "x12" too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from devices.reading import DeviceKey, Layout, Reading, layout, reading
from rules import AnyRule
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.rule import Rule, RuleVersion, current
from rules.transition import Episode, Transition

START = 1_651_449_600_000
"""2022-05-02 00:00 UTC."""
STEP = 5 * MINUTE
REEFER = DeviceKey("acme", "reefer-1")
TEMPERATURE = layout(("temperature",))
INTERVAL = 12 * MINUTE
_rules: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)


def rule(**settings: object) -> Rule:
    """Make a rule from settings; `duration` stands for `for`."""
    if "duration" in settings:
        settings["for"] = settings.pop("duration")
    defaults = {"name": "too-warm", "kind": "threshold"}
    if settings.get("kind", "threshold") == "threshold":
        defaults["channel"] = "temperature"
    return _rules.validate_python({**defaults, **settings})


def at(minutes: float) -> int:
    """Return the time so many minutes after START."""
    return START + int(minutes * MINUTE)


def temperature(
    minutes: float,
    value: float,
    *,
    device: DeviceKey = REEFER,
    sequence: int | None = None,
    flags: int = 0,
    received: int | None = None,
) -> Reading:
    """Make a reading of a temperature, heard two seconds after it was measured."""
    when = at(minutes)
    return reading(
        device=device,
        at=when,
        received=when + 2000 if received is None else received,
        layout=TEMPERATURE,
        values=(value,),
        sequence=sequence,
        flags=flags,
    )


def several(minutes: float, **values: float) -> Reading:
    """Make a reading of several channels; "__" in a name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    channels = tuple(sorted(named))
    kind: Layout = layout(channels)
    return reading(
        device=REEFER,
        at=at(minutes),
        received=at(minutes) + 2000,
        layout=kind,
        values=tuple(named[channel] for channel in channels),
        sequence=None,
    )


def readings(series: str) -> list[Reading]:
    """Return the readings that a series tells of."""
    found: list[Reading] = []
    minutes = 0
    for word in series.split():
        value, _, count = word.partition("x")
        for _ in range(int(count or 1)):
            if value != "-":
                number = math.nan if value == "?" else float(value)
                found.append(temperature(minutes, number))
            minutes += 5
    return found


def engine(rules: Sequence[Rule] | Sequence[RuleVersion], *, calm: bool = True) -> Engine:
    """Return an engine of these rules for devices that send every 12 minutes."""
    versions = [
        found
        for given in rules
        for found in ([given] if isinstance(given, RuleVersion) else current((given,)))
    ]
    return Engine(versions, always(INTERVAL), calm=calm)


def told(alarms: Sequence[Episode | Transition]) -> list[str]:
    """Return alarms as text in minutes: "too-warm 60..120, fired 120, resolved 180"."""
    return [_told(alarm) for alarm in alarms]


def _told(alarm: Episode | Transition) -> str:
    if isinstance(alarm, Transition):
        return f"{alarm.rule} {alarm.kind} {_minutes(alarm.at)}"
    end = "open"
    if alarm.ended_at is not None:
        end = f"{alarm.ended_how} {_minutes(alarm.ended_at)}"
    return f"{_minutes(alarm.begin)} fired {_minutes(alarm.fired_at)} {end}"


def _minutes(when: int) -> str:
    return f"{(when - START) / MINUTE:g}"


def verdicts(settings: Mapping[str, object], series: str) -> list[str]:
    """Judge a series by one rule and return its alarms as text."""
    return told(engine([rule(**settings)]).judge(readings(series)))
