"""A book over a real file, and who states things in it."""

from __future__ import annotations

from pathlib import Path

from devices.reading import DeviceKey
from gateway.consignments.book import Book
from gateway.consignments.changes import Changes
from gateway.consignments.facts import Created, Fact, Planned
from gateway.consignments.parting import Parting
from gateway.consignments.stating import Act
from gateway.people.audit import Who
from gateway.state import State
from rules.cargo.consignment import Consignment, Leg, Mode, Place
from rules.duration import HOUR
from tests.gateway.parts import NOW

ANNA = Who("anna", "page")
BEGAN = NOW - 100 * HOUR
S1, S2, S3 = (DeviceKey("acme", f"s-{number}") for number in (1, 2, 3))
CREATED = Created(
    goods="vaccines", version="vaccines@1", quantity=100.0, unit="boxes", value=1000.0
)


def leg(number: int, custodian: str, mode: Mode = "road") -> Leg:
    """Make a leg from A to B, B to C and so on."""
    places = "ABCDEFGH"
    return Leg(
        number=number,
        custodian=custodian,
        mode=mode,
        origin=Place(places[number - 1]),
        destination=Place(places[number]),
    )


WAY = Planned(legs=(leg(1, "Nord"), leg(2, "Sea", "sea"), leg(3, "South")))


def at(hours: float, reason: str = "told later") -> Act:
    """Return an act of Anna's, so many hours after the beginning."""
    return Act(BEGAN + round(hours * HOUR), NOW, ANNA, reason)


class Desk:
    """A book, and those who write it."""

    def __init__(self, folder: Path) -> None:
        self.file = State(folder / "state.db")
        self.book = Book(self.file, "acme")
        self.changes = Changes(self.book, lambda when: f"hour {(when - BEGAN) / HOUR:g}")
        self.parting = Parting(self.book, lambda when: f"hour {(when - BEGAN) / HOUR:g}")
        self.told: list[tuple[str, float, str]] = []
        self.book.on_change = self._told

    def _told(self, identity: str, since: int, of: str) -> None:
        self.told.append((identity, (since - BEGAN) / HOUR if since else 0, of))

    async def state(self, identity: str, hours: float, *facts: Fact) -> list[int]:
        """State facts of so many hours after the beginning; return their numbers."""
        return await self.changes.state(identity, facts, at(hours), "test")

    async def add(self, identity: str = "C-1", hours: float = 0, *more: Fact) -> None:
        """Enter a consignment of three legs."""
        await self.changes.add(identity, [CREATED, WAY, *more], at(hours))

    def one(self, identity: str = "C-1") -> Consignment:
        """Return a consignment that is there."""
        found = self.book.consignment(identity)
        assert found is not None
        return found

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def hour(when: int | None) -> float | None:
    """Return a time as hours after the beginning."""
    return None if when is None else (when - BEGAN) / HOUR


def spoke(one: Consignment) -> list[tuple[str, float | None, float | None, str]]:
    """Return who spoke for it, from when to when in hours, and of whom."""
    return [(a.sensor.id, hour(a.since), hour(a.until), a.origin) for a in one.assignments]


def held(one: Consignment) -> list[tuple[str, float | None, bool, int | None]]:
    """Return who had it since when in hours, confirmed or not, and on which leg."""
    return [(c.custodian, hour(c.since), c.confirmed, c.leg) for c in one.custody]


def stages(one: Consignment) -> list[tuple[str, float | None]]:
    """Return its stages, each with since when in hours."""
    return [(s.stage, hour(s.since)) for s in one.stages]
