"""Rules as dated facts: which version of a rule was in force when.

A rule's first version judges everything, however old. A change counts from the moment the
gateway first runs with it: what was judged before stands, and late data about that time is
judged by the rules of that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from pydantic import TypeAdapter

from devices.reading import AHEAD_LIMIT
from gateway.state import StoredVersion
from rules import AnyRule
from rules.rule import RuleVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.state import State

_RULE: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)


async def adopt(
    state: State, rules: Sequence[AnyRule], now: int, *, looking: bool = False
) -> list[RuleVersion]:
    """Record what has changed in the rules since the last run; return every version there was.

    `now` is ms since 1970, UTC. Somebody who is only `looking` changes no rule. Raises
    DiskError.
    """
    stored = state.rule_versions()
    if looking:
        return versions(stored)
    changed = changes(stored, rules, now)
    if changed:
        async with state.writing():
            state.keep_rule_versions(changed)
    return versions(with_changes(stored, changed))


def changes(
    stored: Sequence[StoredVersion], rules: Sequence[AnyRule], now: int
) -> list[StoredVersion]:
    """Return the versions that end or begin now (ms), if from now on these rules count.

    Of one rule never two are in force at a time. A version from when our clock was far ahead gives
    way: else it would not count before that time has come.
    """
    wanted = {rule.name: rule for rule in rules}
    told: dict[str, list[StoredVersion]] = {name: [] for name in wanted}
    for one in sorted(stored, key=lambda one: one.since):
        told.setdefault(one.name, []).append(one)
    return [one for name, ones in told.items() for one in _changes(ones, wanted.get(name), now)]


def _changes(
    stored: Sequence[StoredVersion], rule: AnyRule | None, now: int
) -> Iterator[StoredVersion]:
    """Yield the versions of one rule that change; `stored` are all that it had, oldest first."""
    latest = now + AHEAD_LIMIT
    begin, last = 0, None
    for one in stored:
        if one.since <= latest:
            last = one
        elif one.until != one.since:
            yield one._replace(until=one.since)
    if last is not None:
        stands = last.until is None or last.until > latest
        if stands and rule is not None and rule.version() == last.version:
            if last.until is not None:
                yield last._replace(until=None)
            return
        # Behind what was in force, as our clock may have been set back a little.
        begin = max(now, last.since + 1 if stands or last.until is None else last.until)
        if stands:
            yield last._replace(until=begin)
    if rule is not None:
        settings = msgspec.json.encode(rule.settings()).decode()
        yield StoredVersion(rule.name, rule.version(), begin, None, settings)


def with_changes(
    stored: Sequence[StoredVersion], changed: Sequence[StoredVersion]
) -> list[StoredVersion]:
    """Return what is stored once these are kept, oldest first."""
    kept = {(one.name, one.since): one for one in (*stored, *changed)}
    return sorted(kept.values(), key=lambda one: (one.since, one.name))


def versions(stored: Sequence[StoredVersion]) -> list[RuleVersion]:
    """Return rules as they stood, as an engine takes them."""
    return [_version(one) for one in stored]


def _version(stored: StoredVersion) -> RuleVersion:
    rule = _RULE.validate_json(stored.settings)
    return RuleVersion(rule, stored.version, stored.since, stored.until)
