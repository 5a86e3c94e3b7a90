"""What a person is told of copies to InfluxDB, in one line or at length."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from gateway.screen import influx as screen_influx
from gateway.screen.health_lines import server_line
from gateway.screen.status import show_status
from gateway.settings import parse
from tests.gateway.screen.test_plain import STATUS, screen, text

SETTINGS = parse('[[influxdb]]\nurl = "http://127.0.0.1:8086"\n')
NASTY = "\x1b[2J[red]x"
COPIED: dict[str, Any] = {
    "url": "http://127.0.0.1:8086",
    "database": "holdwatch",
    "version": "1.6.7",
    "well": True,
    "reason": "",
    "last": 60_000,
    "written": 1_234,
    "waiting": 0,
    "missed_days": 0,
    "missed": [],
    "rejected": 0,
    "expired": 0,
}


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({}, "✓ InfluxDB db: last written 1970-01-01 00:01:00 UTC"),
        ({"last": None}, "✓ InfluxDB db: nothing written yet"),
        ({"waiting": 88}, "✓ InfluxDB db: last written 1970-01-01 00:01:00 UTC"),
        (
            {"waiting": 88, "last": None},
            "✓ InfluxDB db: nothing written yet. 88 readings to send",
        ),
        (
            {"waiting": 88, "last": None, "well": False, "reason": "no"},
            "✗ InfluxDB db: away. 88 readings to send. No",
        ),
        (
            {"waiting": 1_200, "missed_days": 1},
            (
                "✓ InfluxDB db: last written 1970-01-01 00:01:00 UTC. 1,200 readings to send. "
                "1 day to send from the history"
            ),
        ),
        (
            {"well": False, "reason": "cannot connect. Is it there?"},
            (
                "✗ InfluxDB db: away, last written 1970-01-01 00:01:00 UTC. Cannot connect. "
                "Is it there?"
            ),
        ),
        ({"well": False, "reason": "no", "last": None}, "✗ InfluxDB db: away. No"),
        (
            {"well": False, "reason": "http://127.0.0.1:8086 is silent", "last": None},
            "✗ InfluxDB db: away. http://127.0.0.1:8086 is silent",
        ),
    ],
)
def test_a_line_says_how_a_server_stands(facts: dict[str, Any], line: str) -> None:
    console = screen()
    console.print(server_line(SETTINGS, "db", COPIED | facts, running=True))
    assert text(console) == f"{line}\n"


@pytest.mark.parametrize(
    ("waiting", "line"), [(0, "  InfluxDB db: nothing to send"), (1, "… InfluxDB db: 1 reading to")]
)
def test_a_gateway_that_does_not_run_knows_what_waits_alone(waiting: int, line: str) -> None:
    console = screen()
    one = COPIED | {"waiting": waiting, "last": None}
    console.print(server_line(SETTINGS, "db", one, running=False))
    assert text(console).startswith(line)


def test_status_tells_of_servers_once_and_of_what_they_refused() -> None:
    console = screen()
    answer = {"alerts": [], "influxdb": {"db": COPIED | {"rejected": 3}}}
    waiting = {"monitor": 0, "influxdb:db": 5}
    show_status(console, SETTINGS, STATUS | answer | {"waiting": waiting})
    shown = text(console)
    assert "! InfluxDB db has refused 3. See: holdwatch influx rejected db" in shown
    assert "still to do" not in shown


def test_what_a_server_says_commands_no_terminal() -> None:
    console = Console(file=io.StringIO(), width=300, force_terminal=True, color_system=None)
    one = COPIED | {"well": False, "reason": NASTY, "version": NASTY, "rejected": 1}
    screen_influx.show_servers(console, SETTINGS, {"servers": {"db": one}})
    reason = {
        "reason": NASTY,
        "count": 1,
        "devices": 1,
        "first": 0,
        "last": 0,
        "refused": 0,
        "example": {"device": NASTY, "at": 0, "what": {"temperature": None}},
    }
    answer = {"name": "db", "total": 1, "newest": 1, "reasons": [reason], "more": 2}
    screen_influx.show_rejected(console, SETTINGS, answer)
    screen_influx.show_backfill(
        console,
        SETTINGS,
        {"name": "db", "sent": 0, "waiting": 0, "rejected": 1, "damaged": NASTY},
    )
    shown = text(console)
    assert "\x1b" not in shown
    assert shown.count(r"\x1b[2J[red]x") == 5
    assert "… and 2 more reasons: see --limit" in shown


def test_at_length_it_says_what_a_server_lacks() -> None:
    console = screen()
    facts = {"missed_days": 12, "missed": ["2026-01-01", "2026-01-02"], "expired": 1}
    screen_influx.show_servers(console, SETTINGS, {"servers": {"db": COPIED | facts}})
    shown = text(console)
    assert "12 days to be sent from the history: …, 2026-01-01, 2026-01-02 (UTC)" in shown
    assert "1 point older than what the server keeps: not taken" in shown
    assert "1,234 points since the start" in shown
    console = screen()
    screen_influx.show_servers(console, SETTINGS, {"servers": {}})
    assert text(console) == "There is no [[influxdb]] in the settings: nothing is copied.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("no", ""), "no."),
        (("no. Is it there?", "Look"), "no. Is it there? Look."),
        (("no.", "Look."), "no. Look."),
    ],
)
def test_sentences_end_once(words: tuple[str, ...], told: str) -> None:
    assert screen_influx.sentences(*words) == told
