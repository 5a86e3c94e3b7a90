"""The demo's desk takes what people are told, and does not mind who else comes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.demo.desk import desk
from tests.broker import free_port


async def test_a_message_is_taken() -> None:
    port = free_port()
    async with desk(port), httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{port}/alerts", content=b"{}" * 1_000)
    assert answer.status_code == httpx.codes.NO_CONTENT


@pytest.mark.parametrize("said", [b"", b"hello\r\n\r\n", b"x" * 100_000 + b"\r\n\r\n"])
async def test_whoever_does_not_speak_http_gets_no_answer(said: bytes) -> None:
    port = free_port()
    async with desk(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
