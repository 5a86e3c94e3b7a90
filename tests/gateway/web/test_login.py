"""Who is let in, and what that looks like."""

from __future__ import annotations

from http import HTTPStatus

import httpx
import pytest

from tests.gateway.web.running import RunningPage


def test_whoever_is_not_logged_in_is_asked_to(page: RunningPage) -> None:
    answer = httpx.get(f"{page.url}/alerts?state=open", headers={"Accept": "text/html"})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.headers["location"] == "/login?to=/alerts%3Fstate%3Dopen"


def test_a_person_logs_in_and_out(page: RunningPage) -> None:
    client = page.user("anna")
    assert client.get("/").status_code == HTTPStatus.OK
    shown = client.get("/").text
    csrf = shown.split('data-csrf="')[1].split('"')[0]
    assert client.post("/logout", data={"csrf": csrf}).status_code == HTTPStatus.SEE_OTHER
    assert client.get("/", headers={"Accept": "text/html"}).status_code == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize(
    ("name", "password"), [("berta", "wrong"), ("nobody", "wrong"), ("berta", ""), ("", "")]
)
def test_a_wrong_password_is_refused_and_sets_no_cookie(
    page: RunningPage, name: str, password: str
) -> None:
    if name == "berta" and password == "wrong":
        page.add_user("berta")
    answer = httpx.post(
        f"{page.url}/login",
        data={"name": name, "password": password},
        headers={"Origin": page.url},
        timeout=20,
    )
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "Name or password is wrong" in answer.text
    assert "set-cookie" not in answer.headers


def test_another_site_cannot_log_anybody_in_or_out(page: RunningPage) -> None:
    for origin in ("https://evil.example", "null", None):
        headers = {"Origin": origin} if origin else {}
        answer = httpx.post(f"{page.url}/login", data={"name": "a"}, headers=headers)
        assert answer.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_after_logging_in_nobody_is_sent_elsewhere(page: RunningPage, to: str) -> None:
    password = page.add_user(f"to-{abs(hash(to)) % 10**6}")
    name = f"to-{abs(hash(to)) % 10**6}"
    answer = httpx.post(
        f"{page.url}/login",
        data={"name": name, "password": password, "to": to},
        headers={"Origin": page.url},
        timeout=20,
    )
    assert answer.headers["location"] == "/"


def test_no_page_may_load_or_run_anything_but_our_files(page: RunningPage) -> None:
    answer = httpx.get(f"{page.url}/login")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("chunked", [False, True])
def test_nobody_can_send_us_more_than_a_form_holds(page: RunningPage, chunked: bool) -> None:  # noqa: FBT001 - a parameter of the test
    content = b"name=a&password=" + b"x" * 100_000
    parts = (content[at : at + 10_000] for at in range(0, len(content), 10_000))
    answer = httpx.post(
        f"{page.url}/login",
        content=parts if chunked else content,
        headers={"Origin": page.url, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code in {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.BAD_REQUEST}
