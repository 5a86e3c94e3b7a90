"""Alerts of consignments and of vehicles, wherever alerts of devices are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.reading import DeviceKey, Reading
from gateway.alerts import message, topic
from gateway.app import Gateway
from gateway.consignments.facts import Assigned, Created, Departed
from gateway.hush import Hush
from gateway.influxdb.lines import Lines
from gateway.listener.announcer import Announcer
from gateway.registry.cards import Calibration
from gateway.registry.registry import Registry
from gateway.settings import parse
from gateway.settings.influxdb import Schema
from gateway.tagging import Tagging
from gateway.web.explain import explained
from gateway.web.told_alert import told
from rules.alert import Alert
from rules.cargo.absence import vehicle
from rules.cargo.consignment import subject
from rules.duration import HOUR, MINUTE
from tests.gateway.asked import SETTINGS, Asked
from tests.gateway.parts import NOW, ToldClock, said
from tests.gateway.web import told as page

CARGO = subject("acme", "c-1")
SHIP = vehicle("acme", "MV Test")
SENSOR = DeviceKey("acme", "d-1")


def alert(device: DeviceKey, **more: Any) -> Alert:  # noqa: ANN401 - fields of an alert
    found = page.alert(limit="above 8.0 °C for 30 min", unit="°C", last=9.5, **more)
    return msgspec.structs.replace(found, device=device)


@pytest.mark.parametrize(
    ("device", "name", "address"),
    [
        (CARGO, "Consignment c-1", "/consignment/c-1"),
        (SHIP, "Vehicle MV Test", ""),
        (subject("", "c-1"), "Consignment c-1", "/consignment/c-1"),
        (SENSOR, "d-1", "/sensor/acme/d-1"),
    ],
)
async def test_a_page_names_it_and_knows_where_more_is(
    tmp_path: Path, device: DeviceKey, name: str, address: str
) -> None:
    files = page.Told(tmp_path)
    await files.record(alert(device))
    files.take(page.seen(temperature=5.0))
    assert [one.alert.device for one in files.standing.open_alerts()] == [device]
    (shown,) = told(files.files, page.settings(), [alert(device)], page.NOW)
    assert (shown.name, shown.page, shown.of_device) == (name, address, device == SENSOR)
    assert shown.last == "9.5 °C"
    files.close()


def test_what_was_not_heard_is_named(tmp_path: Path) -> None:
    files = page.Told(tmp_path)
    lost = alert(SHIP, kind="lost_contact", channel="", began=page.NOW - HOUR)
    (shown,) = told(files.files, page.settings(), [lost], page.NOW)
    assert any("Vehicle MV Test was last heard" in one for one in explained(shown, page.NOW))
    files.close()


@pytest.mark.parametrize("device", [CARGO, SHIP])
async def test_it_is_copied_published_and_never_muted_by_maintenance(
    tmp_path: Path, device: DeviceKey
) -> None:
    files = page.Told(tmp_path)
    open_alert = alert(device)
    await files.record(open_alert)
    events, cursor = files.state.read(0, 10)
    (line,) = Lines(Schema(), Tagging([])).of_events(events)
    tag = str(device).replace(" ", r"\ ")
    assert f"device={tag},".encode() in line
    assert msgspec.json.decode(message(open_alert), type=Alert) == open_alert
    hush = Hush(files.state, Registry(files.state), ToldClock())
    await hush.handle(events, cursor)
    announcer = Announcer(files.state, "cargo", "here", NOW)
    assert announcer.message(topic("cargo", open_alert.id)) == message(open_alert)
    files.close()


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    """A gateway whose consignment of vaccines has been on its way for hours."""
    settings = parse(SETTINGS.format(folder=tmp_path))
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    profile = gateway.goods.profile("vaccines")
    assert profile is not None
    known: dict[str, Any] = {"entered": NOW, "who": "piotr"}
    async with gateway.book.changing() as change:
        created = Created(goods="vaccines", version=profile.version())
        change.state("c-1", created, at=NOW - 4 * HOUR, **known)
        change.state("c-1", Assigned(sensor=SENSOR), at=NOW - 3 * HOUR, **known)
        change.state("c-1", Departed(leg=1), at=NOW - 3 * HOUR, **known)
    await gateway.freight.monitor.revise(at_once=True)
    yield Asked(gateway)
    gateway.close()


async def heard(asked: Asked, *readings: Reading) -> None:
    """Let readings arrive and be judged by all who do."""
    gateway = asked.gateway
    gateway.journal.append(readings)
    gateway.journal.commit()
    gateway.journal.publish()
    for one in (gateway.monitor, gateway.freight.monitor):
        await one.handle(readings, gateway.journal.head)


async def test_the_status_tells_of_consignments_as_they_are_now(asked: Asked) -> None:
    values = [9.0, 9.0, 9.5, 9.0, 9.0, 9.0, 9.0, 11.0, 12.0]
    await heard(
        asked,
        *(
            said("d-1", NOW - 2 * HOUR + n * 10 * MINUTE, value, owner="acme")
            for n, value in enumerate(values)
        ),
    )
    (shown,) = (await asked("status"))["alerts"]
    assert (shown["device"], shown["rule"]) == (CARGO, "too-warm")
    (event,) = asked.gateway.state.read(0, 10)[0]
    assert event.event.alert.worst == 9.5, "what was told when it fired"
    assert (shown["worst"], shown["last"]) == (12.0, 12.0)


async def test_what_is_stated_of_a_sensor_judges_its_consignment_again(asked: Asked) -> None:
    warm = [said("d-1", NOW - 2 * HOUR + n * 10 * MINUTE, 7.0, owner="acme") for n in range(9)]
    await heard(asked, *warm)
    gateway = asked.gateway
    assert gateway.freight.monitor.open_alerts == []
    async with gateway.registry.changing() as change:
        since = NOW - 3 * HOUR
        change.state(SENSOR, Calibration(since=since, channel="temperature", offset=2.0))
    await gateway.freight.monitor.revise(at_once=True)
    (found,) = gateway.freight.monitor.open_alerts
    assert (found.device, found.rule, found.worst) == (CARGO, "too-warm", 9.0)
