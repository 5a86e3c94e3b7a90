"""Runs vendors' codecs in a child process, which is ended and started again where one hangs.

A message that a codec cannot decode, or that hangs or crashes it, costs that message alone: all
others of a batch are answered. Whatever ends the process, `run` returns.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import structlog

from gateway.codecs.answers import answer, refused
from gateway.codecs.process import CodecProcess, NoProcessError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.device import Call, DecodeError, Output
    from devices.reading import DeviceKey
    from gateway.codecs.folder import CodecFolder

log = structlog.get_logger()

MOST_CALLS = 128
"""Calls of one request."""
HANGS = 5
"""Calls of one codec for one device that hang or crash one after the other, after which it rests
for that device; or for so many devices one after the other, after which it rests for all."""
REST = 60.0
"""Seconds for which it rests: one that always hangs would hold up all others."""
MOST_HUNG = 10_000
"""Codecs and devices of which hangs are remembered."""
CRASHES = 2
"""Times that the process may end under a call that runs alone: the first may be chance."""
_HANGING = ("codec-timeout", "codec-crashed")


class CodecHost:
    """Answers calls with the codecs of a folder. One `run` goes on at a time."""

    def __init__(self, folder: CodecFolder, *, memory: int, time: int) -> None:
        """`memory`: bytes that one codec may take. `time`: ms of computing that one call may."""
        self._folder = folder
        self._memory = memory
        self._time = time
        self._process: CodecProcess | None = None
        self._turn = asyncio.Lock()
        self._rests = _Rests()
        self._problem = ""
        self.on_problem: Callable[[str | None], None] = lambda _problem: None
        """Told why no codec can run, and None when they can again."""

    @property
    def pid(self) -> int | None:
        """The number of the process, None where none runs: it starts with the first call."""
        return None if self._process is None or self._process.ended else self._process.pid

    async def use(self, folder: CodecFolder, *, memory: int, time: int) -> None:
        """Take the codecs of a folder that was read anew, and what each call may take."""
        async with self._turn:
            await self._end()
            self._folder = folder
            self._memory = memory
            self._time = time
            self._rests = _Rests()

    async def close(self) -> None:
        """End the process. The next call starts another."""
        async with self._turn:
            await self._end()

    async def run(
        self, calls: Sequence[Call], devices: Sequence[DeviceKey] = ()
    ) -> list[Output | DecodeError]:
        """Return what each call gave, in their order.

        `devices`: for whom each of them is; without it all are for the same.
        """
        async with self._turn:
            batch = _Batch(self, calls, devices)
            try:
                await batch.run()
            except NoProcessError as error:
                self._tell(str(error))
                batch.give_up(str(error))
            else:
                self._tell("")
            return batch.answers

    async def process(self) -> CodecProcess:
        """Return the process, started if need be. Raises NoProcessError."""
        if self._process is None or self._process.ended:
            self._process = await CodecProcess.start(self._memory, self._time)
        return self._process

    def source(self, codec: str) -> str:
        """Return a codec's source."""
        return self._folder.codecs[codec].source

    def refusal(self, codec: str, device: DeviceKey | None) -> DecodeError | None:
        """Return why a codec cannot be asked for a device now, None where it can."""
        if codec not in self._folder.codecs:
            return refused("no-codec", codec)
        if self._rests.rests(codec, device, asyncio.get_running_loop().time()):
            return refused("codec-resting", codec)
        return None

    def note(self, codec: str, device: DeviceKey | None, reason: str) -> None:
        """Take note of how a call ended: a codec that hangs again and again rests."""
        if reason in _HANGING:
            log.warning("a codec hung", codec=codec, device=str(device or ""), reason=reason)
            self._rests.hung(codec, device, asyncio.get_running_loop().time())
        else:
            self._rests.went_well(codec, device)

    def _tell(self, problem: str) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            log.error("codecs cannot run", problem=problem)
        self.on_problem(problem or None)

    async def _end(self) -> None:
        if self._process is not None and not self._process.ended:
            await self._process.end()


