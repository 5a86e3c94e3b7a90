"""Which addresses a webhook may reach: the Internet's, and networks that are allowed by name.

Whoever writes a webhook's address must not reach through us what only we can reach: this machine,
its neighbours, the metadata service of a cloud. So names are resolved here, every address that
comes of it is checked, and the connection goes to one that was, whatever the name says later.

Source: IANA's registries of special-purpose addresses for IPv4 and IPv6; RFC 4291, RFC 6052
(NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP).
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from gateway.aside import aside

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Every address of a host, in the order in which they are tried. Raises OSError."""

_CLOSED = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this machine"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider's customers"),
        ("127.0.0.0/8", "this machine"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "6to4, which may lead anywhere"),
        ("3fff::/20", "for documentation"),
        ("::/128", "this machine"),
        ("::1/128", "this machine"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL = IPv6Network("2000::/3")
"""All that is given to anybody on the Internet; the rest of IPv6 is nobody's or special."""
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


class ForbiddenError(Exception):
    """An address must not be reached. The text says which, and what it is."""


def meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address carries, where that is where it leads."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    number = int(address)
    inside = number & 0xFFFFFFFF
    if address in _NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(inside)
    return address


def forbidden(address: Address, allowed: Sequence[Network] = ()) -> str:
    """Return why an address must not be reached, "" if it may."""
    if is_allowed(address, allowed):
        return ""
    inner = meant(address)
    for network, what in _CLOSED:
        if inner in network or address in network:
            return what
    if isinstance(inner, IPv6Address) and inner not in _GLOBAL:
        return "reserved"
    return ""


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether an address lies in a network that is allowed by name."""
    plain = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((plain or address) in network for network in allowed)


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver. Raises OSError."""
    # By the system, which also reads 0x7f.1 and 2130706433 as addresses: they are checked too.
    found = await aside(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


async def reachable(
    host: str, port: int, allowed: Sequence[Network], *, closed: bool, ask: Resolve = resolve
) -> list[Address]:
    """Return the addresses of a host that may be connected to, all of them checked.

    `closed`: only such as are allowed by name, for a connection that is not encrypted.
    One address that is forbidden forbids the host: a name that leads to the Internet and into this
    house at once is no accident. Raises ForbiddenError, and OSError where there is no such host.
    """
    found: list[Address] = []
    for text in await ask(host, port):
        address = ip_address(text.partition("%")[0])
        why = forbidden(address, allowed)
        if why:
            raise ForbiddenError(f"{host} leads to {address}, which is {why}")
        if closed and not is_allowed(address, allowed):
            raise ForbiddenError(f"{host} leads to {address}, which may be reached by https alone")
        plain = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        found.append(plain or address)
    if not found:
        raise OSError(f"{host} has no address")
    return found
