"""`[[brokers]]`: the brokers that this gateway joins, and what each may speak for."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationInfo, model_validator

from gateway.mqtt.topic import check_filter
from gateway.mqtt.wire import ProtocolError
from gateway.settings.problems import mistake
from gateway.settings.secret import secret_of
from gateway.settings.values import FilePath, ReadableFile, Section, Slug, check_labels
from rules.duration import DAY, SECOND, Duration


def _check_filter(text: str) -> str:
    try:
        check_filter(text)
    except ProtocolError as error:
        raise mistake(
            error.detail, "A + stands for one whole level, a # for all the rest and comes last"
        ) from error
    return text


def _check_host(text: str) -> str:
    """Return the host, an IPv6 address without its brackets."""
    bare = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    try:
        return str(ip_address(bare))
    except ValueError:
        if not text:
            raise mistake("it is empty", 'Write a name or an address: host = "localhost"') from None
    # What was written is not repeated here: mqtt://USER:PASSWORD@HOST holds a password.
    parts = re.fullmatch(r"(?:\w+://)?(?:[^/]*@)?(\[[^\]/@]+\]|[^:/@\s]+)(?::(\d+))?/?", text)
    if parts is not None and parts[0] == parts[1] and "[" not in text:
        return check_labels(text)
    offer = ""
    if parts is not None:
        port = f" and port = {parts[2]}" if parts[2] else ""
        offer = f': host = "{parts[1].strip("[]")}"{port}'
    raise mistake(
        "it is more than the name or the address of a host",
        f"Write host and port apart, and nothing else into host{offer}",
    )


_TAKEN = frozenset({"bluetooth", "import"})
"""Sources of what comes by no broker: each is given devices of its own."""


def _check_name(text: str) -> str:
    if text in _TAKEN:
        raise mistake(
            f"readings that come by another way carry {text!r} as their source",
            f"Give the broker another name, such as {text}-broker",
        )
    return text


Host = Annotated[str, AfterValidator(_check_host)]
"""Name or address of a host, without anything around it."""
TopicFilter = Annotated[str, AfterValidator(_check_filter)]


def _check_keep_alive(length: int) -> int:
    if not 5 * SECOND <= length <= 65_535 * SECOND or length % SECOND:
        raise mistake("MQTT cannot keep alive so", 'Use whole seconds from "5 s" to "18 h"')
    return length


def _check_expiry(length: int) -> int:
    if not SECOND <= length < 2**32 * SECOND or length % SECOND:
        raise mistake("MQTT cannot keep a session so", 'Use whole seconds, such as "7 days"')
    return length


class Tls(Section):
    """`tls = {}` trusts the authorities that the system trusts."""

    ca: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signed the broker's certificate.",
        json_schema_extra={"default text": "the system's authorities"},
    )
    certificate: ReadableFile | None = Field(
        default=None, description="File (PEM) of our certificate, where the broker asks for one."
    )
    key: ReadableFile | None = Field(
        default=None, description="File (PEM) of our private key, if not in `certificate`."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.key and not self.certificate:
            raise mistake("there is a key without a certificate", "Give both, or neither")
        return self


class Broker(Section):
    """An existing broker that this gateway joins as a client."""

    name: Annotated[Slug, AfterValidator(_check_name)] = Field(
        description="What you call this broker. Readings carry it as their source."
    )
    host: Host = Field(description="Host name or address of the broker.")
    tls: Tls | None = Field(
        default=None,
        description="Speak TLS: a table of `ca`, `certificate` and `key`, all optional.",
        json_schema_extra={"default text": "no TLS"},
    )
    port: int = Field(
        default_factory=lambda data: 8883 if data.get("tls") else 1883,
        ge=1,
        le=65535,
        description="Port of the broker.",
        json_schema_extra={"default text": "1883; with TLS 8883"},
    )
    topics: tuple[TopicFilter, ...] = Field(
        default=("cargo/+/+/readings",),
        min_length=1,
        description="Topic filters to subscribe to. + stands for one level, # for all the rest.",
    )
    client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="MQTT client id. The broker keeps our unread messages under it, so it must "
        "stay the same and be no other client's.",
        json_schema_extra={"default text": "holdwatch-`box`-`name`"},
    )
    username: str | None = Field(default=None, description="User name, where the broker wants one.")
    password: SecretStr | None = Field(
        default=None, description="Password. Better in a file of its own: see `password_file`."
    )
    password_file: FilePath | None = Field(
        default=None,
        description="File that holds the password alone. Make it readable by you only.",
    )
    password_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the password."
    )
    version: Literal["auto", "5", "3.1.1"] = Field(
        default="auto",
        description="MQTT version: `5`, `3.1.1`, or `auto`: 5, and 3.1.1 where the broker knows "
        "no better.",
    )
    keep_alive: Annotated[Duration, AfterValidator(_check_keep_alive)] = Field(
        default=60 * SECOND,
        description="How often at least something is said, so that a dead connection is noticed.",
    )
    session_expiry: Annotated[Duration, AfterValidator(_check_expiry)] = Field(
        default=7 * DAY,
        description="How long the broker shall keep our messages while we are away (MQTT 5; for "
        "3.1.1 the broker alone decides).",
    )
    speaks_for: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="Patterns of the device ids that this broker may speak for. A message about "
        "any other goes to quarantine.",
    )
    publish_alerts: bool = Field(
        default=True,
        description="Publish open alerts there, retained, under `prefix`/alerts/, and at "
        "`prefix`/status whether this gateway is there. The broker must allow us to.",
    )
    home_assistant: bool = Field(
        default=False,
        description="Publish devices and alerts there in the way that Home Assistant discovers by "
        "itself, and the newest state of each under `prefix`/devices/.",
    )
    home_assistant_prefix: str = Field(
        default="homeassistant",
        pattern=r"^[^+#\s/]+(/[^+#\s/]+)*$",
        description="Beginning of the topics that Home Assistant discovers by.",
    )
    owner: str | None = Field(
        default=None,
        description="Whose devices speak here: part of every device's key.",
        json_schema_extra={"default text": "`owner` of [gateway]"},
    )
    _secret: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        self._secret = secret_of(self, "password", info)
        if self._secret is not None and self.username is None:
            raise mistake("there is a password without a username", "Add username")
        return self

    @property
    def secret(self) -> SecretStr | None:
        """The password, from wherever it lay when the settings were read."""
        return self._secret

    @property
    def loopback(self) -> bool:
        """Whether the broker is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
