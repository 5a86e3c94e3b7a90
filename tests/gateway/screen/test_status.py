"""The status says in its first line whether somebody is needed, and whom for, at every width."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from gateway.screen.health_lines import ago
from gateway.screen.status import MOST, show_status
from gateway.settings import parse
from rules.duration import DAY, HOUR, MINUTE, SECOND
from tests.gateway.screen.test_plain import OPEN, STATUS

SETTINGS = parse(
    '[[listeners]]\nanonymous = true\n[[rules]]\nname = "fridge"\nkind = "threshold"\n'
    'channel = "temperature"\nabove = 8.0'
)
NOW = STATUS["now"]
WELL: dict[str, Any] = STATUS | {"devices": 42, "alerts": []}
OWN = OPEN | {
    "kind": "gateway",
    "severity": "warning",
    "device": ["", "dock"],
    "channel": "screen hall",
    "reason": "the wall screen hall is not connected",
    "note": "",
    "holder": "",
}
ALERT: dict[str, Any] = OPEN | {"kind": "threshold", "severity": "critical", "holder": ""}


def about(device: str, **facts: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an alert
    return ALERT | {"device": ["", device]} | facts


def shown(answer: dict[str, Any], settings: Any = SETTINGS, width: int = 100) -> list[str]:  # noqa: ANN401 - settings
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show_status(console, settings, WELL | answer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("settings", "facts", "first"),
    [
        (SETTINGS, {}, "✓ All is well: 42 sensors, the last reading came 3 s ago."),
        (
            SETTINGS,
            {"running": False},
            (
                "✗ The gateway is not running: nothing is received, judged or told. Start it: "
                "holdwatch run, or as a service: systemctl start holdwatch"
            ),
        ),
        (
            SETTINGS,
            {"unwell": "the disk takes no writes: /x: [Errno 5]", "alerts": [ALERT]},
            "✗ The gateway does not do its work: the disk takes no writes: /x: [Errno 5].",
        ),
        (SETTINGS, {"devices": 0, "heard": None}, "… No sensor was heard yet."),
        (
            SETTINGS,
            {"arrives": False, "devices": 0, "heard": None},
            (
                "! Nothing can arrive: the settings have no [[listeners]] and no [[brokers]]. See: "
                "holdwatch check"
            ),
        ),
        (
            SETTINGS,
            {"rules": 0, "judged": False, "devices": 1},
            "! 1 sensor is heard, and nothing is judged: there are no rules.",
        ),
        (
            SETTINGS,
            {"heard": NOW - 5 * HOUR},
            "! No alert is open, but none of 42 sensors was heard for 5 h.",
        ),
        (
            SETTINGS,
            {"heard": None},
            "! No alert is open, but none of 42 sensors was heard since the start.",
        ),
        (
            SETTINGS,
            {"alerts": [about("fridge-1")], "names": {"fridge-1": "Vaccines [left]"}},
            "✗ 1 alert needs somebody: fridge-1 Vaccines [left].",
        ),
        (
            SETTINGS,
            {"alerts": [about("a"), about("b", severity="warning"), about("c", holder="anna")]},
            "✗ 2 alerts need somebody, 1 of them critical: a, b. 1 more is seen to.",
        ),
        (
            SETTINGS,
            {"alerts": [about(f"d-{number}", severity="warning") for number in range(20)]},
            "! 20 alerts need somebody: d-0, d-1, d-2 and 17 more.",
        ),
        (
            SETTINGS,
            {"alerts": [about("a", holder="anna"), about("b", holder="anna")]},
            "! 2 alerts are open; anna has them.",
        ),
        (
            SETTINGS,
            {"alerts": [OWN]},
            (
                "! The cargo is well: 42 sensors, the last reading came 3 s ago. 1 thing to "
                "look at, below."
            ),
        ),
        (
            SETTINGS,
            {"unjudged": [f"d-{number}" for number in range(5)], "names": {"d-1": "Dock"}},
            (
                "! No alert is open, but 5 of 42 sensors are not judged yet by rules that are new "
                "or were changed: d-0, d-1 Dock, d-2 and 2 more."
            ),
        ),
        (
            SETTINGS,
            {"alerts": [about("a", retrospective=True)]},
            "✓ All is well: 42 sensors, the last reading came 3 s ago.",
        ),
    ],
)
def test_the_first_line_says_how_it_is(settings: Any, facts: dict[str, Any], first: str) -> None:  # noqa: ANN401 - settings
    assert shown(facts, settings)[0] == first


LATE = {"folder": "/x", "last": 1_000, "size": 1, "next": 0, "encrypted": True, "at_work": False}
BEAT = {"name": "office", "since": 0, "last": NOW}
CHANNEL = {"name": "mail", "failing": None, "problem": "", "success": 5, "waiting": 0}
DISK = STATUS["disk"]


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"brokers": {"main": {"state": "lost", "since": 0, "detail": "Gone"}}}, "✗ broker main"),
        ({"disk": DISK | {"warned": True, "says": "full in 3 days"}}, "! disk: full in 3 days"),
        ({"disk": DISK | {"problem": "no room"}}, "✗ disk: no room"),
        ({"clock_trusted": False}, "! our clock is not trusted"),
        ({"settings": {"problem": None, "changed": True, "waits": []}}, "! settings: the file was"),
        ({"channels": [CHANNEL | {"failing": 1, "problem": "refused"}]}, "✗ channel mail: fails"),
        ({"channels": [CHANNEL | {"success": None}]}, "! channel mail: nothing was sent by it"),
        ({"heartbeats": [BEAT | {"well": False, "reason": "x"}]}, "! heartbeat office: not heard"),
        ({"backup": LATE | {"problem": None}, "now": 3 * HOUR}, "! backup: it was due"),
        ({"backup": LATE | {"problem": "no disk [there]"}}, "✗ backup: no disk [there]"),
        ({"certificates": {"page": NOW - 1}}, "✗ certificate page: it ended"),
        ({"certificates": {"page": NOW + 3 * DAY}}, "! certificate page: it ends"),
        ({"alerts": [OWN]}, "! screen hall: the wall screen hall is not connected."),
        ({"alerts": [OWN | {"severity": "critical"}]}, "✗ screen hall: "),
        ({"quarantine": {"not-json": 3}}, "! quarantine: 3 not-json."),
    ],
)
def test_what_is_wrong_stands_above_what_goes_well(facts: dict[str, Any], line: str) -> None:
    lines = shown({"heard": facts.get("now", NOW) - 3_000} | facts, width=300)
    assert "1 thing to look at, below." in lines[0]
    assert lines[1].startswith(line)
    assert not any(one.startswith(("✗", "!")) for one in lines[2:])


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"channels": [CHANNEL]}, "✓ channel mail: last sent"),
        ({"heartbeats": [BEAT | {"well": True, "reason": ""}]}, "✓ heartbeat office: heard"),
        ({"backup": LATE | {"problem": None, "next": NOW}}, "✓ backup: last made"),
    ],
)
def test_what_goes_well_asks_for_nothing(facts: dict[str, Any], line: str) -> None:
    lines = shown(facts)
    assert lines[0].startswith("✓ All is well")
    assert any(one.startswith(line) for one in lines)


def test_an_alert_about_the_gateway_is_told_once() -> None:
    own = OWN | {"channel": "broker main", "reason": "cannot be reached"}
    lines = shown(
        {"alerts": [own], "brokers": {"main": {"state": "lost", "since": 0, "detail": "Gone"}}}
    )
    assert sum("broker main" in one for one in lines) == 1
    assert any("broker main: cannot be reached" in one for one in shown({"alerts": [own]}))


def test_of_many_alerts_the_first_are_shown_and_how_many_more_there_are() -> None:
    alerts = [about(f"reefer-{number}") for number in range(20)]
    lines = shown({"alerts": alerts, "devices": 300})
    assert sum("CRITICAL" in one for one in lines) == MOST
    assert "… and 10 more alerts. All of them: holdwatch alerts" in lines
    assert len(lines) < 40


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_tables_stay_within_the_width_and_sentences_are_whole(width: int) -> None:
    alerts = [about(f"reefer-{number}") for number in range(3)]
    names = {"reefer-0": "Vaccines for the clinic, on the left of the door, 2nd shelf"}
    lines = shown({"alerts": alerts, "names": names}, width=width)
    assert lines[0].startswith("✗ 3 alerts need somebody: reefer-0 Vaccines")
    if width >= 60:
        rows = [one for one in lines[1:] if "CRITICAL" in one]
        assert len(rows) == 3
        assert all(cell_len(one.rstrip()) <= width for one in rows)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (-5, "0 s"),
        (900, "0 s"),
        (119 * SECOND, "1 min 59 s"),
        (2 * MINUTE + 5, "2 min"),
        (119 * MINUTE, "1 h 59 min"),
        (47 * HOUR, "1 day 23 h"),
        (3 * DAY + HOUR, "3 days"),
    ],
)
def test_how_long_ago_is_told_roughly(length: int, words: str) -> None:
    assert ago(length) == words
