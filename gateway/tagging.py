"""Site and model of devices as dated facts: a reading is tagged by what held when it was made.

They stand in the settings, and settings change. A copy that is sent again years later must get
the tags that it had, or it would stand beside the first one instead of in its place. So every
version of what the settings say is kept with the time from which it holds; the first holds for
all the time before it too.
"""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from devices.reading import AHEAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
    from gateway.journal import Journal
    from gateway.settings import Settings
    from gateway.state import State

BEGINNING = -(1 << 62)
"""Before every reading (ms)."""


class Tags(NamedTuple):
    """What is told of a device beside its key; empty where nothing is said."""

    site: str = ""
    model: str = ""


class Pattern(NamedTuple):
    """The tags of devices whose key fits; of several patterns the first that fits counts."""

    match: str
    tags: Tags


class Period(NamedTuple):
    """Tags that hold from `since` (ms) on."""

    since: int
    tags: Tags


class _Version:
    """What the settings said of devices, ready to be asked often."""

    def __init__(self, since: int, patterns: Sequence[Pattern]) -> None:
        self.since = since
        # One expression tries all patterns in the time that one takes alone. The empty group
        # behind each tells which it was: around it, it would hide from `re` how each begins.
        self._expression = re.compile("|".join(f"{translate(one.match)}()" for one in patterns))
        self._tags = [one.tags for one in patterns]

    def tags(self, key: str) -> Tags:
        found = self._expression.match(key)
        return self._tags[found.lastindex - 1] if found and found.lastindex else Tags()


class Tagging:
    """Which tags a device had when."""

    def __init__(self, versions: Sequence[tuple[int, Sequence[Pattern]]]) -> None:
        """Take versions as (since when in ms, its patterns), oldest first."""
        self._versions = [
            _Version(since, patterns)
            for number, (since, patterns) in enumerate(versions)
            if not number or list(patterns) != list(versions[number - 1][1])
        ]

    def periods(self, device: DeviceKey) -> list[Period]:
        """Return a device's tags over time, oldest first; the first begins before all readings."""
        key = str(device)
        found: list[Period] = []
        for version in self._versions:
            tags = version.tags(key)
            if not found:
                found.append(Period(BEGINNING, tags))
            elif found[-1].tags != tags:
                found.append(Period(version.since, tags))
        return found or [Period(BEGINNING, Tags())]

    def at(self, device: DeviceKey, when: int) -> Tags:
        """Return the tags that a device had at a time (ms)."""
        return [one.tags for one in self.periods(device) if one.since <= when][-1]


async def adopt_tags(
    state: State, journal: Journal, settings: Settings, now: int, *, looking: bool
) -> Tagging:
    """Take note of what the settings say from `now` (ms) on, where that is new.

    It holds behind every reading there is, as a device's clock may be a little ahead, and behind
    what held last, as ours may have been set back a little. A version from when our clock was far
    ahead gives way: readings will come at that time that are true.

    Whoever is only `looking` writes nothing. Raises FileError, DiskError.
    """
    versions = {since: _read(body) for since, body in state.tag_versions()}
    told = [Pattern(one.match, Tags(one.site or "", one.model or "")) for one in settings.devices]
    near = [since for since in versions if since <= now + AHEAD_LIMIT]
    held = max(near, default=min(versions, default=BEGINNING))
    if versions.get(held) == told:
        new = {since: told for since in versions if since > held}
    else:
        newest = journal.newest_at(now + AHEAD_LIMIT)
        begin = max([now, *(one + 1 for one in near), *([] if newest is None else [newest + 1])])
        new = {begin: told} | {since: told for since in versions if since > begin}
        if versions and not near:
            # It held before its time too, and goes on to.
            new[BEGINNING] = versions[held]
    new = {since: body for since, body in new.items() if versions.get(since) != body}
    if new and not looking:
        async with state.writing():
            for since, body in new.items():
                state.keep_tag_version(since, msgspec.json.encode(body))
    return Tagging(sorted((versions | new).items()))


def _read(body: bytes) -> list[Pattern]:
    return msgspec.json.decode(body, type=list[Pattern])
