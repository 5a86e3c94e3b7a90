"""What the sensors of a consignment say together, moment by moment.

Each sensor has a slot, a number that stays its own; its `temperature` is `temperature.@1` here,
its `temperature.return_air` is `temperature.return_air@1`. A moment is whenever one of them says
something, ceases to speak or is assigned or taken off, and whenever the consignment changes its
leg or stage. What is known at a moment depends on nothing after it, so that judging live and
judging again later see the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from devices.reading import (
    EXPIRED,
    IMPORTED,
    MAXIMUM_CHANNELS,
    RETAINED,
    UNUSABLE_SHIFT,
    DeviceKey,
    Layout,
    Reading,
    layout,
)
from rules.cargo.consignment import EVER, FOREVER, Consignment, slots
from rules.duration import DAY
from rules.jumps import confirms, jump_of
from rules.only import changes
from rules.subject import undated

Speaks = Callable[[DeviceKey, int], int]
"""How long (ms) a reading of this sensor and time (ms) speaks for."""
Channels = Collection[str] | None
"""The channels that anybody judges, by the sensors' own names; None: all."""
Snapshot = tuple[int, bytes]
"""A midnight UTC (ms), and what was known after all moments before it."""


class Sample(NamedTuple):
    """A reading of a slot: `place` sorts them."""

    when: int
    slot: int
    identity: int
    at: int
    reading: Reading


def place(sample: Sample) -> tuple[int, int, int, int]:
    """Return the sort key: time, slot, and then as `rules.subject.order` has it."""
    return sample[:4]


class Said(msgspec.Struct, array_like=True):
    """What a sensor said last on a channel. It speaks until `until` (ms).

    `believed` is the last value that was, with its time; `doubted` one that jumped from there as
    nothing real does, and waits for the next one to confirm it.
    """

    value: float
    usable: bool
    until: int
    received: int
    flags: int
    believed: tuple[int, float] | None = None
    doubted: tuple[int, float] | None = None


class _Kept(msgspec.Struct, array_like=True):
    """What is kept of a mix: by slot, since when it is assigned and what it said."""

    position: int
    said: dict[int, tuple[int, dict[str, Said]]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Kept)


def composed(channel: str, slot: int) -> str:
    """Return what a sensor's channel is called in a composed reading."""
    return f"{channel}@{slot}" if "." in channel else f"{channel}.@{slot}"


def channel_of(name: str) -> str:
    """Return what a channel of a composed reading is called by its sensor."""
    return name.partition("@")[0].rstrip(".")


