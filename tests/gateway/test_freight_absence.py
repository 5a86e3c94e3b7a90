"""Consignments of which nothing is heard: each by itself, or all on a vehicle together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import IMPORTED
from gateway.consignments.facts import Arrived, Planned, Withdrawn
from rules.alert import Alert
from rules.cargo.consignment import Leg, Place
from tests.gateway.freight_site import OWNER, A, B, FreightSite, at, series
from tests.gateway.parts import NOW

DAY = 24 * 60
"""Minutes from the beginning of the series until now."""
PORT = Place("port")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FreightSite]:
    made = FreightSite(tmp_path)
    made.start()
    yield made
    made.close()


def sea(arrives: float) -> Planned:
    """The way: a ship on which nobody can hear a sensor."""
    ship = Leg(
        number=1,
        custodian="line",
        mode="sea",
        origin=PORT,
        destination=PORT,
        departs=at(0),
        arrives=at(arrives),
        margin=60 * 60_000,
        vehicle="MV Test",
        heard=False,
    )
    return Planned(legs=(ship,))


def vehicles(site: FreightSite) -> list[Alert]:
    return [one for one in site.state.open_alerts() if one.device.id.startswith("vehicle/")]


async def test_a_consignment_that_is_not_heard_is_missed_until_any_sensor_is(
    site: FreightSite,
) -> None:
    await site.depart(A, B, wait=12 * 60 * 60_000)
    await site.take(*series(A, "5", first=DAY), *series(B, "5", first=DAY))
    await site.passes(70)
    assert site.alerts() == []
    # It is heard at once, however long its readings wait for those of the slower sensor.
    await site.take(*series(B, "5", first=DAY + 70))
    await site.passes(70)
    assert site.alerts() == []
    await site.passes(10)
    (alert,) = site.alerts()
    assert (alert.rule, alert.kind, alert.state) == ("gone", "lost_contact", "firing")
    await site.crash()
    await site.take(*series(A, "5", first=DAY + 150))
    assert [one.state for one in site.alerts()] == ["resolved"]


async def test_a_file_is_no_sign_of_life(site: FreightSite) -> None:
    await site.depart(A)
    await site.take(*series(A, "5", first=DAY))
    await site.passes(80)
    await site.take(*series(A, "5 5 5 5", first=DAY - 60, flags=IMPORTED))
    await site.settle()
    assert [one.state for one in site.alerts()] == ["firing"]


async def test_on_a_ship_nobody_is_missed_and_then_all_on_it_once(site: FreightSite) -> None:
    for sensor, identity in ((A, "c-1"), (B, "c-2")):
        await site.depart(sensor, identity=identity)
        await site.state_fact(sea(DAY + 600), -1, identity)
    await site.settle()
    await site.take(*series(A, "5", first=DAY), *series(B, "5", first=DAY))
    await site.passes(659)
    assert vehicles(site) == []
    await site.passes(2)
    (alert,) = vehicles(site)
    assert (alert.device.owner, alert.device.id) == (OWNER, "vehicle/MV Test")
    assert alert.note == "On it: c-1, c-2."
    assert (site.alerts("c-1"), site.alerts("c-2")) == ([], [])
    await site.crash()
    assert site.monitor.open_alerts == [alert]
    await site.passes(1)
    await site.take(*series(A, "5", first=DAY + 670))
    assert vehicles(site) == [alert]
    await site.take(*series(B, "5", first=DAY + 671))
    assert vehicles(site) == []
    (over,) = site.state.alerts_of(alert.device)
    assert (over.state, over.note, over.ended) == ("resolved", alert.note, at(DAY + 671) + 1000)


async def test_a_ship_that_was_stated_late_takes_back_that_it_is_missed(site: FreightSite) -> None:
    await site.depart(A)
    await site.take(*series(A, "5", first=DAY))
    await site.passes(80)
    assert [one.state for one in site.alerts()] == ["firing"]
    await site.state_fact(sea(DAY + 600), -1)
    await site.settle()
    await site.passes(1)
    (alert,) = site.alerts()
    assert alert.state == "indeterminate"
    assert "nobody can hear it on this leg" in alert.reason
    arrived = await site.state_fact(Arrived(leg=1), DAY + 82)
    await site.settle()
    await site.passes(70)
    assert [one.state for one in site.alerts()] == ["indeterminate"]
    await site.passes(10)
    assert [one.state for one in site.alerts()] == ["indeterminate", "firing"]
    # It arrived later than that, on another day: it is missed since it was heard last.
    await site.state_fact(Withdrawn(fact=arrived), DAY + 82)
    await site.settle()
    await site.passes(1)
    assert [one.state for one in site.alerts()] == ["indeterminate", "indeterminate"]
    await site.state_fact(Planned(legs=()), DAY + 200)
    await site.settle()
    await site.passes(1)
    first, _ = site.alerts()
    assert (first.state, first.revision) == ("firing", 1)


async def test_a_reading_that_waits_for_another_sensor_is_judged_when_it_has_waited_enough(
    site: FreightSite,
) -> None:
    await site.depart(A, B, wait=5 * 60_000)
    begin = DAY - 40
    await site.take(*series(B, "5 5 5 5", first=begin - 3))
    await site.take(*series(A, "5 9 9 9 9", first=begin))
    assert [one.state for one in site.alerts()] == []
    assert site.clock.now() == NOW
    await site.passes(4)
    assert [one.state for one in site.alerts()] == []
    await site.passes(1.5)
    assert [one.state for one in site.alerts()] == ["firing"]
