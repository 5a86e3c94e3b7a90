"""Clients that are not ours, on a whole gateway: every QoS, both versions, plain and over TLS."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.gateway.listener.peers import (
    PEERS,
    REFUSED,
    TOPIC,
    WITHIN,
    Caller,
    House,
    gateway,
    mosquitto_pub,
    paho_client,
    reading,
)

DOORS = ("nobody", "token", "token over TLS", "certificate")
COUNT = 25
"""More than libraries have under way at a time."""

pytestmark = pytest.mark.skipif(
    shutil.which("mosquitto_pub") is None, reason="apt-get install mosquitto-clients"
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with gateway(tmp_path) as made:
        yield made


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("peer", PEERS)
async def test_what_a_peer_publishes_is_stored_once_and_in_order(
    house: House, peer: str, door: str, version: int
) -> None:
    caller = house.caller(door, version)
    for qos in (0, 1, 2):
        numbers = range(qos * COUNT + 1, (qos + 1) * COUNT + 1)
        await PEERS[peer](caller, [reading(one) for one in numbers], qos)
        assert await house.stored(numbers.stop - 1) == list(range(1, numbers.stop))
    assert not house.gateway.listener.refusals if house.gateway.listener else False
    assert house.gateway.journal.duplicates == 0
    assert house.gateway.journal.rows("SELECT * FROM held") == []


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("peer", PEERS)
async def test_a_peer_with_a_wrong_token_is_refused(house: House, peer: str, version: int) -> None:
    caller = house.caller("token", version)._replace(token="0" * 32)
    with pytest.raises(REFUSED):
        await PEERS[peer](caller, [reading(1)], 1)
    assert await house.stored(0) == []


# -- subscribers -----------------------------------------------------------------------------


@asynccontextmanager
async def mosquitto_sub(caller: Caller, qos: int) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
    """Subscribe to alerts, and yield (topic, payload) as they come."""
    process = await asyncio.create_subprocess_exec(
        "mosquitto_sub", *caller.options(), "-t", "holdwatch/+/alerts/+", "-q", str(qos),
        "-F", "%t %p", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    assert process.stdout is not None

    async def read(stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            topic, _, payload = line.decode().rstrip("\n").partition(" ")
            queue.put_nowait((topic, payload))

    reads = asyncio.create_task(read(process.stdout))
    try:
        yield queue
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        await reads


@asynccontextmanager
async def aiomqtt_sub(caller: Caller, qos: int) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
    """The same with aiomqtt."""
    queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with caller.with_aiomqtt() as client:
        await client.subscribe("holdwatch/+/alerts/+", qos)

        async def read() -> None:
            async for one in client.messages:
                assert isinstance(one.payload, bytes)
                queue.put_nowait((str(one.topic), one.payload.decode()))

        reads = asyncio.create_task(read())
        try:
            yield queue
        finally:
            reads.cancel()
            await asyncio.gather(reads, return_exceptions=True)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize(
    ("subscriber", "door"), [(mosquitto_sub, "token over TLS"), (aiomqtt_sub, "nobody")]
)
async def test_a_subscriber_sees_an_alert_appear_and_clear(
    house: House, subscriber: type, door: str, qos: int, version: int
) -> None:
    caller = house.caller(door, version)._replace(client_id="screen")
    sensor = house.caller("token", version)
    async with subscriber(caller, qos) as early:
        await subscribed(house, "screen")
        await mosquitto_pub(sensor, [reading(1, 9.0)], 1)
        topic, payload = await asyncio.wait_for(early.get(), WITHIN)
        assert json.loads(payload)["state"] == "firing"
        # Whoever comes later is told too.
        late_caller = caller._replace(client_id="late")
        async with subscriber(late_caller, qos) as late:
            assert await asyncio.wait_for(late.get(), WITHIN) == (topic, payload)
            await mosquitto_pub(sensor, [reading(2, 5.0)], 1)
            assert await asyncio.wait_for(early.get(), WITHIN) == (topic, "")
            assert await asyncio.wait_for(late.get(), WITHIN) == (topic, "")


async def subscribed(house: House, client_id: str) -> None:
    """Wait until a client has a subscription."""
    listener = house.gateway.listener
    assert listener is not None
    async with asyncio.timeout(WITHIN):
        while not any(  # noqa: ASYNC110 - the listener rings no bell for tests
            one.entered and one.entered.session.key[1] == client_id and one._subscriptions
            for one in listener._clients
        ):
            await asyncio.sleep(0.005)


# -- a session over a restart ------------------------------------------------------------------


@pytest.mark.parametrize("qos", [1, 2])
async def test_paho_goes_on_after_a_restart_where_it_was(house: House, qos: int) -> None:
    client = paho_client(house.caller("token", 4), clean=False)
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    present: list[bool] = []
    connected, gone = threading.Event(), threading.Event()

    def welcomed(_client: object, _data: object, flags: object, *_: object) -> None:
        present.append(flags.session_present)  # type: ignore[attr-defined]  # paho's ConnectFlags
        connected.set()

    client.on_connect = welcomed
    client.on_disconnect = lambda *_: gone.set()
    await asyncio.to_thread(client.connect, "localhost", house.plain)
    client.loop_start()
    try:
        assert await asyncio.to_thread(connected.wait, WITHIN)
        sent = [client.publish(TOPIC, reading(one), qos) for one in range(1, COUNT + 1)]
        connected.clear()
        await house.stop()
        assert await asyncio.to_thread(gone.wait, WITHIN)
        sent += [client.publish(TOPIC, reading(one), qos) for one in range(COUNT + 1, 2 * COUNT)]
        await house.start()
        for one in sent:
            await asyncio.to_thread(one.wait_for_publish, WITHIN)
            assert one.is_published()
        assert present == [False, True]
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
    assert sorted(await house.stored(2 * COUNT - 1)) == list(range(1, 2 * COUNT))
