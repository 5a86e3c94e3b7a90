"""`[[heartbeats]]`: who is told again and again that this gateway is well."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationInfo, model_validator

from gateway.settings.problems import mistake
from gateway.settings.secret import secret_of
from gateway.settings.values import FilePath, ReadableFile, Section, Slug, check_labels
from rules.duration import DAY, MINUTE, SECOND, Duration

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _check_every(length: int) -> int:
    if not 10 * SECOND <= length <= DAY:
        raise mistake("a heart does not beat so", 'Use "10 s" to "1 day"')
    return length


def _check_header(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise mistake(f"{name!r} is no name of a header", 'Write one such as "X-Api-Key"')
    return name


def _check_url(secret: SecretStr) -> None:
    """Refuse what is no address. What was written is not repeated: it is a secret."""
    text = secret.get_secret_value()
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, fine = None, False
    if parts is None or not fine or not text.isascii() or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise mistake(
            "the url is no address of a web service",
            "Write the address that the service shows you: https://hc-ping.com/…",
        )
    check_labels(parts.hostname or "")
    if parts.username is not None or parts.fragment:
        raise mistake(
            "the url holds more than an address", "Leave out user, password and #; see token_file"
        )


class Heartbeat(Section):
    """A service that raises an alarm when it does not hear from this gateway any more."""

    name: Slug = Field(default="heartbeat", description="What you call this service.")
    url: SecretStr | None = Field(
        default=None,
        description="The address to call, such as that of a check at healthchecks.io, of a push "
        "monitor of Uptime Kuma, or of a snitch. Whoever knows it can beat in our place: better "
        "in a file of its own, see `url_file`. Addresses of a private network are right too.",
    )
    url_file: FilePath | None = Field(
        default=None, description="File that holds the address alone. Readable by you only."
    )
    url_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the address."
    )
    every: Annotated[Duration, AfterValidator(_check_every)] = Field(
        default=MINUTE,
        description="How often. Let the service wait for three times as long before its alarm.",
    )
    method: Literal["GET", "POST", "HEAD"] | None = Field(
        default=None,
        description="How it is called.",
        json_schema_extra={"default text": "GET; POST with `with_status`"},
    )
    with_status: bool = Field(
        default=False,
        description="Send along, as JSON, the name of this box and its version, how many alerts "
        "are open by severity, what waits to be judged, and the room left on the disk.",
    )
    token: SecretStr | None = Field(
        default=None,
        description="Token, where the service wants one. Better in a file: see `token_file`.",
    )
    token_file: FilePath | None = Field(
        default=None, description="File that holds the token alone. Readable by you only."
    )
    token_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the token."
    )
    token_header: Annotated[str, AfterValidator(_check_header)] = Field(
        default="Authorization",
        description="Header in which the token is sent: in Authorization behind the word Bearer, "
        "in any other alone.",
    )
    ca: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signed the service's certificate.",
        json_schema_extra={"default text": "the system's authorities"},
    )
    _url: SecretStr = PrivateAttr(default=SecretStr(""))
    _token: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        url = secret_of(self, "url", info)
        if url is None:
            raise mistake("there is no address to call", "Add url_file, or url")
        _check_url(url)
        self._url = url
        self._token = secret_of(self, "token", info)
        token = self._token.get_secret_value() if self._token else "x"
        if not token.isascii() or not token.isprintable() or not token:
            raise mistake("the token holds signs that no token has", "Check token_file")
        if self.ca is not None and not self.address.startswith("https:"):
            raise mistake("there is a ca, and no TLS", "Write the url with https:")
        if self.with_status and self.method in {"GET", "HEAD"}:
            raise mistake(
                f"with_status cannot be sent with {self.method}", 'Use method = "POST", or neither'
            )
        return self

    @property
    def address(self) -> str:
        """The whole address, which is a secret."""
        return self._url.get_secret_value()

    @property
    def host(self) -> str:
        """The part of the address that may be shown."""
        return urlsplit(self.address).netloc

    @property
    def secret(self) -> SecretStr | None:
        """The token, from wherever it lay when the settings were read."""
        return self._token

    @property
    def loopback(self) -> bool:
        """Whether the service is on this machine."""
        host = urlsplit(self.address).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"
