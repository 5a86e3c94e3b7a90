"""The process in which vendors' codecs run: `python -I child.py MEMORY MILLISECONDS`.

It reads requests from its standard input and writes replies to its standard output, each behind
its length, as MessagePack. It can open nothing: its limits leave it no descriptor to open, no
process to start and no byte to write to a file. What QuickJS cannot stop, such as sorting for ever,
the kernel ends by a timer that counts this process's own time; the sender of the request then
starts another process. It knows nothing of the gateway, so that it starts fast.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

LENGTH = struct.Struct(">I")
SANDBOX = Path(__file__).with_name("sandbox.js")
MOST_CONTEXTS = 128
"""Codecs that stay compiled: some 300 kB each."""
MOST_CALLS = 5000
"""After so many calls a context is made anew: what little a call leaves does not add up."""
SLACK = 0.1
"""Seconds of its own time that a call may take beyond its limit, before the kernel ends it."""
TO_COMPILE = 1.0
"""Seconds beyond its limit in which a codec's context must be made, and its file compiled."""
ROOM = 256 * 2**20
"""Bytes that all codecs together may use, beside what the interpreter needs."""
TOLD_AFTER = 0.02
"""Seconds after which replies are sent although the batch is not at its end."""
MOST_WORDS = 600

_HEAD = "(() => {"
_TAIL = "\n;return [" + ", ".join(
    f"typeof {name} === 'function' ? {name} : undefined"
    for name in ("decodeUplink", "normalizeUplink", "Decode", "Decoder")
)
_TAIL += "];})"


class Request(msgspec.Struct, array_like=True, gc=False):
    """What is asked. `load`: name and source of codecs that are new here.

    `calls`: a codec's name, a device's bytes, the port, and when they came (ms since 1970).
    """

    load: list[tuple[str, str]]
    calls: list[tuple[str, bytes, int, int]]


class Reply(msgspec.Struct, array_like=True, gc=False):
    """What one call gave: `reason` empty and JSON in `text`, or why not, and in which words."""

    reason: str
    text: str


class Replies(msgspec.Struct, array_like=True, gc=False):
    """Replies in the order of the calls. `last`: the request is done with.

    After a call that used up its time the rest of a request is left undone, for the sender to say
    whether that codec shall run again.
    """

    replies: list[Reply]
    last: bool


class Hello(msgspec.Struct, array_like=True, gc=False):
    """The first that is told: why there can be no codecs here, empty where there can."""

    problem: str


class _Context(NamedTuple):
    quickjs: Any
    run: Any
    seconds: float


class _Codec:
    """A codec, compiled when it is needed first.

    Its calls share a sealed context. Where the codec cannot live with that, because it changes the
    language itself, each of its calls gets a context of its own: that is found by trying its first
    call both ways, and each call that fails.
    """

    def __init__(self, source: str, memory: int, seconds: float) -> None:
        self._source = _plain(source)
        self._memory = memory
        self._seconds = seconds
        self._sealed: _Context | None = None
        self._calls = 0
        self._tried = False
        self._restless = False
        self._wrong = ""

    def __call__(self, data: str, port: int, received: int) -> Reply:
        if self._wrong:
            return Reply("bad-codec", self._wrong)
        try:
            return self._call(data, port, received)
        except _BadSourceError as error:
            self._wrong = str(error)
            return Reply("bad-codec", self._wrong)

    def forget(self) -> None:
        """Give back the memory."""
        self._sealed = None

    def _call(self, data: str, port: int, received: int) -> Reply:
        if self._restless:
            return self._alone(data, port, received)
        reply = self._together(data, port, received)
        if (self._tried and reply.reason != "codec-error") or reply.reason in _GIVEN_UP:
            return reply
        alone = self._alone(data, port, received)
        self._tried = True
        if alone != reply:
            self._restless = True
            self._sealed = None
        return alone

    def _together(self, data: str, port: int, received: int) -> Reply:
        if self._sealed is None:
            self._sealed = self._make(sealed=True)
            self._calls = 0
        self._calls += 1
        reply, clean = _run(self._sealed, data, port, received)
        if not clean or self._calls >= MOST_CALLS:
            self._sealed = None
        return reply

    def _alone(self, data: str, port: int, received: int) -> Reply:
        return _run(self._make(sealed=False), data, port, received)[0]

    def _make(self, *, sealed: bool) -> _Context:
        _count(self._seconds + TO_COMPILE)
        context = _quickjs.Context()
        context.set_memory_limit(self._memory)
        compile_ = context.eval(_sandbox)(sealed)
        context.set_time_limit(self._seconds)
        try:
            if not self._tried:
                # Source that ends its function too early, and goes on outside, is no method.
                context.eval(f"({{f() {{{self._source}\n}}}})")
            load = context.eval(_HEAD + self._source + _TAIL)
            return _Context(context, compile_(load), self._seconds)
        except _quickjs.JSException as error:
            raise _BadSourceError(_words(str(error))) from None


class _BadSourceError(Exception):
    """Source that is no JavaScript."""


