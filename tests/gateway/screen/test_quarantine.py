"""What a person is shown of the quarantine: each kind of message once, or each message."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from rich.console import Console

from gateway.quarantine import Rejected
from gateway.screen.quarantine import TIMES, show_quarantine
from gateway.settings import parse
from tests.gateway.asked import Asked
from tests.gateway.parts import NOW

CURE = "Accepted keys: " + ", ".join(f"quantity_{number}" for number in range(20))


def message(number: int, **facts: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a message
    known = {
        "number": number,
        "received": number * 1000,
        "source": "main",
        "topic": "cargo/a/door-9/readings",
        "reason": "not-a-number",
        "detail": "door is true",
        "cure": CURE,
        "payload": base64.b64encode(b'{"door": true}').decode(),
        "device": "door-9",
    }
    return known | facts


def kind(count: int, newest: dict[str, Any]) -> dict[str, Any]:
    return {
        "reason": newest["reason"],
        "device": newest["device"],
        "count": count,
        "first": 0,
        "last": newest["received"],
        "message": newest,
    }


def shown(answer: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=60)
    show_quarantine(console, parse(""), answer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_repeats_are_one_line_with_the_newest_of_them() -> None:
    text = shown({"total": 5, "found": 5, "kinds": [kind(5, message(12))]})
    assert text.splitlines()[:2] == [
        f"5 {TIMES} not-a-number, door-9, last at 1970-01-01 00:00:12 UTC",
        "   the newest: 12 1970-01-01 00:00:12 UTC main cargo/a/door-9/readings",
    ]
    assert text.splitlines()[-1].startswith("5 messages; each of them: --all.")


def test_a_long_cure_is_shown_once_and_a_short_one_each_time() -> None:
    others = [message(1), message(2), message(3, cure="Mend it"), message(4, cure="Mend it")]
    text = shown({"total": 4, "messages": others})
    assert text.count(CURE) == 1
    assert text.count("What to do: as for 1") == 1
    assert text.count("   Mend it\n") == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"total": 3, "found": 0, "kinds": []}, "None of 3 is such a message."),
        ({"total": 3, "found": 1, "kinds": [kind(1, message(1))]}, "1 of 3 messages. After"),
        ({"total": 9, "found": 9, "kinds": [kind(4, message(1))]}, "5 of other kinds: --limit"),
    ],
)
def test_what_is_not_shown_is_counted(answer: dict[str, Any], words: str) -> None:
    assert words in shown(answer)


def rejected(reason: str, device: str, topic: str = "t") -> Rejected:
    return Rejected(NOW, topic.encode(), b"x", 0, "acme", "main", reason, "d", "c", device)


async def test_those_of_a_kind_are_gathered_and_can_be_asked_for_by_device_and_reason(
    ask: Asked,
) -> None:
    door, fridge = "acme/door-9", "acme/fridge-1"
    found = [rejected("not-json", door), rejected("not-json", door), rejected("empty", door)]
    found += [rejected("not-json", fridge)]
    found += [rejected("unknown-topic", "", "a"), rejected("unknown-topic", "", "b")]
    ask.gateway.journal.append([], found)
    ask.gateway.journal.commit()

    answer = await ask("quarantine", gathered=True)
    assert (answer["total"], answer["found"]) == (6, 6)
    assert [(one["count"], one["reason"], one["device"]) for one in answer["kinds"]] == [
        *((2, "not-json", door), (1, "empty", door), (1, "not-json", fridge)),
        *((1, "unknown-topic", ""), (1, "unknown-topic", "")),
    ]
    assert answer["kinds"][0]["message"]["number"] == 2
    one = await ask("quarantine", gathered=True, device="door-9", reason="empty")
    assert (one["found"], len(one["kinds"])) == (1, 1)
    each = await ask("quarantine", device="door-9", reason="not-json")
    assert [one["number"] for one in each["messages"]] == [1, 2]


async def test_a_device_that_only_sends_rubbish_is_seen(ask: Asked) -> None:
    await ask("confirm", device="door-9")
    ask.gateway.journal.append([], [rejected("not-json", "acme/door-9") for _ in range(5)])
    ask.gateway.journal.commit()
    (device,) = await ask("devices")
    assert (device["heard"], device["quarantined"]) == (False, 5)
    status = await ask("status")
    assert status["senders"] == [{"device": "acme/door-9", "count": 5}]
    await ask("device-set", device="door-9", name="Back door")
    assert (await ask("status"))["names"] == {"acme/door-9": "Back door"}
