"""Site and model of devices as dated facts: a reading is tagged by what held when it was made.

They stand in the settings, and settings change. A copy that is sent again years later must get
the tags that it had, or it would stand beside the first one instead of in its place. So every
version of what the settings say is kept with the time from which it holds; the first holds for
all the time before it too.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
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


class Tagging:
    """Which tags a device had when."""

    def __init__(self, versions: Sequence[tuple[int, Sequence[Pattern]]]) -> None:
        """Take versions as (since when in ms, its patterns), oldest first."""
        self._versions = versions or [(BEGINNING, ())]

    def periods(self, device: DeviceKey) -> list[Period]:
        """Return a device's tags over time, oldest first; the first begins before all readings."""
        key = str(device)
        found: list[Period] = []
        for since, patterns in self._versions:
            tags = next((one.tags for one in patterns if fnmatchcase(key, one.match)), Tags())
            if not found:
                found.append(Period(BEGINNING, tags))
            elif found[-1].tags != tags:
                found.append(Period(since, tags))
        return found

    def at(self, device: DeviceKey, when: int) -> Tags:
        """Return the tags that a device had at a time (ms)."""
        return [one.tags for one in self.periods(device) if one.since <= when][-1]


async def adopt_tags(state: State, settings: Settings, now: int, *, looking: bool) -> Tagging:
    """Take note of what the settings say from `now` (ms) on, where that is new.

    Whoever is only `looking` writes nothing. Raises DiskError.
    """
    versions = [(since, _read(body)) for since, body in state.tag_versions()]
    told = [Pattern(one.match, Tags(one.site or "", one.model or "")) for one in settings.devices]
    if not versions or list(versions[-1][1]) != told:
        # A clock that was set back neither takes back what held, nor orders it otherwise.
        since = max(now, versions[-1][0] + 1) if versions else now
        versions.append((since, told))
        if not looking:
            async with state.writing():
                state.keep_tag_version(since, msgspec.json.encode(told))
    return Tagging(versions)


def _read(body: bytes) -> list[Pattern]:
    return msgspec.json.decode(body, type=list[Pattern])
