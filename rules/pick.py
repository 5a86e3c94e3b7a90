"""Which value counts, where a consignment has several sensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from devices.reading import UNUSABLE_SHIFT, Reading
from rules.lifecycle import BREACH, CLEAR, NEUTRAL, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.meter import MeterRule
    from rules.plan import Judged
    from rules.rule import SampleRule

_GRAVITY = {CLEAR: 0, NEUTRAL: 1, UNKNOWN: 2, BREACH: 3}
"""Of several sensors: what is not known of one is worse than what is well, and may be a breach."""


def usable_at(reading: Reading, index: int) -> bool:
    """Say whether a value can be true."""
    return not reading.flags >> (UNUSABLE_SHIFT + index) & 1


def counted(rule: SampleRule, reading: Reading, places: Sequence[int]) -> tuple[float, bool]:
    """Return the value that counts by `rule.counts`, and whether it is usable.

    any: the worst of them; all: the best, since it must be true of each; mean: of all, unknown
    where one is; else that of one slot, as @2.
    """
    values = [(reading.values[one], usable_at(reading, one)) for one in places]
    if len(values) == 1:
        return values[0]
    if rule.counts == "mean":
        if not all(usable for _, usable in values):
            return math.nan, False
        return sum(value for value, _ in values) / len(values), True
    if rule.counts.startswith("@"):
        channels = reading.layout.channels
        named = [one for one in places if channels[one].endswith(rule.counts)]
        return (
            (reading.values[named[0]], usable_at(reading, named[0])) if named else (math.nan, False)
        )

    def gravity(one: tuple[float, bool]) -> tuple[int, float]:
        value, usable = one
        return _GRAVITY[rule.condition(value, usable)], rule.badness(value) if usable else 0.0

    return min(values, key=gravity) if rule.counts == "all" else max(values, key=gravity)


def inputs(rule: MeterRule, reading: Reading, judged: Judged) -> Any:  # noqa: ANN401 - a number, or a tuple of them
    """Return what a meter takes of a reading: NaN where a channel is not carried or unusable."""
    found = []
    for number, channel in enumerate(rule.inputs()):
        places = judged.places[judged.channels.index(channel)]
        if judged.composed and rule.counts.startswith("@"):
            places = tuple(
                one for one in places if reading.layout.channels[one].endswith(rule.counts)
            )
        values = [reading.values[one] if usable_at(reading, one) else math.nan for one in places]
        if not values:
            found.append(math.nan)
        else:
            found.append(values[0] if len(values) == 1 else rule.combine(number, values))
    return found[0] if len(found) == 1 else tuple(found)
