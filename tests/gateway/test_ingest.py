"""Ingest: acknowledged after the commit, in order, once; what cannot be decoded costs itself."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import gateway.ingest
from devices.device import DecodeError
from devices.envelopes import envelopes
from devices.envelopes.mapping import Mapping
from devices.reading import ARRIVAL, OWN_CLOCK_UNTRUSTED, RETAINED, DeviceKey, Reading
from gateway.admission import Admission
from gateway.database import DiskError
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.mqtt.packets import Publish
from gateway.second_try import retry
from gateway.settings import parse
from gateway.state import State
from tests.faults.gateway_process import acknowledge_early
from tests.gateway.parts import NOW, Line, ToldClock, publish, said

WARM = '{"time": %d, "temperature": 5.5, "seq": %d}'
BLIND = Mapping(topic="blind/{device}", time="", sequence="")


class Bench:
    """An ingest with a journal on a real disk, and everything it tells."""

    def __init__(self, folder: Path, *, speaks_for: tuple[str, ...] = ("*",)) -> None:
        self.clock = ToldClock()
        self.journal = Journal(folder / "journal.db")
        self.state = State(folder / "state.db")
        self.speaks_for = speaks_for
        self.strangers: list[tuple[DeviceKey, str]] = []
        self.problems: list[str | None] = []
        self.ingest = self.make()

    def make(self, *mappings: Mapping) -> Ingest:
        grants = {"main": self.speaks_for, "other": ("*",)}
        admission = Admission(self.state, grants, "unconfirmed", self.clock)
        admission.on_stranger = lambda device, source: self.strangers.append((device, source))
        ingest = Ingest(
            self.journal,
            envelopes([BLIND, *mappings]),
            self.clock,
            admit=admission.check,
            interval=0.001,
        )
        ingest.on_disk = lambda: self.problems.append(ingest.problem)
        return ingest

    def close(self) -> None:
        self.journal.close()
        self.state.close()

    async def settle(self) -> None:
        await self.ingest.store([])

    def stored(self) -> list[tuple[str, int]]:
        return [(one.device.id, one.identity) for one in self.ingest.read(0, 10**6).readings]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.ingest.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    async with made.running():
        yield made
    made.close()


def warm(
    number: int, packet_id: int | None = None, *, dup: bool = False, retain: bool = False
) -> Publish:
    return publish(WARM % (NOW, number), packet_id or number, dup=dup, retain=retain)


async def test_what_arrives_is_stored_and_acknowledged_in_order(bench: Bench) -> None:
    line, other = Line(), Line("other")
    bench.ingest.receive(line, [warm(3), warm(1)])
    bench.ingest.receive(other, [warm(5, 9)])
    bench.ingest.receive(line, [warm(2)])
    assert line.acknowledged == []
    await bench.settle()
    assert line.acknowledged == [(1, 3), (1, 1), (1, 2)]
    assert other.acknowledged == [(1, 9)]
    assert bench.stored() == [("d-1", 3), ("d-1", 1), ("d-1", 5), ("d-1", 2)]


async def test_nothing_is_acknowledged_before_its_commit_has_returned(bench: Bench) -> None:
    line = Line()
    order: list[str] = []
    commit = bench.journal.commit

    def slow() -> None:
        order.append(f"commit begins, {len(line.acknowledged)} acknowledged")
        commit()
        order.append(f"commit ends, {len(line.acknowledged)} acknowledged")

    bench.journal.commit = slow  # type: ignore[method-assign]  # to see when it happens
    bench.ingest.receive(line, [warm(1)])
    await bench.settle()
    assert order[:2] == ["commit begins, 0 acknowledged", "commit ends, 0 acknowledged"]
    assert line.acknowledged == [(1, 1)]


async def test_a_build_that_acknowledges_early_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set to what it is, so that it is put back.
    monkeypatch.setattr(gateway.ingest.Ingest, "_expect", gateway.ingest.Ingest._expect)
    acknowledge_early()
    bench = Bench(tmp_path)
    line = Line()
    bench.ingest.receive(line, [warm(1)])
    assert line.acknowledged == [(1, 1)]
    assert bench.stored() == []
    bench.close()


async def test_a_reconnect_in_the_middle_keeps_each_messages_own_generation(bench: Bench) -> None:
    line = Line()
    bench.ingest.receive(line, [warm(1)])
    line.generation = 2
    bench.ingest.receive(line, [warm(1, dup=True), warm(2)])
    await bench.settle()
    assert line.acknowledged == [(1, 1), (2, 1), (2, 2)]
    assert bench.stored() == [("d-1", 1), ("d-1", 2)]


async def test_messages_at_qos_0_are_stored_and_not_acknowledged(bench: Bench) -> None:
    line = Line()
    bench.ingest.receive(line, [publish(WARM % (NOW, 1), 0)])
    await bench.settle()
    assert line.acknowledged == []
    assert len(bench.stored()) == 1


@pytest.mark.parametrize(
    ("payload", "topic"),
    [
        (b"\xff\xfe", "cargo/site/d-1/readings"),
        (b"", "cargo/site/d-1/readings"),
        (b'{"temperature": "warm"}', "cargo/site/d-1/readings"),
        (b'{"temperature": 1}', "somewhere/else"),
        (b'{"temperature": 1}', "cargo/site/d 1/readings"),
        (b"[" * 100_000, "cargo/site/d-1/readings"),
    ],
    ids=["no text", "empty", "no number", "unknown topic", "bad id", "deep"],
)
async def test_what_cannot_be_decoded_is_kept_whole_acknowledged_and_costs_nobody_else(
    bench: Bench, payload: bytes, topic: str
) -> None:
    line = Line()
    bench.ingest.receive(line, [warm(1), publish(payload, 2, topic=topic), warm(3)])
    await bench.settle()
    assert line.acknowledged == [(1, 1), (1, 2), (1, 3)]
    assert bench.stored() == [("d-1", 1), ("d-1", 3)]
    (kept,) = bench.journal.quarantine.page()
    assert (kept.topic.decode(), kept.payload, kept.received) == (topic, payload, NOW)
    assert kept.reason
    assert kept.detail
    assert kept.cure


async def test_a_source_that_speaks_for_a_foreign_device_is_kept_out_and_told(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, speaks_for=("d-*", "reefer-?"))
    line = Line()
    foreign = publish(WARM % (NOW, 7), 2, topic="cargo/site/x-1/readings")
    async with bench.running():
        bench.ingest.receive(line, [warm(1), foreign, warm(3)])
        await bench.settle()
    assert bench.stored() == [("d-1", 1), ("d-1", 3)]
    assert bench.strangers == [(DeviceKey("", "x-1"), "main")]
    assert bench.journal.quarantine.counts() == {"may-not-speak-for": 1}
    assert line.acknowledged == [(1, 1), (1, 2), (1, 3)]
    bench.close()


async def test_the_quarantine_is_decoded_again_when_it_can_be(tmp_path: Path) -> None:
    bench = Bench(tmp_path, speaks_for=("nobody",))
    line = Line()
    async with bench.running():
        bench.ingest.receive(line, [warm(1), publish(b"{", 2), warm(3)])
        await bench.settle()
        assert await retry(bench.ingest) == (0, 3, 0)
    bench.speaks_for = ("*",)
    bench.ingest = bench.make()
    bench.clock.passes(60_000)
    async with bench.running():
        assert await retry(bench.ingest) == (2, 1, 0)
        assert await retry(bench.ingest) == (0, 1, 0)
    assert bench.stored() == [("d-1", 1), ("d-1", 3)]
    assert {one.received for one in bench.ingest.read(0, 9).readings} == {NOW}, "when it came"
    assert [one.payload for one in bench.journal.quarantine.page()] == [b"{"]
    bench.close()


async def test_what_stays_in_the_quarantine_has_its_present_reason(tmp_path: Path) -> None:
    bench = Bench(tmp_path, speaks_for=("nobody",))
    async with bench.running():
        bench.ingest.receive(Line(), [warm(1), publish(b"{", 2)])
        bench.ingest.receive(Line(), [publish(b"Online", 3, topic=f"t/{n}") for n in "ab"])
        await bench.settle()
        before = bench.journal.quarantine.page()
        assert await retry(bench.ingest) == (0, 4, 0)
        assert bench.journal.quarantine.page() == before, "nothing has changed"
    counts = {"may-not-speak-for": 1, "not-json": 1, "unknown-topic": 2}
    assert bench.journal.quarantine.counts() == counts
    mappings = (
        Mapping(topic="t/a", ignore=True),
        Mapping(topic="t/b", device="b"),
        Mapping(topic="cargo/{site}/{device}/readings", channels={"humidity": "h"}),
    )
    bench.ingest = bench.make(*mappings)
    async with bench.running():
        assert await retry(bench.ingest) == (1, 3, 0)
    after = bench.journal.quarantine.page()
    told = [(one.number, one.reason) for one in after]
    assert told == [(1, "no-channel"), (2, "not-json"), (4, "not-json")]
    assert bench.journal.quarantine.counts() == {"no-channel": 1, "not-json": 2}
    assert "'temperature'" in after[0].detail
    assert "humidity" not in before[0].cure
    assert "'h'" in after[0].cure
    assert [one.payload for one in after] == [before[0].payload, b"{", b"Online"]
    assert bench.stored() == []
    bench.close()


async def test_the_cure_for_an_unknown_topic_can_be_put_into_the_settings(bench: Bench) -> None:
    topic = "shop/a'b/STATE"
    bench.ingest.receive(Line(), [publish(b"{}", 1, topic=topic)])
    await bench.settle()
    (kept,) = bench.journal.quarantine.page()
    found = re.search(r"(topic = .*), (ignore = true)$", kept.cure)
    assert found is not None
    (section,) = parse("[[mappings]]\n" + "\n".join(found.groups())).mappings
    assert (section.topic, section.ignore) == (topic, True)


async def test_a_large_quarantine_is_decoded_again_in_pages(tmp_path: Path) -> None:
    bench = Bench(tmp_path, speaks_for=("nobody",))
    async with bench.running():
        bench.ingest.receive(Line(), [warm(n) for n in range(1, 1201)])
        await bench.settle()
    bench.speaks_for = ("*",)
    bench.ingest = bench.make()
    async with bench.running():
        assert await retry(bench.ingest) == (1200, 0, 0)
    assert len(bench.stored()) == 1200
    assert bench.journal.quarantine.page() == []
    bench.close()


def blind(value: float, packet_id: int, *, dup: bool = False) -> Publish:
    payload = json.dumps({"temperature": value})
    return publish(payload, packet_id, topic="blind/b-1", dup=dup)


async def test_without_clock_and_sequence_a_redelivery_is_known_by_its_mark(bench: Bench) -> None:
    line = Line()
    bench.ingest.receive(line, [blind(5.0, 1)])
    bench.clock.passes(1000)
    bench.ingest.receive(line, [blind(5.0, 1, dup=True), blind(6.0, 2, dup=True)])
    bench.clock.passes(1000)
    bench.ingest.receive(line, [blind(5.0, 3)])
    await bench.settle()
    found = bench.ingest.read(0, 9).readings
    assert [(one.values[0], one.at - NOW) for one in found] == [(5.0, 0), (6.0, 1000), (5.0, 2000)]
    assert all(one.flags & ARRIVAL for one in found)
    assert len(line.acknowledged) == 4, "what is known is acknowledged too"


async def test_what_arrives_at_once_without_a_clock_keeps_its_order(bench: Bench) -> None:
    bench.ingest.receive(Line(), [blind(9.0 - n, n + 1) for n in range(5)])
    await bench.settle()
    found = bench.ingest.read(0, 9).readings
    assert [(one.values[0], one.at - NOW) for one in found] == [(9.0 - n, n) for n in range(5)]


async def test_a_redelivery_is_known_after_a_restart(bench: Bench) -> None:
    bench.ingest.receive(Line(), [blind(5.0, 1)])
    await bench.settle()
    bench.clock.passes(1000)
    restarted = bench.make()
    task = asyncio.create_task(restarted.run())
    restarted.receive(Line(), [blind(5.0, 1, dup=True), blind(7.0, 2, dup=True)])
    await restarted.store([])
    task.cancel()
    assert [one.values[0] for one in restarted.read(0, 9).readings] == [5.0, 7.0]


@pytest.mark.parametrize("message", ['{"temperature": 5.0}', '{"temperature": 5.0, "seq": 3}'])
async def test_under_another_packet_id_the_same_values_are_another_message(
    bench: Bench, message: str
) -> None:
    """It may be sent again because it was lost on its way the first time."""
    bench.ingest.receive(Line(), [publish(message, 1)])
    await bench.settle()
    bench.clock.passes(1000)
    again = publish(message, 1, dup=True)
    bench.ingest.receive(Line(), [again, publish(message, 2, dup=True)])
    await bench.settle()
    assert [one.at - NOW for one in bench.ingest.read(0, 9).readings] == [0, 1000]


async def test_a_message_that_the_broker_had_kept_is_marked(bench: Bench) -> None:
    bench.ingest.receive(Line(), [warm(1, retain=True), warm(2)])
    await bench.settle()
    kept, fresh = bench.ingest.read(0, 9).readings
    assert kept.flags & RETAINED
    assert not fresh.flags & RETAINED


async def test_while_our_own_clock_is_wrong_no_other_is_blamed(bench: Bench) -> None:
    bench.clock = ToldClock(now=1000)
    bench.ingest = bench.make()
    async with bench.running():
        bench.ingest.receive(Line(), [warm(1)])
        await bench.settle()
    (one,) = bench.ingest.read(0, 9).readings
    assert (one.at, one.flags & OWN_CLOCK_UNTRUSTED) == (NOW, OWN_CLOCK_UNTRUSTED)
    assert one.when == NOW


def failing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the disk fail; return what makes it well."""
    monkeypatch.setattr(gateway.ingest, "RETRY", 0.001)
    commit = bench.journal.commit

    def fail() -> None:
        bench.journal.rollback()
        raise DiskError("journal.db: it is full")

    bench.journal.commit = fail  # type: ignore[method-assign]  # a disk that fails

    def heal() -> None:
        bench.journal.commit = commit  # type: ignore[method-assign]  # well again

    return heal


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - there is nothing to wait for but what it says
            await asyncio.sleep(0.001)


