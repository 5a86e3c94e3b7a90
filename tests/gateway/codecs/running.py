"""A folder of codecs, and calls of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from devices.device import Call, DecodeError, Output
from gateway.codecs.folder import CodecFolder
from gateway.codecs.host import CodecHost

RECEIVED = 1_700_000_000_000
GOOD = "function decodeUplink(input) { return { data: { port: input.fPort } }; }"


def call(codec: str, data: bytes = b"\x01\x02", port: int = 2) -> Call:
    return Call(codec, data, port, RECEIVED)


def folder_of(path: Path, sources: dict[str, str]) -> CodecFolder:
    """Write codecs, `two_words` as two-words.js, and read them."""
    for name, source in sources.items():
        (path / f"{name.replace('_', '-')}.js").write_text(source, encoding="utf-8")
    return CodecFolder(path, models=())


def data(answer: Output | DecodeError) -> object:
    assert isinstance(answer, Output), answer
    return answer.data


def reason(answer: Output | DecodeError) -> str:
    return answer.reason if isinstance(answer, DecodeError) else ""


async def pid_of(host: CodecHost) -> int:
    """Return the number of a host's process, started if need be."""
    async with host._turn:
        return (await host.process()).pid


async def until_asked(host: CodecHost) -> None:
    """Wait until a host has sent its process what it is asked."""
    while not host._process or not host._process.loaded:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
