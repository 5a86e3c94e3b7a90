"""The local socket: commands that change or ask a running gateway, for its own user only.

One request a connection, one JSON object a line: `{"do": "status"}`. The answer is any number
of `{"progress": [done, all]}` and then `{"result": …}` or `{"error": …, "cure": …}`. Who watches
gets `{"part": …}` after `{"part": …}` until either side ends it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog

from gateway.database import DiskError
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
    from pathlib import Path

    Answer = Callable[[dict[str, Any], Callable[[int, int], None]], Awaitable[Any]]

log = structlog.get_logger()

Part = TypeVar("Part")

LONGEST_PATH = 100
"""Bytes; the kernel takes 107 for a socket."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a request: a logger's file, with room to spare."""


class _LeftError(Exception):
    """Whoever asked has gone, and with that the command is over."""


class NotRunningError(Exception):
    """No gateway is running over this data folder."""


def socket_path(data: Path) -> Path:
    """Return where a gateway over this data folder listens."""
    return data / "control.sock"


@contextmanager
def _address(data: Path) -> Iterator[str]:
    """Give the socket's path as the kernel takes it: by way of the folder, where it is long."""
    path = str(socket_path(data))
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield path
        return
    folder = os.open(data, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{socket_path(data).name}"
    finally:
        os.close(folder)


class ControlServer:
    """Answers commands: `answer(request, progress)` returns plain data or raises ControlError.

    Who watches gets what an async generator yields; it is closed when that one leaves. A command
    that is named in `until_left` is cancelled then too; any other comes to its end.
    """

    def __init__(self, data: Path, answer: Answer, until_left: Collection[str] = ()) -> None:
        self._path = socket_path(data)
        self._answer = answer
        self._until_left = until_left
        self._serving: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen for ever."""
        self._path.unlink(missing_ok=True)
        with _address(self._path.parent) as address:
            before = os.umask(0o177)
            try:
                server = await asyncio.start_unix_server(self._serve, address, limit=LARGEST)
            finally:
                os.umask(before)
            try:
                async with server:
                    try:
                        await server.serve_forever()
                    finally:
                        # From Python 3.12 on the server waits for all who are connected: for
                        # those who watch, and for those who ask nothing, it would do so for ever.
                        for task in self._serving:
                            task.cancel()
            finally:
                self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("the server answers in tasks")
        self._serving.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, ValueError, _LeftError) as error:
            # Whoever asked has gone, or sent more than we take.
            log.info("a command was not answered", problem=str(error))
        except asyncio.CancelledError:
            # We end. Python 3.11 calls a handler that was cancelled a failure, and logs it.
            log.debug("whoever was connected was left")
            # Who takes nothing must not hold us up with what is still to be sent.
            writer.transport.abort()
        finally:
            self._serving.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(answer: dict[str, Any]) -> None:
            writer.write(msgspec.json.encode(answer) + b"\n")

        answer = await self._do(await reader.readline(), reader, say)
        parts = answer.get("result")
        if not isinstance(parts, AsyncGenerator):
            say(answer)
            await writer.drain()
            return
        # Closed here: whoever has left is otherwise noted until Python collects its rubbish.
        async with aclosing(parts):
            async for one in parts:
                say({"part": one})
                # Each when the one before was taken.
                await writer.drain()

    async def _do(
        self, line: bytes, reader: asyncio.StreamReader, say: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            answering = self._answer(request, lambda done, all_: say({"progress": [done, all_]}))
            if request.get("do") in self._until_left:
                result = await _while_there(reader, answering)
            else:
                result = await answering
        except msgspec.DecodeError as error:
            return {"error": f"this is no request ({error})", "cure": "Send one JSON object a line"}
        except ControlError as error:
            return {"error": error.problem, "cure": error.cure}
        except DiskError as error:
            return {"error": str(error), "cure": "Make room on the disk, and ask again"}
        except _LeftError:
            raise
        except Exception:
            # The gateway goes on; whoever asked must not think that it has ended.
            log.exception("a command failed")
            return {"error": "the gateway failed at this command", "cure": "Its log says why"}
        return {"result": result}


async def _while_there(reader: asyncio.StreamReader, answering: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever the command answers
    """Return the answer; cancel it and raise _LeftError once whoever asked leaves."""
    tasks = [asyncio.ensure_future(answering), asyncio.ensure_future(reader.read())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise _LeftError("whoever asked has left: the command is cancelled")
        return tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ask(
    data: Path,
    request: Mapping[str, Any],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Any:  # noqa: ANN401 - whatever the command answers
    """Send one command to the running gateway; return its result.

    Raises NotRunningError, or ControlError with what the gateway said.
    """
    reader, writer = await _connect(data)
    try:
        writer.write(msgspec.json.encode(request) + b"\n")
        await writer.drain()
        while (line := await reader.readline()).endswith(b"\n"):
            answer = msgspec.json.decode(line, type=dict[str, Any])
            if "progress" in answer:
                progress(*answer["progress"])
            elif "result" in answer:
                return answer["result"]
            else:
                raise ControlError(answer["error"], answer["cure"])
    finally:
        writer.close()
    raise ControlError("the gateway ended before it answered", "Look into its log")


async def watch(
    data: Path, request: Mapping[str, Any], part: msgspec.json.Decoder[Part]
) -> AsyncGenerator[Part, None]:
    """Ask for what changes, and yield part after part, as `part` decodes a line.

    Ends when the gateway does. Raises NotRunningError, OSError, or msgspec.DecodeError.
    """
    reader, writer = await _connect(data)
    try:
        writer.write(msgspec.json.encode(request) + b"\n")
        # The last one is cut off where the gateway ended within it.
        while (line := await reader.readline()).endswith(b"\n"):
            yield part.decode(line)
    finally:
        writer.close()


async def _connect(data: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        with _address(data) as address:
            return await asyncio.open_unix_connection(address, limit=LARGEST)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunningError(str(data)) from error
