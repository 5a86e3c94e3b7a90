"""What a person is shown: nothing that somebody sent is obeyed by a terminal or a shell."""

from __future__ import annotations

import base64
import io
import shlex
from typing import Any

import pytest
from rich.console import Console

from gateway.screen.alerts import show_act, show_alerts
from gateway.screen.consignments import show_open
from gateway.screen.devices import show_devices
from gateway.screen.plain import show_import
from gateway.screen.quarantine import show_quarantine
from gateway.screen.status import show_status
from gateway.settings import parse

SETTINGS = parse("")
NASTY = "\x1b[2J\x9b[red]x\u202e\n"


def quarantined(**facts: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever it holds
    known = {"number": 1, "received": 0, "source": "listener/gate", "reason": "not-json"}
    texts = dict.fromkeys(("topic", "detail", "cure"), NASTY)
    return known | texts | {"payload": base64.b64encode(NASTY.encode()).decode()} | facts


def screen() -> Console:
    return Console(file=io.StringIO(), width=300, force_terminal=True, color_system=None)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_somebody_sent_cannot_command_a_terminal() -> None:
    console = screen()
    show_quarantine(console, SETTINGS, {"total": 1, "messages": [quarantined()]})
    shown = text(console)
    assert set(shown) & set(NASTY) <= set("[2Jred]x\n")
    assert shown.count(r"\x1b[2J\x9b[red]x\u202e\n") == 4


def test_a_payload_in_another_script_can_be_read() -> None:
    console = screen()
    payload = base64.b64encode('{"où": "冷"}'.encode()).decode()
    show_quarantine(console, SETTINGS, {"total": 1, "messages": [quarantined(payload=payload)]})
    assert '{"où": "冷"}' in text(console)


def test_the_command_that_is_shown_for_an_imported_device_can_be_copied() -> None:
    console = screen()
    answer = {"device": "a;b$(c)[x]", "readings": 0, "notes": [], "alerts": [ALERT]}
    show_import(console, SETTINGS, answer)
    (line,) = [one for one in text(console).splitlines() if "holdwatch report" in one]
    assert shlex.split(line.partition("Day by day: ")[2]) == ["holdwatch", "report", "a;b$(c)[x]"]


def test_a_list_without_open_consignments_says_where_the_others_are() -> None:
    console = screen()
    show_open(console, SETTINGS, [])
    assert "holdwatch consignment list --all" in text(console)


ALERT = {
    "device": ["", "fridge-1"],
    "severity": "critical",
    "rule": "fridge",
    "began": 0,
    "fired": 0,
    "ended": None,
    "worst": None,
    "unit": "",
    "limit": "",
}

OPEN = ALERT | {
    "id": "3f0c9a1be27d4c55",
    "device": ["acme", "fridge-1"],
    "kind": "threshold",
    "channel": "temperature",
    "limit": "above 8 °C",
    "last": 9.0,
    "note": "Move the goods.",
    "retrospective": False,
    "holder": "",
    "muted_until": None,
}
STATUS: dict[str, Any] = {
    "pending": [],
    "unjudged": [],
    "rules": 1,
    "arrives": True,
    "brokers": {},
    "listener": None,
    "influxdb": {},
    "quarantine": {},
    "senders": [],
    "names": {},
    "waiting": {},
    "unwatched": [],
    "wrong_clocks": [],
    "disk": {
        "problem": None,
        "warned": False,
        "step": None,
        "journal": 0,
        "history": 0,
        "free": 0,
    },
    "settings": {"problem": None, "changed": False, "waits": []},
    "channels": [],
    "heartbeats": [],
    "backup": None,
    "certificates": {},
    "unwell": None,
    "now": 100_000,
    "heard": 97_000,
    "judged": True,
    "received": 0,
    "started": 0,
    "duplicates": 0,
    "devices": 1,
    "clock_trusted": True,
}


def test_alerts_are_listed_with_who_has_them_and_the_id_to_act_on_them_by() -> None:
    console = screen()
    nobodys = OPEN | {"id": "0123456789abcdef"}
    show_alerts(console, SETTINGS, [OPEN | {"holder": "anna", "muted_until": 90_000}, nobodys])
    heading, first, second, *_ = text(console).splitlines()
    assert "who has it" in heading
    assert first.split()[-2:] == ["anna", "3f0c9a1be27d4c55"]
    assert second.strip() == "muted until 1970-01-01 00:01"
    assert "0123456789abcdef" in text(console)


def test_status_says_who_has_an_alert_and_nothing_where_nobody_does() -> None:
    for facts, words in (
        ({"holder": "anna"}, "anna has it"),
        ({"muted_until": 90_000}, "muted until 1970-01-01 00:01"),
    ):
        console = screen()
        show_status(console, SETTINGS, STATUS | {"alerts": [OPEN]})
        assert words not in text(console)
        show_status(console, SETTINGS, STATUS | {"alerts": [OPEN | facts]})
        assert words in text(console)


LONG = "a84041b2e1c5d30fa84041b2e1c5d30fa84041b2e1c5d30f"


def listed(width: int, device: str) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    one = {
        "device": device,
        "name": "Vaccines, on the left of the door",
        "model": "dragino-lht65",
        "recognised": "",
        "site": "Clinic",
        "zone": "Cold room 2",
        "container": "",
        "at": 0,
        "clock_wrong": False,
        "heard": True,
        "quarantined": 0,
        "values": {"temperature": 4.3, "humidity": 61.5},
        "rules": [
            {"rule": "fridge", "channel": "temperature", "state": "ok"},
            {"rule": "not-heard", "channel": "", "state": "ok"},
            {"rule": "not-heard", "channel": "", "state": "ok"},
        ],
        "unconfirmed": True,
        "maintenance": {"until": 0, "reason": "Defrosting, as every first Monday of the month"},
        "replaced_by": None,
        "expired": [],
    }
    show_devices(console, SETTINGS, [one])
    return text(console)


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("device", ["fridge-1", "acme/a84041b2e1c5d30f", LONG])
def test_an_id_is_never_broken_and_advice_stands_on_a_line_of_its_own(
    width: int, device: str
) -> None:
    lines = listed(width, device).splitlines()
    assert any(line.startswith((f"{device} ", device)) for line in lines)
    assert (
        f"{device}: in maintenance until 1970-01-01 00:00:00 UTC: Defrosting, as every first "
        "Monday of the month" in lines
    )
    assert any(line.startswith("Unconfirmed: nobody has named it. If it is") for line in lines)
    assert "not-heard : ok" not in listed(500, device)


def test_where_an_id_leaves_no_room_it_stands_above_the_rest() -> None:
    first, second, *_ = listed(80, LONG).splitlines()
    assert first.startswith(LONG)
    assert second.split() == ["what", "dragino-lht65"]


def test_what_is_to_be_done_about_an_alert_stands_below_the_alerts() -> None:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    note = "Move the vaccines to another refrigerator, and tell the pharmacist on duty about it."
    show_status(console, SETTINGS, STATUS | {"alerts": [OPEN | {"note": note}] * 2})
    assert text(console).splitlines().count(f"fridge: {note}") == 1


def test_what_was_done_about_an_alert_is_said_and_commands_no_terminal() -> None:
    console = screen()
    act = {"alert": "a1", "kind": "muted", "who": "anna", "to": "", "until": 90_000}
    show_act(console, SETTINGS, act | {"reason": NASTY})
    assert text(console).startswith(
        "Alert a1 is muted until 1970-01-01 00:01:30 UTC, by anna: \\x1b[2J"
    )
    console = screen()
    show_act(
        console, SETTINGS, act | {"kind": "assigned", "to": "ben", "until": None, "reason": "x"}
    )
    assert text(console) == "Alert a1 is assigned to ben, by anna: x\n"


def test_status_names_devices_as_people_call_them_and_who_sends_what_is_not_understood() -> None:
    console = screen()
    facts = {
        "alerts": [OPEN],
        "names": {"acme/fridge-1": "Vaccines [left]"},
        "quarantine": {"not-a-number": 7, "not-json": 1},
        "senders": [{"device": "acme/fridge-1", "count": 6}, {"device": "door-9", "count": 1}],
    }
    show_status(console, SETTINGS, STATUS | facts)
    alert, *_ = [one for one in text(console).splitlines() if "CRITICAL" in one]
    assert "acme/fridge-1 Vaccines [left]" in alert
    assert (
        "! quarantine: 7 not-a-number, 1 not-json. Most of acme/fridge-1 Vaccines [left] (6), "
        "door-9 (1). See: holdwatch quarantine list" in text(console)
    )
