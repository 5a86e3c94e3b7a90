"""What people state of a device changes what was judged of it, also of its past."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.settings import parse
from rules.duration import HOUR, MINUTE
from rules.revision import WITHDRAWN
from tests.gateway.asked import SETTINGS, Asked
from tests.gateway.parts import NOW, ToldClock, said

RULES = """
[[rules]]
name = "fridge"
kind = "threshold"
severity = "critical"
devices = ["acme/d-*"]
channel = "temperature"
outside = [2.0, 8.0]
for = "30 min"
"""
D1 = DeviceKey("acme", "d-1")


@pytest.fixture
async def warm(tmp_path: Path) -> AsyncIterator[Asked]:
    """A gateway whose d-1 has said 9.0 °C for an hour, and of which an alert was told."""
    settings = parse(SETTINGS.format(folder=tmp_path) + RULES)
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    readings = [said("d-1", NOW - HOUR + n * 5 * MINUTE, 9.0, owner="acme") for n in range(12)]
    gateway.journal.append(readings)
    gateway.journal.commit()
    gateway.journal.publish()
    await gateway.monitor.handle(readings, gateway.journal.head)
    assert [one.device for one in gateway.monitor.open_alerts] == [D1]
    yield Asked(gateway)
    gateway.close()


@pytest.mark.parametrize(
    ("do", "facts", "withdrawn"),
    [
        ("device-calibrate", {"offset": -1.5, "since": NOW - 2 * HOUR}, True),
        ("device-calibrate", {"offset": -0.5, "since": NOW - 2 * HOUR}, False),
        ("device-maintain", {"for": "3 h", "since": NOW - 2 * HOUR}, True),
        ("device-set", {"name": "Left", "since": NOW - 2 * HOUR}, False),
    ],
)
async def test_an_alert_goes_that_what_is_stated_now_would_never_have_raised(
    warm: Asked, do: str, facts: dict[str, Any], *, withdrawn: bool
) -> None:
    usual = {
        "device-calibrate": {"channel": "temperature", "certificate": "C"},
        "device-maintain": {"reason": "Defrosting"},
        "device-set": {},
    }
    await warm(do, device="d-1", **usual[do], **facts)
    await warm.gateway.monitor.revise(at_once=True)
    (alert,) = warm.gateway.state.alerts_of(D1)
    assert (alert.reason == WITHDRAWN) == withdrawn
    assert bool(warm.gateway.monitor.open_alerts) != withdrawn


async def test_what_is_taken_back_raises_it_again(warm: Asked) -> None:
    answer = await warm(
        "device-calibrate",
        device="d-1",
        channel="temperature",
        offset=-1.5,
        certificate="C",
        since=NOW - 2 * HOUR,
    )
    await warm.gateway.monitor.revise(at_once=True)
    assert warm.gateway.monitor.open_alerts == []
    await warm("device-withdraw", device="d-1", number=answer["calibration"]["number"])
    await warm.gateway.monitor.revise(at_once=True)
    assert [one.device for one in warm.gateway.monitor.open_alerts] == [D1]


async def test_a_change_that_a_crash_cut_short_is_judged_after_the_start(warm: Asked) -> None:
    await warm(
        "device-calibrate",
        device="d-1",
        channel="temperature",
        offset=-1.5,
        certificate="C",
        since=NOW - 2 * HOUR,
    )
    assert warm.gateway.state.late() == [(D1, NOW - 2 * HOUR)]


async def test_one_that_takes_another_s_place_is_judged_by_its_rules(warm: Asked) -> None:
    gateway = warm.gateway
    await warm("device-replace", old="d-1", new="spare", at=NOW - 2)
    late = [said("spare", NOW - 1 + n, 9.0, owner="acme") for n in (0, HOUR)]
    gateway.journal.append(late)
    gateway.journal.commit()
    gateway.journal.publish()
    await gateway.monitor.revise(at_once=True)
    await gateway.monitor.handle(late, gateway.journal.head)
    rules = {
        one["device"]: [rule["rule"] for rule in one["rules"]] for one in await warm("devices")
    }
    assert rules["acme/spare"] == ["fridge"]
