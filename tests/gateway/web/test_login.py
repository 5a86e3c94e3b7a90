"""Who is let in, and what that looks like."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from gateway.listener.attempts import AT_ONCE
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
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def screen_of(page: RunningPage, name: str) -> str:
    """Add a wall screen; return its link's token."""
    token: str = page.command("screen", "add", name)["token"]
    return token


def test_a_link_lets_a_browser_in_that_is_not_logged_in(page: RunningPage) -> None:
    token = screen_of(page, "hall")
    with httpx.Client(base_url=page.url, headers={"Origin": page.url}) as client:
        for _ in range(2):  # a link may be opened again
            assert client.post("/enter", data={"token": token}).json() == {"to": "/wall"}
        assert client.get("/wall").status_code == HTTPStatus.OK


def test_a_link_replaces_nobodys_login_unasked(page: RunningPage) -> None:
    client, token = page.user("clara"), screen_of(page, "gate")
    answer = client.post("/enter", data={"token": token})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "logged in here as clara" in answer.json()["detail"]
    assert "set-cookie" not in answer.headers
    instead = answer.json()["instead"]
    assert client.post("/enter", data={"token": token, "instead": instead}).json()["to"] == "/wall"


def test_a_screen_cannot_end_its_own_login(page: RunningPage) -> None:
    token = screen_of(page, "dock-door")
    with httpx.Client(base_url=page.url, headers={"Origin": page.url}) as client:
        client.post("/enter", data={"token": token})
        csrf = client.get("/wall").text.split('data-csrf="')[1].split('"')[0]
        for method, path in (("POST", "/logout"), ("GET", "/account")):
            answer = client.request(method, path, headers={"X-CSRF-Token": csrf})
            assert (path, answer.status_code) == (path, HTTPStatus.FORBIDDEN)
        assert client.get("/wall").status_code == HTTPStatus.OK


def test_many_guesses_at_once_are_held_back(tmp_path: Path) -> None:
    with RunningPage(tmp_path) as page:

        def guess(number: int) -> int:
            form = {"name": "anna", "password": f"guess {number}"}
            headers = {"Origin": page.url}
            return httpx.post(
                f"{page.url}/login", data=form, headers=headers, timeout=60
            ).status_code

        with ThreadPoolExecutor(40) as threads:
            answers = list(threads.map(guess, range(80)))
        refused = answers.count(HTTPStatus.TOO_MANY_REQUESTS)
        assert answers.count(HTTPStatus.FORBIDDEN) + refused == len(answers)
        assert refused >= len(answers) - AT_ONCE - 5  # some are forgiven meanwhile
        assert "a login was refused" in page.log.read_text()
