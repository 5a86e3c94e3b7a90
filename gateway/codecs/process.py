"""The child process of the codecs, seen from the gateway: started, asked, and ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from gateway.codecs import child

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.device import Call

LARGEST = 64 * 2**20
"""Bytes of one answer."""
START_PATIENCE = 15.0
END_PATIENCE = 2.0
"""Seconds that it may take to start, and to end by itself."""

_REPLIES = msgspec.msgpack.Decoder(child.Replies)
_HELLO = msgspec.msgpack.Decoder(child.Hello)


class NoProcessError(Exception):
    """No process can be had: why, and what to do."""


class CodecProcess:
    """One child process. `start` makes it; once it has `ended` it is of no more use."""

    def __init__(self, process: asyncio.subprocess.Process, patience: float) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process was started with pipes")
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._patience = patience
        self.loaded: set[str] = set()
        """Names of the codecs whose source it has."""
        self.ended = False
        self.hung = False
        """It ended, or was ended, because a call did not come to an end."""

    @classmethod
    async def start(cls, memory: int, time: int) -> CodecProcess:
        """Start one. `memory`: bytes for one codec; `time`: ms for one call.

        Raises NoProcessError.
        """
        try:
            # -P: what lies beside child.py must not be taken for modules of the same name.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", child.__file__, str(memory), str(time)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={},
                cwd="/",
            )
        except OSError as error:
            raise NoProcessError(
                f"no process for codecs can be started ({error.strerror}). See to free memory"
            ) from error
        # It counts its own time, and the kernel ends it. Our patience is for one that stands still.
        patience = 1.0 + 10 * (time / 1000 + child.SLACK)
        made = cls(process, patience)
        try:
            hello = await made._hello()
        except BaseException:
            await made.end()
            raise
        if hello:
            await made.end()
            raise NoProcessError(
                f"codecs cannot run here: {hello}. Install Holdwatch again with all it needs "
                "(quickjs-ng)"
            )
        return made

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    async def ask(
        self, load: Sequence[tuple[str, str]], calls: Sequence[Call]
    ) -> list[child.Reply]:
        """Return replies to the first calls, to all of them where nothing was in the way.

        `load`: name and source of codecs that are new to it. Where it comes to its end on the way,
        `ended` is true.
        """
        request = child.Request(
            list(load), [(one.codec, one.data, one.port, one.received) for one in calls]
        )
        told = msgspec.msgpack.encode(request)
        replies: list[child.Reply] = []
        try:
            self._input.write(child.LENGTH.pack(len(told)) + told)
            async with asyncio.timeout(self._patience):
                await self._input.drain()
            self.loaded.update(name for name, _ in load)
            last = False
            while not last:
                answer = _REPLIES.decode(await self._message(self._patience))
                replies += answer.replies
                last = answer.last
        except TimeoutError:
            self.hung = True
            await self.end(at_once=True)
        except (OSError, EOFError):
            # It is gone. To kill it would take away how it ended: asyncio looks, and forgets.
            await self.end()
        except msgspec.MsgspecError:
            await self.end(at_once=True)
        except BaseException:
            # Somebody no longer waits: what comes of this request would answer the next.
            await self.end(at_once=True)
            raise
        return replies[: len(calls)]

    async def end(self, *, at_once: bool = False) -> None:
        """End it, now or when it has seen that nothing more is asked, and wait until it is gone."""
        self.ended = True
        if at_once:
            self._kill()
        self._input.close()
        try:
            async with asyncio.timeout(END_PATIENCE):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()
        self.hung = self.hung or self._process.returncode == -signal.SIGPROF

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _hello(self) -> str:
        try:
            return _HELLO.decode(await self._message(START_PATIENCE)).problem
        except (TimeoutError, OSError, EOFError, msgspec.MsgspecError) as error:
            raise NoProcessError(
                "the process for codecs does not start; its log stands above"
            ) from error

    async def _message(self, patience: float) -> bytes:
        async with asyncio.timeout(patience):
            head = await self._output.readexactly(child.LENGTH.size)
            (size,) = child.LENGTH.unpack(head)
            if size > LARGEST:
                raise msgspec.MsgspecError("no process of ours says so much")
            return await self._output.readexactly(size)
