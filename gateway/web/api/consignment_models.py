"""What answers about consignments hold. Times are ms since 1970, UTC; lengths are ms."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.consignments.facts import Meaning
from gateway.web.api.alert_models import Alert
from gateway.web.api.models import Model, Value
from rules.cargo.consignment import Mode, Stage
from rules.cargo.verdict import Proposal


class Place(Model):
    """A place by name, and where it is: latitude and longitude in degrees."""

    name: str
    position: tuple[float, float] | None


class Consignment(Model):
    """How a consignment stands."""

    id: str
    goods: str = Field(description="The name of its profile: GET /goods has it.")
    description: str
    quantity: float | None
    unit: str
    stage: Stage
    standing: str = Field(description='The same in words: "released, under review".')
    since: int = Field(description="Since when it is in this stage.")
    over: int | None = Field(description="Since when all of it is in others; null: it is not.")
    custodian: str = Field(description="Who has it now.")
    confirmed: bool = Field(description="Whether both sides say so.")
    leg: int | None = Field(description="The number of the leg that it is on.")
    sensors: list[str] = Field(description="Devices that speak for it now, by their keys.")
    parts: list[str] = Field(description="Consignments that it was split or merged into.")
    alerts: int = Field(description="How many are open.")


class Consignments(Model):
    """A page of consignments, by id."""

    items: list[Consignment]
    next: str | None


class Leg(Model):
    """A part of the way: `departs` and `arrives` as planned, `departed` and `arrived` as it was."""

    number: int
    mode: Mode
    origin: Place
    destination: Place
    custodian: str
    departs: int | None
    arrives: int | None
    departed: int | None
    arrived: int | None
    vehicle: str
    heard: bool = Field(description="Whether anybody can hear its sensors on it.")
    margin: int = Field(description="Where not: how long after `arrives` silence is expected.")
    via: list[Place]


class Assignment(Model):
    """A device that speaks for it from `since` until `until`; null: still."""

    device: str
    since: int
    until: int | None
    ignore_until: int | None = Field(description="What it says before that is left out.")
    where: str
    origin: str = Field(description="The consignment that it was assigned to; empty: this one.")


class Heard(Model):
    """What a device said last that speaks, or ever spoke, for it."""

    device: str
    name: str
    at: int | None = Field(description="null: it was never heard.")
    channels: dict[str, Value]


class Custody(Model):
    """Who was answerable for it, from `since` until `until`; null: still."""

    custodian: str
    since: int
    until: int | None
    confirmed: bool
    leg: int | None


class Staged(Model):
    """In which stage it is from `since` on."""

    stage: Stage
    since: int


class Fact(Model):
    """Something that was stated: true at `at`, recorded at `entered`."""

    number: int
    kind: str
    at: int
    entered: int
    who: str
    reason: str
    fact: dict[str, Any] = Field(description="What was stated, by its kind.")


class StatedFact(Fact):
    """The same, and whether it still holds."""

    withdrawn: bool


class ConsignmentDetail(Consignment):
    """All that is known of a consignment, but for its verdict."""

    version: str = Field(description="The version of its profile that it is judged by.")
    title: str = Field(description="What its goods are called.")
    created: int
    value: float | None
    currency: str
    origin: Place
    destination: Place
    carried: int = Field(description="Time out of range that was used up before.")
    cycles: int = Field(description="How often it was frozen before.")
    ignore: int = Field(description="How long each sensor is left out at its start.")
    counts: str = Field(description="any, all, mean or a device's key; empty: as rules say.")
    wait: int = Field(description="How long a slower sensor is waited for.")
    note: str
    parents: list[str] = Field(description="Consignments that it is a part of, or made of.")
    legs: list[Leg]
    assignments: list[Assignment]
    heard: list[Heard]
    custody: list[Custody]
    stages: list[Staged]
    handovers: list[Fact] = Field(description="Those that wait to be confirmed.")
    open_alerts: list[Alert]
    lacks: list[str] = Field(description="What it lacks to be judged as its profile asks.")
    facts: list[StatedFact] = Field(description="All that was ever stated of it, as entered.")


class Gone(Model):
    """A fact that is taken back."""

    number: int
    kind: str


class Withdrawal(Model):
    """What was taken back, and how the consignment stands; null: there is none any more."""

    withdrawn: list[Gone]
    consignment: ConsignmentDetail | None


class TableMistake(Model):
    """What is wrong in a line, and what to do."""

    line: int
    id: str
    problem: str
    cure: str


class ConsignmentTable(Model):
    """What a table brings. Each consignment of which a line is wrong is left out."""

    new: list[str]
    known: list[str] = Field(description="Those that are there already, and are left as they are.")
    dry: bool
    mistakes: list[TableMistake]


# -- verdicts and reports -------------------------------------------------------------------------


class Cases(Model):
    """A number as far as it is known, and what it can be at best and at worst."""

    known: float
    best: float
    worst: float


class Extreme(Model):
    """A lowest or highest value: who said so, and when."""

    value: float
    when: int
    device: str


class Statistic(Model):
    """One channel over the whole voyage; the mean is weighted by time."""

    channel: str
    unit: str
    readings: int
    lowest: Extreme | None
    highest: Extreme | None
    mean: float | None
    known: int
    unknown: int
    partly: int = Field(description="How long some of several sensors were not heard.")
    mkt: Cases | None = Field(description="Mean kinetic temperature, °C.")
    energy: float = Field(description="The activation energy of that, kJ/mol.")


class Band(Model):
    """How long a channel was from `low` to `high`; null: open."""

    channel: str
    label: str
    low: float | None
    high: float | None
    time: Cases
    inside: bool = Field(description="Whether it is the range that the goods should be in.")


class Share(Model):
    """A custodian's part of an excursion."""

    custodian: str
    time: int
    confirmed: bool
    leg: int | None


