"""The lists of alerts, and one alert explained with its history."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from gateway.people.acts import Act, Facts, facts
from gateway.state import StoredEvent
from gateway.web.explain import changes, explained, history
from gateway.web.look import moment
from gateway.web.told_alert import Told
from rules.alert import Alert, Event
from rules.duration import HOUR, MINUTE
from rules.revision import WITHDRAWN, event
from tests.e2e.gateway_process import until

if TYPE_CHECKING:
    from tests.gateway.web.running import RunningPage

from devices.reading import DeviceKey

BEGAN = 1_800_000_000_000
"""Friday, 15 January 2027, 09:00 in Berlin."""
NOW = BEGAN + 3 * HOUR


def alert(**more: Any) -> Alert:  # noqa: ANN401 - any of its fields
    given: dict[str, Any] = {
        "id": "a" * 16,
        "rule": "too-warm",
        "version": "v1",
        "kind": "threshold",
        "severity": "critical",
        "device": DeviceKey("", "fridge-1"),
        "channel": "temperature",
        "state": "firing",
        "reason": "it has lasted long enough",
        "began": BEGAN,
        "fired": BEGAN + 30 * MINUTE,
        "limit": "above 8.0 °C for 30 min",
        "unit": "°C",
        "first": 8.5,
        "worst": 11.5,
        "last": 9.0,
    }
    return Alert(**{**given, **more})


def told(**more: Any) -> Told:  # noqa: ANN401 - any of its fields
    return Told(alert(**more), Facts(), "Vaccine fridge", "Warehouse 2", "Europe/Berlin")


OWN = {"kind": "gateway", "rule": "gateway", "channel": "disk", "reason": "the disk is full"}
ENDED = {"state": "resolved", "reason": "it is over", "ended": BEGAN + 2 * HOUR}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "fires on this: temperature above 8.0 °C for 30 min."),
        ({}, "It began 09:00 CET with 8.5 °C, and fired 09:30 CET, after 30 min."),
        ({}, "It is open: it has lasted long enough. So far it has lasted 3 h."),
        ({"fired": BEGAN}, "fired at once"),
        ({"unknown": 12 * MINUTE}, "For 12 min of it nobody knows"),
        ({"retrospective": True}, "nobody was warned by it in time"),
        (ENDED, "It ended 11:00 CET, after 2 h: it is over."),
        ({**ENDED, "reason": WITHDRAWN}, "It was withdrawn: late data shows"),
        (
            {**ENDED, "state": "indeterminate", "reason": "its rule no longer judges"},
            "It was closed 11:00 CET: its rule no longer judges.",
        ),
        (
            {"channel": "", "limit": "not heard for 30 min", "kind": "lost_contact"},
            "The device was last heard 09:00 CET",
        ),
        (OWN, "Since 09:00 CET: The disk is full."),
    ],
)
def test_an_alert_says_why_it_is_in_its_state(fields: dict[str, Any], words: str) -> None:
    assert words in " ".join(explained(told(**fields), NOW))


def test_the_history_is_told_newest_first_with_what_people_did() -> None:
    firing = event(alert())
    acts = [
        Act("a" * 16, "acknowledged", "olga", BEGAN + HOUR, "On my way", number=1),
        Act("a" * 16, "assigned", "olga", BEGAN + 2 * HOUR, "Night shift", to="karl", number=2),
    ]
    steps = history(told(), [StoredEvent(1, BEGAN + 31 * MINUTE, firing)], acts, NOW)
    titles = ["olga handed it to karl", "olga has it", "The alert fired", "It began"]
    assert [one.title for one in steps] == titles
    assert [one.text for one in steps][:2] == ["Night shift", "On my way"]
    assert steps[2].known == BEGAN + 31 * MINUTE


def test_a_revision_says_what_was_before() -> None:
    before, after = alert(), alert(began=BEGAN - HOUR, worst=12.5, revision=1)
    assert changes(before, after, told(), NOW) == [
        "began 08:00 CET, before: 09:00 CET",
        "worst 12.5 °C, before: 11.5 °C",
    ]
    revised = Event(key="k", kind="revised", at=BEGAN, alert=after, before=before)
    (step, _) = history(told(), [StoredEvent(1, NOW, revised)], [], NOW)
    assert (step.title, step.at) == ("Revised", NOW)
    assert "before: 09:00 CET" in step.text


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (BEGAN, "09:00 CET"),
        (BEGAN - 10 * HOUR, "Thu 14 Jan 23:00 CET"),
        (BEGAN - 200 * 24 * HOUR, "29 Jun 2026 10:00 CEST"),
        (None, ""),
    ],
)
def test_a_time_names_its_zone_and_another_day(when: int | None, words: str) -> None:
    assert moment(when, "Europe/Berlin", NOW) == words


def test_what_is_in_the_past_or_held_comes_after_what_nobody_has() -> None:
    held = facts([Act("a", "acknowledged", "olga", NOW, "On my way")], NOW)
    worst = told(began=BEGAN + HOUR)
    mine = Told(alert(), held, "n", "", "UTC")
    warning, past = told(severity="warning"), told(retrospective=True)
    assert sorted([past, warning, mine, worst], key=Told.rank) == [worst, mine, warning, past]


def test_of_equally_grave_alerts_the_one_furthest_beyond_its_limit_is_first() -> None:
    warmer, cooler = told(last=13.3, began=BEGAN + HOUR), told(last=11.3)
    assert sorted([cooler, warmer], key=Told.rank) == [warmer, cooler]


# -- over the network ---------------------------------------------------------------------------


def test_open_alerts_are_listed_with_what_is_wrong_and_who_has_it(page: RunningPage) -> None:
    found = page.alert("fridge-1", 11.5)
    shown = page.user("lists").get("/alerts").text
    assert f'href="/alerts/{found["id"]}"' in shown
    for words in ("Vaccine fridge", "Warehouse 2", "11.5 °C", "outside 2.0 to 8.0", "nobody"):
        assert words in shown
    assert "#critical" in shown


def test_what_is_over_is_listed_in_pages(page: RunningPage) -> None:
    for device in ("fridge-over-0", "fridge-over-1"):
        page.alert(device)
        page.publish(device, {"temperature": 5.0})
    found = page.alert("fridge-over-2")
    page.publish("fridge-over-2", {"temperature": 5.0})
    client = page.user("pages")

    def over() -> bool:
        return found["id"] in client.get("/alerts?state=ended").text

    until(over, "the alert is over")
    assert found["id"] not in client.get("/alerts").text
    before = f"{found['began']}:{found['id']}"
    older = client.get("/alerts/ended", params={"before": before}, headers={"HX-Request": "true"})
    assert found["id"] not in older.text
    assert "fridge-over-0" in older.text
    # A list of which more was read stands still.
    assert 'id="ended-live" hx-swap-oob="true"' in older.text


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("", True),
        ("severity=critical", True),
        ("severity=warning", False),
        ("find=WAREHOUSE", True),
        ("find=fridge-filter", True),
        ("find=nowhere", False),
    ],
)
def test_lists_are_filtered(page: RunningPage, query: str, *, there: bool) -> None:
    alerts = page.command("alerts")
    found = next((one for one in alerts if one["device"][1] == "fridge-filter"), None)
    found = found or page.alert("fridge-filter")
    shown = page.user(f"filters-{abs(hash(query)) % 10**6}").get(f"/alerts?{query}").text
    assert (found["id"] in shown) == there


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/alerts/0123456789abcdef", HTTPStatus.NOT_FOUND),
        ("/alerts?state=what", HTTPStatus.UNPROCESSABLE_ENTITY),
        ("/alerts?severity=what", HTTPStatus.UNPROCESSABLE_ENTITY),
        ("/alerts/ended?before=x", HTTPStatus.UNPROCESSABLE_ENTITY),
        ("/alerts/open?size=0", HTTPStatus.UNPROCESSABLE_ENTITY),
    ],
)
def test_a_wrong_address_is_told(page: RunningPage, path: str, status: HTTPStatus) -> None:
    client = page.user(f"wrong-{abs(hash(path)) % 10**6}")
    assert client.get(path, headers={"Accept": "text/html"}).status_code == status


def test_one_alert_is_explained(page: RunningPage) -> None:
    found = page.alert("fridge-why", 12.5)
    page.command("alert", "note", found["id"], "--reason", "<b>open</b> door")
    shown = page.user("why").get(f"/alerts/{found['id']}").text
    for words in (
        "The rule too-warm fires on this",
        "Move the vaccines to another fridge.",
        "fired at once",
        found["version"],
        "Note by ",
        "&lt;b&gt;open&lt;/b&gt; door",
        "/sensor/fridge-why?channel=temperature&amp;on=",
    ):
        assert words in shown
