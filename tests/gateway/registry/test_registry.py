"""Facts that people state of devices: dated, never lost, told once they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.people import audit
from gateway.people.audit import Entry, Who
from gateway.registry import Calibration, Card, Maintenance, Registry, Replaced
from gateway.registry.cards import CardChange, Fact, Withdrawn
from gateway.registry.registry import BEGINNING, Stay
from gateway.state import State
from rules.plan import Stand
from tests.gateway.parts import NOW, said

A, B, C = (DeviceKey("acme", name) for name in "abc")


class Shelf:
    """A registry over a file, and what it told; `again` is a new start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[DeviceKey, int, str]] = []
        self.staged: list[tuple[DeviceKey, int, str]] = []
        self.cards: list[DeviceKey] = []
        self.open()

    def open(self) -> None:
        self.state = State(self.folder / "state.db")
        self.registry = Registry(self.state)
        self.registry.on_change = lambda *told: self.told.append(told)
        self.registry.stage_change = lambda *told: self.staged.append(told)
        self.registry.on_card = self.cards.append

    def again(self) -> None:
        self.state.close()
        self.open()

    async def state_of(self, device: DeviceKey, *facts: Fact) -> list[int]:
        async with self.registry.changing() as change:
            return [change.state(device, one) for one in facts]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.state.close()


async def test_a_card_holds_from_its_time_on_and_what_is_not_named_stays(shelf: Shelf) -> None:
    await shelf.state_of(A, CardChange(since=NOW, name="Left", site="Clinic"))
    await shelf.state_of(A, CardChange(since=NOW + 10, site="Depot"))
    # stated later, about a time between
    await shelf.state_of(A, CardChange(since=NOW + 5, zone="Room 2", name=""))
    for _ in range(2):
        registry = shelf.registry
        assert registry.card(A) == Card(name="", site="Depot", zone="Room 2")
        assert registry.card(A, NOW - 1) == Card()
        assert registry.card(A, NOW) == Card(name="Left", site="Clinic")
        assert registry.card(A, NOW + 9) == Card(site="Clinic", zone="Room 2")
        assert [since for since, _ in registry.cards(A)] == [NOW, NOW + 5, NOW + 10]
        assert registry.card(B) == Card()
        shelf.again()


async def test_of_two_that_hold_from_one_time_on_the_later_one_counts(shelf: Shelf) -> None:
    await shelf.state_of(A, CardChange(since=NOW, name="Left", position=(1.0, 2.0)))
    await shelf.state_of(A, CardChange(since=NOW, name="Right", position=None))
    for _ in range(2):
        assert shelf.registry.cards(A) == [(NOW, Card(name="Right"))]
        shelf.again()


async def test_what_is_withdrawn_holds_no_longer_and_is_still_in_the_file(shelf: Shelf) -> None:
    (number, _) = await shelf.state_of(
        A,
        Calibration(since=NOW, channel="temperature", offset=1.0),
        CardChange(since=NOW, name="Left"),
    )
    assert shelf.registry.corrections.any
    await shelf.state_of(A, Withdrawn(since=NOW + 99, fact=number))
    for _ in range(2):
        assert shelf.registry.calibrations(A) == []
        assert not shelf.registry.corrections.any
        assert shelf.registry.card(A).name == "Left"
        shelf.again()
    assert shelf.state.rows("SELECT count(*) FROM fact") == [(3,)]


async def test_who_must_judge_again_is_told_from_when_on_after_the_commit(shelf: Shelf) -> None:
    for fact, told in (
        (CardChange(since=NOW, name="Left"), []),
        (CardChange(since=NOW, interval=60_000), [(A, NOW, "interval")]),
        (CardChange(since=NOW, model=""), [(A, NOW, "model")]),
        (Calibration(since=NOW - 5, channel="temperature"), [(A, NOW - 5, "calibration")]),
        (Maintenance(since=NOW, until=NOW + 9, reason="r", who="w"), [(A, NOW, "maintenance")]),
        (Replaced(since=NOW, old=B), [(A, NOW, "place"), (B, NOW, "place")]),
    ):
        shelf.told.clear()
        shelf.staged.clear()
        (number,) = await shelf.state_of(A, fact)
        assert (shelf.told, shelf.staged) == (told, told), fact
        # To withdraw it is to judge the same again.
        shelf.told.clear()
        await shelf.state_of(A, Withdrawn(since=NOW + 99, fact=number))
        assert shelf.told == told, fact
    assert shelf.cards == [A] * 6


async def test_several_facts_are_told_as_one_from_the_earliest_on(shelf: Shelf) -> None:
    await shelf.state_of(
        A,
        Calibration(since=NOW, channel="temperature"),
        Calibration(since=NOW - 7, channel="humidity"),
        CardChange(since=NOW, model="TH2", interval=60_000, name="Left"),
    )
    assert shelf.told == [(A, NOW - 7, "calibration and interval and model")]


