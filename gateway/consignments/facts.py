"""What people state of consignments: facts, each with its true time and the time of its entry.

A fact is never changed. A later one counts in its place, or it is withdrawn; both stay on record.
All times are ms since 1970, UTC, all lengths ms.
"""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from devices.reading import DeviceKey
from rules.cargo.consignment import Leg, Place, Stage

Meaning = Literal["released", "rejected", "held"]
DECIDED: dict[str, Stage] = {
    "released": "released",
    "rejected": "rejected",
    "held": "under_review",
}
"""In which stage a consignment is after a decision."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """There is a consignment. The fields are those of `Consignment`."""

    kind: ClassVar[str] = "created"
    goods: str
    version: str
    custodian: str = ""
    """Who is answerable for it at first; empty: the custodian of the first leg."""
    description: str = ""
    quantity: float | None = None
    unit: str = ""
    value: float | None = None
    currency: str = ""
    origin: Place = Place("")
    destination: Place = Place("")
    carried: int = 0
    cycles: int = 0
    ignore: int = 0
    counts: str = ""
    wait: int = 60_000
    note: str = ""


FIELDS: tuple[str, ...] = Created.__struct_fields__


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that are otherwise. What is not named stays; what is judged by them is judged again.

    Only quantity and value are dated by it, for what is split off: all else holds for its whole
    life, also for what was before.
    """

    kind: ClassVar[str] = "changed"
    goods: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    custodian: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    quantity: float | UnsetType | None = UNSET
    unit: str | UnsetType = UNSET
    value: float | UnsetType | None = UNSET
    currency: str | UnsetType = UNSET
    origin: Place | UnsetType = UNSET
    destination: Place | UnsetType = UNSET
    carried: int | UnsetType = UNSET
    cycles: int | UnsetType = UNSET
    ignore: int | UnsetType = UNSET
    counts: str | UnsetType = UNSET
    wait: int | UnsetType = UNSET
    note: str | UnsetType = UNSET

    def named(self) -> dict[str, object]:
        """Return the fields that it names, with what they hold."""
        values = ((field, getattr(self, field)) for field in FIELDS)
        return {field: value for field, value in values if value is not UNSET}


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """The way, leg by leg: all of it, in place of what was planned before."""

    kind: ClassVar[str] = "planned"
    legs: tuple[Leg, ...]


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor speaks for it, until a time or until that is stated."""

    kind: ClassVar[str] = "assigned"
    sensor: DeviceKey
    until: int | None = None
    where: str = ""
    """Where in the consignment it is."""
    ignore: int | None = None
    """What it says in its first so many ms is left out; None: as the consignment says."""


class Unassigned(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor does not speak for it any more."""

    kind: ClassVar[str] = "unassigned"
    sensor: DeviceKey


class Departed(msgspec.Struct, frozen=True, kw_only=True):
    """A leg began."""

    kind: ClassVar[str] = "departed"
    leg: int


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A leg ended."""

    kind: ClassVar[str] = "arrived"
    leg: int


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """One side says that it went into the custody of `to`."""

    kind: ClassVar[str] = "handed-over"
    to: str
    leg: int | None = None
    """The leg that begins with it, where one does."""


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """The other side says so too. Custody changes at the time that this one gives."""

    kind: ClassVar[str] = "confirmed"
    fact: int
    """Number of the handover."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """It is where it should go."""

    kind: ClassVar[str] = "delivered"


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A person has signed what becomes of it."""

    kind: ClassVar[str] = "decided"
    meaning: Meaning
    report: int
    """Version of the report that was signed."""
    digest: str


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, or will be, is looked at again."""

    kind: ClassVar[str] = "review"
    why: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is split off: the id of a new consignment, and how much goes there."""

    id: str
    quantity: float | None = None


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of it are consignments of their own from now on. What is left stays itself."""

    kind: ClassVar[str] = "split"
    parts: tuple[Part, ...]


class PartOf(msgspec.Struct, frozen=True, kw_only=True):
    """There is a consignment, which was part of another. The other side of Split."""

    kind: ClassVar[str] = "part-of"
    parent: str
    quantity: float | None = None


class MergedInto(msgspec.Struct, frozen=True, kw_only=True):
    """All of it goes on in another."""

    kind: ClassVar[str] = "merged-into"
    into: str


class MergedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """There is a consignment, which is made of others. The other side of MergedInto."""

    kind: ClassVar[str] = "merged-from"
    parents: tuple[str, ...]
    version: str
    """Version of the profile, which is that of all of them."""


class LetGo(msgspec.Struct, frozen=True, kw_only=True):
    """All that its verdict rests on was exported and verified: it need not be kept here longer.

    Whatever is stated afterwards has it kept again.
    """

    kind: ClassVar[str] = "let-go"
    digest: str
    """SHA-256 of the export, as it says itself."""
    readings: int
    messages: int


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A fact does not hold and never did, though it was believed until this was entered."""

    kind: ClassVar[str] = "withdrawn"
    fact: int
    """The fact's number."""


Fact = (
    Created
    | Changed
    | Planned
    | Assigned
    | Unassigned
    | Departed
    | Arrived
    | HandedOver
    | Confirmed
    | Delivered
    | Decided
    | Review
    | Split
    | PartOf
    | MergedInto
    | MergedFrom
    | LetGo
    | Withdrawn
)

_IN_ORDER: tuple[type[Fact], ...] = (
    *(Created, PartOf, MergedFrom, Changed, Planned),
    *(Unassigned, Assigned, Arrived, HandedOver, Confirmed, Departed, Delivered),
    *(Decided, Review, Split, MergedInto, LetGo, Withdrawn),
)
"""What comes first of what is stated for the same time."""
KINDS: dict[str, type[Fact]] = {one.kind: one for one in _IN_ORDER}
RANKS: dict[str, int] = {one.kind: rank for rank, one in enumerate(_IN_ORDER)}
BEGINNINGS = (Created, PartOf, MergedFrom)
"""By which there is a consignment."""


class Stated(NamedTuple):
    """A fact with its number among all, its true time and that of its entry (ms), and by whom."""

    number: int
    at: int
    entered: int
    who: str
    reason: str
    fact: Fact


def by_time(stated: Stated) -> tuple[int, int, int]:
    """Return the place of a fact in the order of what happened."""
    return stated.at, RANKS[stated.fact.kind], stated.number


def holding(stated: list[Stated]) -> list[Stated]:
    """Return the facts that hold, in the order of what happened."""
    gone = {one.fact.fact for one in stated if isinstance(one.fact, Withdrawn)}
    return sorted(
        (one for one in stated if one.number not in gone and not isinstance(one.fact, Withdrawn)),
        key=by_time,
    )
