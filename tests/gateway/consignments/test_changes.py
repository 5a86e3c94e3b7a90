"""What people do to consignments: what is refused, with what cure; what is told, and kept."""

from __future__ import annotations

import re

import pytest

from gateway.consignments.book import Book
from gateway.consignments.facts import (
    Arrived,
    Assigned,
    Confirmed,
    Decided,
    Delivered,
    Departed,
    Fact,
    HandedOver,
    Part,
    Planned,
    Review,
    Unassigned,
)
from gateway.consignments.stating import Act
from gateway.people import audit
from gateway.refusal import ControlError
from rules.duration import HOUR, MINUTE
from tests.gateway.consignments.book import (
    ANNA,
    BEGAN,
    S1,
    S2,
    WAY,
    Desk,
    at,
    held,
    leg,
    spoke,
    stages,
)
from tests.gateway.parts import NOW

RELEASED = Decided(meaning="released", report=1, digest="")
HELD = Decided(meaning="held", report=1, digest="")
Told = list[tuple[float, Fact]]


@pytest.mark.parametrize(
    ("told", "hours", "fact", "problem", "cure"),
    [
        ([], 1, Departed(leg=4), "C-1 has no leg 4", "legs are 1, 2, 3"),
        ([], 1, Arrived(leg=1), "leg 1 of C-1 has not departed", "depart C-1 --leg 1"),
        ([(2, Departed(leg=1))], 1, Arrived(leg=1), "departed at hour 2", "withdraw C-1 3"),
        (
            [(2, Departed(leg=1))],
            3,
            Departed(leg=1),
            "departed at hour 2 already",
            "withdraw C-1 3",
        ),
        (
            [(2, Departed(leg=1)), (4, Arrived(leg=1))],
            3,
            Departed(leg=2),
            "before leg 1 arrived at hour 4",
            "withdraw C-1 4",
        ),
        ([(2, Departed(leg=2))], 3, Departed(leg=1), "before leg 1 departed", "withdraw"),
        ([], 1, Delivered(), "before it departed", "depart C-1"),
        ([(2, Departed(leg=1))], 1, Delivered(), "before it departed", "depart C-1"),
        (
            [(2, Departed(leg=1)), (5, Delivered())],
            6,
            Departed(leg=2),
            "after it was delivered at hour 5",
            "withdraw C-1 4",
        ),
        (
            [(2, Departed(leg=1)), (5, Delivered())],
            6,
            Delivered(),
            "delivered at hour 5 already",
            "withdraw C-1 4",
        ),
        ([(2, RELEASED)], 3, HELD, "decided at hour 2 already", "review C-1"),
        ([(2, Assigned(sensor=S1))], 3, Assigned(sensor=S1), "twice at hour 3", "unassign C-1"),
        ([(5, Assigned(sensor=S1))], 3, Assigned(sensor=S1), "twice at hour 5", "--until"),
        ([], 3, Unassigned(sensor=S1), "does not speak for C-1 at hour 3", "show C-1"),
        ([], 3, Assigned(sensor=S1, until=BEGAN), "before it begins", "later end"),
        ([], 3, Confirmed(fact=99), "no handover 99", "show C-1"),
        (
            [(1, HandedOver(to="Sea")), (2, Confirmed(fact=3))],
            3,
            Confirmed(fact=3),
            "confirmed already",
            "withdraw C-1 5",
        ),
        ([(1, Departed(leg=1))], 2, Planned(legs=()), "C-1 has no leg 1", "Say the way first"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(  # noqa: PLR0917 - a table
    book: Desk, told: Told, hours: float, fact: Fact, problem: str, cure: str
) -> None:
    await book.add()
    for when, one in told:
        await book.state("C-1", when, one)
    before = book.one()
    with pytest.raises(ControlError) as refused:
        await book.state("C-1", hours, fact)
    assert problem in refused.value.problem
    assert cure in refused.value.cure
    assert book.one() == before
    assert Book(book.file, "acme").consignment("C-1") == before


@pytest.mark.parametrize(
    "told",
    [
        [(2, Assigned(sensor=S1, until=BEGAN + 3 * HOUR)), (3, Assigned(sensor=S1))],
        [(4, Assigned(sensor=S1)), (2, Assigned(sensor=S1, until=BEGAN + 4 * HOUR))],
        [(2, RELEASED), (3, Review(why="late")), (4, HELD), (5, RELEASED)],
        [(2, Departed(leg=2)), (1, Departed(leg=1)), (2, Arrived(leg=1))],
    ],
)
async def test_what_can_be_is_taken(book: Desk, told: Told) -> None:
    await book.add()
    for when, one in told:
        await book.state("C-1", when, one)
    assert len(book.book.facts("C-1")) == 2 + len(told)


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (Act(NOW + 1, NOW, ANNA, "why"), "still to come"),
        (Act(NOW - 5 * MINUTE - 1, NOW, ANNA), "there is no reason"),
        (Act(NOW - 5 * MINUTE, NOW, ANNA), ""),
        (Act(NOW - 5 * HOUR, NOW, ANNA, "told by telephone"), ""),
    ],
)
async def test_the_past_needs_a_reason_and_the_future_is_refused(
    book: Desk, act: Act, problem: str
) -> None:
    await book.add()
    stating = book.changes.state("C-1", [Review(why="x")], act, "review")
    if problem:
        with pytest.raises(ControlError, match=re.escape(problem)):
            await stating
    else:
        await stating
        (stated,) = book.book.facts("C-1")[2:]
        assert (stated.at, stated.entered, stated.who) == (act.at, NOW, "anna")


async def test_an_id_is_used_once_and_what_is_not_there_is_told(book: Desk) -> None:
    await book.add()
    with pytest.raises(ControlError, match="C-1 is there already"):
        await book.add()
    with pytest.raises(ControlError, match="there is no consignment C-2"):
        await book.state("C-2", 1, Review(why="x"))


async def test_who_listens_is_told_from_when_on_it_is_judged_again(book: Desk) -> None:
    staged: list[str] = []
    book.book.stage_change = lambda identity, _since, _of: staged.append(identity)
    await book.add()
    await book.state("C-1", 3, Assigned(sensor=S1))
    await book.state("C-1", 8, Unassigned(sensor=S1))
    await book.state("C-1", 2, Departed(leg=1))
    await book.changes.change("C-1", {"note": "fragile"}, at(9))
    await book.changes.change("C-1", {"carried": HOUR}, at(9))
    await book.state("C-1", 9, HandedOver(to="Sea"))
    assert book.told == [
        ("C-1", 0, "consignment"),
        ("C-1", 3, "sensors"),
        ("C-1", 8, "sensors"),
        ("C-1", 2, "custody and legs and stages"),
        ("C-1", 0, "carried"),
        ("C-1", 9, "custody"),
    ]
    assert staged == [identity for identity, _, _ in book.told]


async def test_what_is_entered_late_of_a_parent_changes_its_parts(book: Desk) -> None:
    await book.add()
    await book.state("C-1", 1, Assigned(sensor=S1))
    await book.parting.split("C-1", [Part(id="P", quantity=40)], at(9), keep_sensors=False)
    book.told.clear()
    await book.state("C-1", 5, Unassigned(sensor=S1), Assigned(sensor=S2))
    assert [(identity, since) for identity, since, _ in book.told] == [("C-1", 5), ("P", 5)]
    assert spoke(book.one("P")) == [("s-1", 1, 5, "C-1"), ("s-2", 5, 9, "C-1")]
    assert spoke(book.one()) == [("s-1", 1, 5, ""), ("s-2", 5, None, "")]
    assert {one.id for one in book.book.of(S2)} == {"C-1", "P"}
    with pytest.raises(ControlError, match="State it of C-1"):
        await book.state("P", 8, Assigned(sensor=S1))


async def test_another_process_takes_up_what_was_stated(book: Desk) -> None:
    other = Book(book.file, "acme")
    await book.add()
    await book.parting.split("C-1", [Part(id="P", quantity=40)], at(9), keep_sensors=False)
    assert other.look() == {"C-1", "P"}
    await book.state("C-1", 2, Assigned(sensor=S1))
    assert other.look() == {"C-1", "P"}
    assert other.look() == set()
    assert other.all() == book.book.all()
    assert other.of(S1) == book.book.of(S1)
    assert Book(book.file, "other").all() == []


async def test_a_sensor_moves_from_all_that_it_speaks_for_and_comes_back(book: Desk) -> None:
    for name in ("C-1", "C-2", "C-3"):
        await book.add(name)
    for name in ("C-1", "C-2"):
        await book.state(name, 1, Assigned(sensor=S1))
    assert await book.changes.move(S1, "C-3", at(4), "top") == ["C-1", "C-2"]
    assert await book.changes.move(S1, "C-1", at(6), "", ["C-3"]) == ["C-3"]
    assert spoke(book.one("C-1")) == [("s-1", 1, 4, ""), ("s-1", 6, None, "")]
    assert spoke(book.one("C-2")) == [("s-1", 1, 4, "")]
    assert spoke(book.one("C-3")) == [("s-1", 4, 6, "")]
    with pytest.raises(ControlError, match="does not speak for C-2"):
        await book.changes.move(S1, "C-3", at(7), "", ["C-2"])


async def test_a_handover_is_confirmed_at_the_time_of_either_side(book: Desk) -> None:
    await book.add()
    number = await book.changes.hand_over("C-1", HandedOver(to="Sea", leg=2), at(5), both=False)
    now = Act(NOW, NOW, ANNA)
    claim = await book.changes.confirm("C-1", None, None, now)
    assert claim.number == number
    assert held(book.one())[-1] == ("Sea", 5, True, 2)
    with pytest.raises(ControlError, match="Sea has C-1 at hour 7 already"):
        await book.changes.hand_over("C-1", HandedOver(to="Sea"), at(7), both=False)
    for to in ("South", "Clinic"):
        await book.changes.hand_over("C-1", HandedOver(to=to), at(8), both=False)
    with pytest.raises(ControlError, match="to South, hour 8"):
        await book.changes.confirm("C-1", None, at(9), now)
    with pytest.raises(ControlError, match="there is no reason"):
        await book.changes.confirm("C-1", number + 2, at(9, ""), now)
    await book.changes.confirm("C-1", number + 3, at(9), now)
    assert held(book.one())[-1] == ("Clinic", 9, True, 2)
    assert [c.until for c in book.one().custody][-1] is None


async def test_nothing_to_confirm_is_told(book: Desk) -> None:
    await book.add()
    with pytest.raises(ControlError, match="no handover of C-1 waits"):
        await book.changes.confirm("C-1", None, None, at(1))


async def test_what_is_done_stands_in_the_audit_trail_with_it(book: Desk) -> None:
    await book.add()
    await book.changes.change("C-1", {"quantity": 80.0}, at(1))
    assert await book.changes.change("C-1", {"quantity": 80.0}, at(1)) == {}
    await book.parting.withdraw("C-1", 3, at(2, "it was 100"))
    entries = audit.page(book.file, None, 10)
    assert [(one.what, one.object, one.reason) for one in reversed(entries)] == [
        ("consignment-add", "C-1", "told later"),
        ("consignment-change", "C-1", "told later"),
        ("consignment-withdraw", "C-1", "it was 100"),
    ]
    assert (entries[1].before, entries[1].after) == ({"quantity": 100.0}, {"quantity": 80.0})
    assert book.one().quantity == 100.0


async def test_a_plan_is_another_and_stages_follow_what_is_entered_late(book: Desk) -> None:
    await book.add()
    await book.changes.plan("C-1", (*WAY.legs, leg(4, "Clinic")), at(3))
    await book.state("C-1", 9, Departed(leg=4))
    await book.state("C-1", 2, Departed(leg=1))
    assert stages(book.one()) == [("planned", 0), ("in_transit", 2)]
    assert len(book.one().legs) == 4
