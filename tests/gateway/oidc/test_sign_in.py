"""People sign in to a running gateway at a real provider: the whole way, there and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.listener.attempts import AT_ONCE
from tests.gateway.oidc.provider import CLIENT, SECRET, RunningProvider, needs_provider
from tests.gateway.web.running import RunningPage, until
from tests.gateway.web.test_process import children_of, memory_of

pytestmark = needs_provider

PEOPLE: dict[str, dict[str, Any]] = {
    "u-1": {"preferred_username": "anna", "name": "Quay Desk", "groups": ["cold-chain"]},
    "u-2": {"preferred_username": "anna", "name": "Other Desk", "groups": ["qa"]},
    "u-3": {"preferred_username": "guest", "groups": ["others"]},
    "u-4": {"preferred_username": "admin", "groups": ["cold-chain"]},
    "u-5": {"preferred_username": "leaver", "groups": ["cold-chain"]},
    "u-6": {"preferred_username": "mover", "groups": ["it"]},
}
OIDC = """
[web.oidc]
name = "Example"
issuer = "{issuer}"
page = "{page}"
client_id = "{client}"
client_secret = "{secret}"
roles = {{ cold-chain = "operator", qa = "quality", it = "administrator" }}
"""


class OidcPage(RunningPage):
    """A page with a provider beside it."""

    provider: RunningProvider

    def browser(self) -> httpx.Client:
        """Return a browser that nobody has used."""
        client = httpx.Client(base_url=self.url, timeout=20)
        self._clients.append(client)
        return client

    def sign_in(self, login: str, browser: httpx.Client | None = None) -> httpx.Response:
        """Go from the login page to the provider and back."""
        browser = browser or self.browser()
        self.went = browser.get("/login/oidc", params={"to": "/devices"})
        assert self.went.status_code == HTTPStatus.SEE_OTHER, self.went.text
        self.came = self.provider.sign_in(browser, self.went.headers["location"], login)
        return browser.get(self.came)

    def signed_in(self, login: str) -> httpx.Client:
        """Return a browser in which somebody has signed in."""
        browser = self.browser()
        answer = self.sign_in(login, browser)
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
        browser.headers["Origin"] = self.url
        return browser

    def person(self, name: str) -> dict[str, Any]:
        people: list[dict[str, Any]] = self.command("user", "list")
        (found,) = [one for one in people if one["name"] == name]
        return found

    def trail(self, name: str) -> list[str]:
        """What the audit trail says of somebody, oldest first."""
        entries = self.command("audit", "--limit", "200")
        return [one["what"] for one in reversed(entries) if one["object"] == name]


def start(folder: Any, more: str = "", **of_provider: Any) -> OidcPage:  # noqa: ANN401 - a path, options
    """Start a provider, and make a page that knows it."""
    page = OidcPage(folder)
    page.provider = RunningProvider(folder / "provider.log", page.url, PEOPLE, **of_provider)
    page.provider.start()
    told = OIDC.format(issuer=page.provider.issuer, page=page.url, client=CLIENT, secret=SECRET)
    page.settings.write_text(page.settings.read_text() + told + more)
    return page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcPage]:
    made = start(tmp_path_factory.mktemp("oidc"))
    try:
        with made:
            made.signed_in("u-1")  # so that this one is anna, whichever test comes first
            yield made
    finally:
        made.provider.stop()


def test_somebody_signs_in_and_is_known_with_the_role_of_the_group(page: OidcPage) -> None:
    browser = page.browser()
    assert "Sign in with Example" in browser.get("/login").text
    answer = page.sign_in("u-1", browser)
    assert (answer.status_code, answer.headers["location"]) == (HTTPStatus.SEE_OTHER, "/devices")
    shown = browser.get("/account")
    assert "Quay Desk" in shown.text
    assert page.provider.issuer in shown.text
    assert "Old password" not in shown.text
    known = page.person("anna")
    assert (known["role"], known["subject"]) == ("operator", "u-1")
    assert page.trail("anna")[:2] == ["user-add", "login-open"]
    # The same person in another browser is the same person.
    page.signed_in("u-1")
    assert page.trail("anna").count("user-add") == 1
    # Nobody's way there stays in the browser.
    assert [one.name for one in browser.cookies.jar if "trip" in one.name] == []


def test_another_of_the_same_name_is_another_person(page: OidcPage) -> None:
    page.signed_in("u-1")
    page.signed_in("u-2")
    assert page.person("anna")["subject"] == "u-1"
    assert (page.person("anna-2")["subject"], page.person("anna-2")["role"]) == ("u-2", "quality")


def test_nobody_becomes_a_person_of_this_gateway_by_a_name(page: OidcPage) -> None:
    """Whoever may choose a name at the provider must not take over the administrator here."""
    password = page.add_user("admin", "administrator")
    browser = page.signed_in("u-4")
    assert "admin-2" in browser.get("/account").text
    assert browser.get("/people").status_code == HTTPStatus.FORBIDDEN
    assert page.browser_of("admin", password).get("/people").status_code == HTTPStatus.OK


def test_without_a_group_that_has_a_role_nobody_comes_in(page: OidcPage) -> None:
    answer = page.sign_in("u-3")
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "Your account has no role on this gateway" in answer.text
    assert not [one for one in page.command("user", "list") if one["name"] == "guest"]


def test_who_was_removed_here_stays_out_until_admitted(page: OidcPage) -> None:
    browser = page.signed_in("u-5")
    page.command("user", "remove", "leaver")
    answer = browser.get("/devices", headers={"Accept": "text/html"})
    assert answer.headers["location"].startswith("/login")
    refused = page.sign_in("u-5")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "Leaver was removed on this gateway" in refused.text
    page.command("user", "admit", "leaver")
    page.signed_in("u-5")
    assert page.trail("leaver") == [
        *("user-add", "login-open", "user-remove", "user-admit", "login-open")
    ]


def test_an_answer_that_was_used_opens_nothing_again(page: OidcPage) -> None:
    browser = page.browser()
    page.sign_in("u-1", browser)
    came = page.came
    for one in (browser, page.browser()):
        answer = one.get(came, headers={"Accept": "text/html"})
        assert answer.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT}
        assert "was not begun here, or is over" in answer.text
        assert not [name for name in answer.headers.get_list("set-cookie") if "trip" not in name]


def test_nobody_is_signed_in_by_anothers_answer(page: OidcPage) -> None:
    """Somebody has a person's browser follow the somebody's own answer."""
    luring = page.browser()
    went = luring.get("/login/oidc")
    came = page.provider.sign_in(luring, went.headers["location"], "u-2")
    victim = page.browser()
    victim.get("/login/oidc")
    answer = victim.get(came)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert victim.get("/devices", headers={"Accept": "text/html"}).status_code == 303


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_after_signing_in_nobody_is_sent_elsewhere(page: OidcPage, to: str) -> None:
    browser = page.browser()
    went = browser.get("/login/oidc", params={"to": to})
    assert urlsplit(went.headers["location"]).port == page.provider.port
    came = page.provider.sign_in(browser, went.headers["location"], "u-1")
    assert browser.get(came).headers["location"] == "/"


def test_after_signing_in_one_is_where_one_wanted_to_go(page: OidcPage) -> None:
    browser, to = page.browser(), "/devices?site=Dock 2&page=1"
    went = browser.get("/login/oidc", params={"to": to})
    came = page.provider.sign_in(browser, went.headers["location"], "u-1")
    assert browser.get(came).headers["location"] == "/devices?site=Dock%202&page=1"


def test_another_site_cannot_keep_people_out_by_answers_that_they_never_asked_for(
    page: OidcPage,
) -> None:
    """A page elsewhere has somebody's browser ask for it as a picture, which sends no cookie."""
    elsewhere = page.browser()
    for _ in range(AT_ONCE + 5):
        elsewhere.get("/login/oidc/back", params={"state": "x", "code": "x"})
    password = page.add_user("petra", "operator")
    assert page.browser_of("petra", password).get("/devices").status_code == HTTPStatus.OK


