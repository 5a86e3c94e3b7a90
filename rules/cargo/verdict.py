"""The verdict on a consignment: what was measured, what it means, and what is proposed.

Times are ms since 1970, UTC; lengths are ms; values are in the unit of their quantity. What
nobody knows is shown as two cases: the best, in which all was well meanwhile, and the worst.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from devices.reading import DeviceKey

Proposal = Literal["release", "hold", "reject", "indeterminate"]


class Cases(msgspec.Struct, frozen=True):
    """A number, as far as it is known, and what it can be at best and at worst."""

    known: float
    best: float
    worst: float


class Extreme(msgspec.Struct, frozen=True):
    """A lowest or highest value: which sensor said so, and when."""

    value: float
    when: int
    sensor: DeviceKey


class Statistic(msgspec.Struct, frozen=True, kw_only=True):
    """One channel over the whole voyage. `mean` is weighted by time; None: nothing was heard.

    `mkt` is the mean kinetic temperature, °C, at `energy` kJ/mol, None where it does not apply.
    """

    channel: str
    unit: str
    readings: int
    lowest: Extreme | None
    highest: Extreme | None
    mean: float | None
    known: int
    unknown: int
    partly: int = 0
    """How long (ms) some sensors were heard and others were not that should have been."""
    mkt: Cases | None = None
    energy: float = 83.144


class Band(msgspec.Struct, frozen=True):
    """How long a channel was within `low` ≤ value ≤ `high` (None: open). `label` in words."""

    channel: str
    label: str
    low: float | None
    high: float | None
    time: Cases
    inside: bool
    """Whether it is the range that the goods should be in."""


class Share(msgspec.Struct, frozen=True):
    """A custodian's part of an excursion, ms; `confirmed`: whether custody was."""

    custodian: str
    time: int
    confirmed: bool
    leg: int | None = None


class Excursion(msgspec.Struct, frozen=True, kw_only=True):
    """A time out of range. `end` is None while it lasts.

    Of it something was out for `out` ms; for `unknown` nothing was heard; for `partly` some
    sensors were well, and others were silent that should have been heard.
    """

    number: int
    channel: str
    side: Literal["below", "above"]
    begin: int
    end: int | None
    out: int
    unknown: int
    partly: int = 0
    worst: float
    worst_at: int
    worst_sensor: DeviceKey
    shares: tuple[Share, ...]
    place: str
    """Where it was, in words."""
    alerts: tuple[str, ...]
    """Ids of the alerts of this time and channel."""
    explanation: str
    """What happened, in a sentence, and what people said of its alerts."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Time (ms) or cycles that are allowed, of them carried from before, used and left."""

    rule: str
    unit: Literal["ms", "cycles"]
    allowed: float
    carried: float
    used: Cases
    left: Cases


class Excluded(msgspec.Struct, frozen=True):
    """Readings of a sensor that do not count, and why: at its start, or assigned elsewhere."""

    sensor: DeviceKey
    since: int
    until: int
    readings: int
    reason: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a consignment, from `since` until `until`.

    `reasons` say by which criteria `proposal` is made.
    """

    consignment: str
    profile: str
    version: str
    since: int
    until: int
    statistics: tuple[Statistic, ...]
    bands: tuple[Band, ...]
    budgets: tuple[Budget, ...]
    excursions: tuple[Excursion, ...]
    excluded: tuple[Excluded, ...]
    known: int
    unknown: int
    """How long (ms) of what the goods have a range for nothing was heard: of the channel of which
    least is known."""
    partly: int = 0
    """How long (ms) some of its sensors were heard and others were not, of such a channel."""
    proposal: Proposal
    reasons: tuple[str, ...]
