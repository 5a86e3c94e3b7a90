"""What one client is sent, in which order, how much of it at a time, and what it may never see."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import __version__
from gateway.alerts import message
from gateway.database import DiskError
from gateway.listener import announcer as module
from gateway.listener.announcer import PAGE
from gateway.listener.outbox import FILTERS, TURN, WINDOW
from gateway.listener.principal import Principal
from gateway.mqtt.packets import V5, V311, Publish, Subscription
from rules.alert import Alert
from tests.gateway.listener.board import (
    ALERTS,
    ALL,
    STATUS,
    Board,
    Peer,
    firing,
    resolved,
    revised,
)

FRIDGES = Principal("fridges", "", ("fridge-*",))
WATCHER = Principal("watcher", "", (), ("fridge-*", "reefer-?"))


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    made = Board(tmp_path)
    yield made
    made.close()


def many(count: int, **more: object) -> list[Alert]:
    return [firing(f"a{number:05}", **more) for number in range(count)]  # type: ignore[arg-type]


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


# -- the status ------------------------------------------------------------------------------


async def test_the_status_counts_and_comes_when_it_has_changed(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(STATUS)
    assert [one.retain for one in peer.got] == [True]
    assert msgspec.json.decode(peer.got[0].payload) == {
        "box": "box",
        "version": __version__,
        "started": 1000,
        "alerts": {"critical": 0, "warning": 0, "info": 0},
    }
    peer.read()
    await board.record(firing("a1"), firing("a2", severity="critical"))
    assert [one.retain for one in peer.got] == [False]
    assert msgspec.json.decode(peer.got[0].payload)["alerts"] == {
        "critical": 1,
        "warning": 1,
        "info": 0,
    }
    peer.read()
    await board.record(revised(firing("a1"), worst=9.0), firing("a3", retrospective=True))
    assert peer.read() == [], "it counts as many as before"
    await board.record(resolved(firing("a1")))
    assert peer.read() == ["status"]


async def test_a_session_that_comes_back_gets_the_status_once(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe("hw/#")
    peer.acknowledge_all()
    peer.read()
    peer = peer.again()
    assert peer.read() == ["status"]
    await board.settle()
    assert peer.read() == []


async def test_devices_of_others_are_not_counted(board: Board) -> None:
    peer = Peer(board)
    peer.subscribe(STATUS, retain_handling=2)
    await board.record(firing("a1", owner="carrier"))
    assert peer.read() == []


# -- who sees what ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (ALL, {"fridge", "reefer", "door", "own"}),
        (FRIDGES, {"fridge"}),
        (WATCHER, {"fridge", "reefer"}),
        (Principal("speaker", "", ("*",)), {"fridge", "reefer", "door"}),
        (Principal("carrier", "carrier", ("*",), ("*",)), {"foreign"}),
        (Principal("nobody", "", ()), set()),
    ],
    ids=lambda value: value.name if isinstance(value, Principal) else "",
)
async def test_a_client_sees_the_alerts_of_its_devices(
    board: Board, principal: Principal, expected: set[str]
) -> None:
    alerts = [
        firing("fridge", "fridge-1"),
        firing("reefer", "reefer-1"),
        firing("door", "door-1"),
        firing("foreign", "fridge-1", owner="carrier"),
        firing("own", "box", kind="gateway"),
    ]
    live = Peer(board, principal)
    live.subscribe(ALERTS)
    await board.record(*alerts)
    late = Peer(board, principal)
    late.subscribe(ALERTS)
    back = Peer(board, principal, cursor=0, subscriptions=[Subscription(ALERTS)])
    back.outbox.pump()
    for peer in (live, late, back):
        assert set(peer.read()) == expected


OWNERS = st.sampled_from(("", "carrier"))
IDS = st.sampled_from(("fridge-1", "fridge-2", "reefer-1", "box"))
PATTERNS = st.lists(
    st.sampled_from(("*", "fridge-*", "fridge-1", "reefer-?", "box", "[fr]*", "")), max_size=2
).map(tuple)
PRINCIPALS = st.builds(Principal, st.just("p"), OWNERS, PATTERNS, PATTERNS)
WANTED = st.builds(
    Subscription,
    st.sampled_from(("#", "hw/#", "+/+/+", ALERTS, "hw/alerts/a1", STATUS, "other/#")),
    st.integers(0, 2),
    retain_as_published=st.booleans(),
    retain_handling=st.integers(0, 2),
)
ALERT = st.tuples(
    st.sampled_from(("a1", "a2", "a3")), OWNERS, IDS, st.sampled_from(("threshold", "gateway"))
)
NUMBER = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("subscribe"), st.lists(WANTED, min_size=1, max_size=3)),
        st.tuples(st.just("unsubscribe"), st.sampled_from(("#", ALERTS, STATUS))),
        st.tuples(st.just("fire"), ALERT),
        st.tuples(st.just("close"), NUMBER),
        st.tuples(st.just("revise"), NUMBER),
        st.tuples(st.just("record"), st.none()),
        st.tuples(st.just("settle"), st.none()),
        st.tuples(st.just("acknowledge"), NUMBER),
        st.tuples(st.just("block"), st.booleans()),
        st.tuples(st.just("break_off"), st.none()),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(principal=PRINCIPALS, window=st.integers(1, 3), steps=STEPS)
async def test_whatever_happens_a_client_gets_all_that_it_may_see_and_nothing_else(
    principal: Principal, window: int, steps: list[tuple[str, object]]
) -> None:
    with TemporaryDirectory() as folder:
        board = Board(Path(folder))
        try:
            story = Story(board, principal, window)
            for what, value in steps:
                await getattr(story, what)(value)
                story.check()
            await story.end()
        finally:
            board.close()


class Story:
    """What happens to a client and to alerts; each step is a method of one value."""

    def __init__(self, board: Board, principal: Principal, window: int) -> None:
        self.board = board
        self.principal = principal
        self.window = window
        self.peer = Peer(board, principal, window=window)
        self.alerts: dict[str, Alert] = {}
        """As they stand, closed ones too."""
        self.unrecorded: Alert | tuple[Alert, Alert] | None = None
        self.sent: dict[str, int] = {}
        """The revision that was sent last of each alert; after its end no other may come."""

    # -- what is asked of all that was sent

    def may_see(self, alert: Alert) -> bool:
        if alert.kind == "gateway" and "*" not in self.principal.sees:
            return False
        patterns = self.principal.speaks_for + self.principal.sees
        own = alert.device.owner == self.principal.owner
        return own and any(fnmatchcase(alert.device.id, one) for one in patterns)

    def check(self) -> None:
        for one in self.peer.got:
            name = one.topic.decode()
            if name == STATUS:
                assert "*" in self.principal.sees
                continue
            identity = name.removeprefix("hw/alerts/")
            assert self.may_see(self.alerts[identity])
            revision = 1_000_000
            if one.payload:
                revision = msgspec.json.decode(one.payload, type=Alert).revision
            assert revision >= self.sent.get(identity, 0), "an earlier message after a later one"
            self.sent[identity] = revision
        self.peer.got.clear()

    async def end(self) -> None:
        """Let the client subscribe to all and acknowledge all: it knows what is open."""
        await self.record(None)
        await self.block(value=False)
        await self.subscribe([Subscription(ALERTS, 1)])
        await self.board.settle()
        self.peer.acknowledge_all()
        self.check()
        known = {name: one for name, one in self.peer.known.items() if name != STATUS}
        assert known == {
            f"hw/alerts/{one.id}": message(one)
            for one in self.alerts.values()
            if one.ended is None and self.may_see(one)
        }
        assert self.peer.outbox.cursor == self.board.state.head

    # -- steps

    async def subscribe(self, wanted: list[Subscription]) -> None:
        self.peer.outbox.subscribe(wanted)
        self.peer.outbox.pump()

    async def unsubscribe(self, name: str) -> None:
        self.peer.outbox.unsubscribe([name])
        # What it is not told of any more it may as well forget.
        self.peer.known.clear()

    async def fire(self, value: tuple[str, str, str, str]) -> None:
        name, owner, device, kind = value
        if name not in self.alerts:
            await self.happen(firing(name, device, owner, kind))

    async def close(self, number: int) -> None:
        opened = [one for one in self.alerts.values() if one.ended is None]
        if opened:
            await self.happen(resolved(opened[number % len(opened)]))

    async def revise(self, number: int) -> None:
        opened = [one for one in self.alerts.values() if one.ended is None]
        if opened:
            await self.happen(revised(opened[number % len(opened)], worst=float(number)))

    async def happen(self, what: Alert | tuple[Alert, Alert]) -> None:
        """Record it, and let the announcer lag; the gateway's own is told first."""
        alert = what if isinstance(what, Alert) else what[1]
        self.alerts[alert.id] = alert
        if alert.kind != "gateway":
            await self.board.store(what)
            return
        await self.record(None)
        await self.board.announcer.publish([alert])
        self.unrecorded = what

    async def record(self, _: None) -> None:
        if self.unrecorded is not None:
            await self.board.store(self.unrecorded)
            self.unrecorded = None

    async def settle(self, _: None) -> None:
        await self.board.settle()

    async def acknowledge(self, count: int) -> None:
        self.peer.acknowledge(count)

    async def block(self, value: bool) -> None:  # noqa: FBT001 - a step's one value
        self.peer.outbox.blocked = value
        self.peer.outbox.pump()

    async def break_off(self, _: None) -> None:
        self.peer = self.peer.again(window=self.window)

    async def restart(self, _: None) -> None:
        await self.record(None)
        self.board.restart()
        await self.break_off(None)
