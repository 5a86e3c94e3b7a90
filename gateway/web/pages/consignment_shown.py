"""What the view of a consignment shows, made ready: its way, what can be done, where readings are.

Pure but for the site's names of devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from gateway.web.look import address
from rules.cargo.consignment import Consignment, Travelled
from rules.duration import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.reading import DeviceKey
    from gateway.consignments.report import Report
    from gateway.web.now.register import Registered
    from gateway.web.site import Site
    from rules.cargo.consignment import Assignment, Leg
    from rules.cargo.verdict import Excursion, Extreme

AROUND = HOUR
"""What is shown before and after a value that somebody wants to see, ms."""
CHOICE = 200
"""Sensors that can be chosen; all others can be named."""
KIND_WORDS = {
    "created": "entered",
    "changed": "changed",
    "planned": "way planned",
    "assigned": "sensor assigned",
    "unassigned": "sensor taken off",
    "departed": "departed",
    "arrived": "arrived",
    "handed-over": "handed over",
    "confirmed": "handover confirmed",
    "delivered": "delivered",
    "decided": "decided",
    "review": "under review",
    "split": "split",
    "part-of": "part of another",
    "merged-into": "merged into another",
    "merged-from": "made of others",
    "let-go": "let go from keeping",
    "withdrawn": "taken back",
}
"""What kinds of facts are called."""


class Way(NamedTuple):
    """A leg, and how it really was."""

    leg: Leg
    real: Travelled


class Doing(NamedTuple):
    """What can be done next: the leg that may depart, the one under way, and to whom it may go."""

    first: str
    """What is likely to be done next: depart, arrive, confirm, deliver; "" where nothing is."""
    departs: Leg | None
    arrives: Leg | None
    next_custodian: str
    moving: bool
    """Whether anything of its way can be stated: it is not decided, nor in others."""


class Fact(NamedTuple):
    """A fact that was stated, in words."""

    told: dict[str, Any]
    what: str
    words: str
    late: bool


def consignment_of(told: dict[str, Any]) -> Consignment:
    """Return a consignment as the gateway told it."""
    return msgspec.convert(told["consignment"], Consignment)


def way(one: Consignment) -> list[Way]:
    """Return the legs in order."""
    real = {each.leg: each for each in one.travelled}
    return [Way(leg, real.get(leg.number, Travelled(leg.number))) for leg in one.legs]


def doing(one: Consignment, told: dict[str, Any]) -> Doing:
    """Return what can be done with a consignment now."""
    legs = way(one)
    under_way = [each.leg for each in legs if each.real.departed and each.real.arrived is None]
    last = max((each.leg.number for each in legs if each.real.departed), default=0)
    following = next((each.leg for each in legs if each.leg.number > last), None)
    arrives = under_way[-1] if under_way else None
    on = max((each.leg or 0 for each in one.custody), default=0)
    to = [leg for leg in one.legs if leg.number > on and leg.custodian != told["custodian"]]
    moving = one.stage in {"planned", "in_transit"} and told["over"] is None
    first = ""
    if told["claims"]:
        first = "confirm"
    elif moving and arrives is not None:
        first = "arrive" if following is not None else "deliver"
    elif moving and following is not None:
        first = "depart"
    elif moving and legs:
        first = "deliver"
    return Doing(first, following, arrives, to[0].custodian if to else "", moving)


def speaking(one: Consignment, now: int) -> list[Assignment]:
    """Return the assignments that hold at a time (ms)."""
    return [each for each in one.assignments if each.until is None or each.until > now]


def sensors(one: Consignment, told: dict[str, Any]) -> list[tuple[Assignment, dict[str, Any]]]:
    """Return every assignment with what is known of its sensor."""
    return [(each, told["sensors"][str(each.sensor)]) for each in one.assignments]


def free(site: Site, one: Consignment, now: int) -> list[Registered]:
    """Return the sensors that may be assigned: those that do not speak for it."""
    register = site.standing.register
    taken = {each.sensor for each in speaking(one, now)}
    devices = {*site.standing.devices(), *register.named()} - taken
    found = [each for each in map(register.of, devices) if each.stand != "replaced"]
    return sorted(found, key=lambda each: (each.name.casefold(), each.key))[:CHOICE]


def facts(told: dict[str, Any]) -> list[Fact]:
    """Return all that was stated, the newest entry first."""
    return [
        Fact(
            each,
            KIND_WORDS.get(each["kind"], each["kind"]),
            words(each["kind"], each["fact"]),
            each["entered"] - each["at"] > 5 * MINUTE,
        )
        for each in reversed(told["facts"])
    ]


def words(kind: str, fact: dict[str, Any]) -> str:
    """Return what a fact says, in few words."""
    said = _WORDS.get(kind)
    return "" if said is None else said(fact)


def _sensor(fact: dict[str, Any]) -> str:
    where = f", {fact['where']}" if fact.get("where") else ""
    return "/".join(filter(None, fact["sensor"])) + where


def _leg_words(leg: dict[str, Any]) -> str:
    way_ = f"{leg['origin']['name']} → {leg['destination']['name']}"
    return f"{leg['number']}. {way_}, {leg['mode']}, {leg['custodian']}"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("name") or "")
    return "nothing" if value is None else str(value)


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "created": lambda fact: str(fact["version"] or fact["goods"]),
    "changed": lambda fact: "; ".join(f"{name}: {_plain(value)}" for name, value in fact.items()),
    "planned": lambda fact: "; ".join(map(_leg_words, fact["legs"])) or "no legs",
    "assigned": _sensor,
    "unassigned": _sensor,
    "departed": lambda fact: f"leg {fact['leg']}",
    "arrived": lambda fact: f"leg {fact['leg']}",
    "handed-over": lambda fact: f"to {fact['to']}",
    "confirmed": lambda fact: f"number {fact['fact']}",
    "decided": lambda fact: f"{fact['meaning']}, report version {fact['report']}",
    "review": lambda fact: str(fact["why"]),
    "split": lambda fact: ", ".join(one["id"] for one in fact["parts"]),
    "part-of": lambda fact: str(fact["parent"]),
    "merged-into": lambda fact: str(fact["into"]),
    "merged-from": lambda fact: ", ".join(fact["parents"]),
    "withdrawn": lambda fact: f"number {fact['fact']}",
}


class Places:
    """Where the readings are that a figure rests on: addresses of views of sensors."""

    def __init__(self, site: Site, report: Report | None) -> None:
        self._register = site.standing.register
        self._report = report

    def name(self, sensor: DeviceKey) -> str:
        """Return what people call a sensor."""
        return self._register.of(sensor).name

    def span(self, sensor: DeviceKey, channel: str, since: int, until: int) -> str:
        """Return the address of what a sensor said of a channel from when until when (ms)."""
        asked = {"channel": channel, "from": max(0, since), "to": max(until, since + MINUTE)}
        return f"{address('sensor', str(sensor))}?{urlencode(asked)}"

    def extreme(self, extreme: Extreme, channel: str) -> str:
        """Return the address of a lowest or highest value, with what was around it."""
        return self.span(extreme.sensor, channel, extreme.when - AROUND, extreme.when + AROUND)

    def excursion(self, one: Excursion) -> str:
        """Return the address of the readings of an excursion, with what was around it."""
        end = one.end if one.end is not None else self._until
        around = max(10 * MINUTE, (end - one.begin) // 4)
        return self.span(one.worst_sensor, one.channel, one.begin - around, end + around)

    def voyage(self, sensor: DeviceKey, channel: str) -> str:
        """Return the address of all that a sensor said of a channel on the way."""
        if self._report is None:
            return address("sensor", str(sensor))
        verdict = self._report.verdict
        return self.span(sensor, channel, verdict.since, verdict.until)

    def table(self, sensor: DeviceKey, channel: str) -> str:
        """Return the address of the same as CSV."""
        verdict = self._report.verdict if self._report is not None else None
        asked: dict[str, object] = {"channel": channel, "format": "csv"}
        if verdict is not None:
            asked |= {"from": verdict.since, "to": verdict.until}
        return f"{address('api', 'v1', 'devices', str(sensor), 'readings')}?{urlencode(asked)}"

    @property
    def _until(self) -> int:
        return self._report.verdict.until if self._report is not None else 0
