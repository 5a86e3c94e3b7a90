"""Which key of an object is its time, which counts, and which names the device."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from devices.device import DecodeError
from devices.envelopes.document import MAXIMUM_SEQUENCE, instant
from devices.learn.heard import Path, is_number, plain, reachable, words
from devices.learn.topics import is_id
from devices.reading import YEAR_2000

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400_000
_BEFORE, _AFTER = 400 * DAY, 2 * DAY
"""How far (ms) from its arrival a message's time may lie, to be taken for one."""

_TIMES = words(
    "time timestamp ts datetime measuredat measured sampletime date at when t utc epoch unix "
    "lastseen dt publishedat receivedat rxtime"
)
_SEQUENCES = words("seq sequence sequencenumber seqno fcnt fcntup framecounter")
_WEAK_SEQUENCES = words("counter cnt frame packet packetid msgid messageid msgno n nr number")
_STRONG_IDS = words(
    "deviceid device devid dev deveui eui mac macaddress addr address serial serialnumber sn imei "
    "sensorid sensormac uid uuid"
)
_WEAK_IDS = words("sensor sensorname devicename nodeid node id tag tagid name hostname host probe")
_LOOKS_DATED = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{2,4}|\d\d?:\d\d")
_LEAST_COUNTED = 3


class Seen(NamedTuple):
    """One object of a message, with its values by their paths."""

    topic: str
    received: int
    values: dict[Path, Any]


class Time(NamedTuple):
    """Where the time is, and how it is written. `path`: None where there is none to use."""

    path: Path | None
    unit: Literal["ms", "s"] = "ms"
    why: str = ""
    refused: Path | None = None


def time_of(seen: Sequence[Seen]) -> Time:
    """Return the key of the time, or why there is none."""
    paths = sorted({path for one in seen for path in one.values}, key=_time_rank)
    local: tuple[Path, object] | None = None
    for path in paths:
        values = [(one.values[path], one.received) for one in seen if path in one.values]
        told = [(value, received) for value, received in values if value is not None]
        if not told or not reachable(path):
            continue
        if all(isinstance(value, str) for value, _ in told):
            if all(_is_instant(str(value)) for value, _ in told):
                return Time(path)
            if local is None and _LOOKS_DATED.match(str(told[0][0])):
                local = path, told[0][0]
        elif all(is_number(value) for value, _ in told):
            unit = _unit_of_time(told)
            if unit is not None:
                return Time(path, unit)
    if local is not None:
        return Time(
            None,
            why=f"{'.'.join(local[0])} is {local[1]!r}, which does not say its offset from UTC: "
            "the time of arrival counts",
            refused=local[0],
        )
    return _no_time(paths, seen)


def _no_time(paths: Sequence[Path], seen: Sequence[Seen]) -> Time:
    named = next((path for path in paths if plain(path[-1]) in _TIMES[:4]), None)
    if named is None:
        return Time(None, why="nothing in it is a time: that of arrival counts")
    value = next(one.values[named] for one in seen if named in one.values)
    why = f"{'.'.join(named)} is {value!r}, which is no time near its arrival: that one counts"
    return Time(None, why=why, refused=named)


def _time_rank(path: Path) -> tuple[int, int, Path]:
    name = plain(path[-1])
    return (_TIMES.index(name) if name in _TIMES else len(_TIMES)), len(path), path


def _is_instant(text: str) -> bool:
    try:
        instant(text)
    except DecodeError:
        return False
    return True


def _unit_of_time(told: Sequence[tuple[Any, int]]) -> Literal["ms", "s"] | None:
    units: tuple[tuple[Literal["ms", "s"], int], ...] = (("ms", 1), ("s", 1000))
    for unit, factor in units:
        if all(
            value * factor > YEAR_2000 and -_AFTER < received - value * factor < _BEFORE
            for value, received in told
        ):
            return unit
    return None


def sequence_of(seen: Sequence[Seen], device: Sequence[str]) -> Path | None:
    """Return the key that counts each device's messages up, None where none is seen to.

    `device`: whose each of `seen` is. A number that stays the same must not be taken for one:
    different readings would be held for one and the same.
    """
    paths = {path for one in seen for path in one.values if reachable(path)}
    ranked = (*_SEQUENCES, *_WEAK_SEQUENCES)
    named = [path for path in paths if plain(path[-1]) in ranked]
    for path in sorted(named, key=lambda path: (ranked.index(plain(path[-1])), len(path), path)):
        runs: dict[str, list[int]] = {}
        whole = True
        for one, whose in zip(seen, device, strict=True):
            value = one.values.get(path)
            whole = whole and isinstance(value, int) and not isinstance(value, bool)
            whole = whole and 0 <= (value or 0) <= MAXIMUM_SEQUENCE
            if whole and value is not None:
                runs.setdefault(whose, []).append(value)
        if whole and _counts(list(runs.values()), weak=plain(path[-1]) in _WEAK_SEQUENCES):
            return path
    return None


def _counts(runs: list[list[int]], *, weak: bool) -> bool:
    steps = [b - a for run in runs for a, b in pairwise(run)]
    if weak:
        return len(steps) >= _LEAST_COUNTED - 1 and all(step == 1 for step in steps)
    return bool(steps) and all(step > 0 for step in steps)


class Naming(NamedTuple):
    """A key that may name the device. `several`: one topic carries several of its values."""

    path: Path
    strong: bool
    several: bool
    values: tuple[str, ...]


def naming_keys(seen: Sequence[Seen]) -> list[Naming]:
    """Return the keys that may name the device, the best first."""
    found = []
    for path in {path for one in seen for path in one.values}:
        name = plain(path[-1])
        if name not in {*_STRONG_IDS, *_WEAK_IDS} or not reachable(path):
            continue
        values = [one.values.get(path) for one in seen]
        if not all(_may_name(value) for value in values):
            continue
        texts = [str(value) for value in values]
        if _tells_messages(values):
            continue
        by_topic: dict[str, set[str]] = {}
        for one, text in zip(seen, texts, strict=True):
            by_topic.setdefault(one.topic, set()).add(text)
        several = any(len(of) > 1 for of in by_topic.values())
        found.append(Naming(path, name in _STRONG_IDS, several, tuple(texts)))
    ranked = (*_STRONG_IDS, *_WEAK_IDS)
    return sorted(
        found,
        key=lambda one: (
            not all(map(is_id, one.values)),
            ranked.index(plain(one.path[-1])),
            len(one.path),
            one.path,
        ),
    )


def _may_name(value: object) -> bool:
    return (isinstance(value, str) and bool(value)) or (
        isinstance(value, int) and not isinstance(value, bool)
    )


def _tells_messages(values: Sequence[object]) -> bool:
    """Whether it is another whole number each time: of a message, and of no device."""
    return (
        len(values) >= _LEAST_COUNTED
        and len(set(values)) == len(values)
        and all(isinstance(value, int) for value in values)
        and list(values) == sorted(values, key=lambda value: int(str(value)))
    )