class Excursion(Model):
    """A time out of range; `end` is null while it lasts."""

    number: int
    channel: str
    side: str = Field(description="below or above")
    begin: int
    end: int | None
    out: int = Field(description="How long of it is known to have been out of range.")
    unknown: int = Field(description="How long of it nothing was heard.")
    partly: int = Field(description="How long some sensors were well, and others silent.")
    worst: float
    worst_at: int
    worst_device: str
    shares: list[Share]
    place: str
    alerts: list[str] = Field(description="Ids of the alerts of it.")
    explanation: str


class Budget(Model):
    """Time (ms) or cycles that are allowed, of them used and left."""

    rule: str
    unit: str = Field(description="ms or cycles")
    allowed: float
    carried: float
    used: Cases
    left: Cases


class Excluded(Model):
    """Readings that do not count, and why."""

    device: str
    since: int
    until: int
    readings: int
    reason: str


class Decision(Model):
    """What a person signed, bound to a report by its digest."""

    meaning: Meaning
    name: str = Field(description="As it is printed.")
    login: str
    at: int
    reason: str
    digest: str


class SignedReport(Model):
    """A report that was signed, without its content."""

    version: int
    made: int
    digest: str
    decision: Decision


class SignedReports(Model):
    """Every report on a consignment that was signed, oldest first."""

    items: list[SignedReport]


class Verdict(Model):
    """What happened to the goods from `since` until `until`, and what is proposed."""

    consignment: str
    title: str = Field(description="What the goods are called.")
    profile: str
    version: str
    since: int
    until: int
    statistics: list[Statistic]
    bands: list[Band]
    budgets: list[Budget]
    excursions: list[Excursion]
    excluded: list[Excluded]
    known: int
    unknown: int
    partly: int
    proposal: Proposal
    reasons: list[str]
    made: int = Field(description="When the draft was made that this is of.")
    digest: str = Field(description="Of that draft, with when it was made.")
    substance: str = Field(description="Digest of its figures alone: same figures, same digest.")
    signed: SignedReport | None = Field(description="The newest report that was signed.")


class Report(Model):
    """A report. Its digest is the SHA-256 of `report` as canonical JSON, which it stands in."""

    id: str
    version: int = Field(description="From 1 on; 0 is a draft, which nobody signed.")
    digest: str
    decision: Decision | None
    report: dict[str, Any] = Field(
        description="All that the verdict rests on, as it is stored: devices as [owner, id]."
    )
