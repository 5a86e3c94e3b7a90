"""Failed logins by address: whoever goes on guessing is left unanswered for a while.

Tokens are random, so nobody guesses one. This limits the load and the noise of a client with a
wrong token; behind a router it shares its address, and so this limit, with its neighbours.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

AT_ONCE = 20
"""Failures that an address may have in a row."""
REFILL = 20 / 60
"""Failures a second that are forgiven."""
ADDRESSES = 10_000
"""Addresses that are remembered: the one whose failure lies furthest back is forgotten first."""


class Attempts:
    """A bucket of failures for each address, which leaks."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def blocked(self, address: str, now: float) -> bool:
        """Whether this address has to wait. `now`: seconds, of a clock that is never set."""
        return self._level(origin_of(address), now) > AT_ONCE - 1

    def failed(self, address: str, now: float) -> None:
        """Count a failed login."""
        origin = origin_of(address)
        self._failures[origin] = (min(self._level(origin, now) + 1, AT_ONCE), now)
        self._failures.move_to_end(origin)
        if len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)

    def _level(self, origin: str, now: float) -> float:
        level, last = self._failures.get(origin, (0.0, now))
        return max(0.0, level - (now - last) * REFILL)


def origin_of(address: str) -> str:
    """Return who is meant: an IPv6 customer has a whole /64, and can use any address of it."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        # A socket that takes both names IPv4 addresses so: they are not one customer's.
        return str(found.ipv4_mapped)
    return f"{int(found) >> 64:x}::/64"