_GIVEN_UP = ("codec-timeout", "codec-memory")
_quickjs: Any = None
_sandbox = ""


def _run(context: _Context, data: str, port: int, received: int) -> tuple[Reply, bool]:
    """Return what a call gave, and whether its context may serve another."""
    _count(context.seconds)
    try:
        # As a whole number the time would be cut to 32 bits.
        told: str = context.run(data, port, float(received))
    except _quickjs.JSException as error:
        return _stopped(str(error)), False
    except (TypeError, UnicodeError) as error:  # what Python cannot take
        return Reply("codec-error", str(error)), False
    clean, kind, text = told[0] == "c", told[1], told[2:]
    if kind == "=":
        return Reply("", text), clean
    if kind == "!" and (text == "null" or "InternalError: out of memory" in text):
        # Without memory even for an error, QuickJS throws null.
        return Reply("codec-memory", ""), False
    return Reply(_REASONS[kind], text), clean


def _stopped(words: str) -> Reply:
    """Return why QuickJS stopped a call."""
    for told, reason in (("interrupted", "codec-timeout"), ("out of memory", "codec-memory")):
        if f"InternalError: {told}" in words:
            return Reply(reason, "")
    return Reply("codec-error", _words(words))


def _count(seconds: float) -> None:
    """Have the kernel end this process, unless it is told otherwise before it used so much time."""
    signal.setitimer(signal.ITIMER_PROF, seconds + SLACK if seconds else 0)


_REASONS = {"!": "codec-error", "?": "bad-codec", "#": "output-too-large"}


def _plain(source: str) -> str:
    """Leave out what may stand at the beginning of a file, and not inside of a function."""
    source = source.removeprefix("\ufeff")
    return f"//{source}" if source.startswith("#!") else source


def _words(told: str) -> str:
    """Return the first line of an error, and the line of the file that it names."""
    first, _, rest = told.partition("\n")
    places = [line.rpartition("<input>:")[2] for line in rest.split("\n") if "<input>:" in line]
    line = f" (line {places[0].partition(':')[0]})" if places else ""
    return first[: MOST_WORDS - 20] + line


def _limit() -> None:
    """Take away what no codec needs, and end when the gateway does, however that comes."""
    if sys.platform == "linux":
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    os.chdir("/")
    os.umask(0o777)
    with suppress(OSError):
        os.nice(5)  # the intake comes first
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(what, (most, most))
    # What ends the gateway may be sent to us too. It closes our input when it is done with us.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)


def _requests() -> Iterator[Request]:
    decoder = msgspec.msgpack.Decoder(Request)
    while head := _read(LENGTH.size):
        yield decoder.decode(_read(LENGTH.unpack(head)[0]))


def _read(size: int) -> bytes:
    """Return so many bytes of the input; none at its end, which is when the gateway ends."""
    parts = bytearray()
    while len(parts) < size:
        part = os.read(0, size - len(parts))
        if not part:
            return b""
        parts += part
    return bytes(parts)


def _tell(message: Any) -> None:  # noqa: ANN401 - whatever MessagePack can say
    told = memoryview(msgspec.msgpack.encode(message))
    left = memoryview(LENGTH.pack(len(told)) + told)
    while left:
        left = left[os.write(1, left) :]


def _serve(memory: int, seconds: float) -> None:
    codecs: dict[str, _Codec] = {}
    live: dict[str, None] = {}
    for request in _requests():
        for name, source in request.load:
            codecs[name] = _Codec(source, memory, seconds)
        replies: list[Reply] = []
        told = time.monotonic()
        for name, data, port, received in request.calls:
            reply = codecs[name](data.decode("latin-1"), port, received)
            replies.append(reply)
            live.pop(name, None)
            live[name] = None
            if len(live) > MOST_CONTEXTS or reply.reason == "codec-memory":
                _give_back(codecs, live, all_=reply.reason == "codec-memory")
            if reply.reason == "codec-timeout":
                break
            if time.monotonic() - told > TOLD_AFTER:
                _tell(Replies(replies, last=False))
                replies, told = [], time.monotonic()
        _count(0)
        _tell(Replies(replies, last=True))


def _give_back(codecs: dict[str, _Codec], live: dict[str, None], *, all_: bool) -> None:
    """Forget the codec that was used longest ago; or all, where there is no memory left."""
    for name in list(live)[: len(live) if all_ else 1]:
        codecs[name].forget()
        del live[name]


def main() -> None:
    """Serve until the input ends."""
    global _quickjs, _sandbox  # noqa: PLW0603 - imported late, so that its absence can be told
    try:
        import _quickjs as found  # type: ignore[import-not-found] # noqa: PLC0415 - the same

        _quickjs = found
        _sandbox = SANDBOX.read_text("utf-8").rstrip().rstrip(";")
    except (ImportError, OSError) as error:
        _tell(Hello(str(error)))
        return
    _limit()
    _tell(Hello(""))
    _serve(int(sys.argv[1]), int(sys.argv[2]) / 1000)


if __name__ == "__main__":
    main()
