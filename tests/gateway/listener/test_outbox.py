"""What one client is sent of alerts, and what its subscriptions say."""

from __future__ import annotations

import pytest

from gateway.alerts import message
from gateway.listener.outbox import FILTERS, WINDOW
from gateway.listener.principal import Principal
from gateway.mqtt.packets import V5, V311, Publish, Subscription
from tests.gateway.listener.board import (
    ALERTS,
    ALL,
    FRIDGES,
    STATUS,
    Board,
    Peer,
    firing,
    many,
    resolved,
    revised,
)

# -- live ------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_an_alert_is_sent_when_it_opens_and_cleared_when_it_closes(
    board: Board, qos: int
) -> None:
    peer = Peer(board)
    assert peer.subscribe(ALERTS, qos=qos) == (min(qos, 1),)
    await board.record(firing())
    await board.record(resolved(firing()))
    granted = min(qos, 1)
    assert peer.got == [
        Publish(b"hw/alerts/a1", message(firing()), granted, granted),
        Publish(b"hw/alerts/a1", b"", 2 * granted, granted),
    ]


@pytest.mark.parametrize(
    ("version", "as_published", "retain"),
    [(V5, True, True), (V5, False, False), (V311, True, False)],
)
async def test_a_live_message_is_marked_retained_only_for_who_asked_by_mqtt5(
    board: Board, version: int, *, as_published: bool, retain: bool
) -> None:
    peer = Peer(board, version=version)
    peer.subscribe(ALERTS, retain_as_published=as_published)
    await board.record(firing())
    assert [one.retain for one in peer.got] == [retain]


async def test_overlapping_filters_bring_one_message_at_the_highest_qos(board: Board) -> None:
    await board.record(firing())
    peer = Peer(board)
    peer.outbox.subscribe(
        [Subscription("#"), Subscription(ALERTS, 1), Subscription("hw/alerts/a1")]
    )
    peer.outbox.pump()
    assert sorted((one.topic, one.qos) for one in peer.got) == [
        (b"hw/alerts/a1", 1),
        (b"hw/status", 0),
    ]
    peer.got.clear()
    await board.record(resolved(firing()))
    assert sorted((one.topic, one.qos) for one in peer.got) == [
        (b"hw/alerts/a1", 1),
        (b"hw/status", 0),
    ]


