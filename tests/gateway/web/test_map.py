"""What is where, and which way it came, as browsers get it."""

from __future__ import annotations

import time
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import pytest

from devices.reading import UNUSABLE_SHIFT, DeviceKey
from gateway.history.reader import Series
from gateway.web.now.way import Fixes, together, way
from rules.alert import Alert
from rules.duration import DAY, HOUR, MINUTE
from rules.revision import WITHDRAWN
from tests.gateway.web.running import RunningPage, until

START = 1_780_000_000_000
LISBON = {"lat": 38.7, "lon": -9.1}


@pytest.fixture(scope="module")
def client(page: RunningPage) -> httpx.Client:
    return page.user("mara", "viewer")


def now() -> int:
    return int(time.time() * 1000)


def listed(client: httpx.Client, device: str, words: str) -> str:
    """Return what the list says of a device, once it holds some words."""

    def found() -> str | None:
        parts = client.get("/map-list").text.split("<li")
        return next((one for one in parts if f'data-key="{device}"' in one and words in one), None)

    part: str = until(found, f"{words} of {device} on the map")
    return part


def fixes(*places: tuple[float, float, float]) -> Fixes:
    """Make positions of (minutes after START, latitude, longitude)."""
    when, latitude, longitude = (np.array(one, np.float64) for one in zip(*places, strict=True))
    return Fixes(START + (when * MINUTE).astype(np.int64), latitude, longitude)


def alert(began: int, ended: int | None, severity: str = "critical", reason: str = "") -> Alert:
    return Alert(
        id=f"{severity}-{began}",
        rule="too-warm",
        version="1",
        kind="threshold",
        severity=severity,
        device=DeviceKey("", "truck-1"),
        channel="temperature",
        state="resolved",
        reason=reason,
        began=START + began * MINUTE,
        fired=START + began * MINUTE,
        ended=None if ended is None else START + ended * MINUTE,
    )


def test_a_device_is_where_it_says_and_moves_with_what_it_says(
    page: RunningPage, client: httpx.Client
) -> None:
    page.publish("truck-1", {"temperature": 4.0, "position": LISBON})
    first = listed(client, "truck-1", "38.700° N, 9.100° W")
    assert 'data-latitude="38.7"' in first
    assert 'data-moves="1"' in first
    page.publish("truck-1", {"temperature": 4.0, "position": {"lat": -33.9, "lon": 18.4}})
    listed(client, "truck-1", "33.900° S, 18.400° E")
    # It is not gone because a message says nothing of where it is.
    page.publish("truck-1", {"temperature": 14.0})
    listed(client, "truck-1", "33.900° S, 18.400° E")


def test_a_device_that_does_not_say_is_where_the_settings_say(
    page: RunningPage, client: httpx.Client
) -> None:
    page.publish("fridge-map", {"temperature": 4.0})
    part = listed(client, "fridge-map", "53.540° N, 9.980° E")
    assert 'data-moves=""' in part
    assert "Vaccine fridge" in part


def test_a_device_without_a_position_is_listed_as_such(
    page: RunningPage, client: httpx.Client
) -> None:
    page.publish("nowhere-1", {"temperature": 4.0})
    until(lambda: "nowhere-1" in client.get("/map-list").text, "the device in the list")
    text = client.get("/map").text
    assert "without a position" in text
    assert 'href="/sensor/nowhere-1"' in text.partition("without a position")[2]


