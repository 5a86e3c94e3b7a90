"""state.db: events once, alerts as they stand, cursors and rule state together or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import gateway.state
from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.state import AlertsAsked, State, StoredFrame, StoredVersion
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


async def many(state: State) -> None:
    """Record alerts a0 to a9, two beginning at a time; those with an odd number have ended."""
    made = [
        msgspec.structs.replace(
            RESOLVED if n % 2 else FIRING,
            id=f"a{n}",
            began=1000 * (n // 2),
            device=DeviceKey("acme", f"d-{n % 5}"),
        )
        for n in range(10)
    ]
    await record(state, *(event(one) for one in made))


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 20])
@pytest.mark.parametrize(
    ("asked", "expected"),
    [("all", "9876543210"), ("open", "86420"), ("ended", "97531")],
)
async def test_alerts_are_paged_through_newest_first_each_once(
    state: State, limit: int, asked: AlertsAsked, expected: str
) -> None:
    await many(state)
    found: list[Alert] = []
    while page := state.alerts_page(
        asked, (found[-1].began, found[-1].id) if found else None, limit
    ):
        assert len(page) <= limit
        found += page
    assert "".join(one.id[1:] for one in found) == expected


async def test_of_alerts_that_may_not_be_seen_none_is_in_a_page_nor_counts(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.state, "PAGE", 3)
    await many(state)
    mine = {"d-1", "d-2"}
    page = state.alerts_page("all", None, 3, lambda device: device.id in mine)
    assert [one.id for one in page] == ["a7", "a6", "a2"]
    page = state.alerts_page("all", (1000, "a2"), 3, lambda device: device.id in mine)
    assert [one.id for one in page] == ["a1"]


@pytest.mark.parametrize("asked", ["open", "ended", "all"])
def test_a_page_of_alerts_is_found_without_reading_the_others(
    state: State, monkeypatch: pytest.MonkeyPatch, asked: AlertsAsked
) -> None:
    asked_for: list[str] = []
    rows = state.rows

    def note(statement: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        plan = rows(f"EXPLAIN QUERY PLAN {statement}", bindings)
        asked_for.extend(str(row[-1]) for row in plan)
        return rows(statement, bindings)

    monkeypatch.setattr(state, "rows", note)
    state.alerts_page(asked, (5, "x"), 10)
    state.events_of("a1")
    assert len(asked_for) == 2
    assert all(one.startswith("SEARCH") and "INDEX" in one for one in asked_for), asked_for


async def test_all_that_happened_to_one_alert_is_found(state: State) -> None:
    other = msgspec.structs.replace(FIRING, id="a2")
    await record(state, event(FIRING), event(other))
    await record(state, event(RESOLVED), now=6000)
    events = state.events_of("a1")
    assert [(one.number, one.recorded, one.event.kind) for one in events] == [
        (1, 5000, "firing"),
        (3, 6000, "resolved"),
    ]
    assert state.events_of("nothing") == []


async def test_everything_else_comes_back_after_a_restart(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    version = StoredVersion("too-warm", "abc", 0, 77, "{}")
    async with state.writing():
        state.move("monitor", 7)
        state.keep_subjects([(DEVICE, b"s")])
        state.note_late([(DEVICE, 123), (DeviceKey("", "x"), 5)])
        state.keep_rule_versions([version])
        state.bury("influx", [(b"1", "no such thing"), (b"2", "nor this")], 9)
        state.note_missed("influx", [3, 2, 3])
        state.keep_tag_version(5, b"[]")
        state.note_clock("boot", 1, 2, 0)
    state.close()
    state = State(tmp_path / "state.db")
    assert state.cursor("monitor") == 7
    assert list(state.subjects()) == [(DEVICE, b"s")]
    assert dict(state.late()) == {DEVICE: 123, DeviceKey("", "x"): 5}
    assert state.rule_versions() == [version]
    assert state.dead_letters() == {"influx": 2}
    first, second = state.letters("influx", 0, 9)
    assert (first.recorded, first.reason, second.body) == (9, "no such thing", b"2")
    assert state.letters("influx", first.number, 9) == [second]
    assert (state.missed("influx"), state.missed("other")) == ([2, 3], [])
    assert state.tag_versions() == [(5, b"[]")]
    async with state.writing():
        state.forget_late(DEVICE)
        state.drop_letters([first.number])
        state.forget_missed("influx", 2)
    assert state.late() == [(DeviceKey("", "x"), 5)]
    assert state.letters("influx", 0, 9) == [second]
    assert state.missed("influx") == [3]
    state.close()
