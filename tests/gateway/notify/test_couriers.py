from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import pytest

from gateway.database import DiskError
from gateway.notify.channel import NotSentError
from gateway.notify.couriers import Couriers
from gateway.notify.message import Message, message_id
from gateway.notify.outbox import Attempt, Outbox, Standing
from gateway.refusal import ControlError
from gateway.settings import parse
from gateway.state import State
from rules.alert import Event
from tests.gateway.notify.told import MADE, MINUTE, alert, line, message
from tests.gateway.parts import ToldClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = 24 * 60 * MINUTE
MAIL = """[[channels]]
name = "{}"
kind = "email"
host = "localhost"
tls = "none"
from = "a@example.org"
to = ["b@example.org"]
"""


class Told:
    """A channel that keeps what it was given, and fails while it is told to."""

    kind = "told"
    remark = ""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given: list[Message] = []
        self.error: Exception | None = None
        self.hold: asyncio.Event | None = None

    async def send(self, message: Message) -> str:
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        self.given.append(message)
        return "taken"


class Said(NamedTuple):
    problem: str
    severity: str


class House:
    """Couriers of two channels over a real state.db."""

    def __init__(self, folder: Path) -> None:
        self.clock = ToldClock(MADE)
        self.state = State(folder / "state.db")
        self.office, self.duty = Told("office"), Told("duty")
        self.alerts: dict[str, Said] = {}
        sections = parse(MAIL.format("office") + MAIL.format("duty")).channels
        pairs = list(zip((self.office, self.duty), sections, strict=True))
        self.couriers = Couriers(Outbox(self.state), self.clock, pairs, self.report)
        self.tasks: list[asyncio.Task[None]] = []

    def report(self, subject: str, problem: str | None, severity: str = "", /) -> None:
        if problem is None:
            self.alerts.pop(subject, None)
        else:
            self.alerts[subject] = Said(problem, severity)

    async def put(self, *messages: Message) -> None:
        async with self.state.writing():
            for one in messages:
                self.couriers.outbox.put(one)
        self.couriers.kick()

    def start(self) -> None:
        self.tasks = [asyncio.ensure_future(part) for _, part in self.couriers.parts()]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.state.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a database rings no bell
            await asyncio.sleep(0.01)


async def test_a_channel_that_hangs_delays_no_other(house: House) -> None:
    house.office.hold = asyncio.Event()
    house.start()
    try:
        await house.put(
            message("office", line(alert("a"))),
            *(message("duty", line(alert(f"a{n}"))) for n in range(5)),
        )
        await until(lambda: len(house.duty.given) == 5)
        assert house.office.given == []
    finally:
        await house.stop()


async def test_a_dead_channel_is_an_alert_until_it_sends(house: House) -> None:
    house.office.error = NotSentError("nobody listens", again=True)
    await house.put(message("office", line(alert("a"))))
    courier = house.couriers._couriers["office"]
    await courier.step()
    house.couriers.check()
    assert "channel office" not in house.alerts
    house.clock.passes(MINUTE)
    house.couriers.check()
    assert house.alerts["channel office"] == Said("nobody listens", "warning")
    assert house.couriers.problem("office") == "nobody listens"
    house.office.error = None
    await courier.step()
    house.couriers.check()
    assert "channel office" not in house.alerts
    assert "channel duty" not in house.alerts


async def test_a_test_goes_through_the_outbox(house: House) -> None:
    house.start()
    try:
        test = await house.couriers.test("office", "Anna")
        await until(lambda: house.office.given)
    finally:
        await house.stop()
    kept = house.couriers.outbox.get(test.id)
    assert kept is not None
    assert (kept.message.test, kept.message.lines) == ("Anna", ())
    assert house.office.given == [test]


async def test_two_tests_are_two_messages(house: House) -> None:
    one, two = [await house.couriers.test("office", "Anna") for _ in range(2)]
    assert one.id != two.id


async def test_a_channel_that_is_none_is_told_with_those_that_are(house: House) -> None:
    with pytest.raises(ControlError, match="no channel 'phone'") as caught:
        await house.couriers.test("phone", "Anna")
    assert "office, duty" in str(caught.value.cure)


