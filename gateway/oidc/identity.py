"""Who somebody is by the provider's word: a subject for ever, a name to be called by, a role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.people.person import ROLES
from gateway.refusal import ControlError
from gateway.settings.values import slug

if TYPE_CHECKING:
    from gateway.people.person import Role
    from gateway.settings.oidc import Oidc

LONGEST_NAME = 80


class Identity(NamedTuple):
    """Somebody whom the provider has let in."""

    issuer: str
    subject: str
    """With the issuer this is one person, now and later; names change and go to others."""
    offer: str
    """The name that this person should get here: small letters, digits and hyphens."""
    full_name: str
    role: Role


def wanted(settings: Oidc) -> list[str]:
    """Return the claims that are asked of the user-info endpoint where the ID token lacks them."""
    roles = [settings.roles_claim] if settings.roles else []
    return [*roles, settings.name_claim, *(["email"] if settings.domains else [])]


def identity(claims: Mapping[str, Any], settings: Oidc) -> Identity:
    """Return who this is. Raises ControlError where the settings let nobody such in."""
    _check_domain(claims, settings.domains)
    names = (claim(claims, settings.name_claim), claims.get("email"), claims.get("name"))
    offers = (slug(str(one).partition("@")[0]) for one in names if isinstance(one, str))
    full_name = claims.get("name")
    return Identity(
        issuer=settings.issuer,
        subject=str(claims["sub"]),
        offer=next((one for one in offers if one), "person"),
        full_name=_plain(full_name) if isinstance(full_name, str) else "",
        role=_role(claims, settings),
    )


def claim(claims: Mapping[str, Any], path: str) -> object:
    """Return a claim; where none is called so, dots lead into what is."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _role(claims: Mapping[str, Any], settings: Oidc) -> Role:
    found = claim(claims, settings.roles_claim)
    values: Iterable[object] = found if isinstance(found, list) else [found]
    given = [
        settings.roles[one] for one in values if isinstance(one, str) and one in settings.roles
    ]
    if settings.role is not None:
        given.append(settings.role)
    if not given:
        raise ControlError(
            "your account has no role on this gateway",
            "Ask for one: whoever runs the gateway maps groups to roles, in [web.oidc]",
        )
    return max(given, key=ROLES.index)


def _check_domain(claims: Mapping[str, Any], domains: tuple[str, ...]) -> None:
    if not domains:
        return
    email, verified = claims.get("email"), claims.get("email_verified")
    found = [str(claims.get("hd", "")).lower()]
    # "true" as text is what some providers send.
    if verified is True or verified == "true":
        found.append(str(email).rpartition("@")[2].lower())
    if not any(one in domains for one in found):
        raise ControlError(
            "your account is of no domain that may use this gateway",
            "Sign in with another account; the provider must have verified its e-mail address",
        )


def _plain(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[
        :LONGEST_NAME
    ]
