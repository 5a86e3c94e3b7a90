"""Meters: what a rule looks at where it is not the value itself.

A meter is given the samples of one channel, or of several, in order, and shows a level: the mean
kinetic temperature of a window, how fast the value rises, how often it froze. The rule has a limit
for the level, and the lifecycle is that of any other rule. A meter's state is kept and loaded
with that of the device, so it is small and bounded however long the window is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from rules.rule import SampleRule


class Meter(Protocol):
    """The state of a meter: a `msgspec.Struct`, with `array_like=True` and `gc=False`.

    What it holds must be what msgspec writes: numbers, text, bytes, lists. Taking the same sample
    twice is the engine's business to prevent.
    """

    level: float
    """What it shows since its last sample; NaN where nobody knows."""

    def take(self, when: int, value: Any, hold: int) -> float:  # noqa: ANN401 - see MeterRule.inputs
        """Take a sample and return the level.

        `when`: ms, never before the last. `value`: NaN where it is unknown; where the rule has
        several inputs, a tuple of them. `hold`: how long the sample before spoke at most, ms.
        """
        ...


class MeterRule(SampleRule):
    """A rule about what a meter makes of a channel.

    `condition`, `badness`, `calm` and the limits are about the level: strictly within `calm` no
    level is a breach.
    """

    METER: ClassVar[type]
    """The class of its meters, for reading them back."""

    def meter(self) -> Meter:
        """Return a meter that has seen nothing."""
        raise NotImplementedError

    def waits(self) -> bool:
        """Say that what jumped waits for the next: a false 150 °C would be in a mean for long."""
        return True

    def inputs(self) -> tuple[str, ...]:
        """Return the channels that its meter takes; with several, it takes them as a tuple.

        A sample is taken whenever any of them is heard; one that the message does not carry
        is NaN then, and the meter keeps the last it had as long as that holds.
        """
        return (self.channel,)

    def combine(self, place: int, values: Sequence[float]) -> float:  # noqa: ARG002 - by the input
        """Return what several sensors' values of the input at `place` count as; NaN where unknown.

        Asked only of consignments. Where one of them is not known, neither is the whole.
        """
        if any(math.isnan(one) for one in values):
            return math.nan
        if self.counts == "all":
            return min(values)
        return sum(values) / len(values) if self.counts == "mean" else max(values)

    def unit(self) -> str:
        """Return the unit of the level, for people."""
        raise NotImplementedError