@pytest.mark.parametrize(
    ("tested", "expected"),
    [
        (None, Said("the channel office was never tested; test it: alarms must be heard", "info")),
        (MADE - 89 * DAY, None),
        (
            MADE - 91 * DAY,
            Said(
                "the channel office was not tested for 90 days: alarms must be tested regularly",
                "info",
            ),
        ),
        (
            MADE - 366 * DAY,
            Said(
                "the channel office was not tested for 90 days: alarms must be tested regularly",
                "warning",
            ),
        ),
    ],
)
async def test_a_channel_that_nobody_tests_is_remarked(
    tmp_path: Path, tested: int | None, expected: Said | None
) -> None:
    state = State(tmp_path / "state.db")
    async with state.writing():
        Outbox(state).keep_standing("office", Standing(since=MADE, test=tested))
    state.close()
    house = House(tmp_path)
    house.couriers.check()
    assert house.alerts.get("test office") == expected
    house.state.close()


async def test_what_waits_for_a_channel_that_is_no_more_is_ended(house: House) -> None:
    gone = message("gone", line(alert("a")))
    await house.put(gone, message("office", line(alert("b"))))
    await house.couriers.tidy()
    kept = house.couriers.outbox.get(gone.id)
    assert kept is not None
    assert (kept.state, kept.problem) == (
        "given up",
        "the settings name no such channel any more",
    )
    assert house.couriers.outbox.count_waiting() == {"office": 1}


async def test_old_messages_go_but_not_by_a_clock_that_is_wrong(house: House) -> None:
    one, outbox = message("office", line(alert("a"))), house.couriers.outbox
    await house.put(one)
    async with house.state.writing():
        outbox.note(one.id, Attempt(MADE, 1, "sent", "ok"))
    await house.couriers.tidy()
    assert outbox.get(one.id) is not None
    house.clock.passes(401 * DAY)
    await house.couriers.tidy()
    assert outbox.get(one.id) is None


async def test_an_alert_that_cannot_be_recorded_is_told_by_every_channel_with_its_id(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise DiskError("the disk is full")

    disk = alert("d1", kind="gateway", channel="disk", reason="the disk is full")
    monkeypatch.setattr(house.state, "commit", full)
    await house.couriers.publish([disk])
    house.couriers._tell_unrecorded()
    for courier in house.couriers._couriers.values():
        assert not await courier.step()  # it may be on record any moment
    house.clock.passes(10_000)
    house.couriers._tell_unrecorded()
    for courier in house.couriers._couriers.values():
        await courier.step()
    assert [one.id for one in house.office.given] == [message_id("office", [("d1", "fired", 0)])]
    assert [one.id for one in house.duty.given] == [message_id("duty", [("d1", "fired", 0)])]


async def test_an_alert_that_is_on_record_is_left_to_the_routes(house: House) -> None:
    one = alert("d1", kind="gateway", channel="disk")
    async with house.state.writing():
        house.state.record([Event(key="k", kind="firing", at=MADE, alert=one)], MADE)
    await house.couriers.publish([one])
    house.clock.passes(60_000)
    house.couriers._tell_unrecorded()
    assert not await house.couriers._couriers["office"].step()


async def test_a_dead_channel_is_not_told_of_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise DiskError("the disk is full")

    monkeypatch.setattr(house.state, "commit", full)
    await house.couriers.publish([alert("c", kind="gateway", channel="channel office")])
    house.clock.passes(10_000)
    house.couriers._tell_unrecorded()
    for courier in house.couriers._couriers.values():
        await courier.step()
    assert house.office.given == []
    assert len(house.duty.given) == 1


async def test_a_test_that_fails_is_tried_again_and_not_joined_by_others(house: House) -> None:
    one = await house.couriers.test("office", "Anna")
    async with house.couriers.outbox.state.writing():
        house.couriers.outbox.note(one.id, Attempt(MADE, 10, "again", "nobody answers"), MADE)
    assert await house.couriers.test("office", "Ben") == one
    assert (await house.couriers.test("duty", "Ben")).id != one.id
