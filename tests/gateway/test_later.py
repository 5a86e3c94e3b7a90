"""Messages for a vendor's codec: acknowledged at once, decoded from the journal, and never lost."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import gateway.ingest
import gateway.later
from devices.device import Call, DecodeError, Origin, Output
from devices.envelopes import envelopes
from devices.reading import DeviceKey
from devices.recognition import Codec, Recognition
from gateway.admission import Admission
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.later import Decoding
from gateway.second_try import retry
from gateway.state import State
from tests.gateway.parts import NOW, Line, ToldClock, publish

EUI = "0102030405060708"
TOPIC = f"application/1/device/{EUI}/event/up"
OTHER = "cargo/hall/f-1/readings"


def uplink(count: int, data: bytes = b"\x01", **more: object) -> str:
    event = {
        "time": f"2026-11-22T10:{count % 60:02}:00Z",
        "deviceInfo": {"devEui": EUI, "deviceProfileName": "Strange Thing"},
        "fCnt": count,
        "fPort": 2,
        "data": b64encode(data).decode(),
        "rxInfo": [{"rssi": -90}],
    }
    return json.dumps({name: value for name, value in (event | more).items() if value is not None})


class Told:
    """Answers calls as it is told to."""

    def __init__(self, answer: Callable[[Call], Output | DecodeError]) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.held = asyncio.Event()
        self.held.set()

    async def run(self, calls: Sequence[Call]) -> list[Output | DecodeError]:
        await self.held.wait()
        self.calls += calls
        return [self.answer(one) for one in calls]


def degrees(call: Call) -> Output | DecodeError:
    if call.data == b"\xff":
        return DecodeError("codec-error", "the codec says: no such type", "Look at the device")
    return Output({"temperature": call.data[0] / 2}, warnings=("weak",) if call.port == 9 else ())


class Bench:
    def __init__(self, folder: Path) -> None:
        self.clock = ToldClock()
        self.journal = Journal(folder / "journal.db")
        self.state = State(folder / "state.db")
        self.codecs = Told(degrees)
        self.warnings: list[tuple[DeviceKey, str]] = []
        self.restart()

    def restart(self, codecs: Sequence[Codec] = (Codec("strange-thing"),)) -> None:
        admission = Admission(self.state, {"main": ("*",)}, "unconfirmed", self.clock)
        recognition = Recognition((), [(one, ()) for one in codecs])
        self.ingest = Ingest(
            self.journal,
            envelopes((), recognition),
            self.clock,
            admit=admission.check,
            interval=0.001,
        )
        self.decoding = Decoding(
            self.ingest, self.codecs, lambda device, text: self.warnings.append((device, text))
        )

    @asynccontextmanager
    async def running(self, *, decoding: bool = True) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.ingest.run())]
        if decoding:
            tasks.append(asyncio.create_task(self.decoding.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def settle(self) -> None:
        while True:
            await self.ingest.store([])
            if not self.journal.pending.count():
                return
            await asyncio.sleep(0)

    def stored(self) -> list[tuple[str, int, tuple[float, ...]]]:
        found = self.ingest.read(0, 10**6).readings
        return [(one.device.id, one.identity, one.values) for one in found]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    yield one
    one.journal.close()
    one.state.close()


async def test_a_message_is_acknowledged_before_its_codec_has_answered(bench: Bench) -> None:
    bench.codecs.held.clear()
    line = Line()
    async with bench.running():
        bench.ingest.receive(
            line, [publish(uplink(1), 1, topic=TOPIC), publish(READING, 2, topic=OTHER)]
        )
        await bench.ingest.store([])
        assert line.acknowledged == [(1, 1), (1, 2)]
        assert [one[0] for one in bench.stored()] == ["f-1"], "the neighbour did not wait"
        bench.codecs.held.set()
        await bench.settle()
    assert bench.stored()[1:] == [(EUI, 1, (-90.0, 0.5))]
    assert bench.codecs.calls == [Call("strange-thing", b"\x01", 2, NOW)]


async def test_what_waits_survives_a_crash(bench: Bench) -> None:
    async with bench.running(decoding=False):
        bench.ingest.receive(Line(), [publish(uplink(n), 1, topic=TOPIC) for n in range(3)])
        await bench.ingest.store([])
    bench.restart()
    assert bench.ingest.waiting == 3
    async with bench.running():
        await bench.settle()
    assert [one[1] for one in bench.stored()] == [0, 1, 2]
    assert bench.ingest.waiting == 0


async def test_what_the_codec_refuses_lies_in_the_quarantine_with_its_device(bench: Bench) -> None:
    async with bench.running():
        bench.ingest.receive(Line(), [publish(uplink(1, b"\xff"), 1, topic=TOPIC)])
        bench.ingest.receive(Line(), [publish(uplink(2, b"\x08"), 2, topic=TOPIC)])
        await bench.settle()
    (refused,) = bench.journal.quarantine.page()
    assert (refused.reason, refused.device) == ("codec-error", EUI)
    assert json.loads(refused.payload) == json.loads(uplink(1, b"\xff"))
    assert bench.journal.quarantine.counts_by_device() == {EUI: 1}
    assert [one[1] for one in bench.stored()] == [2]


async def test_the_quarantine_is_tried_again_with_a_new_codec(bench: Bench) -> None:
    bench.restart(codecs=())
    async with bench.running():
        bench.ingest.receive(Line(), [publish(uplink(1), 1, topic=TOPIC)])
        await bench.settle()
        assert [one.reason for one in bench.journal.quarantine.page()] == ["unknown-model"]
    bench.restart()
    async with bench.running():
        assert await retry(bench.ingest) == (0, 0, 1)
        await bench.settle()
    assert bench.journal.quarantine.page() == []
    assert [one[1] for one in bench.stored()] == [1]


async def test_messages_without_a_time_are_told_apart_and_known_when_sent_again(
    bench: Bench,
) -> None:
    timeless = uplink(1, time=None, fCnt=None)
    line = Line()
    async with bench.running():
        bench.ingest.receive(
            line, [publish(timeless, 1, topic=TOPIC), publish(timeless, 2, topic=TOPIC)]
        )
        bench.ingest.receive(line, [publish(timeless, 1, topic=TOPIC, dup=True)])
        await bench.settle()
    found = bench.ingest.read(0, 10).readings
    assert [one.at for one in found] == [NOW, NOW + 1]


async def test_where_no_codec_can_run_messages_go_on_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.later, "AGAIN", 0.001)
    bench.codecs.answer = lambda _: DecodeError("codecs-unavailable", "no process", "Look")
    async with bench.running():
        bench.ingest.receive(Line(), [publish(uplink(1), 1, topic=TOPIC)])
        await bench.ingest.store([])
        while len(bench.codecs.calls) < 3:  # noqa: ASYNC110 - it tries again without a sign
            await asyncio.sleep(0)
        assert bench.journal.pending.count() == bench.ingest.waiting == 1
        bench.codecs.answer = degrees
        await bench.settle()
    assert bench.journal.quarantine.page() == []
    assert [one[1] for one in bench.stored()] == [1]


async def test_what_a_codec_warns_of_is_told(bench: Bench) -> None:
    async with bench.running():
        bench.ingest.receive(Line(), [publish(uplink(1, fPort=9), 1, topic=TOPIC)])
        await bench.settle()
    assert bench.warnings == [(DeviceKey("", EUI), "weak")]
    assert len(bench.stored()) == 1


async def test_where_too_much_waits_it_is_put_aside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.ingest, "MOST_WAITING", 2)
    async with bench.running(decoding=False):
        bench.ingest.receive(Line(), [publish(uplink(n), n, topic=TOPIC) for n in (1, 2, 3)])
        await bench.ingest.store([])
    assert bench.journal.pending.count() == 2
    assert [one.reason for one in bench.journal.quarantine.page()] == ["codecs-behind"]


async def test_a_stranger_costs_no_codec_its_time(bench: Bench) -> None:
    bench.ingest.routes.admitted("main")
    async with bench.running():
        delivered = await bench.ingest.deliver(
            Origin("", "nobody"),
            [publish(uplink(1), 0, topic=TOPIC), publish("rubbish", 0, topic=TOPIC)],
        )
    assert [one.reason for one in delivered.rejected] == ["may-not-speak-for", "not-json"]
    assert bench.codecs.calls == []
    assert bench.journal.quarantine.counts_by_device() == {}, "whose it was, nobody knows"


async def test_what_is_delivered_is_durable_when_that_returns(bench: Bench) -> None:
    messages = [
        publish(uplink(1), 0, topic=TOPIC),
        publish(READING, 0, topic=OTHER),
        publish("rubbish", 0, topic=TOPIC),
    ]
    async with bench.running(decoding=False):
        delivered = await bench.ingest.deliver(Origin("", "main"), messages)
        assert (delivered.readings, delivered.later) == (1, 1)
        assert [one.device for one in delivered.rejected] == [EUI]
        assert len(bench.stored()) == bench.journal.pending.count() == 1
        assert len(bench.journal.quarantine.page()) == 1


async def test_what_is_delivered_waits_while_there_is_no_room(bench: Bench) -> None:
    async with bench.running():
        bench.ingest.hold("the disk is full")
        waits = asyncio.create_task(
            bench.ingest.deliver(Origin("", "main"), [publish(READING, 0, topic=OTHER)])
        )
        await bench.ingest.store([])
        assert not waits.done()
        bench.ingest.hold(None)
        assert (await waits).readings == 1


READING = json.dumps({"time": NOW, "temperature": 4.5, "seq": 1})
