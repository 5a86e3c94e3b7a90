"""The announcer: every outbox hears of what is new, in order, and one reading serves many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.alerts import message
from gateway.database import DiskError
from gateway.listener import announcer as module
from gateway.listener.announcer import PAGE, PAGES
from gateway.mqtt.packets import Publish
from gateway.own_alerts import KIND, OwnAlerts
from gateway.state import State
from rules.alert import Event
from tests.gateway.listener.board import ALERTS, STATUS, Board, Peer, firing, resolved, revised
from tests.gateway.parts import ToldClock


@asynccontextmanager
async def running(*coroutines: Coroutine[None, None, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(peer: Peer, count: int) -> list[str]:
    """Wait until so many messages have come."""
    async with asyncio.timeout(20):
        while len(peer.got) < count:
            peer.came.clear()
            await peer.came.wait()
    return peer.read()


async def test_whoever_is_attached_hears_of_events_as_they_are_recorded(board: Board) -> None:
    first, second = Peer(board), Peer(board)
    first.subscribe(ALERTS)
    second.subscribe(ALERTS, qos=0)
    async with running(board.announcer.run()):
        await board.store(firing("a1"))
        assert await until(first, 1) == await until(second, 1) == ["a1"]
        board.announcer.detach(second.outbox)
        board.announcer.detach(second.outbox)
        await board.store(resolved(firing("a1")), firing("a2"))
        assert await until(first, 2) == ["-a1", "a2"]
        assert second.read() == []


async def test_who_is_detached_in_the_middle_hears_nothing_more(board: Board) -> None:
    first, second = Peer(board), Peer(board)

    def take_and_part(message: Publish) -> None:
        first.take(message)
        board.announcer.detach(first.outbox)
        board.announcer.detach(second.outbox)

    for peer in (first, second):
        peer.subscribe(ALERTS)
        peer.outbox._send = take_and_part
    await board.record(firing())
    assert first.read() == ["a1"], "one of the two, and then nobody"


async def test_a_client_with_much_to_read_is_served_to_the_end(board: Board) -> None:
    await board.store(*[firing(f"a{number:05}") for number in range(3 * PAGE)])
    await board.settle()
    peer = Peer(board)
    async with running(board.announcer.run()):
        await asyncio.sleep(0)
        peer.subscribe(ALERTS, qos=0)
        assert len(await until(peer, 3 * PAGE)) == 3 * PAGE


async def test_many_clients_at_one_cursor_cost_one_reading(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers = [Peer(board) for _ in range(50)]
    for peer in peers:
        peer.subscribe(ALERTS, qos=0)
        board.announcer.detach(peer.outbox)
    await board.record(*[firing(f"a{number}") for number in range(PAGE)])
    board.restart()
    reads: list[int] = []
    read = State.read

    def counting(state: State, after: int, limit: int) -> object:
        reads.append(after)
        return read(state, after, limit)

    monkeypatch.setattr(State, "read", counting)
    back = [peer.again() for peer in peers]
    await board.settle()
    assert [len(peer.got) for peer in back] == [PAGE] * 50
    assert reads == [0]
    await board.record(firing("b"))
    assert [peer.read()[-1] for peer in back] == ["b"] * 50
    assert reads == [0, PAGE]


async def test_only_some_pages_are_kept(board: Board) -> None:
    await board.record(*[firing(f"a{number}") for number in range(3 * PAGES)])
    for cursor in range(3 * PAGES):
        assert board.announcer.since(cursor).end == board.state.head
    assert len(board.announcer._pages) <= PAGES


async def test_what_is_recorded_and_not_taken_up_yet_is_for_nobody(board: Board) -> None:
    """Otherwise an outbox would take an alert that is still unknown here for one that is over."""
    await board.record(firing("a1"))
    peer = Peer(board)
    peer.subscribe(ALERTS, qos=0)
    assert peer.read() == ["a1"]
    board.announcer.detach(peer.outbox)
    await board.record(firing("a2"))
    board.announcer._pages.clear()
    await board.store(firing("a3"), firing("a4"), resolved(firing("a4")))
    back = peer.again()
    assert back.read() == ["a2"]
    assert back.outbox.cursor == board.announcer.head == 2
    await board.settle()
    assert back.read() == ["a3", "-a4"]


# -- told before it is recorded --------------------------------------------------------------

OWN = firing("own", "box", kind=KIND)


async def test_what_is_published_goes_out_before_it_is_recorded_and_again_from_the_record(
    board: Board,
) -> None:
    peer = Peer(board)
    peer.subscribe("hw/#")
    peer.read()
    await board.announcer.publish([OWN])
    assert peer.read() == ["own", "status"]
    await board.record(OWN)
    assert peer.read() == ["own"]
    peer.acknowledge()
    assert peer.outbox.cursor == board.state.head


async def test_the_record_of_what_was_does_not_overtake_what_is(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS)
    await board.announcer.publish([OWN])
    await board.store(OWN)
    await board.announcer.publish([resolved(OWN)])
    late = Peer(board)
    late.subscribe(ALERTS)
    await board.settle()
    assert peer.read() == ["own", "-own"]
    assert late.read() == []
    await board.record(resolved(OWN))
    assert peer.read() == ["-own"]


async def test_a_revision_that_is_told_stands_in_the_retained_state(board: Board) -> None:
    graver = revised(OWN, severity="critical")
    await board.announcer.publish([OWN])
    await board.record(OWN)
    await board.announcer.publish([graver[1]])
    late = Peer(board)
    late.subscribe(ALERTS)
    assert [one.payload for one in late.got] == [message(graver[1])]
    await board.record(firing("a1"))
    assert late.known["hw/alerts/own"] == message(graver[1])
    await board.record(graver)
    assert late.known["hw/alerts/own"] == message(graver[1])
    assert board.announcer._told == {}


async def test_a_client_without_room_gets_what_was_told_when_it_has(board: Board) -> None:
    peer = Peer(board, window=1)
    peer.subscribe(ALERTS)
    await board.record(firing("a1"))
    for number in range(5):
        await board.announcer.publish([firing(f"own{number}", "box", kind=KIND)])
    assert peer.read() == ["a1"]
    peer.acknowledge_all()
    assert peer.read() == [f"own{number}" for number in range(5)]


async def test_a_session_that_comes_back_is_told_what_is_not_recorded(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS)
    board.announcer.detach(peer.outbox)
    await board.announcer.publish([OWN])
    assert peer.again().read() == ["own"]


async def test_alerts_about_the_gateway_reach_clients_while_the_disk_fails(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS)
    own = OwnAlerts("", "box", board.state, ToldClock(), [board.announcer])
    recorded: list[Event] = []

    def fail(events: list[Event], _: int) -> None:
        recorded.extend(events)
        raise DiskError("it is full")

    with monkeypatch.context() as patch:
        patch.setattr(board.state, "record", fail)
        async with running(own.run(), board.announcer.run()):
            own.report("disk", "it is full")
            (name,) = await until(peer, 1)
    (alert,) = own.open_alerts
    assert name == alert.id
    assert peer.known[f"hw/alerts/{name}"] == message(alert)
    assert board.state.head == 0
    assert len(recorded) <= 1


# -- a disk that does not give ---------------------------------------------------------------


async def test_reading_is_tried_again_when_the_disk_fails(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN", 0)
    peer = Peer(board)
    peer.subscribe(ALERTS)
    read = State.read
    failures = [DiskError("not now"), DiskError("nor now")]

    def fail(state: State, after: int, limit: int) -> object:
        if failures:
            raise failures.pop()
        return read(state, after, limit)

    monkeypatch.setattr(State, "read", fail)
    async with running(board.announcer.run()):
        await board.store(firing("a1"))
        assert await until(peer, 1) == ["a1"]
    assert failures == []


async def test_a_new_run_takes_up_what_is_open(board: Board) -> None:
    await board.record(firing("a1"), firing("a2"), resolved(firing("a1")), OWN)
    board.restart()
    peer = Peer(board)
    peer.subscribe(ALERTS, STATUS)
    assert peer.read() == ["status", "a2", "own"]
