"""Other people's topics and keys, declared in the settings instead of coded."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from devices.reading import QUANTITIES
from devices.units import SAME, Conversion, conversion, units_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.envelopes.document import Document

Path = tuple[str, ...]
"""Keys from the outside in. The empty path is the payload itself."""

_CHANNEL = re.compile(r"([a-z0-9_]+)(\.[A-Za-z0-9_-]{1,64})?")
_ANY_LEVEL = {
    "+": "[^/]*",
    "{site}": "[^/]*",
    "{device}": "(?P<device>[^/]*)",
    "{channel}": "(?P<channel>[^/]*)",
}

Format = Literal["json", "senml", "zigbee2mqtt", "shelly", "tasmota", "ruuvi-gateway"]
_SAYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "senml": (frozenset(), frozenset({"topic", "format", "device"})),
    "zigbee2mqtt": (frozenset({"#"}), frozenset({"topic", "format"})),
    "shelly": (frozenset({"{device}", "#"}), frozenset({"topic", "format", "device"})),
    "tasmota": (frozenset({"{device}"}), frozenset({"topic", "format", "device"})),
    "ruuvi-gateway": (frozenset({"{device}"}), frozenset({"topic", "format"})),
}
"""For each format: the levels that its topic must have, and the keys that can be said of it."""


def is_channel(name: str) -> bool:
    """Whether this is a quantity, or a quantity with a place, such as `temperature.return_air`."""
    match = _CHANNEL.fullmatch(name)
    return match is not None and match[1] in QUANTITIES


def _instead(name: str) -> str:
    """Say what may be written in place of what is no channel."""
    quantity, dot, place = name.partition(".")
    near = difflib.get_close_matches(quantity.lower(), QUANTITIES, 1, 0.7)
    if near:
        return f"did you mean {near[0]}{dot}{place}?"
    return (
        f"use one of {', '.join(QUANTITIES)}, with a place if you like, such as "
        "temperature.supply_air"
    )


def path_of(dotted: str) -> Path:
    """Return `data.temp` as ("data", "temp"), and "" as the path of the payload itself."""
    return tuple(dotted.split(".")) if dotted else ()


def look_up(document: Any, path: Path) -> Any:  # noqa: ANN401 - JSON is anything until it is looked at
    """Return what lies at the path, None where nothing does."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def has(document: object, path: Path) -> bool:
    """Whether anything, even null, lies at the path."""
    if not path:
        return True
    holder = look_up(document, path[:-1])
    return isinstance(holder, dict) and path[-1] in holder


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a payload's device, time and channels are found. The default is our convention.

    `topic`: levels may be `{device}` (its id), `{site}` or `+` (any one level), the last `#`, and
    `{channel}` where each topic carries one value.
    `device`: the id, for a topic that does not hold it; or `device_key`: the key that holds it.
    `time`, `sequence`: keys, "" for a device that has none. `time_unit`: of a numeric time.
    `channels`: channel → key. A dot leads into an object (`data.temp`); "" is a payload that is
    the bare value; with `{channel}` it is the name of that level. Without `channels` the keys (or
    levels) are the channels' own names.
    `units`: channel, or quantity → the unit that its values have, where it is not ours.
    `format`: another envelope, which then takes these topics too and knows all the rest itself.
    `ignore`: the messages are understood and carry no measurement; nothing else is then said.

    Raises ValueError that says what to change.
    """

    topic: str = "cargo/{site}/{device}/readings"
    device: str = ""
    device_key: str = ""
    time: str = "time"
    time_unit: Literal["ms", "s"] = "ms"
    sequence: str = "seq"
    channels: dict[str, str] = msgspec.field(default_factory=dict)
    units: dict[str, str] = msgspec.field(default_factory=dict)
    format: Format = "json"
    ignore: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never decode a message."""
        levels = self.topic.split("/")
        self._check_topic(levels)
        if self.ignore:
            self._check_besides(frozenset({"topic", "ignore"}), "ignores its messages")
            return
        if self.format != "json":
            self._check_format(levels)
            return
        self._check_device(levels)
        self._check_channels()

    def _check_device(self, levels: list[str]) -> None:
        given = [levels.count("{device}") > 0, self.device != "", self.device_key != ""]
        if sum(given) != 1:
            raise ValueError(
                f"the mapping of {self.topic!r} must name its device in exactly one way: "
                "{device} in the topic, device = an id, or device_key = the key that holds it"
            )

    def _check_channels(self) -> None:
        for channel in self.channels:
            if not is_channel(channel):
                raise ValueError(f"{channel!r} is not a channel; {_instead(channel)}")
        if self.one_each and ("" in self.channels.values() or self.device_key):
            raise ValueError(
                f"each topic of {self.topic!r} carries one value, so channels name what stands in "
                "place of {channel}, and the device is {device} in the topic, or device = an id"
            )
        if "" in self.channels.values() and (len(self.channels) > 1 or self.device_key):
            raise ValueError(
                f"the mapping of {self.topic!r} has a channel whose key is empty, which means that "
                "the payload is that one value: it can hold no other channel and no device_key"
            )
        for channel, unit in self.units.items():
            if not is_channel(channel):
                raise ValueError(f"{channel!r} in units is not a channel; {_instead(channel)}")
            if conversion(channel, unit) is None:
                raise ValueError(
                    f"{channel} cannot have the unit {unit!r}; it may have {units_of(channel)}"
                )

    def _check_format(self, levels: list[str]) -> None:
        needs, says = _SAYS[self.format]
        self._check_besides(says, f"is read as {self.format}")
        missing = needs - set(levels) - ({"{device}"} if self.device else set())
        if missing or "{channel}" in levels:
            raise ValueError(
                f"{self.topic!r} is no topic for {self.format}: "
                + (
                    f"it lacks {' and '.join(sorted(missing))}"
                    if missing
                    else "leave {channel} out"
                )
            )
        if self.device and "{device}" in levels:
            raise ValueError(f"{self.topic!r} holds {{device}}: leave out device = an id")

    def _check_besides(self, says: frozenset[str], what: str) -> None:
        """Refuse what is said beside the keys that still mean something."""
        plain = msgspec.structs.asdict(Mapping())
        said = [
            name
            for name, value in msgspec.structs.asdict(self).items()
            if name not in says and value != plain[name]
        ]
        if said:
            raise ValueError(
                f"the mapping of {self.topic!r} {what}, so it can say nothing else of them: leave "
                f"out {', '.join(said)}, or {'ignore' if self.ignore else 'format'}"
            )

    def _check_topic(self, levels: list[str]) -> None:
        for mark in ("{device}", "{channel}"):
            if levels.count(mark) > 1:
                raise ValueError(f"{self.topic!r} holds {mark} twice; name the {mark[1:-1]} once")
        for index, level in enumerate(levels):
            if level == "#" and index == len(levels) - 1:
                continue
            if level not in _ANY_LEVEL and any(mark in level for mark in "+#{}"):
                raise ValueError(
                    f"{level!r} in {self.topic!r} is not a topic level; +, {{device}} and "
                    "{channel} stand for a whole level, and # may only come last"
                )

    @property
    def one_each(self) -> bool:
        """Whether each of its topics carries one value, and names it."""
        return "{channel}" in self.topic.split("/")

    def conversion_of(self, channel: str) -> Conversion:
        """Return how values of the channel become ours."""
        unit = self.units.get(channel, self.units.get(channel.partition(".")[0]))
        return (conversion(channel, unit) or SAME) if unit is not None else SAME

    @property
    def topic_filter(self) -> str:
        """The topic as an MQTT subscription."""
        return "/".join("+" if level in _ANY_LEVEL else level for level in self.topic.split("/"))

    @property
    def pattern(self) -> re.Pattern[str]:
        """The topic as a pattern; groups `device` and `channel` are what stands in their place.

        `rest` is what # stands for, None where that is nothing.
        """
        levels = self.topic.split("/")
        text = "/".join(_ANY_LEVEL.get(level, re.escape(level)) for level in levels if level != "#")
        if levels[-1] == "#":
            text = f"{text}(?:/(?P<rest>.*))?" if len(levels) > 1 else "(?P<rest>.*)"
        # As in MQTT, a wildcard at the beginning is no way into a broker's own $SYS topics.
        return re.compile(rf"(?!\$){text}" if levels[0] in {*_ANY_LEVEL, "#"} else text, re.DOTALL)

    def places(self, document: object) -> Iterator[tuple[str, Path]]:
        """Yield each channel that the payload carries, and where.

        Depends on the keys alone, and on which of them hold objects.
        """
        if self.channels:
            for channel, key in self.channels.items():
                path = path_of(key)
                if has(document, path):
                    yield channel, path
        elif isinstance(document, dict):
            yield from _convention(document)


def _convention(document: Document) -> Iterator[tuple[str, Path]]:
    for key, value in document.items():
        if isinstance(value, dict):
            if key == "position":
                for channel, short in (("latitude", "lat"), ("longitude", "lon")):
                    if short in value:
                        yield channel, (key, short)
            elif key in QUANTITIES:
                for place in value:
                    if is_channel(f"{key}.{place}"):
                        yield f"{key}.{place}", (key, place)
        elif is_channel(key):
            yield key, (key,)
