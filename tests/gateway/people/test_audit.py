"""The audit trail: entries stay in order, and are there only with what they tell."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.people.audit import Entry, Who, page, stage, who_of
from gateway.refusal import ControlError
from gateway.state import State
from tests.gateway.parts import NOW

ANNA = Who("anna", "page", "192.0.2.7")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db")
    yield made
    made.close()


async def test_entries_are_read_in_pages_newest_first(state: State) -> None:
    async with state.writing():
        for number in range(1, 6):
            stage(state, Entry(NOW + number, ANNA, "user-add", f"p{number}"))
    first = page(state, None, 3)
    assert [(one.number, one.object) for one in first] == [(5, "p5"), (4, "p4"), (3, "p3")]
    assert [one.number for one in page(state, first[-1].number, 3)] == [2, 1]
    assert page(state, 1, 3) == []


async def test_an_entry_comes_back_as_it_was_written(state: State) -> None:
    entry = Entry(
        NOW, ANNA, "user-role", "ben", "new shift", {"role": "viewer"}, {"role": "operator"}
    )
    async with state.writing():
        stage(state, entry)
    (read,) = page(state, None, 1)
    assert (read.who, read.before, read.after) == (ANNA, {"role": "viewer"}, {"role": "operator"})
    assert (read.at, read.what, read.object, read.reason) == (NOW, "user-role", "ben", "new shift")


async def test_of_what_failed_nothing_is_on_record(state: State) -> None:
    async def fail() -> None:
        async with state.writing():
            stage(state, Entry(NOW, ANNA, "user-add", "ben"))
            raise ControlError("ben is there already", "Use another name")

    with pytest.raises(ControlError):
        await fail()
    assert page(state, None, 10) == []


def test_a_command_is_of_whom_it_names() -> None:
    named = {"name": "anna", "via": "page", "address": "192.0.2.7"}
    assert who_of({"do": "act", "who": named}) == ANNA


def test_a_command_that_names_nobody_is_of_the_user_of_the_system() -> None:
    assert who_of({"do": "retry"}) == Who(pwd.getpwuid(os.getuid()).pw_name, "command line")


@pytest.mark.parametrize(
    "who", ["anna", {"name": "anna"}, {"name": 1, "via": "page"}, {"via": "x"}]
)
def test_nobody_is_made_of_half_a_name(who: object) -> None:
    with pytest.raises(ControlError, match='Send "who" as'):
        who_of({"who": who})
