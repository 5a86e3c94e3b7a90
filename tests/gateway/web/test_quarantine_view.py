"""The quarantine as people see it: hostile messages as text, and what administrators may do."""

from __future__ import annotations

import subprocess
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from gateway.web.pages.quarantine import BYTES, TEXT, as_payload, as_text
from tests.e2e.gateway_process import until
from tests.gateway.web.test_acts_view import HTMX, csrf

if TYPE_CHECKING:
    from tests.gateway.web.running import RunningPage


@pytest.mark.parametrize(
    ("raw", "form", "text", "more"),
    [
        (b"", "text", "", 0),
        (b'{"a": 1}\n', "text", '{"a": 1}\n', 0),
        (b"\x00\x1b[31m", "text", "\\x00\\x1b[31m", 0),
        ("\u202eevil".encode(), "text", "\\u202eevil", 0),
        (b"\xff\x00", "hex", "ff 00", 0),
        (b"\xff" * (BYTES + 7), "hex", " ".join(["ff"] * BYTES), 7),
        (b"x" * (TEXT + 9), "text", "x" * TEXT, 9),
        # Not cut within a sign of more than one byte.
        (b"x" * (TEXT - 1) + "é".encode(), "text", "x" * (TEXT - 1), 2),
    ],
)
def test_a_payload_is_shown_as_text_or_bytes_and_cut(
    raw: bytes, form: str, text: str, more: int
) -> None:
    shown = as_payload(raw)
    assert (shown.form, shown.text, shown.more, shown.size) == (form, text, more, len(raw))


def test_a_topic_that_is_no_text_is_shown_by_its_bytes() -> None:
    assert as_text(b"a/\xff/\t") == "a/\\xff/\\t"


def send(page: RunningPage, payload: bytes, topic: str = "cargo/site/fridge-1/readings") -> None:
    subprocess.run(
        ["mosquitto_pub", "-p", str(page.mqtt), "-q", "1", "-t", topic, "-s"],
        input=payload,
        check=True,
    )


def test_messages_are_listed_by_reason_and_hostile_text_is_text(page: RunningPage) -> None:
    send(page, b"<script>alert(1)</script>")
    send(page, b"{}", "cargo/site/<b>x</b>/readings")
    client = page.user("looks", "viewer")
    shown = client.get("/quarantine").text
    assert "&lt;script&gt;alert(1)" in shown
    assert "cargo/site/&lt;b&gt;x&lt;/b&gt;/readings" in shown
    assert "<script>alert" not in shown
    some = client.get("/quarantine?reason=not-json").text
    assert "&lt;script&gt;alert(1)" in some
    assert "&lt;b&gt;x" not in some
    # A viewer has no buttons, and is refused.
    assert "/quarantine/drop" not in shown
    for what in ("retry", "drop", "confirm"):
        answer = client.post(
            f"/quarantine/{what}", data={"number": "1", "device": "d"}, headers=csrf(client)
        )
        assert answer.status_code == HTTPStatus.FORBIDDEN


def test_older_messages_come_by_page(page: RunningPage) -> None:
    for number in range(27):
        send(page, f"no json {number}".encode())
    client = page.user("pages", "viewer")
    first = client.get("/quarantine?reason=not-json").text
    assert "no json 26" in first
    assert "no json 1<" not in first
    address = first.split('hx-get="/quarantine?before=')[1].split('"')[0].replace("&amp;", "&")
    older = client.get(f"/quarantine?before={address}", headers=HTMX).text
    assert "<html" not in older
    assert "no json 1<" in older
    assert "no json 26" not in older


def test_an_administrator_drops_one_all_of_a_reason_and_tries_again(page: RunningPage) -> None:
    client = page.user("admin-1", "administrator")
    send(page, b"drop me")
    number = client.get("/quarantine").text.split('name="number" value="')[1].split('"')[0]
    headers = {**HTMX, **csrf(client)}
    answer = client.post("/quarantine/drop", data={"number": number}, headers=headers)
    assert '"say": "1 dropped."' in answer.headers["hx-trigger"]
    assert "drop me" not in answer.text
    send(page, b"{}", "nobody/knows")
    answer = client.post("/quarantine/retry", headers=headers)
    assert "stay" in answer.headers["hx-trigger"]
    answer = client.post("/quarantine/drop", data={"reason": "unknown-topic"}, headers=headers)
    assert "nobody/knows" not in answer.text
    (entry, *_) = page.command("audit")
    assert (entry["who"]["name"], entry["what"]) == ("admin-1", "quarantine-drop")
    assert entry["before"]["reason"] == "unknown-topic"


@pytest.mark.parametrize("form", [{}, {"number": "1", "reason": "not-json"}, {"number": "-1"}])
def test_a_drop_that_names_nothing_drops_nothing(page: RunningPage, form: dict[str, str]) -> None:
    client = page.user(f"admin-{len(form)}-{len(str(form))}", "administrator")
    answer = client.post("/quarantine/drop", data=form, headers={**HTMX, **csrf(client)})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_an_administrator_confirms_a_new_device(page: RunningPage) -> None:
    page.publish("fridge-new", {"temperature": 5.0})
    client = page.user("admin-9", "administrator")
    until(lambda: 'value="fridge-new"' in client.get("/quarantine").text, "the new device is told")
    answer = client.post(
        "/quarantine/confirm", data={"device": "fridge-new"}, headers={**HTMX, **csrf(client)}
    )
    assert "fridge-new is confirmed." in answer.headers["hx-trigger"]
    assert 'value="fridge-new"' not in answer.text
