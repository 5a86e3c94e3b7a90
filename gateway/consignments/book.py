"""The book of consignments: what was stated of each, and how each stands because of it.

What must hold: a fact and its entry in the audit trail are committed together, and nothing is
told to anybody before; nothing that was ever stated is lost. All of it is in memory: which
consignments a sensor speaks for is asked for every reading.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from gateway.consignments.difference import difference
from gateway.consignments.facts import KINDS, Stated
from gateway.consignments.fold import came_from, fold, line_of
from gateway.people import audit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from devices.reading import DeviceKey
    from gateway.consignments.facts import Fact
    from gateway.consignments.fold import Line
    from gateway.people.audit import Entry
    from gateway.state import State
    from rules.cargo.consignment import Consignment

    Judge = Callable[[str, int, str], None]

SLICE = 500
"""Facts that are staged before the loop is given back."""


class Change:
    """What is about to be stated: gathered, and then committed all at once."""

    def __init__(self, book: Book, number: int) -> None:
        self.facts: list[tuple[str, Stated]] = []
        self.entries: list[Entry] = []
        self._book = book
        self._number = number

    def state(  # noqa: PLR0913 - a fact has this many sides
        self,
        identity: str,
        fact: Fact,
        *,
        at: int,
        entered: int,
        who: str,
        reason: str = "",
    ) -> int:
        """State a fact of a consignment that was true at `at` (ms); return its number."""
        self._number += 1
        self.facts.append((identity, Stated(self._number, at, entered, who, reason, fact)))
        return self._number

    def note(self, entry: Entry) -> None:
        """Enter it in the audit trail."""
        self.entries.append(entry)

    def forget(self) -> None:
        """Leave all as it is: it was only tried."""
        self.facts.clear()
        self.entries.clear()

    def facts_of(self, identity: str) -> list[Stated]:
        """Return what is stated of a consignment, with what is about to be."""
        return [*self._book.facts(identity), *(one for name, one in self.facts if name == identity)]

    def line(self, identity: str) -> Line | None:
        """Return what holds of a consignment then, None if there is no such one."""
        return line_of(identity, self.facts_of)

    def touched(self) -> list[str]:
        """Return the ids of consignments of which it is stated, and of those made of them."""
        return self._book.family({name for name, _ in self.facts}, self.facts)


class Book:
    """What people have stated of consignments: kept by the gateway, looked at by others."""

    def __init__(self, state: State, owner: str) -> None:
        """Read all facts of an owner's consignments. Raises FileError, DiskError."""
        self.on_change: Judge = lambda _id, _since, _of: None
        """Called once what was stated is kept, with the id of a consignment that is judged
        otherwise by it, from when on (ms; 0: all of it), and of what: "sensors and stages"."""
        self.stage_change: Judge = lambda _id, _since, _of: None
        """Called as `on_change` is, before the commit: what it stages is kept with the facts. The
        book still says what was before."""
        self.owner = owner
        self._state = state
        self._stated: dict[str, list[Stated]] = {}
        self._found: dict[str, Consignment] = {}
        self._of: dict[DeviceKey, dict[str, Consignment]] = {}
        self._children: dict[str, set[str]] = {}
        self._last = 0
        self.look()

    def look(self) -> set[str]:
        """Take up what was stated since the last look, of a file that another process writes.

        Return the ids of consignments that are otherwise now. Raises FileError, DiskError.
        """
        rows = self._state.rows(
            # By number: by owner, as the planner may have it, all facts would be read.
            "SELECT number, consignment, kind, at, entered, who, reason, body "
            "FROM consignment_fact WHERE +owner = ? AND number > ? ORDER BY number",
            (self.owner, self._last),
        )
        facts = [
            (name, Stated(number, at, entered, who, reason, _fact(kind, body)))
            for number, name, kind, at, entered, who, reason, body in rows
        ]
        self._take(facts)
        changed = self.family({name for name, _ in facts})
        self._index(changed, {one: self._fold(one, self.facts) for one in changed})
        return set(changed)

    # -- what is stated ----------------------------------------------------------------------

    def all(self) -> list[Consignment]:
        """Return every consignment, the newest first."""
        return sorted(self._found.values(), key=lambda one: (-one.created, one.id))

    def consignment(self, identity: str) -> Consignment | None:
        """Return a consignment, None if there is no such one."""
        return self._found.get(identity)

    def facts(self, identity: str) -> list[Stated]:
        """Return all that was ever stated of a consignment itself, in order of entry."""
        return self._stated.get(identity, [])

    def line(self, identity: str) -> Line | None:
        """Return what holds of a consignment, with what it came from."""
        return line_of(identity, self.facts)

    def of(self, sensor: DeviceKey) -> list[Consignment]:
        """Return all consignments that a sensor speaks for, or ever spoke for."""
        found = self._of.get(sensor)
        return [] if found is None else list(found.values())

    def family(
        self,
        ids: Iterable[str],
        more: Sequence[tuple[str, Stated]] = (),
    ) -> list[str]:
        """Return consignments and those that are made of them, parents before children.

        `more`: what is about to be stated.
        """
        coming: dict[str, set[str]] = {}
        for name, stated in more:
            for parent in came_from(stated.fact):
                coming.setdefault(parent, set()).add(name)
        found: dict[str, None] = {}
        seen: set[str] = set()
        # Each once, and noted after all that are made of it: an id that was taken back and used
        # again may have come, over the years, from what is made of it now.
        waiting = [(one, False) for one in sorted(ids)]
        while waiting:
            one, done = waiting.pop()
            if done:
                found[one] = None
            elif one not in seen:
                seen.add(one)
                made = self._children.get(one, set()) | coming.get(one, set())
                waiting += [(one, True), *((each, False) for each in sorted(made))]
        return list(reversed(found))

    # -- the writer --------------------------------------------------------------------------

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Change]:
        """Gather facts inside; on leaving they are committed, with their entries, then told.

        Nobody else changes anything meanwhile. Raises DiskError; after an error nothing is kept.
        """
        state = self._state
        async with state.writing():
            change = Change(self, self._newest())
            yield change
            await self._keep(change)
            touched = change.touched()
            after = {one: self._fold(one, change.facts_of) for one in touched}
            judged = {}
            for one in touched:
                found = difference(self._found.get(one), after[one])
                if found is not None:
                    judged[one] = found
                    self.stage_change(one, *found)
        self._take(change.facts)
        self._index(touched, after)
        for one, found in judged.items():
            self.on_change(one, *found)

    async def _keep(self, change: Change) -> None:
        for first in range(0, len(change.facts), SLICE):
            self._state.stage(
                "INSERT INTO consignment_fact (number, owner, consignment, kind, at, entered, who, "
                "reason, body) VALUES (?,?,?,?,?,?,?,?,?)",
                [
                    (
                        one.number,
                        self.owner,
                        name,
                        one.fact.kind,
                        *(one.at, one.entered, one.who, one.reason),
                        msgspec.json.encode(one.fact),
                    )
                    for name, one in change.facts[first : first + SLICE]
                ],
            )
            await asyncio.sleep(0)
        for entry in change.entries:
            audit.stage(self._state, entry)

    def _newest(self) -> int:
        newest = "SELECT ifnull(max(number), 0) FROM consignment_fact"
        return int(self._state.rows(newest)[0][0])

    def _take(self, facts: Iterable[tuple[str, Stated]]) -> None:
        for name, one in facts:
            self._stated.setdefault(name, []).append(one)
            self._last = max(self._last, one.number)
            for parent in came_from(one.fact):
                self._children.setdefault(parent, set()).add(name)

    def _fold(
        self,
        identity: str,
        facts_of: Callable[[str], list[Stated]],
    ) -> Consignment | None:
        line = line_of(identity, facts_of)
        return None if line is None else fold(self.owner, line)

    def _index(self, ids: Iterable[str], after: dict[str, Consignment | None]) -> None:
        """Work out anew what is asked often of these."""
        for identity in ids:
            before, now = self._found.pop(identity, None), after[identity]
            for one in before.assignments if before else ():
                self._of.get(one.sensor, {}).pop(identity, None)
            if now is not None:
                self._found[identity] = now
                for one in now.assignments:
                    self._of.setdefault(one.sensor, {})[identity] = now


def _fact(kind: str, body: bytes) -> Fact:
    return msgspec.json.decode(body, type=KINDS[kind])