def test_who_comes_by_another_name_of_the_page_begins_at_its_own(page: OidcPage) -> None:
    answer = httpx.get(f"http://localhost:{page.web}/login/oidc", params={"to": "/devices"})
    assert answer.headers["location"] == f"{page.url}/login/oidc?here=1&to=/devices"


def test_what_the_provider_keeps_is_not_changed_here(page: OidcPage) -> None:
    page.signed_in("u-2")
    for words in (("user", "reset", "anna-2"), ("user", "role", "anna-2", "viewer")):
        with pytest.raises(AssertionError, match="which keeps password and role"):
            page.command(*words)


def test_the_secret_stays_out_of_the_pages_process(page: OidcPage) -> None:
    page.signed_in("u-1")
    assert page._process is not None
    (child,) = children_of(page._process.pid)
    assert SECRET.encode() in memory_of(page._process.pid), "the gateway itself knows it"
    assert SECRET.encode() not in memory_of(child)


def test_a_role_that_changes_at_the_provider_changes_here_and_ends_old_logins(
    tmp_path: Any,  # noqa: ANN401 - a path
) -> None:
    page = start(tmp_path, algorithm="ES256")
    try:
        with page:
            before = page.signed_in("u-6")
            assert before.get("/people").status_code == HTTPStatus.OK
            page.provider.stop()
            page.provider.people = {"u-6": {**PEOPLE["u-6"], "groups": ["cold-chain"]}}
            page.provider.apart = False
            page.provider.start()  # with other keys, which are asked for
            after = page.signed_in("u-6")
            assert after.get("/people").status_code == HTTPStatus.FORBIDDEN
            assert page.person("mover")["role"] == "operator"
            ended = before.get("/people", headers={"Accept": "text/html"})
            assert ended.status_code == HTTPStatus.SEE_OTHER
            assert page.trail("mover") == ["user-add", "login-open", "user-role", "login-open"]
            _away(page, after)
    finally:
        page.provider.stop()


