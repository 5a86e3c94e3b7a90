"""What a client may see: the status, alerts of its devices, and nothing of anybody else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import __version__
from gateway.alerts import message
from gateway.listener.principal import Principal
from gateway.mqtt.packets import Subscription
from rules.alert import Alert
from tests.gateway.listener.board import (
    ALERTS,
    ALL,
    FRIDGES,
    STATUS,
    WATCHER,
    Board,
    Peer,
    firing,
    resolved,
    revised,
)

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
