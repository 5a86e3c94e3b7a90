"""Consignments that come apart or together, and what is taken back."""

from __future__ import annotations

import pytest

from gateway.consignments.facts import Assigned, Created, Decided, Departed, Part, Review
from gateway.refusal import ControlError
from rules.duration import HOUR
from tests.gateway.consignments.book import BEGAN, CREATED, S1, S2, Desk, at, spoke

RELEASED = Decided(meaning="released", report=1, digest="")
HALVES = [Part(id="A", quantity=60), Part(id="B", quantity=40)]


async def test_a_part_is_decided_alone(book: Desk) -> None:
    await book.add()
    await book.parting.split("C-1", HALVES, at(5), keep_sensors=False)
    await book.state("A", 6, RELEASED)
    assert [book.one(name).stage for name in ("C-1", "A", "B")] == [
        "planned",
        "released",
        "planned",
    ]


async def test_sensors_speak_for_each_part_where_they_are_kept(book: Desk) -> None:
    await book.add("C-1", 0, Assigned(sensor=S1, where="top"))
    await book.changes.change("C-1", {"ignore": HOUR}, at(0))
    await book.parting.split("C-1", HALVES, at(5), keep_sensors=True)
    for name in ("A", "B"):
        assert spoke(book.one(name)) == [("s-1", 0, 5, "C-1"), ("s-1", 5, None, "")]
        last = book.one(name).assignments[-1]
        assert (last.where, last.ignore_until) == ("top", BEGAN + 5 * HOUR)
    assert spoke(book.one()) == [("s-1", 0, 5, "")]


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([Part(id="A", quantity=101)], "101 cannot be split from C-1, which has 100 boxes"),
        ([Part(id="A")], "not said how much of C-1 is A"),
        ([Part(id="C-1", quantity=1)], "C-1 is there already"),
        ([Part(id="A", quantity=1), Part(id="A", quantity=2)], "A is there already"),
    ],
)
async def test_a_split_that_cannot_be_is_refused(
    book: Desk, parts: list[Part], problem: str
) -> None:
    await book.add()
    with pytest.raises(ControlError, match=problem):
        await book.parting.split("C-1", parts, at(5), keep_sensors=False)
    assert [one.id for one in book.book.all()] == ["C-1"]


async def test_what_is_all_in_its_parts_is_closed(book: Desk) -> None:
    await book.add()
    await book.parting.split("C-1", HALVES, at(5), keep_sensors=False)
    with pytest.raises(ControlError, match="all of C-1 is in A, B since hour 5"):
        await book.state("C-1", 6, Departed(leg=1))
    await book.state("C-1", 4, Departed(leg=1))
    assert book.one("A").stage == "in_transit"


async def test_what_nobody_counted_is_split_as_a_whole(book: Desk) -> None:
    created = Created(goods="vaccines", version="vaccines@1")
    await book.changes.add("C-1", [created, Assigned(sensor=S1)], at(0))
    with pytest.raises(ControlError, match="nobody said how much C-1 is"):
        await book.parting.split("C-1", HALVES, at(5), keep_sensors=False)
    await book.parting.split("C-1", [Part(id="A")], at(5), keep_sensors=False)
    assert spoke(book.one()) == [("s-1", 0, 5, "")]


async def test_several_become_one_whose_sensors_go_on(book: Desk) -> None:
    await book.add("A", 0, Assigned(sensor=S1))
    await book.add("B", 1, Assigned(sensor=S2))
    await book.parting.merge("M", ["A", "B"], at(5))
    assert spoke(book.one("M")) == [
        ("s-1", 0, 5, "A"),
        ("s-2", 1, 5, "B"),
        ("s-1", 5, None, ""),
        ("s-2", 5, None, ""),
    ]
    assert book.one("M").quantity == 200.0
    assert {one.id for one in book.book.of(S1)} == {"A", "M"}


@pytest.mark.parametrize(
    ("other", "fact", "problem"),
    [
        (Created(goods="v", version="v@2"), None, "judged by v@2"),
        (CREATED, Departed(leg=1), "B is in_transit, and A planned"),
    ],
)
async def test_only_what_is_alike_is_merged(
    book: Desk, other: Created, fact: Departed | None, problem: str
) -> None:
    await book.add("A")
    await book.changes.add("B", [other], at(0))
    if fact is not None:
        await book.add("B2")
        await book.state("B2", 1, fact)
        problem = problem.replace("B is", "B2 is")
    with pytest.raises(ControlError, match=problem):
        await book.parting.merge("M", ["A", "B2" if fact else "B"], at(5))
    assert book.book.consignment("M") is None
    assert book.one("A").parts == ()


async def test_a_split_is_taken_back_while_nothing_rests_on_it(book: Desk) -> None:
    await book.add("C-1", 0, Assigned(sensor=S1))
    before = book.one()
    await book.parting.split("C-1", HALVES, at(5), keep_sensors=True)
    number = next(one.number for one in book.book.facts("C-1") if one.fact.kind == "split")
    first = book.book.facts("A")[0].number
    with pytest.raises(ControlError, match="entered together with C-1"):
        await book.parting.withdraw("A", first, at(6))
    gone = await book.parting.withdraw("C-1", number, at(6, "it stays together"))
    assert [one.fact.kind for one in gone] == ["split", *["part-of", "assigned"] * 2]
    assert book.one() == before
    assert [one.id for one in book.book.all()] == ["C-1"]
    await book.parting.split("C-1", HALVES, at(7), keep_sensors=False)
    await book.state("A", 8, RELEASED)
    number = book.book.facts("C-1")[-1].number
    with pytest.raises(ControlError, match="A was decided"):
        await book.parting.withdraw("C-1", number, at(9))


async def test_a_merger_is_taken_back_by_its_outcome(book: Desk) -> None:
    await book.add("A", 0, Assigned(sensor=S1))
    await book.add("B")
    before = book.book.all()
    await book.parting.merge("M", ["A", "B"], at(5))
    number = book.book.facts("M")[0].number
    with pytest.raises(ControlError, match="entered together with M"):
        await book.parting.withdraw("A", book.book.facts("A")[-1].number, at(6))
    await book.parting.withdraw("M", number, at(6))
    assert book.book.all() == before


async def test_an_entry_is_taken_back_with_all_of_it_and_its_id_is_free(book: Desk) -> None:
    await book.add("C-1", 0, Assigned(sensor=S1))
    with pytest.raises(ControlError, match="there is no reason"):
        await book.parting.withdraw("C-1", 1, at(6, ""))
    gone = await book.parting.withdraw("C-1", 1, at(6))
    assert len(gone) == 3
    assert book.book.of(S1) == []
    assert book.told[-1] == ("C-1", 0, "consignment")
    await book.add("C-1")
    assert spoke(book.one()) == []


async def test_what_would_leave_a_contradiction_is_not_taken_back(book: Desk) -> None:
    await book.add()
    (number,) = await book.state("C-1", 1, Departed(leg=1))
    await book.state("C-1", 2, Review(why="x"), RELEASED)
    decided = book.book.facts("C-1")[-1].number
    with pytest.raises(ControlError, match="C-1 has no leg 1"):
        await book.parting.withdraw("C-1", 2, at(3))
    with pytest.raises(ControlError, match="stands on record for ever"):
        await book.parting.withdraw("C-1", decided, at(3))
    with pytest.raises(ControlError, match="nothing with the number 99"):
        await book.parting.withdraw("C-1", 99, at(3))
    await book.parting.withdraw("C-1", number, at(3))
    with pytest.raises(ControlError, match=f"nothing with the number {number}"):
        await book.parting.withdraw("C-1", number, at(3))
