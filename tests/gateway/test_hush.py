"""While somebody works on a device its alerts are muted, and sound again afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.hush import Hush
from gateway.people.acts import Act, Acts, acts_of, facts
from gateway.people.audit import Who
from gateway.registry.cards import Maintenance, Withdrawn
from gateway.registry.registry import Registry
from gateway.state import State
from rules.alert import Alert, Event
from rules.duration import DAY, HOUR
from tests.gateway.parts import NOW, ToldClock

FRIDGE, OTHER = DeviceKey("", "fridge-1"), DeviceKey("", "fridge-2")


class Bench:
    def __init__(self, folder: Path) -> None:
        self.clock = ToldClock()
        self.state = State(folder / "state.db")
        self.registry = Registry(self.state)
        self.hush = Hush(self.state, self.registry, self.clock)

    async def maintain(self, *, hours: float, device: DeviceKey = FRIDGE) -> None:
        now = self.clock.now()
        until = now + int(hours * HOUR)
        async with self.registry.changing() as change:
            change.state(device, Maintenance(since=now, until=until, reason="new probe", who="ann"))

    async def alert(self, device: DeviceKey) -> None:
        alert = Alert(
            id=f"a-{device.id}",
            rule="too-warm",
            version="v",
            kind="threshold",
            severity="critical",
            device=device,
            channel="temperature",
            state="firing",
            reason="",
            began=NOW,
            fired=NOW,
        )
        event = Event(key=f"k-{device.id}", kind="firing", at=NOW, alert=alert)
        async with self.state.writing():
            self.state.record([event], NOW)
        items, cursor = self.state.read(self.hush.cursor, 10)
        await self.hush.handle(items, cursor)

    def muted(self, device: DeviceKey) -> tuple[str, str, int | None] | None:
        found = facts(acts_of(self.state, f"a-{device.id}"), self.clock.now()).muted
        return None if found is None else (found.who, found.reason, found.until)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    yield one
    one.state.close()


async def test_an_alert_of_a_device_in_maintenance_is_muted_until_its_end(bench: Bench) -> None:
    await bench.maintain(hours=2)
    await bench.alert(FRIDGE)
    await bench.alert(OTHER)
    assert bench.muted(FRIDGE) == ("ann", "in maintenance: new probe", NOW + 2 * HOUR)
    assert bench.muted(OTHER) is None
    assert bench.hush.cursor == bench.state.head


async def test_what_was_open_before_is_muted_too_and_sounds_again_at_an_early_end(
    bench: Bench,
) -> None:
    await bench.alert(FRIDGE)
    assert bench.muted(FRIDGE) is None
    await bench.maintain(hours=2)
    await bench.hush.renew(FRIDGE)
    assert bench.muted(FRIDGE) is not None
    bench.clock.passes(HOUR)
    (stated,) = bench.registry.stated(FRIDGE, Maintenance)
    async with bench.registry.changing() as change:
        change.state(FRIDGE, withdrawn(stated.number, bench.clock.now()))
    await bench.hush.renew(FRIDGE)
    assert bench.muted(FRIDGE) is None


async def test_what_a_person_muted_is_left_alone(bench: Bench) -> None:
    await bench.alert(FRIDGE)
    act = Act(f"a-{FRIDGE.id}", "muted", "", NOW, "I know", until=NOW + HOUR)
    await Acts(bench.state).do(act, Who("bob", "page"))
    await bench.maintain(hours=2)
    await bench.hush.renew(FRIDGE)
    assert bench.muted(FRIDGE) == ("bob", "I know", NOW + HOUR)


async def test_a_long_maintenance_is_muted_day_by_day(bench: Bench) -> None:
    await bench.maintain(hours=48)
    await bench.alert(FRIDGE)
    bench.clock.passes(DAY + HOUR)
    assert bench.muted(FRIDGE) is None
    await bench.hush.renew(FRIDGE)
    assert bench.muted(FRIDGE) == ("ann", "in maintenance: new probe", NOW + 2 * DAY)


def withdrawn(number: int, now: int) -> Withdrawn:
    return Withdrawn(since=now, fact=number)
