"""Event streams to browsers: made once, sent to all who look at the same.

A stream's place is the version of what stands that it has told; a browser that comes again names
it and is sent what changed since, or told to load the page again where that is not known. One
that takes too slowly is told so too: what waits for it is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.web.now.views import VIEWS, Frame, Patch, View, of_device, patch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.web.now.rows import Row
    from gateway.web.now.standing import Line, Standing

BEAT = 2.0
"""Seconds between two beats."""
GATHER = 0.05
"""Seconds in which what the gateway tells is gathered: it comes in parts."""
CHECK = 10.0
"""Seconds between two looks at who may still listen, while nothing is written."""
MOST_WAITING = 200
MOST_BYTES = 8_000_000
"""Messages, and bytes of them, that wait for one browser."""
MOST_STREAMS = 1_000
FOR_SCREENS = 100
"""Of them, for wall screens alone."""
MOST_EACH = 50
"""Streams of one person: as many pages open at once."""
AT_ONCE = 100
"""Rows that are written before the loop is given back; also in one message."""
RELOAD = b"event: reload\ndata: null\n\n"
ENDED = b"event: ended\ndata: null\n\n"


def event(name: str, data: Any, place: str = "") -> bytes:  # noqa: ANN401 - whatever JSON holds
    """Return a server-sent event. `place`: up to where all is told once it is taken in."""
    identity = f"id: {place}\n" if place else ""
    return f"{identity}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


class Stream:
    """One browser that listens, to one view, to one device, or to neither."""

    def __init__(
        self,
        *,
        view: View | None = None,
        device: DeviceKey | None = None,
        person: str = "",
        screen: str = "",
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin for a person, whose name is in `screen` too where it is a wall screen.

        `allowed` tells whether the login still holds.
        """
        self.view = view
        self.device = device
        self.person = person
        self.screen = screen
        self.allowed = allowed
        self.over = False
        """Whether what waits is the last."""
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._bell = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many messages wait for the browser."""
        return len(self._waiting)

    def send(self, message: bytes) -> None:
        """Let a message wait until the browser takes it."""
        if self.over:
            return
        if len(self._waiting) >= MOST_WAITING or self._bytes > MOST_BYTES:
            self._waiting.clear()
            self._bytes = 0
            self.end(RELOAD)
            return
        self._waiting.append(message)
        self._bytes += len(message)
        self._bell.set()

    def end(self, message: bytes) -> None:
        """Let the stream end with a message."""
        if not self.over:
            self._waiting.append(message)
            self.over = True
            self._bell.set()

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield what waits, until the stream ends."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._waiting:
                # In one piece: each is a call into the server.
                waiting = b"".join(self._waiting)
                self._waiting.clear()
                self._bytes = 0
                yield waiting
            if self.over:
                return


class Streams:
    """Everybody who listens."""

    def __init__(self, standing: Standing, clock: Clock) -> None:
        self._standing = standing
        self._clock = clock
        self._life = f"{clock.now():x}"
        self._sent = standing.version
        self._alerts = standing.alerts_version
        self._lost = standing.told is None
        self._all: set[Stream] = set()
        self._bell = asyncio.Event()

    def __len__(self) -> int:
        return len(self._all)

    def full_for(self, stream: Stream) -> str:
        """Return why another stream cannot be had, "" if it can: nobody takes them all."""
        if sum(one.person == stream.person for one in self._all) >= MOST_EACH:
            return f"{stream.person} has {MOST_EACH} pages open already"
        most = MOST_STREAMS if stream.screen else MOST_STREAMS - FOR_SCREENS
        return f"{most} pages are open already" if len(self._all) >= most else ""

    @property
    def place(self) -> str:
        """Where a page that is made now stands in the streams."""
        return f"{self._life}-{self._standing.version}"

    def screens(self) -> list[str]:
        """Return the names of the wall screens that are connected."""
        return sorted({one.screen for one in self._all if one.screen})

    def told(self) -> None:
        """Take note that something changed."""
        self._bell.set()

    async def listen(self, stream: Stream, after: str = "") -> AsyncIterator[bytes]:
        """Yield messages to a browser that has taken in all up to the place `after`."""
        stream.send(self._beat())
        stream.send(self._counts())
        self._catch_up(stream, after)
        self._all.add(stream)
        try:
            async for message in stream.messages():
                yield message
        finally:
            self._all.discard(stream)

    async def run(self) -> None:
        """Send what has changed, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beats(), name="beats")
            group.create_task(self._changes(), name="changes")

    def check(self) -> None:
        """End the streams whose login is over."""
        for one in list(self._all):
            if not one.allowed():
                one.end(ENDED)

    def close(self) -> None:
        """End all streams: browsers open them again, where somebody answers."""
        for one in self._all:
            one.end(b"")

    # -- what is sent to all -------------------------------------------------------------------

    async def _beats(self) -> None:
        while True:
            self._to_all(self._beat())
            await asyncio.sleep(BEAT)

    def _beat(self) -> bytes:
        standing = self._standing
        told = {"now": self._clock.now(), "told": standing.told, "received": standing.received}
        return event("beat", told)

    def _counts(self) -> bytes:
        return event("alerts", self._standing.counts())

    def _to_all(self, message: bytes) -> None:
        for one in self._all:
            one.send(message)

    async def _changes(self) -> None:
        while True:
            await self._bell.wait()
            await asyncio.sleep(GATHER)
            self._bell.clear()
            await self.tell()

    async def tell(self) -> None:
        """Send what has changed since the last time."""
        standing = self._standing
        if (standing.told is None) != self._lost:
            self._lost = standing.told is None
            self._to_all(self._beat())
        before, self._sent = self._sent, standing.version
        place = self.place
        fresh = standing.fresh()
        gone = [number for version, number in standing.gone if version > before]
        for view in VIEWS.values():
            if any(one.view is view for one in self._all):
                await self._tell_view(view, fresh, gone, before, place)
        self._tell_devices([line.row for line, _ in fresh])
        if standing.alerts_version != self._alerts:
            self._alerts = standing.alerts_version
            self._to_all(self._counts())

    async def _tell_view(
        self,
        view: View,
        fresh: Iterable[tuple[Line, Row | None]],
        gone: list[int],
        before: int,
        place: str,
    ) -> None:
        """Send one view's changes to all who look at it now; who comes later is caught up."""
        listening = [one for one in self._all if one.view is view]
        patches = [
            patch(line, row)
            for line, row in fresh
            if row is not None and line.reframed <= before and view.shows(line.row)
        ]
        reframed = [line for line, row in fresh if row is None or line.reframed > before]
        if not patches and not reframed and not gone:
            return
        for message in self._messages(view, patches, reframed, gone, place):
            for one in listening:
                one.send(message)
            await asyncio.sleep(0)

    def _messages(
        self, view: View, patches: list[Patch], reframed: list[Line], gone: list[int], place: str
    ) -> Iterable[bytes]:
        """Yield messages that tell of changes; the last one names the place."""
        gone = gone + [one.number for one in reframed if not view.shows(one.row)]
        shown = [one for one in reframed if view.shows(one.row)]
        for first in range(0, len(shown) - AT_ONCE, AT_ONCE):
            frames = [view.frame(one) for one in shown[first : first + AT_ONCE]]
            yield self._rows([], frames, [], "")
        rest = shown[(len(shown) - 1) // AT_ONCE * AT_ONCE :] if shown else []
        yield self._rows(patches, [view.frame(one) for one in rest], gone, place)

    def _rows(
        self, patches: list[Patch], frames: list[Frame], gone: list[int], place: str
    ) -> bytes:
        told = {
            "patches": patches,
            "frames": frames,
            "gone": gone,
            "states": self._standing.states(),
        }
        return event("rows", told, place)

    def _tell_devices(self, rows: Iterable[Row]) -> None:
        """Send how a device stands to those who look at it alone."""
        listening: dict[DeviceKey, list[Stream]] = {}
        for one in self._all:
            if one.device is not None:
                listening.setdefault(one.device, []).append(one)
        if not listening:
            return
        for row in rows:
            if not row.own and row.device in listening:
                message = event("rows", [self._of_device(row)])
                for one in listening[row.device]:
                    one.send(message)

    def _of_device(self, row: Row) -> dict[str, Any]:
        seen = self._standing.seen(row.device)
        values = dict(zip(seen.channels, seen.values, strict=True)) if seen else {}
        return of_device(row, values)

    # -- what a browser has missed -------------------------------------------------------------

    def _catch_up(self, stream: Stream, after: str) -> None:
        if stream.device is not None:
            row = self._standing.row(stream.device)
            if row is not None:
                stream.send(event("rows", [self._of_device(row)]))
        if stream.view is None:
            return
        life, _, number = after.partition("-")
        version = int(number) if number.isdecimal() else -1
        gone = self._standing.gone
        forgotten = len(gone) == gone.maxlen and gone[0][0] > version
        if life != self._life or version < 0 or forgotten:
            stream.end(RELOAD)
            return
        lines = self._standing.since(version)
        patches = [
            patch(one, None)
            for one in lines
            if one.reframed <= version and stream.view.shows(one.row)
        ]
        reframed = [one for one in lines if one.reframed > version]
        missed = [one for when, one in gone if when > version]
        for message in self._messages(stream.view, patches, reframed, missed, self.place):
            stream.send(message)
