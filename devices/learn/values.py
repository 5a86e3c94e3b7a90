"""Mappings for topics that carry one value each, and name it: `home/fridge/temperature`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from devices.envelopes.mapping import Mapping, is_channel
from devices.envelopes.measured import device_of, place_of
from devices.learn.draft import MOST_OF_ITS_OWN, Draft, Family, Unplaced, with_ids
from devices.learn.heard import Heard, Look, is_number, look
from devices.learn.names import Meaning, Placed, fits, meaning
from devices.learn.roles import Seen, time_of
from devices.learn.topics import as_id, channel_level, column, device_level, template, varying
from devices.reading import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Level(NamedTuple):
    """One value of the level that names channels."""

    text: str
    found: Meaning
    placed: Placed


def of_values(topics: Sequence[str], messages: Sequence[Heard]) -> Family:
    """Return the mappings of a family of topics, and the levels it has no channel for."""
    place = channel_level(topics)
    if place is None:
        return _unnamed(topics, messages)
    who = device_level(topics, place)
    marks = {place: "{channel}"} | ({} if who is None else {who: "{device}"})
    where = template(topics, marks)
    levels, unplaced = _levels(topics, messages, place, where)
    if not levels:
        return Family([*topics], [], unplaced, ignorable=not _any_number(messages))
    channels, mine = _channels(levels, topics, place, who)
    time = time_of(
        [
            Seen(one.topic, one.received, {(key,): value for key, value in document.items()})
            for one in messages
            for document in look(one.payload).documents
        ]
    )
    mapping = Mapping(
        topic=where,
        device="" if who is not None else _any_name(topics[0], place),
        time="time" if time.path is None else time.path[0],
        time_unit=time.unit,
        channels={channel: one.text for channel, one in sorted(channels.items())},
        units=_units(channels),
    )
    draft = Draft(mapping, _comments(topics, who, channels), tuple(topics))
    if mine and who is not None:
        return Family([*topics], _one_for_each(draft, mine, who), unplaced)
    drafts, lost = with_ids(draft, who, sure=False)
    return Family([*topics], drafts, unplaced + lost)


def _any_number(messages: Sequence[Heard]) -> bool:
    return any(look(one.payload).kind in {"value", "object"} for one in messages)


def _levels(
    topics: Sequence[str], messages: Sequence[Heard], place: int, where: str
) -> tuple[list[_Level], list[Unplaced]]:
    looks: dict[str, list[Look]] = {level: [] for level in column(topics, place)}
    for one in messages:
        looks[one.topic.split("/")[place]].append(look(one.payload))
    levels: list[_Level] = []
    unplaced: list[Unplaced] = []
    for text, seen in looks.items():
        placed = _placed(text, seen)
        if isinstance(placed, _Level):
            levels.append(placed)
        else:
            shown = next((_shown(each) for each in seen if each.kind != "nothing"), "")
            unplaced.append(Unplaced(where, text, shown, placed))
    return levels, unplaced


def _placed(text: str, seen: Sequence[Look]) -> _Level | str:
    found = meaning((text,))
    if found is None:
        return "no quantity has this name"
    if not QUANTITIES[found.quantity].unit:
        if any(each.kind in {"value", "word", "object"} for each in seen):
            return _Level(text, found, Placed(found.quantity, "", ""))
        return f"looks like {found.quantity}, but says neither yes nor no"
    numbers = [number for each in seen for number in _numbers(each)]
    if not numbers and any(each.kind != "nothing" for each in seen):
        return f"looks like {found.quantity}, but is no number"
    said = {str(each.documents[0].get("unit", "")) for each in seen if each.documents}
    placed = fits(found, said.pop() if len(said) == 1 else "", numbers)
    return placed if isinstance(placed, str) else _Level(text, found, placed)


def _numbers(seen: Look) -> list[float]:
    if seen.kind == "value":
        return [float(seen.text)]
    return [float(one["value"]) for one in seen.documents if is_number(one.get("value"))]


def _shown(seen: Look) -> str:
    return repr(seen.text[:40]) if seen.text else seen.kind


def _channels(
    levels: Sequence[_Level], topics: Sequence[str], place: int, who: int | None
) -> tuple[dict[str, _Level], dict[str, dict[str, _Level]]]:
    """Return levels by channel; and by device where each device names its own levels.

    ESPHome's `cellar/sensor/cellar_temperature/state` is such: the level repeats the device.
    """
    by_device: dict[str, dict[str, _Level]] = {}
    if who is not None and who in varying(topics):
        for topic in topics:
            parts = topic.split("/")
            for one in levels:
                if one.text == parts[place] and _repeats(one, parts[who]):
                    by_device.setdefault(parts[who], {})[one.placed.channel] = one
    own = {one.text for of in by_device.values() for one in of.values()}
    channels: dict[str, _Level] = {}
    single = column(topics, who)[0] if who is not None and who not in varying(topics) else ""
    for one in levels:
        if one.text in own:
            continue
        extra = "" if single and _repeats(one, single) else one.found.place
        name = f"{one.placed.channel}.{extra}" if extra else one.placed.channel
        if name in channels:
            name = f"{one.placed.channel}.{place_of(one.text)}"
        if is_channel(name):
            channels[name] = one
    return channels, by_device


def _repeats(one: _Level, device: str) -> bool:
    return bool(one.found.place) and place_of(device).lower().replace("-", "_") == (
        one.found.place.lower().replace("-", "_")
    )


def _one_for_each(draft: Draft, mine: dict[str, dict[str, _Level]], who: int) -> list[Draft]:
    """Return a draft for each device, for each names its own levels."""
    drafts = []
    for device in sorted({topic.split("/")[who] for topic in draft.topics})[:MOST_OF_ITS_OWN]:
        own = mine.get(device, {})
        levels = draft.mapping.topic.split("/")
        levels[who] = device
        channels = draft.mapping.channels | {channel: one.text for channel, one in own.items()}
        mapping = msgspec.structs.replace(
            draft.mapping,
            topic="/".join(levels),
            device=as_id(device, device_of),
            channels=dict(sorted(channels.items())),
            units=draft.mapping.units | _units(own),
        )
        its = tuple(topic for topic in draft.topics if topic.split("/")[who] == device)
        if channels and mapping.device:
            drafts.append(Draft(mapping, draft.comments, its))
    return drafts


def _units(channels: dict[str, _Level]) -> dict[str, str]:
    return {one: level.placed.unit for one, level in sorted(channels.items()) if level.placed.unit}


def _comments(
    topics: Sequence[str], who: int | None, channels: dict[str, _Level]
) -> tuple[str, ...]:
    said = [f"{one}: {level.placed.note}" for one, level in channels.items() if level.placed.note]
    if who is None:
        said.append("no level names a device: choose its id in `device`")
    elif who not in varying(topics):
        level = topics[0].split("/")[who]
        said.append(f"one device alone was heard: is {level!r} the level that names it?")
    return tuple(said)


def _any_name(topic: str, place: int) -> str:
    others = [level for each, level in enumerate(topic.split("/")) if each != place]
    return next(
        (named for level in reversed(others) if (named := as_id(level, device_of))), "unnamed"
    )


def _unnamed(topics: Sequence[str], messages: Sequence[Heard]) -> Family:
    """Return a family of topics with values of which no level says what they are."""
    looks = [look(one.payload) for one in messages]
    numbers = [one for one in looks if one.kind == "value"]
    shown = _shown((numbers or looks)[0])
    hint = (
        'a bare number, and no level says of what; if you know it: channels = { temperature = "" }'
        if numbers
        else "a state and no measurement, as it seems"
    )
    what = Unplaced(template(topics, {}), "", shown, hint)
    return Family([*topics], [], [what], ignorable=not numbers)
