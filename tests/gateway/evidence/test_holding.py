"""Neither age nor size nor a full disk takes what is kept; people are told where it is tight."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.consignments.facts import (
    Assigned,
    LetGo,
    Part,
    PartOf,
    Review,
    Split,
    Unassigned,
)
from gateway.disk import Disk
from gateway.evidence.holding import ALERT
from rules.duration import DAY, HOUR
from tests.gateway.asked import Asked
from tests.gateway.evidence.voyage import (
    D1,
    D2,
    START,
    archived,
    begun,
    delivered,
    heard,
    state,
    taking,
)
from tests.gateway.parts import NOW, ToldClock

FOREVER = 1 << 62
YEAR = 366 * DAY


@pytest.fixture
async def gateway(ask: Asked) -> AsyncIterator[Gateway]:
    async with taking(ask.gateway):
        yield ask.gateway


def passes(gateway: Gateway, length: int) -> None:
    assert isinstance(gateway.clock, ToldClock)
    gateway.clock.passes(length)
    gateway.caretaker.check_evidence()


def days(gateway: Gateway, sensor: DeviceKey) -> list[int]:
    """Days since the voyage began of which readings are there."""
    return sorted({(one.when - START) // DAY for one in gateway.history.read(sensor, 0, FOREVER)})


async def weeks(gateway: Gateway, *sensors: DeviceKey) -> None:
    """Let sensors be heard each day, from ten days before the voyage on."""
    for sensor in sensors:
        await heard(gateway, sensor, *(START + n * DAY + HOUR for n in range(-10, 10)))


def alert(gateway: Gateway) -> list[str]:
    return [one.reason for one in gateway.own_alerts.open_alerts if one.channel == ALERT]


async def test_age_takes_nothing_that_is_kept_until_the_period_is_over(gateway: Gateway) -> None:
    await begun(gateway, D1)
    await weeks(gateway, D1, D2)
    await delivered(gateway, at=START + 5 * DAY)
    await state(gateway, "A-1", (START + 5 * DAY, Unassigned(sensor=D1)))
    keep = gateway.holding.period(gateway.goods.all()[0].version())
    gateway.archivist._keep = 30 * DAY
    passes(gateway, 60 * DAY)
    await archived(gateway)
    assert days(gateway, D2) == []
    assert days(gateway, D1) == [*range(-1, 7)], "with a day before, for what it said last"
    passes(gateway, keep)
    await archived(gateway)
    assert days(gateway, D1) == [*range(-1, 7)], "it is only just over"
    passes(gateway, DAY)
    await archived(gateway)
    assert days(gateway, D1) == []


async def test_a_clock_that_jumps_ahead_and_comes_back_takes_nothing(gateway: Gateway) -> None:
    await begun(gateway, D1)
    await weeks(gateway, D1)
    await delivered(gateway, at=START + 5 * DAY)
    gateway.archivist._keep = 30 * DAY
    for jump in (40 * 365 * DAY, -40 * 365 * DAY, 12 * HOUR, 40 * 365 * DAY, 12 * HOUR):
        passes(gateway, jump)
        gateway.caretaker.check_evidence()
        await archived(gateway)
        await gateway.keeper.look()
        assert days(gateway, D1) == [*range(-1, 10)]


async def test_a_year_that_was_mistyped_takes_nothing(gateway: Gateway) -> None:
    await begun(gateway, D1)
    await weeks(gateway, D1)
    await delivered(gateway, at=START - 30 * 365 * DAY)
    gateway.archivist._keep = 30 * DAY
    passes(gateway, 60 * DAY)
    await archived(gateway)
    passes(gateway, 2 * DAY)
    await archived(gateway)
    assert "A-1" in gateway.holding.holds
    assert days(gateway, D1) == [*range(-1, 10)]


async def test_size_takes_nothing_that_is_kept_and_it_is_told_that_it_does_not_fit(
    gateway: Gateway,
) -> None:
    gateway.archivist._keep_size = 1
    await weeks(gateway, D2)
    await begun(gateway, D1)
    await weeks(gateway, D1)
    await archived(gateway)
    gateway.caretaker.check_evidence()
    assert days(gateway, D2) == [9], "but for the newest day, as ever"
    assert days(gateway, D1) == [*range(-1, 10)]
    (told,) = alert(gateway)
    assert "1 consignments" in told
    assert "over [history] keep_size" in told
    (note,) = [one.note for one in gateway.own_alerts.open_alerts if one.channel == ALERT]
    assert "holdwatch consignment evidence" in note
    gateway.archivist._keep_size = 10**9
    await archived(gateway)
    gateway.caretaker.check_evidence()
    assert alert(gateway) == []


async def test_a_full_disk_takes_nothing_and_it_is_told(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disk, "free", lambda _self: 0)
    gateway.caretaker.check_evidence()
    assert alert(gateway) == [], "nothing is kept"
    await begun(gateway, D1)
    gateway.caretaker.check_evidence()
    assert "the disk has no room" in alert(gateway)[0]


async def test_what_is_let_go_goes_by_age_and_what_is_stated_then_has_it_kept_again(
    gateway: Gateway,
) -> None:
    await begun(gateway, D1)
    await weeks(gateway, D1)
    await gateway.keeper.store()
    await delivered(gateway, at=START + 5 * DAY)
    gateway.archivist._keep = 30 * DAY
    passes(gateway, 22 * DAY)
    await archived(gateway)
    assert days(gateway, D1) == [*range(-1, 10)]
    await state(gateway, "A-1", (NOW, LetGo(digest="0", readings=1, messages=1)))
    await state(gateway, "A-1", (NOW, Review(why="late data")))
    passes(gateway, 60 * DAY)
    await archived(gateway)
    await gateway.keeper.look()
    assert days(gateway, D1) == [*range(-1, 10)]
    assert list(gateway.evidence.messages(D1, 0, FOREVER)) != []
    await state(gateway, "A-1", (NOW, LetGo(digest="0", readings=1, messages=1)))
    await archived(gateway)
    await gateway.keeper.look()
    assert days(gateway, D1) == []
    assert list(gateway.evidence.messages(D1, 0, FOREVER)) == []


async def test_a_part_keeps_what_it_had_before_it_was_split_off(gateway: Gateway) -> None:
    await begun(gateway, D1)
    middle = START + 4 * DAY
    await state(gateway, "A-1", (middle, Split(parts=(Part(id="A-2"),))))
    await state(gateway, "A-2", (middle, PartOf(parent="A-1")), (middle, Assigned(sensor=D2)))
    assert list(gateway.holding.holds) == ["A-2"], "all of A-1 is in A-2"
    assert {one.sensor for one in gateway.holding.holds["A-2"].spans} == {D1, D2}
    late = LetGo(digest="0", readings=1, messages=1)
    await delivered(gateway, identity="A-2")
    await state(gateway, "A-2", (NOW, late))
    assert gateway.holding.holds == {}
    # What is entered late of before the split holds of the part too.
    await state(gateway, "A-1", (START + DAY, Assigned(sensor=D2)))
    assert list(gateway.holding.holds) == ["A-2"]


async def test_what_is_kept_is_known_after_a_restart(gateway: Gateway) -> None:
    await begun(gateway, D1)
    held = gateway.holding.held
    await gateway.compose(looking=True)
    assert gateway.holding.held == held
    assert gateway.ingest.witness.held == held
    assert gateway.archivist._held() == held


async def test_holds_are_listed_with_how_much_they_take(ask: Asked) -> None:
    gateway = ask.gateway
    async with taking(gateway):
        assert (await ask("consignment-holds"))["holds"] == []
        await begun(gateway, D1)
        await weeks(gateway, D1)
        await archived(gateway)
        await gateway.keeper.store()
        (one,) = (await ask("consignment-holds"))["holds"]
    assert (one["consignment"], one["until"], one["sensors"]) == ("A-1", None, ["acme/d-1"])
    assert one["why"] == "it is not delivered yet"
    assert one["since"] == START - DAY
    assert one["readings_bytes"] > 500
    assert one["messages_bytes"] > 100


async def test_versions_of_rules_and_profiles_and_alerts_are_never_pruned(
    gateway: Gateway,
) -> None:
    def counted() -> list[int]:
        tables = ("rule", "profile", "event", "alert", "consignment_fact", "audit", "report")
        return [
            gateway.state.rows(f"SELECT count(*) FROM {one}")[0][0]  # noqa: S608 - constants
            for one in tables
        ]

    await begun(gateway, D1)
    await weeks(gateway, D1)
    before = counted()
    assert before[1] > 0
    passes(gateway, 20 * YEAR)
    await archived(gateway)
    gateway.caretaker.prune(gateway.journal)
    await gateway.monitor.checkpoint()
    assert all(now >= then for now, then in zip(counted(), before, strict=True))
