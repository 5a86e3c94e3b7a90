"""The sheet: who may do what about an alert, and what comes of it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.gateway.web.running import RunningPage

HTMX = {"HX-Request": "true"}


def csrf(client: httpx.Client) -> dict[str, str]:
    """Return the header with which our own page changes anything."""
    shown = client.get("/account").text
    return {"X-CSRF-Token": shown.split('data-csrf="')[1].split('"')[0]}


def act(client: httpx.Client, alert: dict[str, Any], verb: str, **form: str) -> httpx.Response:
    return client.post(f"/alerts/{alert['id']}/{verb}", data=form, headers={**HTMX, **csrf(client)})


def test_one_tap_takes_an_alert_and_says_so(page: RunningPage) -> None:
    alert, client = page.alert("fridge-1"), page.user("olga")
    sheet = client.get(f"/alerts/{alert['id']}/acts", headers=HTMX).text
    assert "<html" not in sheet
    assert 'value="On my way"' in sheet
    answer = act(client, alert, "acknowledge", reason="On my way")
    assert answer.status_code == HTTPStatus.OK
    assert json.loads(answer.headers["hx-trigger"]) == {
        "acted": {"alert": alert["id"]},
        "say": "You have Vaccine fridge: On my way",
    }
    (entry, *_) = page.command("audit")
    assert entry["what"] == "alert-acknowledge"
    assert entry["who"]["name"] == "olga"
    assert entry["who"]["via"] == "page"
    (found,) = [one for one in page.command("alerts") if one["id"] == alert["id"]]
    assert found["holder"] == "olga"


def test_whoever_takes_what_was_handed_to_somebody_else_has_it(page: RunningPage) -> None:
    page.add_user("kurt")
    alert, client = page.alert("fridge-taken"), page.user("tilda")
    act(client, alert, "assign", to="kurt", reason="Handed over")
    shown = act(client, alert, "acknowledge", reason="Sensor fault").text
    stands = shown.split('id="acts-now"')[1].split("</div>")[0]
    assert "<b>tilda</b>" in stands
    assert "Sensor fault" in stands
    (found,) = [one for one in page.command("alerts") if one["id"] == alert["id"]]
    assert found["holder"] == "tilda"


def test_the_sheet_is_a_page_of_its_own_without_javascript(page: RunningPage) -> None:
    alert, client = page.alert("fridge-2"), page.user("plain")
    shown = client.get(f"/alerts/{alert['id']}/acts").text
    assert "<html" in shown
    token = csrf(client)["X-CSRF-Token"]
    answer = client.post(
        f"/alerts/{alert['id']}/acknowledge", data={"csrf": token, "reason": "Goods moved"}
    )
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.headers["location"] == f"/alerts/{alert['id']}"
    assert "Goods moved" in client.get(f"/alerts/{alert['id']}").text


def test_an_alert_is_handed_over_noted_muted_and_unmuted(page: RunningPage) -> None:
    page.add_user("karl")
    page.add_user("vera", "viewer")
    page.command("screen", "add", "hall")
    alert, client = page.alert("fridge-3"), page.user("otto")
    sheet = client.get(f"/alerts/{alert['id']}/acts", headers=HTMX).text
    assert '<button name="to" value="karl">' in sheet
    for nobody in ("vera", "hall", "otto"):
        assert f'<button name="to" value="{nobody}">' not in sheet
    for verb, form, shown in (
        ("assign", {"to": "karl", "reason": "Handed over"}, "karl"),
        ("note", {"reason": "first line\nsecond"}, ""),
        ("mute", {"length": "2 h", "reason": "Goods moved"}, "Let it sound again"),
        ("unmute", {"reason": "Made to sound again"}, 'name="length"'),
    ):
        answer = act(client, alert, verb, **form)
        assert answer.status_code == HTTPStatus.OK, answer.text
        assert shown in answer.text
    seen = client.get(f"/alerts/{alert['id']}").text
    for words in ("otto handed it to karl", "second", "otto muted it until", "sound again"):
        assert words in seen


@pytest.mark.parametrize(
    ("verb", "form", "words"),
    [
        ("acknowledge", {}, "there is no reason"),
        ("acknowledge", {"reason": "x" * 501}, "501 characters"),
        ("acknowledge", {"reason": "a\x07b"}, "control character"),
        ("assign", {"to": "no-one", "reason": "r"}, "there is no person"),
        ("mute", {"length": "30 h", "reason": "r"}, "cannot be muted"),
        ("mute", {"length": "soon", "reason": "r"}, "no length of time"),
        ("unmute", {"reason": "r"}, "not muted"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_cure(
    page: RunningPage, verb: str, form: dict[str, str], words: str
) -> None:
    alerts = page.command("alerts")
    alert = next((one for one in alerts if one["device"][1] == "fridge-4"), None)
    alert = alert or page.alert("fridge-4")
    client = page.user(f"errs-{abs(hash((verb, words))) % 10**6}")
    answer = act(client, alert, verb, **form)
    assert answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
    assert words in answer.json()["detail"]
    assert answer.json()["cure"]


@pytest.mark.parametrize("verb", ["acknowledge", "assign", "note", "mute", "unmute"])
def test_a_viewer_sees_no_buttons_and_is_refused(page: RunningPage, verb: str) -> None:
    alerts = page.command("alerts")
    alert = next((one for one in alerts if one["device"][1] == "fridge-5"), None)
    alert = alert or page.alert("fridge-5")
    client = page.user(f"viewer-{verb}", "viewer")
    sheet = client.get(f"/alerts/{alert['id']}/acts", headers=HTMX).text
    assert "<form" not in sheet
    assert "an operator can act on it" in sheet
    assert "/acknowledge" not in client.get("/alerts").text
    answer = act(client, alert, verb, reason="r", to="x", length="2 h")
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_another_sites_page_cannot_act(page: RunningPage) -> None:
    alert, client = page.alert("fridge-6"), page.user("csrf")
    path, form = f"/alerts/{alert['id']}/acknowledge", {"reason": "r"}
    assert client.post(path, data=form).status_code == HTTPStatus.FORBIDDEN
    evil = {**csrf(client), "Origin": "https://evil.example"}
    assert client.post(path, data=form, headers=evil).status_code == HTTPStatus.FORBIDDEN


def test_hostile_reasons_are_text_and_stay_in_one_header(page: RunningPage) -> None:
    alert, client = page.alert("fridge-7"), page.user("evil")
    hostile = '"><script>alert(1)</script>é\u202e'
    answer = act(client, alert, "acknowledge", reason=hostile)
    assert answer.status_code == HTTPStatus.OK
    assert hostile in json.loads(answer.headers["hx-trigger"])["say"]
    for path in (f"/alerts/{alert['id']}", f"/alerts/{alert['id']}/acts", "/alerts"):
        assert "<script>alert" not in client.get(path).text
    assert "&lt;script&gt;alert(1)" in client.get(f"/alerts/{alert['id']}").text


def test_whoever_is_logged_out_is_led_back_to_the_page_they_were_on(page: RunningPage) -> None:
    alert, client = page.alert("fridge-8"), page.user("gone")
    page.command("user", "reset", "gone")
    there = {**HTMX, "HX-Current-URL": f"{page.url}/alerts?state=all"}
    answer = client.post(f"/alerts/{alert['id']}/acknowledge", data={"reason": "r"}, headers=there)
    assert answer.headers["hx-redirect"] == "/login?to=/alerts%3Fstate%3Dall"


def test_nobody_acts_on_an_alert_that_is_not_there(page: RunningPage) -> None:
    client = page.user("nothing")
    assert act(client, {"id": "0" * 16}, "note", reason="r").status_code == HTTPStatus.NOT_FOUND
    assert client.get("/alerts/none/acts").status_code == HTTPStatus.NOT_FOUND
