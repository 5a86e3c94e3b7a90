from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import aiomqtt
import msgspec
import pytest

from gateway.mqtt.subscriber import BrokerSettings
from gateway.notify.channel import NotSentError
from gateway.notify.message import Message
from gateway.notify.mqtt import Mqtt
from gateway.notify.outbox import Attempt, Outbox
from gateway.notify.wording import Wording
from gateway.settings.channels import Mqtt as Section
from gateway.state import State
from rules.alert import Event
from tests.broker import Broker, broker  # noqa: F401 - a fixture
from tests.gateway.notify.told import MADE, alert, line, message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from rules.alert import Alert

    Until = Callable[[int], Awaitable[None]]

WORDING = Wording("roof", "UTC", lambda _device: "UTC")
TOPIC = "siren/set"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state.db")
    yield state
    state.close()


def siren(place: Broker, state: State, **changed: Any) -> Mqtt:  # noqa: ANN401 - settings of it
    section = Section(name="siren", broker="house", topic=TOPIC, **changed)
    settings = BrokerSettings(
        name="house", host=place.host, port=place.port, client_id="roof", topics=("x",)
    )
    return Mqtt(section, settings, Outbox(state), WORDING, test=0.0)


async def record(state: State, *alerts: Alert) -> None:
    """Have alerts stand in state.db as they are."""
    async with state.writing():
        state.record(
            [Event(key=f"{a.id}:{a.state}", kind=a.state, at=MADE, alert=a) for a in alerts], MADE
        )


async def tell(state: State, channel: Mqtt, told: Message) -> str:
    """Send a message as a courier does, and record it."""
    async with state.writing():
        Outbox(state).put(told)
    said = await channel.send(told)
    async with state.writing():
        Outbox(state).note(told.id, Attempt(MADE, 1, "sent", said))
    return said


async def retained(place: Broker, topic: str = TOPIC) -> str | None:
    """What a subscriber gets who comes now."""
    async with aiomqtt.Client(place.host, place.port) as client:
        await client.subscribe(topic, qos=1)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                async for one in client.messages:
                    assert isinstance(one.payload, bytes)
                    return one.payload.decode()
    return None


def over(one: Alert) -> Alert:
    return msgspec.structs.replace(one, state="resolved", ended=MADE)


async def test_a_lamp_burns_until_the_last_alert_is_over(broker: Broker, state: State) -> None:  # noqa: F811 - the fixture
    lamp, a, b = siren(broker, state), alert("a"), alert("b")
    await record(state, a, b)
    said = await tell(state, lamp, message("siren", line(a)))
    assert said == "127.0.0.1 took 'ON' on siren/set"
    await tell(state, lamp, message("siren", line(b)))
    await record(state, over(a))
    await tell(state, lamp, message("siren", line(over(a), "resolved")))
    assert await retained(broker) == "ON"
    await record(state, over(b))
    await tell(state, lamp, message("siren", line(over(b), "resolved")))
    assert await retained(broker) == "OFF"


async def test_a_lamp_goes_out_also_where_no_message_tells_of_the_end(
    broker: Broker,  # noqa: F811 - the fixture
    state: State,
) -> None:
    lamp, a = siren(broker, state), alert("a")
    await record(state, a)
    await tell(state, lamp, message("siren", line(a)))
    await record(state, over(a))
    await lamp.look()
    assert await retained(broker) == "OFF"


async def test_what_was_never_told_here_lights_no_lamp(broker: Broker, state: State) -> None:  # noqa: F811 - the fixture
    lamp = siren(broker, state)
    await record(state, alert("a"))
    await lamp.look()
    assert await retained(broker) == "OFF"


async def test_a_beginning_that_comes_after_the_end_lights_no_lamp(
    broker: Broker,  # noqa: F811 - the fixture
    state: State,
) -> None:
    lamp, a = siren(broker, state), alert("a")
    await record(state, over(a))
    await tell(state, lamp, message("siren", line(a)))
    assert await retained(broker) == "OFF"


async def test_between_sending_and_the_record_a_lamp_stays_on(
    broker: Broker,  # noqa: F811 - the fixture
    state: State,
) -> None:
    lamp, a = siren(broker, state), alert("a")
    await record(state, a)
    await lamp.send(message("siren", line(a)))
    await record(state, alert("other"))
    await lamp.look()
    assert await retained(broker) == "ON"


async def test_a_broker_that_forgot_it_is_told_again(tmp_path: Path, state: State) -> None:
    with Broker(tmp_path, persistent=False) as place:
        lamp, a = siren(place, state), alert("a")
        await record(state, a)
        await tell(state, lamp, message("siren", line(a)))
        place.kill()
        place.start()
        assert await retained(place) is None
        lamp.joined()
        await lamp.look()
        assert await retained(place) == "ON"
        # And so does a start of ours.
        again = siren(place, state)
        await again.look()
        assert await retained(place) == "ON"


async def test_a_test_sounds_and_leaves_it_as_it_was(broker: Broker, state: State) -> None:  # noqa: F811 - the fixture
    came: list[bytes] = []
    async with listening(broker, came) as until:
        await siren(broker, state).send(Message(id="t", channel="siren", made=MADE, test="Anna"))
        await until(2)
    assert came == [b"ON", b"OFF"]


async def test_with_no_word_each_message_is_json_with_its_id(
    broker: Broker,  # noqa: F811 - the fixture
    state: State,
) -> None:
    channel, told = siren(broker, state, firing=""), message("siren", line(alert("a")))
    await tell(state, channel, told)
    data = json.loads(await retained(broker) or "")["data"]
    assert (data["id"], data["alerts"][0]["id"]) == (told.id, "a")


async def test_json_that_a_broker_forgot_is_told_again(tmp_path: Path, state: State) -> None:
    with Broker(tmp_path, persistent=False) as place:
        channel, told = siren(place, state, firing=""), message("siren", line(alert("a")))
        await tell(state, channel, told)
        place.kill()
        place.start()
        channel.joined()
        await channel.look()
        assert told.id in (await retained(place) or "")


async def test_without_retain_nothing_is_kept(broker: Broker, state: State) -> None:  # noqa: F811 - the fixture
    channel = siren(broker, state, retain=False)
    await tell(state, channel, message("siren", line(alert("a"))))
    assert await retained(broker) is None


async def test_a_broker_that_is_away_is_tried_again(tmp_path: Path, state: State) -> None:
    with Broker(tmp_path) as place:
        channel = siren(place, state)
        place.kill()
        with pytest.raises(NotSentError, match="broker house: ") as caught:
            await channel.send(message("siren", line(alert("a"))))
        assert caught.value.again


@asynccontextmanager
async def listening(place: Broker, came: list[bytes]) -> AsyncIterator[Until]:
    async with aiomqtt.Client(place.host, place.port) as client:
        await client.subscribe(TOPIC, qos=1)

        async def until(count: int) -> None:
            async with asyncio.timeout(5):
                async for one in client.messages:
                    assert isinstance(one.payload, bytes)
                    came.append(one.payload)
                    if len(came) == count:
                        return

        yield until
