"""What happens to alerts is copied, each event once, whatever fails."""

from __future__ import annotations

import msgspec
import pytest

from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.follow import follow
from gateway.influxdb.alerts import AlertSink
from gateway.influxdb.lines import event_time
from gateway.state import StoredEvent
from rules.alert import Alert, Event
from tests.gateway.influxdb.parts import AWAY, House, Office, during, lines
from tests.gateway.parts import NOW

NAME = "influxdb:office:alerts"

pytestmark = pytest.mark.usefixtures("at_once")


def event(number: int) -> Event:
    alert = Alert(
        id=f"a-{number}",
        rule="too-warm",
        version="1",
        kind="threshold",
        severity="warning",
        device=DeviceKey("", "d-1"),
        channel="temperature",
        state="firing",
        reason="9 °C",
        began=NOW,
        fired=NOW,
    )
    return Event(key=f"k-{number}", kind="firing", at=NOW, alert=alert)


async def happen(house: House, first: int, count: int) -> None:
    async with house.state.writing():
        house.state.record([event(number) for number in range(first, first + count)], NOW)


def sink(house: House, office: Office) -> AlertSink:
    return AlertSink(house.delivery(office), lines(), house.state, house.clock)


async def copy(house: House, one: AlertSink) -> None:
    await during(lambda: one.cursor == house.state.head, follow(house.state, one))


def event_times(house: House) -> list[int]:
    return sorted(event_time(one) for one in house.state.read(0, 10_000)[0])


async def test_each_event_arrives_once_and_the_cursor_is_kept(house: House, office: Office) -> None:
    await happen(house, 0, 700)
    one = sink(house, office)
    await copy(house, one)
    assert office.times == event_times(house)
    assert len(office.times) == 700, "those of one moment do not overwrite each other"
    house.restart()
    await happen(house, 700, 5)
    await copy(house, sink(house, office))
    assert office.times == event_times(house)
    assert len(office.sent()) == 705


async def test_while_the_server_is_away_the_cursor_stays(house: House, office: Office) -> None:
    await happen(house, 0, 3)
    office.fault = lambda _lines: AWAY
    one = sink(house, office)
    await during(lambda: len(office.requests) > 2, follow(house.state, one))
    assert house.state.cursor(NAME) == 0
    office.fault = lambda _lines: None
    house.restart()
    await copy(house, sink(house, office))
    assert office.times == event_times(house)


async def test_a_refused_event_becomes_a_dead_letter_with_its_cursor(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await happen(house, 0, 3)
    bad = house.state.read(0, 3)[0][1]
    office.bad = {event_time(bad)}
    commit, attempts = house.state.commit, []

    def failing() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise DiskError("the disk fails")
        commit()

    monkeypatch.setattr(house.state, "commit", failing)
    await copy(house, sink(house, office))
    (letter,) = house.state.letters(NAME, 0, 10)
    assert letter.reason == "400 field type conflict"
    assert msgspec.json.decode(letter.body, type=StoredEvent) == bad
    assert len(office.times) == 2
    assert house.state.cursor(NAME) == 3
