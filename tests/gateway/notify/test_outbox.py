from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.notify.message import Message, message_id
from gateway.notify.outbox import Attempt, Outbox, Standing
from gateway.state import State
from tests.gateway.notify.told import MADE, alert, line, message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state.db")
    yield state
    state.close()


async def put(state: State, *messages: Message) -> list[bool]:
    async with state.writing():
        return [Outbox(state).put(one) for one in messages]


async def test_a_message_that_is_there_is_not_put_again(state: State) -> None:
    one = message("office", line(alert("a")))
    assert await put(state, one) == [True]
    assert await put(state, one) == [False]
    assert [kept.message for kept in Outbox(state).waiting("office", 9)] == [one]


async def test_what_waits_is_in_the_order_it_was_put_even_where_the_clock_went_back(
    state: State,
) -> None:
    began = message("office", line(alert("a")), made=MADE)
    ended = message("office", line(alert("a"), "resolved"), made=MADE - 3_600_000)
    await put(state, began, ended)
    waiting = Outbox(state).waiting("office", 9)
    assert [kept.message.id for kept in waiting] == [began.id, ended.id]
    assert waiting[1].message.made == MADE - 3_600_000


async def test_an_attempt_is_kept_with_what_came_of_it(state: State) -> None:
    one, outbox = message("office", line(alert("a"))), Outbox(state)
    await put(state, one)
    async with state.writing():
        outbox.note(one.id, Attempt(MADE + 5, 30, "again", "nobody listens"), due=MADE + 2_000)
    kept = outbox.get(one.id)
    assert kept is not None
    assert (kept.state, kept.tries, kept.due) == ("waiting", 1, MADE + 2_000)
    assert kept.problem == "nobody listens"
    async with state.writing():
        outbox.note(one.id, Attempt(MADE + 2_000, 40, "sent", "250 ok"))
    kept = outbox.get(one.id)
    assert kept is not None
    assert (kept.state, kept.tries, kept.ended, kept.problem) == ("sent", 2, MADE + 2_040, "")
    assert [each.detail for each in outbox.attempts(one.id)] == ["nobody listens", "250 ok"]
    assert outbox.waiting("office", 9) == []


async def test_what_is_sent_already_cannot_be_superseded(state: State) -> None:
    one, outbox = message("office", line(alert("a"))), Outbox(state)
    await put(state, one)
    async with state.writing():
        outbox.note(one.id, Attempt(MADE, 1, "sent", "ok"))
        outbox.end([one.id], "superseded", "why", MADE)
    kept = outbox.get(one.id)
    assert kept is not None
    assert kept.state == "sent"


async def test_pages_hold_every_message_once(state: State) -> None:
    all_of_them = [message("office", line(alert(f"a{number}"))) for number in range(7)]
    await put(state, *all_of_them, message("duty", line(alert("x"))))
    outbox, found = Outbox(state), list[str]()
    place = None
    while page := outbox.page(place, 3, "office"):
        found += [kept.message.id for kept in page]
        place = page[-1].place, page[-1].message.id
    assert sorted(found) == sorted(one.id for one in all_of_them)
    assert len(outbox.page(None, 99)) == 8


async def test_messages_of_an_alert_are_found(state: State) -> None:
    both = message("office", line(alert("a")), line(alert("b")))
    later = message("duty", line(alert("b"), "resolved"), made=MADE + 1)
    await put(state, both, later)
    outbox = Outbox(state)
    assert [kept.message.id for kept in outbox.of_alert("b")] == [both.id, later.id]
    assert [kept.message.id for kept in outbox.of_alert("a")] == [both.id]


async def test_old_messages_go_with_all_that_belongs_to_them_but_not_what_waits(
    state: State,
) -> None:
    outbox = Outbox(state)
    sent, waits = message("office", line(alert("a"))), message("office", line(alert("b")))
    young = message("office", line(alert("c")), made=MADE + 1000)
    await put(state, sent, waits, young)
    async with state.writing():
        outbox.note(sent.id, Attempt(MADE, 1, "sent", "ok"))
        outbox.note(young.id, Attempt(MADE, 1, "sent", "ok"))
    async with state.writing():
        assert outbox.prune(MADE + 500, keep=100) == 1
    assert outbox.get(sent.id) is None
    assert outbox.attempts(sent.id) == []
    assert outbox.of_alert("a") == []
    assert {kept.message.id for kept in outbox.page(None, 9)} == {waits.id, young.id}


async def test_no_more_are_kept_than_the_limit_the_oldest_go_first(state: State) -> None:
    outbox = Outbox(state)
    many = [message("office", line(alert(f"a{n}")), made=MADE + n) for n in range(10)]
    await put(state, *many)
    async with state.writing():
        for one in many:
            outbox.note(one.id, Attempt(MADE, 1, "sent", "ok"))
    async with state.writing():
        assert outbox.prune(MADE, most=6) == 4
    assert [kept.message.made - MADE for kept in outbox.page(None, 99)] == [9, 8, 7, 6, 5, 4]


async def test_how_a_channel_fares_is_kept(state: State) -> None:
    outbox = Outbox(state)
    async with state.writing():
        outbox.keep_standing("office", Standing(since=1, success=5))
        outbox.keep_standing("office", Standing(since=1, success=6, test=6))
    assert outbox.standings() == {"office": Standing(since=1, success=6, test=6)}


async def test_channels_with_nothing_to_send_are_not_counted(state: State) -> None:
    await put(state, message("office", line(alert("a"))), message("office", line(alert("b"))))
    assert Outbox(state).count_waiting() == {"office": 2}


def test_an_id_follows_from_what_is_told_in_any_order() -> None:
    told = [("a", "fired", 0), ("b", "fired", 0)]
    assert message_id("office", told) == message_id("office", told[::-1])
    assert message_id("office", told) != message_id("duty", told)
