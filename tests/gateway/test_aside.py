"""A call that may hang holds up nobody: not the loop, not the threads that commits need."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.aside import aside


async def test_what_a_call_returns_is_returned() -> None:
    here = threading.get_ident()
    assert await aside(lambda: threading.get_ident() != here)


async def test_what_a_call_raises_is_raised() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await aside(fail)


async def test_calls_that_hang_hold_no_thread_that_others_need() -> None:
    gate = threading.Event()
    hanging = [asyncio.create_task(aside(gate.wait)) for _ in range(50)]
    assert await asyncio.wait_for(asyncio.to_thread(lambda: 5), 10) == 5
    assert not any(one.done() for one in hanging)
    gate.set()
    assert all(await asyncio.gather(*hanging))


async def test_cancelled_it_returns_at_once_and_what_comes_later_is_dropped() -> None:
    gate, ended = threading.Event(), threading.Event()

    def hang() -> None:
        gate.wait(20)
        ended.set()
        raise ValueError("too late")

    task = asyncio.create_task(aside(hang))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    assert await asyncio.to_thread(ended.wait, 20)
    # What the thread hands to the loop is looked at, and harms nobody.
    assert await aside(lambda: 5) == 5


def test_a_call_that_outlives_its_loop_ends_quietly() -> None:
    gate = threading.Event()
    threads: list[threading.Thread] = []

    def hang() -> None:
        threads.append(threading.current_thread())
        gate.wait(20)

    async def leave() -> None:
        task = asyncio.create_task(aside(hang))
        while not threads:  # noqa: ASYNC110 - a thread gives the loop no sign
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    gate.set()
    # An error in a thread fails the test: pytest watches over them.
    threads[0].join(20)
    assert not threads[0].is_alive()
    assert threads[0].daemon, "the program does not wait for it"
