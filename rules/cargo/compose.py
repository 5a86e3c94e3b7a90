"""What the sensors of a consignment say, as readings of the consignment, live and offline.

Live, a sensor may be slower than another. It is waited for, a while; what comes later still is
late, and the consignment is judged again from then on. So what is composed in the end, and every
beginning of it, is what `compose` makes of all there is, in whatever order it came.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import attrgetter

import msgspec

from devices.reading import DeviceKey, Reading, layout
from rules.cargo.consignment import EVER, Consignment
from rules.cargo.mix import Channels, Mix, Sample, Snapshot, Speaks, channel_of, composed, place

__all__ = ["Channels", "Composed", "Composer", "Speaks", "channel_of", "compose", "composed"]


def compose(
    consignment: Consignment,
    readings: Iterable[Reading],
    speaks: Speaks,
    *,
    channels: Channels = None,
    until: int = EVER,
) -> list[Reading]:
    """Return what a consignment's sensors say together: readings of it, by time.

    `readings` are those of its sensors, corrected, in any order; what they said when they did not
    speak for it counts for nothing. `channels` are those that anybody judges. It goes as far as
    the last reading, and then on to `until` (ms).
    """
    mix = Mix(consignment, speaks, channels)
    samples = [sample for one in readings if (sample := mix.sample(one)) is not None]
    return mix.run(sorted(samples, key=place), until)


class Composed(msgspec.Struct):
    """What came of readings. `late` (ms) is since when the consignment must be judged again.

    `snapshots` were made on the way, for key frames.
    """

    readings: list[Reading]
    late: int | None = None
    snapshots: list[Snapshot] = []


class _Waiting(msgspec.Struct, array_like=True):
    """A reading that waits for the slower sensors."""

    device: DeviceKey
    at: int
    received: int
    channels: tuple[str, ...]
    values: tuple[float, ...]
    flags: int
    identity: int


class _Kept(msgspec.Struct, array_like=True):
    mix: bytes
    waiting: tuple[_Waiting, ...]
    newest: dict[int, tuple[int, int]]
    reach: int


_WHEN = attrgetter("when")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Kept)


class Composer:
    """Composes one consignment as its sensors are heard."""

    def __init__(self, consignment: Consignment, speaks: Speaks, channels: Channels = None) -> None:
        self.consignment = consignment
        self._speaks = speaks
        self._channels = channels
        self._mix = Mix(consignment, speaks, channels)
        self._waiting: list[Sample] = []
        # By slot: when its newest sample is of, and until when that speaks.
        self._newest: dict[int, tuple[int, int]] = {}
        # As far as time has come, by what was heard. A clock that is ahead does not move it.
        self._reach = EVER

    @property
    def position(self) -> int:
        """As far as it is composed (ms)."""
        return self._mix.position

    @property
    def last(self) -> int:
        """Return until when any sensor is assigned to it (ms)."""
        return self._mix.last

    @property
    def due(self) -> int:
        """Return when (ms, our clock) `tick` has something to do, at the earliest."""
        if self._waiting:
            return EVER
        return self._mix.upcoming + self.consignment.wait

    @property
    def waits(self) -> bool:
        """Whether a reading waits for the slower sensors."""
        return bool(self._waiting)

    def concerns(self, reading: Reading) -> bool:
        """Whether a reading speaks for the consignment."""
        return self._mix.sample(reading) is not None

    def hears(self, reading: Reading) -> bool:
        """Whether a reading came while its sensor was assigned, so that somebody was heard."""
        return any(
            one.sensor == reading.device
            and one.since <= reading.received
            and (one.until is None or reading.received < one.until)
            for one in self.consignment.assignments
        )

    def take(self, readings: Iterable[Reading]) -> Composed:
        """Take readings as they come, of any sensors, corrected."""
        out = Composed([])
        for one in readings:
            sample = self._mix.sample(one)
            if sample is None:
                continue
            if sample.when <= self.position:
                out.late = sample.when if out.late is None else min(out.late, sample.when)
            else:
                self._wait(sample)
        self._release(self._horizon(), out)
        return out

    def tick(self, now: int) -> Composed:
        """Wait no longer than it says by our clock (ms); legs and stages change meanwhile."""
        out = Composed([])
        until = now - self.consignment.wait
        self._release(max(until, self._horizon()), out)
        change = self._mix.next_change(until)
        if change is not None:
            self._go_on([], change, out)
        return out

    def again(self, snapshot: bytes | None, readings: Iterable[Reading]) -> Composed:
        """Compose anew from a snapshot, or from the beginning, as far as it had come.

        `readings` are all of its sensors', as far as they were ever taken; of those before the
        snapshot nothing is needed. Raises ValueError where the snapshot cannot be read.
        """
        position = self.position
        self._mix = Mix(self.consignment, self._speaks, self._channels)
        if snapshot is not None:
            self._mix.load(snapshot)
        begin = self.position
        self._waiting, self._newest, self._reach = [], {}, EVER
        for one in readings:
            sample = self._mix.sample(one)
            if sample is not None and sample.when > begin:
                self._wait(sample)
        out = Composed([])
        self._release(max(position, self._horizon()), out)
        self._go_on([], position, out)
        return out

    def _wait(self, sample: Sample) -> None:
        waiting, where = self._waiting, place(sample)
        if not waiting or place(waiting[-1]) < where:
            waiting.append(sample)
        else:
            index = bisect_left(waiting, where, key=place)
            if place(waiting[index]) == where:
                return  # taken already: after a crash the same comes again
            waiting.insert(index, sample)
        when, device = sample.when, sample.reading.device
        if when >= self._newest.get(sample.slot, (EVER, EVER))[0]:
            self._newest[sample.slot] = when, when + self._speaks(device, when)
        self._reach = max(self._reach, min(when, sample.reading.received))

    def _horizon(self) -> int:
        """Return how far it can be composed: to where no sensor that speaks is waited for."""
        newest = max((when for when, _ in self._newest.values()), default=EVER)
        speaking = [
            when
            for slot, (when, until) in self._newest.items()
            if newest < until and (span := self._mix.span(slot, when)) and newest < span[1]
        ]
        if len(speaking) <= 1:
            return newest
        return max(min(speaking), self._reach - self.consignment.wait)

    def _release(self, horizon: int, out: Composed) -> None:
        count = bisect_right(self._waiting, horizon, key=_WHEN)
        if count:
            ready = self._waiting[:count]
            del self._waiting[:count]
            self._go_on(ready, EVER, out)

    def _go_on(self, samples: Iterable[Sample], until: int, out: Composed) -> None:
        mix = self._mix
        out.readings += mix.run(samples, until)
        if mix.snapshots:
            out.snapshots += mix.snapshots
            mix.snapshots = []

    def dump(self) -> bytes:
        """Return all of it as MessagePack, for the next start."""
        waiting = tuple(_packed(sample.reading) for sample in self._waiting)
        kept = _Kept(self._mix.dump(), waiting, dict(sorted(self._newest.items())), self._reach)
        return _encoder.encode(kept)

    def load(self, kept: bytes) -> None:
        """Take over what was dumped. Raises ValueError where that cannot be read."""
        try:
            content = _decoder.decode(kept)
        except msgspec.DecodeError as error:
            name = self.consignment.subject
            raise ValueError(f"what is stored of {name} cannot be read") from error
        self._mix.load(content.mix)
        samples = (self._mix.sample(_unpacked(one)) for one in content.waiting)
        self._waiting = [one for one in samples if one is not None]
        self._newest, self._reach = content.newest, content.reach


def _packed(reading: Reading) -> _Waiting:
    return _Waiting(
        reading.device,
        reading.at,
        reading.received,
        reading.layout.channels,
        reading.values,
        reading.flags,
        reading.identity,
    )


def _unpacked(one: _Waiting) -> Reading:
    return Reading(
        one.device,
        one.at,
        one.received,
        layout(one.channels),
        one.values,
        one.flags,
        one.identity,
        "",
    )
