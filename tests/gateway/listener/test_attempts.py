"""Failed logins by address: how many, for how long, and which addresses are one."""

from __future__ import annotations

import pytest

from gateway.listener.attempts import ADDRESSES, Attempts


def fail(attempts: Attempts, address: str, count: int, now: float = 0.0) -> None:
    for _ in range(count):
        attempts.failed(address, now)


def test_twenty_failures_are_free_and_then_one_waits() -> None:
    attempts = Attempts()
    fail(attempts, "192.0.2.1", 19)
    assert not attempts.blocked("192.0.2.1", 0)
    fail(attempts, "192.0.2.1", 1)
    assert attempts.blocked("192.0.2.1", 0)
    assert not attempts.blocked("192.0.2.2", 0)


@pytest.mark.parametrize(("failures", "seconds"), [(20, 3), (500, 3)])
def test_every_three_seconds_one_more_is_free(failures: int, seconds: float) -> None:
    attempts = Attempts()
    fail(attempts, "192.0.2.1", failures)
    assert attempts.blocked("192.0.2.1", seconds - 0.1)
    assert not attempts.blocked("192.0.2.1", seconds + 0.1)
    fail(attempts, "192.0.2.1", 1, seconds + 0.1)
    assert attempts.blocked("192.0.2.1", seconds + 0.2)


def test_after_a_minute_all_is_forgiven() -> None:
    attempts = Attempts()
    fail(attempts, "192.0.2.1", 20)
    fail(attempts, "192.0.2.1", 19, 60.0)
    assert not attempts.blocked("192.0.2.1", 60.0)


@pytest.mark.parametrize(
    ("failed", "asked", "blocked"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:0:1::", "2001:db8:0:0:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.10", False),
        ("", "", True),
    ],
)
def test_which_addresses_are_one(failed: str, asked: str, *, blocked: bool) -> None:
    attempts = Attempts()
    fail(attempts, failed, 20)
    assert attempts.blocked(asked, 0) is blocked


def test_only_so_many_addresses_are_remembered_and_the_stillest_is_forgotten() -> None:
    attempts = Attempts()
    fail(attempts, "192.0.2.1", 20)
    fail(attempts, "192.0.2.2", 20)
    for number in range(ADDRESSES - 2):
        attempts.failed(f"10.{number >> 8}.{number & 255}.1", 0)
    attempts.failed("192.0.2.1", 0)
    attempts.failed("198.51.100.1", 0)
    assert attempts.blocked("192.0.2.1", 0), "it failed again"
    assert not attempts.blocked("192.0.2.2", 0)
    assert len(attempts._failures) == ADDRESSES
