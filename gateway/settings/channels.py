"""`[[channels]]`: by what people are told of alerts: e-mail, webhooks, MQTT, and apprise."""

from __future__ import annotations

import base64
import binascii
import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    model_validator,
)

from gateway.mqtt.topic import check_topic
from gateway.mqtt.wire import ProtocolError
from gateway.settings.broker import Host
from gateway.settings.problems import mistake
from gateway.settings.secret import secret_of
from gateway.settings.values import Age, FilePath, ReadableFile, Section, Slug, check_labels
from rules.duration import DAY, HOUR, MINUTE, Duration

KEY_BYTES = range(24, 65)
"""Bytes that a webhook's key may have. Source: Standard Webhooks, "Signature scheme"."""


def _check_give_up(length: int) -> int:
    if length < MINUTE:
        raise mistake("nothing is tried again within so short a time", 'Use at least "1 min"')
    return length


def _never(text: object) -> object:
    return "0 s" if text in {"never", "0"} else text


def _web_address(text: str, schemes: frozenset[str], example: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, fine = None, False
    # What was written is not repeated here: it may hold a secret.
    if parts is None or not fine or not text.isascii() or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise mistake("it is no address of a web service", f"Write one such as {example}")
    check_labels(parts.hostname or "")
    if parts.username is not None or parts.fragment:
        raise mistake("it holds more than an address", "Leave out user, password and #")
    return text


def _check_link(text: str) -> str:
    example = 'link = "https://holdwatch.example.org"'
    return _web_address(text, frozenset({"http", "https"}), example).rstrip("/")


def _check_url(text: str) -> str:
    return _web_address(text, frozenset({"http", "https"}), 'url = "https://example.org/alerts"')


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# In ASCII: few mail servers take others (RFC 6531), and what none can take would reach nobody.
_MAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[A-Za-z0-9:.]+\])")
_NAMED = re.compile(r"([^<>\"\\]*)<([^<>]*)>")


def mail_of(text: str) -> tuple[str, str]:
    """Return name and address of "Ann <ann@example.org>"; an address alone has the name "".

    Raises a mistake.
    """
    named = _NAMED.fullmatch(text)
    name, address = (named[1].strip(), named[2]) if named else ("", text)
    if not _MAIL.fullmatch(address) or not name.isprintable():
        raise mistake(
            "it is no address of e-mail",
            'Write "ann@example.org", or "Ann <ann@example.org>" with a name; a domain such as '
            "münchen.example as xn--mnchen-3ya.example",
        )
    return name, address


def _check_mail(text: str) -> str:
    mail_of(text)
    return text


def _check_network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise mistake(
            f"{text!r} is no network ({error})", 'Write one such as "10.0.0.0/8" or "192.168.1.5"'
        ) from None
    widest = 8 if network.version == 4 else 7
    if network.prefixlen < widest:
        raise mistake(
            f"{text!r} is too wide: it opens what nobody means", "Name the network that is meant"
        )
    return text


def _check_topic(text: str) -> str:
    try:
        check_topic(text.encode())
    except ProtocolError as error:
        raise mistake(error.detail, "Write one topic in full, without + and #") from error
    return text


