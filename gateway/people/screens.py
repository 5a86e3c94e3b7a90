"""Wall screens that should be connected: one that is dark for too long raises an alert.

The page tells every few seconds which of them hold a connection. What it told is worth
something for a while only: if the page itself is gone, every screen is dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.clock import Clock
    from gateway.own_alerts import OwnAlerts
    from gateway.people.people import People

AWAY = 30_000
"""ms without a connection until the alert: a screen that loads the page again takes seconds."""
GRACE = 60_000
"""ms from our start in which nobody is missed: the page and the screens have to come back first."""
TOLD_FOR = 15_000
"""ms for which the page's word is good; it gives it every 5 s."""


class Screens:
    """Knows which screens are connected, and which should be."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._missed_from = clock.monotonic() + GRACE - AWAY
        self._until: dict[str, int] = {}
        """Until when each screen is connected, or was (monotonic, ms)."""

    def tell(self, names: Collection[str]) -> None:
        """Take the page's word that these screens, and no others, are connected."""
        now = self._clock.monotonic()
        self._until = {name: min(until, now) for name, until in self._until.items()}
        self._until.update(dict.fromkeys(names, now + TOLD_FOR))

    def connected(self) -> set[str]:
        """Return the names of screens that are connected now."""
        now = self._clock.monotonic()
        return {name for name, until in self._until.items() if now < until}

    def expected(self) -> list[str]:
        """Return the names of screens that were connected once, and may be again."""
        return [one.name for one in self._people.screens() if one.seen is not None]

    def check(self, alerts: OwnAlerts) -> None:
        """Raise and clear the alerts about screens."""
        now, expected = self._clock.monotonic(), self.expected()
        alerts.forget("screen", expected)
        for name in expected:
            until = self._until.get(name, 0)
            if now < until:
                alerts.report(f"screen {name}", None)
            elif now - max(until, self._missed_from) >= AWAY:
                alerts.report(f"screen {name}", _problem(name), "warning")


def _problem(name: str) -> str:
    return (
        f"The wall screen {name} is not connected: nobody sees or hears alerts on it. Look at its "
        "power, its network and its browser; if it is gone for good: "
        f"holdwatch screen revoke {name}"
    )
