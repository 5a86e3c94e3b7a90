"""Site and model of devices as dated facts: a reading is tagged by what held when it was made.

They stand in the settings, and settings change. A copy that is sent again years later must get
the tags that it had, or it would stand beside the first one instead of in its place. So every
version of what the settings say is kept with the time from which it holds; the first holds for
all the time before it too. What people state of a device in the registry is dated anyhow, and
counts before what the settings say.
"""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from devices.reading import AHEAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from devices.reading import DeviceKey
    from gateway.journal import Journal
    from gateway.registry import Card
    from gateway.settings import Settings
    from gateway.state import State

Dated = TypeVar("Dated")

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

    def __init__(
        self,
        versions: Sequence[tuple[int, Sequence[Pattern]]],
        cards: Callable[[DeviceKey], Sequence[tuple[int, Card]]] = lambda _device: (),
    ) -> None:
        """Take every version (since when in ms, its patterns), oldest first.

        `cards` returns what is stated of a device, each with since when (ms), oldest first.
        """
        self._versions = _versions(versions)
        self._cards = cards
        self.generation = 0
        """Another one after each change of anybody's card."""
        self.on_change: list[Callable[[DeviceKey], None]] = []
        """Each is called when the tags of a device may be others: whoever keeps them forgets."""

    def use(
        self, versions: Sequence[tuple[int, Sequence[Pattern]]], devices: Iterable[DeviceKey]
    ) -> None:
        """Take other versions; `devices` are all of which anybody may have asked."""
        self._versions = _versions(versions)
        for device in devices:
            self.changed(device)

    def changed(self, device: DeviceKey) -> None:
        """Tell that a device's card has changed."""
        self.generation += 1
        for forget in self.on_change:
            forget(device)

    def periods(self, device: DeviceKey) -> list[Period]:
        """Return a device's tags over time, oldest first; the first begins before all readings."""
        key = str(device)
        told = [(version.since, version.tags(key)) for version in self._versions]
        if told:
            told[0] = (BEGINNING, told[0][1])
        cards = self._cards(device)
        begins = sorted({since for since, _ in (*told, *cards)} | {BEGINNING})
        found: list[Period] = []
        for since in begins:
            tags = _over(_at(cards, since), _at(told, since))
            if not found or found[-1].tags != tags:
                found.append(Period(since, tags))
        return found

    def at(self, device: DeviceKey, when: int) -> Tags:
        """Return the tags that a device had at a time (ms)."""
        return [one.tags for one in self.periods(device) if one.since <= when][-1]


def _at(dated: Sequence[tuple[int, Dated]], when: int) -> Dated | None:
    """Return what held at a time, of what is in order of time."""
    return next((one for since, one in reversed(dated) if since <= when), None)


def _over(card: Card | None, tags: Tags | None) -> Tags:
    """Return the tags of the settings, with what the card says in their place."""
    told = tags or Tags()
    return told if card is None else Tags(card.site or told.site, card.model or told.model)


async def adopt_tags(  # noqa: PLR0913 - where it is kept, and all that says something
    state: State,
    journal: Journal,
    settings: Settings,
    now: int,
    *,
    looking: bool,
    cards: Callable[[DeviceKey], Sequence[tuple[int, Card]]] = lambda _device: (),
) -> Tagging:
    """Take note of what the settings say from `now` (ms) on, where that is new.

    `cards` is what the registry says. Whoever is only `looking` writes nothing. Raises FileError,
    DiskError.
    """
    versions, new = tags_told(state, journal, settings, now)
    if new and not looking:
        async with state.writing():
            stage_tags(state, new)
    return Tagging(versions, cards)


def stage_tags(state: State, new: Mapping[int, Sequence[Pattern]]) -> None:
    """Stage versions, each by since when (ms) it holds."""
    for since, body in new.items():
        state.keep_tag_version(since, msgspec.json.encode(body))


def tags_told(
    state: State, journal: Journal, settings: Settings, now: int
) -> tuple[list[tuple[int, list[Pattern]]], dict[int, list[Pattern]]]:
    """Return every version if from `now` (ms) on these settings count, and those that are new.

    A new one holds behind every reading there is, as a device's clock may be a little ahead, and
    behind what held last, as ours may have been set back a little. A version from when our clock
    was far ahead gives way: readings will come at that time that are true.
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
    return sorted((versions | new).items()), new


def _versions(versions: Sequence[tuple[int, Sequence[Pattern]]]) -> list[_Version]:
    """Return each version that says anything else than the one before."""
    return [
        _Version(since, patterns)
        for number, (since, patterns) in enumerate(versions)
        if not number or list(patterns) != list(versions[number - 1][1])
    ]


def _read(body: bytes) -> list[Pattern]:
    return msgspec.json.decode(body, type=list[Pattern])
