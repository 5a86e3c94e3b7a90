"""`[web]`: the page and the HTTP API, where they are served and within what limits."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.address import Address, OurCertificate, with_port
from gateway.settings.oidc import Oidc
from gateway.settings.problems import mistake
from gateway.settings.values import Age
from rules.duration import HOUR, MINUTE

PORT = 8470


class WebTls(OurCertificate):
    """The certificate that browsers are shown. All files are PEM."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.try_out()
        return self


def _check_idle(length: int) -> int:
    if length < 5 * MINUTE:
        raise mistake("people would be logged out while they read", 'Use at least "5 min"')
    return length


def _check_tiles(text: str) -> str:
    if not text:
        return text
    parts = urlsplit(text)
    known = all(name in text for name in ("{z}", "{x}", "{y}"))
    if parts.scheme not in {"http", "https"} or not parts.hostname or not known:
        raise mistake(
            f"{text!r} is no address of map tiles",
            "Write one such as https://tiles.example.org/{z}/{x}/{y}.png",
        )
    if set(" ;,'\"") & set(text):
        raise mistake(f"{text!r} holds a sign that no address holds", "Write it percent-encoded")
    return text


class Web(Address):
    """The page and the HTTP API."""

    port: int = Field(default=PORT, ge=1, le=65535, description="Port to listen on.")
    tls: WebTls | None = Field(
        default=None,
        description="Speak TLS: a table of `certificate` and `key`.",
        json_schema_extra={"default text": "no TLS"},
    )
    unencrypted: bool = Field(
        default=False,
        description="Needed to listen on a network without TLS: passwords then cross it in the "
        "clear.",
    )
    oidc: Oidc | None = Field(
        default=None,
        description="People sign in with their company's account, over OpenID Connect: a table, "
        "such as [web.oidc].",
        json_schema_extra={"default text": "by passwords of this gateway alone"},
    )
    idle: Annotated[Age, AfterValidator(_check_idle)] = Field(
        default=12 * HOUR,
        description="Whoever does nothing for so long is logged out. Wall screens never are.",
    )
    rate: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="Requests a second from one API key or one logged-in browser, twice as many "
        "in a burst; beyond it they are refused with 429. Addresses that are not logged in have "
        "a twentieth of it.",
    )
    push_rate: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="Messages a second that one API key may push, twice as many in a burst; beyond "
        "it they are refused with 429.",
    )
    tiles: Annotated[str, AfterValidator(_check_tiles)] = Field(
        default="",
        description="Address of map tiles, with {z}, {x} and {y}, that browsers fetch where they "
        "have internet. Whoever serves them sees which places are looked at.",
        json_schema_extra={"default text": "outlines alone, from this gateway"},
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tls is not None and self.unencrypted:
            raise mistake("there is tls, and unencrypted too", "Keep one of them")
        if not self.loopback and self.tls is None and not self.unencrypted:
            raise mistake(
                f"on {self.host} others on the network could read passwords and take over logins",
                "Make certificates with holdwatch tls init and add tls = { … }, or listen on "
                '"127.0.0.1", or say unencrypted = true if that network is yours alone',
            )
        return self

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - looked up, not bound
        return f"{'https' if self.tls else 'http'}://{with_port(here, self.port)}"
