"""The local socket: it serves folders of any length, and tells what the disk said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.commands.control import (
    ControlServer,
    NotRunningError,
    ask,
    socket_path,
    watch,
)
from gateway.database import DiskError
from gateway.refusal import ControlError


@asynccontextmanager
async def serving(
    data: Path,
    answer: Callable[[dict[str, Any], Any], Awaitable[Any]],
    until_left: Collection[str] = (),
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve the local socket of a folder; give the task that does."""
    task = asyncio.create_task(ControlServer(data, answer, until_left).run())
    while not socket_path(data).exists():  # noqa: ASYNC110 - another task makes it, and gives no sign
        await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def answer(request: dict[str, Any], _progress: object) -> dict[str, Any]:
    if request["do"] == "fail":
        raise DiskError("journal.db: the disk is full")
    return {"did": request["do"]}


@pytest.mark.parametrize("depth", [0, 3])
async def test_it_answers_in_a_folder_of_any_length(tmp_path: Path, depth: int) -> None:
    data = tmp_path.joinpath(*["a-long-name-for-a-folder-of-data-on-a-mounted-disk"] * depth)
    data.mkdir(parents=True, exist_ok=True)
    with pytest.raises(NotRunningError):
        await ask(data, {"do": "status"})
    async with serving(data, answer):
        assert await ask(data, {"do": "status"}) == {"did": "status"}
        assert socket_path(data).stat().st_mode & 0o777 == 0o600
        with pytest.raises(ControlError, match="the disk is full"):
            await ask(data, {"do": "fail"})
    assert not socket_path(data).exists()


class Told(msgspec.Struct):
    part: int


async def count(_request: dict[str, Any], _progress: object) -> AsyncGenerator[int, None]:
    async def counting() -> AsyncGenerator[int, None]:
        number = 0
        while True:
            yield number
            number += 1
            await asyncio.sleep(0)

    return counting()


async def test_whoever_watches_is_told_part_after_part_until_the_gateway_ends(
    tmp_path: Path,
) -> None:
    told = []
    async with serving(tmp_path, count) as task, asyncio.timeout(20):
        async for one in watch(tmp_path, {"do": "watch"}, msgspec.json.Decoder(Told)):
            told.append(one.part)
            if len(told) == 100:
                # It ends although somebody watches, and that one comes to an end too.
                task.cancel()
        await asyncio.wait([task])
    assert told == list(range(len(told)))
    assert len(told) >= 100


async def test_the_gateway_ends_although_somebody_is_connected_and_asks_nothing(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, answer) as task, asyncio.timeout(20):
        reader, writer = await asyncio.open_unix_connection(socket_path(tmp_path))
        # Connected in turn: when this one has its answer, the other is served too.
        await ask(tmp_path, {"do": "status"})
        task.cancel()
        await asyncio.wait([task])
        assert await reader.read() == b""
        writer.close()


async def test_the_gateway_ends_although_whoever_watches_takes_nothing(tmp_path: Path) -> None:
    began, closed = asyncio.Event(), asyncio.Event()

    async def flood(_request: dict[str, Any], _progress: object) -> AsyncGenerator[str, None]:
        async def flooding() -> AsyncGenerator[str, None]:
            try:
                while True:
                    began.set()
                    yield "x" * 1_000_000
            finally:
                closed.set()

        return flooding()

    async with serving(tmp_path, flood) as task, asyncio.timeout(20):
        _, writer = await asyncio.open_unix_connection(socket_path(tmp_path), limit=1)
        writer.write(b'{"do": "watch"}\n')
        await began.wait()
        task.cancel()
        await asyncio.wait([task])
        await closed.wait()
        writer.close()


@pytest.mark.parametrize("do", ["fill", "import"])
async def test_a_command_that_is_for_whoever_asked_is_cancelled_when_that_one_leaves(
    tmp_path: Path, do: str
) -> None:
    began, left, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    ends: list[str] = []

    async def long(_request: dict[str, Any], progress: Callable[[int, int], None]) -> str:
        progress(1, 3)
        began.set()
        try:
            await left.wait()
            ends.append("came to its end")
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        finally:
            over.set()
        return "done"

    async with serving(tmp_path, long, {"fill"}), asyncio.timeout(20):
        asking = asyncio.create_task(ask(tmp_path, {"do": do}))
        await began.wait()
        asking.cancel()
        await asyncio.wait([asking])
        if do == "import":
            left.set()
        await over.wait()
    assert ends == ["cancelled" if do == "fill" else "came to its end"]


async def test_a_command_that_is_for_whoever_asked_answers_who_stays(tmp_path: Path) -> None:
    async with serving(tmp_path, answer, {"status", "fail"}), asyncio.timeout(20):
        assert await ask(tmp_path, {"do": "status"}) == {"did": "status"}
        with pytest.raises(ControlError, match="the disk is full"):
            await ask(tmp_path, {"do": "fail"})


@pytest.mark.parametrize("said", [b'{"pro', b'{"progress":[1,2]}\n{"res'])
async def test_an_answer_that_is_cut_off_is_no_answer(tmp_path: Path, said: bytes) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(said)
        writer.close()

    async with await asyncio.start_unix_server(cut, socket_path(tmp_path)), asyncio.timeout(20):
        with pytest.raises(ControlError, match="ended before it answered"):
            await ask(tmp_path, {"do": "status"})
        parts = watch(tmp_path, {"do": "watch"}, msgspec.json.Decoder(dict[str, list[int]]))
        assert [one async for one in parts] == [{"progress": [1, 2]}][: said.count(b"\n")]
