"""A quality desk: one delivered consignment over a real file, its sensors, and people who sign."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from devices.reading import DeviceKey, Reading
from gateway.consignments.book import Book
from gateway.consignments.desk import Desk as QualityDesk
from gateway.consignments.facts import Assigned, Created, Delivered, Departed, Fact, Planned
from gateway.consignments.report import Version
from gateway.consignments.reports import Place as Made
from gateway.consignments.reports import Reports
from gateway.consignments.review import Review
from gateway.consignments.signing import Asked, Signing
from gateway.consignments.verdicts import Verdicts
from gateway.goods import Goods
from gateway.past import FOREVER, Past
from gateway.people.audit import Who
from gateway.people.people import People
from gateway.registry.cards import Card
from gateway.registry.registry import Registry
from gateway.state import State
from rules.cargo.consignment import Leg, Place
from rules.duration import HOUR, MINUTE
from rules.plan import EVER
from rules.subject import order
from tests.gateway.parts import NOW, ToldClock, said

ROOT = Who("root", "command line")
ID = "vac-1"
SENSOR = DeviceKey("acme", "logger-1")
BEGAN = NOW - 10 * HOUR
STEP = 10 * MINUTE
SPEAKS = 25 * MINUTE


Via = Literal["page", "api", "command line"]


class Readings(Past):
    """What sensors said: a past that is told by the test."""

    def __init__(self) -> None:
        self.said: dict[DeviceKey, list[Reading]] = {
            SENSOR: [reading(BEGAN + n * STEP, 5.0 + n % 3) for n in range(60)]
        }

    def readings(
        self, device: DeviceKey, since: int, until: int, before: int = FOREVER
    ) -> list[Reading]:
        del until
        found = self.said.get(device, [])
        return sorted((one for one in found if since <= one.when < before), key=order)


def reading(at: int, value: float) -> Reading:
    return said("logger-1", at, value, owner="acme")


class Desk(NamedTuple):
    """The parts over one file."""

    state: State
    clock: ToldClock
    people: People
    book: Book
    registry: Registry
    readings: Readings
    parts: QualityDesk
    password: str

    @property
    def reports(self) -> Reports:
        return self.parts.reports

    @property
    def signing(self) -> Signing:
        return self.parts.signing

    @property
    def review(self) -> Review:
        return self.parts.review

    async def state_fact(
        self, fact: Fact, at: int, *, identity: str = ID, reason: str = ""
    ) -> None:
        async with self.book.changing() as change:
            now = self.clock.now()
            change.state(identity, fact, at=at, entered=now, who="piotr", reason=reason)

    def look(self) -> Version:
        """Look at the draft, as somebody does before signing."""
        return self.reports.draft(ID, self.clock.now())

    async def sign(
        self,
        meaning: str = "released",
        seen: Version | None = None,
        via: Via = "command line",
        **more: str,
    ) -> Version:
        seen = seen or self.look()
        who = Who(more.pop("person", "root"), via, more.pop("from_", ""))
        fields = {
            "consignment": ID,
            "login": "anna",
            "password": self.password,
            "name": "Quality Desk Łódź",
            "reason": "",
            **more,
        }
        asked = Asked(
            **fields,
            meaning=meaning,
            made=seen.report.made,
            head=seen.report.head,
            digest=seen.digest,
        )
        return await self.signing.sign(asked, who)

    def late(self, value: float = 12.0, hours: int = 3) -> None:
        """Let readings come late that were missed until now."""
        self.readings.said[SENSOR][:] = [
            reading(one.at, value) if BEGAN + HOUR <= one.at < BEGAN + (1 + hours) * HOUR else one
            for one in self.readings.said[SENSOR]
        ]


async def open_desk(folder: Path, *, password: str = "") -> Desk:
    """Open it; the first time with people and a delivered consignment."""
    state, clock = State(folder / "state.db"), ToldClock()
    people = People(state, clock)
    goods = Goods(state, None)
    book, registry = Book(state, "acme"), Registry(state)
    readings = Readings()
    verdicts = Verdicts(
        *(state, readings, registry.corrections, book, goods),
        lambda _sensor: ((EVER, STEP),),
        lambda: 1_000,
    )
    parts = QualityDesk(
        state,
        clock,
        book=book,
        verdicts=verdicts,
        registry=registry,
        card=lambda _device: Card(name="", model="Q-tag"),
        head=lambda: 1_000,
        place=Made("gw-1", "Europe/Berlin"),
    )
    desk = Desk(state, clock, people, book, registry, readings, parts, password)
    if password:
        return desk
    await goods.adopt(NOW)
    desk = desk._replace(password=await people.add("anna", "quality", ROOT))
    vaccines = goods.profile("vaccines")
    assert vaccines is not None
    here, there = Place("Łódź"), Place("İzmir")
    leg = Leg(number=1, custodian="Kühne", mode="road", origin=here, destination=there)
    for fact, at in (
        (Created(goods="vaccines", version=vaccines.version(), origin=here), BEGAN),
        (Planned(legs=(leg,)), BEGAN),
        (Assigned(sensor=SENSOR, until=NOW - HOUR), BEGAN),
        (Departed(leg=1), BEGAN),
        (Delivered(), NOW - HOUR),
    ):
        await desk.state_fact(fact, at)
    return desk
