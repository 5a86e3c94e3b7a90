"""By which names and addresses other machines reach this one."""

from __future__ import annotations

import fcntl
import re
import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

ALWAYS = ("localhost", "127.0.0.1", "::1")

_GET_ADDRESS = 0x8915
"""SIOCGIFADDR of Linux: an interface's IPv4 address; see netdevice(7)."""
_GLOBAL = 0x00
"""Scope, in /proc/net/if_inet6, of an address that others can reach."""
_TEMPORARY = 0x01
"""Flag there of an address that changes by the hour, so that its owner is not recognised."""
_IF_INET6 = Path("/proc/net/if_inet6")


def own_names() -> tuple[str, ...]:
    """Return host name, host name in the local network, and addresses, each once."""
    host = socket.gethostname().lower()
    short = host.partition(".")[0]
    addresses = [str(one) for one in (*_version_4(), *_version_6())]
    # The kernel takes anything for a host name, such as "(none)"; certificates do not.
    hosts = [host, f"{short}.local"] if re.fullmatch(r"[a-z0-9_.-]+", host) else []
    return tuple(dict.fromkeys([*hosts, *addresses, *ALWAYS]))


def host_name(names: Iterable[str]) -> str | None:
    """Return the first name by which others reach us, None if there are but addresses.

    Small devices often check a name in a certificate and never an address.
    """
    return next((name for name in names if _is_host_name(name)), None)


def _is_host_name(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return name != "localhost" and "*" not in name
    return False


def _version_4() -> Iterator[IPv4Address]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _number, interface in socket.if_nameindex():
            request = struct.pack("256s", interface.encode()[:15])
            try:
                answer = fcntl.ioctl(asking, _GET_ADDRESS, request)
            except OSError:
                continue  # this interface has no IPv4 address
            # A struct ifreq: 16 bytes of name, then family and port (4 bytes), then the address.
            address = IPv4Address(answer[20:24])
            if not address.is_loopback:
                yield address


def _version_6() -> Iterator[IPv6Address]:
    if not _IF_INET6.exists():  # no IPv6 on this machine
        return
    for line in _IF_INET6.read_text(encoding="ascii").splitlines():
        digits, _interface, _prefix, scope, flags, _name = line.split()
        if int(scope, 16) == _GLOBAL and not int(flags, 16) & _TEMPORARY:
            yield IPv6Address(int(digits, 16))
