"""Hosts that run codecs in a real child process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from gateway.codecs.host import CodecHost
from tests.gateway.codecs.running import folder_of


class MakeHost(Protocol):
    def __call__(self, *, time: int = ..., memory: int = ..., **sources: str) -> CodecHost: ...


@pytest.fixture
async def host_of(tmp_path: Path) -> AsyncIterator[MakeHost]:
    made: list[CodecHost] = []

    def make(*, time: int = 250, memory: int = 16_000_000, **sources: str) -> CodecHost:
        made.append(CodecHost(folder_of(tmp_path, sources), memory=memory, time=time))
        return made[-1]

    yield make
    for one in made:
        await one.close()
