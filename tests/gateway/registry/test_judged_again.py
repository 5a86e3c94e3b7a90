"""What people state of a device changes what was judged of it, also of its past."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devices.reading import DeviceKey, Reading
from gateway.app import Gateway
from gateway.settings import parse
from rules.duration import HOUR, MINUTE
from rules.revision import withdrawn as was_withdrawn
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
SPARE = DeviceKey("acme", "spare")


@pytest.fixture
async def quiet(tmp_path: Path) -> AsyncIterator[Asked]:
    """A gateway that has heard nothing."""
    settings = parse(SETTINGS.format(folder=tmp_path) + RULES)
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    yield Asked(gateway)
    gateway.close()


@pytest.fixture
async def warm(quiet: Asked) -> Asked:
    """A gateway whose d-1 has said 9.0 °C for an hour, and of which an alert was told."""
    await heard(quiet, *every(5, [9.0] * 12, since=NOW - HOUR))
    assert [one.device for one in quiet.gateway.monitor.open_alerts] == [D1]
    return quiet


def every(minutes: int, values: list[float], since: int, device: str = "d-1") -> list[Reading]:
    """Return a reading every so many minutes."""
    return [
        said(device, since + n * minutes * MINUTE, value, owner="acme")
        for n, value in enumerate(values)
    ]


async def heard(asked: Asked, *readings: Reading) -> None:
    """Let readings arrive and be judged."""
    gateway = asked.gateway
    gateway.journal.append(readings)
    gateway.journal.commit()
    gateway.journal.publish()
    await gateway.monitor.handle(readings, gateway.journal.head)


def told(asked: Asked, device: DeviceKey = D1) -> list[tuple[str, int, int, int | None]]:
    """Return the alerts of a device: state, beginning, when it fired, end (minutes from NOW)."""

    def minute(when: int) -> int:
        return (when - NOW) // MINUTE

    return [
        (
            "withdrawn" if was_withdrawn(one.reason) else one.state,
            minute(one.began),
            minute(one.fired),
            None if one.ended is None else minute(one.ended),
        )
        for one in asked.gateway.state.alerts_of(device)
    ]


@pytest.mark.parametrize(
    ("do", "facts", "of"),
    [
        ("device-calibrate", {"offset": -1.5, "since": NOW - 2 * HOUR}, "calibration"),
        ("device-calibrate", {"offset": -0.5, "since": NOW - 2 * HOUR}, ""),
        ("device-maintain", {"for": "3 h", "since": NOW - 2 * HOUR}, "maintenance"),
        ("device-set", {"name": "Left", "since": NOW - 2 * HOUR}, ""),
        ("device-set", {"interval": "1 min", "since": NOW - 2 * HOUR}, "interval"),
        ("device-set", {"interval": "1 min", "since": NOW - 1}, ""),
    ],
)
async def test_an_alert_goes_that_what_is_stated_now_would_never_have_raised(
    warm: Asked, do: str, facts: dict[str, Any], of: str
) -> None:
    usual = {
        "device-calibrate": {"channel": "temperature", "certificate": "C"},
        "device-maintain": {"reason": "Defrosting"},
        "device-set": {},
    }
    await warm(do, device="d-1", **usual[do], **facts)
    await warm.gateway.monitor.revise(at_once=True)
    (alert,) = warm.gateway.state.alerts_of(D1)
    assert was_withdrawn(alert.reason) == bool(of)
    assert bool(warm.gateway.monitor.open_alerts) != bool(of)
    if of:
        cause = f"what was stated of its {of}"
        why = f"withdrawn: {cause} shows that the limit was not passed for long enough"
        assert alert.reason == why


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
    (again,) = warm.gateway.monitor.open_alerts
    assert (again.device, again.reason) == (
        D1,
        "what was stated of its calibration brought it to light",
    )


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
    await gateway.monitor.revise(at_once=True)
    await heard(warm, *every(60, [9.0, 9.0], since=NOW - 1, device="spare"))
    rules = {
        one["device"]: [rule["rule"] for rule in one["rules"]] for one in await warm("devices")
    }
    assert rules["acme/spare"] == ["fridge"]


async def test_a_spare_rings_for_nothing_that_it_said_on_its_shelf(quiet: Asked) -> None:
    await heard(quiet, *every(5, [4.0] * 36, since=NOW - 3 * HOUR))
    await heard(quiet, *every(5, [21.0] * 36, since=NOW - 3 * HOUR, device="spare"))
    await quiet("device-replace", old="d-1", new="spare", at=NOW - HOUR)
    await quiet.gateway.monitor.revise(at_once=True)
    assert told(quiet, SPARE) == [("firing", -60, -30, None)]
    await quiet("device-replace", old="d-1", new="spare", undo=True)
    await quiet.gateway.monitor.revise(at_once=True)
    await quiet("device-replace", old="d-1", new="spare", at=NOW - 1)
    await quiet.gateway.monitor.revise(at_once=True)
    assert told(quiet, SPARE) == [("withdrawn", -60, -30, -5)]


async def test_whoever_comes_back_is_not_judged_for_the_time_it_was_away(quiet: Asked) -> None:
    await heard(quiet, *every(5, [4.0] * 12, since=NOW - 6 * HOUR))
    await quiet("device-replace", old="d-1", new="spare", at=NOW - 5 * HOUR)
    await quiet.gateway.monitor.revise(at_once=True)
    # It is switched on in a laboratory.
    await heard(quiet, *every(5, [21.0] * 24, since=NOW - 4 * HOUR))
    await quiet("device-replace", old="spare", new="d-1", at=NOW - HOUR)
    await heard(quiet, *every(5, [4.0] * 12, since=NOW - HOUR))
    await quiet.gateway.monitor.revise(at_once=True)
    assert told(quiet) == []


@pytest.mark.parametrize(
    ("every_so_often", "interval"), [(20, "1 min"), (100, "4 h"), (200, "8 h")]
)
async def test_an_interval_from_now_on_leaves_the_past_as_it_was_judged(
    quiet: Asked, every_so_often: int, interval: str
) -> None:
    long_ago = NOW - 20 * HOUR
    await heard(quiet, *every(every_so_often, [9.0, 9.0, 9.0, 4.0, 4.0], since=long_ago))
    before = told(quiet)
    assert len(before) == 1
    await quiet("device-set", device="d-1", interval=interval, since=NOW)
    await quiet.gateway.monitor.revise(at_once=True)
    assert told(quiet) == before
    # Also where the past is judged again for another reason, by a gateway that was started anew.
    await heard(quiet, said("d-1", long_ago - HOUR, 4.0, owner="acme"))
    await quiet.gateway.monitor.revise(at_once=True)
    assert told(quiet) == before


async def test_an_interval_of_the_past_is_judged_again_from_its_time_on(quiet: Asked) -> None:
    for hours in (20, 10):
        await heard(quiet, *every(20, [9.0, 9.0, 4.0], since=NOW - hours * HOUR))
    early, late = told(quiet)
    await quiet("device-set", device="d-1", interval="1 min", since=NOW - 15 * HOUR)
    await quiet.gateway.monitor.revise(at_once=True)
    assert told(quiet) == [early, ("withdrawn", *late[1:])]


async def test_a_model_of_the_past_is_judged_again_from_its_time_on(quiet: Asked) -> None:
    # Two on one day, UTC: judging begins again before both of them.
    for hours in (9, 5):
        await heard(quiet, *every(100, [9.0, 9.0, 4.0], since=NOW - hours * HOUR))
    early, late = told(quiet)
    known = quiet.gateway.known
    before = known.interval(D1)
    await quiet("device-set", device="d-1", model="elsys-ers", since=NOW - 5 * HOUR - 1)
    assert known.interval(D1) != before
    assert known.interval(D1, NOW - 6 * HOUR) == before
    await quiet.gateway.monitor.revise(at_once=True)
    assert told(quiet)[0] == early
    assert told(quiet)[1] != late


async def test_an_alert_goes_on_over_a_change_of_interval(warm: Asked) -> None:
    (before,) = warm.gateway.monitor.open_alerts
    await warm("device-set", device="d-1", interval="1 h", since=NOW)
    await warm.gateway.monitor.revise(at_once=True)
    assert warm.gateway.monitor.open_alerts == [before]
    await heard(warm, *every(60, [9.0, 4.0], since=NOW))
    (after,) = warm.gateway.state.alerts_of(D1)
    assert (after.id, after.state, after.revision) == (before.id, "resolved", 0)
