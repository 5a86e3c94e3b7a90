"""`[[listeners]]` and `[clients]`: where sensors connect straight to us, and within what limits."""

from __future__ import annotations

import ssl
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.address import Address, OurCertificate
from gateway.settings.problems import mistake
from gateway.settings.size import Size
from gateway.settings.values import Age, ReadableFile, Section
from rules.duration import DAY, SECOND, Duration


def _check_connect_within(length: int) -> int:
    if not SECOND <= length <= 60 * SECOND:
        raise mistake("a client cannot be awaited so", 'Use "1 s" to "60 s"')
    return length


def _check_packet_size(size: int) -> int:
    if not 1_000 <= size <= 268_435_455:
        raise mistake("MQTT packets cannot be limited so", 'Use "1 kB" to "256 MB"')
    return size


def _check_session_keep(length: int) -> int:
    if length >= (2**32 - 1) * SECOND or length % SECOND:
        raise mistake("MQTT cannot keep a session so", 'Use whole seconds, such as "7 days"')
    return length


class ListenerTls(OurCertificate):
    """The certificate that we show, and whose certificates we accept. All files are PEM."""

    authority: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of the authority that signs clients' certificates. A client that "
        "shows one needs no token: its certificate's common name says who it is.",
        json_schema_extra={"default text": "clients show no certificate"},
    )
    require_certificate: bool = Field(
        default=False, description="Turn away clients that show no certificate."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.require_certificate and self.authority is None:
            raise mistake(
                "require_certificate is true, and no authority says whose certificates are good",
                "Add authority: the file of the authority that signs your clients' certificates",
            )
        context = self.try_out()
        if self.authority is not None:
            try:
                context.load_verify_locations(self.authority)
            except ssl.SSLError:
                raise mistake(
                    f"{self.authority} holds no certificate",
                    "Give the authority's certificate in PEM form: -----BEGIN CERTIFICATE-----",
                ) from None
        return self


class Listener(Address):
    """One port on which sensors connect straight to us."""

    tls: ListenerTls | None = Field(
        default=None,
        description="Speak TLS: a table of `certificate` and what else is needed.",
        json_schema_extra={"default text": "no TLS"},
    )
    port: int = Field(
        default_factory=lambda data: 8883 if data.get("tls") else 1883,
        ge=1,
        le=65535,
        description="Port to listen on.",
        json_schema_extra={"default text": "1883; with TLS 8883"},
    )
    unencrypted: bool = Field(
        default=False,
        description="Needed to listen on a network without TLS: tokens and readings then cross it "
        "in the clear.",
    )
    anonymous: bool = Field(
        default=False,
        description="Let in clients without a user name, on this machine alone. They may speak "
        "for every device and see every alert.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tls is not None and self.unencrypted:
            raise mistake("there is tls, and unencrypted too", "Keep one of them")
        if not self.loopback and self.tls is None and not self.unencrypted:
            raise mistake(
                f"on {self.host} others on the network could read tokens and readings",
                "Make certificates with holdwatch tls init and add tls = { … }, or listen on "
                '"127.0.0.1", or say unencrypted = true if that network is yours alone',
            )
        if self.anonymous and not self.loopback:
            raise mistake(
                f"on {self.host} everybody on the network could speak for every device",
                "Leave anonymous out and give each client its own name: holdwatch device add "
                'NAME; or listen on "127.0.0.1"',
            )
        return self


class Clients(Section):
    """Limits for each who connects to a listener."""

    unknown_devices: Literal["unconfirmed", "refused"] = Field(
        default="unconfirmed",
        description="What becomes of a device that never came over a listener before and that no "
        "credential names in full: `unconfirmed`, it is stored, judged and listed so; `refused`, "
        "its messages wait in the quarantine for `holdwatch device confirm`.",
    )
    packet_size: Annotated[Size, AfterValidator(_check_packet_size)] = Field(
        default=256_000, description="The largest MQTT packet that is read."
    )
    connections: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="So many at the same time, on all listeners together; one credential may have "
        "half of them.",
    )
    connect_within: Annotated[Duration, AfterValidator(_check_connect_within)] = Field(
        default=5 * SECOND,
        description="How long a client may take from its connection to its complete CONNECT, TLS "
        "included.",
    )
    unacknowledged: int = Field(
        default=1_000,
        ge=1,
        le=65_535,
        description="Messages under way from one client (Receive Maximum in MQTT 5). Further ones "
        "are left unread until earlier ones are stored.",
    )
    rate: int = Field(
        default=2_000,
        ge=1,
        le=1_000_000,
        description="Packets a second from one client, ten times as many in a burst; one above "
        "1 kB counts for each kB. Beyond it the client is left unread for a while; nothing is "
        "thrown away.",
    )
    session_keep: Annotated[Age, AfterValidator(_check_session_keep)] = Field(
        default=7 * DAY,
        description="How long the session of a client that is away is kept, if it asks for more.",
    )
