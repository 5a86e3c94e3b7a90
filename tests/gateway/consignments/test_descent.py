"""Consignments that came of others again and again: ids used twice, forks that meet, odd times."""

from __future__ import annotations

import asyncio

import pytest

from gateway.consignments.book import Book
from gateway.consignments.facts import HandedOver, Part
from gateway.refusal import ControlError
from tests.gateway.consignments.book import Desk, at, held


def number_of(book: Desk, identity: str, kind: str) -> int:
    return next(one.number for one in book.book.facts(identity) if one.fact.kind == kind)


async def split(book: Desk, identity: str, *parts: str, hours: float = 5) -> None:
    sizes = [Part(id=one, quantity=100 / len(parts)) for one in parts]
    await book.parting.split(identity, sizes, at(hours), keep_sensors=False)


async def test_ids_that_were_taken_back_may_change_their_places(book: Desk) -> None:
    await book.add("A")
    await book.parting.split("A", [Part(id="B", quantity=5)], at(5), keep_sensors=False)
    await book.parting.withdraw("A", number_of(book, "A", "split"), at(6))
    await book.parting.withdraw("A", number_of(book, "A", "created"), at(6))
    await book.add("B")
    async with asyncio.timeout(5):
        await book.parting.split("B", [Part(id="A", quantity=5)], at(5), keep_sensors=False)
    assert book.one("A").parents == ("B",)
    again = Book(book.file, "acme")
    assert sorted(again.family(["A"])) == sorted(again.family(["B"])) == ["A", "B"]


async def test_forks_that_meet_again_are_followed_so_far_and_then_refused(book: Desk) -> None:
    await book.add("M-0")
    with pytest.raises(ControlError, match="more often than can be followed"):  # noqa: PT012 - which of them it is does not matter
        for turn in range(1, 20):
            await split(book, f"M-{turn - 1}", f"A-{turn}", f"B-{turn}", hours=turn)
            await book.parting.merge(f"M-{turn}", [f"A-{turn}", f"B-{turn}"], at(turn + 0.5))
    assert turn > 5
    assert book.book.consignment(f"M-{turn}") is None
    assert book.one(f"A-{turn}").quantity == 50


def test_parents_come_before_all_that_is_made_of_them(book: Desk) -> None:
    book.book._children.update({"A": {"B", "C"}, "B": {"C"}, "C": {"D"}, "X": {"D"}})
    found = book.book.family(["D", "A", "X"])
    assert sorted(found) == ["A", "B", "C", "D", "X"]
    for parent, children in book.book._children.items():
        assert all(found.index(parent) < found.index(child) for child in children)


async def test_nothing_is_split_from_what_was_not_there_yet(book: Desk) -> None:
    await book.add("C-1", 10)
    with pytest.raises(ControlError, match="there was no consignment C-1 yet at hour 5"):
        await book.parting.split("C-1", [Part(id="A", quantity=5)], at(5), keep_sensors=False)
    assert [one.id for one in book.book.all()] == ["C-1"]


async def test_what_was_claimed_of_a_part_is_confirmed_of_the_whole(book: Desk) -> None:
    await book.add("A")
    await book.add("B")
    await book.changes.hand_over("A", HandedOver(to="Sea"), at(3), both=False)
    await book.parting.merge("M", ["A", "B"], at(5))
    await book.changes.confirm("M", None, at(6), at(6))
    assert held(book.one("M"))[-2:] == [("Nord", 3, False, None), ("Sea", 6, True, None)]
