"""Where we listen: an address of this machine and a port, and whether others can reach it."""

from __future__ import annotations

import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, NoReturn, Protocol

from pydantic import AfterValidator, Field

from gateway.settings.problems import mistake
from gateway.settings.values import ReadableFile, Section

LOCALHOST = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


class Place(Protocol):
    """A port of this machine's."""

    @property
    def port(self) -> int:
        """Its number."""
        ...

    @property
    def addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """Where it is."""
        ...


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


def addresses(host: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return a Host as addresses: localhost is two."""
    return LOCALHOST if host == "localhost" else (ip_address(host),)


def is_loopback(host: str) -> bool:
    """Whether this machine alone can connect there."""
    return all(address.is_loopback for address in addresses(host))


def with_port(host: str, port: int) -> str:
    """Return host and port in one: 127.0.0.1:1883, [::1]:1883."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def meet(one: Place, two: Place) -> bool:
    """Whether the two want one port of one address."""
    return one.port == two.port and any(
        a == b or _is_all(a, b) or _is_all(b, a) for a in one.addresses for b in two.addresses
    )


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
