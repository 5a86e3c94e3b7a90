"""How many requests one asker may make: a bucket for each, which fills with time."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

ASKERS = 10_000
"""Askers that are remembered: the one that asked longest ago is forgotten first."""
STRANGERS = 20
"""Whoever is not logged in has this part of the allowance."""


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
