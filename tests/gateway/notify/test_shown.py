"""What is shown of channels and messages: which, in which order, and to whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.notify import shown
from gateway.notify.message import Message
from gateway.notify.outbox import Attempt, Kept, Outbox, Standing
from gateway.notify.wording import Wording
from gateway.people import audit
from gateway.people.audit import Entry, Who
from gateway.settings import parse
from gateway.state import State
from rules.alert import Alert
from tests.gateway.notify.told import MADE, MINUTE, alert, line, message

DAY = 24 * 60 * MINUTE
CHANNELS = parse(
    "".join(
        f"""
        [[channels]]
        name = "{name}"
        kind = "email"
        host = "localhost"
        from = "a@example.org"
        to = ["{name}@example.org"]
        """
        for name in ("office", "duty")
    )
).channels


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.db", synchronous="OFF")


@pytest.fixture
async def outbox(state: State) -> Outbox:
    """Six messages: waiting, failing, sent, refused, given up, and a test; a minute apart."""
    outbox = Outbox(state)
    async with state.writing():
        for number in range(5):
            about = alert(f"a{number}", device=DeviceKey("", f"fridge-{number}"))
            outbox.put(message("office", line(about), made=MADE + number * MINUTE))
        outbox.put(Message(id="msg_test", channel="duty", made=MADE + 5 * MINUTE, test="anna"))
    ids = [one.message.id for one in outbox.page(None, 10)][::-1]
    async with state.writing():
        outbox.note(ids[1], Attempt(MADE, 10, "again", "nobody answers"), MADE + DAY)
        outbox.note(ids[2], Attempt(MADE, 10, "sent", "250 OK"))
        outbox.note(ids[3], Attempt(MADE, 10, "refused", "550 no such user"))
        outbox.end([ids[4]], "given up", "it took too long", MADE)
    return outbox


def names(found: list[Kept]) -> list[str]:
    return [one.message.lines[0].alert.id if one.message.lines else "test" for one in found]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("all", ["test", "a4", "a3", "a2", "a1", "a0"]),
        ("waiting", ["test", "a1", "a0"]),
        ("failed", ["a4", "a3", "a1"]),
    ],
)
async def test_messages_are_listed_by_how_they_fare(
    outbox: Outbox, which: shown.Which, expected: list[str]
) -> None:
    found, following = shown.some_messages(outbox, which)
    assert names(found) == expected
    assert following is None


async def test_pages_follow_each_other_without_gap_or_repeat(outbox: Outbox) -> None:
    place, found = None, []
    for _ in range(4):
        part, place = shown.some_messages(outbox, before=place, limit=2)
        found += names(part)
        if place is None:
            break
    assert found == ["test", "a4", "a3", "a2", "a1", "a0"]


async def test_who_may_know_of_some_alerts_sees_what_tells_of_those_and_no_tests(
    outbox: Outbox, state: State
) -> None:
    both = message("duty", line(alert("a1")), line(alert("b", device=DeviceKey("", "reefer-1"))))
    async with state.writing():
        outbox.put(both)

    def sees(one: Alert) -> bool:
        return one.device.id == "reefer-1"

    (kept,), _ = shown.some_messages(outbox, sees=sees)
    told = shown.message_shown(outbox, kept, Wording("here", "UTC", lambda _device: "UTC"), sees)
    assert [one["device"] for one in told["lines"]] == ["reefer-1"]
    assert "fridge" not in str(told)


async def test_channels_that_fail_come_first_each_with_its_last_test(
    outbox: Outbox, state: State
) -> None:
    async with state.writing():
        outbox.keep_standing("office", Standing(since=MADE, success=MADE, test=MADE))
        outbox.keep_standing("duty", Standing(since=MADE, failing=MADE + 1, problem="no answer"))
        for who in ("anna", "karl"):
            entry = Entry(
                MADE, Who(who, "page"), shown.TESTED, "duty", after={"message": "msg_test"}
            )
            audit.stage(state, entry)
    tests = shown.Tests(state)
    own = alert("own", kind="gateway", channel="channel duty", reason="no answer for long")
    for _ in range(2):
        duty, office = shown.channels_shown(outbox, tests, CHANNELS, [own], MADE + DAY)
        assert (duty["name"], duty["failing"], duty["problem"]) == ("duty", MADE + 1, "no answer")
        assert duty["alert"] == "own"
        assert duty["tested"] == {
            "at": MADE,
            "who": "karl",
            "message": "msg_test",
            "state": "waiting",
            "problem": "",
        }
        assert (office["failing"], office["waiting"], office["tested"]) == (None, 2, None)
        assert (office["test_due"], duty["test_due"]) == (MADE + 90 * DAY, MADE + 90 * DAY)


async def test_a_channel_of_which_nothing_is_known_yet_is_neither_well_nor_failing(
    state: State,
) -> None:
    tests = shown.Tests(state)
    office, _ = shown.channels_shown(Outbox(state), tests, CHANNELS, [], MADE)
    assert office == {
        "name": "office",
        "kind": "email",
        "where": "office@example.org",
        "failing": None,
        "problem": "",
        "alert": None,
        "success": None,
        "test": None,
        "test_due": MADE + 90 * DAY,
        "waiting": 0,
        "tested": None,
    }


async def test_a_list_goes_on_where_it_was_also_where_the_clock_was_set_back(state: State) -> None:
    outbox = Outbox(state)
    async with state.writing():
        for number, made in enumerate([*range(3), *range(-600, -594)]):
            outbox.put(message("office", line(alert(f"a{number}")), made=MADE + made * MINUTE))
    seen: list[str] = []
    place = None
    while not seen or place is not None:
        found, place = shown.some_messages(outbox, before=place, limit=2)
        seen += names(found)
    assert seen == [f"a{number}" for number in reversed(range(9))]
