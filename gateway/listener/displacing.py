"""Two devices with one client id: each that connects ends the connection of the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from gateway.listener.sessions import Key

TIMES = 3
"""So often within WITHIN seconds is no device that has lost its network."""
WITHIN = 60.0
MOST = 1_000
"""Client ids that are watched: those that were displaced last."""


class Rivals(msgspec.Struct, frozen=True):
    """Who throws each other out: a credential, a client id, and from where."""

    principal: str
    client_id: str
    addresses: tuple[str, ...]


class Displacing:
    """Counts how often a connection takes the place of another; times are seconds of any clock."""

    def __init__(self) -> None:
        self._times: dict[Key, deque[tuple[float, str]]] = {}

    def displaced(self, key: Key, by: str, before: str, now: float) -> Rivals | None:
        """Know that a connection from `by` displaced one from `before`.

        Return who they are where it happens again and again.
        """
        times = self._times.pop(key, None) or deque([(now, before)], maxlen=TIMES + 1)
        times.append((now, by))
        self._times[key] = times  # at the end: the oldest go first
        if len(self._times) > MOST:
            del self._times[next(iter(self._times))]
        if len(times) <= TIMES or now - times[1][0] > WITHIN:
            return None
        addresses = tuple(sorted({address for _, address in times}))
        return Rivals(key[0], key[1], addresses)
