"""Consignments are judged by what their sensors say together, and again when their past changes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import IMPORTED, Reading
from gateway.consignments.facts import (
    Changed,
    Decided,
    Part,
    PartOf,
    Split,
    Unassigned,
    Withdrawn,
)
from gateway.monitor import Monitor
from gateway.registry.cards import Calibration
from rules.cargo.consignment import subject
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from tests.gateway.freight_site import OWNER, A, B, FreightSite, at, series, woven
from tests.gateway.parts import said

WARM = "5 9 9 9 9 9 5 5"
"""From minute 10 to 60: fires at 40."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FreightSite]:
    made = FreightSite(tmp_path)
    made.start()
    yield made
    made.close()


async def test_an_excursion_is_told_of_the_consignment_by_the_version_of_its_goods(
    site: FreightSite,
) -> None:
    await site.depart(A, B)
    await site.take(*woven(series(A, "5 9 9 9 9 9"), series(B, "5 5 5 5 5 5", first=3)))
    (alert,) = site.alerts()
    assert site.brief() == [("firing", 10, 40, None)]
    assert (alert.device, alert.version) == (subject(OWNER, "c-1"), site.version)
    assert (alert.rule, alert.channel, alert.unit) == ("too-warm", "temperature", "°C")
    assert alert.note == "Move them."
    assert site.monitor.open_alerts == [alert]
    await site.take(*woven(series(A, "5 5", first=60), series(B, "5 5", first=63)))
    assert site.brief() == [("resolved", 10, 40, 60)]
    assert site.told() == [("firing", "c-1"), ("resolved", "c-1")]


async def test_what_is_warm_for_one_sensor_alone_is_warm(site: FreightSite) -> None:
    await site.depart(A, B)
    # The one after the other: the breach goes on while either is in it.
    await site.take(*woven(series(A, "5 9 9 5 5 5 5"), series(B, "5 5 9 9 9 5 5", first=3)))
    assert site.brief() == [("resolved", 10, 40, 53)]


async def test_a_loggers_file_that_is_read_late_revises_the_verdict(site: FreightSite) -> None:
    await site.depart(A, B)
    await site.take(*series(A, "5 9 9 9 9 9 5 5"))
    (told,) = site.alerts()
    assert site.brief() == [("resolved", 10, 40, 60)]
    await site.take(*series(B, "9 9 9 9 9 9 9 9 9 5", first=-5, flags=IMPORTED))
    await site.settle()
    (now,) = site.alerts()
    assert (now.id, now.revision) == (told.id, 1)
    # The first of it was before the logger was assigned.
    assert site.brief() == [("resolved", 5, 35, 85)]
    assert site.told()[-1] == ("revised", "c-1")


async def test_a_sensor_that_was_elsewhere_after_all_is_judged_again(site: FreightSite) -> None:
    await site.depart(A)
    await site.depart(B, identity="c-2")
    await site.take(*woven(series(A, WARM), series(B, "5 5 5 5 5 5 5 5")))
    assert site.brief("c-1") == [("resolved", 10, 40, 60)]
    assert site.brief("c-2") == []
    # It was moved before it became warm, and somebody says so hours later.
    await site.take_off(A, 5, "c-1")
    await site.assign(A, 5, "c-2")
    await site.settle()
    (withdrawn,) = site.alerts("c-1")
    assert withdrawn.reason.startswith("withdrawn: what was stated of its sensors")
    assert site.brief("c-2") == [("resolved", 10, 40, 60)]


async def test_what_was_stated_by_mistake_and_taken_back_leaves_the_alert_as_it_was(
    site: FreightSite,
) -> None:
    await site.depart(A)
    await site.take(*series(A, WARM))
    assert site.brief() == [("resolved", 10, 40, 60)]
    mistake = await site.state_fact(Unassigned(sensor=A), 5)
    await site.settle()
    assert site.alerts()[0].reason.startswith("withdrawn")
    await site.state_fact(Withdrawn(fact=mistake), 90, reason="it was never taken off")
    await site.settle()
    (back,) = site.alerts()
    assert site.brief() == [("resolved", 10, 40, 60)]
    assert back.reason == "what was stated of its sensors brought it to light"
    assert site.told()[-1] == ("revised", "c-1")


