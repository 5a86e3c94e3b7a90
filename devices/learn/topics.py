"""Topics that differ in some levels alone are one family. One of those levels names the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.device import DecodeError, check_device_id
from devices.learn.heard import words
from devices.learn.names import meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Levels = tuple[str, ...]

GENERIC = frozenset(
    words(
        "home house site sensor sensors binary_sensor state status tele stat data reading readings "
        "value values v1 v2 v3 mqtt device devices dev iot json event events up uplink telemetry "
        "attributes measurement measurements gateway gw zigbee lora lorawan application app api "
        "out raw rx payload message messages msg update current topic node nodes info metrics "
        "properties rooms room area things thing public test climate"
    )
)
"""Levels that seldom name a device."""
MOST_ALIKE = 16
"""Kinds of payload, among topics that differ in one level, that are told apart."""
ALIKE = 0.5
"""Share of the smaller set of keys that two payloads have in common, to be of one kind."""


class Shape(NamedTuple):
    """What a topic's payloads are like: `kind`, and of objects the keys."""

    kind: str
    keys: frozenset[tuple[str, ...]]

    def like(self, other: Shape) -> bool:
        """Whether one kind of device may send both."""
        if self.kind != other.kind:
            return False
        least = min(len(self.keys), len(other.keys))
        return least == 0 or len(self.keys & other.keys) >= ALIKE * least


def families(shapes: dict[str, Shape]) -> list[list[str]]:
    """Return topics in groups: of like shape, and alike but for some of their levels.

    Two topics are of one group if they differ in one level, and so by way of others; two groups
    if all their payloads are alike and a level is the same throughout both.
    """
    groups = _joined(shapes)
    merged: list[list[str]] = []
    for group in groups:
        near = next((one for one in merged if _one_kind(one, group, shapes)), None)
        if near is None:
            merged.append(group)
        else:
            near += group
    return [sorted(group) for group in merged]


def _joined(shapes: dict[str, Shape]) -> list[list[str]]:
    leader = {topic: topic for topic in shapes}

    def find(topic: str) -> str:
        while leader[topic] != topic:
            leader[topic] = leader[leader[topic]]
            topic = leader[topic]
        return topic

    without: dict[tuple[int, Levels, str], list[str]] = {}
    for topic in sorted(shapes):
        levels = tuple(topic.split("/"))
        for place in range(len(levels)):
            key = (place, (*levels[:place], "", *levels[place + 1 :]), shapes[topic].kind)
            # A few that stand for many: each new topic is compared with no more than these.
            others = without.setdefault(key, [])
            for other in others:
                if shapes[topic].like(shapes[other]) and _may_differ(topic, other):
                    leader[find(topic)] = find(other)
                    break
            else:
                if len(others) < MOST_ALIKE:
                    others.append(topic)
    groups: dict[str, list[str]] = {}
    for topic in sorted(shapes):
        groups.setdefault(find(topic), []).append(topic)
    return list(groups.values())


def _one_kind(one: list[str], other: list[str], shapes: dict[str, Shape]) -> bool:
    a, b = one[0].split("/"), other[0].split("/")
    if len(a) != len(b) or not shapes[one[0]].like(shapes[other[0]]):
        return False
    same = set(constant(one)) & set(constant(other))
    return any(a[place] == b[place] for place in same) and _may_differ(one[0], other[0])


def _may_differ(one: str, other: str) -> bool:
    """Whether no level has two different common words: `sensor` and `binary_sensor` are two."""
    pairs = zip(one.split("/"), other.split("/"), strict=True)
    return not any(a != b and {a.lower(), b.lower()} <= GENERIC for a, b in pairs)


def constant(topics: Iterable[str]) -> list[int]:
    """Return which levels are the same in all of these topics."""
    columns = list(zip(*(topic.split("/") for topic in topics), strict=True))
    return [place for place, column in enumerate(columns) if len(set(column)) == 1]


def varying(topics: Sequence[str]) -> list[int]:
    """Return which levels differ in these topics."""
    same = set(constant(topics))
    return [place for place in range(topics[0].count("/") + 1) if place not in same]


def column(topics: Iterable[str], place: int) -> list[str]:
    """Return the different values of one level, sorted."""
    return sorted({topic.split("/")[place] for topic in topics})


def channel_level(topics: Sequence[str]) -> int | None:
    """Return the level whose values are names of what is measured, None where none is."""

    def known(place: int) -> float:
        values = column(topics, place)
        return sum(_names_a_channel(value) for value in values) / len(values)

    found = [place for place in range(topics[0].count("/") + 1) if known(place) > 0]
    differing = set(varying(topics))
    return max(
        found,
        key=lambda place: (place in differing, known(place), place),
        default=None,
    )


def _names_a_channel(level: str) -> bool:
    found = meaning((level,))
    return found is not None and found.sure


def device_level(topics: Sequence[str], taken: int | None) -> int | None:
    """Return the level that most likely names the device, None where all are common words.

    `taken`: one that is the channel. Levels that differ come first, then those that are no
    common words.
    """
    differing = set(varying(topics))

    def rank(place: int) -> tuple[int, bool, bool, int]:
        values = column(topics, place)
        count = len(values) if place in differing else 0
        own = not all(value.lower() in GENERIC for value in values)
        return count, own, any(sign.isdigit() for value in values for sign in value), place

    places = [place for place in range(topics[0].count("/") + 1) if place != taken]
    if not places:
        return None
    best = max(places, key=rank)
    return best if rank(best)[:2] != (0, False) else None


def template(topics: Sequence[str], marks: dict[int, str]) -> str:
    """Return the topics as one, with these marks in their levels and + where others differ."""
    differing = set(varying(topics))
    levels = topics[0].split("/")
    return "/".join(
        marks.get(place, "+" if place in differing or set("{}") & set(level) else level)
        for place, level in enumerate(levels)
    )


def is_id(text: str) -> bool:
    """Whether a device can be called so."""
    try:
        check_device_id(text)
    except DecodeError:
        return False
    return True


def as_id(text: str, make: Callable[[str], str]) -> str:
    """Return what a device may be called instead, "" where there is nothing to make it of."""
    readable = "-".join("".join(s if s.isalnum() or s in "-_:" else " " for s in text).split())
    if is_id(readable):
        return readable
    try:
        return make(text)
    except DecodeError:
        return ""
