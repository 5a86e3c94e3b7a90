"""One way to the provider and back, of one browser.

The browser keeps a token in a cookie; state, nonce and the PKCE verifier follow from that and from
a secret of this run of the gateway. So nothing is kept here that strangers could fill up, whoever
brings an answer back must be the browser that set out, and the verifier never leaves the gateway.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import NamedTuple

LASTS = 600_000
"""ms in which somebody signs in."""


class Trip(NamedTuple):
    """One way there and back."""

    token: str
    """What the browser keeps."""
    began: int
    """ms since 1970."""
    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier (RFC 7636, S256)."""
        return _text(sha256(self.verifier.encode()).digest())


class Trips:
    """Begins trips, and knows again those that it began."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._over: dict[str, int] = {}
        """Trips that came to an end, until they would be over anyway."""

    def begin(self, now: int) -> Trip:
        """Begin one at `now` (ms since 1970)."""
        return self._made(f"{secrets.token_urlsafe(24)}.{now}", now)

    def known(self, token: str, state: str, now: int) -> Trip | None:
        """Return the trip that a browser comes back from; None if it is none of ours."""
        told, _, sign = token.rpartition(".")
        number = told.rpartition(".")[2]
        if not number.isascii() or not number.isdecimal() or len(number) > 15:
            return None
        trip = self._made(told, int(number))
        same = hmac.compare_digest(trip.token.encode(), token.encode()) and bool(sign)
        fits = hmac.compare_digest(trip.state.encode(), state.encode())
        in_time = 0 <= now - trip.began <= LASTS
        return trip if same and fits and in_time and token not in self._over else None

    def end(self, trip: Trip, now: int) -> None:
        """Let nobody come back from it a second time."""
        self._over = {one: until for one, until in self._over.items() if until > now}
        self._over[trip.token] = trip.began + LASTS

    def _made(self, told: str, began: int) -> Trip:
        token = f"{told}.{self._derived('token', told)}"
        kinds = ("state", "nonce", "verifier")
        return Trip(token, began, *(self._derived(one, token) for one in kinds))

    def _derived(self, what: str, of: str) -> str:
        return _text(hmac.new(self._key, f"{what} {of}".encode(), sha256).digest())


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
