"""The API as programs meet it: lists, one thing, errors; every answer as it is described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway import __version__
from gateway.web.api import alert_models, gateway_models, models
from gateway.web.api.paging import cursor
from tests.gateway.web.api_client import api, pages, refused
from tests.gateway.web.running import RunningPage, until

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = httpx.codes.OK


@pytest.fixture(scope="module")
def client(page: RunningPage) -> Iterator[httpx.Client]:
    with api(page) as client:
        yield client


def heard(page: RunningPage, client: httpx.Client, *devices: str) -> None:
    """Let devices be heard, and wait until the page knows."""
    for one in devices:
        page.publish(one, {"temperature": 4.0, "humidity": 41})
    until(
        lambda: all(client.get(f"/devices/{one}").json().get("at") for one in devices),
        "the page has been told",
    )


def test_anybody_may_ask_whether_the_gateway_answers(page: RunningPage) -> None:
    until(lambda: httpx.get(f"{page.url}/api/v1/health").json()["status"] == "ok", "it answers")
    assert httpx.get(f"{page.url}/api/v1/health").json() == {"status": "ok", "version": __version__}


def test_a_device_is_told_with_its_last_values(page: RunningPage, client: httpx.Client) -> None:
    page.publish("fridge-7", {"temperature": 4.5, "humidity": 400})
    until(lambda: client.get("/devices/fridge-7").is_success, "it is known")
    device = models.DeviceDetail.model_validate(client.get("/devices/fridge-7").json())
    assert device.name == "Vaccine fridge"
    assert device.zone == "Europe/Berlin"
    assert device.position == (53.54, 9.98)
    assert device.flags == ["no-clock"]
    assert device.channels["temperature"] == models.Value(value=4.5, unit="°C")
    assert device.channels["humidity"].value is None  # 400 % cannot be true


def test_devices_come_in_pages_by_key(page: RunningPage, client: httpx.Client) -> None:
    heard(page, client, "p-3", "p-1", "p-2")
    found = pages(client, "/devices", limit=2)
    assert all(len(one) == 2 for one in found[:-1])
    keys = [one["device"] for part in found for one in part]
    assert keys == sorted(set(keys))
    assert {"p-1", "p-2", "p-3"} <= set(keys)
    for part in found:
        models.Devices.model_validate({"items": part, "next": None})


def test_an_alert_is_told_with_all_that_is_on_record(
    page: RunningPage, client: httpx.Client
) -> None:
    alert = page.alert("fridge-hot")["id"]
    found = pages(client, "/alerts", state="open", device="fridge-hot")
    assert [one["id"] for part in found for one in part] == [alert]
    page.add_user("petra")
    for verb, more in (
        ("acknowledge", {}),
        ("assign", {"to": "petra"}),
        ("note", {}),
        ("mute", {"minutes": 30}),
    ):
        answer = client.post(f"/alerts/{alert}/{verb}", json={"reason": "=1+1 <b>", **more})
        assert answer.status_code == OK, answer.text
        alert_models.Act.model_validate(answer.json())
    told = alert_models.AlertDetail.model_validate(client.get(f"/alerts/{alert}").json())
    assert told.holder == "petra"
    assert told.acknowledged
    assert told.facts.muted is not None
    assert [one.reason for one in told.facts.notes] == ["=1+1 <b>"]
    assert [one.kind for one in told.acts] == ["acknowledged", "assigned", "noted", "muted"]
    assert [one.kind for one in told.events] == ["firing"]
    assert any("too-warm" in one for one in told.explanation)
    answer = client.post(f"/alerts/{alert}/unmute", json={"reason": "It is warm"})
    assert answer.status_code == OK
    assert client.get(f"/alerts/{alert}").json()["facts"]["muted"] is None
    audit = page.command("audit")
    assert {one["who"]["via"] for one in audit if one["object"] == alert} == {"api"}


def test_alerts_come_in_pages_newest_first(page: RunningPage, client: httpx.Client) -> None:
    made = {page.alert(f"fridge-many-{number}")["id"] for number in range(3)}
    found = [one for part in pages(client, "/alerts", limit=1) for one in part]
    began = [one["began"] for one in found]
    assert began == sorted(began, reverse=True)
    assert made <= {one["id"] for one in found}
    assert len({one["id"] for one in found}) == len(found)
    for one in found:
        alert_models.AlertInList.model_validate(one)
    assert pages(client, "/alerts", state="ended") == [[]]


def test_what_is_not_understood_is_told(page: RunningPage, client: httpx.Client) -> None:
    page.publish("odd", {"flavour": 1}, {"flavour": 2}, {"flavour": 3})

    def found() -> list[dict[str, Any]]:
        messages = [one for part in pages(client, "/quarantine", limit=2) for one in part]
        return [one for one in messages if one["topic"] == "cargo/site/odd/readings"]

    messages = until(lambda: len(found()) == 3 and found(), "they lie in the quarantine")
    for one in messages:
        assert gateway_models.Message.model_validate(one).reason == "no-channel"


def test_the_gateway_tells_how_it_stands(client: httpx.Client) -> None:
    told = gateway_models.Gateway.model_validate(client.get("/gateway").json())
    assert told.box == "dock"
    assert told.listener is not None
    assert "monitor" in told.waiting


def test_a_logged_in_person_may_use_it_and_changes_need_the_token_of_our_page(
    page: RunningPage,
) -> None:
    browser = page.user("kai", "operator")
    alert = page.alert("fridge-kai")["id"]
    assert browser.get("/api/v1/devices").status_code == OK
    path, body = f"/api/v1/alerts/{alert}/acknowledge", {"reason": "On my way"}
    refused(browser.post(path, json=body), 403)
    shown = browser.get("/", headers={"Accept": "text/html"}).text
    token = shown.split('data-csrf="')[1].split('"')[0]
    answer = browser.post(path, json=body, headers={"X-CSRF-Token": token})
    assert answer.json()["who"] == "kai"
    elsewhere = {"X-CSRF-Token": token, "Origin": "https://evil.example"}
    refused(browser.post(path, json=body, headers=elsewhere), 403)


def test_a_viewer_changes_nothing(page: RunningPage) -> None:
    browser = page.user("vera", "viewer")
    alert = page.alert("fridge-vera")["id"]
    problem = refused(browser.post(f"/api/v1/alerts/{alert}/note", json={"reason": "x"}), 403)
    assert "viewer" in problem["detail"]


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["metrics"], "GET", "/devices", 403),
        (["act"], "GET", "/alerts", 403),
        (["read"], "POST", "/alerts/x/note", 403),
        (["read"], "GET", "/devices", OK),
    ],
)
def test_a_key_does_what_its_scopes_say(
    page: RunningPage, scopes: list[str], method: str, path: str, status: int
) -> None:
    with api(page, scopes=scopes) as client:
        body = {"reason": "x"} if method == "POST" else None
        assert client.request(method, path, json=body).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "nothing at this address"),
        ("GET", "/", 404, "nothing at this address"),
        ("GET", "/devices/nobody", 404, "no device 'nobody'"),
        ("GET", "/devices/nobody/readings", 404, "no device 'nobody'"),
        ("GET", "/devices//", 404, "no device"),
        ("GET", "/alerts/%00%ff", 404, "no alert"),
        ("DELETE", "/devices", 405, "DELETE does nothing here"),
        ("GET", "/devices?limit=0", 422, "limit"),
        ("GET", "/devices?limit=ten", 422, "limit"),
        ("GET", "/devices?lmit=1", 422, "lmit"),
        ("GET", "/devices?next=%00", 422, "next"),
        ("GET", "/devices?next=kgEC", 422, "next"),
        ("GET", f"/alerts?next={cursor((1 << 63, 'a1'))}", 422, "next"),
        ("GET", f"/quarantine?next={cursor(1 << 63)}", 422, "next"),
        ("GET", "/alerts?state=broken", 422, "state"),
        ("GET", "/alerts?device=nobody", 404, "no device"),
    ],
)
def test_what_goes_wrong_is_told_in_a_problem_document(
    client: httpx.Client, method: str, path: str, status: int, words: str
) -> None:
    assert words in refused(client.request(method, path), status)["detail"]


def test_a_wrong_parameter_is_answered_with_what_is_allowed(client: httpx.Client) -> None:
    problem = refused(client.get("/devices", params={"limit": 0, "colour": "red"}), 422)
    limit, colour = problem["errors"]
    assert (limit["in"], limit["name"]) == ("query", "limit")
    assert (limit["allowed"]["minimum"], limit["allowed"]["maximum"]) == (1, 10_000)
    assert colour["allowed"] == ["limit", "next"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b'{"reason": ""}', 422),
        (b'{"reason": "' + b"x" * 501 + b'"}', 422),
        (b'{"reason": "x", "who": "somebody else"}', 422),
        (b'{"reason": "\\ud800"}', 422),
        (b'{"reason": "\\u0007"}', 409),
        (b"[" * 60_000, 400),
        (b"x" * 100_000, 413),
    ],
)
def test_a_body_that_is_not_as_described_is_refused(
    page: RunningPage, client: httpx.Client, content: bytes, status: int
) -> None:
    alert = page.command("alerts") or [page.alert("fridge-body")]
    headers = {"Content-Type": "application/json"}
    path = f"/alerts/{alert[0]['id']}/acknowledge"
    refused(client.post(path, content=content, headers=headers), status)


def test_a_body_that_grows_too_large_is_refused(client: httpx.Client) -> None:
    refused(client.post("/alerts/x/note", content=(b"x" * 1000 for _ in range(100))), 413)


@pytest.mark.parametrize(
    "header", ["Bearer hw_00000000000000000000000000000000", "Bearer", "Basic x"]
)
def test_whoever_is_not_known_is_refused(page: RunningPage, header: str) -> None:
    answer = httpx.get(f"{page.url}/api/v1/devices", headers={"Authorization": header})
    refused(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused_at_once(page: RunningPage) -> None:
    token = page.command("key", "add", "short", "--scope", "read")["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{page.url}/api/v1/devices", headers=headers).status_code == OK
    page.command("key", "revoke", "short")
    refused(httpx.get(f"{page.url}/api/v1/devices", headers=headers), 401)
