"""What devices said, pushed by HTTP: who may, what becomes of it, and that 200 means it is kept."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.gateway.web.api_client import api, refused
from tests.gateway.web.running import RunningPage, until

if TYPE_CHECKING:
    from collections.abc import Iterator

EUI = "a84041ffff000001"
UPLINK = {
    "deviceInfo": {"applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97", "devEui": EUI},
    "time": "2026-11-22T10:00:00Z",
    "fCnt": 4,
    "fPort": 2,
    "object": {"temperature": 4.25, "humidity": 61.0},
}
THINGS_UPLINK = {
    "end_device_ids": {
        "device_id": "eui-a84041ffff000002",
        "application_ids": {"application_id": "cold-store"},
    },
    "received_at": "2026-11-22T10:00:00Z",
    "uplink_message": {"f_cnt": 9, "f_port": 2, "decoded_payload": {"temperature": 5.5}},
}
PUSH = ("--push", "*")


@pytest.fixture(scope="module")
def pusher(page: RunningPage) -> Iterator[httpx.Client]:
    """A key that may push for all devices, and do nothing else."""
    with client(page, make(page, "pusher", *PUSH)) as made:
        yield made


def make(page: RunningPage, name: str, *options: str) -> str:
    token: str = page.command("key", "add", name, *options)["token"]
    return token


def client(page: RunningPage, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{page.url}/api/v1/push", headers=headers, timeout=20)


def taken(answer: httpx.Response, readings: int = 1) -> None:
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json() == {"readings": readings, "later": 0, "quarantine": []}


def values(page: RunningPage, device: str) -> dict[str, float | None]:
    """Return what is known of a device, once the rules have seen it."""
    found: dict[str, float | None] = until(
        lambda: next(
            (one["values"] for one in page.command("device", "list") if one["device"] == device),
            None,
        ),
        f"{device} is heard",
    )
    return found


def test_an_event_of_chirpstack_becomes_a_reading(page: RunningPage, pusher: httpx.Client) -> None:
    taken(pusher.post("/chirpstack?event=up", json=UPLINK))
    assert values(page, EUI) == {"temperature": 4.25, "humidity": 61.0}


def test_an_event_of_chirpstack_that_measures_nothing_is_taken(pusher: httpx.Client) -> None:
    taken(pusher.post("/chirpstack?event=join", json={"deviceInfo": {"devEui": EUI}}), 0)


@pytest.mark.parametrize("path", ["", "/up", "/location/solved"])
def test_a_message_of_the_things_stack_says_itself_what_it_is(
    page: RunningPage, pusher: httpx.Client, path: str
) -> None:
    taken(pusher.post(f"/things-stack{path}", json=THINGS_UPLINK))
    assert values(page, "eui-a84041ffff000002") == {"temperature": 5.5}


def test_plain_json_becomes_readings(page: RunningPage, pusher: httpx.Client) -> None:
    backlog = [
        {"time": f"2026-11-22T10:0{minute}:00Z", "temperature": minute} for minute in range(3)
    ]
    taken(pusher.post("/plain/plain-1", json=backlog), 3)
    assert values(page, "plain-1") == {"temperature": 2.0}


def test_any_topic_stands_for_what_mqtt_would_bring(
    page: RunningPage, pusher: httpx.Client
) -> None:
    taken(pusher.post("/topic/cargo/roof/topic-1/readings", json={"temperature": 3.5}))
    assert values(page, "topic-1") == {"temperature": 3.5}


def test_a_small_device_may_show_its_key_as_a_password(page: RunningPage) -> None:
    token = make(page, "small", "--push", "small-*")
    address = f"{page.url}/api/v1/push/plain/small-1"
    taken(httpx.post(address, json={"temperature": 4}, auth=("small", token)))
    for wrong in (("other", token), ("small", f"{token}0"), ("small", "")):
        refused(httpx.post(address, json={"temperature": 4}, auth=wrong), 401)
    for garbage in ("Basic", "Basic !", "Basic ////"):
        refused(httpx.post(address, json={}, headers={"Authorization": garbage}), 401)
    challenge = httpx.post(address, json={}).headers["www-authenticate"]
    assert "Basic" in challenge
    assert "Bearer" in challenge


def test_a_password_opens_nothing_else(page: RunningPage) -> None:
    token = make(page, "both", "--scope", "read", *PUSH)
    assert httpx.get(f"{page.url}/api/v1/devices", auth=("both", token)).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{page.url}/api/v1/devices", headers=headers).status_code == 200


def test_a_key_without_the_scope_pushes_nothing_and_one_with_it_reads_nothing(
    page: RunningPage, pusher: httpx.Client
) -> None:
    with api(page) as other:
        problem = refused(other.post("/push/plain/x", json={"temperature": 4}), 403)
        assert "--push" in problem["cure"]
    devices = httpx.get(f"{page.url}/api/v1/devices", headers=pusher.headers)
    assert "scope read" in refused(devices, 403)["detail"]


def test_people_push_nothing(page: RunningPage) -> None:
    user = page.user("petra", "administrator")
    refused(user.post("/api/v1/push/plain/x", json={"temperature": 4}), 403)


def test_a_key_speaks_for_its_own_devices_only(page: RunningPage) -> None:
    with client(page, make(page, "docks", "--push", "dock-*")) as docks:
        taken(docks.post("/plain/dock-1", json={"temperature": 4}))
        answer = docks.post("/plain/fridge-1", json={"temperature": 4})
        assert answer.status_code == httpx.codes.ACCEPTED
        (why,) = answer.json()["quarantine"]
        assert why["reason"] == "may-not-speak-for"
        assert "http:docks" in why["detail"]
        assert "holdwatch key" in why["cure"]
        batch = [UPLINK, {**UPLINK, "deviceInfo": {"devEui": "0" * 16}}]
        for each in batch:
            assert docks.post("/chirpstack", json=each).status_code == httpx.codes.ACCEPTED
    assert "fridge-1" not in {one["device"] for one in page.command("device", "list")}


def test_a_key_pushes_for_its_owner_whatever_the_message_says(page: RunningPage) -> None:
    with client(page, make(page, "acme", *PUSH, "--owner", "acme")) as acme:
        taken(acme.post("/plain/theirs", json={"temperature": 4, "owner": "other"}))
    assert values(page, "acme/theirs") == {"temperature": 4.0}


def test_what_cannot_be_understood_is_kept_and_said(
    page: RunningPage, pusher: httpx.Client
) -> None:
    answer = pusher.post("/plain/odd-1", content=b"\xff not json")
    assert answer.status_code == httpx.codes.ACCEPTED
    assert (answer.json()["readings"], answer.json()["quarantine"][0]["reason"]) == (0, "not-json")
    messages = page.command("quarantine", "list")["messages"]
    (kept,) = [one for one in messages if one["topic"] == "cargo/http/odd-1/readings"]
    assert kept["payload"] == b64encode(b"\xff not json").decode()
    assert kept["source"] == "http:pusher"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/chirpstack", b"\x0a\x24protobuf", 400),
        ("/chirpstack", b"[]", 422),
        ("/chirpstack", b'{"deviceInfo": {"devEui": "12"}}', 422),
        ("/chirpstack", b'{"deviceInfo": {"devEui": "a84041ffff000001/+/#"}}', 422),
        ("/chirpstack?event=u%2Fp", json.dumps(UPLINK).encode(), 422),
        ("/things-stack", b'{"end_device_ids": {"device_id": "a/b"}}', 422),
        ("/things-stack", b"", 400),
        ("/plain/a%20b", b"{}", 404),
        ("/plain/a%2Fb", b"{}", 404),
        ("/plain/", b"{}", 404),
        ("/topic/a/%2B/b", b"{}", 404),
        ("/topic/$SYS/x", b"{}", 404),
        ("/topic/" + "x" * 1_001, b"{}", 404),
        ("/plain/big", b" " * (1 << 20) + b"{}", 413),
        ("/chirpstack", b'{"deep": ' + b"[" * 100_000, 400),
    ],
)
def test_what_no_server_sends_is_refused_and_not_kept(
    pusher: httpx.Client, path: str, body: bytes, status: int
) -> None:
    refused(pusher.post(path, content=body), status)


def test_a_megabyte_is_taken_and_unknown_askers_send_none(
    page: RunningPage, pusher: httpx.Client
) -> None:
    backlog = [{"time": 1_790_000_000_000 + number, "temperature": 4} for number in range(9_000)]
    body = json.dumps(backlog).ljust(1 << 20).encode()
    taken(pusher.post("/plain/logger", content=body), 9_000)
    stranger = httpx.post(f"{page.url}/api/v1/push/plain/logger", content=body)
    refused(stranger, 401)


def test_a_key_that_is_revoked_pushes_nothing_more(page: RunningPage) -> None:
    with client(page, make(page, "gone", *PUSH)) as gone:
        taken(gone.post("/plain/gone-1", json={"temperature": 4}))
        page.command("key", "revoke", "gone")
        refused(gone.post("/plain/gone-1", json={"temperature": 4}), 401)


def test_a_device_that_is_too_warm_by_http_raises_the_alert(
    page: RunningPage, pusher: httpx.Client
) -> None:
    taken(pusher.post("/plain/warm", json={"temperature": 12}))
    until(
        lambda: any(one["device"][1] == "warm" for one in page.command("alerts")),
        "an alert about what was pushed",
    )


def test_a_key_that_pushes_too_often_waits(tmp_path: Path) -> None:
    with RunningPage(tmp_path, more_web="push_rate = 5") as page:
        with client(page, make(page, "eager", *PUSH)) as eager:
            answers = [eager.post("/plain/e", json={"temperature": 4}) for _ in range(30)]
        late = next(one for one in answers if one.status_code != httpx.codes.OK)
        assert "push_rate" in refused(late, 429)["detail"]
        assert late.headers["retry-after"] == "1"


def test_whatever_was_answered_200_is_there_after_a_crash(tmp_path: Path) -> None:
    sent: list[int] = []
    with RunningPage(tmp_path) as page:
        token = make(page, "crash", *PUSH)
        for number in range(60):
            with client(page, token) as pusher:
                answer = pusher.post("/plain/kept", json=message(number))
            taken(answer)
            sent.append(number)
            if number % 20 == 19:
                page.kill()
                until(lambda: not answers(page), "the page is gone too")
                page.start()
        found = stored(page, token_of_reader(page))
    assert sorted(found) == sent


def answers(page: RunningPage) -> bool:
    try:
        return httpx.get(f"{page.url}/login").is_success
    except httpx.TransportError:
        return False


def message(number: int) -> dict[str, Any]:
    return {"time": 1_790_000_000_000 + number * 1_000, "temperature": 4, "seq": number}


def token_of_reader(page: RunningPage) -> dict[str, str]:
    token = page.command("key", "add", "reader", "--scope", "read")["token"]
    return {"Authorization": f"Bearer {token}"}


def stored(page: RunningPage, headers: dict[str, str]) -> list[int]:
    """Return the numbers of the messages that are stored."""
    address = f"{page.url}/api/v1/devices/kept/readings"
    asked = {"from": 1_789_999_999_000, "to": 1_790_000_100_000, "limit": 500}
    items = httpx.get(address, params=asked, headers=headers, timeout=20).json()["items"]
    return [(one["at"] - 1_790_000_000_000) // 1_000 for one in items]
