"""Who guesses has to wait, also who guesses many at once; others do not."""

from __future__ import annotations

import asyncio

import structlog

from gateway.listener.attempts import AT_ONCE
from gateway.web.limits import WAITING, WAITING_EACH, Guesses

SOMEBODY, OTHER = "192.0.2.7", "198.51.100.1"


async def guess(guesses: Guesses, address: str = SOMEBODY) -> str:
    """Show a wrong password; return why it was not compared."""
    async with guesses.turn(address) as refused:
        if not refused:
            await asyncio.sleep(0)
            guesses.failed(address, "password")
        return refused


async def test_guesses_that_wait_beside_each_other_count() -> None:
    guesses = Guesses(lambda: 0)
    for _ in range(AT_ONCE - 1):
        await guess(guesses)
    told = await asyncio.gather(*(guess(guesses) for _ in range(WAITING_EACH)))
    assert [one.partition(".")[0] for one in told] == [
        "",
        *["Too many wrong passwords came from this address"] * (WAITING_EACH - 1),
    ]
    assert not await guess(guesses, OTHER)


async def test_few_wait_from_one_address_and_others_still_may() -> None:
    guesses = Guesses(lambda: 0)
    told = await asyncio.gather(*(guess(guesses) for _ in range(80)), guess(guesses, OTHER))
    assert sum(not one for one in told[:-1]) == WAITING_EACH
    assert not told[-1]
    assert not await guess(guesses)  # those who waited are gone


async def test_few_wait_in_all() -> None:
    guesses = Guesses(lambda: 0)
    told = await asyncio.gather(*(guess(guesses, f"192.0.2.{number}") for number in range(50)))
    assert sum(not one for one in told) == WAITING


async def test_addresses_of_one_customer_wait_together() -> None:
    guesses = Guesses(lambda: 0)
    told = await asyncio.gather(*(guess(guesses, f"2001:db8::{number}") for number in range(50)))
    assert sum(not one for one in told) == WAITING_EACH


async def test_refused_logins_are_in_the_log_without_what_was_typed() -> None:
    guesses = Guesses(lambda: 0)
    with structlog.testing.capture_logs() as logged:
        for _ in range(AT_ONCE):
            guesses.failed(SOMEBODY, "password", "anna")
    assert logged[0] == {
        "event": "a login was refused",
        "log_level": "warning",
        "address": SOMEBODY,
        "how": "password",
        "person": "anna",
    }
    assert logged[-1]["event"] == "too many wrong logins: the address has to wait"
