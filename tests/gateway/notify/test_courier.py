from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING

import pytest

from gateway.notify.channel import NotSentError
from gateway.notify.courier import DIRECT, Courier
from gateway.notify.message import Message
from gateway.notify.outbox import Outbox
from gateway.state import State
from rules.alert import Event
from tests.gateway.notify.told import MADE, MINUTE, alert, line, message
from tests.gateway.parts import ToldClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Told:
    """A channel that does what it is told, and keeps what it was given."""

    name = "office"
    kind = "told"
    remark = ""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.error: Exception | None = None
        self.errors: dict[str, Exception] = {}

    async def send(self, message: Message) -> str:
        self.given.append(message.id)
        error = self.errors.get(message.id, self.error)
        if error is not None:
            raise error
        return "taken"


class Office:
    """A courier over a real state.db, whose clock is told."""

    def __init__(self, folder: Path) -> None:
        self.clock = ToldClock(MADE)
        self.state = State(folder / "state.db")
        self.outbox = Outbox(self.state)
        self.channel = Told()
        self.start()

    def start(self) -> None:
        """As after a kill: nothing is known but what is on the disk."""
        self.courier = Courier(self.channel, self.outbox, self.clock, give_up=DAY, random=Random(7))  # noqa: S311 - the same in every run

    async def put(self, *messages: Message) -> None:
        async with self.state.writing():
            for one in messages:
                self.outbox.put(one)

    async def work(self) -> int:
        """Do all that can be done now; return how many steps that took."""
        steps = 0
        while await self.courier.step():
            steps += 1
        return steps

    def fate(self, one: Message) -> str:
        kept = self.outbox.get(one.id)
        assert kept is not None
        return kept.state


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.state.close()


def about(identity: str, occasion: str = "fired", made: int = MADE, number: int = 0) -> Message:
    return message("office", line(alert(identity), occasion, number=number), made=made)  # type: ignore[arg-type] # a literal of the table


LATER = NotSentError("nobody listens", again=True)
NEVER = NotSentError("550 no", again=False)


async def test_what_waits_goes_out_in_order_and_is_on_record(office: Office) -> None:
    began, ended = about("a"), about("a", "resolved", MADE + 1)
    await office.put(began, ended)
    assert await office.work() == 2
    assert office.channel.given == [began.id, ended.id]
    assert [office.fate(one) for one in (began, ended)] == ["sent", "sent"]
    (attempt,) = office.outbox.attempts(began.id)
    assert (attempt.outcome, attempt.detail) == ("sent", "taken")
    assert office.outbox.standings()["office"].success == MADE


async def test_a_dead_channel_costs_an_attempt_every_few_minutes(office: Office) -> None:
    await office.put(*(about(f"a{n}", made=MADE + n) for n in range(30)))
    office.channel.error = LATER
    for _ in range(6 * 60):
        await office.work()
        office.clock.passes(MINUTE)
    assert 6 * 12 <= len(office.channel.given) <= 6 * 12 * 2 + 10


async def test_rests_grow_to_five_minutes(office: Office) -> None:
    await office.put(about("a"))
    office.channel.error = LATER
    times = []
    for _ in range(4000):
        if await office.work():
            times.append(office.clock.monotonic())
        office.clock.passes(1000)
    rests = [after - before for before, after in itertools.pairwise(times)]
    assert rests[0] <= 3_000
    assert all(rest <= 301_000 for rest in rests)
    assert min(rests[-3:]) >= 150_000


async def test_whoever_asks_to_be_left_alone_is(office: Office) -> None:
    await office.put(about("a"))
    office.channel.error = NotSentError("503", again=True, after=600)
    await office.work()
    office.channel.error = None
    office.clock.passes(599_000)
    assert await office.work() == 0
    office.clock.passes(1_000)
    assert await office.work() == 1


async def test_after_an_outage_all_goes_out_in_order_at_once(office: Office) -> None:
    some = [about(f"a{n}", made=MADE + n) for n in range(5)]
    await office.put(*some)
    office.channel.error = LATER
    for _ in range(60):
        await office.work()
        office.clock.passes(60_000)
    office.channel.error = None
    office.channel.given.clear()
    office.clock.passes(300_000)
    await office.work()
    # The one that found the way again may be any of them; the others follow in their order.
    rest = [one.id for one in some if one.id != office.channel.given[0]]
    assert office.channel.given[1:] == rest


async def test_a_message_that_is_never_taken_is_refused_at_once_and_told(office: Office) -> None:
    bad, good = about("a"), about("b", made=MADE + 1)
    await office.put(bad, good)
    office.channel.errors[bad.id] = NEVER
    await office.courier.step()
    assert office.fate(bad) == "refused"
    assert office.courier.problem == "550 no"
    await office.work()
    assert office.fate(good) == "sent"
    assert office.courier.problem is None
    assert office.channel.given == [bad.id, good.id]


