"""What comes and goes: an alert that was told often is told again only once it lasts.

A sensor at its limit, or a door in the wind, begins and ends a hundred times a day; whoever is told
each time soon reads no message any more. Nothing is lost: it stands on the page, its end is told to
whoever heard of its beginning, and what lasts is told. Pure; after a start it is counted anew.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from rules.duration import HOUR, MINUTE, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.alert import Alert

MOST = 5
"""So often within an hour a beginning is told at once."""
LASTS = 10 * MINUTE
"""After so long (ms) a further one is told."""
WHY = (
    f"it comes and goes: told {MOST} times within an hour, and again once it lasts "
    f"{format_duration(LASTS)}"
)


class Same(NamedTuple):
    """What makes two beginnings the same thing to people. What is graver is something else."""

    route: str
    rule: str
    device: str
    channel: str
    severity: str


def same(alert: Alert, route: str) -> Same:
    """Return it of an alert that a route tells."""
    return Same(route, alert.rule, str(alert.device), alert.channel, alert.severity)


class Often:
    """When what was told to begin, within the last hour."""

    def __init__(self) -> None:
        self._told: dict[Same, deque[int]] = {}

    def told(self, beginnings: Iterable[Same], now: int) -> None:
        """Take note of beginnings that were told now (ms)."""
        for one in beginnings:
            self._told.setdefault(one, deque(maxlen=MOST)).append(now)
        for one in [one for one, times in self._told.items() if times[-1] <= now - HOUR]:
            del self._told[one]

    def count(self, one: Same, now: int) -> int:
        """Return how often it was told within an hour, at most MOST."""
        return sum(now - HOUR < when <= now for when in self._told.get(one, ()))

    def shift(self, by: int) -> None:
        """Move the times: our clock was set by so many ms."""
        self._told = {
            one: deque((when + by for when in times), maxlen=MOST)
            for one, times in self._told.items()
        }
