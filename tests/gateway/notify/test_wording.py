from __future__ import annotations

from typing import Any

import pytest

from devices.reading import DeviceKey
from gateway.notify.letter import html, plain
from gateway.notify.message import Line, Message, Occasion
from gateway.notify.phrases import lasted
from gateway.notify.wording import Wording
from tests.gateway.notify.told import MADE, MINUTE, alert, line, message

HOUR = 60 * MINUTE
WORDING = Wording("roof", "UTC", lambda _device: "Europe/Berlin", "https://holdwatch.example.org")
GATEWAY: dict[str, Any] = {
    "kind": "gateway",
    "rule": "gateway",
    "device": DeviceKey("", "roof"),
    "channel": "broker house",
    "reason": "nobody answers at 10.0.0.3",
    "limit": "",
    "unit": "",
    "first": None,
    "last": None,
    "worst": None,
}
LOST: dict[str, Any] = {
    "kind": "lost_contact",
    "channel": "",
    "limit": "not heard for 30 min",
    "unit": "",
    "last": None,
    "worst": None,
}
OVER: dict[str, Any] = {"state": "resolved", "ended": MADE, "reason": "5.0 °C is within limits"}


def letter(*lines: Line, now: int = MADE) -> str:
    return plain(WORDING.words(message("office", *lines), now))


@pytest.mark.parametrize(
    ("changed", "occasion", "expected"),
    [
        ({}, "fired", "CRITICAL Vaccine fridge 11.0 °C, limit 8 °C, since 12:02"),
        (
            {"limit": "outside 2.0 to 8.0 °C for 60 min", "severity": "warning"},
            "fired",
            "WARNING Vaccine fridge 11.0 °C, limits 2 to 8 °C, since 12:02",
        ),
        (
            {"limit": "below -18.0 °C", "last": -3.25},
            "fired",
            "CRITICAL Vaccine fridge \u22123.2 °C, limit \u221218 °C, since 12:02",
        ),
        (
            {"began": MADE - 30 * HOUR},
            "repeated",
            ("STILL CRITICAL Vaccine fridge 11.0 °C, limit 8 °C, since Tue 17 Nov 06:06"),
        ),
        (
            {},
            "escalated",
            ("CRITICAL, nobody took it: Vaccine fridge 11.0 °C, limit 8 °C, since 12:02"),
        ),
        ({}, "lapsed", "CRITICAL, nobody has it: Vaccine fridge 11.0 °C, limit 8 °C, since 12:02"),
        ({}, "severity", "NOW CRITICAL Vaccine fridge 11.0 °C, limit 8 °C, since 12:02"),
        ({}, "shown", "CRITICAL Vaccine fridge 11.0 °C, limit 8 °C, since 12:02"),
        (OVER, "resolved", "OVER Vaccine fridge: worst 12.4 °C, limit 8 °C, after 4 min"),
        (
            {**OVER, "state": "indeterminate"},
            "resolved",
            "CLOSED Vaccine fridge: worst 12.4 °C, limit 8 °C, after 4 min",
        ),
        (OVER, "withdrawn", "WITHDRAWN Vaccine fridge: Temperature above 8 °C was no alarm"),
        (LOST, "fired", "CRITICAL Vaccine fridge not heard for 30 min, since 12:02"),
        (
            GATEWAY,
            "fired",
            "CRITICAL Gateway roof broker house: nobody answers at 10.0.0.3, since 12:02",
        ),
    ],
)
def test_the_subject_can_be_read_on_a_lock_screen(
    changed: dict[str, Any], occasion: Occasion, expected: str
) -> None:
    one = line(alert("a", **changed), occasion, name="Vaccine fridge")
    assert WORDING.subject(message("office", one)) == expected


@pytest.mark.parametrize(
    ("count", "over", "expected"),
    [
        (2, 0, "CRITICAL fridge-7 11.0 °C, limit 8 °C, since 12:02, and 1 more"),
        (500, 0, "500 ALERTS, worst: CRITICAL fridge-7 11.0 °C, limit 8 °C, since 12:02"),
        (4, 3, "CRITICAL fridge-7 11.0 °C, limit 8 °C, since 12:02, and 3 over"),
        (3, 1, "CRITICAL fridge-7 11.0 °C, limit 8 °C, since 12:02, and 1 more, 1 over"),
        (9, 4, "5 ALERTS, 4 over, worst: CRITICAL fridge-7 11.0 °C, limit 8 °C, since 12:02"),
    ],
)
def test_the_subject_of_many_names_the_worst(count: int, over: int, expected: str) -> None:
    ended = [line(alert(f"e{n}", **OVER), "resolved") for n in range(over)]
    mild = [line(alert(f"m{n}", severity="info")) for n in range(count - over - 1)]
    assert WORDING.subject(message("office", *ended, *mild, line(alert("z")))) == expected


def test_the_subject_of_a_long_alert_still_says_how_many_have_ended() -> None:
    lines = [
        line(alert(f"e{n}", **{**OVER, "state": "indeterminate"}), "resolved") for n in range(9)
    ]
    own = line(alert("s", **{**GATEWAY, "reason": "a long mistake, " * 20}))
    subject = WORDING.subject(message("office", own, *lines))
    assert subject.startswith("CRITICAL Gateway roof broker house: a long mistake")
    assert subject.endswith("…, and 9 closed")
    assert len(subject) <= 140
    assert WORDING.subject(message("office", *lines)).endswith(", and 8 closed")
    assert "10 alerts: 1 critical, 9 closed." in letter(own, *lines)


