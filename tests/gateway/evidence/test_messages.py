"""Messages of sensors of consignments are durable with their readings, and stay for years."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.consignments.facts import Unassigned
from gateway.database import DamagedFileError, DiskError
from gateway.evidence import keeper
from gateway.evidence.messages import PAGE_BYTES, Gave, Message
from gateway.evidence.store import EvidenceStore
from gateway.history.held import NOTHING, Held
from gateway.importer import import_file
from gateway.pending import Waiting
from gateway.quarantine import Rejected
from gateway.second_try import retry
from gateway.settings import parse
from rules.duration import DAY, HOUR, MINUTE
from tests.gateway.asked import SETTINGS, Asked
from tests.gateway.evidence.voyage import (
    D1,
    D2,
    D3,
    START,
    begun,
    delivered,
    heard,
    message,
    state,
    taking,
)
from tests.gateway.parts import NOW, Line, ToldClock

FOREVER = 1 << 62


@pytest.fixture
async def gateway(ask: Asked) -> AsyncIterator[Gateway]:
    async with taking(ask.gateway):
        yield ask.gateway


def kept(gateway: Gateway) -> list[Message]:
    return gateway.journal.messages.page()


async def test_only_messages_of_a_consignments_sensors_are_kept_and_as_they_came(
    gateway: Gateway,
) -> None:
    await heard(gateway, D1, START + HOUR)
    await begun(gateway, D1)
    await heard(gateway, D1, START + 2 * HOUR)
    await heard(gateway, D2, START + 2 * HOUR)
    (one,) = kept(gateway)
    sent = message(D1, START + 2 * HOUR)
    (reading,) = gateway.journal.read_device(D1, 1, 2)
    assert (one.topic, one.payload, one.source, one.owner) == (
        *(sent.topic, sent.payload),
        *("import", "acme"),
    )
    assert one.received == NOW
    assert one.gave == (Gave(D1, reading.at, reading.identity, reading.when),)


async def test_a_message_of_before_the_voyage_is_not_kept_and_a_late_one_of_it_is(
    gateway: Gateway,
) -> None:
    await begun(gateway, D1)
    await delivered(gateway, at=NOW - 3 * DAY)
    await state(gateway, "A-1", (NOW - 3 * DAY, Unassigned(sensor=D1)))
    times = [START - 20 * DAY, START + DAY, NOW - MINUTE]
    await heard(gateway, D1, *times)
    assert [one.gave[0].at for one in kept(gateway)] == [START + DAY]


async def test_a_message_is_staged_with_its_readings_and_again_when_the_disk_fails(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(gateway, D1)
    line, commit = Line("import", "acme"), gateway.journal.commit
    seen: list[tuple[int, int]] = []

    def fails_once() -> None:
        seen.append((len(gateway.journal.messages.page()), len(line.acknowledged)))
        if len(seen) == 1:
            gateway.journal.rollback()
            gateway.journal._failed = True
            raise DiskError("full")
        commit()

    monkeypatch.setattr(gateway.journal, "commit", fails_once)
    monkeypatch.setattr("gateway.ingest.RETRY", 0.01)
    gateway.ingest.receive(line, [message(D1, START + HOUR)])
    await gateway.ingest.store([])
    assert seen[:2] == [(0, 0), (0, 0)]
    assert line.acknowledged == [(1, 1)]
    assert len(kept(gateway)) == 1


async def test_a_file_of_a_logger_is_kept_whole(gateway: Gateway) -> None:
    await begun(gateway, D1)
    start = START // 1000 * 1000
    rows = "".join(f"{start + n * MINUTE},{4 + n / 10}\n" for n in range(3))
    content = f"time,temperature\n{rows}".encode()

    async def nothing(_file: object) -> None: ...

    await import_file(
        gateway.ingest,
        "logger.csv",
        content,
        zone=None,
        device="d-1",
        owner="acme",
        received=NOW,
        read_whole=nothing,
    )
    (one,) = kept(gateway)
    assert (one.topic, one.payload, len(one.gave)) == (b"logger.csv", content, 3)


async def test_what_is_decoded_later_or_at_a_second_try_is_kept_too(gateway: Gateway) -> None:
    await begun(gateway, D1, D2)
    later, again = message(D1, START + HOUR), message(D2, START + HOUR)
    gateway.journal.pending.keep([Waiting(NOW, later.topic, later.payload, 0, "acme", "import")])
    refused = ("not-json", "it was not understood then", "Look at it")
    gateway.journal.quarantine.keep(
        [Rejected(NOW, again.topic, again.payload, 0, "acme", "import", *refused)]
    )
    gateway.journal.commit()
    assert (await retry(gateway.ingest)).decoded == 1
    decoding = asyncio.create_task(gateway.decoding.run())
    while gateway.journal.pending.count():  # noqa: ASYNC110 - it says nothing of its own
        await asyncio.sleep(0.01)
    decoding.cancel()
    assert {one.gave[0].device for one in kept(gateway)} == {D1, D2}


async def test_messages_move_to_where_they_stay_and_come_back_from_there(gateway: Gateway) -> None:
    await begun(gateway, D1, D2)
    times = [START + n * HOUR for n in range(1, 50)]
    await heard(gateway, D1, *times)
    await heard(gateway, D2, *times[:3])
    before = [one for one in kept(gateway) if one.gave[0].device == D1]
    await gateway.keeper.store()
    assert kept(gateway) == []
    found = list(gateway.evidence.messages(D1, 0, FOREVER))
    assert [one.payload for one in found] == [one.payload for one in before]
    assert [one.gave for one in found] == [one.gave for one in before]
    assert [one.gave[0].at for one in gateway.evidence.messages(D2, times[1], times[1])] == [
        times[1]
    ]
    assert list(gateway.evidence.messages(D3, 0, FOREVER)) == []


async def test_messages_are_stored_when_they_are_many_or_old(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = gateway.clock
    assert isinstance(clock, ToldClock)
    await begun(gateway, D1)
    await heard(gateway, D1, START + HOUR)
    await gateway.keeper.look()
    assert len(kept(gateway)) == 1
    clock.passes(keeper.LONG)
    await gateway.keeper.look()
    assert kept(gateway) == []
    await heard(gateway, D1, START + 2 * HOUR)
    monkeypatch.setattr(keeper, "MUCH", 10)
    await gateway.keeper.look()
    assert kept(gateway) == []


async def test_where_the_disk_takes_nothing_they_stay_in_the_journal(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(gateway, D1)
    await heard(gateway, D1, START + HOUR)
    monkeypatch.setattr(keeper, "MUCH", 10)
    with monkeypatch.context() as patch:

        def fails(*_: object) -> None:
            raise DiskError("full")

        patch.setattr(EvidenceStore, "keep", fails)
        await gateway.keeper.look()
    assert len(kept(gateway)) == 1
    await gateway.keeper.look()
    assert kept(gateway) == []
    assert len(list(gateway.evidence.messages(D1, 0, FOREVER))) == 1


async def test_a_crash_between_the_two_files_loses_none_and_doubles_none(gateway: Gateway) -> None:
    await begun(gateway, D1)
    await heard(gateway, D1, START + HOUR)
    page = kept(gateway)
    gateway.evidence.keep(page, page[-1].number)  # and then it crashed
    await heard(gateway, D1, START + 2 * HOUR)
    await gateway.keeper.store()
    found = list(gateway.evidence.messages(D1, 0, FOREVER))
    assert [one.gave[0].at for one in found] == [START + HOUR, START + 2 * HOUR]
    assert kept(gateway) == []


async def test_a_new_journal_begins_its_numbers_anew_and_nothing_is_taken_for_stored(
    tmp_path: Path,
) -> None:
    settings = parse(SETTINGS.format(folder=tmp_path))
    counts = []
    for _ in range(2):
        gateway = await asyncio.to_thread(Gateway, settings, join=False)
        gateway.clock = ToldClock()
        await gateway.compose()
        async with taking(gateway):
            if not gateway.book.all():
                await begun(gateway, D1)
            await heard(gateway, D1, START + HOUR)
            await gateway.keeper.store()
            counts.append(len(list(gateway.evidence.messages(D1, 0, FOREVER))))
        gateway.close()
        for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
    assert counts == [1, 2]


async def test_messages_go_when_their_readings_are_held_no_more(gateway: Gateway) -> None:
    await begun(gateway, D1, D2)
    await heard(gateway, D1, START + HOUR)
    await heard(gateway, D2, START + HOUR)
    await gateway.keeper.store()
    assert gateway.evidence.prune(gateway.holding.held) == 0
    assert gateway.evidence.prune(Held([(D2, START, START + DAY)])) == 1
    assert list(gateway.evidence.messages(D1, 0, FOREVER)) == []
    assert len(list(gateway.evidence.messages(D2, 0, FOREVER))) == 1
    assert gateway.evidence.prune(NOTHING) == 1


async def test_pages_are_bounded_by_bytes_and_a_large_message_comes_alone(
    gateway: Gateway,
) -> None:
    large = bytes(PAGE_BYTES)
    gave = (Gave(D1, NOW, 1, NOW),)
    for payload in (b"a", large, b"b", b"c"):
        gateway.journal.messages.keep([Message(NOW, b"t", payload, 0, "", "import", gave)])
    gateway.journal.commit()
    pages = []
    after = 0
    while page := gateway.journal.messages.page(after):
        pages.append([one.payload[:1] for one in page])
        after = page[-1].number
    assert pages == [[b"a"], [b"\0"], [b"b", b"c"]]


def test_damaged_messages_are_named(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "other.db")
    store.keep([Message(NOW, b"t", b"x" * 99, 0, "", "import", (Gave(D1, NOW, 1, NOW),))], 1)
    store.stage("UPDATE block SET data = substr(data, 1, 20)", [()])
    store.commit()
    with pytest.raises(DamagedFileError, match="d-1"):
        list(store.messages(D1, 0, FOREVER))
    store.close()