class Channel(Section):
    """A way by which people are told."""

    name: Slug = Field(
        description="What you call this channel. [[routes]] name it, and so does the page."
    )
    kind: str = Field(description="Which kind of channel this is.")
    give_up: Annotated[Duration, AfterValidator(_check_give_up)] = Field(
        default=24 * HOUR,
        description="How long a message is tried that cannot be sent. Then it is given up, which "
        "is kept and shown; not while an alert still stands that it tells of.",
    )
    link: Annotated[str, AfterValidator(_check_link)] | None = Field(
        default=None,
        description="Where whoever is told finds the page: the beginning of links in messages.",
        json_schema_extra={"default text": "the address of [web], where others can reach it"},
    )
    test_every: Annotated[Age, BeforeValidator(_never)] = Field(
        default=90 * DAY,
        description="How often the channel shall be tested by a person. One that was not is "
        'remarked; `"never"` for one that need not be.',
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, in any form in which it is sent."""
        return ()

    @property
    def in_clear(self) -> str:
        """Where a secret or the message itself would cross the network unencrypted, "" if not."""
        return ""


class Email(Channel):
    """E-mail, by a mail server that takes it from us."""

    kind: Literal["email"] = Field(default="email", description="E-mail.")
    host: Host = Field(description="Host name or address of the mail server.")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls`: encrypted after a first word in the clear; `tls`: from the "
        "beginning; `none`: not at all.",
    )
    port: int = Field(
        default_factory=lambda data: {"tls": 465, "none": 25}.get(data.get("tls", ""), 587),
        ge=1,
        le=65535,
        description="Its port.",
        json_schema_extra={"default text": "587; with `tls` 465, with `none` 25"},
    )
    ca: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signed the server's certificate.",
        json_schema_extra={"default text": "the system's authorities"},
    )
    username: str | None = Field(default=None, description="User name, where it wants one.")
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
    sender: Annotated[str, AfterValidator(_check_mail)] = Field(
        alias="from", description='Who it comes from: "Holdwatch <holdwatch@example.org>".'
    )
    to: tuple[Annotated[str, AfterValidator(_check_mail)], ...] = Field(
        min_length=1, max_length=100, description="Who gets it."
    )
    _secret: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        self._secret = secret_of(self, "password", info)
        if (self._secret is None) != (self.username is None):
            raise mistake("username and password belong together", "Give both, or neither")
        if self.ca is not None and self.tls == "none":
            raise mistake("there is a ca, and no TLS", 'Write tls = "starttls" or tls = "tls"')
        return self

    @property
    def secret(self) -> SecretStr | None:
        """The password, from wherever it lay when the settings were read."""
        return self._secret

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password, also as it is sent."""
        if self._secret is None:
            return ()
        word = self._secret.get_secret_value()
        sent = (word, f"\0{self.username}\0{word}")
        return (word, *(base64.b64encode(one.encode()).decode() for one in sent))

    @property
    def in_clear(self) -> str:
        """The password, where there is no TLS and the server is not on this machine."""
        if self.tls != "none" or self._secret is None or _loopback(self.host):
            return ""
        return f"the password goes to {self.host}"


class Webhook(Channel):
    """A web service that gets each message as JSON, signed after Standard Webhooks."""

    kind: Literal["webhook"] = Field(
        default="webhook", description="A web service of somebody else's, or your own."
    )
    url: Annotated[str, AfterValidator(_check_url)] = Field(
        description="Address that messages are posted to. https, unless it lies in a network that "
        "is allowed."
    )
    secret: SecretStr | None = Field(
        default=None,
        description="The key (`whsec_` and 24 to 64 bytes in base64) that messages are signed "
        "with. Better in a file of its own: see `secret_file`.",
    )
    secret_file: FilePath | None = Field(
        default=None, description="File that holds the key alone. Make it readable by you only."
    )
    secret_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the key."
    )
    old_secret: SecretStr | None = Field(
        default=None,
        description="The key before this one. While a receiver changes keys, messages are signed "
        "with both.",
    )
    old_secret_file: FilePath | None = Field(
        default=None, description="File that holds the key before this one."
    )
    old_secret_env: str | None = Field(
        default=None, description="Environment variable that holds the key before this one."
    )
    ca: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signed the service's certificate.",
        json_schema_extra={"default text": "the system's authorities"},
    )
    allow: tuple[Annotated[str, AfterValidator(_check_network)], ...] = Field(
        default=(),
        description='Private networks that the address may lie in, such as ["192.168.1.0/24"]. '
        "Without it only addresses of the Internet are reached.",
    )
    _keys: tuple[SecretStr, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        found = [secret_of(self, name, info) for name in ("secret", "old_secret")]
        if found[0] is None:
            raise mistake(
                "there is no key to sign with",
                "Give secret_file, a file that holds whsec_ and behind it what `openssl rand "
                "-base64 32` prints, and give the same to the service",
            )
        self._keys = tuple(one for one in found if one is not None)
        for one in self._keys:
            key_of(one)
        if self.url.startswith("http:") and not self.allow:
            raise mistake(
                "http is for networks of your own alone",
                "Use https, or name in allow the network that the service is in",
            )
        if self.ca is not None and not self.url.startswith("https:"):
            raise mistake("there is a ca, and no TLS", "Write the url with https:")
        return self

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys to sign with, the present one first."""
        return tuple(key_of(one) for one in self._keys)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks that are allowed."""
        return tuple(ip_network(one) for one in self.allow)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys, and what of the address may be one."""
        parts = urlsplit(self.url)
        told = [one for one in (*parts.path.split("/"), parts.query) if len(one) >= 12]
        told += [one for one in re.split(r"[=&;]", parts.query) if len(one) >= 6]
        return (*(one.get_secret_value() for one in self._keys), *_also_plain(told))


def key_of(secret: SecretStr) -> bytes:
    """Return the bytes of a webhook's key. Raises a mistake."""
    text = secret.get_secret_value().strip()
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith("whsec_") or len(key) not in KEY_BYTES:
        raise mistake(
            "that is no key of a webhook",
            "A key is whsec_ and behind it 24 to 64 random bytes in base64, as `openssl rand "
            "-base64 32` prints them",
        )
    return key


class Mqtt(Channel):
    """A siren, a lamp, or whatever else listens on a broker."""

    kind: Literal["mqtt"] = Field(default="mqtt", description="A topic of a broker.")
    broker: Slug = Field(description="The `name` of one of the [[brokers]].")
    topic: Annotated[str, AfterValidator(_check_topic)] = Field(
        description="The topic that is published to."
    )
    firing: str = Field(
        default="ON",
        description="What is published while any alert stands that was told here. Empty: each "
        "message is published as JSON.",
    )
    resolved: str = Field(
        default="OFF", description="What is published once none of them stands any more."
    )
    retain: bool = Field(
        default=True,
        description="The broker keeps the last one for whoever subscribes later.",
    )


class Apprise(Channel):
    """Whatever the library apprise speaks: a hundred services of messages to phones and chats."""

    kind: Literal["apprise"] = Field(
        default="apprise", description="A service that the library apprise knows."
    )
    url: SecretStr | None = Field(
        default=None,
        description="The service's address as apprise writes it. It holds secrets: better in a "
        "file of its own, see `url_file`.",
    )
    url_file: FilePath | None = Field(
        default=None, description="File that holds the address alone. Make it readable by you only."
    )
    url_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the address."
    )
    _address: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        self._address = secret_of(self, "url", info)
        if self._address is None:
            raise mistake(
                "there is no address of a service",
                "Give url_file, a file that holds one such as ntfys://holdwatch-4711",
            )
        if not re.fullmatch(r"[a-z0-9+.-]+://\S+", self._address.get_secret_value().strip()):
            raise mistake(
                "that is no address as apprise writes it",
                "It begins with the name of a service, as in ntfys://holdwatch-4711; "
                "docs/notifications.md says where they are listed",
            )
        return self

    @property
    def address(self) -> str:
        """The service's address, with the secrets in it."""
        return self._address.get_secret_value().strip() if self._address else ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The address, and every part of it that may be a secret."""
        rest = self.address.partition("://")[2]
        parts = [one for one in re.split(r"[/:@?&=,]", rest) if len(one) >= 6]
        return _also_plain([self.address, rest, *parts]) if rest else ()


def _also_plain(secrets: list[str]) -> tuple[str, ...]:
    """Return parts of an address, also as whoever takes it apart reads them: without %40."""
    return (*secrets, *(one for one in map(unquote, secrets) if one not in secrets))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


KINDS: tuple[type[Email | Webhook | Mqtt | Apprise], ...] = (Email, Webhook, Mqtt, Apprise)
"""Every kind of channel. A new one is a class, a line here, a member of AnyChannel, a line in
gateway/notify/couriers.py."""

AnyChannel = Annotated[Email | Webhook | Mqtt | Apprise, Field(discriminator="kind")]
"""What the settings hold: a channel of the kind that its `kind` names."""
