"""What contradicts itself in a profile of goods, as far as it can be read at all.

A file is data here, see `extending`. What has the wrong shape is passed over: who reads the file
tells that. So all mistakes of a file can be told at once.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from devices.reading import QUANTITIES
from rules import AnyRule
from rules.duration import parse_duration
from rules.extending import Data, Extended, Path
from rules.kinds.exposure import Exposure
from rules.kinds.threshold import Threshold
from rules.meter import MeterRule
from rules.profile import Criteria, Range, too_short
from rules.rule import Rule, SampleRule

Found = TypeVar("Found")
_RULE: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)
_RANGE = TypeAdapter(Range)


class Contradiction(NamedTuple):
    """What is wrong, where in the file, and what to do."""

    path: Path
    message: str
    cure: str


def contradictions(own: Data, parent: Data | None, extended: Extended) -> Iterator[Contradiction]:
    """Yield what contradicts itself in a file: `own` as it stands, `extended` with its parent."""
    data = extended.data
    for section, key in (("rules", "name"), ("ranges", "channel"), ("test", "name")):
        yield from _twice(own, section, key)
    yield from _without(own, parent)
    rules, ranges = _valid(data, "rules", _RULE), _valid(data, "ranges", _RANGE)
    limits = {one.channel: one for one in ranges.values()}
    interval = _interval(data)
    found: list[Contradiction] = []
    for index, rule in rules.items():
        path = ("rules", index)
        found += _of_rule(path, rule, limits)
        short = None if interval is None else too_short(rule, interval)
        if short is not None:
            found.append(
                Contradiction(
                    (*path, short[0]),
                    short[1],
                    "Make it longer, or let sensors send more often than interval says.",
                )
            )
        if rule.devices != ("*",):
            found.append(
                Contradiction(
                    (*path, "devices"),
                    "rules of goods judge the sensors of each consignment, whichever they are",
                    "Leave devices out.",
                )
            )
    found += _energy(data, limits)
    # Alerts carry the name of the part that was broken: spikes-above-30.
    parts = [part.name for rule in rules.values() for part in rule.parts()]
    names = list(dict.fromkeys([*_names(data, "rules", "name"), *parts]))
    found += _criteria(data, names)
    found += _expected(data, names)
    for one in found:
        taken_over = not _has(own, one.path[:1])
        yield one._replace(path=("extends",) if taken_over else extended.place(one.path))


def _of_rule(path: Path, rule: Rule, limits: dict[str, Range]) -> Iterator[Contradiction]:
    """Find a limit that all is beyond while it is well, and an MKT of what is frozen."""
    meant = limits.get(getattr(rule, "channel", ""))
    if meant is None:
        return
    if rule.kind == "mkt" and _frozen(meant):
        yield Contradiction(
            path,
            f"mean kinetic temperature does not apply to frozen goods ({meant.words()} °C)",
            "Leave this rule out, and judge time out of range.",
        )
    for part in rule.parts():
        found = _out_of_reach(part, meant)
        if found is not None:
            side, message, cure = found
            yield Contradiction((*path, *_setting(rule, part, side)), message, cure)


def _out_of_reach(part: Rule, meant: Range) -> tuple[str, str, str] | None:
    """Return which limit of a rule all or nothing is beyond, that in words, and what to do."""
    if isinstance(part, MeterRule) or not isinstance(part, SampleRule):
        return None
    low, high = part.calm()
    quantity = QUANTITIES[meant.channel.partition(".")[0]]
    for side, limit, well in (("above", high, meant.low), ("below", low, meant.high)):
        if not math.isfinite(limit):
            continue
        sign = 1 if side == "above" else -1
        if well is not None and sign * limit < sign * well:
            return (
                side,
                f"all that is well ({meant.words()}) is {side} {limit:g}, and in breach",
                "Mend the limit, or the range of this channel.",
            )
        if not quantity.lowest <= limit <= quantity.highest:
            return (
                side,
                f"no {quantity.name} that can be true is {side} {limit:g}: it would never fire",
                f"Name a limit from {quantity.lowest:g} to {quantity.highest:g}.",
            )
    return None


def _setting(rule: Rule, part: Rule, side: str) -> Path:
    """Return where in a rule a limit stands."""
    if isinstance(rule, Exposure):
        return ("bands", [one.name for one in rule.parts()].index(part.name), side)
    if isinstance(rule, Threshold):
        return ("outside",) if rule.outside is not None else (side,)
    return ("high" if side == "above" else "low",) if hasattr(rule, "high") else ()


def _frozen(meant: Range) -> bool:
    return meant.channel.startswith("temperature") and meant.high is not None and meant.high < 0


def _energy(data: Data, limits: dict[str, Range]) -> Iterator[Contradiction]:
    frozen = next((one for one in limits.values() if _frozen(one)), None)
    if data.get("energy") is not None and frozen is not None:
        yield Contradiction(
            ("energy",),
            f"mean kinetic temperature does not apply to frozen goods ({frozen.words()} °C)",
            "Leave energy out.",
        )


def _criteria(data: Data, names: list[str]) -> Iterator[Contradiction]:
    criteria = data.get("criteria")
    if not isinstance(criteria, dict):
        return
    named: dict[str, str] = {}
    for key in (key for key in Criteria.model_fields if isinstance(criteria.get(key), list)):
        for index, name in enumerate(criteria[key]):
            path = ("criteria", key, index)
            if not isinstance(name, str):
                continue
            if name not in names:
                yield Contradiction(path, f"there is no rule {name!r}", _nearest(name, names))
            elif named.setdefault(name, key) != key:
                yield Contradiction(
                    path, f"{name!r} stands under {named[name]} too", "Keep it in one of them."
                )


def _expected(data: Data, names: list[str]) -> Iterator[Contradiction]:
    """Find alerts that tests expect of a rule that is not there."""
    for number, test in _tables(data, "test"):
        for index, alert in _tables(test, "alerts"):
            name = alert.get("rule")
            if isinstance(name, str) and name not in names:
                yield Contradiction(
                    ("test", number, "alerts", index, "rule"),
                    f"there is no rule {name!r}",
                    _nearest(name, names),
                )


def _without(own: Data, parent: Data | None) -> Iterator[Contradiction]:
    without = own.get("without")
    if not isinstance(without, list):
        return
    if not own.get("extends"):
        yield Contradiction(
            ("without",),
            "it extends no profile",
            "Name that profile as extends, or leave this out.",
        )
        return
    there = None if parent is None else _names(parent, "rules", "name")
    given = _names(own, "rules", "name")
    for index, name in enumerate(without):
        if not isinstance(name, str):
            continue
        if there is not None and name not in there:
            yield Contradiction(
                ("without", index),
                f"{own['extends']} has no rule {name!r}",
                _nearest(name, there),
            )
        elif name in given:
            yield Contradiction(
                ("without", index),
                f"{name!r} is one of its own rules, which replaces the other anyway",
                "Leave it out here, or that rule.",
            )


def _twice(own: Data, section: str, key: str) -> Iterator[Contradiction]:
    seen: set[str] = set()
    for index, table in _tables(own, section):
        name = table.get(key)
        if isinstance(name, str) and name in seen:
            what = {"rules": "rule", "ranges": "range", "test": "test"}[section]
            yield Contradiction(
                (section, index, key),
                f"there is already a {what} {'of' if key == 'channel' else 'called'} {name!r}",
                "Put both into one." if key == "channel" else "Give each a name of its own.",
            )
        elif isinstance(name, str):
            seen.add(name)


def _valid(data: Data, section: str, kind: TypeAdapter[Found]) -> dict[int, Found]:
    """Return what of a section is well by itself, each with its index."""
    found = {}
    for index, table in _tables(data, section):
        try:
            found[index] = kind.validate_json(json.dumps(table, default=str), strict=True)
        except ValidationError:
            continue  # who reads the file tells of it
    return found


def _interval(data: Data) -> int | None:
    try:
        return parse_duration(data.get("interval"))
    except ValueError:
        return None  # left out, or told by who reads the file


def _tables(data: Data, section: str) -> Iterator[tuple[int, Data]]:
    tables = data.get(section)
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, dict):
            yield index, table


def _names(data: Data, section: str, key: str) -> list[str]:
    found = (table.get(key) for _, table in _tables(data, section))
    return [name for name in found if isinstance(name, str)]


def _has(data: Any, path: Path) -> bool:  # noqa: ANN401 - whatever a file holds
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _nearest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Known here: {', '.join(names)}." if names else "There are no rules here."