async def test_a_message_that_always_fails_holds_up_none_about_something_else(
    office: Office,
) -> None:
    poison, ended = about("a"), about("a", "resolved", MADE + 1)
    others = [about(f"b{n}", made=MADE + 2 + n) for n in range(3)]
    await office.put(poison, ended, *others)
    office.channel.errors[poison.id] = LATER
    for _ in range(20):
        await office.work()
        office.clock.passes(1_000)
    assert [office.fate(one) for one in others] == ["sent"] * 3
    # Its own end stays behind it: nobody is told of an end before the beginning.
    assert office.fate(ended) == "waiting"
    del office.channel.errors[poison.id]
    office.clock.passes(300_000)
    await office.work()
    assert office.channel.given[-2:] == [poison.id, ended.id]


async def test_what_is_not_recorded_is_sent_again_with_its_id(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = about("a")
    await office.put(one)
    with monkeypatch.context() as patch:
        patch.setattr(office.state, "commit", _Full(office.state).commit)
        await office.work()
    office.start()
    await office.work()
    assert office.channel.given == [one.id, one.id]
    assert office.fate(one) == "sent"


async def test_what_could_not_be_sent_for_a_day_is_given_up_and_told(office: Office) -> None:
    one = about("a")
    await office.put(one)
    office.channel.error = LATER
    for _ in range(24 * 60):
        await office.work()
        office.clock.passes(MINUTE)
    assert office.fate(one) == "waiting"
    for _ in range(6):
        office.clock.passes(MINUTE)
        await office.work()
    assert office.fate(one) == "given up"
    assert office.courier.problem == "1 given up: nobody listens"


async def test_what_waited_while_we_were_off_is_tried_before_it_is_given_up(
    office: Office,
) -> None:
    some = [about(f"a{n}", made=MADE + n) for n in range(3)]
    await office.put(*some)
    office.clock.passes(5 * DAY)
    await office.work()
    assert [office.fate(one) for one in some] == ["sent"] * 3


async def test_a_clock_that_is_set_by_years_gives_nothing_up(office: Office) -> None:
    one = about("a")
    await office.put(one)
    office.channel.error = LATER
    await office.work()
    office.clock.wall += 900 * DAY
    async with office.state.writing():
        office.state.note_clock("boot", office.clock.monotonic(), office.clock.wall, 900 * DAY)
    office.clock.passes(HOUR)
    await office.work()
    assert office.fate(one) == "waiting"
    office.channel.error = None
    office.clock.passes(HOUR)
    await office.work()
    assert office.fate(one) == "sent"


async def test_a_clock_that_is_set_back_delays_nothing(office: Office) -> None:
    await office.put(about("a"))
    office.channel.error = LATER
    await office.work()
    office.clock.wall -= 900 * DAY
    office.channel.error = None
    office.clock.passes(3_000)
    assert await office.work() == 1


async def test_300_reminders_of_an_outage_become_the_newest(office: Office) -> None:
    began = about("a")
    reminders = [about("a", "repeated", MADE + n, n) for n in range(1, 300)]
    ended = about("a", "resolved", MADE + 300)
    await office.put(began, *reminders)
    await office.work()
    assert office.channel.given == [began.id, reminders[-1].id]
    assert {office.fate(one) for one in reminders[:-1]} == {"superseded"}
    more = about("a", "repeated", MADE + 299, 301)
    await office.put(more, ended)
    await office.work()
    assert office.channel.given[2:] == [ended.id]


async def test_a_reminder_of_two_alerts_stays_where_one_of_them_says_nothing_later(
    office: Office,
) -> None:
    both = message(
        "office", line(alert("a"), "repeated", number=1), line(alert("b"), "repeated", number=1)
    )
    await office.put(both, about("a", "resolved", MADE + 1))
    await office.work()
    assert office.fate(both) == "sent"


async def test_a_channel_that_fails_for_a_minute_is_a_problem_until_it_sends(
    office: Office,
) -> None:
    await office.put(about("a"))
    office.channel.error = LATER
    await office.work()
    assert office.courier.problem is None
    office.clock.passes(MINUTE)
    assert office.courier.problem == "nobody listens"
    office.start()  # and stays one through a start of ours
    assert office.courier.problem == "nobody listens"
    office.channel.error = None
    await office.work()
    assert office.courier.problem is None
    office.start()
    assert office.courier.problem is None


async def test_an_outage_is_one_line_of_log_and_its_end_another(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    await office.put(about("a"))
    office.channel.error = LATER
    for _ in range(100):
        await office.work()
        office.clock.passes(MINUTE)
    office.channel.error = None
    office.clock.passes(6 * MINUTE)
    await office.work()
    said = capsys.readouterr().out
    assert said.count("does not send") == 1
    assert said.count("sends again") == 1


async def test_a_test_goes_first_and_is_remembered(office: Office) -> None:
    test = Message(id="msg_test", channel="office", made=MADE + 9, test="Anna")
    await office.put(about("a"), about("b"), test)
    await office.courier.step()
    assert office.channel.given == ["msg_test"]
    assert office.outbox.standings()["office"].test == MADE


async def test_a_test_is_tried_at_once_also_while_the_channel_rests(office: Office) -> None:
    await office.put(about("a"))
    office.channel.error = LATER
    for _ in range(10):
        await office.work()
        office.clock.passes(MINUTE)
    test = Message(id="msg_test", channel="office", made=MADE, test="Anna")
    await office.put(test)
    office.courier.hurry()
    await office.courier.step()
    assert office.channel.given[-1] == "msg_test"


async def test_a_fault_of_a_channel_is_recorded_and_tried_again(office: Office) -> None:
    one = about("a")
    await office.put(one)
    office.channel.error = KeyError("oops")
    await office.work()
    assert office.fate(one) == "waiting"
    (attempt,) = office.outbox.attempts(one.id)
    assert attempt.detail == "a fault of ours (KeyError): the log says more"


async def test_while_nothing_can_be_recorded_nothing_is_sent_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = about("a"), about("b", made=MADE + 1)
    await office.put(one, other)
    full = _Full(office.state)
    with monkeypatch.context() as patch:
        patch.setattr(office.state, "commit", full.commit)
        await office.work()
        await office.work()
    assert office.channel.given == [one.id]
    await office.work()
    assert office.channel.given == [one.id, other.id]
    assert [office.fate(each) for each in (one, other)] == ["sent", "sent"]


async def test_what_cannot_be_recorded_is_told_directly_and_not_again_afterwards(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = about("disk")
    full = _Full(office.state)
    with monkeypatch.context() as patch:
        patch.setattr(office.state, "commit", full.commit)
        office.courier.tell(one)
        office.courier.tell(one)
        await office.work()
    assert office.channel.given == [one.id]
    await office.put(one)
    await office.work()
    assert office.channel.given == [one.id]
    assert office.fate(one) == "sent"
    (attempt,) = office.outbox.attempts(one.id)
    assert attempt.detail == "sent already, while nothing could be recorded"


class _Full:
    """A disk that takes nothing."""

    def __init__(self, state: State) -> None:
        self._state = state

    def commit(self) -> None:
        from gateway.database import DiskError  # noqa: PLC0415 - used here alone

        raise DiskError("the disk is full")


async def test_what_still_stands_is_not_given_up(office: Office) -> None:
    stands, over = about("stands"), about("over")
    events = [
        Event(key=f"{one.id}:firing", kind="firing", at=MADE, alert=one)
        for one in (alert("stands"), alert("over", state="resolved", ended=MADE))
    ]
    async with office.state.writing():
        office.state.record(events, MADE)
    await office.put(stands, over)
    office.channel.error = LATER
    for _ in range(60):
        office.clock.passes(HOUR)
        await office.work()
    assert (office.fate(stands), office.fate(over)) == ("waiting", "given up")
    office.channel.error = None
    office.clock.passes(HOUR)
    await office.work()
    assert office.fate(stands) == "sent"


async def test_more_than_there_is_room_for_while_nothing_is_recorded_ends_no_courier(
    office: Office,
) -> None:
    for number in range(DIRECT):
        office.courier.tell(about(f"a{number}"))

    async def more(message: Message) -> str:
        office.courier.tell(about("more"))
        return f"taken: {message.id}"

    office.channel.send = more  # type: ignore[method-assign] # more comes while this is sent
    assert await office.courier.step()


async def test_a_message_that_fails_alone_is_given_up_also_while_its_alert_stands(
    office: Office,
) -> None:
    first = Event(key="a:firing", kind="firing", at=MADE, alert=alert("a"))
    async with office.state.writing():
        office.state.record([first], MADE)
    poison, behind = about("a"), about("a", "severity", number=1)
    office.channel.errors[poison.id] = LATER
    await office.put(poison, behind)
    for number in range(30):
        await office.put(about(f"b{number}", made=MADE + number * HOUR))
        await office.work()
        office.clock.passes(HOUR)
    await office.work()
    assert (office.fate(poison), office.fate(behind)) == ("given up", "sent")
