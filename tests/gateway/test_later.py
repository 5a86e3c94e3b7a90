"""Messages for a vendor's codec: acknowledged at once, decoded from the journal, and never lost."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import gateway.later
import gateway.pending
from devices.device import Call, DecodeError, Origin, Output
from devices.envelopes import envelopes
from devices.reading import DeviceKey
from devices.recognition import Codec, Recognition
from gateway.admission import Admission
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.later import Decoding
from gateway.second_try import Retried, drop, retry
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

    async def run(
        self, calls: Sequence[Call], devices: Sequence[DeviceKey]
    ) -> list[Output | DecodeError]:
        await self.held.wait()
        assert len(devices) == len(calls)
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
    monkeypatch.setattr(gateway.pending, "MOST", 2)
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


REFUSED = DecodeError("bad-codec", "the codec is not one", "Get it anew")
RESTING = DecodeError("codec-resting", "the codec rests", "Look for a newer version of it")


def receive(bench: Bench, *messages: str) -> None:
    bench.ingest.receive(Line(), [publish(one, 1, topic=TOPIC) for one in messages])


async def test_what_is_refused_again_does_not_come_up_again(bench: Bench) -> None:
    bench.codecs.answer = lambda _: REFUSED
    async with bench.running():
        receive(bench, *(uplink(n) for n in range(1200)))
        await bench.settle()
        async with asyncio.timeout(20):
            assert await retry(bench.ingest) == (0, 0, 1200)
        await bench.settle()
    assert len(bench.codecs.calls) == 2 * 1200


async def test_two_who_try_again_at_once_double_nothing(bench: Bench) -> None:
    bench.restart(codecs=())
    async with bench.running():
        receive(bench, *(uplink(n) for n in range(5)))
        await bench.settle()
    bench.restart()
    async with bench.running(decoding=False):
        tried = await asyncio.gather(retry(bench.ingest), retry(bench.ingest))
        assert sorted(tried) == [(0, 0, 0), (0, 0, 5)]
        assert bench.journal.pending.count() == bench.ingest.waiting == 5
    assert bench.journal.quarantine.counts_by_device() == {}


async def test_what_is_dropped_is_not_decoded_by_who_tries_it_again(bench: Bench) -> None:
    bench.restart(codecs=())
    async with bench.running():
        receive(bench, *(uplink(n) for n in range(5)))
        await bench.settle()
    bench.restart()
    async with bench.running(decoding=False):
        dropped, tried = await asyncio.gather(drop(bench.ingest), retry(bench.ingest))
        assert (dropped, tried.waiting) in {(5, 0), (0, 5)}
        assert bench.journal.pending.count() == tried.waiting


async def test_what_an_old_codec_is_just_refusing_is_tried_again_too(bench: Bench) -> None:
    bench.codecs.answer = lambda _: REFUSED
    bench.codecs.held.clear()
    async with bench.running():
        receive(bench, uplink(1))
        await bench.ingest.store([])
        await asyncio.sleep(0)
        trying = asyncio.create_task(retry(bench.ingest))
        for _ in range(5):
            await bench.ingest.store([])
        bench.codecs.held.set()
        assert await trying == (0, 0, 1)
        bench.codecs.answer = degrees
        await bench.settle()


async def test_what_recognition_has_just_refused_is_tried_again_too(bench: Bench) -> None:
    async with bench.running(decoding=False):
        receive(bench, "rubbish")
        assert await retry(bench.ingest) == (0, 1, 0)


async def test_while_much_waits_the_quarantine_does_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.pending, "MOST", 4)
    bench.restart(codecs=())
    async with bench.running():
        receive(bench, *(uplink(n) for n in range(3)))
        await bench.settle()
    bench.restart()
    bench.codecs.held.clear()
    async with bench.running():
        receive(bench, uplink(3), uplink(4))
        await bench.ingest.store([])
        trying = asyncio.create_task(retry(bench.ingest))
        for _ in range(5):
            await bench.ingest.store([])
        assert bench.ingest.waiting == 2
        bench.codecs.held.set()
        assert await trying == (0, 0, 3)
        await bench.settle()
    assert len(bench.stored()) == 5


async def test_what_waits_is_bounded_by_its_bytes_too(bench: Bench) -> None:
    bench.ingest.backlog.most_bytes = 3_000_000
    async with bench.running(decoding=False):
        receive(bench, *(uplink(n, pad="x" * 1_000_000) for n in range(4)))
        assert bench.ingest._gathered.heavy > 4_000_000, "sockets are left unread for these too"
        await bench.ingest.store([])
    assert bench.journal.pending.count() == 3
    assert [one.reason for one in bench.journal.quarantine.page()] == ["codecs-behind"]
    before = bench.ingest.backlog.size
    assert before > 3_000_000
    bench.restart()
    assert bench.ingest.backlog.size == before
    async with bench.running():
        await bench.settle()
        await bench.ingest.store([])
    assert (bench.ingest.backlog.size, bench.ingest.waiting) == (0, 0)


async def test_a_page_is_bounded_by_its_bytes_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.pending, "PAGE_BYTES", 2_500)
    async with bench.running(decoding=False):
        receive(bench, *(uplink(n, pad="x" * size) for n, size in enumerate((800, 800, 9000, 1))))
        await bench.ingest.store([])
    pages: list[list[int]] = []
    while page := bench.journal.pending.page(pages[-1][-1] if pages else 0):
        pages.append([one.number for one in page])
    assert pages == [[1, 2], [3], [4]]


async def test_who_rests_waits_and_others_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.pending, "PAGE", 2)
    bench.codecs.answer = lambda call: RESTING if call.data == b"\xff" else degrees(call)
    async with bench.running():
        receive(bench, *(uplink(n, b"\xff") for n in range(5)), uplink(7))
        while not bench.stored():
            await bench.ingest.store([])
        receive(bench, uplink(8))
        while len(bench.stored()) < 2:
            await bench.ingest.store([])
        await bench.ingest.store([])
        assert bench.journal.pending.count() == bench.ingest.waiting == 5
        assert len(bench.codecs.calls) == 7, "what rests is not asked for again and again"
        bench.codecs.answer = lambda _: Output({"temperature": 1.0})
        bench.ingest.backlog.look_again()
        await bench.settle()
    assert bench.journal.quarantine.page() == []
    assert len(bench.stored()) == 7


async def test_when_a_rest_is_over_what_waited_is_decoded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.later, "AFTER_REST", 0.001)
    bench.codecs.answer = lambda _: RESTING if len(bench.codecs.calls) < 4 else Output({"temp": 1})
    async with bench.running():
        receive(bench, uplink(1))
        await bench.settle()
    assert len(bench.stored()) == 1


async def test_who_rests_does_not_keep_others_from_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.pending, "MOST", 4)
    bench.codecs.answer = lambda _: RESTING
    async with bench.running():
        receive(bench, uplink(1), uplink(2))
        await bench.settle()
    assert bench.journal.quarantine.counts() == {"codec-resting": 2}


async def test_who_tries_again_tells_of_no_stranger_again(bench: Bench) -> None:
    admission = Admission(bench.state, {"main": ("ours-*",)}, "unconfirmed", bench.clock)
    told: list[DeviceKey] = []
    admission.on_stranger = lambda device, _source: told.append(device)
    bench.ingest = Ingest(
        bench.journal, envelopes(), bench.clock, admit=admission.check, interval=0.001
    )
    async with bench.running(decoding=False):
        await bench.ingest.deliver(
            Origin("", "main"), [publish(READING, 0, topic="cargo/h/theirs/readings")]
        )
        assert told == [DeviceKey("", "theirs")]
        assert await retry(bench.ingest) == Retried(0, 1, 0)
    assert len(told) == 1


READING = json.dumps({"time": NOW, "temperature": 4.5, "seq": 1})
