"""Plain JSON: our own convention, and other people's topics and keys by a declared mapping.

One object is one reading; an array of objects is a backlog. Where one object of an array is
wrong the whole message is refused: it goes to the quarantine with its bytes and is decoded again
on demand, so nothing of it is lost.
"""

from __future__ import annotations

from typing import Any

from devices.device import Decode, DecodeError, Origin, check_device_id
from devices.envelopes.document import (
    MAXIMUM_OBJECTS,
    Document,
    describe,
    moment,
    number,
    parse,
    sequence_number,
)
from devices.envelopes.mapping import Mapping, look_up, path_of
from devices.envelopes.measured import nothing, truth
from devices.envelopes.plan import REFUSALS, KeyOf, Plan, Plans, Unplanned
from devices.reading import MAXIMUM_CHANNELS, QUANTITIES, DeviceKey, Reading, layout, reading

# Making a plan costs as much as decoding some fifty messages without one, so a topic whose keys
# never settle is given up on.
_PLANS_OF_A_TOPIC = 16
_OURS = Mapping()
_CONVENTION = f"{', '.join(QUANTITIES)}, position; a place may follow: temperature.supply_air"


class PlainJson:
    """Plain JSON under one mapping."""

    name = "plain-json"

    def __init__(self, mapping: Mapping | None = None) -> None:
        self.mapping = mapping or Mapping()
        self._pattern = self.mapping.pattern
        self._plans = Plans(self.mapping)

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder for this topic, None if the mapping does not cover it.

        Raises DecodeError where the topic holds an id that cannot be one.
        """
        match = self._pattern.fullmatch(topic)
        if match is None:
            return None
        if self.mapping.ignore:
            return nothing
        if self.mapping.device_key:
            return Topic(self.mapping, self._plans, origin, None).decode
        device = self.mapping.device or match["device"]
        return Topic(self.mapping, self._plans, origin, check_device_id(device)).decode


class Topic:
    """The decoder of one topic. It remembers the plans that fitted last."""

    __slots__ = ("_key", "_made", "_mapping", "_other", "_plan", "_plans", "_source")

    def __init__(self, mapping: Mapping, plans: Plans, origin: Origin, device: str | None) -> None:
        owner = origin.owner
        self._key: DeviceKey | KeyOf = (
            DeviceKey(owner, device)
            if device is not None
            else lambda value: DeviceKey(owner, _device_id(value, mapping.device_key))
        )
        self._mapping = mapping
        self._source = origin.source
        self._plans = plans
        self._plan: Plan | None = None
        self._other: Plan | None = None
        self._made = 0

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode by the plan that fitted last, else by the other one, else by the definition."""
        plan = self._plan
        if plan is None:
            # A plan takes nothing else than its shape, whoever sends it.
            plan = self._plan = self._plans.newest
            if plan is None:
                return self._define(payload, received, flags)
        try:
            return plan.one(payload, self._key, received, flags, self._source)
        except REFUSALS:
            readings = self._try_others(plan, payload, received, flags)
        return readings if readings is not None else self._define(payload, received, flags)

    def _try_others(
        self, plan: Plan, payload: bytes, received: int, flags: int
    ) -> list[Reading] | None:
        many = payload.lstrip()[:1] == b"["
        other = self._other
        for candidate in (plan, other) if many else (other,):
            if candidate is None:
                continue
            decode = candidate.many if many else candidate.one
            try:
                readings = decode(payload, self._key, received, flags, self._source)
            except REFUSALS:
                continue
            if candidate is other:
                self._plan, self._other = other, plan
            return readings
        return None

    @property
    def definition(self) -> Definition:
        """What a payload on this topic means; made when it is asked for, which is seldom."""
        return Definition(self._mapping, self._key, self._source)

    def _define(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        try:
            document = parse(payload)
            readings = Definition(self._mapping, self._key, self._source).readings(
                document, received, flags
            )
        except DecodeError as error:
            if isinstance(self._key, DeviceKey):
                error.device = str(self._key)
            raise
        first = document[0] if isinstance(document, list) and document else document
        if isinstance(first, dict) and self._made < _PLANS_OF_A_TOPIC:
            self._learn(first)
        return readings

    def _learn(self, document: Document) -> None:
        try:
            plan, made = self._plans.find(document)
        except Unplanned:
            return
        self._made += made
        if plan is not self._plan:
            self._plan, self._other = plan, self._plan


class Definition:
    """What a payload means. Plans are only a faster way to the same."""

    __slots__ = ("_key", "_mapping", "_source")

    def __init__(self, mapping: Mapping, key: DeviceKey | KeyOf, source: str) -> None:
        self._mapping = mapping
        self._key = key
        self._source = source

    def readings(self, document: object, received: int, flags: int) -> list[Reading]:
        """Return the readings of a parsed payload. Raises DecodeError."""
        if not isinstance(document, list):
            return [self._reading(document, received, flags)]
        if len(document) > MAXIMUM_OBJECTS:
            raise DecodeError(
                "too-many-objects",
                f"the array holds {len(document)} objects, the limit is {MAXIMUM_OBJECTS}",
                "Send the backlog in several messages",
            )
        if not document:
            raise DecodeError(
                "empty",
                "the array is empty",
                "Send at least one object, or nothing while there is nothing to say",
            )
        readings = []
        for place, each in enumerate(document, 1):
            try:
                readings.append(self._reading(each, received, flags))
            except DecodeError as error:
                where = f"object {place} of {len(document)}: "
                placed = DecodeError(error.reason, where + error.detail, error.cure)
                placed.device = error.device
                raise placed from None
        return readings

    def _reading(self, document: object, received: int, flags: int) -> Reading:
        key = self._key
        device = (
            key
            if isinstance(key, DeviceKey)
            else key(look_up(document, path_of(self._mapping.device_key)))
        )
        try:
            return self._of(device, document, received, flags)
        except DecodeError as error:
            error.device = str(device)
            raise

    def _of(self, device: DeviceKey, document: object, received: int, flags: int) -> Reading:
        mapping = self._mapping
        channels = self._channels(document)
        names = tuple(sorted(channels))
        return reading(
            device=device,
            at=moment(_role(document, mapping.time), mapping.time_unit, mapping.time),
            received=received,
            layout=layout(names, self._source),
            values=tuple([channels[name] for name in names]),
            sequence=sequence_number(_role(document, mapping.sequence), mapping.sequence),
            flags=flags,
            source=self._source,
        )

    def _channels(self, document: object) -> dict[str, float]:
        mapping = self._mapping
        bare = "" in mapping.channels.values()
        if not isinstance(document, dict) and not bare:
            raise DecodeError(
                "not-an-object",
                f"{describe(document)} stands where an object is wanted",
                'Send an object such as {"time": "2026-11-22T10:00:00Z", "temperature": 4.3}, '
                "or an array of them",
            )
        channels: dict[str, float] = {}
        for channel, path in mapping.places(document):
            if channel in channels:
                raise DecodeError(
                    "duplicate-channel",
                    f"the channel {channel} is given in two ways",
                    "Send each channel once",
                )
            found, key = look_up(document, path), ".".join(path) or "the payload"
            # A door may be said to be open in words; nothing else may.
            said = isinstance(found, bool | str) and not QUANTITIES[channel.partition(".")[0]].unit
            value = truth(found, key) if said else number(found, key)
            channels[channel] = mapping.conversion_of(channel).of(value) if mapping.units else value
        if not channels:
            raise self._no_channel(document)
        if len(channels) > MAXIMUM_CHANNELS:
            raise DecodeError(
                "too-many-channels",
                f"there are {len(channels)} channels, the limit is {MAXIMUM_CHANNELS}",
                "Send the channels in several messages, or map only those that are wanted",
            )
        return channels

    def _no_channel(self, document: object) -> DecodeError:
        keys = list(document) if isinstance(document, dict) else []
        seen = ", ".join(repr(key[:40]) for key in keys[:20]) or "none"
        accepted = ", ".join(map(repr, self._mapping.channels.values())) or _CONVENTION
        if self._mapping == _OURS:
            return DecodeError(
                "no-channel",
                f"no key of the message is a channel; keys seen: {seen}",
                f"Accepted keys: {accepted}. Map other names in the settings",
            )
        topic = self._mapping.topic
        return DecodeError(
            "no-channel",
            f"no key is a channel for the mapping of {topic!r}, which took the topic; "
            f"keys seen: {seen}",
            f"Accepted keys: {accepted}. Change the channels of that mapping in the settings, or "
            "its topic",
        )


def _role(document: object, key: str) -> Any:  # noqa: ANN401 - JSON is anything until it is looked at
    return look_up(document, path_of(key)) if key and isinstance(document, dict) else None


def _device_id(value: object, key: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise DecodeError(
            "no-device-id",
            f"{key!r} is {describe(value)}, not a device id",
            f"Send the device's id as the text {key!r}, or change device_key in the settings",
        )
    return check_device_id(value)
