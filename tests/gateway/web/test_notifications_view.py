"""Who is told, as people see it: channels, messages, mutes; and on an alert's own page."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from gateway.notify.message import Line, Message
from gateway.notify.outbox import Attempt, Fate, Kept
from gateway.notify.wording import Wording
from gateway.web.pages.notifications import verdict
from gateway.web.pages.notifications_sent import LINES, PAGE, Card, cards_of, clock, tries_of
from rules.duration import DAY, SECOND
from tests.gateway.notify.told import alert
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
    for _ in range(PAGE + 1):
        client.post("/notifications/test", data={"channel": "office"}, headers=csrf(client))
    first = client.get("/notifications").text
    address = first.split("before=")[1].split("#")[0].replace("&amp;", "&")
    older = client.get(f"/notifications?which=all&before={address}").text
    assert "The newest" in older
    assert 'hx-trigger="live:beat from:body throttle:10s' not in older
    assert client.get("/notifications?before=x").status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def kept(channel: str, state: Fate = "sent", count: int = 1, made: int = 0, test: str = "") -> Kept:
    lines = tuple(Line(alert=alert(f"a{number}"), occasion="fired") for number in range(count))
    message = Message(id=channel, channel=channel, made=made, lines=lines, test=test)
    return Kept(message, state, 1, 0, None, "", made)


def cards(*messages: Kept, whole: str = "") -> list[Card]:
    wording = Wording("box", "UTC", lambda _device: "UTC")
    return cards_of(messages, lambda _message: [], wording, whole)


def test_what_is_told_to_several_channels_at_once_is_one_card_as_bad_as_its_worst() -> None:
    (card,) = cards(kept("office"), kept("desk", "refused"), kept("manager", "waiting"))
    assert [one.kept.message.channel for one in card.ways] == ["office", "desk", "manager"]
    assert card.look == "critical"


@pytest.mark.parametrize("other", [kept("b", made=1), kept("b", count=2), kept("b", test="x")])
def test_what_is_told_at_another_time_or_of_other_alerts_is_another_card(other: Kept) -> None:
    assert len(cards(kept("a"), other)) == 2


@pytest.mark.parametrize(("whole", "named"), [("", LINES), ("office", LINES + 4)])
def test_all_alerts_of_a_message_are_named_when_somebody_asks(whole: str, named: int) -> None:
    (card,) = cards(kept("office", count=LINES + 4), whole=whole)
    assert (len(card.lines), card.more) == (named, LINES + 4 - named)


def test_attempts_that_are_alike_are_told_once() -> None:
    failed = [Attempt(at, 1, "again", "nobody listens") for at in (1, 2, 3)]
    found = tries_of([*failed, Attempt(4, 1, "sent", "taken")])
    assert found == [(1, 3, 3, "nobody listens"), (4, 4, 1, "taken")]


@pytest.mark.parametrize(
    ("when", "words"), [(5 * SECOND, "01:00:05"), (DAY, "Fri 02 Jan 01:00:00")]
)
def test_attempts_are_told_to_the_second(when: int, words: str) -> None:
    assert clock(when, 0, "Europe/Berlin") == words


def test_an_alert_that_is_muted_alone_is_named_among_what_is_muted(telling: Telling) -> None:
    muted = telling.alert("fridge-9")
    client = telling.user("asks", "viewer")
    telling.command("alert", "mute", muted["id"], "--for", "1 h", "--reason", "Door repair")
    shown = client.get("/notifications").text.partition("Muted</h2>")[2]
    shown = shown.partition("Who is told of what")[0]
    assert f'href="/alerts/{muted["id"]}"' in shown
    assert "Door repair" in shown
    assert "Nothing is." not in shown


def test_what_is_muted_and_who_is_told_come_before_the_messages(telling: Telling) -> None:
    shown = telling.user("scrolls", "viewer").get("/notifications").text
    assert shown.index("Muted</h2>") < shown.index("Who is told of what") < shown.index("Last mess")
