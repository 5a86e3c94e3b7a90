"""state.db: events once, alerts as they stand, cursors and rule state together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.state import State, StoredFrame, StoredVersion
from rules.alert import Alert, Event

DEVICE = DeviceKey("acme", "d-1")
FIRING = Alert(
    id="a1",
    rule="too-warm",
    version="1",
    kind="threshold",
    severity="warning",
    device=DEVICE,
    channel="temperature",
    state="firing",
    reason="it has lasted long enough",
    began=1000,
    fired=2000,
)
RESOLVED = msgspec.structs.replace(FIRING, state="resolved", ended=3000)


def event(alert: Alert, key: str | None = None) -> Event:
    kind = alert.state
    return Event(key=key or f"{alert.id}:{kind}", kind=kind, at=alert.fired, alert=alert)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.db")
    yield opened
    opened.close()


async def record(state: State, *events: Event, now: int = 5000) -> list[Event]:
    async with state.writing():
        return state.record(events, now)


async def test_an_event_is_recorded_once_and_the_alert_stands_as_it_left_it(state: State) -> None:
    assert await record(state, event(FIRING)) == [event(FIRING)]
    assert state.open_alerts() == [FIRING]
    assert await record(state, event(FIRING), event(RESOLVED)) == [event(RESOLVED)]
    assert state.open_alerts() == []
    assert state.alert("a1") == RESOLVED
    assert await record(state, event(FIRING)) == []
    assert state.alert("a1") == RESOLVED, "an old event changes nothing"


async def test_events_are_followed_in_order_by_number(state: State) -> None:
    await record(state, *(event(FIRING, f"k{n}") for n in range(5)))
    events, cursor = state.read(0, 2)
    assert ([one.event.key for one in events], cursor) == (["k0", "k1"], 2)
    events, cursor = state.read(cursor, 10)
    assert ([one.event.key for one in events], cursor) == (["k2", "k3", "k4"], 5)
    assert state.read(cursor, 10) == ([], 5)
    assert {one.recorded for one in state.read(0, 9)[0]} == {5000}


async def test_what_fails_inside_leaves_nothing(state: State) -> None:
    async def fail() -> None:
        async with state.writing():
            state.record([event(FIRING)], 5000)
            state.move("monitor", 7)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert (state.head, state.cursor("monitor"), state.open_alerts()) == (0, 0, [])
    await record(state, event(FIRING))
    assert state.head == 1


async def test_after_a_failed_commit_the_next_one_opens_the_file_again(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_failed", True)
    before = state._connection
    await record(state, event(FIRING))
    assert state._connection is not before
    assert state.open_alerts() == [FIRING]


async def test_a_reopening_that_fails_is_a_disk_error_and_can_be_tried_again(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise DiskError("it is still full")

    state._failed = True
    with monkeypatch.context() as patch:
        patch.setattr(state, "_connect", fail)
        for _ in range(2):
            with pytest.raises(DiskError, match="still full"):
                await record(state, event(FIRING))
            assert state.open_alerts() == [], "it can still be read"
    await record(state, event(FIRING))
    assert state.open_alerts() == [FIRING]


async def test_events_ring_the_bell_and_cursors_do_not(state: State) -> None:
    bell = state.bell._event
    async with state.writing():
        state.move("monitor", 3)
    assert not bell.is_set()
    await record(state, event(FIRING))
    assert bell.is_set()


async def test_key_frames_are_found_dropped_and_pruned_by_time(state: State) -> None:
    frames = [StoredFrame(DEVICE, at, b"%d" % at) for at in (100, 200, 300)]
    async with state.writing():
        state.keep_frames([*frames, StoredFrame(DeviceKey("", "d-1"), 250, b"other")])
    assert state.frame_before(DEVICE, 99) is None
    assert state.frame_before(DEVICE, 100) == frames[0]
    assert state.frame_before(DEVICE, 299) == frames[1]
    async with state.writing():
        state.drop_frames(DEVICE, 200)
    assert state.frame_before(DEVICE, 999) == frames[1]
    async with state.writing():
        state.prune_frames(200)
    assert state.frame_before(DEVICE, 199) is None


async def test_alerts_of_a_device_reach_back_as_far_as_asked(state: State) -> None:
    other = msgspec.structs.replace(RESOLVED, id="a2", device=DeviceKey("", "d-1"))
    later = msgspec.structs.replace(FIRING, id="a3", began=4000, fired=4500)
    await record(state, event(RESOLVED), event(other), event(later))
    assert [one.id for one in state.alerts_of(DEVICE)] == ["a1", "a3"]
    assert [one.id for one in state.alerts_of(DEVICE, since=3001)] == ["a3"]


async def test_everything_else_comes_back_after_a_restart(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    version = StoredVersion("too-warm", "abc", 0, 77, "{}")
    async with state.writing():
        state.move("monitor", 7)
        state.keep_subjects([(DEVICE, b"s")])
        state.note_late([(DEVICE, 123), (DeviceKey("", "x"), 5)])
        state.keep_rule_versions([version])
        state.bury("influx", [b"1", b"2"], "no such thing", 9)
        state.note_clock("boot", 1, 2, 0)
    state.close()
    state = State(tmp_path / "state.db")
    assert state.cursor("monitor") == 7
    assert list(state.subjects()) == [(DEVICE, b"s")]
    assert dict(state.late()) == {DEVICE: 123, DeviceKey("", "x"): 5}
    assert state.rule_versions() == [version]
    assert state.dead_letters() == {"influx": 2}
    async with state.writing():
        state.forget_late(DEVICE)
    assert state.late() == [(DeviceKey("", "x"), 5)]
    state.close()