class Mix:
    """What the sensors of one consignment say, as far as `position` (ms)."""

    def __init__(self, consignment: Consignment, speaks: Speaks, channels: Channels = None) -> None:
        self.position = EVER
        self._subject = consignment.subject
        self._speaks = speaks
        self._channels = None if channels is None else frozenset(channels)
        self._numbers = slots(consignment)
        self._spans = _spans(consignment, self._numbers)
        ends = {time for spans in self._spans.values() for span in spans for time in span}
        self._moments = sorted({*(t for t in ends if EVER < t < FOREVER), *changes(consignment)})
        # By slot: since when the assignment lasts in which it said so, and what by channel.
        self._said: dict[int, tuple[int, dict[str, Said]]] = {}
        self._shape: tuple[Layout, list[Said]] | None = None
        self.snapshots: list[Snapshot] = []
        """Made since somebody last took them out."""

    # -- who speaks when ---------------------------------------------------------------------

    def sample(self, reading: Reading) -> Sample | None:
        """Return a reading as a sample of it, None where it does not speak for the consignment."""
        slot = self._numbers.get(reading.device)
        if slot is None or undated(reading) or self.span(slot, reading.when) is None:
            return None
        return Sample(reading.when, slot, reading.identity, reading.at, reading)

    def span(self, slot: int, when: int) -> tuple[int, int] | None:
        """Return from when until when a slot speaks around a time, None if it does not then."""
        return next((one for one in self._spans.get(slot, ()) if one[0] <= when < one[1]), None)

    @property
    def last(self) -> int:
        """Return until when any sensor is assigned to it (ms)."""
        return max((until for spans in self._spans.values() for _, until in spans), default=EVER)

    @property
    def upcoming(self) -> int:
        """Return the next moment (ms) that is no sensor's doing."""
        place = bisect_right(self._moments, self.position)
        return self._moments[place] if place < len(self._moments) and self._said else FOREVER

    def next_change(self, until: int) -> int | None:
        """Return the last moment up to `until` that is no sensor's doing, if one is to come."""
        place = bisect_right(self._moments, until)
        found = self._moments[place - 1] if place and self._said else EVER
        return found if found > self.position else None

    # -- going on ----------------------------------------------------------------------------

    def run(self, samples: Iterable[Sample], until: int = EVER) -> list[Reading]:
        """Go on with sorted samples after `position`, and then to `until`; return what was said."""
        told: list[Reading] = []
        group: list[Sample] = []
        for one in samples:
            if group and one.when != group[0].when:
                self._pass(group[0].when - 1, told)
                self._at(group[0].when, group, told)
                group = []
            group.append(one)
        if group:
            self._pass(group[0].when - 1, told)
            self._at(group[0].when, group, told)
        self._pass(until, told)
        return told

    def _pass(self, until: int, told: list[Reading]) -> None:
        """Let time pass to `until`: who ceases to speak, and what changes by itself."""
        while (moment := self._next()) <= until:
            self._at(moment, (), told)

    def _next(self) -> int:
        position, soonest = self.position, FOREVER
        for _, channels in self._said.values():
            for said in channels.values():
                if position < said.until < soonest:
                    soonest = said.until
        place = bisect_right(self._moments, position)
        return min(self._moments[place], soonest) if place < len(self._moments) else soonest

    def _at(self, when: int, samples: Sequence[Sample], told: list[Reading]) -> None:
        day = when - when % DAY
        if self.position != EVER and self.position < day:
            self.snapshots.append((day, self.dump()))
        left = self._leave(when)
        for sample in samples:
            self._hear(sample)
        self.position = when
        shape = self._gone(left) if left else self._shaped()
        if shape is not None:
            identity = samples[0].identity if samples else 0
            told.append(_reading(self._subject, when, shape, identity))

    def _leave(self, when: int) -> dict[str, Said]:
        """Forget sensors that do not speak for it any more; return what they said."""
        left: dict[str, Said] = {}
        for slot, (begun, channels) in list(self._said.items()):
            span = self.span(slot, when)
            if span is None or span[0] != begun:
                left |= {composed(channel, slot): said for channel, said in channels.items()}
                del self._said[slot]
                self._shape = None
        return left

    def _hear(self, sample: Sample) -> None:
        when, slot, *_, reading = sample
        span = self.span(slot, when)
        if span is None:
            return
        _, known = self._said.setdefault(slot, (span[0], {}))
        until = when + self._speaks(reading.device, when)
        flags = reading.flags & (IMPORTED | EXPIRED)
        # Nobody heard the sensor when the broker told what it had kept.
        received = min(reading.received, when) if reading.flags & RETAINED else reading.received
        for index, channel in enumerate(reading.layout.channels):
            said = known.get(channel)
            if said is None:
                if not self._carries(channel):
                    continue
                said = known[channel] = Said(0.0, False, until, received, flags)  # noqa: FBT003 - a struct
                self._shape = None
            usable = not reading.flags >> (UNUSABLE_SHIFT + index) & 1
            said.value, said.until = reading.values[index], until
            said.received, said.flags = received, flags
            said.usable = usable and _believed(said, channel, when)
            if not usable:
                said.doubted = None

    def _carries(self, channel: str) -> bool:
        if self._channels is not None and channel not in self._channels:
            return False
        return sum(len(known) for _, known in self._said.values()) < MAXIMUM_CHANNELS

    # -- what they say -----------------------------------------------------------------------

    def _shaped(self) -> tuple[Layout, list[Said]] | None:
        if self._shape is None:
            self._shape = _shape(self._all())
        return self._shape

    def _gone(self, left: dict[str, Said]) -> tuple[Layout, list[Said]] | None:
        """Return what is said at the moment at which sensors leave.

        What nobody else measures is said to be unknown, once: what never comes again would stay.
        """
        known = self._all()
        measured = {channel_of(name) for name in known}
        for name, said in sorted(left.items()):
            if channel_of(name) not in measured and len(known) < MAXIMUM_CHANNELS:
                known[name] = msgspec.structs.replace(said, until=EVER)
        return _shape(known)

    def _all(self) -> dict[str, Said]:
        return {
            composed(channel, slot): said
            for slot, (_, known) in self._said.items()
            for channel, said in known.items()
        }

    # -- kept --------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """Return what is known at `position` as MessagePack."""
        said = {slot: self._said[slot] for slot in sorted(self._said)}
        return _encoder.encode(_Kept(self.position, said))

    def load(self, kept: bytes) -> None:
        """Take over what was dumped. Raises ValueError where that cannot be read."""
        try:
            content = _decoder.decode(kept)
        except msgspec.DecodeError as error:
            raise ValueError(f"what is stored of {self._subject} cannot be read") from error
        self.position, self._said, self._shape = content.position, content.said, None