def _away(page: OidcPage, there: httpx.Client) -> None:
    """Without the provider, as on a ship: who is in stays in, and passwords of here let in."""
    page.provider.stop()
    answer = page.browser().get("/login/oidc")
    # What it says of itself is known still: the browser finds out by itself.
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert there.get("/devices").status_code == HTTPStatus.OK
    page.user("olga")
    page.stop()
    page.start()
    answer = page.browser().get("/login/oidc")
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "Example: it cannot be reached" in answer.text
    assert "log in with a password of this gateway" in answer.text
    assert there.get("/devices").status_code == HTTPStatus.OK


def test_where_no_passwords_are_wanted_only_administrators_of_here_use_one(
    tmp_path: Any,  # noqa: ANN401 - a path
) -> None:
    page = start(tmp_path, "local = false\n")
    try:
        with page:
            shown = page.browser().get("/login").text
            assert "Administrators of this gateway" in shown
            assert re.search(r"<details>\s*<summary>", shown)
            operator = page.add_user("olga", "operator")
            client = page.browser()
            for password, said in ((operator, "Here people sign in with Example."), ("x", "wrong")):
                answer = client.post(
                    "/login",
                    data={"name": "olga", "password": password},
                    headers={"Origin": page.url},
                )
                assert answer.status_code == HTTPStatus.FORBIDDEN
                assert said in answer.text
            page.user("rescue", "administrator")
            page.signed_in("u-6")
            with pytest.raises(AssertionError, match="last administrator with a password"):
                page.command("user", "remove", "rescue")
            until(lambda: page.person("mover")["role"] == "administrator", "the other is one too")
    finally:
        page.provider.stop()
