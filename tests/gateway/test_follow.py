"""The one loop: a follower gets everything once and in order, whatever word it has for failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway import follow as module
from gateway.follow import Bell, RetryLater, follow


class Numbers:
    """A log of the numbers up to `head`."""

    def __init__(self, head: int = 0) -> None:
        self.head = head
        self.bell = Bell()

    def read(self, after: int, limit: int) -> tuple[Sequence[int], int]:
        last = min(self.head, after + limit)
        return range(after + 1, last + 1), last

    def grow(self, count: int) -> None:
        self.head += count
        self.bell.ring()


class Reader:
    """A follower that fails as it is told, once for each word."""

    name = "reader"
    limit = 3

    def __init__(self, *words: Exception | None) -> None:
        self.cursor = 0
        self.taken: list[int] = []
        self.words = list(words)
        self.pleased = asyncio.Event()
        self.wanted = 0

    async def handle(self, items: Sequence[int], cursor: int) -> None:
        word = self.words.pop(0) if self.words else None
        if word is not None:
            raise word
        self.taken += items
        self.cursor = cursor
        if cursor >= self.wanted:
            self.pleased.set()


async def run(log: Numbers, reader: Reader, until: int) -> None:
    reader.wanted = until
    task = asyncio.create_task(follow(log, reader))
    pleased = asyncio.create_task(reader.pleased.wait())
    await asyncio.wait([task, pleased], timeout=10, return_when=asyncio.FIRST_COMPLETED)
    for one in (task, pleased):
        if not one.done():
            one.cancel()
    await asyncio.wait([task, pleased])
    if not task.cancelled():
        task.result()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.0)


@pytest.mark.parametrize(
    "words",
    [
        (),
        (RetryLater("no"),),
        (None, RetryLater("no"), RetryLater("still no"), None, RetryLater("no")),
    ],
    ids=["never", "at first", "now and then"],
)
async def test_everything_comes_once_and_in_order_however_often_it_must_be_asked_again(
    words: tuple[Exception | None, ...],
) -> None:
    reader = Reader(*words)
    await run(Numbers(10), reader, 10)
    assert reader.taken == list(range(1, 11))


async def test_any_other_error_ends_the_loop() -> None:
    with pytest.raises(ZeroDivisionError):
        await run(Numbers(10), Reader(ZeroDivisionError()), 10)


async def test_what_comes_while_it_waits_wakes_it() -> None:
    log, reader = Numbers(0), Reader()
    running = asyncio.create_task(run(log, reader, 2))
    await asyncio.sleep(0)
    log.grow(1)
    await asyncio.sleep(0)
    log.grow(1)
    await running
    assert reader.taken == [1, 2]


async def test_the_bell_wakes_everybody_who_waits_and_nobody_twice() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    bell.ring()
    await asyncio.gather(*waiting)
    late = asyncio.create_task(bell.wait())
    await asyncio.sleep(0)
    assert not late.done()
    late.cancel()


async def test_a_bell_ends_a_long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 3_600.0)
    monkeypatch.setattr(module, "LONGEST_DELAY", 3_600.0)
    bell = Bell()
    log, reader = Numbers(3), Reader(RetryLater("away", 0.0, bell))
    running = asyncio.create_task(run(log, reader, 3))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (reader.words, reader.taken) == ([], []), "it waits"
    bell.ring()
    await running
    assert reader.taken == [1, 2, 3]