@pytest.mark.parametrize("saved", [False, True], ids=["no checkpoint", "checkpoint"])
@pytest.mark.parametrize("after", range(1, 16, 2))
async def test_a_restart_anywhere_changes_nothing(
    site: FreightSite, after: int, *, saved: bool
) -> None:
    await site.depart(A, B, wait=5 * MINUTE)
    whole = woven(series(A, WARM), series(B, "5 5 5 9 9 9 9 5", first=3))
    await site.take(*whole[:after])
    if saved:
        await site.monitor.checkpoint()
    await site.crash()
    await site.take(*whole[after:])
    await site.passes(60)
    assert site.brief() == [("resolved", 10, 40, 73)]
    assert site.told() == [("firing", "c-1"), ("resolved", "c-1")]


@pytest.mark.parametrize("seed", range(6))
async def test_in_whatever_order_readings_come_the_verdict_is_the_same(
    site: FreightSite, seed: int
) -> None:
    order = random.Random(seed)  # noqa: S311 - of arrival
    await site.depart(A, B)
    arriving: list[Reading] = [
        *series(A, WARM + " 5 5 9 9 9 9 9 5"),
        *series(B, "5 5 5 5 5 5 5 5 5 5 5 5 5 9 9 9", first=3),
    ]
    order.shuffle(arriving)
    for first in range(0, len(arriving), 5):
        await site.take(*arriving[first : first + 5])
        if order.random() < 0.3:
            await site.crash()
        if order.random() < 0.3:
            await site.passes(0)
    await site.settle()
    real = [one for one in site.alerts() if not one.reason.startswith("withdrawn")]
    assert sorted((one.began, one.fired, one.ended) for one in real) == [
        (at(10), at(40), at(60)),
        (at(100), at(130), None),
    ]


async def test_days_later_it_goes_on_from_the_midnight_before(site: FreightSite) -> None:
    await site.depart(A, B)
    day = 24 * 6
    calm = " ".join(["5"] * day)
    warm = f"{calm} {calm} 5 5 9 9 9 9 9 5 {calm}"
    await site.take(*woven(series(A, warm), series(B, f"{calm} {calm} {calm}", first=3)))
    await site.archive()
    await site.monitor.checkpoint()
    assert [one.state for one in site.alerts()] == ["resolved"]
    before = site.alerts()
    reading = site.freight._consignments._past.readings
    asked: list[int] = []

    def noted(*args: int) -> list[Reading]:
        asked.append(args[1])
        return reading(*args)  # type: ignore[arg-type]

    site.freight._consignments._past.readings = noted  # type: ignore[assignment,method-assign]
    await site.take(said("b", at(2 * day * 10 + 30), 9.0, owner=OWNER, sequence=1))
    await site.settle()
    assert min(asked) > at(day * 10), "the two days before are not read again"
    assert [one.id for one in site.alerts()] == [one.id for one in before]


async def test_goods_that_are_judged_by_another_version_are_judged_again_from_the_beginning(
    site: FreightSite,
) -> None:
    await site.depart(A)
    await site.take(*series(A, "5 9 9 9 9 9 7 7 7 7 7 5"))
    first = site.version
    (told,) = site.alerts()
    assert (told.version, site.brief()) == (first, [("resolved", 10, 40, 60)])
    await site.crash(above=6.0)
    assert site.alerts() == [told], "it goes on by the version that it began with"
    await site.state_fact(Changed(version=site.version), 200)
    await site.settle()
    (now,) = site.alerts()
    assert (now.id, now.version) == (told.id, site.version)
    assert now.version != first
    assert site.brief() == [("resolved", 10, 40, 110)]
    assert site.told() == [("firing", "c-1"), ("resolved", "c-1"), ("revised", "c-1")]


async def test_an_alert_that_another_version_does_not_know_is_withdrawn(site: FreightSite) -> None:
    await site.depart(A)
    await site.take(*series(A, "5 9 9 9 9 9"))
    await site.crash(above=20.0)
    await site.state_fact(Changed(version=site.version), 200)
    await site.settle()
    (now,) = site.alerts()
    assert now.reason.startswith("withdrawn: what was stated of its version")
    assert site.monitor.open_alerts == []


