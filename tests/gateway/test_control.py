"""The local socket: it serves folders of any length, and tells what the disk said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.control import (
    ControlError,
    ControlServer,
    NotRunningError,
    ask,
    socket_path,
    watch,
)
from gateway.database import DiskError


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
    serving = asyncio.create_task(ControlServer(data, answer).run())
    while not socket_path(data).exists():  # noqa: ASYNC110 - another task makes it, and gives no sign
        await asyncio.sleep(0)
    assert await ask(data, {"do": "status"}) == {"did": "status"}
    assert socket_path(data).stat().st_mode & 0o777 == 0o600
    with pytest.raises(ControlError, match="the disk is full"):
        await ask(data, {"do": "fail"})
    serving.cancel()
    await asyncio.wait([serving])
    assert not socket_path(data).exists()


class Told(msgspec.Struct):
    part: int


async def count(_request: dict[str, Any], _progress: object) -> AsyncIterator[int]:
    async def counting() -> AsyncIterator[int]:
        number = 0
        while True:
            yield number
            number += 1
            await asyncio.sleep(0)

    return counting()


async def test_whoever_watches_is_told_part_after_part_until_the_gateway_ends(
    tmp_path: Path,
) -> None:
    serving = asyncio.create_task(ControlServer(tmp_path, count).run())
    while not socket_path(tmp_path).exists():  # noqa: ASYNC110 - another task makes it, and gives no sign
        await asyncio.sleep(0)
    told = []
    async with asyncio.timeout(20):
        async for one in watch(tmp_path, {"do": "watch"}, msgspec.json.Decoder(Told)):
            told.append(one.part)
            if len(told) == 100:
                # It ends although somebody watches, and that one comes to an end too.
                serving.cancel()
        await asyncio.wait([serving])
    assert told == list(range(len(told)))
    assert len(told) >= 100