async def test_one_alert_alone_may_be_asked_for(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe("hw/alerts/a2")
    await board.record(firing("a1"), firing("a2"))
    assert peer.read() == ["a2"]
    assert peer.outbox.cursor == 1, "a1 is not wanted, a2 not acknowledged"
    peer.acknowledge()
    assert peer.outbox.cursor == 2


async def test_what_was_found_in_the_past_is_not_published_until_it_is_live(board: Board) -> None:
    past = firing(retrospective=True)
    peer = Peer(board)
    peer.subscribe(ALERTS)
    await board.record(past, resolved(past), firing("a2", retrospective=True))
    assert peer.read() == []
    late = Peer(board)
    late.subscribe(ALERTS)
    assert late.read() == []
    await board.record(revised(firing("a2", retrospective=True), retrospective=False))
    assert peer.read() == ["a2"]


async def test_what_is_closed_already_is_not_cleared_again(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(ALERTS)
    over = resolved(firing())
    await board.record(firing())
    await board.record(over)
    await board.record(revised(over, ended=2500))
    assert peer.read() == ["a1", "-a1"]


# -- subscribing -----------------------------------------------------------------------------


@pytest.mark.parametrize("principal", [ALL, FRIDGES], ids=["all", "fridges"])
@pytest.mark.parametrize(
    ("topic_filter", "code", "old"),
    [
        ("#", 1, 1),
        ("hw/#", 1, 1),
        ("+/alerts/+", 1, 1),
        ("hw/alerts/8fda9e622f74062b", 1, 1),
        ("hw/alerts", 0x87, 0x80),
        ("hw/alerts/", 0x87, 0x80),
        ("hw/alerts/a/b", 0x87, 0x80),
        ("other/alerts/+", 0x87, 0x80),
        ("$SYS/#", 0x87, 0x80),
        ("cargo/+/+/readings", 0x87, 0x80),
        ("hw/alerts/" + "x" * 246, 1, 1),
        ("hw/alerts/" + "x" * 247, 0x8F, 0x80),
        ("$share/group/hw/alerts/+", 0x9E, 0x80),
        ("$share/group/other", 0x9E, 0x80),
    ],
)
def test_a_filter_that_can_bring_nothing_is_refused(
    board: Board, principal: Principal, topic_filter: str, code: int, old: int
) -> None:
    assert Peer(board, principal).subscribe(topic_filter) == (code,)
    assert Peer(board, principal, version=V311).subscribe(topic_filter) == (old,)


def test_the_status_is_for_those_who_see_all(board: Board) -> None:
    assert Peer(board, FRIDGES).subscribe(STATUS) == (0x87,)
    assert Peer(board, ALL).subscribe(STATUS) == (1,)


@pytest.mark.parametrize(("version", "code"), [(V5, 0x97), (V311, 0x80)])
def test_a_client_has_so_many_filters_and_no_more(board: Board, version: int, code: int) -> None:
    peer = Peer(board, version=version)
    names = [f"hw/alerts/{number}" for number in range(FILTERS + 1)]
    assert peer.subscribe(*names) == (*[1] * FILTERS, code)
    assert peer.subscribe(names[0]) == (1,), "one that it has may be asked for again"
    assert peer.subscribe(*[names[0]] * (FILTERS + 2)) == (*[1] * FILTERS, code, code)
    assert peer.outbox.unsubscribe([names[0], "never"]) == (0, 0x11)
    assert peer.subscribe(names[-1]) == (1,)


@pytest.mark.parametrize(
    ("handling", "at_first", "again"), [(0, ["a1"], ["a1"]), (1, ["a1"], []), (2, [], [])]
)
async def test_retained_messages_come_as_the_subscription_says(
    board: Board, handling: int, at_first: list[str], again: list[str]
) -> None:
    await board.record(firing("a0"), resolved(firing("a0")), firing("a1"))
    peer = Peer(board)
    peer.subscribe(ALERTS, retain_handling=handling)
    assert all(one.retain for one in peer.got)
    assert peer.read() == at_first
    peer.acknowledge()
    peer.subscribe(ALERTS, retain_handling=handling)
    assert peer.read() == again
    await board.record(resolved(firing("a1")))
    assert peer.read() == ["-a1"], "what changes comes in any case"


async def test_nothing_is_sent_before_the_subscription_is_answered(board: Board) -> None:
    await board.record(firing())
    peer = Peer(board)
    peer.outbox.subscribe([Subscription(ALERTS)])
    assert peer.got == []
    peer.outbox.pump()
    assert peer.read() == ["a1"]


async def test_an_end_of_subscription_ends_the_messages_also_in_the_middle(board: Board) -> None:
    await board.record(*many(30))
    peer = Peer(board)
    peer.subscribe(ALERTS, "hw/alerts/a00029")
    assert len(peer.read()) == WINDOW
    assert peer.outbox.unsubscribe([ALERTS]) == (0,)
    peer.acknowledge_all()
    assert peer.read() == ["a00029"], "the other subscription goes on"
    await board.record(resolved(firing("a00001")), resolved(firing("a00029")))
    assert peer.read() == ["-a00029"]
    peer.acknowledge_all()
    assert peer.outbox.unsubscribe(["hw/alerts/a00029"]) == (0,)
    await board.record(firing("a2"))
    assert peer.read() == []
    assert peer.outbox.cursor == board.state.head


async def test_the_same_filter_asked_for_in_the_middle_begins_again(board: Board) -> None:
    await board.record(*many(30))
    peer = Peer(board)
    peer.subscribe(ALERTS)
    peer.subscribe(ALERTS)
    peer.acknowledge_all()
    assert len(peer.got) == WINDOW + 30
    assert peer.outbox._owed == []
