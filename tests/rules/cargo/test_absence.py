"""When a consignment is missed: not on a ship, not at rest, and once for all on one vehicle."""

from __future__ import annotations

from typing import Any

import pytest

from devices.reading import DeviceKey
from rules.cargo.absence import absence, vehicle
from rules.cargo.consignment import (
    EVER,
    FOREVER,
    Assignment,
    Consignment,
    Leg,
    Place,
    Staged,
    Travelled,
    consignment_of,
)
from rules.duration import HOUR
from rules.engine import Engine
from rules.plan import always
from rules.rule import RuleVersion
from rules.transition import Transition
from tests.rules.series import rule

START = 1_767_225_600_000
SHIP = vehicle("acme", "MV Test")
PORT = Place("port")


def hour(number: float) -> int:
    return START + int(number * HOUR)


def leg(number: int, departs: float, arrives: float | None, **settings: Any) -> Leg:  # noqa: ANN401 - whatever a leg has
    return Leg(
        number=number,
        custodian="x",
        mode="sea",
        origin=PORT,
        destination=PORT,
        departs=hour(departs),
        arrives=None if arrives is None else hour(arrives),
        **settings,
    )


AT_SEA = (
    leg(1, 0, 10, heard=True),
    leg(2, 10, 100, heard=False, vehicle="MV Test", margin=6 * HOUR),
    leg(3, 120, 130),
)


def consignment(name: str = "c-1", **settings: Any) -> Consignment:  # noqa: ANN401 - whatever it has
    known: dict[str, Any] = {
        "owner": "acme",
        "id": name,
        "goods": "vaccines",
        "created": START,
        "assignments": (Assignment(sensor=DeviceKey("acme", f"s-{name}"), since=START),),
        "stages": (Staged("in_transit", START),),
        "legs": AT_SEA,
    }
    return Consignment(**known | settings)


@pytest.mark.parametrize(
    ("settings", "now", "since", "until"),
    [
        ({}, 5, 0, None),
        ({}, 50, 0, 106),
        ({"travelled": (Travelled(2, hour(10), hour(90)),)}, 95, 90, None),
        ({"travelled": (Travelled(3, hour(80)),)}, 95, 80, None),
        ({}, 125, 120, None),
        ({"legs": (leg(1, 0, None, heard=False),)}, 50, 0, None),
        ({"stages": ()}, 5, None, FOREVER),
        ({"stages": (Staged("in_transit", START), Staged("released", hour(1)))}, 5, None, FOREVER),
        ({"stages": (Staged("planned", START), Staged("in_transit", hour(3)))}, 5, 3, None),
        ({"assignments": ()}, 5, None, FOREVER),
        ({"assignments": (Assignment(sensor=SHIP, since=hour(7)),)}, 5, None, 7),
        ({"assignments": (Assignment(sensor=SHIP, since=0, until=hour(4)),)}, 5, None, FOREVER),
    ],
)
def test_it_is_missed_where_somebody_should_hear_it(
    settings: dict[str, Any], now: float, since: float | None, until: float | None
) -> None:
    found = absence(consignment(**settings), hour(now))
    if until is None:
        assert found.until == EVER
    else:
        assert found.until == (until if until == FOREVER else hour(until))
    if since is not None:
        assert found.since == hour(since)
    assert bool(found.reason) == (found.until > hour(now)) or found.of is not None or not until


class Harbour:
    """An engine of consignments that are heard, or not."""

    def __init__(self, *consignments: Consignment) -> None:
        self.known = {one.subject: one for one in consignments}
        self.start()

    def start(self, kept: dict[DeviceKey, bytes] | None = None) -> list[Transition]:
        gone = RuleVersion(rule(name="gone", kind="lost_contact", after="1 h"), "vaccines@1")
        self.engine = Engine(
            (),
            always(HOUR),
            own=lambda _: (gone,),
            expected=lambda key, now: absence(self.known[key], now),
        )
        if kept is None:
            for one in self.known:
                self.engine.begin(one)
            return []
        return [told for key, state in kept.items() for told in self.engine.load(key, state)]

    def restart(self) -> None:
        assert self.start({one: self.engine.dump(one) for one in self.known}) == []

    def tick(self, number: float) -> list[tuple[str, str]]:
        return brief(self.engine.tick(hour(number), START))

    def hear(self, name: str, number: float) -> list[tuple[str, str]]:
        key = next(one for one in self.known if consignment_of(one) == name)
        return brief(self.engine.hear(key, hour(number)))


def brief(told: list[Transition]) -> list[tuple[str, str]]:
    return [(one.kind, one.device.id) for one in told]


@pytest.mark.parametrize("restarted", [False, True])
def test_all_on_a_vehicle_are_missed_with_one_alert(*, restarted: bool) -> None:
    port = Harbour(consignment("c-1"), consignment("c-2"), consignment("c-3", legs=()))
    for name in ("c-1", "c-2", "c-3"):
        port.hear(name, 9.5)
    assert port.tick(10) == []
    assert port.tick(105) == [("firing", "consignment/c-3")]
    (alert,) = port.engine.tick(hour(106), START)
    assert (alert.kind, alert.device, alert.note) == ("firing", SHIP, "On it: c-1, c-2.")
    assert (alert.begin, alert.fired_at) == (hour(9.5), hour(106))
    assert port.engine.missed_otherwise == {one for one in port.known if one.id[-1] in "12"}
    if restarted:
        port.restart()
    assert port.tick(107) == []
    assert port.hear("c-2", 108) == []
    assert port.hear("c-1", 108.5) == [("resolved", "vehicle/MV Test")]
    assert port.tick(108.75) == []


def test_what_was_never_heard_is_missed_too() -> None:
    port = Harbour(consignment("c-1", legs=()))
    assert port.tick(0.5) == []
    (alert,) = port.engine.tick(hour(1), START)
    assert (alert.device.id, alert.begin) == ("consignment/c-1", START)


def test_a_leg_that_is_stated_late_ends_what_was_missed_on_it() -> None:
    port = Harbour(consignment("c-1", legs=()))
    port.hear("c-1", 9)
    assert port.tick(11) == [("firing", "consignment/c-1")]
    port.known = {key: consignment("c-1") for key in port.known}
    for key in port.known:
        assert port.engine.renew(key) == []
    (told,) = port.engine.tick(hour(12), START)
    assert (told.kind, told.reason) == (
        "indeterminate",
        "nobody can hear it on this leg before its planned arrival",
    )
    assert port.tick(106) == [("firing", "vehicle/MV Test")]


def test_nobody_on_a_vehicle_whose_rules_are_gone_is_missed() -> None:
    port = Harbour(consignment("c-1"))
    port.hear("c-1", 9)
    assert port.tick(106) == [("firing", "vehicle/MV Test")]
    kept = {one: port.engine.dump(one) for one in port.known}
    port.engine = Engine((), always(HOUR), own=lambda _: ())
    for key, state in kept.items():
        assert port.engine.load(key, state) == []
    assert port.tick(107) == [("indeterminate", "vehicle/MV Test")]
