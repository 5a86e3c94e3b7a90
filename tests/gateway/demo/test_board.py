"""The demo's board in terminals of all sizes: worst first, in words, what counts is whole."""

from __future__ import annotations

import io
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from rich.console import Console

from devices.reading import DeviceKey
from gateway.demo.board import Board, Row, Told, View, bucketed, sentence
from rules.alert import Alert

NOW = 1_795_364_570_000
MINUTE = 60_000
COMMANDS = (
    "holdwatch status -c /tmp/holdwatch-demo-4sgzm6al/holdwatch.toml",
    "mosquitto_sub -p 42977 -t 'holdwatch/demo/alerts/+' -v",
    "mosquitto_pub -p 42977 -q 1 -t cargo/warehouse/strong-room-2/readings \\",
    """    -m '{"illuminance": 300}'""",
)
ALERT = Alert(
    id="0",
    rule="cold-room-warm",
    version="1",
    kind="threshold",
    severity="critical",
    device=DeviceKey("", "cold-room"),
    channel="temperature",
    state="firing",
    reason="it has lasted long enough",
    began=NOW - 31 * MINUTE,
    fired=NOW - MINUTE,
    limit="above 8.0 °C for 30 min",
    unit="°C",
    last=10.6,
    worst=11.2,
    note="Shut the door.",
)


def row(device: str, state: str = "ok", **facts: Any) -> Row:  # noqa: ANN401 - whatever a row holds
    base = Row(
        device=device,
        where="warehouse",
        state=state,
        value="5.0 °C",
        limit="> 8 °C, 30 min",
        trend=[(NOW - age * MINUTE, 5.0 + (age < 30) * 5) for age in range(180, 0, -1)],
        low=-10.0,
        high=8.0,
        since=None,
        fires=None,
    )
    return base._replace(**facts)


ROWS = (
    row("cold-room", "critical", since=NOW - 31 * MINUTE, value="10.6 °C"),
    row("reefer-1", "pending", since=NOW - 59 * MINUTE, fires=NOW + 62_000),
    *(row(f"device-{number}") for number in range(5)),
)


def view(**facts: Any) -> View:  # noqa: ANN401 - whatever a view holds
    base = View(
        now=NOW,
        zone=ZoneInfo("Asia/Kolkata"),
        filled=1.0,
        messages=10_041,
        truth="6 assets, 7 devices: door open at cold-room for 34 min",
        rows=ROWS,
        told=[Told(1, NOW - MINUTE, ALERT)],
        page="http://127.0.0.1:8470/enter#0123456789abcdef0123456789abcdef",
        commands=COMMANDS,
        advice="Ctrl-C ends it",
    )
    return base._replace(**facts)


def screen(shown: View, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(Board(shown))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (81, 30), (100, 25), (130, 40), (200, 60)])
@pytest.mark.parametrize("filled", [0.4, 1.0])
def test_it_fills_the_screen_and_no_more(width: int, height: int, filled: float) -> None:
    shown = screen(view(filled=filled), width, height)
    assert len(shown) == height
    assert max(map(len, shown)) <= width
    assert [line.removeprefix("  ").rstrip() for line in shown[-4:]] == list(COMMANDS)


def test_states_are_words_and_what_will_be_an_alert_counts_down() -> None:
    text = "\n".join(screen(view()))
    assert "CRITICAL" in text
    assert "alert in 1:02" in text
    assert " ok " in text


def test_times_are_local() -> None:
    title, *rest = screen(view())
    assert title.endswith("21:52:50 IST")
    assert [line.split()[-1] for line in rest if "cold-room  " in line] == ["21:21"]


def test_an_alert_is_told_with_what_to_do() -> None:
    shown = screen(view())
    (place,) = [n for n, line in enumerate(shown) if line.startswith("Alerts as they come")]
    assert shown[place + 1].split() == [
        "21:51:50", "CRITICAL", "cold-room:", "temperature", "10.6", "°C,", "above", "8.0", "°C",
        "for", "30", "min",
    ]  # fmt: skip
    assert shown[place + 2].strip() == "Shut the door."


def test_where_it_is_is_told_on_a_wide_screen_only() -> None:
    assert not any("warehouse " in line for line in screen(view(commands=())))
    assert any("warehouse " in line for line in screen(view(commands=()), 130))


def test_of_many_devices_the_worst_are_shown_and_alerts_keep_their_place() -> None:
    many = [*ROWS, *(row(f"more-{number}") for number in range(100))]
    shown = screen(view(rows=many))
    assert len(shown) == 24
    text = "\n".join(shown)
    assert "reefer-1" in text
    assert "more-98" not in text
    assert "… and 99 more" in text
    assert "cold-room: temperature" in text


def test_the_newest_of_many_alerts_stand_first_and_notes_give_way() -> None:
    told = [Told(number, NOW + number * 1000, ALERT) for number in range(20)]
    shown = screen(view(told=told))
    times = [line[:8] for line in shown if "cold-room: " in line]
    assert times == sorted(times, reverse=True)
    assert times[0] == "21:53:09"
    assert len(times) >= 3
    assert not any("Shut the door" in line for line in shown)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "cold-room: temperature 10.6 °C, above 8.0 °C for 30 min"),
        (
            {"channel": "temperature.return_air"},
            "cold-room: return air 10.6 °C, above 8.0 °C for 30 min",
        ),
        (
            {"ended": NOW, "state": "resolved"},
            "cold-room: cold-room-warm is over after 31 min, at worst 11.2 °C",
        ),
        (
            {"channel": "", "last": None, "limit": "not heard for 15 min"},
            "cold-room: not heard for 15 min",
        ),
        (
            {"kind": "gateway", "channel": "disk", "reason": "it is\x1b[2J full"},
            "disk: it is?[2J full",
        ),
    ],
)
def test_a_sentence_for_each_alert(changes: dict[str, object], told: str) -> None:
    assert sentence(msgspec.structs.replace(ALERT, **changes)) == told


def test_a_trend_is_made_of_means() -> None:
    values = [(0, 1.0), (9, 3.0), (10, 5.0), (39, 7.0), (40, 100.0), (-1, 100.0)]
    assert bucketed(values, 0, 40, 4) == [2.0, 5.0, None, 7.0]


def test_a_device_without_a_past_has_no_trend() -> None:
    assert len(screen(view(rows=[row("new", trend=[])]))) == 24
