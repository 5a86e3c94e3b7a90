"""A mapping for topics that carry JSON objects, several values in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from devices.envelopes.mapping import Mapping, is_channel
from devices.envelopes.measured import place_of
from devices.learn.draft import Draft, Family, Unplaced, example, with_ids
from devices.learn.heard import Heard, Path, is_number, leaves, look, plain, reachable
from devices.learn.names import Meaning, Placed, fits, meaning
from devices.learn.roles import Seen, sequence_of, time_of
from devices.learn.topics import template
from devices.learn.who import who_sends
from devices.reading import MAXIMUM_CHANNELS, QUANTITIES
from devices.units import SAME, conversion

if TYPE_CHECKING:
    from collections.abc import Mapping as Dict
    from collections.abc import Sequence

_UNIT = ("unit", "units", "uom")
_ALIKE = 0.02
"""Two values are the same in two units if they differ by no more than this share."""


class _Key(NamedTuple):
    path: Path
    found: Meaning
    placed: Placed


def of_objects(topics: Sequence[str], messages: Sequence[Heard]) -> Family:
    """Return the mapping of a family of topics, and the keys it has no place for."""
    seen = [
        Seen(one.topic, one.received, dict(leaves(document)))
        for one in messages
        for document in look(one.payload).documents
    ]
    who = who_sends(topics, seen)
    time = time_of(seen)
    whose = [who.of(one) for one in seen]
    count = sequence_of(seen, whose)
    roles = {path for path in (time.path, time.refused, count, who.key) if path is not None}
    where = template(topics, {} if who.level is None else {who.level: "{device}"})
    keys, unplaced = _keys(seen, roles, where)
    channels = _channels(keys, seen, unplaced, where)
    if not channels or set(channels) == {"signal"}:
        return _without_measurement(topics, where, seen, unplaced, channels)
    used = {path for one in seen for path in one.values}
    mapping = Mapping(
        topic=where,
        device=who.device,
        device_key="" if who.key is None else ".".join(who.key),
        time=_said(time.path, "time", used),
        time_unit=time.unit,
        sequence=_said(count, "seq", used),
        channels={channel: ".".join(key.path) for channel, key in sorted(channels.items())},
        units={one: key.placed.unit for one, key in sorted(channels.items()) if key.placed.unit},
    )
    comments = [*who.comments, *([time.why] if time.why else [])]
    comments += [f"{one}: {key.placed.note}" for one, key in channels.items() if key.placed.note]
    draft = Draft(mapping, tuple(comments), tuple(topics))
    drafts, lost = with_ids(draft, who.level, sure=who.sure)
    return Family([*topics], drafts, unplaced + lost)


def _said(path: Path | None, usual: str, used: set[Path]) -> str:
    """Return a role's key: where there is none, "" if the usual one holds something else."""
    if path is not None:
        return ".".join(path)
    return "" if (usual,) in used else usual


def _without_measurement(
    topics: Sequence[str],
    where: str,
    seen: Sequence[Seen],
    unplaced: list[Unplaced],
    channels: Dict[str, _Key],
) -> Family:
    """Return a family of which nothing is proposed, and what there is in it."""
    if channels:
        what = Unplaced(
            where, "", "", "besides a signal it measures nothing: of a gateway, perhaps"
        )
        return Family([*topics], [], [*unplaced, what], ignorable=True)
    numbers = any(
        is_number(value) or isinstance(value, list) for one in seen for value in one.values.values()
    )
    what = Unplaced(where, "", "", "no key has a name by which a quantity is known")
    return Family([*topics], [], [*unplaced, what], ignorable=not numbers)


def _keys(seen: Sequence[Seen], roles: set[Path], where: str) -> tuple[list[_Key], list[Unplaced]]:
    """Return the keys that measure something, and the others with the reason."""
    by_path: dict[Path, list[Any]] = {}
    for one in seen:
        for path, value in one.values.items():
            by_path.setdefault(path, []).append(value)
    units = {path: _text_of(values) for path, values in by_path.items()}
    keys: list[_Key] = []
    unplaced: list[Unplaced] = []
    for path, values in by_path.items():
        if path in roles or _is_unit(path):
            continue
        told = _placed(path, values, _unit_beside(path, units))
        if isinstance(told, _Key):
            keys.append(told)
        else:
            value = next((each for each in values if each is not None), None)
            unplaced.append(Unplaced(where, ".".join(path), example(value), told))
    return keys, unplaced