def _spans(
    consignment: Consignment, numbers: dict[DeviceKey, int]
) -> dict[int, list[tuple[int, int]]]:
    """Return by slot from when until when (ms) it speaks, in order.

    A sensor that stays, as with a part of what was split, goes on: it is one time.
    """
    found: dict[int, list[tuple[int, int]]] = {slot: [] for slot in numbers.values()}
    for one in sorted(consignment.assignments, key=lambda one: one.since):
        since = max(one.since, one.ignore_until)
        until = FOREVER if one.until is None else one.until
        if since >= until:
            continue
        spans = found[numbers[one.sensor]]
        if spans and since <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(until, spans[-1][1])
        else:
            spans.append((since, until))
    return found


def _believed(said: Said, channel: str, when: int) -> bool:
    """Whether a value is believed: it did not jump, or the next one shows that the jump was real.

    The value that jumped stays unknown until then.
    """
    jump = jump_of(channel)
    if jump is None:
        return True
    value, believed, doubted = said.value, said.believed, said.doubted
    said.doubted = None
    if (
        doubted is not None
        and believed is not None
        and confirms(jump, believed[1], doubted[1], value, when - doubted[0])
    ):
        believed = doubted
    if believed is None or jump.allows(value - believed[1], when - believed[0]):
        said.believed = (when, value)
        return True
    said.doubted = (when, value)
    return False


def _shape(known: dict[str, Said]) -> tuple[Layout, list[Said]] | None:
    if not known:
        return None
    names = tuple(sorted(known))
    return layout(names), [known[name] for name in names]


def _reading(
    subject: DeviceKey, when: int, shape: tuple[Layout, list[Said]], identity: int
) -> Reading:
    """Return what all of them say at a moment as one reading."""
    told, known = shape
    last = max(one.until for one in known)
    # Where nobody speaks any more, whoever did last: not one who has been silent for long.
    speaking = [one for one in known if when < one.until or one.until == last]
    live = [one for one in speaking if not one.flags & IMPORTED]
    flags = 0 if live else IMPORTED
    for one in speaking:
        flags |= one.flags & EXPIRED
    received = max(one.received for one in live or speaking)
    bit = 1 << UNUSABLE_SHIFT
    for one in known:
        if not one.usable or when >= one.until:
            flags |= bit
        bit <<= 1
    values = tuple([one.value for one in known])
    return Reading(subject, when, received, told, values, flags, identity, "")
