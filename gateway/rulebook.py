"""Rules as dated facts: which version of a rule was in force when.

A rule's first version judges everything, however old. A change counts from the moment the
gateway first runs with it: what was judged before stands, and late data about that time is
judged by the rules of that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from pydantic import TypeAdapter

from gateway.state import StoredVersion
from rules import AnyRule
from rules.rule import RuleVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """Return the versions that end or begin now (ms), if from now on these rules count."""
    in_force = {one.name: one for one in stored if one.until is None}
    seen = {one.name for one in stored}
    wanted = {rule.name: rule for rule in rules}
    changed: list[StoredVersion] = []
    for name, version in in_force.items():
        rule = wanted.get(name)
        if rule is None or rule.version() != version.version:
            changed.append(version._replace(until=now))
    for name, rule in wanted.items():
        if name not in in_force or in_force[name].version != rule.version():
            settings = msgspec.json.encode(rule.settings()).decode()
            since = now if name in seen else 0
            changed.append(StoredVersion(name, rule.version(), since, None, settings))
    return changed


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
