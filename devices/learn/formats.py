"""Formats that are known, on topics that are not their own.

Each offers the mapping that it would need. Whether that is right is seen by decoding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from devices.device import DecodeError, Later, Origin
from devices.envelopes import envelopes
from devices.envelopes.mapping import Mapping
from devices.learn.heard import Heard, leaves, look
from devices.learn.topics import template, varying

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SENML = frozenset(
    {"bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t"}
)
_ADDRESS = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", re.IGNORECASE)
_COMPONENT = re.compile(r"[a-z0-9_]+:\d+")
_CBOR = (b"\x81", b"\x9f", *(bytes([0x80 + length]) for length in range(2, 24)))
SOME = 20
"""Messages of a family that are looked at."""


def with_a_format(topics: Sequence[str], messages: Sequence[Heard]) -> Mapping | None:
    """Return the mapping by which a known format reads this family, None where none does."""
    some = messages[:SOME]
    for mapping in _offers(topics, some):
        if _decodes(mapping, some):
            return mapping
    return None


def _offers(topics: Sequence[str], messages: Sequence[Heard]) -> Iterator[Mapping]:
    objects = [each for one in messages for each in look(one.payload).documents]
    names = [{key for path, _ in leaves(each) for key in path} for each in objects]
    levels = topics[0].split("/")
    if (objects and all(each.keys() <= _SENML for each in objects)) or all(
        one.payload.startswith(_CBOR) for one in messages
    ):
        # Most packs name their device themselves; else a level of the topic must.
        yield Mapping(topic=template(topics, {}), format="senml")
        for place in (*reversed(varying(topics)), len(levels) - 1):
            yield Mapping(topic=template(topics, {place: "{device}"}), format="senml")
    if not names:
        return
    every = set.intersection(*names)
    if levels[-1] == "SENSOR" and "Time" in every and len(levels) > 1:
        yield from _placed(topics, "tasmota", "SENSOR")
    if _is_shelly(levels, every) and len(levels) > 2:
        before = _plain(levels[:-3])
        yield Mapping(topic="/".join([*before, "{device}", "#"]), format="shelly")
    if {"gw_mac", "data"} <= every and _ADDRESS.fullmatch(levels[-1]):
        topic = template(topics, {len(levels) - 1: "{device}"})
        yield Mapping(topic=topic, format="ruuvi-gateway")
    if "linkquality" in every and len(levels) > 1:
        same = [place for place in range(len(levels) - 1) if place not in varying(topics)]
        yield Mapping(topic="/".join([*_plain(levels[: len(same)]), "#"]), format="zigbee2mqtt")


def _plain(levels: Sequence[str]) -> list[str]:
    """Return levels of a topic as a mapping names them; what it would not take as it is gives +."""
    return ["+" if set("{}") & set(level) else level for level in levels]


def _placed(topics: Sequence[str], name: Literal["tasmota"], last: str) -> Iterator[Mapping]:
    """Yield the format with the device in each level but the last, those that differ first."""
    places = range(len(topics[0].split("/")) - 1)
    differing = set(varying(topics))
    words = {"tele", "tasmota", "home", last.lower()}
    for place in sorted(places, key=lambda place: (place not in differing, -place)):
        if topics[0].split("/")[place].lower() not in words:
            yield Mapping(topic=template(topics, {place: "{device}"}), format=name)


def _is_shelly(levels: list[str], every: set[str]) -> bool:
    if levels[-2:] == ["events", "rpc"]:
        return {"src", "method", "params"} <= every
    return levels[-2:-1] == ["status"] and _COMPONENT.fullmatch(levels[-1]) is not None


def _decodes(mapping: Mapping, messages: Sequence[Heard]) -> bool:
    """Whether it reads something, and half of them at least."""
    envelope = envelopes([mapping])[0]
    origin = Origin("", "learn")
    taken = readings = 0
    for one in messages:
        try:
            decode = envelope.bind(one.topic, origin)
            if decode is not None:
                readings += len(decode(one.payload, one.received, one.flags))
                taken += 1
        except (DecodeError, Later):
            continue
    return readings > 0 and 2 * taken >= len(messages)