def test_a_position_said_before_the_page_began_is_known(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with RunningPage(tmp_path_factory.mktemp("before")) as running:
        running.publish("truck-2", {"temperature": 4.0, "position": LISBON})
        running.stop()
        running.start()
        listed(running.user("anna"), "truck-2", "38.700° N, 9.100° W")


def test_the_way_of_a_day_is_told_with_its_state(page: RunningPage, client: httpx.Client) -> None:
    begin = now() - 5 * HOUR
    readings: list[dict[str, Any]] = [
        {
            "time": begin + index * 5 * MINUTE,
            "temperature": 12.0 if 20 <= index < 30 else 4.0,
            "position": {"lat": 40 + index / 10, "lon": 5.0},
        }
        for index in range(50)
    ]
    page.publish("truck-way", {"time": now() - 3 * DAY, "position": LISBON}, *readings)

    def told() -> dict[str, Any] | None:
        made: dict[str, Any] = client.get("/map-way/truck-way").json()
        states = [one["state"] for one in made.get("stretches", ())]
        return made if "critical" in states else None

    made = until(told, "the way with its alert")
    assert [one["state"] for one in made["stretches"]] == ["ok", "critical", "ok"]
    assert made["positions"] == 50
    critical = made["stretches"][1]
    assert (critical["start"], critical["end"]) == (begin + 100 * MINUTE, begin + 150 * MINUTE)
    week = client.get("/map-way/truck-way?length=week").json()
    assert week["positions"] == 51
    assert week["stretches"][0]["state"] == "unknown"


def test_a_way_breaks_where_nothing_was_heard() -> None:
    made = way(fixes((0, 1, 1), (5, 2, 1), (60, 9, 1), (65, 9, 2)), [], 12 * MINUTE, 800)
    assert [(one.state, one.points) for one in made] == [
        ("ok", [(1, 1), (2, 1)]),
        ("unknown", [(2, 1), (9, 1)]),
        ("ok", [(9, 1), (9, 2)]),
    ]


@pytest.mark.parametrize(
    ("alerts", "states"),
    [
        ([alert(10, 20)], ["ok", "critical", "ok"]),
        ([alert(10, 20, "warning"), alert(12, 15)], ["ok", "warning", "critical", "warning", "ok"]),
        ([alert(-10, None)], ["critical"]),
        ([alert(30, 40, "info")], ["ok", "info", "ok"]),
        ([alert(30, 40, "critical", WITHDRAWN)], ["ok"]),
    ],
)
def test_a_way_is_in_the_state_that_the_alerts_of_then_say(
    alerts: list[Alert], states: list[str]
) -> None:
    found = fixes(*((minute, minute / 10, 1) for minute in range(50)))
    made = way(found, alerts, 5 * MINUTE, 800)
    assert [one.state for one in made] == states
    for before, after in pairwise(made):
        assert before.points[-1] == after.points[0]


def test_a_long_way_keeps_its_ends_and_its_furthest_turns() -> None:
    places = [(minute / 6, 50 + np.sin(minute / 900), minute / 1e4) for minute in range(50_000)]
    places[12_345] = (12_345 / 6, 60.0, 1.2)
    made = way(fixes(*places), [alert(100, 101)], 5 * MINUTE, 800)
    points = [one for stretch in made for one in stretch.points]
    assert len(points) < 900
    assert points[0] == tuple(places[0][1:])
    assert points[-1] == tuple(places[-1][1:])
    assert (60.0, 1.2) in points
    assert "critical" in {one.state for one in made}


def test_one_position_is_a_way_too_and_none_is_none() -> None:
    (one,) = way(fixes((0, 1, 1)), [], MINUTE, 800)
    assert one.points == [(1, 1)]
    empty = np.zeros(0)
    assert way(Fixes(empty.astype(np.int64), empty, empty), [], MINUTE, 800) == []


def test_a_position_needs_both_numbers_and_both_possible() -> None:
    def series(*values: tuple[int, float]) -> Series:
        when = np.array([at for at, _ in values], np.int64)
        flags = np.array([1 << UNUSABLE_SHIFT if abs(v) > 180 else 0 for _, v in values], np.int64)
        return Series(when, np.array([v for _, v in values]), flags, flags == 0)

    found = together(
        series((1, 50.0), (2, 999.0), (3, 51.0), (4, np.nan), (6, 53.0)),
        series((1, 5.0), (2, 5.0), (4, 5.0), (5, 5.0), (6, 6.0)),
    )
    assert found.when.tolist() == [1, 6]
    assert found.latitude.tolist() == [50.0, 53.0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/map-way/nobody", HTTPStatus.NOT_FOUND),
        ("/map-way/truck-1?length=year", HTTPStatus.UNPROCESSABLE_ENTITY),
    ],
)
def test_a_way_that_cannot_be_is_refused(
    page: RunningPage, client: httpx.Client, path: str, status: HTTPStatus
) -> None:
    page.publish("truck-1", {"position": LISBON})
    listed(client, "truck-1", "38.700° N")
    assert client.get(path).status_code == status
