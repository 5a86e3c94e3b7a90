"""Where we listen: an address of this machine and a port, and whether others can reach it."""

from __future__ import annotations

import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

from pydantic import AfterValidator, Field

from gateway.settings.problems import mistake
from gateway.settings.values import ReadableFile, Section

LOCALHOST = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


def _check_host(text: str) -> str:
    """Return the address, an IPv6 address without its brackets."""
    if text == "localhost":
        return text
    bare = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    try:
        return str(ip_address(bare))
    except ValueError:
        raise mistake(
            f"{text!r} is no address of this machine",
            'Write an IP address, "localhost" for this machine alone, or "0.0.0.0" for all',
        ) from None


Host = Annotated[str, AfterValidator(_check_host)]
"""An IP address of this machine's, or localhost."""


class OurCertificate(Section):
    """The certificate that we show. All files are PEM."""

    certificate: ReadableFile = Field(
        description="File (PEM) of our certificate, and behind it those that lead to its "
        "authority. `holdwatch tls init` makes one."
    )
    key: ReadableFile | None = Field(
        default=None,
        description="File (PEM) of its private key. Make it readable by the gateway's user only.",
        json_schema_extra={"default text": "in `certificate`"},
    )

    def try_out(self) -> ssl.SSLContext:
        """Load it, so that `holdwatch check` finds what is wrong, and not the start at night."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, password=_refuse_passphrase)
        except ssl.SSLError as error:
            raise _unusable(self.certificate, self.key, error) from None
        return context


class Address(Section):
    """Host and port. Each section has a usual port of its own, and may want to know more for it."""

    if TYPE_CHECKING:
        port: int

    host: Host = Field(
        default="127.0.0.1",
        description='Address to listen on: one of this machine\'s, "localhost", or for all of '
        'them "0.0.0.0" (IPv4) or "::" (IPv6 too).',
    )

    @property
    def addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """The host as addresses: localhost is two."""
        return LOCALHOST if self.host == "localhost" else (ip_address(self.host),)

    @property
    def loopback(self) -> bool:
        """Whether this machine alone can connect."""
        return all(address.is_loopback for address in self.addresses)

    @property
    def address(self) -> str:
        """Host and port in one: 127.0.0.1:1883, [::1]:1883."""
        return with_port(self.host, self.port)

    def meets(self, other: Address) -> bool:
        """Whether the two want one port of one address."""
        return self.port == other.port and any(
            one == two or _is_all(one, two) or _is_all(two, one)
            for one in self.addresses
            for two in other.addresses
        )


def with_port(host: str, port: int) -> str:
    """Return host and port in one."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_all(one: IPv4Address | IPv6Address, two: IPv4Address | IPv6Address) -> bool:
    """Whether the first means all addresses, the second among them; :: means IPv4 too."""
    return one.is_unspecified and one.version in {two.version, 6}


def _refuse_passphrase() -> NoReturn:
    # Otherwise ssl would ask for it on the terminal.
    raise mistake(
        "the private key is locked with a passphrase, and nobody is there to type it at a start",
        "Unlock it: openssl pkey -in KEY -out NEW, chmod 600 NEW, and give NEW as key",
    )


def _unusable(certificate: Path, key: Path | None, error: ssl.SSLError) -> Exception:
    if error.reason == "KEY_VALUES_MISMATCH":
        return mistake(
            f"the key {key or certificate} does not belong to the certificate {certificate}",
            "Give the two files that were made together",
        )
    if key is not None and _holds(certificate, "PRIVATE KEY") and _holds(key, "CERTIFICATE"):
        return mistake(
            f"{certificate} holds a key, and {key} a certificate", "Give them the other way round"
        )
    where = f"{certificate} and {key} hold" if key else f"{certificate} holds"
    return mistake(
        f"{where} no certificate with its private key",
        "Both are PEM: -----BEGIN CERTIFICATE-----, and -----BEGIN PRIVATE KEY----- in the file "
        "that key names",
    )


def _holds(path: Path, what: str) -> bool:
    return f"{what}-----".encode() in path.read_bytes()
