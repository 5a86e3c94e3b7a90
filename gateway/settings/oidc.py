"""`[web.oidc]`: people sign in to the page with their company's account, over OpenID Connect."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationInfo, model_validator

from gateway.settings.problems import mistake
from gateway.settings.secret import secret_of
from gateway.settings.values import Age, ReadableFile, Section
from rules.duration import DAY, HOUR, MINUTE

Role = Literal["viewer", "operator", "quality", "administrator"]
"""As gateway/people has them."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BACK = "/login/oidc/back"
"""Where the provider sends browsers back to."""


def _check_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, fine = None, False
    if parts is None or not fine or re.search(r"[\s\x00-\x1f]", text):
        raise mistake("it is no address", 'Write one such as "https://login.example.org"')
    if parts.username is not None or parts.query or parts.fragment:
        raise mistake("it holds more than an address", "Leave out user, ? and #")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise mistake(
            "over http others could read who signs in, and sign in as them",
            "Write it with https:",
        )
    return text


def _check_page(text: str) -> str:
    text = _check_url(text).rstrip("/")
    if urlsplit(text).path:
        raise mistake(
            "the page stands at the root of its address", "Leave out what follows the host"
        )
    return text


def _check_longest(length: int) -> int:
    if not 5 * MINUTE <= length <= 30 * DAY:
        raise mistake("a login cannot last so", 'Use "5 min" to "30 days"')
    return length


def _check_claim(text: str) -> str:
    if not text or text != text.strip():
        raise mistake("it names no claim", "Write one such as groups, or realm_access.roles")
    return text


Url = Annotated[str, AfterValidator(_check_url)]
Claim = Annotated[str, AfterValidator(_check_claim)]


def _check_domain(text: str) -> str:
    if not re.fullmatch(r"@?[^\s@]+", text):
        raise mistake(f"{text!r} is no domain", 'Write one such as "example.org"')
    return text.lower().lstrip("@")


class Oidc(Section):
    """How people sign in with an account of their company's."""

    issuer: Url = Field(
        description="The provider, exactly as it calls itself: what its "
        "/.well-known/openid-configuration says as issuer."
    )
    page: Annotated[str, AfterValidator(_check_page)] = Field(
        description="Address of this page as people's browsers know it, such as "
        "https://gateway.example.org:8470. Register it at the provider with /login/oidc/back "
        "behind it, as redirect URI."
    )
    client_id: str = Field(min_length=1, description="What the provider calls this gateway.")
    client_secret: SecretStr | None = Field(
        default=None, description="Secret. Better in a file of its own: see `client_secret_file`."
    )
    client_secret_file: ReadableFile | None = Field(
        default=None,
        description="File that holds the secret alone. Make it readable by the gateway's user "
        "only. Without a secret this gateway is a public client, which PKCE alone protects.",
    )
    client_secret_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the secret."
    )
    name: str = Field(
        default="your company's account",
        min_length=1,
        max_length=40,
        description="What the button says: Sign in with …",
    )
    scopes: tuple[str, ...] = Field(
        default=("openid", "profile", "email"), description="What the provider is asked for."
    )
    roles_claim: Claim = Field(
        default="groups",
        description="The claim that `roles` looks at; dots lead into it: realm_access.roles.",
    )
    roles: dict[str, Role] = Field(
        default_factory=dict,
        description='A value of that claim = the role it gives: `{ "cold-chain" = "operator" }`. '
        "Of several the highest counts; it is looked at each time somebody signs in.",
        json_schema_extra={"default text": "none"},
    )
    role: Role | None = Field(
        default=None,
        description="The role of everybody else whom the provider lets in.",
        json_schema_extra={"default text": "nobody else is let in"},
    )
    name_claim: Claim = Field(
        default="preferred_username",
        description="The claim that a person's name here is made of, once, at the first time; "
        "where it is missing, the e-mail address.",
    )
    domains: tuple[Annotated[str, AfterValidator(_check_domain)], ...] = Field(
        default=(),
        description="Only people with an e-mail address of these domains, which the provider has "
        "verified, or of these Google Workspace domains.",
        json_schema_extra={"default text": "any"},
    )
    ca: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signed the provider's certificate.",
        json_schema_extra={"default text": "the system's authorities"},
    )
    local: bool = Field(
        default=True,
        description="Let people in by passwords of this gateway too. With false only its own "
        "administrators may, for the day on which the provider cannot be reached.",
    )
    longest: Annotated[Age, AfterValidator(_check_longest)] = Field(
        default=12 * HOUR,
        description="After so long people sign in again, also if they were never idle: so long "
        "somebody may stay whom the provider lets in no more.",
    )
    _secret: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        self._secret = secret_of(self, "client_secret", info)
        if "openid" not in self.scopes:
            raise mistake("scopes lacks openid", "Add it: without it there is no ID token")
        if not self.roles and self.role is None:
            raise mistake(
                "nobody could sign in",
                'Give roles = { "GROUP" = "operator" }, or role = "viewer" for everybody whom the '
                "provider lets in",
            )
        return self

    @property
    def secret(self) -> SecretStr | None:
        """The secret, from wherever it lay when the settings were read."""
        return self._secret

    @property
    def back(self) -> str:
        """The redirect URI."""
        return self.page + BACK

    def shown(self) -> Oidc:
        """Return what the page may know: no secret."""
        return Oidc.model_construct(
            issuer=self.issuer,
            page=self.page,
            client_id=self.client_id,
            name=self.name,
            local=self.local,
        )
