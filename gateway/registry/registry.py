"""The registry: what people have stated of devices, and since when each of it holds.

What must hold: a fact and its entry in the audit trail are committed together, and nothing is
told to anybody before; nothing that was ever stated is lost, so that the past can be judged as
it was. All of it is in memory: a device is looked up for every reading.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right, insort
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from devices.reading import DeviceKey
from gateway.people import audit
from gateway.registry.cards import (
    KINDS,
    Calibration,
    Card,
    CardChange,
    Maintenance,
    Replaced,
    Withdrawn,
)
from gateway.registry.corrections import Corrections
from rules.plan import FOREVER, Stand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from gateway.people.audit import Entry
    from gateway.registry.cards import Fact
    from gateway.state import State

    Judge = Callable[[DeviceKey, int, str], None]
    Kind = TypeVar("Kind", CardChange, Calibration, Maintenance, Replaced)

BEGINNING = -(1 << 62)
"""Before every reading (ms)."""
NOTHING = Card()
SLICE = 500
"""Facts that are staged before the loop is given back."""
JUDGED = {"interval", "model"}
"""Fields of a card by which readings are judged: how long a value holds."""


class Stated(NamedTuple):
    """A fact in its place: by since when it holds (ms), and by its number among all facts."""

    since: int
    number: int
    fact: Any


class Stay(NamedTuple):
    """Who stood at a place from `since` until `until` (ms; None: still)."""

    device: DeviceKey
    since: int
    until: int | None


class Entered(NamedTuple):
    """How a device came to be known. Texts are empty where nobody can say."""

    since: int
    """When it came first, ms."""
    source: str
    confirmed: bool
    recognised: str
    why: str


class Change:
    """What is about to be stated: gathered, and then committed all at once."""

    def __init__(self, number: int) -> None:
        self.facts: list[tuple[int, DeviceKey, Fact]] = []
        """Each with its number."""
        self.entries: list[Entry] = []
        self._number = number

    def state(self, device: DeviceKey, fact: Fact) -> int:
        """State a fact of a device; return its number."""
        self._number += 1
        self.facts.append((self._number, device, fact))
        return self._number

    def note(self, entry: Entry) -> None:
        """Enter it in the audit trail."""
        self.entries.append(entry)


class Registry:
    """What people have stated of devices: kept by the gateway, looked at by others."""

    def __init__(self, state: State) -> None:
        """Read all facts. Raises FileError, DiskError."""
        self.corrections = Corrections()
        """What calibration and maintenance make of readings."""
        self.on_change: Judge = lambda _device, _since, _of: None
        """Called once a fact is kept by which readings of the device since then (ms) are judged
        otherwise, with what it is of: its calibration, maintenance, place, interval or model."""
        self.stage_change: Judge = lambda _device, _since, _of: None
        """Called as `on_change` is, before the commit: what it stages is kept with the fact."""
        self.on_card: Callable[[DeviceKey], None] = lambda _device: None
        """Called once a device's card is another, before `on_change`."""
        self._state = state
        self._facts: dict[DeviceKey, list[Stated]] = {}
        self._cards: dict[DeviceKey, list[tuple[int, Card]]] = {}
        # Who stands in for whom, and by whom each was replaced, with since when.
        self._standing: dict[DeviceKey, list[tuple[int, DeviceKey]]] = {}
        self._replaced: dict[DeviceKey, list[tuple[int, DeviceKey]]] = {}
        self._last = 0
        self.look()

    def look(self) -> set[DeviceKey]:
        """Take up what was stated since the last look, of a file that another process writes.

        Return of which devices. Raises FileError, DiskError.
        """
        rows = self._state.rows(
            "SELECT number, owner, device, kind, body FROM fact WHERE number > ? ORDER BY number",
            (self._last,),
        )
        changed: set[DeviceKey] = set()
        for number, owner, name, kind, body in rows:
            self._last = number
            if kind in KINDS:
                device = DeviceKey(owner, name)
                self._take(number, device, msgspec.json.decode(body, type=KINDS[kind]))
                changed.add(device)
        self._index(changed)
        return changed

    # -- what is stated ----------------------------------------------------------------------

    def card(self, device: DeviceKey, when: int | None = None) -> Card:
        """Return how a device stood at a time (ms), or stands now."""
        cards = self._cards.get(device)
        if cards is None:
            return NOTHING
        if when is None:
            return cards[-1][1]
        place = bisect_right(cards, when, key=_since)
        return cards[place - 1][1] if place else NOTHING

    def cards(self, device: DeviceKey) -> list[tuple[int, Card]]:
        """Return a device's cards, each with since when (ms) it holds, oldest first."""
        return self._cards.get(device, [])

    def devices(self) -> list[DeviceKey]:
        """Return every device of which anything is stated that was not withdrawn."""
        return [device for device, facts in self._facts.items() if facts]

    def calibrations(self, device: DeviceKey) -> list[Calibration]:
        """Return a device's calibrations, oldest first."""
        return self._of(device, Calibration)

    def maintenance(self, device: DeviceKey, when: int) -> Maintenance | None:
        """Return the maintenance that a device was in at a time (ms), None if it was in none."""
        found = (one for one in self.maintenances(device) if one.since <= when < one.until)
        return next(found, None)

    def maintenances(self, device: DeviceKey) -> list[Maintenance]:
        """Return every maintenance of a device, oldest first."""
        return self._of(device, Maintenance)

    def stated(self, device: DeviceKey, kind: type[Kind]) -> list[Stated]:
        """Return the facts of a kind that hold for a device, by since when, with their numbers."""
        return [one for one in self._facts.get(device, ()) if isinstance(one.fact, kind)]

    def _of(self, device: DeviceKey, kind: type[Kind]) -> list[Kind]:
        return [one.fact for one in self.stated(device, kind)]

    # -- who stands in for whom --------------------------------------------------------------

    def replaced_by(self, device: DeviceKey) -> tuple[DeviceKey, int] | None:
        """Return who stands in for a device and since when (ms), None if nobody does.

        One that came back into service afterwards is not replaced any more.
        """
        replaced = self._replaced.get(device)
        if not replaced:
            return None
        since, by = replaced[-1]
        back = self._of(device, Replaced)
        return None if back and back[-1].since >= since else (by, since)

    def line(self, device: DeviceKey) -> list[Stay]:
        """Return who stood at the place of a device, newest first: itself, then whom it replaced.

        A device that went away and came back is named for each of its stays.
        """
        by = self.replaced_by(device)
        return self._line(device, by[1] if by else None)

    def _line(self, device: DeviceKey, until: int | None) -> list[Stay]:
        """Return the line that ends with a stay of a device until a time (ms; None: still)."""
        stays: list[Stay] = []
        while True:
            took = [one for one in self._of(device, Replaced) if until is None or one.since < until]
            stays.append(Stay(device, took[-1].since if took else BEGINNING, until))
            if not took:
                return stays
            device, until = took[-1].old, took[-1].since

    def stands(self, device: DeviceKey) -> tuple[Stand, ...]:
        """Return whose place a device has had, and when: its own, and theirs whom it replaced.

        Its own is without the times in which another device stood in for it.
        """
        took = self._of(device, Replaced)
        left = [since for since, _ in self._replaced.get(device, ())]
        if not took and not left:
            return (Stand(device),)
        found = [Stand(device, *window) for window in _present(left, [one.since for one in took])]
        for place, one in enumerate(took):
            ends = [since for since in left if since > one.since]
            ends += [later.since for later in took[place + 1 :]]
            until = min(ends, default=FOREVER)
            before = dict.fromkeys(stay.device for stay in self._line(one.old, one.since))
            found += [Stand(whom, one.since, until) for whom in before if whom != device]
        return tuple(found)

    def _heirs(self, device: DeviceKey) -> set[DeviceKey]:
        """Return who ever stood in for a device, and for those in turn."""
        found: set[DeviceKey] = set()
        new = {device}
        while new:
            found |= new
            new = {by for one in new for _, by in self._replaced.get(one, ())} - found
        return found

    def stands_for(self, device: DeviceKey) -> tuple[DeviceKey, ...]:
        """Return a device and those it replaced, newest first, each once."""
        if device not in self._facts:
            return (device,)
        return tuple(dict.fromkeys(one.device for one in self.line(device)))

    # -- the writer --------------------------------------------------------------------------

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Change]:
        """Gather facts inside; on leaving they are committed, with their entries, then told.

        Nobody else changes anything meanwhile. Raises DiskError; after an error nothing is kept.
        """
        state = self._state
        async with state.writing():
            change = Change(self._newest())
            yield change
            for first in range(0, len(change.facts), SLICE):
                self._keep(change.facts[first : first + SLICE])
                await asyncio.sleep(0)
            for number, entry in enumerate(change.entries):
                audit.stage(state, entry)
                if number % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
            judged = self._judged(change)
            for device, (since, of) in judged.items():
                self.stage_change(device, since, of)
        self._tell(change, judged)

    def _keep(self, facts: Sequence[tuple[int, DeviceKey, Fact]]) -> None:
        self._state.stage(
            "INSERT INTO fact (number, owner, device, kind, since, body) VALUES (?,?,?,?,?,?)",
            [
                (number, *device, fact.kind, fact.since, msgspec.json.encode(fact))
                for number, device, fact in facts
            ],
        )

    def _newest(self) -> int:
        return int(self._state.rows("SELECT ifnull(max(number), 0) FROM fact")[0][0])

    def _judged(self, change: Change) -> dict[DeviceKey, tuple[int, str]]:
        """Return whose readings are judged otherwise: since when (ms), and of what it is stated."""
        sinces: dict[DeviceKey, int] = {}
        of: dict[DeviceKey, set[str]] = {}
        for _, device, stated in change.facts:
            fact = self._meant(device, stated)
            what = fact.named().keys() & JUDGED if isinstance(fact, CardChange) else {fact.kind}
            if not what:
                continue
            # Who came after it stands for whom it stood for.
            moved = (fact.old, *self._heirs(device)) if isinstance(fact, Replaced) else ()
            for one in (device, *moved):
                sinces[one] = min(sinces.get(one, fact.since), fact.since)
                of.setdefault(one, set()).update("place" if moved else word for word in what)
        return {one: (since, " and ".join(sorted(of[one]))) for one, since in sinces.items()}

    def _meant(self, device: DeviceKey, fact: Fact) -> Fact:
        """Return the fact itself, or the one that it withdraws."""
        if isinstance(fact, Withdrawn):
            for one in self._facts.get(device, ()):
                if one.number == fact.fact:
                    withdrawn: Fact = one.fact
                    return withdrawn
        return fact

    def _tell(self, change: Change, judged: dict[DeviceKey, tuple[int, str]]) -> None:
        """Take up what is committed, and tell whom it concerns."""
        cards: set[DeviceKey] = set()
        for number, device, fact in change.facts:
            if isinstance(self._meant(device, fact), CardChange):
                cards.add(device)
            self._take(number, device, fact)
            self._last = max(self._last, number)
        self._index({device for _, device, _ in change.facts})
        for device in cards:
            self.on_card(device)
        for device, (since, of) in judged.items():
            self.on_change(device, since, of)

    def _take(self, number: int, device: DeviceKey, fact: Fact) -> None:
        """Put a fact in its place, or take away the one that it withdraws."""
        facts = self._facts.setdefault(device, [])
        if isinstance(fact, Withdrawn):
            facts[:] = [one for one in facts if one.number != fact.fact]
        else:
            insort(facts, Stated(fact.since, number, fact), key=_place)

    def _index(self, devices: Collection[DeviceKey]) -> None:
        """Work out anew what is asked often of these."""
        moved = False
        for device in devices:
            self.corrections.state(device, self.calibrations(device), self.maintenances(device))
            cards = self._fold(device)
            if cards:
                self._cards[device] = cards
            else:
                self._cards.pop(device, None)
            standing = [(one.since, one.old) for one in self._of(device, Replaced)]
            moved = moved or standing != self._standing.get(device, [])
            if standing:
                self._standing[device] = standing
            else:
                self._standing.pop(device, None)
        if moved:
            self._replaced = {}
            for device, standing in self._standing.items():
                for since, old in standing:
                    insort(self._replaced.setdefault(old, []), (since, device))

    def _fold(self, device: DeviceKey) -> list[tuple[int, Card]]:
        cards: list[tuple[int, Card]] = []
        card = NOTHING
        for since, _, change in self.stated(device, CardChange):
            card = change.on(card)
            if cards and cards[-1][0] == since:
                del cards[-1]
            cards.append((since, card))
        return cards


def _present(left: Sequence[int], back: Sequence[int]) -> list[tuple[int, int]]:
    """Return from when until when (ms) a device had its place, by when it left and came back."""
    found: list[tuple[int, int]] = []
    since: int | None = BEGINNING
    # Who leaves and comes back at the same time is there.
    for when, here in sorted([*((one, False) for one in left), *((one, True) for one in back)]):
        if here and since is None:
            since = when
        elif not here and since is not None:
            found.append((since, when))
            since = None
    if since is not None:
        found.append((since, FOREVER))
    return found


def _since(dated: tuple[int, Card]) -> int:
    return dated[0]


def _place(stated: Stated) -> tuple[int, int]:
    return stated.since, stated.number