async def test_while_the_disk_fails_nothing_is_acknowledged_and_nothing_dropped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, quiet = Line(), Line("other")
    bench.ingest.receive(quiet, [warm(9)])
    await bench.settle()
    heal = failing(bench, monkeypatch)
    bench.ingest.receive(line, [warm(1)])
    await until(lambda: len(bench.problems) >= 3)
    assert line.paused
    assert quiet.paused, "others too: what they send cannot be stored either"
    bench.ingest.receive(line, [warm(2)])
    assert line.acknowledged == []
    heal()
    await until(lambda: not line.paused)
    await bench.settle()
    assert line.acknowledged == [(1, 1), (1, 2)]
    assert not quiet.paused
    assert bench.stored() == [("d-1", 9), ("d-1", 1), ("d-1", 2)]
    assert bench.problems[0] == "journal.db: it is full"
    assert bench.problems[-1] is None


async def test_sockets_lie_unread_while_too_much_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.ingest, "CROWDED", 10)
    bench, line = Bench(tmp_path), Line()
    bench.ingest.receive(line, [warm(n) for n in range(1, 10)])
    assert not line.paused
    bench.ingest.receive(line, [warm(10)])
    assert line.paused
    async with bench.running():
        await bench.settle()
        await until(lambda: not line.paused)
    bench.close()