def test_of_equally_grave_alerts_the_one_furthest_beyond_its_limit_is_the_worst() -> None:
    colder = line(alert("c", limit="outside 2.0 to 8.0 °C for 3 min", last=-3.5), name="Frozen")
    damp = alert("h", channel="humidity", unit="%", limit="above 60.0 %", last=70.0)
    lines = [
        line(alert("a", last=11.3, began=MADE - HOUR), name="Oldest"),
        line(damp, name="Damp"),
        line(alert("b", last=13.3), name="Warmest"),
        colder,
        line(alert("l", **LOST, began=MADE - HOUR), name="Lost"),
        line(alert("m", severity="warning", last=30.0), name="Milder"),
    ]
    words = WORDING.words(message("office", *lines), MADE)
    assert [one.title.partition(": ")[2] for one in words.items] == [
        *("Frozen", "Warmest", "Oldest", "Damp", "Lost", "Milder")
    ]
    assert words.subject.startswith("6 ALERTS, worst: CRITICAL Frozen")


def test_a_message_says_what_where_how_bad_since_when_and_what_to_do() -> None:
    one = line(
        alert("a1", note="Move the goods.", unknown=3 * MINUTE, limit="above 8.0 °C for 3 min"),
        "escalated",
        number=2,
        name="Vaccine fridge",
        site="Warehouse 2",
        goods="vaccines",
        hides=("s-1", "s-2"),
    )
    told = message("office", one)
    assert plain(WORDING.words(told, MADE)) == (
        "Critical: Vaccine fridge\n"
        "  What: Temperature above 8 °C for 3 min\n"
        "  Where: Warehouse 2\n"
        "  Goods: vaccines\n"
        "  Since: 12:02 CET, for 4 min\n"
        "  Last value: 11.0 °C, 12:05 CET\n"
        "  Worst value: 12.4 °C, 12:05 CET\n"
        "  Unknown: for 3 min no usable value came\n"
        "  Not heard: 2 devices are not heard because of this, and not told of apart: s-1, s-2\n"
        "  What to do: Move the goods.\n"
        "  Who has it: nobody\n"
        "  Told again: step 2: nobody took it\n"
        "  Rule: too-warm, alert a1\n"
        "  https://holdwatch.example.org/alerts/a1\n"
        "\n"
        "Holdwatch on roof\n"
        f"Message {told.id}\n"
    )


def test_what_is_over_says_when_it_ended_and_not_what_to_do() -> None:
    text = letter(line(alert("a", note="Move the goods.", **OVER), "resolved"))
    assert "Over: fridge-7" in text
    assert "  Over: 12:06 CET: 5.0 °C is within limits\n" in text
    assert "  Since: 12:02 CET, for 4 min\n" in text
    assert "What to do" not in text
    assert "Who has it" not in text


def test_whoever_has_it_is_named() -> None:
    assert "  Who has it: Anna\n" in letter(line(alert("a"), "severity", holder="Anna"))


def test_what_comes_late_says_so() -> None:
    text = letter(line(alert("a")), now=MADE + 3 * HOUR)
    assert text.startswith("This comes late: made 11:06 UTC, sent 3 h late.\n")
    text = letter(line(alert("a")), now=MADE + 84_999)
    assert text.startswith("This comes late: made 11:06 UTC, sent 84 s late.\n")
    assert "late" not in letter(line(alert("a")), now=MADE + MINUTE - 1)


def test_of_500_alerts_20_are_named_and_the_others_counted_by_site() -> None:
    lines = [
        line(alert(f"a{n:03}", device=DeviceKey("", f"s-{n}")), site=f"Site {n % 12}")
        for n in range(499)
    ]
    text = letter(*lines, line(alert("mild", severity="info")))
    assert "500 alerts: 499 critical, 1 info." in text
    assert text.count("Critical: s-") == 20
    assert "Info:" not in text
    assert "And 480 more.\n" in text
    assert "Site 8: 40\n" in text
    assert "other sites: " in text
    assert len(text) < 12_000


def test_a_test_says_that_it_is_none() -> None:
    test = Message(id="msg_1", channel="office", made=MADE, test="Anna")
    words = WORDING.words(test, MADE)
    assert words.subject == "TEST of the channel office of Holdwatch on roof"
    assert plain(words).startswith(
        "This is a test of the channel office, and no alarm.\n"
        "Anna asked for it. Nothing has to be done.\n"
    )


def test_what_devices_are_called_breaks_neither_lines_nor_markup() -> None:
    nasty = line(alert("a", note="x\r\ny"), name='Fridge"><script>\r\nBcc: x@y\u2028z', site="<b>")
    words = WORDING.words(message("office", nasty), MADE)
    assert not {"\r", "\n", "\u2028"} & set(words.subject)
    page = html(words)
    assert "<script>" not in page
    assert "<b>" not in page
    assert "\r" not in plain(words)
    assert "  What to do: x y\n" in plain(words)


def test_without_a_known_page_there_is_no_link() -> None:
    wording = Wording("roof", "UTC", lambda _device: "UTC")
    words = wording.words(message("office", line(alert("a"))), MADE)
    assert "http" not in plain(words)
    assert "<a " not in html(words)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (-5, "0 s"),
        (59_999, "59 s"),
        (MINUTE, "1 min"),
        (3 * HOUR + 5 * MINUTE, "3 h 5 min"),
        (24 * HOUR, "1 day"),
        (50 * HOUR + MINUTE, "2 days 2 h"),
    ],
)
def test_lengths_are_said_in_at_most_two_units(length: int, expected: str) -> None:
    assert lasted(length) == expected


def test_what_comes_and_goes_says_what_follows_from_that() -> None:
    facts = dict(WORDING.item(line(alert(), often=True), MADE, MADE).facts)
    assert facts["Comes and goes"].startswith("told 5 times within an hour; from now on")
    assert "Comes and goes" not in dict(WORDING.item(line(alert()), MADE, MADE).facts)