async def test_what_the_disk_does_not_take_is_neither_known_nor_told(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise DiskError("the disk is full")

    async def change() -> None:
        async with shelf.registry.changing() as change:
            change.state(A, CardChange(since=NOW, name="Left", interval=1))
            change.note(Entry(at=NOW, who=Who("anna", "page"), what="device-set", object="a"))

    with monkeypatch.context() as patch:
        patch.setattr(shelf.state, "commit_aside", fail)
        with pytest.raises(DiskError):
            await change()
    assert shelf.registry.card(A) == Card()
    assert (shelf.told, shelf.cards, audit.page(shelf.state, None, 9)) == ([], [], [])
    await change()
    assert shelf.registry.card(A).name == "Left"
    assert [one.what for one in audit.page(shelf.state, None, 9)] == ["device-set"]


async def test_whoever_looks_from_another_process_sees_what_was_stated_since(
    shelf: Shelf,
) -> None:
    await shelf.state_of(A, CardChange(since=NOW, name="Left"))
    other = State(shelf.folder / "state.db", looking=True)
    looking = Registry(other)
    assert looking.card(A).name == "Left"
    (number,) = await shelf.state_of(B, Calibration(since=NOW, channel="temperature", offset=1.0))
    await shelf.state_of(A, CardChange(since=NOW, name="Right"))
    looking.look()
    assert looking.card(A).name == "Right"
    assert looking.corrections.corrected(said("b", owner="acme")).values == (6.0,)
    await shelf.state_of(B, Withdrawn(since=NOW, fact=number))
    looking.look()
    assert not looking.corrections.any
    other.close()


async def test_facts_of_kinds_that_nobody_knows_are_left_alone(shelf: Shelf) -> None:
    async with shelf.state.writing():
        shelf.state.stage(
            "INSERT INTO fact (owner, device, kind, since, body) VALUES ('acme','a',?,0,'{}')",
            [("a-newer-kind",)],
        )
    shelf.again()
    assert shelf.registry.devices() == []


async def test_maintenance_is_known_by_its_time(shelf: Shelf) -> None:
    work = Maintenance(since=NOW, until=NOW + 10, reason="defrosting", who="anna")
    await shelf.state_of(A, work)
    for when, found in ((NOW - 1, None), (NOW, work), (NOW + 9, work), (NOW + 10, None)):
        assert shelf.registry.maintenance(A, when) == found


# --- one for another


async def test_who_stands_in_for_whom_is_known_as_a_line(shelf: Shelf) -> None:
    await shelf.state_of(B, Replaced(since=NOW, old=A))
    await shelf.state_of(C, Replaced(since=NOW + 10, old=B))
    for _ in range(2):
        registry = shelf.registry
        assert registry.replaced_by(A) == (B, NOW)
        assert registry.replaced_by(B) == (C, NOW + 10)
        assert registry.replaced_by(C) is None
        assert registry.stands_for(C) == (C, B, A)
        assert registry.stands(C) == (Stand(C), Stand(B, NOW + 10), Stand(A, NOW + 10))
        assert registry.stands(DeviceKey("", "x")) == (Stand(DeviceKey("", "x")),)
        assert registry.stands_for(DeviceKey("", "x")) == (DeviceKey("", "x"),)
        assert registry.line(C) == [
            Stay(C, NOW + 10, None),
            Stay(B, NOW, NOW + 10),
            Stay(A, BEGINNING, NOW),
        ]
        assert registry.line(B) == [Stay(B, NOW, NOW + 10), Stay(A, BEGINNING, NOW)]
        shelf.again()


async def test_one_that_comes_back_into_its_place_is_not_replaced_any_more(shelf: Shelf) -> None:
    await shelf.state_of(B, Replaced(since=NOW, old=A))
    (back,) = await shelf.state_of(A, Replaced(since=NOW + 10, old=B))
    registry = shelf.registry
    assert registry.replaced_by(A) is None
    assert registry.replaced_by(B) == (A, NOW + 10)
    assert registry.line(A) == [
        Stay(A, NOW + 10, None),
        Stay(B, NOW, NOW + 10),
        Stay(A, BEGINNING, NOW),
    ]
    assert registry.stands_for(A) == (A, B)
    assert registry.stands(A) == (
        Stand(A, until=NOW),
        Stand(A, NOW + 10),
        Stand(B, NOW + 10),
    )
    assert registry.stands(B) == (Stand(B, until=NOW + 10), Stand(A, NOW, NOW + 10))
    await shelf.state_of(A, Withdrawn(since=NOW + 20, fact=back))
    assert registry.stands(A) == (Stand(A, until=NOW),)
    assert registry.stands(B) == (Stand(B), Stand(A, NOW))
    assert registry.replaced_by(A) == (B, NOW)
    assert registry.replaced_by(B) is None


async def test_a_device_that_was_moved_on_stands_for_the_first_no_more(shelf: Shelf) -> None:
    await shelf.state_of(C, Replaced(since=NOW, old=A))
    await shelf.state_of(C, Replaced(since=NOW + 10, old=B))
    assert shelf.registry.stands(C) == (Stand(C), Stand(A, NOW, NOW + 10), Stand(B, NOW + 10))


async def test_who_came_after_is_judged_again_with_whom_it_follows(shelf: Shelf) -> None:
    (first,) = await shelf.state_of(B, Replaced(since=NOW, old=A))
    await shelf.state_of(C, Replaced(since=NOW + 10, old=B))
    await shelf.state_of(B, Withdrawn(since=NOW + 20, fact=first))
    assert sorted(shelf.told[-3:]) == [(one, NOW, "place") for one in (A, B, C)]


async def test_a_device_may_be_exchanged_twice(shelf: Shelf) -> None:
    for since, new, old in ((0, B, A), (10, A, B), (20, B, A)):
        await shelf.state_of(new, Replaced(since=NOW + since, old=old))
    assert shelf.registry.replaced_by(B) is None
    assert [(one.device, one.until) for one in shelf.registry.line(B)] == [
        (B, None),
        (A, NOW + 20),
        (B, NOW + 10),
        (A, NOW),
    ]
