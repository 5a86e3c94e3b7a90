"""What was learnt, and the settings that would decode it, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from devices.envelopes.mapping import Mapping
from devices.learn.draft import Unplaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDE = 96
"""Columns of a line of settings; what is longer becomes a table of several lines."""
_NAMED = 5
_DEFAULT = Mapping()
_ORDER = ("topic", "format", "device", "device_key", "time", "time_unit", "sequence")


class Understood(msgspec.Struct, frozen=True):
    """What an envelope decodes already. `recognised`: as what, and how many devices."""

    envelope: str
    messages: int
    devices: int
    readings: int
    topic: str
    recognised: dict[str, int]


class UnknownMake(msgspec.Struct, frozen=True):
    """A device whose own bytes nobody can read. `called`: by its server; `near`: models."""

    device: str
    called: str
    messages: int
    near: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True):
    """Messages of a known topic that are wrong, by the reason; one of them as an example."""

    topic: str
    envelope: str
    messages: int
    reason: str
    detail: str
    cure: str


class Block(msgspec.Struct, frozen=True):
    """One [[mappings]] section. Of `messages` on its topics it decodes `decoded`.

    `refused`: reason and detail of each kind of message that it does not decode.
    """

    mapping: Mapping
    comments: tuple[str, ...]
    messages: int
    decoded: int
    readings: int
    devices: tuple[str, ...]
    refused: tuple[str, ...]


class Proposal(msgspec.Struct, frozen=True):
    """All that was learnt. `topics`: filters that subscribe to everything that is then decoded.

    `left`: topics so many and so different that they were not looked at.
    """

    messages: int
    seen_topics: int
    understood: tuple[Understood, ...]
    unknown_makes: tuple[UnknownMake, ...]
    refused: tuple[Refused, ...]
    blocks: tuple[Block, ...]
    unplaced: tuple[Unplaced, ...]
    ignorable: tuple[str, ...]
    topics: tuple[str, ...]
    left: int
    toml: str = ""

    @property
    def decoded(self) -> int:
        """How many messages the blocks decode."""
        return sum(block.decoded for block in self.blocks)


def as_toml(proposal: Proposal) -> str:
    """Return the proposal as sections of the settings, with comments."""
    parts = ["\n".join(_block(block, proposal)) for block in proposal.blocks]
    if proposal.ignorable:
        # The first that fits a topic counts, and these are the narrower ones.
        parts.insert(0, "\n".join(_ignored(proposal.ignorable)))
    return "\n\n".join(parts) + "\n" if parts else ""


def _block(block: Block, proposal: Proposal) -> Iterator[str]:
    yield from _comment(f"{block.decoded} of {block.messages} messages; {_some(block.devices)}")
    for said in (*block.comments, *(f"not decoded: {why}" for why in block.refused)):
        yield from _comment(said)
    for one in proposal.unplaced:
        if one.topic == block.mapping.topic and one.key:
            yield from _comment(f"no place for {one.key} ({one.example}): {one.hint}")
    yield from mapping_lines(block.mapping)


def _some(devices: Sequence[str]) -> str:
    more = f" and {len(devices) - _NAMED} more" if len(devices) > _NAMED else ""
    return f"{len(devices)} device{'s' * (len(devices) != 1)}: {', '.join(devices[:_NAMED])}{more}"


def mapping_lines(mapping: Mapping) -> list[str]:
    """Return a [[mappings]] section that says no more than it needs to."""
    lines = ["[[mappings]]"]
    for key in _ORDER:
        value: str = getattr(mapping, key)
        if key == "topic" or value != getattr(_DEFAULT, key):
            lines.append(f"{key} = {quoted(value)}")
    tables: list[str] = []
    for key in ("channels", "units"):
        table: dict[str, str] = getattr(mapping, key)
        if not table:
            continue
        pairs = [f"{_key(one)} = {quoted(value)}" for one, value in table.items()]
        line = f"{key} = {{ {', '.join(pairs)} }}"
        if len(line) <= WIDE:
            lines.append(line)
        else:
            tables += [f"[mappings.{key}]", *pairs]
    return lines + tables


def _ignored(topics: Sequence[str]) -> Iterator[str]:
    yield from _comment(
        "These topics hold no measurement, as it seems. If that is so, take away the # signs, and "
        "their messages no longer go to the quarantine."
    )
    for topic in topics:
        yield "# [[mappings]]"
        yield f"# topic = {quoted(topic)}"
        yield "# ignore = true"


def _comment(text: str) -> Iterator[str]:
    line = "#"
    for word in legible(text).split():
        if len(line) + len(word) >= WIDE and line != "#":
            yield line
            line = "#  "
        line += f" {word}"
    yield line


def legible(text: str) -> str:
    """Return a text whose every sign can be seen: what would move a terminal is spelled out."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def _key(name: str) -> str:
    return quoted(name) if "." in name else name


def quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    signs = []
    for sign in text:
        if sign in '"\\':
            signs.append(f"\\{sign}")
        elif sign.isprintable():
            signs.append(sign)
        else:
            signs.append(f"\\U{ord(sign):08x}")
    return f'"{"".join(signs)}"'