async def test_parts_of_a_consignment_have_its_past(site: FreightSite) -> None:
    await site.depart(A)
    await site.take(*series(A, "5 9 9 9"))
    async with site.book.changing() as change:
        for identity, fact in (
            ("c-1", Split(parts=(Part(id="c-2"), Part(id="c-3")))),
            ("c-2", PartOf(parent="c-1")),
            ("c-3", PartOf(parent="c-1")),
        ):
            change.state(identity, fact, at=at(35), entered=site.clock.now(), who="piotr")
    await site.assign(A, 35, "c-2")
    await site.settle()
    await site.take(*series(A, "9 9 5", first=40))
    # What was warm before it was parted counts for the part that stayed with the sensor.
    assert site.brief("c-2") == [("resolved", 10, 40, 60)]
    assert site.brief("c-3") == []


async def test_of_a_sensor_that_is_calibrated_the_consignment_is_judged_again(
    site: FreightSite,
) -> None:
    await site.depart(A, B)
    await site.take(*woven(series(A, "7 7 7 7 7"), series(B, "5 5 5 5 5", first=3)))
    assert site.alerts() == []
    warmer = Calibration(since=at(0), channel="temperature", offset=2.0)
    site.corrections.state(A, [warmer], [])
    site.freight.sensor_changed(A, at(0), "calibration")
    await site.settle()
    (alert,) = site.alerts()
    assert (alert.worst, alert.state) == (9.0, "firing")


async def test_what_was_decided_on_costs_nothing_until_something_comes_late(
    site: FreightSite,
) -> None:
    await site.depart(A)
    await site.take(*series(A, "5 5 - - - - - 5"))
    await site.take_off(A, 75)
    await site.state_fact(Decided(meaning="released", report=1, digest=""), 80)
    await site.settle()
    await site.monitor.checkpoint()
    site.clock.passes(3 * 24 * 60 * MINUTE)
    await site.crash()
    assert site.freight._consignments.followed == []
    assert not list(site.monitor.engine.devices())
    await site.take(*series(A, "9 9 9 9 9", first=20, flags=IMPORTED))
    await site.settle()
    assert [(one.retrospective, *short) for one, short in zip(site.alerts(), site.brief())] == [  # noqa: B905 - of one list
        (True, "resolved", 20, 50, 70)
    ]


async def test_an_alert_ends_with_the_decision(site: FreightSite) -> None:
    await site.depart(A)
    await site.take(*series(A, "5 9 9 9 9 9 9"))
    await site.state_fact(Decided(meaning="rejected", report=1, digest=""), 62)
    await site.settle()
    assert site.brief() == [("indeterminate", 10, 40, 62)]
    await site.take(*series(A, "9 9", first=70))
    assert site.monitor.open_alerts == []


async def test_alerts_of_devices_and_of_consignments_are_kept_apart(site: FreightSite) -> None:
    await site.depart(A)
    await site.take(*series(A, "5 9 9 9 9 9"))
    assert [one.device.id for one in site.monitor.open_alerts] == ["consignment/c-1"]
    await site.monitor.checkpoint()
    devices = Monitor(
        Engine((), always(600_000)), site.state, site.journal, site.history, site.clock
    )
    assert devices.open_alerts == []
    assert not list(devices.engine.devices())


@pytest.mark.parametrize("off", [False, True], ids=["running", "switched off"])
async def test_what_waits_for_a_slower_sensor_is_judged_also_when_all_is_over_meanwhile(
    site: FreightSite, *, off: bool
) -> None:
    site.intervals[B] = 60 * MINUTE
    await site.depart(A, B, wait=180 * MINUTE)
    await site.take(*series(B, "5"), *series(A, WARM))
    # What A said waits for B, which still speaks; then both are taken off, and it is over.
    await site.take_off(A, 75)
    await site.take_off(B, 75)
    await site.state_fact(Decided(meaning="released", report=1, digest="d"), 80)
    await site.settle()
    assert site.brief() == []
    await site.monitor.checkpoint()
    if off:
        site.clock.passes(3 * 24 * 60 * MINUTE)
        await site.crash()
    await site.passes(3 * 24 * 60)
    await site.settle()
    assert site.brief() == [("resolved", 10, 40, 60)]
