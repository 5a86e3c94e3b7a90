"""Fault 13: a webhook reaches nothing that only this machine can reach."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.notify.addresses import ForbiddenError, forbidden, reachable

NASTY = [
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "2606:4700::5efe:10.0.0.1",
    "2606:4700::200:5efe:127.0.0.1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
FINE = [
    "1.1.1.1",
    "93.184.216.34",
    "172.32.0.1",
    "192.0.1.1",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
]


@pytest.mark.parametrize("address", NASTY)
def test_what_only_this_machine_can_reach_is_forbidden(address: str) -> None:
    assert forbidden(ip_address(address))


@pytest.mark.parametrize("address", FINE)
def test_the_internet_may_be_reached(address: str) -> None:
    assert forbidden(ip_address(address)) == ""


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_whatever_it_is_wrapped(address: object) -> None:
    plain = forbidden(ip_address(str(address)))
    for wrap in ("::ffff:{}", "64:ff9b::{}"):
        assert bool(forbidden(ip_address(wrap.format(address)))) == bool(plain)


@given(st.ip_addresses())
def test_what_python_does_not_hold_for_public_is_forbidden(address: object) -> None:
    one = ip_address(str(address))
    if one.is_loopback or one.is_private or one.is_link_local or one.is_multicast:
        assert forbidden(one)


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("64:ff9b::10.1.2.3", False),
        ("127.0.0.1", False),
    ],
)
def test_what_is_allowed_is_allowed_and_nothing_beside_it(address: str, *, fine: bool) -> None:
    allowed = [ip_network("10.1.0.0/16")]
    assert (forbidden(ip_address(address), allowed) == "") is fine


async def names(*addresses: str) -> list[str]:
    return list(addresses)


async def test_one_forbidden_address_forbids_the_name() -> None:
    with pytest.raises(ForbiddenError, match=r"leads to 127\.0\.0\.1, which is this machine"):
        await reachable("x", 443, (), closed=False, ask=lambda *_: names("1.1.1.1", "127.0.0.1"))


async def test_without_encryption_only_what_is_allowed_is_reached() -> None:
    allowed = [ip_network("10.0.0.0/8")]
    assert await reachable("x", 80, allowed, closed=True, ask=lambda *_: names("10.0.0.5"))
    with pytest.raises(ForbiddenError, match="may be reached by https alone"):
        await reachable("x", 80, allowed, closed=True, ask=lambda *_: names("1.1.1.1"))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost"])
async def test_other_spellings_of_this_machine_are_seen_through(host: str) -> None:
    with pytest.raises(ForbiddenError, match="which is this machine"):
        await reachable(host, 443, (), closed=False)


async def test_a_zone_behind_an_address_changes_nothing() -> None:
    with pytest.raises(ForbiddenError, match="link-local"):
        await reachable("x", 443, (), closed=False, ask=lambda *_: names("fe80::1%eth0"))
