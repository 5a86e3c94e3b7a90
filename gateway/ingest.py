"""Ingest: decode what arrives, commit it, and only then acknowledge it.

What this file guarantees:

- an acknowledgement leaves after the commit that holds its message, as a reading or in the
  quarantine, and in the order of arrival;
- a message that cannot be decoded costs only itself;
- a message that a vendor's codec reads is committed as it came, acknowledged, and decoded from
  there (`later.py`), so that no slow codec holds up another's acknowledgement;
- memory is bounded: when the disk cannot follow, sockets are left unread, and nothing that
  was taken from them is dropped.

Messages gather for up to `interval`, so that one sync serves many: an SD card wears by the
sync.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

import msgspec
import structlog

from devices.device import DecodeError, Envelope, Later, Origin
from devices.reading import ARRIVAL, OWN_CLOCK_UNTRUSTED, RETAINED, DeviceKey, Reading
from gateway.database import DiskError
from gateway.evidence.messages import Witness
from gateway.follow import Bell
from gateway.gathered import Gathered
from gateway.journal import Batch, Cursor, Journal
from gateway.pending import Backlog, Waiting
from gateway.quarantine import Rejected
from gateway.raw import Raw
from gateway.redelivery import Redelivery
from gateway.routes import Admit, Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock
    from gateway.mqtt.link import Link
    from gateway.mqtt.packets import Publish

log = structlog.get_logger()

FULL = 2_000
"""Messages in a batch that is committed without waiting for more."""
CROWDED = 20_000
"""Messages waiting for the disk at which sockets are left unread."""
RETRY = 0.5
"""Seconds between attempts to write while the disk does not take it."""
CLOSE = 1_000
"""Arrivals of a device without a clock are told apart by as many ms as there are, up to this."""
HEAVY = 32 * 1024 * 1024
"""Bytes of messages waiting to be put aside at which sockets are left unread."""


class Delivered(NamedTuple):
    """What became of messages: readings, messages that wait for a codec, and those refused."""

    readings: int
    later: int
    rejected: tuple[Rejected, ...]


class Ingest:
    """The only writer of the journal, and the log that followers of readings follow."""

    def __init__(
        self,
        journal: Journal,
        envelopes: Sequence[Envelope],
        clock: Clock,
        *,
        admit: Admit,
        interval: float = 0.02,
    ) -> None:
        """Take what comes; `interval` is in seconds.

        `admit(source, device)` raises DecodeError where a source may not speak for a device; it
        is asked once for each pair, until `routes.forget_admitted`.
        """
        self.journal = journal
        self.routes = Routes(envelopes, admit)
        self.bell = Bell()
        self.backlog = Backlog(journal.pending)
        """What waits for codecs; what comes while that is full goes to the quarantine."""
        self.interval = interval
        self.on_disk: Callable[[], None] = lambda: None
        """Called when the disk takes no write (see `problem`), and when it does again."""
        self.before_commit: Callable[[Journal], None] = lambda _journal: None
        """Called within each transaction: where old readings are pruned."""
        self.problem: str | None = None
        """Why the disk takes no writes, None while it does."""
        self.raw = Raw()
        """The last messages of each device, as they came."""
        self.witness = Witness()
        """Tells of which messages more is needed: they are kept as they came, for years."""
        self.held = False
        """Whether sockets are left unread for want of room."""
        self.received = 0
        """Messages since the start."""
        self.rejected = 0
        """Bytes that went to the quarantine since the start."""
        self._clock = clock
        self._room = Bell()
        self._links: WeakSet[Link] = WeakSet()
        self._paused: set[Link] = set()
        self._last_arrival: dict[DeviceKey, int] = {}
        self._gathered = Gathered()
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._redelivery = Redelivery(journal.arrivals())

    @property
    def waiting(self) -> int:
        """Messages that wait for a codec."""
        return self.backlog.count

    # -- the log that followers follow -------------------------------------------------------

    @property
    def head(self) -> Cursor:
        """The cursor after the newest committed reading."""
        return self.journal.head

    def read(self, after: Cursor, limit: int) -> Batch:
        """Return readings after a cursor."""
        return self.journal.read(after, limit)

    # -- arrival -----------------------------------------------------------------------------

    def meet(self, link: Link) -> None:
        """Know a link before it delivers: it is left unread from the start when that is due."""
        self._links.add(link)
        if self._full():
            self._paused.add(link)
            link.pause()

    def receive(self, link: Link, publishes: Sequence[Publish]) -> int:
        """Decode messages of a connection, in order; they are acknowledged once committed.

        Return how many wait for that: a message at QoS 0 does not.
        """
        self._take(link.origin, publishes, link)
        packet_ids = [message.packet_id for message in publishes if message.packet_id]
        self._expect(link, packet_ids)
        return len(packet_ids)

    async def deliver(self, origin: Origin, messages: Sequence[Publish]) -> Delivered:
        """Decode messages that came another way than MQTT; returns once all of it is durable.

        It waits while sockets are left unread.
        """
        while self._full():
            await self._room.wait()
        gathered = self._gathered
        readings, waiting = len(gathered.readings), len(gathered.waiting)
        rejected = len(gathered.rejected)
        self._take(origin, messages, None)
        delivered = Delivered(
            len(gathered.readings) - readings,
            len(gathered.waiting) - waiting,
            tuple(gathered.rejected[rejected:]),
        )
        await self._committed()
        return delivered

    def _take(self, origin: Origin, publishes: Sequence[Publish], link: Link | None) -> None:
        """Decode messages; `link` is None where nothing is sent again under the same packet id."""
        routes = self.routes.of(origin)
        admitted = self.routes.admitted(origin.source)
        readings = self._gathered.readings
        note, source = self.raw.note, origin.source
        held = self.witness.held.devices
        now = self._clock.now()
        base = 0 if self._clock.trusted() else OWN_CLOCK_UNTRUSTED
        for message in publishes:
            flags = base | RETAINED if message.retain else base
            try:
                decode = routes[message.topic]
            except KeyError:
                decode = self.routes.find(origin, message.topic)
            try:
                decoded = decode(message.payload, now, flags)
                if len(decoded) != 1 or decoded[0].device not in admitted:
                    self.routes.admit_all(source, decoded)
            except (DecodeError, Later) as instead:
                if not self._repeated(link, message):
                    self._put_aside(origin, message, now, flags, instead)
                continue
            if decoded and (
                decoded[0].flags & ARRIVAL or (len(decoded) > 1 and _has_arrivals(decoded))
            ):
                if self._repeated(link, message):
                    continue
                decoded = [self.apart(one) for one in decoded]
            readings.extend(decoded)
            if len(decoded) == 1:
                note(decoded[0].device, source, message, now)
            else:
                self._note_all(source, message, now, decoded)
            if held and not held.isdisjoint([one.device for one in decoded]):
                self.keep(_as_kept(origin, message, now, flags), decoded)
        self.received += len(publishes)

    def _note_all(
        self, source: str, message: Publish, received: int, decoded: Sequence[Reading]
    ) -> None:
        for device in {one.device for one in decoded}:
            self.raw.note(device, source, message, received)

    def apart(self, reading: Reading) -> Reading:
        """Give readings of one device that arrive in the same millisecond times in their order.

        Without it nobody could tell afterwards which of them was the later.
        """
        if not reading.flags & ARRIVAL:
            return reading
        last = self._last_arrival.get(reading.device, 0)
        if reading.at <= last < reading.at + CLOSE:
            reading = msgspec.structs.replace(reading, at=last + 1)
        self._last_arrival[reading.device] = reading.at
        return reading

    def _repeated(self, link: Link | None, message: Publish) -> bool:
        """Whether a message without times of its own is one that we have, sent again."""
        if link is None or not message.packet_id:
            return False
        arrival = self._redelivery.arrived(link, message)
        if arrival is None:
            return True
        self._gathered.arrivals.append(arrival)
        return False

    def _put_aside(
        self,
        origin: Origin,
        message: Publish,
        received: int,
        flags: int,
        instead: DecodeError | Later,
    ) -> None:
        """Keep what is no reading: for the codec that reads it, or in the quarantine."""
        if isinstance(instead, Later):
            try:
                self.routes.admit(origin.source, instead.device)
                if not self.backlog.full:
                    self._wait(origin, message, received, flags, instead.device)
                    return
                error = _behind(instead)
            except DecodeError as refusal:
                error = refusal
        else:
            error = instead
        self._gathered.heavy += len(message.topic) + len(message.payload)
        self.rejected += len(message.topic) + len(message.payload)
        self._gathered.rejected.append(
            Rejected(
                received=received,
                topic=message.topic,
                payload=message.payload,
                flags=flags,
                owner=origin.owner,
                source=origin.source,
                reason=error.reason,
                detail=error.detail,
                cure=error.cure,
                device=self.routes.whose(origin, error),
            )
        )

    def _wait(
        self, origin: Origin, message: Publish, received: int, flags: int, device: DeviceKey
    ) -> None:
        one = _as_kept(origin, message, received, flags)
        self.backlog.add([one])
        self._gathered.heavy += one.size
        self._gathered.waiting.append(one)
        self.raw.note(device, origin.source, message, received)

    def _expect(self, link: Link, packet_ids: list[int]) -> None:
        waiting = self._gathered.acknowledgements
        known = waiting.setdefault((link, link.generation), packet_ids)
        if known is not packet_ids:
            known += packet_ids
        self._links.add(link)
        self._soon()
        if self._full():
            self._paused.add(link)
            link.pause()

    def along(
        self,
        stage: Callable[[Journal], None] | None,
        committed: Callable[[], None] | None = None,
    ) -> None:
        """Have something else written in the same transaction as what has arrived until now.

        `stage` may be called again if the disk fails; `committed` is called once it is durable,
        before any acknowledgement of the same transaction leaves.
        """
        if stage is not None:
            self._gathered.along.append(stage)
        if committed is not None:
            self._gathered.committed.append(committed)
        self._soon()

    def _soon(self) -> None:
        """Commit within the interval, or at once when much has gathered."""
        if len(self._gathered) >= FULL:
            self._due.set()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.interval, self._due.set)

    def _full(self) -> bool:
        """Whether sockets are to be left unread."""
        gathered = self._gathered
        crowded = len(gathered) >= CROWDED or gathered.heavy >= HEAVY
        return crowded or self.held or self.problem is not None

    def hold(self, reason: str | None) -> None:
        """Leave the sockets unread because of `reason`, until called with None."""
        if reason is not None and not self.held:
            self._paused.update(self._links)
            for link in self._paused:
                link.pause()
        self.held = reason is not None
        if not self.held:
            self._resume()

    def _resume(self) -> None:
        if self._full():
            return
        for link in self._paused:
            link.resume()
        self._paused.clear()
        self._room.ring()

    async def store(
        self, readings: Sequence[Reading], along: Callable[[Journal], None] | None = None
    ) -> None:
        """Commit readings that came another way; returns once they are durable.

        `along` stages what is written in the same transaction.
        """
        self._gathered.readings.extend(readings)
        if along is not None:
            self._gathered.along.append(along)
        await self._committed()

    def keep(self, one: Waiting | Rejected, readings: Sequence[Reading]) -> None:
        """Have a message kept as it came where any of the readings that it gave is evidence."""
        message = self.witness.sees(one, readings)
        if message is not None:
            self._gathered.messages.append(message)
            self._gathered.heavy += message.size

    def decode_again(self, one: Rejected | Waiting) -> list[Reading]:
        """Return the readings of a message that was kept. Raises DecodeError, and Later."""
        decode = self.routes.bind(Origin(one.owner, one.source), one.topic)
        decoded = decode(one.payload, one.received, one.flags)
        self.routes.admit_all(one.source, decoded, again=True)
        return decoded

    async def _committed(self) -> None:
        done = asyncio.Event()
        self._gathered.committed.append(done.set)
        self._due.set()
        await done.wait()

    # -- commit ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Commit and acknowledge, for ever. Raises FileError if the journal is damaged."""
        while True:
            await self._due.wait()
            self._due.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            await self._commit()

    async def _commit(self) -> None:
        gathered, self._gathered = self._gathered, Gathered()
        gathered.forgotten = self._redelivery.forget()
        while not await self._write(gathered):  # noqa: ASYNC110 - the disk gives no sign when it is well
            await asyncio.sleep(RETRY)
        self.journal.publish()
        for committed in gathered.committed:
            committed()
        for (link, generation), packet_ids in gathered.acknowledgements.items():
            link.acknowledge(generation, packet_ids)
        self.bell.ring()
        if gathered.waiting:
            self.backlog.bell.ring()
        self._resume()

    async def _write(self, gathered: Gathered) -> bool:
        """Make a batch durable; say whether the disk took it."""
        try:
            if self.problem is not None:
                self.journal.reopen()
            self.before_commit(self.journal)
            self.journal.append(gathered.readings, gathered.rejected)
            self.journal.messages.keep(gathered.messages)
            if gathered.waiting:
                self.journal.pending.keep(gathered.waiting)
            self.journal.keep_arrivals(gathered.arrivals)
            self.journal.forget_arrivals(gathered.forgotten)
            for stage in gathered.along:
                stage(self.journal)
            await self.journal.commit_aside()
        except DiskError as error:
            if self.problem is None:
                log.warning("the disk takes no writes: sockets are left unread", problem=str(error))
            self.problem = str(error)
            self._paused.update(self._links)
            for link in self._paused:
                link.pause()
            self.on_disk()
            return False
        if self.problem is not None:
            log.warning("the disk takes writes again")
            self.problem = None
            self.on_disk()
        return True


def _has_arrivals(decoded: Sequence[Reading]) -> bool:
    """Whether one of a message's readings has no time of its own."""
    return any(one.flags & ARRIVAL for one in decoded)


def _as_kept(origin: Origin, message: Publish, received: int, flags: int) -> Waiting:
    return Waiting(received, message.topic, message.payload, flags, origin.owner, origin.source)


def _behind(later: Later) -> DecodeError:
    return DecodeError(
        "codecs-behind",
        "as much as may wait for codecs does already: they are too slow for what comes",
        f"Look at the codec {later.call.codec}; then: holdwatch quarantine retry",
    )