async def test_held_sockets_stay_unread_until_they_are_let_go_and_what_came_is_stored(
    bench: Bench,
) -> None:
    line, late = Line(), Line("other")
    bench.ingest.receive(line, [warm(1)])
    bench.ingest.hold("the disk is nearly full")
    assert line.paused
    bench.ingest.receive(late, [warm(2)])
    assert late.paused, "one that was not there before"
    await bench.settle()
    assert line.acknowledged == [(1, 1)]
    assert line.paused
    bench.ingest.hold("the disk is nearly full")
    bench.ingest.hold(None)
    assert not line.paused
    assert not late.paused


async def test_old_readings_are_pruned_within_the_same_commit(bench: Bench) -> None:
    pruned: list[int] = []
    bench.ingest.before_commit = lambda journal: pruned.append(journal.prune(1, NOW + 1, 2**40))
    await bench.ingest.store([said(sequence=1), said(sequence=2)])
    await bench.ingest.store([said(sequence=3)])
    assert pruned == [0, 1]
    rows = bench.journal.rows("SELECT identity FROM reading ORDER BY seq")
    assert rows == [(2,), (3,)]


async def test_a_message_of_many_devices_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    bench = Bench(tmp_path, speaks_for=("d-1",))
    bench.ingest.routes.forget_admitted("main")
    with pytest.raises(DecodeError):
        bench.ingest.routes.admit_all("main", [said("d-1"), said("x-1")])
    bench.close()


