"""Alerts go when the readings that they rest on have gone, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.history.held import NOTHING, Held
from gateway.old_alerts import OF_ALERT, PAGE, OldAlerts
from gateway.people.acts import Act, Acts
from gateway.people.audit import Who
from gateway.state import State
from rules.alert import Alert, Event
from rules.cargo.consignment import subject
from rules.duration import DAY, HOUR
from tests.gateway.parts import ToldClock

KEEP = 30 * DAY
FRIDGE = DeviceKey("", "fridge")


def alert(identity: str, began: int, ended: int | None, device: DeviceKey = FRIDGE) -> Alert:
    return Alert(
        id=identity,
        rule="too-warm",
        version="1",
        kind="threshold",
        severity="warning",
        device=device,
        channel="temperature",
        state="firing" if ended is None else "resolved",
        reason="",
        began=began,
        fired=began,
        ended=ended,
    )


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db")
    yield made
    made.close()


async def record(state: State, *alerts: Alert) -> None:
    async with state.writing():
        for one in alerts:
            state.record([Event(key=f"{one.id}:x", kind="firing", at=one.began, alert=one)], 1)


async def test_an_alert_goes_with_its_readings(state: State, clock: ToldClock) -> None:
    edge = clock.now() - KEEP
    await record(
        state,
        alert("old", edge - DAY, edge - 1),
        alert("young", edge - DAY, edge),
        alert("open", edge - DAY, None),
        alert("shipped", edge - DAY, edge - 1, subject("", "C-1")),
    )
    await Acts(state).do(Act("old", "noted", "", 1, "seen"), Who("desk", "page"))
    assert await OldAlerts(state, clock, KEEP, lambda: NOTHING).prune() == 1
    left = {"young", "open", "shipped"}
    assert {one.id for one in state.alerts_since(0)} == left
    assert state.events_of("old") == []
    assert state.rows("SELECT * FROM act") == []
    assert len(state.rows("SELECT * FROM audit")) == 1, "who did what stays on record"


async def test_what_is_held_stays_for_as_long_as_it_is(state: State, clock: ToldClock) -> None:
    edge = clock.now() - KEEP
    await record(state, alert("old", edge - DAY, edge - HOUR))
    held = [Held([(FRIDGE, edge - 2 * HOUR, edge)])]
    old = OldAlerts(state, clock, KEEP, lambda: held[0])
    assert await old.prune() == 0
    held[0] = Held([(FRIDGE, edge - HOUR + 1, edge)])
    assert await old.prune() == 1


async def test_more_than_a_page_goes_and_nothing_between_is_left_out(
    state: State, clock: ToldClock
) -> None:
    began = clock.now() - 2 * KEEP
    every = [alert(f"a{number}", began + number // 3, began + HOUR) for number in range(PAGE + 50)]
    await record(state, *every)
    held = Held([(FRIDGE, began - 1, began)])  # nothing of these
    assert await OldAlerts(state, clock, KEEP, lambda: held).prune() == len(every)
    assert state.alerts_since(0) == []


def test_every_table_about_alerts_is_known(state: State) -> None:
    tables = {
        name
        for (name,) in state.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if "alert" in {row[1] for row in state.rows(f"PRAGMA table_info({name})")}
    }
    assert tables == set(OF_ALERT)


async def test_a_clock_that_leapt_makes_nothing_old_for_a_day(
    state: State, clock: ToldClock
) -> None:
    await record(state, alert("young", clock.now() - DAY, clock.now() - HOUR))
    old_alerts = OldAlerts(state, clock, KEEP, lambda: NOTHING)
    clock.wall += 900 * DAY
    clock.corrected()
    assert clock.trusted()
    assert await old_alerts.prune() == 0


async def test_they_are_kept_as_long_as_the_settings_say_now(
    state: State, clock: ToldClock
) -> None:
    await record(state, alert("old", clock.now() - KEEP, clock.now() - KEEP - 1))
    old_alerts = OldAlerts(state, clock, KEEP, lambda: NOTHING)
    old_alerts.use(2 * KEEP)
    assert await old_alerts.prune() == 0
