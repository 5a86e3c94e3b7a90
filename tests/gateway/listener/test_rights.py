"""What a credential may is changed while its clients are connected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5
from tests.gateway.listener.board import event, firing
from tests.gateway.listener.serving import OWNER, Door, Wire, message, serving

KEPT = {"session_expiry_interval": 600}
ALERTS = p.Subscription("hw/alerts/+", qos=1)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as made:
        yield made


async def enter(door: Door, name: str, token: str, *, present: bool = False) -> Wire:
    return await door.enter(
        username=name,
        password=token.encode(),
        version=V5,
        clean_start=False,
        properties=KEPT,
        present=present,
    )


async def test_a_device_goes_on_and_may_speak_for_others_at_once(door: Door) -> None:
    token = await door.add("gate", speaks_for=("d-1",), sees=())
    wire = await enter(door, "gate", token)
    for number, device in ((1, "d-1"), (2, "d-2")):
        assert await wire.ask(message(number, device=device)) == p.Puback(number)
    await door.principals.change("gate", ("d-2",), None)
    for number, device in ((3, "d-1"), (4, "d-2")):
        assert await wire.ask(message(number, device=device)) == p.Puback(number)
    assert await door.stored() == [1, 4]
    assert door.journal.quarantine.counts() == {"may-not-speak-for": 2}
    await wire.leave()
    await enter(door, "gate", token, present=True)


async def test_a_screen_connects_anew_and_is_told_what_it_sees_now(door: Door) -> None:
    async with door.state.writing():
        door.state.record([event(firing(name, name, OWNER)) for name in ("d-1", "d-2")], 5000)
    await door.announcer.turn()
    token = await door.add("wall", speaks_for=(), sees=("d-1",))

    async def shown(wire: Wire) -> list[bytes]:
        await wire.send(p.Subscribe(1, (ALERTS,)))
        return sorted(one.topic for one in await wire.come() if isinstance(one, p.Publish))

    wire = await enter(door, "wall", token)
    assert await shown(wire) == [b"hw/alerts/d-1"]
    await door.principals.change("wall", None, ("d-2",))
    assert [type(one) for one in await wire.ended()] == [p.Disconnect]
    wire = await enter(door, "wall", token)
    assert await shown(wire) == [b"hw/alerts/d-2"]
    await wire.leave()
    await door.principals.change("wall", None, ("*",))
    wire = await enter(door, "wall", token)
    assert await shown(wire) == [b"hw/alerts/d-1", b"hw/alerts/d-2"]
