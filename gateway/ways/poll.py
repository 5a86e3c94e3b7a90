"""A web service that is asked for JSON: its answer's items are messages like any other.

What this file guarantees:

- how far a service has been read moves only when all that lies before is on the disk, as readings
  or in the quarantine; after a crash the same is asked for again, and stored once;
- a wrong item costs only itself, and lies in the quarantine once, however often it is answered;
- a time in the future, or none, never moves the service's mark: nothing is skipped for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec
import structlog

from devices.device import Decode, DecodeError, Origin
from devices.envelopes.mapping import path_of
from devices.envelopes.plain import PlainJson
from devices.reading import ARRIVAL, WRONG_CLOCK
from gateway.aside import aside
from gateway.database import DiskError
from gateway.mqtt.packets import Publish
from gateway.ways.fetch import Fetched, FetchError, Service
from gateway.ways.way import Way

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.ingest import Ingest
    from gateway.settings.ways import Poll
    from gateway.state import State

log = structlog.get_logger()

MOST_ITEMS = 50_000
"""Items of one answer."""
MOST_KEPT = 10_000
"""Items of a service in the quarantine that are known again after a start."""
SLICE = 500
"""Items that are taken at once: a long answer must not hold up who waits for an acknowledgement."""


class Item(NamedTuple):
    """What an item tells of itself."""

    at: int
    """The newest time (ms) in it that can be true; 0 where there is none."""
    own_time: bool
    """Whether it is the same when it comes again: it tells its time, or cannot be decoded."""


class Poller(Way):
    """Asks one service, for ever."""

    def __init__(
        self, section: Poll, owner: str, ingest: Ingest, state: State, clock: Clock
    ) -> None:
        """Take up how far it had been read. `owner`: whose devices it tells of."""
        super().__init__(section.source, section.every, clock)
        self._section = section
        self._origin = Origin(owner, section.source)
        self._ingest = ingest
        self._state = state
        self._clock = clock
        self._service = Service(section)
        self._follower = f"poll {section.name}"
        self._etag = ""
        self._asked = ""
        self._decode = _decoder(section, self._origin)
        self._known: set[bytes] | None = None
        """Digests of what the last answer held and we took; None before the first."""
        self._newest = 0
        """The newest time of all that we took: the mark, once it is kept."""

    async def _take_in(self) -> None:
        try:
            while True:
                after = await self.once()
                await asyncio.sleep(max(self._section.every / 1000, after))
        finally:
            self._service.close()

    async def once(self) -> float:
        """Ask once, and take what is new. Return after how many seconds it may be asked again."""
        url = self._url()
        # What we have is of another address where the time is in it.
        etag = self._etag if url == self._asked else ""
        try:
            fetched = await aside(lambda: self._service.get(url, etag))
            if fetched.body is not None:
                await self._take(split(fetched.body, self._section.items))
        except FetchError as error:
            self._fare.failed(error.problem, error.cure)
            return error.after
        except DiskError as error:
            # The readings are on the disk; the mark will be when they come again.
            self._fare.failed(f"how far it was read cannot be kept: {error}")
            return 0.0
        self._remember(url, fetched)
        self._fare.well()
        return 0.0

    def _remember(self, url: str, fetched: Fetched) -> None:
        if fetched.body is not None:
            self._asked, self._etag = url, fetched.etag

    async def _take(self, items: Sequence[msgspec.Raw]) -> None:
        """Commit what is new, then move the mark. Raises DiskError."""
        before = self._quarantined() if self._known is None else self._known
        known: set[bytes] = set()
        newest = self._newest
        for start in range(0, len(items), SLICE):
            fresh: list[bytes] = []
            now = self._clock.now()
            for body in map(bytes, items[start : start + SLICE]):
                digest = _digest(body)
                if digest not in before:
                    item = self._look(body, now)
                    newest = max(newest, item.at)
                    fresh.append(body)
                    if not item.own_time:
                        continue
                known.add(digest)
            await self._deliver(fresh)
        # It is on the disk, whether the mark can be kept now or with the next answer.
        self._known, self._newest = known, newest
        if newest > self._state.cursor(self._follower):
            async with self._state.writing():
                self._state.move(self._follower, newest)

    def _quarantined(self) -> set[bytes]:
        """Return, as `_known`, what lay in the quarantine before the start."""
        now = self._clock.now()
        kept = self._ingest.journal.quarantine.payloads(self.name, MOST_KEPT)
        return {_digest(body) for body in kept if self._look(body, now).own_time}

    async def _deliver(self, bodies: Sequence[bytes]) -> None:
        if not bodies:
            await asyncio.sleep(0)
            return
        topic = self._section.topic.encode()
        done = await self._ingest.deliver(self._origin, [Publish(topic, one) for one in bodies])
        self._fare.came(done.readings, len(done.rejected))

    def _look(self, body: bytes, now: int) -> Item:
        try:
            decoded = self._decode(body, now, 0)
        except DecodeError:
            return Item(0, own_time=True)
        times = [min(one.at, now) for one in decoded if not one.flags & (ARRIVAL | WRONG_CLOCK)]
        return Item(max(times, default=0), not any(one.flags & ARRIVAL for one in decoded))

    # -- what is asked ------------------------------------------------------------------------

    def _url(self) -> str:
        section, now = self._section, self._clock.now()
        mark = self._state.cursor(self._follower)
        since = max(mark - section.overlap, 0) if mark else max(now - section.first, 0)
        return section.url.replace("{since}", self._written(since)).replace(
            "{now}", self._written(now)
        )

    def _written(self, when: int) -> str:
        match self._section.since_format:
            case "epoch-ms":
                return str(when)
            case "epoch-s":
                return str(when // 1000)
            case _:
                moment = datetime.fromtimestamp(when / 1000, UTC)
                return quote(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "")


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()


def _decoder(section: Poll, origin: Origin) -> Decode:
    decode = PlainJson(section.mapping()).bind(section.topic, origin)
    if decode is None:
        raise ValueError(f"the mapping of {section.name} does not cover its own topic")
    return decode


def split(body: bytes, place: str) -> list[msgspec.Raw]:
    """Return the items at a place (`data.readings`) of an answer, as their bytes stand there.

    A single object is a list of one. Raises FetchError.
    """
    found = msgspec.Raw(body)
    try:
        for key in path_of(place):
            inside = msgspec.json.decode(found, type=dict[str, msgspec.Raw])
            if key not in inside:
                raise FetchError(
                    f"its answer holds no {place}",
                    f"It holds {', '.join(inside)[:200] or 'nothing'}: set items",
                )
            found = inside[key]
        if bytes(found).lstrip()[:1] == b"{":
            msgspec.json.decode(found)
            return [found]
        items = msgspec.json.decode(found, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise FetchError(
            f"its answer is not the JSON that is expected: {error}",
            "Look at what it answers, and set items to where the list lies",
        ) from None
    if len(items) > MOST_ITEMS:
        raise FetchError(
            f"its answer holds {len(items):,} items, the limit is {MOST_ITEMS:,}",
            "Ask for less at a time",
        )
    return items
