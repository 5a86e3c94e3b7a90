"""What is watched of a device: the limits that it has, and the channels that matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from gateway.excess import NOTABLE
from gateway.web.look import MINUS, amount, unit_of
from rules.kinds.threshold import Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices.reading import DeviceKey
    from gateway.settings import Settings
    from rules.rule import Rule

WORDS = {"temperature": ("too cold", "too warm"), "humidity": ("too dry", "too humid")}
"""How a value is wrong that is too low, and too high."""
SHOWN = ("temperature", "humidity")
"""Quantities that are shown first where no limit says what matters."""
MOST_STEPS = 20
TRENDS = 3
"""Channels of a device whose trend is kept."""


class Limits(NamedTuple):
    """Below the one and above the other is a breach; infinite where there is no limit."""

    low: float = -math.inf
    high: float = math.inf
    bad_at_low: bool = False
    """Whether the limit itself is a breach too."""
    bad_at_high: bool = False

    @classmethod
    def of(cls, rule: Threshold) -> Limits:
        """Return the limits of a rule."""
        return cls(*rule.limits(), bad_at_low=rule.inclusive, bad_at_high=rule.inclusive)

    def narrowed(self, other: Limits) -> Limits:
        """Return of each side the limit that allows less."""
        low, bad_at_low = max((one.low, one.bad_at_low) for one in (self, other))
        high, fine_at_high = min((one.high, not one.bad_at_high) for one in (self, other))
        return Limits(low, high, bad_at_low, not fine_at_high)

    def words(self, channel: str) -> str:
        """Return them as people read them: 2 to 8 °C; "" for none."""
        low, high = _short(self.low, channel), _short(self.high, channel)
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        least = f"{'above' if self.bad_at_low else 'at least'} {low}"
        most = f"{'below' if self.bad_at_high else 'at most'} {high}{_unit(channel)}"
        if math.isinf(self.low):
            return most
        if math.isinf(self.high):
            return f"{least}{_unit(channel)}"
        if self.bad_at_low or self.bad_at_high:
            return f"{least}, {most}"
        return f"{low} to {high}{_unit(channel)}"

    def excess(self, value: float | None, channel: str) -> int:
        """Return how far a value is outside, in steps that double: 0 within, 1 a little, 5 far.

        In steps, so that rows do not change places with every reading.
        """
        if value is None:
            return 0
        by = max(self.low - value, value - self.high) / NOTABLE.get(channel.partition(".")[0], 1.0)
        return min(int(math.log2(1 + by)) + 1, MOST_STEPS) if by > 0 else 0

    def beyond(self, value: float | None, channel: str) -> str:
        """Return how far a value is outside: 3.5 °C too warm; "" where it is not."""
        if value is None:
            return ""
        if self.low <= value <= self.high:
            at_low = self.bad_at_low and value == self.low
            at_high = self.bad_at_high and value == self.high
            return "at its limit" if at_low or at_high else ""
        below, above = WORDS.get(channel.partition(".")[0], ("too low", "too high"))
        # Both as they are written: 8.04 °C is shown as 8.0, which is not beyond 8.
        by = self.low - value if value < self.low else value - self.high
        words = below if value < self.low else above
        return f"{amount(by, channel)}{_unit(channel)} {words}"


def _short(value: float, channel: str) -> str:
    """Return a limit without needless decimals."""
    whole = value.is_integer()
    return f"{value:g}".replace("-", MINUS) if whole else amount(value, channel)


def _unit(channel: str) -> str:
    unit = unit_of(channel)
    return f" {unit}" if unit else ""


class Known(NamedTuple):
    """What the settings say of a device."""

    zone: str
    """Time zone of its place."""
    limits: dict[str, Limits]
    """By channel: the narrowest that any rule sets. Only for channels with a limit."""
    rules: Mapping[str, Rule]

    def shown(self, channels: Sequence[str]) -> str:
        """Return the channel that is shown while all is well, "" where there is none."""
        for one in self.limits:
            if one in channels:
                return one
        for quantity in SHOWN:
            for one in channels:
                if one.partition(".")[0] == quantity:
                    return one
        return channels[0] if channels else ""

    def trends(self, channels: Sequence[str]) -> tuple[str, ...]:
        """Return the channels whose trend is kept."""
        limited = [one for one in self.limits if one in channels]
        first = self.shown(channels)
        return tuple(dict.fromkeys([*limited, *([first] if first else [])]))[:TRENDS]


class Watched:
    """Looks devices up in the settings, each once."""

    def __init__(
        self, settings: Settings, stands_for: Callable[[DeviceKey], Sequence[DeviceKey]]
    ) -> None:
        """`stands_for`: a device and those that it replaced, under whose rules it stands."""
        self._settings = settings
        self._stands_for = stands_for
        self._rules = {one.name: one for one in settings.rules}
        self._known: dict[DeviceKey, Known] = {}
        self._limits: dict[tuple[str, ...], dict[str, Limits]] = {}

    def of(self, device: DeviceKey) -> Known:
        """Return what the settings say of a device."""
        known = self._known.get(device)
        if known is None:
            known = self._known[device] = Known(
                zone=self._settings.zone(device),
                limits=self._limits_of(device),
                rules=self._rules,
            )
        return known

    def forget(self, device: DeviceKey) -> None:
        """Look a device up anew: others stand under its rules, or it under theirs."""
        self._known.pop(device, None)

    def _limits_of(self, device: DeviceKey) -> dict[str, Limits]:
        line = self._stands_for(device)
        watching = tuple(
            rule
            for rule in self._settings.rules
            if isinstance(rule, Threshold) and any(map(rule.matches, line))
        )
        names = tuple(rule.name for rule in watching)
        if names not in self._limits:
            self._limits[names] = _narrowest(watching)
        return self._limits[names]


def _narrowest(rules: Sequence[Threshold]) -> dict[str, Limits]:
    found: dict[str, Limits] = {}
    for rule in rules:
        found[rule.channel] = found.get(rule.channel, Limits()).narrowed(Limits.of(rule))
    return found