def test_every_envelope_is_asked(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    known = envelopes()
    ingest = Ingest(journal, known, ToldClock(), admit=lambda _source, _device, **_: None)
    assert ingest.routes.envelopes == known
    journal.close()


async def test_what_is_rejected_and_sent_again_is_kept_once(bench: Bench) -> None:
    line = Line()
    bench.ingest.receive(line, [publish(b"{", 1)])
    bench.ingest.receive(line, [publish(b"{", 1, dup=True), publish(b"{", 2)])
    await bench.settle()
    assert len(bench.journal.quarantine.page()) == 2
    assert line.acknowledged == [(1, 1), (1, 1), (1, 2)]


async def test_large_messages_that_cannot_be_decoded_leave_sockets_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.ingest, "HEAVY", 3_000)
    bench = Bench(tmp_path)
    line = Line()
    bench.ingest.receive(line, [publish(b"x" * 1_000, number) for number in (1, 2)])
    assert not line.paused
    bench.ingest.receive(line, [publish(b"x" * 1_000, 3)])
    assert line.paused
    async with bench.running():
        await bench.settle()
    assert not line.paused
    assert len(bench.journal.quarantine.page()) == 3
    bench.close()


async def test_long_topics_are_decoded_and_not_remembered(bench: Bench) -> None:
    long = f"cargo/{'s' * 300}/d-1/readings"
    bench.ingest.receive(Line(), [publish(WARM % (NOW, 1), topic=long), warm(2)])
    await bench.settle()
    assert bench.stored() == [("d-1", 1), ("d-1", 2)]
    assert [len(one) for one in bench.ingest.routes._decoders.values()] == [1]


