"""Signing in: out to the provider, and back with a code that is changed for who it is.

Authorization code flow with PKCE, and always with state and nonce (RFC 9700, OpenID Connect Core).
Nothing that the browser brings back is believed: it is the provider's own answer that counts, over
TLS, signed, and for this trip.
"""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import structlog

from gateway.aside import aside
from gateway.oidc.identity import Identity, claim, identity, wanted
from gateway.oidc.provider import Provider, ProviderError
from gateway.oidc.trip import Trip, Trips
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.clock import Clock
    from gateway.oidc.provider import Metadata
    from gateway.settings.oidc import Oidc

log = structlog.get_logger()

Answer = TypeVar("Answer")

PATIENCE = 20.0
"""Seconds that the provider may take in all."""
AT_ONCE = 8
"""Calls to the provider at one moment: each holds a thread for a second or so, or until it gives
up, and strangers can have us ask."""
AGAIN = "Begin again at the login page"
LOCALLY = "Try again later, or log in with a password of this gateway"


class Begun(NamedTuple):
    """A trip that begins: where the browser goes, and what it keeps."""

    url: str
    token: str


class Back(NamedTuple):
    """What a browser brings back in its address."""

    state: str
    code: str
    issuer: str
    error: str


class SignIn:
    """Leads people to one provider, and knows who comes back."""

    def __init__(self, settings: Oidc, clock: Clock, provider: Provider | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._provider = provider or Provider(settings)
        self._trips = Trips()
        self._free = threading.Semaphore(AT_ONCE)

    async def begin(self, *, again: bool = False) -> Begun:
        """Begin a trip; `again`: the provider must ask who it is, whatever it remembers.

        Raises ControlError where the provider cannot be reached.
        """
        self._enter()
        metadata = await self._asked(self._provider.metadata)
        trip = self._trips.begin(self._clock.now())
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.back,
            "scope": " ".join(self._settings.scopes),
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": trip.challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if again else {}),
        }
        there = metadata.authorization_endpoint
        url = f"{there}{'&' if '?' in there else '?'}{urlencode(asked, quote_via=quote)}"
        return Begun(url, trip.token)

    async def finish(self, token: str, back: Back, *, again: bool = False) -> Identity:
        """Return who came back. `token`: of the browser's cookie. Raises ControlError."""
        now = self._clock.now()
        trip = self._trips.known(token, back.state, now)
        if trip is None:
            raise ControlError("this sign-in was not begun here, or is over", AGAIN)
        self._enter()
        self._trips.end(trip, now)
        claims = await self._asked(lambda: self._claims(trip, back, now, again=again))
        return identity(claims, self._settings)

    def _enter(self) -> None:
        """Take a place among those who ask the provider. Raises ControlError."""
        if not self._free.acquire(blocking=False):
            raise ControlError("too many sign in at this moment", "Wait a moment, then retry")

    async def _asked(self, call: Callable[[], Answer]) -> Answer:
        """Return what a call that asks the provider returns, and leave. Raises ControlError."""

        def asking() -> Answer:
            try:
                return call()
            finally:
                # Only now: the thread of one that nobody waits for any more is a thread still.
                self._free.release()

        try:
            async with asyncio.timeout(PATIENCE):
                return await aside(asking)
        except (ProviderError, TimeoutError) as error:
            problem = str(error) or "it does not answer"
            log.warning("the OpenID Connect provider", problem=problem)
            raise ControlError(f"{self._settings.name}: {problem}", LOCALLY) from error

    def _claims(self, trip: Trip, back: Back, now: int, *, again: bool) -> dict[str, Any]:
        """Change the code for who it is. It blocks. Raises ControlError, ProviderError."""
        from gateway.oidc.id_token import (  # noqa: PLC0415 - it loads cryptography, 11 MB
            TokenError,
            check,
            verified,
        )

        metadata = self._provider.metadata()
        self._check_issuer(back, metadata)
        if back.error or not back.code:
            raise ControlError(f"the provider did not let you in ({back.error[:100]})", AGAIN)
        answer = self._exchange(trip, back.code, metadata)
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise ProviderError("it gave no ID token")
        within = (now - trip.began) // 1000 if again else None
        try:
            claims = verified(token, self._provider)
            check(
                claims,
                issuer=self._settings.issuer,
                client=self._settings.client_id,
                nonce=trip.nonce,
                now=now // 1000,
                within=within,
            )
        except TokenError as error:
            log.warning("an ID token was refused", problem=str(error))
            raise ControlError(f"the provider's ID token is refused: {error}", AGAIN) from error
        missing = [one for one in wanted(self._settings) if claim(claims, one) is None]
        if missing and metadata.userinfo_endpoint and isinstance(access, str):
            claims = self._completed(claims, metadata.userinfo_endpoint, access)
        return claims

    def _check_issuer(self, back: Back, metadata: Metadata) -> None:
        """Refuse an answer that names another provider (RFC 9207)."""
        needed = metadata.authorization_response_iss_parameter_supported
        if (back.issuer or needed) and back.issuer != self._settings.issuer:
            raise ControlError("this answer is of another provider", AGAIN)

    def _exchange(self, trip: Trip, code: str, metadata: Metadata) -> dict[str, Any]:
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": settings.back,
            "code_verifier": trip.verifier,
        }
        headers: dict[str, str] = {}
        if settings.secret is None:
            form["client_id"] = settings.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # Each is encoded as in a form before they are put together (RFC 6749, 2.3.1).
            pair = (settings.client_id, settings.secret.get_secret_value())
            text = ":".join(quote(one, safe="") for one in pair)
            headers["Authorization"] = f"Basic {b64encode(text.encode()).decode()}"
        else:
            form["client_id"] = settings.client_id
            form["client_secret"] = settings.secret.get_secret_value()
        return self._provider.post(metadata.token_endpoint, form, headers)

    def _completed(self, claims: Mapping[str, Any], url: str, access: str) -> dict[str, Any]:
        """Add what the provider tells of the person apart; the ID token's own word counts more."""
        more = self._provider.get(url, access)
        if more.get("sub") != claims["sub"]:
            raise ProviderError("it tells of another person than the ID token")
        return {**more, **claims}
