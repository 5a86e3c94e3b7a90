"""Who is told, as people see it: channels, messages, mutes; and on an alert's own page."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from gateway.web.pages.notifications import verdict
from tests.gateway.web.running import RunningPage, until
from tests.gateway.web.telling import Telling, telling_page
from tests.gateway.web.test_acts_view import HTMX, csrf

WELL = {"name": "office", "failing": None, "waiting": 0}
FAILS = {"name": "duty", "failing": 1, "waiting": 2}


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telling]:
    """Tests of this file share it: each uses devices of its own."""
    with telling_page(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.mark.parametrize(
    ("channels", "look", "words"),
    [
        (None, "critical", "The gateway does not answer"),
        ([], "unknown", "there is no channel yet"),
        ([WELL], "ok", "All channels are well: nothing waits."),
        ([WELL, {**WELL, "waiting": 1}], "pending", "1 message waits."),
        ([FAILS, WELL], "warning", "duty reaches nobody at the moment. 2 messages wait."),
        ([FAILS, {**FAILS, "name": "b"}], "warning", "duty and b reach nobody at the moment."),
    ],
)
def test_it_is_said_in_a_sentence_whether_people_are_reached(
    channels: list[dict[str, object]] | None, look: str, words: str
) -> None:
    found = verdict(channels)
    assert found[0] == look
    assert words in found[1]


def test_without_channels_the_view_says_how_to_begin(page: RunningPage) -> None:
    shown = page.user("begins", "viewer").get("/notifications").text
    assert "there is no channel yet" in shown
    assert "[[channels]]" in shown
    assert "kind = &#34;email&#34;" in shown or 'kind = "email"' in shown
    assert "/notifications/test" not in shown


def test_an_operator_sends_a_test_and_sees_what_came_of_it(telling: Telling) -> None:
    client = telling.user("tests")
    answer = client.post("/notifications/test", data={"channel": "office"}, headers=csrf(client))
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert "TEST" in str(telling.mail.letters[-1]["subject"])
    form = {"channel": "duty"}
    answer = client.post("/notifications/test", data=form, headers={**HTMX, **csrf(client)})
    assert "duty has not taken the test" in answer.headers["hx-trigger"]
    assert "ago by tests" in answer.text
    shown = client.get("/notifications").text
    assert "a test by tests" in shown
    assert "Warnings and worse, at Warehouse 2" in shown
    failed = client.get("/notifications/messages?which=failed", headers=HTMX).text
    assert "a test by tests" in failed
    assert "<b>office</b>" not in failed


@pytest.mark.parametrize(
    ("path", "form", "least"),
    [
        ("/notifications/test", {"channel": "office"}, "operator"),
        ("/notifications/mute", {"sites": "x", "length": "1 h", "reason": "r"}, "quality"),
        ("/notifications/unmute", {"number": "1", "reason": "r"}, "quality"),
    ],
)
def test_only_who_may_tests_and_mutes(
    telling: Telling, path: str, form: dict[str, str], least: str
) -> None:
    below = {"operator": "viewer", "quality": "operator"}[least]
    client = telling.user(f"{below}-{path.rpartition('/')[2]}", below)
    before = len(telling.mail.letters)
    assert client.post(path, data=form, headers=csrf(client)).status_code == HTTPStatus.FORBIDDEN
    assert path not in client.get("/notifications").text
    # Nor without the page's own token.
    allowed = telling.user(f"{least}-{path.rpartition('/')[2]}", least)
    assert allowed.post(path, data=form).status_code == HTTPStatus.FORBIDDEN
    assert len(telling.mail.letters) == before


def test_quality_mutes_and_ends_it(telling: Telling) -> None:
    client = telling.user("mutes", "quality")
    headers = {**HTMX, **csrf(client)}
    form = {"devices": "lorry-*, van-*", "reason": "<b>Moving</b>", "length": "1 day"}
    answer = client.post("/notifications/mute", data=form, headers=headers)
    assert "Nobody is told of alerts of lorry-* or van-* until" in answer.headers["hx-trigger"]
    assert "&lt;b&gt;Moving" in answer.text
    (mute,) = telling.command("mute", "list")
    assert (mute["devices"], mute["who"]) == (["lorry-*", "van-*"], "mutes")
    form = {"number": str(mute["number"]), "reason": "Ended on the page"}
    answer = client.post("/notifications/unmute", data=form, headers=headers)
    assert "are told again" in answer.headers["hx-trigger"]
    assert telling.command("mute", "list") == []
    assert "Those that are over" in client.get("/notifications").text


def test_what_the_gateway_refuses_is_said(telling: Telling) -> None:
    client = telling.user("refused", "quality")
    form = {"reason": "so", "length": "1 h"}
    answer = client.post("/notifications/mute", data=form, headers={**HTMX, **csrf(client)})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "does not say what is muted" in answer.json()["detail"]


def test_the_alerts_page_says_who_was_told_and_what_is_next(telling: Telling) -> None:
    alert = telling.alert("fridge-1")
    client = telling.user("looks", "viewer")
    sent = until(
        lambda: [
            one
            for one in telling.command("notify", "messages")
            if one["state"] == "sent" and one["lines"]
        ],
        "the alert is told",
    )
    assert sent[0]["lines"][0]["alert"] == alert["id"]
    shown = client.get(f"/alerts/{alert['id']}").text
    told = shown.partition("Who was told")[2]
    assert "<b>office</b> sent" in told
    assert "Route cold-store" in told
    assert "nobody has it: goes on" in told
    assert "<b>duty</b>" not in told
    telling.command("alert", "acknowledge", alert["id"], "--reason", "On my way")
    told = client.get(f"/alerts/{alert['id']}/part", headers=HTMX).text.partition("Who was told")[2]
    assert "has it" in told
    assert "if it still stands then" in told


def test_of_an_alert_that_nobody_was_told_of_the_reason_is_shown(telling: Telling) -> None:
    # No card gives it a site, so no route takes it.
    alert = telling.alert("box-1")
    client = telling.user("wonders", "viewer")
    shown = client.get(f"/alerts/{alert['id']}").text
    assert "Nobody was told of it." in shown
    assert "no route takes it" in shown


def test_pages_of_messages_follow_each_other(telling: Telling) -> None:
    client = telling.user("pages")
    for _ in range(11):
        client.post("/notifications/test", data={"channel": "office"}, headers=csrf(client))
    first = client.get("/notifications").text
    address = first.split("before=")[1].split("#")[0].replace("&amp;", "&")
    older = client.get(f"/notifications?which=all&before={address}").text
    assert "The newest" in older
    assert 'hx-trigger="live:beat from:body throttle:10s' not in older
    assert client.get("/notifications?before=x").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
