"""Two devices with one client id: recognised on our own listener, and named with both addresses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.listener.displacing import MOST, WITHIN, Displacing, Rivals
from gateway.mqtt.codec import V311, encode
from gateway.mqtt.packets import Connack, Connect
from tests.gateway.listener.peers import Caller, gateway

KEY = ("gate", "sensor")
ONE, OTHER = "192.0.2.1", "192.0.2.2"


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([0.0, 1.0], False),
        ([0.0, 1.0, 2.0], True),
        ([0.0, 1.0, WITHIN + 0.1], False),
        ([0.0, WITHIN + 1, WITHIN + 2, WITHIN + 3], True),
    ],
)
def test_three_times_within_a_minute_are_rivals(times: list[float], *, found: bool) -> None:
    displacing = Displacing()
    pairs = [(ONE, OTHER), (OTHER, ONE)] * 2
    told = [displacing.displaced(KEY, *pair, at) for pair, at in zip(pairs, times, strict=False)]
    assert all(one is None for one in told[:-1])
    assert told[-1] == (Rivals("gate", "sensor", (ONE, OTHER)) if found else None)


def test_one_that_comes_anew_from_one_address_is_told_with_that_alone() -> None:
    displacing = Displacing()
    told = [displacing.displaced(KEY, ONE, ONE, at) for at in (0.0, 1.0, 2.0)]
    assert told[-1] == Rivals("gate", "sensor", (ONE,))


def test_client_ids_of_different_credentials_are_no_rivals_and_memory_is_bounded() -> None:
    displacing = Displacing()
    for number in range(2 * MOST):
        assert displacing.displaced((f"gate-{number}", "sensor"), ONE, OTHER, 1.0) is None
    assert len(displacing._times) == MOST


async def connected(caller: Caller, source: str) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.port, local_addr=(source, 0))
    packet = Connect(caller.client_id, version=V311, clean_start=True)
    writer.write(encode(packet, V311))
    welcome = encode(Connack(), V311)
    assert await asyncio.wait_for(reader.readexactly(len(welcome)), 10) == welcome
    return writer


async def test_two_sensors_with_one_client_id_are_told_with_both_addresses(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        caller = house.caller("nobody", 4)
        writers = [
            await connected(caller, source)
            for source in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2")
        ]
        (alert,) = house.gateway.own_alerts.open_alerts
        assert alert.channel == "client-id anonymous"
        assert repr(caller.client_id) in alert.reason
        assert "is used by 2 addresses, 127.0.0.1, 127.0.0.2" in alert.reason
        assert "a client id of its own" in alert.note
        for writer in writers:
            writer.close()