def _placed(path: Path, values: Sequence[Any], unit: str) -> _Key | str:
    told = [value for value in values if value is not None]
    found = meaning(path)
    if any(isinstance(value, list) for value in told):
        return "it lies in an array, which a mapping cannot look into"
    if found is None:
        return _unknown(path, told)
    numbers = [float(value) for value in told if is_number(value)]
    if told and 2 * len(numbers) < len(told):
        kind = "true or false" if isinstance(told[0], bool) else "text"
        return f"looks like {found.quantity}, and is {kind}: let the device send a bare number"
    if not reachable(path):
        return "the key holds a dot, which in a mapping leads into an object"
    placed = fits(found, unit, numbers)
    return placed if isinstance(placed, str) else _Key(path, found, placed)


def _unknown(path: Path, told: Sequence[Any]) -> str:
    if path[-1].lower() == "contact":
        return "a contact says 1 for shut, `door` says 1 for open: a mapping does not turn it round"
    if any(is_number(value) for value in told):
        return "no quantity has this name"
    return "no number, and so no measurement"


def _is_unit(path: Path) -> bool:
    return plain(path[-1]).removesuffix("s").endswith("unit") or path[-1].lower() in _UNIT


def _text_of(values: Sequence[Any]) -> str:
    """Return the one text that a key always holds, "" where it is another."""
    texts = (
        {value for value in values if value is not None}
        if all(isinstance(value, str | None) for value in values)
        else set()
    )
    return str(texts.pop()) if len(texts) == 1 else ""


def _unit_beside(path: Path, units: Dict[Path, str]) -> str:
    """Return the unit that the payload says of this key: beside its value, or by its name."""
    name = plain(path[-1])
    wanted = {f"{name}unit", f"{name}units", f"unit{name}"}
    if name in {"value", "val", "v", "state"}:
        wanted |= set(_UNIT)
    found = meaning(path)
    if found is not None and found.quantity == "temperature":
        wanted |= {"tempunit", "temperatureunit"}
    for other, text in units.items():
        if text and plain(other[-1]) in wanted and other[:-1] in {path[:-1], ()}:
            return text
    return ""


def _channels(
    keys: Sequence[_Key], seen: Sequence[Seen], unplaced: list[Unplaced], where: str
) -> dict[str, _Key]:
    """Return keys by channel: where several are of one quantity, each gets its place."""
    by_name: dict[str, list[_Key]] = {}
    for key in keys:
        place = key.found.place
        name = f"{key.placed.channel}.{place}" if place else key.placed.channel
        by_name.setdefault(name, []).append(key)
    channels: dict[str, _Key] = {}
    for name, several in by_name.items():
        several.sort(key=lambda key: (bool(key.placed.unit), not key.found.sure, len(key.path)))
        kept: list[_Key] = []
        for key in several:
            if kept and _same(kept[0], key, seen):
                said = f"says the same as {'.'.join(kept[0].path)}"
                value = next(one.values[key.path] for one in seen if key.path in one.values)
                unplaced.append(Unplaced(where, ".".join(key.path), example(value), said))
            else:
                kept.append(key)
        for number, key in enumerate(kept, 1):
            channel = _distinct(name, key, number, kept)
            if channel in channels or len(channels) == MAXIMUM_CHANNELS or not is_channel(channel):
                unplaced.append(Unplaced(where, ".".join(key.path), "", "one channel too many"))
            else:
                channels[channel] = key
    return channels


def _distinct(name: str, key: _Key, number: int, several: Sequence[_Key]) -> str:
    """Return the channel's name: with what stands above the key where several would share it."""
    if len(several) == 1 or (len(key.path) == 1 and number == 1):
        return name
    above = key.path[:-1] if meaning(key.path[-1:]) is not None else key.path[:-2]
    shared = [level for level in above if all(level in one.path for one in several)]
    own = [level for level in above if level not in shared]
    place = place_of("_".join(own or key.path))
    quantity, _, had = name.partition(".")
    return f"{quantity}.{had}_{place}" if had else f"{quantity}.{place}"


def _same(one: _Key, other: _Key, seen: Sequence[Seen]) -> bool:
    """Whether two keys always hold the same, if in two units."""
    if one.placed.unit == other.placed.unit and one.path[:-1] != other.path[:-1]:
        return False
    range_ = QUANTITIES[one.placed.channel]
    near = _ALIKE * min(range_.highest - range_.lowest, 50.0)
    pairs = [
        (each.values[one.path], each.values[other.path])
        for each in seen
        if is_number(each.values.get(one.path)) and is_number(each.values.get(other.path))
    ]
    return bool(pairs) and all(
        abs(_ours(one, first) - _ours(other, second)) <= near for first, second in pairs
    )


def _ours(key: _Key, value: float) -> float:
    return (
        (conversion(key.placed.channel, key.placed.unit) or SAME).of(float(value))
        if (key.placed.unit)
        else float(value)
    )
