"""The provider: where it is asked what, and by which keys it signs (OpenID Connect Discovery).

What it says of itself is kept for an hour, its keys until one is missing: providers change them.
Everything goes to the addresses that it names, over TLS; no redirect is followed.
"""

from __future__ import annotations

import ssl
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from gateway.settings.oidc import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.oidc import Oidc

TIMEOUT = urllib3.Timeout(connect=4, read=6)
"""Seconds. Whoever signs in waits for it."""
LARGEST = 1_000_000
"""Bytes of an answer."""
KEPT = 3600.0
"""Seconds for which it is not asked again what it says of itself."""
AFTER_FAILURE = 5.0
"""Seconds in which one that failed is not asked again: strangers can have us ask."""


class ProviderError(Exception):
    """The provider cannot be used now, or sent what cannot be right. The message says why."""


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself, as far as we look at it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """One provider. Its methods block: call them on threads."""

    def __init__(self, settings: Oidc) -> None:
        self._settings = settings
        self._one = threading.Lock()
        self._metadata: Metadata | None = None
        self._until = 0.0
        self._failed: tuple[float, str] = (0.0, "")
        self._keys: list[dict[str, Any]] = []

    def metadata(self) -> Metadata:
        """Return what it says of itself. Raises ProviderError."""
        with self._one:
            now = time.monotonic()
            if self._metadata is not None and now < self._until:
                return self._metadata
            if now < self._failed[0]:
                raise ProviderError(self._failed[1])
            try:
                self._metadata = self._discover()
            except ProviderError as error:
                self._failed = (now + AFTER_FAILURE, str(error))
                raise
            self._until = now + KEPT
            return self._metadata

    def keys(self, *, anew: bool = False) -> list[dict[str, Any]]:
        """Return its public keys (JWK). Raises ProviderError."""
        if anew or not self._keys:
            found = self.get(self.metadata().jwks_uri).get("keys")
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise ProviderError("what it names as its keys are none")
            self._keys = found
        return self._keys

    def get(self, url: str, token: str = "") -> dict[str, Any]:
        """Ask for a JSON object. Raises ProviderError."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._ask("GET", url, headers, None)

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """Send a form, and return the JSON object that it is answered by. Raises ProviderError."""
        encoded = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", url, {**headers, **encoded}, urlencode(form).encode())

    def _discover(self) -> Metadata:
        issuer = self._settings.issuer
        said = self.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = msgspec.convert(said, Metadata)
        except msgspec.ValidationError as error:
            raise ProviderError(f"what it says of itself cannot be used ({error})") from error
        if metadata.issuer != issuer:
            # Otherwise one provider could speak for another.
            raise ProviderError(
                f"it calls itself {metadata.issuer!r}, and issuer in [web.oidc] is {issuer!r}"
            )
        for url in (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
            metadata.userinfo_endpoint or issuer,
        ):
            try:
                parts = urlsplit(url)
            except ValueError as error:
                raise ProviderError(f"it wants to be asked at {url!r}, no address") from error
            plain = parts.scheme == "http" and parts.hostname in LOOPBACK
            if parts.scheme != "https" and not (plain and issuer.startswith("http:")):
                raise ProviderError(f"it wants to be asked at {url!r}, without TLS")
        return metadata

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> dict[str, Any]:
        try:
            # A pool of our own: no proxy of the environment, no redirect, no second try.
            with self._open() as pool:
                response = pool.request(
                    method,
                    url,
                    body=body,
                    headers={"Accept": "application/json", **headers},
                    redirect=False,
                    preload_content=False,
                )
                try:
                    said = response.read(LARGEST + 1)
                finally:
                    response.close()
        except (HTTPError, OSError) as error:
            raise ProviderError(f"it cannot be reached ({_short(error)})") from error
        if len(said) > LARGEST:
            raise ProviderError("its answer is too large")
        try:
            answer = msgspec.json.decode(said, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProviderError(f"its answer is no JSON object (HTTP {response.status})") from error
        if response.status != 200:
            words = answer.get("error_description") or answer.get("error") or "no word"
            raise ProviderError(f"it answered {response.status}: {str(words)[:200]}")
        return answer

    def _open(self) -> urllib3.PoolManager:
        context = ssl.create_default_context(cafile=self._settings.ca)
        if self._settings.ca is not None:
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as in mqtt/tls.py
        return urllib3.PoolManager(timeout=TIMEOUT, retries=False, ssl_context=context)


def _short(error: Exception) -> str:
    return str(error).rpartition(": ")[2][:200]
