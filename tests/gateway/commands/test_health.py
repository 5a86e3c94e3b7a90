"""What the gateway says of itself all the time: little, at once, and true."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.reading import DeviceKey
from gateway.settings import parse
from gateway.unwatched import GOOD_FOR, SLICE, Unwatched
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.rule import RuleVersion
from tests.gateway.asked import alarm
from tests.gateway.parts import ToldClock, said

if TYPE_CHECKING:
    import pytest

    from tests.gateway.asked import Asked

RULES = """
[[rules]]
name = "warm"
kind = "threshold"
channel = "temperature"
above = 8.0

[[rules]]
name = "damp"
kind = "threshold"
devices = ["d-*"]
channel = "humidity"
above = 80.0

[[rules]]
name = "nobodys"
kind = "threshold"
devices = ["freezer-*"]
channel = "temperature"
above = -15.0
"""


async def test_health_does_not_grow_with_alerts_and_asks_no_device(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = ask.gateway
    gateway.own_alerts.report("disk", "the disk is full")
    before = await ask("health")
    for number in range(50):
        one = alarm(f"a{number}", device=DeviceKey("acme", f"d-{number}"))
        gateway.monitor.told.open[one.subject] = one
    asked: list[DeviceKey] = []
    monkeypatch.setattr(gateway.monitor.engine, "state", asked.append)
    after = await ask("health")
    del before["process"], after["process"]
    del before["disk"], after["disk"]  # others write to this disk meanwhile
    assert after == before
    assert asked == []
    assert "the disk is full" in {one["reason"] for one in before["problems"]}


async def test_what_health_and_status_both_say_is_the_same(ask: Asked) -> None:
    health, status = await ask("health"), await ask("status")
    moving = {"problems", "process", "disk"}  # others write to this disk meanwhile
    assert {name: status[name] for name in health if name not in moving} == {
        name: told for name, told in health.items() if name not in moving
    }
    assert health.keys() - status.keys() == {"problems"}


def unwatched(devices: list[DeviceKey], clock: ToldClock) -> tuple[Unwatched, Engine]:
    rules = parse(RULES).rules
    engine = Engine([RuleVersion(one, "1", 0) for one in rules], always(MINUTE))
    return Unwatched(rules, engine, lambda: devices, clock), engine


async def test_what_no_rule_judges_is_told() -> None:
    devices = [DeviceKey("", name) for name in ("d-2", "d-1", "room")]
    found, engine = unwatched(devices, ToldClock())
    assert await found.find() == [
        "rule damp: d-1 never sent humidity",
        "rule damp: d-2 never sent humidity",
        "rule nobodys watches no device that was heard",
        *(f"no limit watches {one}" for one in ("d-1", "d-2", "room")),
    ]
    engine.fold([said("d-1"), said("room")])
    assert (await found.find())[-1:] == ["no limit watches d-2"]


async def test_a_device_that_is_replaced_is_missed_by_nobody_and_its_rules_watch_the_other() -> (
    None
):
    old, new = DeviceKey("", "d-1"), DeviceKey("", "room")
    rules = parse(RULES).rules
    engine = Engine([RuleVersion(one, "1", 0) for one in rules], always(MINUTE))
    found = Unwatched(
        rules,
        engine,
        lambda: [old, new],
        ToldClock(),
        replaced=lambda device: device == old,
        stands_for=lambda device: (new, old) if device == new else (device,),
    )
    told = await found.find()
    assert "rule damp: room never sent humidity" in told
    assert not any("d-1" in one for one in told)


async def test_it_is_looked_for_seldom_and_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ToldClock()
    found, engine = unwatched([DeviceKey("", f"d-{n}") for n in range(5 * SLICE)], clock)
    asked: list[DeviceKey] = []

    def state(device: DeviceKey) -> list[object]:
        asked.append(device)
        return []

    monkeypatch.setattr(engine, "state", state)
    looking = asyncio.create_task(found.lately())
    await asyncio.sleep(0)
    assert 0 < len(asked) < 2 * SLICE, "not all at once"
    told = await looking
    assert len(asked) == 5 * SLICE
    assert await found.lately() == told
    assert len(asked) == 5 * SLICE
    clock.passes(GOOD_FOR)
    await found.lately()
    assert len(asked) == 10 * SLICE
