"""The board, its rows and its stream, as they are asked for over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway.settings import parse
from gateway.web.pages.board import example
from tests.gateway.web.running import RunningPage, until

if TYPE_CHECKING:
    from collections.abc import Sequence

SEND = "-q 1 -t cargo/site/fridge-1/readings -m '{\"temperature\": 4.5}'"


def csrf(client: httpx.Client) -> dict[str, str]:
    shown = client.get("/account").text
    return {"X-CSRF-Token": shown.split('data-csrf="')[1].split('"')[0]}


def first_events(client: httpx.Client, query: str) -> str:
    """What an event stream begins with."""
    with client.stream("GET", f"/events{query}") as answer:
        assert answer.status_code == HTTPStatus.OK
        assert answer.headers["content-type"].startswith("text/event-stream")
        return next(answer.iter_text())


def test_rows_come_in_pages_by_number(page: RunningPage) -> None:
    for number in range(3):
        page.publish(f"paged-{number}", {"temperature": 4.0})
    client = page.user("rita", "viewer")
    until(lambda: "paged-2" in client.get("/").text, "the board shows what was sent")
    told = client.get("/rows").json()
    numbers = [number for number, _, _ in told["frames"]]
    assert numbers == sorted(numbers)
    rest = client.get("/rows", params={"after": numbers[0]}).json()
    assert [number for number, _, _ in rest["frames"]] == numbers[1:]
    assert rest["next"] is None


def test_a_tap_acknowledges_and_makes_who_tapped_the_holder(page: RunningPage) -> None:
    alert = page.alert("fridge-tapped")
    page.add_user("bert")
    olga = page.user("olga")
    headers = {**csrf(olga), "Origin": page.url}
    handed = olga.post(
        f"/alerts/{alert['id']}/assign",
        data={"to": "bert", "reason": "Handed over"},
        headers=headers,
    )
    assert handed.status_code == HTTPStatus.SEE_OTHER
    assert (
        olga.post(f"/rows/{alert['id']}/have", headers=headers).status_code == HTTPStatus.NO_CONTENT
    )
    found = next(one for one in page.command("alerts") if one["id"] == alert["id"])
    assert found["holder"] == "olga"
    (entry, *_) = page.command("audit")
    assert entry["what"] == "alert-acknowledge", "one tap is one act"
    assert olga.post("/rows/none/have", headers=headers).status_code == HTTPStatus.CONFLICT


def test_a_tap_on_an_alert_that_has_just_ended_is_taken(page: RunningPage) -> None:
    alert = page.alert("fridge-just-over")
    page.add_user("hugo")
    rosa = page.user("rosa")
    headers = {**csrf(rosa), "Origin": page.url}
    handed = {"to": "hugo", "reason": "Handed over"}
    rosa.post(f"/alerts/{alert['id']}/assign", data=handed, headers=headers)
    page.publish("fridge-just-over", {"temperature": 4.0})

    def found() -> dict[str, Any]:
        return next(one for one in page.command("alerts") if one["id"] == alert["id"])

    until(lambda: found()["ended"], "it is over")
    answer = rosa.post(f"/rows/{alert['id']}/have", headers=headers)
    assert answer.status_code == HTTPStatus.NO_CONTENT, answer.text
    assert found()["holder"] == "rosa"


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ("", ["beat", "alerts"]),
        ("?view=board", ["beat", "alerts", "reload"]),
        ("?view=board&after=0-0", ["beat", "alerts", "reload"]),
        ("?view=sensor&device=fridge-streamed", ["beat", "alerts", "rows"]),
    ],
)
def test_a_stream_begins_with_how_it_stands(
    page: RunningPage, query: str, events: Sequence[str]
) -> None:
    page.publish("fridge-streamed", {"temperature": 4.0})
    client = page.user(f"stream-{abs(hash(query)) % 10**6}", "viewer")
    until(lambda: client.get("/sensor/fridge-streamed").status_code == 200, "it is known")
    begun = first_events(client, query)
    assert [line[7:] for line in begun.splitlines() if line.startswith("event: ")] == events


@pytest.mark.parametrize(
    ("query", "status"),
    [("?view=nothing", 422), ("?view=sensor", 404), ("?view=sensor&device=nobody", 404)],
)
def test_a_stream_of_what_is_not_there_is_refused(
    page: RunningPage, query: str, status: int
) -> None:
    client = page.user(f"refused-{abs(hash(query)) % 10**6}", "viewer")
    answer = client.get(f"/events{query}", headers={"Accept": "text/event-stream"})
    assert answer.status_code == status
    assert answer.json()["cure"]


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ("[[listeners]]\nport = 1999\nanonymous = true", (f"mosquitto_pub -p 1999 {SEND}",)),
        ("[[listeners]]\nport = 1999", ("holdwatch device add fridge-1",)),
        (
            '[[brokers]]\nname = "b"\nhost = "127.0.0.1"\nport = 1888',
            (f"mosquitto_pub -h 127.0.0.1 -p 1888 {SEND}",),
        ),
        ("", ()),
    ],
)
def test_a_newcomer_is_told_what_to_type(settings: str, lines: tuple[str, ...]) -> None:
    assert example(parse(settings)) == lines