async def test_messages_that_were_understood_are_kept_as_they_came_for_each_device_they_name(
    bench: Bench,
) -> None:
    line = Line()
    good = warm(1)
    again = publish('{"temperature": 5.5}', 2, topic="blind/b-1")
    bench.ingest.receive(line, [good, publish("nonsense", 3), again])
    bench.ingest.receive(line, [publish(again.payload, 2, topic="blind/b-1", dup=True)])
    kept = bench.ingest.raw.of(DeviceKey("", "d-1"))
    assert [(one.payload, one.source) for one in kept] == [(good.payload, "main")]
    assert len(bench.ingest.raw.of(DeviceKey("", "b-1"))) == 1, "once, though it was sent twice"


async def test_one_reading_without_a_time_among_others_is_known_when_it_comes_again(
    bench: Bench,
) -> None:
    def decode(_payload: bytes, received: int, _flags: int) -> list[Reading]:
        timeless = said("d-1", received, flags=ARRIVAL)
        return [said("d-1", NOW - 60_000, sequence=1), timeless]

    bench.ingest.routes.of(Line().origin)[publish("").topic] = decode
    bench.ingest.receive(Line(), [publish("both", 1)])
    await bench.settle()
    bench.clock.passes(60_000)
    bench.ingest.receive(Line(), [publish("both", 1, dup=True)])
    await bench.settle()
    assert [one.at for one in bench.ingest.read(0, 9).readings] == [NOW - 60_000, NOW]
