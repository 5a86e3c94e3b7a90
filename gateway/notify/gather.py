"""What one look at the alerts tells, put together: one message for each channel of each route.

Its id follows from what it tells, so that the same is never two messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.notify.message import Line, Message, message_id
from gateway.own_alerts import GRAVITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.notify.plan import Told


MOST = 1_000
"""Alerts in one message, about 1 MB as JSON: more than that many services refuse for good."""


class Windows:
    """Since when each route gathers (ms)."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}

    def since(self, route: str) -> int | None:
        """Return since when a route gathers, None while nothing of it waits."""
        return self._since.get(route)

    def join(self, route: str, told: Told) -> None:
        """Take note of what waits, if it does."""
        if told.waits is not None:
            self._since.setdefault(route, told.waits)

    def close(self, now: int, gather: dict[str, int]) -> None:
        """Forget those whose time is over: what comes from now on waits for others of its own."""
        for route, since in list(self._since.items()):
            if since + gather.get(route, 0) <= now:
                del self._since[route]

    def shift(self, by: int) -> None:
        """Move them: our clock was set by so many ms."""
        self._since = {route: since + by for route, since in self._since.items()}


class Gathered:
    """Lines for channels."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], list[Line]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, route: str, channel: str, line: Line) -> None:
        """Have a channel told."""
        self._lines.setdefault((route, channel), []).append(line)

    def messages(self, now: int) -> Iterator[Message]:
        """Yield what goes out, made at `now` (ms); the gravest lines first."""
        for (route, channel), lines in self._lines.items():
            lines.sort(key=lambda one: (GRAVITY[one.alert.severity], one.alert.began, one.alert.id))
            for first in range(0, len(lines), MOST):
                some = lines[first : first + MOST]
                told = ((one.alert.id, one.occasion, one.number) for one in some)
                yield Message(
                    id=message_id(channel, told),
                    channel=channel,
                    made=now,
                    route=route,
                    lines=tuple(some),
                )
