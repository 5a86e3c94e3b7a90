"""The local socket: it serves folders of any length, and tells what the disk said."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.control import ControlError, ControlServer, NotRunningError, ask, socket_path
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
