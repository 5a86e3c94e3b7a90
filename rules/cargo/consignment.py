"""What a consignment is: goods that travel together, under one verdict.

All of it is dated. Times are ms since 1970, UTC; a time that nobody knows is None.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from devices.reading import DeviceKey

Stage = Literal["planned", "in_transit", "delivered", "released", "rejected", "under_review"]
STAGES: tuple[Stage, ...] = get_args(Stage)
Mode = Literal["road", "sea", "air", "rail", "store"]
MODES: tuple[Mode, ...] = get_args(Mode)

PREFIX = "consignment/"
"""How the key of a consignment's subject begins: no device's id holds a slash."""
EVER = -(1 << 62)
FOREVER = 1 << 62


class Place(msgspec.Struct, frozen=True):
    """A place by name, and where it is: latitude and longitude in degrees, WGS 84."""

    name: str
    position: tuple[float, float] | None = None


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the way, in one custody. `departs` and `arrives` are what is planned.

    Where it is not `heard`, nobody can hear a sensor on it, as on a ship without a gateway: absence
    is expected until `arrives` and `margin` (ms) after it. `vehicle` is what carries it: a
    truck's plate, a container's number, a flight. `via` are known stops on the way.
    """

    number: int
    """From 1 on."""
    custodian: str
    mode: Mode
    origin: Place
    destination: Place
    departs: int | None = None
    arrives: int | None = None
    vehicle: str = ""
    heard: bool = True
    margin: int = 6 * 3_600_000
    via: tuple[Place, ...] = ()


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor that speaks for the consignment, from `since` until `until` (None: still).

    What it says before `ignore_until` is left out: it takes a while to be as warm as the goods.
    `where` says in words where in the consignment it is. `origin` is the consignment that it
    was assigned to, where this one is a part of that or was merged from it.
    """

    sensor: DeviceKey
    since: int
    until: int | None = None
    ignore_until: int = EVER
    where: str = ""
    origin: str = ""


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """Who was answerable for the goods, from `since` until `until` (None: still).

    Custody changes at a handover that both sides confirm. From a handover that is claimed and not
    confirmed yet, the one before keeps it, and `confirmed` is False.
    """

    custodian: str
    since: int
    until: int | None = None
    confirmed: bool = True
    leg: int | None = None
    """Number of the leg that it belongs to, None before the first."""


class Staged(msgspec.Struct, frozen=True):
    """In which stage the consignment is from `since` on."""

    stage: Stage
    since: int


class Travelled(msgspec.Struct, frozen=True):
    """A leg as it really was: `departed` and `arrived` as reported, None where not (yet)."""

    leg: int
    departed: int | None = None
    arrived: int | None = None


class Consignment(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment as all that was stated of it makes it. Lists are in order of time.

    `custody` covers all times without a hole, and `stages` too. `assignments` hold those of the
    consignments that it came from, up to when it was split from them or merged of them.
    """

    owner: str
    id: str
    goods: str
    """Name of the profile."""
    version: str = ""
    """Version of the profile that it is judged by."""
    created: int
    description: str = ""
    quantity: float | None = None
    unit: str = ""
    value: float | None = None
    currency: str = ""
    origin: Place = Place("")
    destination: Place = Place("")
    legs: tuple[Leg, ...] = ()
    travelled: tuple[Travelled, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    custody: tuple[Custody, ...] = ()
    stages: tuple[Staged, ...] = ()
    parents: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    """Consignments that it was split into, or merged into."""
    carried: int = 0
    """Time out of range that was used up before we heard of it, ms."""
    cycles: int = 0
    """Times that it was frozen before we heard of it."""
    ignore: int = 0
    """What a sensor says in the first so many ms after it was assigned is left out."""
    counts: Literal["", "any", "all", "mean"] | str = ""  # noqa: PYI051 - names a sensor else
    """Which sensor counts where there are several; empty: as each rule says."""
    wait: int = 60_000
    """How long a slower sensor is waited for before what the others say is judged, ms."""
    note: str = ""

    @property
    def subject(self) -> DeviceKey:
        """The key under which it is judged, and its alerts are kept."""
        return subject(self.owner, self.id)

    @property
    def stage(self) -> Stage:
        """In which stage it is now."""
        return self.stages[-1].stage if self.stages else "planned"

    def stage_at(self, when: int) -> Stage:
        """In which stage it was at a time (ms)."""
        return next((one.stage for one in reversed(self.stages) if one.since <= when), "planned")

    def leg_at(self, when: int) -> Leg | None:
        """On which leg it was at a time (ms), None before the first and after the last.

        By what was reported, else by what was planned.
        """
        real = {one.leg: one for one in self.travelled}
        found = None
        for leg in self.legs:
            known = real.get(leg.number, Travelled(leg.number))
            departed = known.departed if known.departed is not None else leg.departs
            if departed is not None and departed <= when:
                arrived = known.arrived if known.arrived is not None else None
                found = leg if arrived is None or when < arrived else None
        return found


def subject(owner: str, consignment: str) -> DeviceKey:
    """Return the key under which a consignment is judged."""
    return DeviceKey(owner, PREFIX + consignment)


def consignment_of(key: DeviceKey) -> str | None:
    """Return the id of the consignment that a key is of, None if it is a device's."""
    return key.id.removeprefix(PREFIX) if key.id.startswith(PREFIX) else None


def slots(consignment: Consignment) -> dict[DeviceKey, int]:
    """Return the number of each sensor that ever spoke for it, from 1, by first assignment."""
    return {
        sensor: number
        for number, sensor in enumerate(dict.fromkeys(a.sensor for a in consignment.assignments), 1)
    }