class _Rests:
    """For whom codecs rest. What one device sends must not silence its neighbours.

    Times are in seconds, on the loop's clock.
    """

    def __init__(self) -> None:
        self._hangs: Counter[tuple[str, DeviceKey | None]] = Counter()
        self._hung: dict[str, set[DeviceKey | None]] = {}
        """By codec: the devices whose calls hung since one of it went well."""
        self._until: dict[tuple[str, DeviceKey | None], float] = {}
        self._all_until: dict[str, float] = {}

    def rests(self, codec: str, device: DeviceKey | None, now: float) -> bool:
        return self._all_until.get(codec, 0.0) > now or self._until.get((codec, device), 0.0) > now

    def went_well(self, codec: str, device: DeviceKey | None) -> None:
        self._hangs.pop((codec, device), None)
        self._hung.pop(codec, None)

    def hung(self, codec: str, device: DeviceKey | None, now: float) -> None:
        if len(self._hangs) >= MOST_HUNG:
            self._hangs.clear()
            self._until.clear()
        self._hangs[codec, device] += 1
        if self._hangs[codec, device] >= HANGS:
            self._until[codec, device] = now + REST
        hung = self._hung.setdefault(codec, set())
        hung.add(device)
        if len(hung) >= HANGS:
            self._all_until[codec] = now + REST
            # When that is over, the others are asked before those for whom it hung.
            self._until.update(((codec, one), now + 2 * REST) for one in hung)
            del self._hung[codec]


class _Batch:
    """Calls on their way to answers."""

    def __init__(
        self, host: CodecHost, calls: Sequence[Call], devices: Sequence[DeviceKey]
    ) -> None:
        self._host = host
        self._calls = calls
        self._devices: Sequence[DeviceKey | None] = devices or [None] * len(calls)
        self._answers: dict[int, Output | DecodeError] = {}
        self._next = 0
        self._crashes = 0
        # Up to here calls are asked for one at a time: one of them ended the process.
        self._alone_until = 0

    @property
    def answers(self) -> list[Output | DecodeError]:
        return [self._answers[place] for place in range(len(self._calls))]

    def give_up(self, why: str) -> None:
        for place in range(self._next, len(self._calls)):
            self._answers[place] = refused("codecs-unavailable", self._calls[place].codec, why)

    async def run(self) -> None:
        """Answer all. Each round answers one call at least, or ends the process, once or twice."""
        while self._next < len(self._calls):
            call = self._calls[self._next]
            refusal = self._host.refusal(call.codec, self._devices[self._next])
            if refusal is not None:
                self._answer(refusal)
                continue
            alone = self._next < self._alone_until
            size = 1 if alone else MOST_CALLS
            await self._ask(self._askable(size))

    def _askable(self, size: int) -> list[Call]:
        """Return the calls from the next one on, up to one that cannot be asked."""
        found: list[Call] = []
        for place in range(self._next, min(self._next + size, len(self._calls))):
            call = self._calls[place]
            if self._host.refusal(call.codec, self._devices[place]) is not None:
                break
            found.append(call)
        return found

    async def _ask(self, calls: list[Call]) -> None:
        process = await self._host.process()
        new = {call.codec for call in calls} - process.loaded
        replies = await process.ask([(name, self._host.source(name)) for name in new], calls)
        for call, reply in zip(calls, replies, strict=False):
            self._host.note(call.codec, self._devices[self._next], reply.reason)
            self._answer(answer(reply, call.codec))
        if not process.ended or len(replies) == len(calls):
            return
        if len(calls) > 1:
            self._alone_until = self._next + len(calls) - len(replies)
        elif process.hung:
            self._blame(calls[0].codec, "codec-timeout")
        else:
            self._crashes += 1
            if self._crashes == CRASHES:
                self._blame(calls[0].codec, "codec-crashed")

    def _blame(self, codec: str, reason: str) -> None:
        self._host.note(codec, self._devices[self._next], reason)
        self._answer(refused(reason, codec))

    def _answer(self, given: Output | DecodeError) -> None:
        self._answers[self._next] = given
        self._next += 1
        self._crashes = 0
