"""How much a client is sent at a time, and where it goes on when it comes back."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from gateway.alerts import message
from gateway.database import DiskError
from gateway.listener import announcer as module
from gateway.listener.announcer import PAGE
from gateway.listener.outbox import TURN, WINDOW
from gateway.mqtt.packets import Publish, Subscription
from tests.gateway.listener.board import (
    ALERTS,
    FRIDGES,
    STATUS,
    Board,
    Peer,
    firing,
    many,
    resolved,
    revised,
)

# -- the window ------------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "expected"), [(1, 1), (7, 7), (65_535, WINDOW)])
async def test_no_more_is_under_way_than_the_client_takes(
    board: Board, window: int, expected: int
) -> None:
    await board.record(*many(50))
    peer = Peer(board, window=window)
    peer.subscribe("hw/#")
    await board.record(firing("b1"))
    while peer.unacknowledged:
        assert len(peer.unacknowledged) <= expected
        assert len(set(peer.unacknowledged)) == len(peer.unacknowledged)
        peer.acknowledge(1)
    names = peer.read()
    assert set(names) == {one.id for one in [*many(50), firing("b1")]} | {"status"}


async def test_an_acknowledgement_of_nothing_is_known_as_such(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS)
    assert not peer.outbox.acknowledged(1)
    await board.record(firing())
    assert peer.outbox.acknowledged(1)
    assert not peer.outbox.acknowledged(1)


async def test_packet_ids_go_round_and_leave_out_those_under_way(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS)
    await board.record(firing("a1"))
    peer.outbox._packet_id = 65_534
    await board.record(firing("a2"), firing("a3"))
    assert [one.packet_id for one in peer.got] == [1, 65_535, 2]


async def test_the_cursor_waits_for_the_oldest_that_is_not_acknowledged(board: Board) -> None:
    peer = Peer(board, FRIDGES)
    peer.subscribe(ALERTS)
    await board.record(*[firing(f"a{n}", "fridge-1" if n != 3 else "other") for n in range(1, 5)])
    assert (peer.read(), peer.outbox.cursor) == (["a1", "a2", "a4"], 0)
    first, second, fourth = peer.unacknowledged
    peer.outbox.acknowledged(second)
    assert peer.outbox.cursor == 0
    peer.outbox.acknowledged(first)
    assert peer.outbox.cursor == 3, "past one that this client may not see"
    peer.outbox.acknowledged(fourth)
    assert peer.outbox.cursor == 4


async def test_the_cursor_passes_only_what_is_delivered_while_the_window_is_full(
    board: Board,
) -> None:
    peer = Peer(board, window=1)
    peer.subscribe(ALERTS)
    await board.record(firing("a1"), firing("a2"), resolved(firing("a2")), firing("a3"))
    cursors = [peer.outbox.cursor]
    while peer.unacknowledged:
        peer.acknowledge(1)
        cursors.append(peer.outbox.cursor)
    assert peer.read() == ["a1", "-a2", "a3"]
    assert cursors == [0, 2, 3, 4]


async def test_a_client_that_does_not_acknowledge_gets_the_latest_when_it_does(
    board: Board,
) -> None:
    peer = Peer(board, window=1)
    peer.subscribe(ALERTS)
    await board.record(firing("a1"))
    alert = firing("a2")
    await board.record(alert)
    for worst in range(250):
        await board.record(revised(alert, worst=float(worst)))
        alert = revised(alert, worst=float(worst))[1]
    assert peer.read() == ["a1"]
    peer.acknowledge(1)
    await board.settle()
    assert [one.payload for one in peer.got] == [message(alert)]


# -- clients that do not read ----------------------------------------------------------------


async def test_nothing_is_sent_while_the_connection_is_full(board: Board) -> None:
    await board.record(*many(5))
    peer = Peer(board)
    peer.outbox.blocked = True
    peer.subscribe("hw/#", qos=0)
    await board.record(firing("b1"), resolved(firing("a00000")))
    assert peer.got == []
    assert peer.outbox.cursor == 5
    peer.outbox.blocked = False
    peer.outbox.pump()
    assert set(peer.known) == {f"hw/alerts/a0000{n}" for n in range(1, 5)} | {
        "hw/alerts/b1",
        STATUS,
    }
    assert peer.outbox.cursor == 7


async def test_it_stops_at_once_when_a_message_fills_the_connection(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS, qos=0)
    take = peer.take
    seen = []

    def full(message: Publish) -> None:
        take(message)
        peer.outbox.blocked = True
        peer.outbox.pump()
        seen.append(peer.outbox.cursor)

    peer.outbox._send = full
    await board.record(firing("a1"), firing("a2"))
    assert (peer.read(), seen) == (["a1"], [1])
    peer.outbox.blocked = False
    peer.outbox.pump()
    assert (peer.read(), seen) == (["a2"], [1, 2])


async def test_many_open_alerts_go_out_in_turns(board: Board) -> None:
    await board.store(*many(3 * TURN))
    await board.settle()
    peer = Peer(board)
    peer.subscribe(ALERTS, qos=0)
    assert len(peer.got) < TURN, "others have their turn first"
    await board.settle()
    assert peer.read() == [one.id for one in many(3 * TURN)]


@pytest.mark.parametrize("how", ["blocked", "never acknowledges", "one at a time"])
async def test_memory_does_not_grow_with_the_alerts(board: Board, how: str) -> None:
    await board.store(*many(2_000))
    await board.settle()
    clients = 50
    tracemalloc.start()
    try:
        peers = [Peer(board, window=1 if how == "one at a time" else 20) for _ in range(clients)]
        for peer in peers:
            # What has left is the client's.
            peer.outbox._send = lambda _: None
            peer.outbox.blocked = how == "blocked"
            peer.subscribe("hw/#")
        await board.store(*[resolved(one) for one in many(2_000)])
        await board.settle()
        for peer in peers:
            assert len(peer.outbox._under_way) <= WINDOW
            assert len(peer.outbox._changes) <= PAGE
            assert peer.outbox.cursor == 2_000
            board.announcer.detach(peer.outbox)
        with_them = tracemalloc.get_traced_memory()[0]
        del peer, peers
        gc.collect()
        held = with_them - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held / clients < 8_000, "bytes a client"


# -- coming back -----------------------------------------------------------------------------


async def test_a_session_goes_on_with_what_changed_and_what_closed(board: Board) -> None:
    await board.record(firing("a1"), firing("a2"), firing("a3"))
    peer = Peer(board)
    peer.subscribe(ALERTS)
    peer.acknowledge_all()
    peer.read()
    await board.record(resolved(firing("a1")))
    peer.acknowledge_all()
    peer = peer.again()
    assert peer.read() == []
    board.announcer.detach(peer.outbox)
    alert = revised(firing("a2"), worst=9.0)
    await board.record(resolved(firing("a3")), alert, firing("a4"), resolved(firing("a4")))
    board.restart()
    peer = peer.again()
    assert peer.read() == ["-a3", "a2", "-a4"]
    assert peer.known == {"hw/alerts/a2": message(alert[1])}
    assert all(not one.retain for one in peer.got)


async def test_what_was_not_acknowledged_comes_again(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS)
    await board.record(firing("a1"), firing("a2"), firing("a3"))
    peer.outbox.acknowledged(peer.unacknowledged[1])
    peer = peer.again()
    assert peer.read() == ["a1", "a2", "a3"]
    peer.acknowledge(1)
    peer = peer.again()
    assert peer.read() == ["a2", "a3"]


@pytest.mark.parametrize("handling", [0, 1])
async def test_retained_messages_that_were_still_owed_are_sent_after_coming_back(
    board: Board, handling: int
) -> None:
    await board.record(*many(50))
    peer = Peer(board)
    peer.subscribe(ALERTS, retain_handling=handling)
    peer.acknowledge(10)
    peer.subscribe(ALERTS, retain_handling=2)
    await board.record(resolved(firing("a00003")))
    peer.acknowledge(15)
    peer = peer.again()
    peer.acknowledge_all()
    assert len(peer.known) == 49
    assert peer.read()[-49:] == [one.id for one in many(50) if one.id != "a00003"]
    peer = peer.again()
    assert peer.read() == [], "and only once"


async def test_retained_messages_are_owed_until_they_are_acknowledged(board: Board) -> None:
    await board.record(firing("a1"), firing("a2"))
    peer = Peer(board)
    peer.subscribe(ALERTS)
    peer.acknowledge(1)
    peer = peer.again()
    assert peer.read() == ["a1", "a2"]
    peer.acknowledge_all()
    assert peer.again().read() == []


async def test_who_has_no_subscription_is_not_read_to(board: Board) -> None:
    peer = Peer(board)
    board.announcer.detach(peer.outbox)
    await board.record(*many(3 * PAGE))
    peer.outbox.pump()
    assert peer.outbox.cursor == board.state.head


async def test_a_session_that_was_away_for_long_is_read_in_pages(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS, qos=0)
    board.announcer.detach(peer.outbox)
    alerts = many(3 * PAGE)
    await board.record(*alerts)
    await board.record(*[resolved(one) for one in alerts[: 2 * PAGE]])
    board.restart()
    peer = peer.again()
    await board.settle()
    names = peer.read()
    assert len(names) == len(set(names)) == 3 * PAGE, "the latest of each, once"
    assert len(peer.known) == PAGE
    assert peer.outbox.cursor == board.state.head


async def test_a_cursor_of_a_lost_file_is_no_more_than_what_there_is(board: Board) -> None:
    await board.record(firing("a1"))
    peer = Peer(board, cursor=900, subscriptions=[Subscription(ALERTS, 1, retain_handling=2)])
    assert peer.outbox.cursor == 1
    await board.record(firing("a2"))
    assert peer.read() == ["a2"]


async def test_events_that_the_disk_does_not_give_are_asked_for_again(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    await board.record(firing("a1"))
    board.restart()
    monkeypatch.setattr(module, "AGAIN", 0)
    subscriptions = [Subscription(ALERTS, 1, retain_handling=2)]
    peer = Peer(board, cursor=0, subscriptions=subscriptions)

    def fail(*_: object) -> None:
        raise DiskError("not now")

    with monkeypatch.context() as patch:
        patch.setattr(board.state, "read", fail)
        peer.outbox.pump()
        assert (peer.read(), peer.outbox.cursor) == ([], 0)
    await board.settle()
    assert peer.read() == ["a1"]
