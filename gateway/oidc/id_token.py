"""The ID token: that the provider signed it, for us, now, and for this very sign-in.

OpenID Connect Core 1.0, 3.1.3.7; RFC 8725 on what goes wrong with such tokens.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.oidc.provider import Provider

KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""Signatures that are taken, each with its type of key alone: never `none`, and none by a secret,
for which a public key could be given out."""
SKEW = 90
"""Seconds by which the provider's clock and ours may differ."""
OLDEST = 600
"""Seconds since a token was made: it comes straight from the provider."""
SLACK = 10
"""Seconds between a password's typing and the token that tells of it."""
LONGEST_SUBJECT = 255


class TokenError(Exception):
    """The ID token cannot be trusted. The message says why."""


def verified(token: str, provider: Provider) -> dict[str, Any]:
    """Return what a token says, if the provider signed it. Raises TokenError, ProviderError.

    It blocks: keys that are not known are asked for.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise TokenError(f"it is no signed token ({error})") from error
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise TokenError(f"it is signed by {algorithm!r}, which is not taken")
    wrong: Exception | None = None
    for anew in (False, True):
        for key in _fitting(provider.keys(anew=anew), algorithm, header.get("kid")):
            try:
                claims = jwt.decode(
                    token,
                    key=jwt.PyJWK(key, algorithm),
                    algorithms=[algorithm],
                    options=_SIGNATURE_ALONE,
                )
            except (jwt.PyJWTError, ValueError, TypeError) as error:
                wrong = error
                continue
            return dict(claims)
    if wrong is None:
        raise TokenError("it is signed by a key that the provider does not name")
    raise TokenError(f"its signature is not good ({wrong})")


_SIGNATURE_ALONE: Any = {
    "verify_signature": True,
    "enforce_minimum_key_length": True,
    # Looked at below, by a clock that is told.
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False),
    **dict.fromkeys(("verify_iss", "verify_sub", "verify_jti"), False),
}


def _fitting(keys: list[dict[str, Any]], algorithm: str, identity: object) -> list[dict[str, Any]]:
    return [
        one
        for one in keys
        if one.get("kty") == KEY_TYPES[algorithm]
        and one.get("use", "sig") == "sig"
        and one.get("alg", algorithm) == algorithm
        and (identity is None or one.get("kid") == identity)
    ]


def check(  # noqa: PLR0913 - what it is held against
    claims: Mapping[str, Any],
    *,
    issuer: str,
    client: str,
    nonce: str,
    now: int,
    within: int | None = None,
) -> None:
    """Raise TokenError unless a token is for us and for this sign-in. `now`: s since 1970.

    `within`: the person must have signed in so many seconds before the token was made, or later.
    """
    _check_parties(claims, issuer, client)
    if now - SKEW >= _time(claims, "exp"):
        raise TokenError("it has expired, or this gateway's clock is ahead")
    made = _time(claims, "iat")
    if made > now + SKEW or ("nbf" in claims and _time(claims, "nbf") > now + SKEW):
        raise TokenError("it is not good yet, or this gateway's clock is late")
    if made < now - OLDEST - SKEW:
        raise TokenError("it is old, or this gateway's clock is ahead")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise TokenError("it is of another sign-in (nonce)")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise TokenError("it names nobody (sub)")
    if within is None:
        return
    # Both times are of the provider's clock, so that ours need not agree with it.
    if made - _time(claims, "auth_time") > within + SLACK:
        raise TokenError("the provider did not ask who you are again (auth_time)")


def _check_parties(claims: Mapping[str, Any], issuer: str, client: str) -> None:
    if claims.get("iss") != issuer:
        raise TokenError(f"it is of {claims.get('iss')!r}, and not of {issuer}")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client not in audiences:
        raise TokenError("it is for somebody else (aud)")
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client:
        raise TokenError("it was made for somebody else (azp)")


def _time(claims: Mapping[str, Any], name: str) -> float:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TokenError(f"it lacks a time ({name})")
    return found
