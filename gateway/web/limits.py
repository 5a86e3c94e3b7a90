"""How often one asker may ask, and guess: buckets that fill with time, and a short queue."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import structlog

from gateway.listener.attempts import Attempts, origin_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

log = structlog.get_logger()

ASKERS = 10_000
"""Askers that are remembered: the one that asked longest ago is forgotten first."""
STRANGERS = 20
"""Whoever is not logged in has this part of the allowance."""
WAITING = 20
WAITING_EACH = 5
"""Passwords that wait to be compared, in all and from one address."""


class _Bucket(NamedTuple):
    left: float
    at: float


class Limits:
    """Counts requests by asker: a key's name, a login's digest, or an address."""

    def __init__(self, rate: int) -> None:
        """`rate` is in requests a second; twice as many may come at once."""
        self._rate = rate
        self._buckets: OrderedDict[object, _Bucket] = OrderedDict()

    def allow(self, asker: object, now: float, *, stranger: bool = False) -> bool:
        """Count one request; return whether it may be answered. `now`: seconds, never set back."""
        rate = self._rate / STRANGERS if stranger else self._rate
        most = max(2.0 * rate, 10.0)
        known = self._buckets.get(asker)
        left = most if known is None else min(most, known.left + (now - known.at) * rate)
        allowed = left >= 1
        self._buckets[asker] = _Bucket(left - 1 if allowed else left, now)
        self._buckets.move_to_end(asker)
        if len(self._buckets) > ASKERS:
            self._buckets.popitem(last=False)
        return allowed


_TOO_MANY = "Too many wrong passwords came from this address. Wait a minute, then retry."


class Guesses:
    """Holds back who guesses passwords and links, by address."""

    def __init__(self, now: Callable[[], int]) -> None:
        """`now`: ms, never set back."""
        self._now = now
        self._attempts = Attempts()
        self._waiting: Counter[str] = Counter()
        self._one = asyncio.Lock()

    def blocked(self, address: str) -> bool:
        """Whether this address has guessed so often that it has to wait."""
        return self._attempts.blocked(address, self._now() / 1000)

    def failed(self, address: str, how: str, person: str = "") -> None:
        """Count a wrong password or link. `person`: whose, if there is such a person."""
        self._attempts.failed(address, self._now() / 1000)
        log.warning("a login was refused", address=address, how=how, person=person)
        if self.blocked(address):
            log.warning("too many wrong logins: the address has to wait", address=address)

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[str]:
        """Let one password be compared: one at a time, since each takes 64 MiB.

        Gives "", or why this address may not now. It is asked when its turn has come, so that
        guesses that wait beside each other count as well.
        """
        origin = origin_of(address)
        if self._waiting.total() >= WAITING or self._waiting[origin] >= WAITING_EACH:
            yield "Too many are logging in at once. Wait a moment, then retry."
            return
        self._waiting[origin] += 1
        try:
            async with self._one:
                yield _TOO_MANY if self.blocked(address) else ""
        finally:
            self._waiting[origin] -= 1
            if not self._waiting[origin]:
                del self._waiting[origin]
