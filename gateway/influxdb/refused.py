"""What a server refused and lies in the dead letters: to be shown, and to be sent again."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from gateway.influxdb.letters import reading_of
from gateway.influxdb.names import alerts_name, cursor_name
from gateway.state import StoredEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from gateway.influxdb.lines import Lines
    from gateway.state import DeadLetter, State

PAGE = 1_000
"""Points that are read and sent again in one go."""
_CHANGING = re.compile(r"'.*'|\d+")
"""What differs between two complaints about the same: the line itself, times, counts."""


class Refused(NamedTuple):
    """A point that a server did not take."""

    number: int
    recorded: int
    """When it was refused (ms)."""
    reason: str
    device: str
    at: int
    """When it was measured, or happened (ms)."""
    what: dict[str, Any]
    """The values of a reading by channel; of an alert its rule and what happened to it."""


class Page(Protocol):
    """Some dead letters of one kind."""

    letters: Sequence[DeadLetter]

    def lines(self, lines: Lines) -> list[bytes]:
        """Return them as lines, as they were sent before."""
        ...

    def read(self) -> Iterator[Refused]:
        """Yield them to be shown."""
        ...


class _Readings:
    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        self.letters = letters
        self._readings = [reading_of(one.body) for one in letters]

    def lines(self, lines: Lines) -> list[bytes]:
        return lines.of_readings(self._readings)

    def read(self) -> Iterator[Refused]:
        for one, reading in zip(self.letters, self._readings, strict=True):
            values = {channel: reading.value(channel) for channel in reading.layout.channels}
            yield Refused(*one[:3], str(reading.device), reading.at, values)


class _Events:
    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        self.letters = letters
        self._events = [msgspec.json.decode(one.body, type=StoredEvent) for one in letters]

    def lines(self, lines: Lines) -> list[bytes]:
        return lines.of_events(self._events)

    def read(self) -> Iterator[Refused]:
        for one, (_, _, event) in zip(self.letters, self._events, strict=True):
            what = {"rule": event.alert.rule, "event": event.kind}
            yield Refused(*one[:3], str(event.alert.device), event.at, what)


def followers(server: str) -> tuple[str, str]:
    """Return by what names the refused readings and alerts of a server are kept."""
    return cursor_name(server), alerts_name(server)


async def refused(state: State, server: str) -> AsyncIterator[Page]:
    """Yield what a server has refused until now: pages of readings, then pages of alerts."""
    readings, alerts = followers(server)
    kinds: tuple[tuple[str, Callable[[Sequence[DeadLetter]], Page]], ...] = (
        (readings, _Readings),
        (alerts, _Events),
    )
    for follower, kind in kinds:
        after = 0
        # No longer than there are some now: what is refused meanwhile waits for its turn.
        for _ in range(0, state.dead_letters().get(follower, 0), PAGE):
            letters = state.letters(follower, after, PAGE)
            if letters:
                yield kind(letters)
                after = letters[-1].number
            await asyncio.sleep(0)


def by_reason(points: Sequence[Refused]) -> list[dict[str, Any]]:
    """Return the reasons, the most common one first, each with its newest point as an example."""
    groups: dict[str, list[Refused]] = {}
    for one in points:
        groups.setdefault(_CHANGING.sub("…", one.reason), []).append(one)
    return [_grouped(group) for group in sorted(groups.values(), key=lambda group: -len(group))]


def _grouped(group: Sequence[Refused]) -> dict[str, Any]:
    """Return what is told of points that were refused for one reason: the newest stands for all."""
    newest = group[-1]
    return {
        "reason": newest.reason,
        "count": len(group),
        "devices": len({one.device for one in group}),
        "first": min(one.at for one in group),
        "last": max(one.at for one in group),
        "refused": newest.recorded,
        "example": {"device": newest.device, "at": newest.at, "what": newest.what},
    }
