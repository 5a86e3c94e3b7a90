"""Notifications for programs: channels, messages, mutes, and who was told of an alert."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from gateway.web.api import notification_models as models
from gateway.web.api.alert_models import AlertDetail
from tests.gateway.web.api_client import api, pages, refused
from tests.gateway.web.running import RunningPage, until
from tests.gateway.web.telling import Telling, telling_page

MUTE = {"sites": ["Hall 9"], "rules": ["door-*"], "minutes": 120, "reason": "The gate is repaired"}


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telling]:
    """Tests of this file share it: each uses devices of its own."""
    with telling_page(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture(scope="module")
def program(telling: Telling) -> Iterator[httpx.Client]:
    """May do everything."""
    with api(telling) as client:
        yield client


def told(telling: Telling, client: httpx.Client, device: str) -> models.Told:
    """Make a device too warm; return who was told of it, once its mail is out."""
    alert = telling.alert(device)["id"]

    def detail() -> models.Told | None:
        found = AlertDetail.model_validate(client.get(f"/alerts/{alert}").json()).told
        sent = [one for one in found.messages if one.state == "sent"]
        return found if sent else None

    found: models.Told = until(detail, "the alert is told")
    return found


def test_a_test_is_sent_and_told_of_with_each_attempt(
    telling: Telling, program: httpx.Client
) -> None:
    before = len(telling.mail.letters)
    answer = program.post("/notifications/channels/office/test")
    message = models.Message.model_validate(answer.json())
    assert (message.state, message.lines, len(message.attempts)) == ("sent", [], 1)
    assert len(telling.mail.letters) == before + 1
    program.post("/notifications/channels/duty/test")
    channels = models.Channels.model_validate(program.get("/notifications/channels").json()).items
    assert {one.name: one.waiting for one in channels}["duty"] >= 1
    found = pages(program, "/notifications/messages", which="failed", limit=1)
    assert {one["channel"] for part in found for one in part} == {"duty"}
    refused(program.post("/notifications/channels/nobody/test"), 404)


def test_of_an_alert_its_messages_and_routes_are_told(
    telling: Telling, program: httpx.Client
) -> None:
    found = told(telling, program, "fridge-1")
    (message,) = found.messages
    assert (message.channel, message.occasion, message.route) == ("office", "fired", "cold-store")
    assert found.routes is not None
    (route,) = found.routes
    assert (route.route, route.reason, route.said[0].channels) == ("cold-store", "told", ["office"])
    assert route.again is not None


def test_a_mute_is_made_listed_and_ended(program: httpx.Client) -> None:
    made = models.Mute.model_validate(program.post("/notifications/mutes", json=MUTE).json())
    assert (made.until - made.at, made.rules, made.stands) == (7_200_000, ["door-*"], True)
    path = f"/notifications/mutes/{made.number}"
    ended = program.delete(path, params={"reason": "It is well again"})
    assert models.Mute.model_validate(ended.json()).ended_why == "It is well again"
    listed = program.get("/notifications/mutes").json()["items"]
    assert made.number not in [one["number"] for one in listed]
    everything = program.get("/notifications/mutes", params={"all": True}).json()
    assert made.number in [one.number for one in models.Mutes.model_validate(everything).items]
    refused(program.delete(path), 409)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**MUTE, "minutes": 0}, 422),
        ({**MUTE, "minutes": 44_000}, 422),
        ({**MUTE, "reason": ""}, 422),
        ({"minutes": 5, "reason": "so"}, 409),
        ({**MUTE, "severity": "info"}, 422),
    ],
)
def test_a_mute_that_cannot_be_is_refused(
    program: httpx.Client, body: dict[str, object], status: int
) -> None:
    refused(program.post("/notifications/mutes", json=body), status)


def test_scopes_are_asked_for(telling: Telling) -> None:
    with api(telling, scopes=["read"]) as reader:
        refused(reader.post("/notifications/channels/office/test"), 403)
        assert reader.get("/notifications/mutes").status_code == httpx.codes.OK
    with api(telling, scopes=["read", "act"]) as actor:
        assert actor.post("/notifications/channels/office/test").status_code == httpx.codes.OK
        refused(actor.post("/notifications/mutes", json=MUTE), 403)
        refused(actor.delete("/notifications/mutes/1"), 403)


def test_a_key_for_some_devices_sees_what_is_told_of_those_alone(
    telling: Telling, program: httpx.Client
) -> None:
    told(telling, program, "fridge-2")
    told(telling, program, "fridge-3")
    program.post("/notifications/channels/office/test")
    with api(telling, devices=["fridge-2"]) as some:
        _sees_only_fridge_2(some)


def _sees_only_fridge_2(some: httpx.Client) -> None:
    found = [one for part in pages(some, "/notifications/messages") for one in part]
    assert found
    assert {line["device"] for one in found for line in one["lines"]} == {"fridge-2"}
    assert all(one["lines"] and not one["test"] for one in found)
    assert "fridge-3" not in str(found)
    # What the other side said may name people, and other alerts.
    assert {each["detail"] for one in found for each in one["attempts"]} == {""}
    alert = found[0]["lines"][0]["alert"]
    told = some.get(f"/alerts/{alert}").json()["told"]["messages"]
    assert {each["detail"] for one in told for each in one["attempts"]} == {""}
    for path in ("/notifications/channels", "/notifications/mutes"):
        refused(some.get(path), 403)
    refused(some.post("/notifications/mutes", json=MUTE), 403)
    refused(some.delete("/notifications/mutes/1"), 403)
    refused(some.post("/notifications/channels/office/test"), 403)


def test_where_nobody_is_told_the_lists_are_empty(page: RunningPage) -> None:
    alert = page.alert("fridge-1")
    with api(page) as client:
        assert client.get("/notifications/channels").json() == {"items": []}
        assert client.get("/notifications/messages").json() == {"items": [], "next": None}
        found = AlertDetail.model_validate(client.get(f"/alerts/{alert['id']}").json()).told
    assert found.messages == []
    assert found.routes is not None
    assert [one.reason for one in found.routes] == ["there are no channels"]


def test_numbers_of_channels_are_there_for_prometheus(
    telling: Telling, program: httpx.Client
) -> None:
    program.post("/notifications/channels/office/test")
    program.post("/notifications/channels/duty/test")

    def numbers() -> dict[str, float]:
        text = program.get(f"{telling.url}/metrics").text
        lines = [line.rpartition(" ") for line in text.splitlines() if "channel=" in line]
        return {name: float(value) for name, _, value in lines}

    first = numbers()
    assert first['holdwatch_channel_up{channel="office"}'] == 1
    assert first['holdwatch_channel_test_seconds{channel="office"}'] > 1e9
    assert first['holdwatch_channel_test_seconds{channel="duty"}'] == 0
    assert first['holdwatch_messages_waiting{channel="duty"}'] >= 1
    assert first['holdwatch_messages_failed_total{channel="duty"}'] >= 1
    program.post("/notifications/channels/office/test")
    sent = 'holdwatch_messages_sent_total{channel="office"}'
    assert numbers()[sent] == first[sent] + 1
