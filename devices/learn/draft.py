"""What is proposed for one family of topics, before it was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from devices.envelopes.document import describe
from devices.envelopes.mapping import Mapping
from devices.envelopes.measured import device_of
from devices.learn.topics import as_id, is_id

if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_ID = "an id is not empty, is not long, and holds no space and none of + # / . * >"
_NO_LITERAL = frozenset({"{device}", "{channel}", "{site}"})
"""Levels that a mapping would not take for what they are."""
MOST_OF_ITS_OWN = 20
"""Devices of a family that may have a mapping of their own each."""


class Unplaced(msgspec.Struct, frozen=True):
    """A key, level or topic that no channel was found for. `hint`: why, or what can be done."""

    topic: str
    key: str
    example: str
    hint: str


class Draft(NamedTuple):
    """A mapping, what a person should know of it, and the topics it was made for."""

    mapping: Mapping
    comments: tuple[str, ...]
    topics: tuple[str, ...]


class Family(NamedTuple):
    """Topics that one mapping should serve. `ignorable`: as it seems they measure nothing."""

    topics: list[str]
    drafts: list[Draft]
    unplaced: list[Unplaced]
    ignorable: bool = False


def example(value: Any) -> str:  # noqa: ANN401 - JSON is anything until it is looked at
    """Return a value in a few signs, for a person."""
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, list):
        return "an array" if not value else f"an array of {len(value)}: {str(value)[:40]}"
    return describe(value).removeprefix("the number ")


def with_ids(draft: Draft, place: int | None, *, sure: bool) -> tuple[list[Draft], list[Unplaced]]:
    """Return drafts in which each device has an id of its own, and what can have none.

    `place`: the level that names devices. A name in it that is no id, and one that stands under
    several topics, get a draft each. `sure`: one name is one device wherever it stands.
    """
    if place is None:
        return [draft], []
    apart = [] if sure else _apart(draft, place)
    if apart:
        return apart, []
    wrong = [topic for topic in draft.topics if not is_id(topic.split("/")[place])]
    drafts: list[Draft] = []
    lost: list[Unplaced] = []
    for name, topics in _by_level(wrong, place).items():
        device = as_id(name, device_of)
        if not device or len(drafts) == MOST_OF_ITS_OWN or name in _NO_LITERAL:
            lost.append(Unplaced(topics[0], name, repr(name[:40]), _NO_ID))
            continue
        said = (f"{name!r} can be no id, so here it has another one: {_NO_ID}", *draft.comments)
        drafts.append(Draft(_fixed(draft.mapping, {place: name}, device), said, tuple(topics)))
    if len(wrong) < len(draft.topics):
        drafts.append(draft if sure or not _recurring(draft, place) else _warned(draft))
    return drafts, lost


def _places(draft: Draft, place: int) -> tuple[int, ...]:
    """Return the levels that together tell devices apart: those that differ."""
    levels = enumerate(draft.mapping.topic.split("/"))
    return tuple(each for each, level in levels if level == "+" or each == place)


def _recurring(draft: Draft, place: int) -> bool:
    """Whether one name stands under several topics: `zone1/fridge1` and `zone2/fridge1`."""
    full = {_names(topic, _places(draft, place)) for topic in draft.topics}
    return len(full) > len({topic.split("/")[place] for topic in draft.topics})


def _names(topic: str, places: tuple[int, ...]) -> tuple[str, ...]:
    levels = topic.split("/")
    return tuple(levels[each] for each in places)


def _apart(draft: Draft, place: int) -> list[Draft]:
    """Return a draft for each device whose name recurs, by all levels that differ."""
    places = _places(draft, place)
    found: dict[tuple[str, ...], list[str]] = {}
    for topic in draft.topics:
        found.setdefault(_names(topic, places), []).append(topic)
    if not _recurring(draft, place) or len(found) > MOST_OF_ITS_OWN:
        return []
    ids = [as_id("-".join(names), device_of) for names in found]
    if not all(ids) or len(set(ids)) < len(ids) or any(_NO_LITERAL & set(one) for one in found):
        return []
    drafts = []
    for (names, topics), device in zip(found.items(), ids, strict=True):
        mapping = _fixed(draft.mapping, dict(zip(places, names, strict=True)), device)
        said = ("its name alone stands under several topics: is that one device or several?",)
        drafts.append(Draft(mapping, (*said, *draft.comments), tuple(topics)))
    return drafts


def _warned(draft: Draft) -> Draft:
    said = "the same names stand under several topics, which are taken for one device each"
    return draft._replace(comments=(said, *draft.comments))


def narrowed(draft: Draft) -> list[Draft]:
    """Return a draft for each device that was heard, in place of the one for all of them.

    Empty where its topic does not name the device, or too many were heard.
    """
    levels = draft.mapping.topic.split("/")
    if "{device}" not in levels or draft.mapping.format != "json":
        return []
    place = levels.index("{device}")
    found = _by_level(draft.topics, place)
    if len(found) > MOST_OF_ITS_OWN or not all(map(is_id, found)):
        return []
    said = ("for this device alone, for other topics are like its own", *draft.comments)
    return [
        Draft(_fixed(draft.mapping, {place: name}, name), said, tuple(topics))
        for name, topics in found.items()
        if name not in _NO_LITERAL
    ]


def _by_level(topics: Iterable[str], place: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for topic in topics:
        found.setdefault(topic.split("/")[place], []).append(topic)
    return found


def _fixed(mapping: Mapping, said: dict[int, str], device: str) -> Mapping:
    """Return the mapping for one device: what stands in some levels is said."""
    levels = mapping.topic.split("/")
    for place, level in said.items():
        levels[place] = level if not set("{}") & set(level) else "+"
    return msgspec.structs.replace(mapping, topic="/".join(levels), device=device)
