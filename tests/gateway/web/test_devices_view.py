"""The registry as people see it: devices listed, confirmed, named, maintained, calibrated."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.gateway_process import until
from tests.gateway.web.test_acts_view import HTMX, csrf

if TYPE_CHECKING:
    from tests.gateway.web.running import RunningPage

ACTS = ("confirm", "card", "maintain", "calibrate", "withdraw", "replace")


@pytest.fixture(scope="module")
def operator(page: RunningPage) -> httpx.Client:
    return page.user("otto", "operator")


@pytest.fixture(scope="module")
def quality(page: RunningPage) -> httpx.Client:
    return page.user("quinn", "quality")


def heard(page: RunningPage, client: httpx.Client, device: str, value: float = 4.5) -> None:
    """Let a device speak, and wait until the page knows of it."""
    page.publish(device, {"temperature": value})
    until(lambda: client.get(f"/device/{device}").status_code == HTTPStatus.OK or None, device)


def act(client: httpx.Client, to: str, **said: object) -> httpx.Response:
    return client.post(to, data=said, headers={**HTMX, **csrf(client)})


def test_a_new_device_is_listed_first_confirmed_and_named(
    page: RunningPage, operator: httpx.Client
) -> None:
    heard(page, operator, "probe-1")
    listed = operator.get("/devices?kind=unconfirmed").text
    assert 'value="/probe-1"' in listed
    done = act(operator, "/devices/confirm", device=["/probe-1"])
    assert "1 device is confirmed" in done.headers["hx-trigger"]
    assert 'value="/probe-1"' not in done.text
    done = act(operator, "/device-card/probe-1", name="Back shelf", container="msku 907032 3")
    assert "MSKU9070323" in done.text
    assert "Back shelf" in operator.get("/devices?find=MSKU9070323").text
    assert "<b>otto</b>" in done.text
    board = operator.get("/").text
    assert "Back shelf" in board
    assert "MSKU9070323" in board


def test_a_device_of_which_nothing_was_understood_is_listed_and_led_to(
    page: RunningPage, operator: httpx.Client
) -> None:
    page.publish("mute-1", {"flavour": 1}, {"flavour": 2})

    def told() -> str | None:
        shown = operator.get("/devices?find=mute-1").text
        return shown if "<b>heard, not understood</b> (2)" in shown else None

    assert 'value="/mute-1"' in until(told, "it is listed, to be confirmed")
    answer = operator.get("/sensor/mute-1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/device/mute-1")
    assert operator.get("/device/mute-1").status_code == HTTPStatus.OK
    assert operator.get("/sensor/nobody").status_code == HTTPStatus.NOT_FOUND


def test_all_that_are_found_are_confirmed_at_once(
    page: RunningPage, operator: httpx.Client
) -> None:
    for number in (1, 2):
        heard(page, operator, f"crowd-{number}")
    heard(page, operator, "loner-1")
    done = act(operator, "/devices/confirm?find=crowd", all="yes")
    assert "2 devices are confirmed" in done.headers["hx-trigger"]
    waiting = operator.get("/devices?kind=unconfirmed").text
    assert "crowd-1" not in waiting
    assert "loner-1" in waiting


def test_a_container_number_with_a_wrong_digit_is_refused_with_the_right_one(
    page: RunningPage, operator: httpx.Client
) -> None:
    heard(page, operator, "probe-2")
    answer = act(operator, "/device-card/probe-2", container="MSKU 907032 4")
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "3" in answer.json()["cure"]


def test_maintenance_has_an_end_and_is_marked_on_the_board(
    page: RunningPage, operator: httpx.Client
) -> None:
    heard(page, operator, "probe-3")
    done = act(operator, "/device-maintain/probe-3", reason="Cleaning", length="2 h")
    assert "maintenance until" in done.text
    assert "maintenance until" in operator.get("/").text
    page.publish("probe-3", {"temperature": 40.0})
    readings = "/api/v1/devices/probe-3/readings"
    found = until(lambda: operator.get(readings).json()["items"][1:] or None, "its reading")
    assert found[0]["values"] == {"temperature": None}
    assert found[0]["raw"] == {"temperature": 40.0}
    assert found[0]["flags"] == ["no-clock", "maintenance"]
    done = act(operator, "/device-maintain/probe-3", end="yes")
    assert "maintenance until" not in done.text


def test_values_are_corrected_with_what_was_said_beside_them(
    page: RunningPage, quality: httpx.Client
) -> None:
    heard(page, quality, "probe-4", 4.0)
    done = act(
        quality,
        "/device-calibrate/probe-4",
        channel="temperature",
        offset="0.4",
        as_found="-1.2",
        certificate="K-77",
        expires="2090-01-01",
        since="2020-01-01",
    )
    assert done.status_code == HTTPStatus.OK, done.text
    assert "was wrong by more than it may be" in done.text
    assert "K-77" in done.text
    reading = quality.get("/api/v1/devices/probe-4/readings").json()["items"][0]
    assert (reading["values"], reading["raw"]) == ({"temperature": 4.4}, {"temperature": 4.0})
    assert "calibrated" in reading["flags"]
    asked = {"channel": "temperature", "from": reading["when"] - 1000, "to": reading["when"] + 1000}
    chart = quality.get("/chart/probe-4", params=asked).json()
    assert chart["values"] == [4.4]
    assert chart["offsets"] == [{"since": reading["when"], "offset": 0.4}]
    number = done.text.split('name="number" value="')[1].split('"')[0]
    act(quality, "/device-withdraw/probe-4", number=number)
    assert quality.get("/api/v1/devices/probe-4/readings").json()["items"][0]["raw"] == {}


def test_one_device_stands_in_for_another_and_its_chart_goes_on(
    page: RunningPage, quality: httpx.Client
) -> None:
    heard(page, quality, "old-1", 4.0)
    act(quality, "/device-card/old-1", name="Shelf 9")
    moment = quality.get("/api/v1/devices/old-1").json()["at"] + 1
    heard(page, quality, "new-1", 5.0)
    done = act(quality, "/device-replace/old-1", by="new-1")
    assert done.status_code == HTTPStatus.OK, done.text
    assert "stands in for it" in done.text
    shown = quality.get("/sensor/new-1").text
    assert "Shelf 9" in shown
    assert 'href="/sensor/old-1"' in shown
    asked = {"channel": "temperature", "from": moment - 1000, "to": moment + 3_600_000}
    chart = quality.get("/chart/new-1", params=asked).json()
    assert 4.0 in chart["values"]
    assert [one["device"] for one in chart["before"]] == ["old-1"]
    assert 'href="/sensor/new-1"' in quality.get("/sensor/old-1").text
    act(quality, "/device-replace/old-1", by="new-1", undo="yes")
    assert quality.get("/chart/new-1", params=asked).json()["before"] == []


def test_a_table_is_shown_before_it_is_taken_in(quality: httpx.Client) -> None:
    table = "device,name,site\nnamed-1,Not yet heard,Yard\n"
    shown = quality.post(
        "/devices/import", data=csrf_field(quality), files={"table": ("fleet.csv", table)}
    ).text
    assert "Nothing is changed yet" in shown
    assert "named-1" not in quality.get("/devices").text
    done = quality.post(
        "/devices/import", data={**csrf_field(quality), "content": table, "sure": "yes"}
    ).text
    assert "1 device is changed" in done
    assert "Not yet heard" in quality.get("/devices").text
    assert quality.get("/device/named-1").status_code == HTTPStatus.OK
    assert "named-1,Not yet heard,Yard" in quality.get("/devices.csv").text


def test_a_wrong_line_is_shown_and_nothing_is_changed(quality: httpx.Client) -> None:
    table = "device,container\nnamed-2,MSKU9070324\n"
    shown = quality.post(
        "/devices/import", data=csrf_field(quality), files={"table": ("fleet.csv", table)}
    ).text
    assert "1 line is wrong" in shown
    assert "named-2" not in quality.get("/devices").text


def csrf_field(client: httpx.Client) -> dict[str, str]:
    return {"csrf": csrf(client)["X-CSRF-Token"]}


@pytest.mark.parametrize("what", ACTS)
def test_a_viewer_sees_all_and_may_do_nothing(page: RunningPage, what: str) -> None:
    client = page.user(f"vera-{what}", "viewer")
    heard(page, client, "probe-9")
    shown = client.get("/device/probe-9").text
    assert "<form" not in shown
    assert act(client, f"/device-{what}/probe-9").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("what", ["calibrate", "withdraw", "replace"])
def test_an_operator_may_not_calibrate_nor_replace(operator: httpx.Client, what: str) -> None:
    said = {"number": "1"} if what == "withdraw" else {}
    answer = act(operator, f"/device-{what}/probe-1", **said)
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_what_is_not_understood_is_counted_for_its_device(
    page: RunningPage, operator: httpx.Client
) -> None:
    heard(page, operator, "probe-5")
    page.publish("probe-5", {"temperature": "warm"})
    shown = until(
        lambda: (
            (text := operator.get("/devices?kind=rubbish").text)
            and "1 not understood" in text
            and text
        ),
        "its count",
    )
    assert "probe-5" in shown
    listed = operator.get("/quarantine?device=probe-5").text
    assert "cargo/site/probe-5/readings" in listed


def test_a_device_that_nobody_knows_is_not_there(operator: httpx.Client) -> None:
    assert operator.get("/device/nobody").status_code == HTTPStatus.NOT_FOUND
    answer = act(operator, "/device-card/nobody", name="x")
    assert answer.status_code == HTTPStatus.NOT_FOUND
