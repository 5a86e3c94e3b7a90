"""Changing one's own password, and what administrators see of people and the audit trail."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from gateway.people.audit import Entry, Who
from gateway.web.pages.account import changes, problem_of
from tests.gateway.web.test_acts_view import csrf

if TYPE_CHECKING:
    from tests.gateway.web.running import RunningPage

OLD, GOOD = "old-old-old-old", "four rusty cold trucks"
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("new", "again", "words"),
    [
        (GOOD, GOOD, ""),
        (GOOD, "another", "both times"),
        ("eleven-char", "eleven-char", "11 characters: it needs 12"),
        ("x" * 201, "x" * 201, "it may have 200"),
        ("Long-Name-Of-Anna", "Long-Name-Of-Anna", "your name"),
        (OLD, OLD, "the old one"),
    ],
)
def test_a_new_password_is_long_enough_and_not_the_name(new: str, again: str, words: str) -> None:
    told = problem_of("long-name-of-anna", OLD, new, again)
    assert (words in told) if words else (not told)


def test_a_person_changes_the_password_and_other_logins_end(page: RunningPage) -> None:
    password = page.add_user("paula")
    here, elsewhere = page.browser_of("paula", password), page.browser_of("paula", password)
    form = {"old": password, "new": GOOD, "again": GOOD}
    wrong = here.post("/account/password", data={**form, "old": "wrong"}, headers=csrf(here))
    assert (wrong.status_code, "old password is wrong" in wrong.text) == (403, True)
    answer = here.post("/account/password", data=form, headers=csrf(here))
    assert (answer.status_code, "Your password is changed" in answer.text) == (200, True)
    assert here.get("/account").status_code == HTTPStatus.OK
    assert elsewhere.get("/account", headers=HTML).status_code == HTTPStatus.SEE_OTHER
    page.browser_of("paula", GOOD)
    (entry, *_) = [one for one in page.command("audit") if one["what"] == "password"]
    assert (entry["who"]["name"], entry["object"]) == ("paula", "paula")
    assert "argon2" not in str(entry)


def test_a_password_is_not_changed_for_another_sites_page(page: RunningPage) -> None:
    client = page.user("quentin")
    form = {"old": "x", "new": GOOD, "again": GOOD}
    assert client.post("/account/password", data=form).status_code == HTTPStatus.FORBIDDEN


def test_people_see_their_own_logins(page: RunningPage) -> None:
    client = page.user("rita")
    shown = client.get("/account").text
    assert "this browser" in shown
    assert shown.count("unless it is used") == 1


@pytest.mark.parametrize("path", ["/audit", "/people"])
@pytest.mark.parametrize("role", ["viewer", "operator", "quality"])
def test_only_administrators_see_people_and_the_audit_trail(
    page: RunningPage, path: str, role: str
) -> None:
    client = page.user(f"{role}-{path.strip('/')}", role)
    assert client.get(path).status_code == HTTPStatus.FORBIDDEN
    assert path not in client.get("/account").text


def test_an_administrator_sees_who_did_what_in_pages(page: RunningPage) -> None:
    alert, client = page.alert("fridge-1"), page.user("boss", "administrator")
    headers = csrf(client)
    for number in range(52):
        form = {"reason": f"note {number} <i>x</i>"}
        client.post(f"/alerts/{alert['id']}/note", data=form, headers=headers)
    first = client.get("/audit").text
    assert "note 51 &lt;i&gt;x" in first
    assert "note 0 " not in first
    address = first.split('hx-get="')[1].split('"')[0]
    older = client.get(address, headers={"HX-Request": "true"}).text
    assert "<html" not in older
    assert "note 0 " in older


def test_an_administrator_sees_people_and_screens(page: RunningPage) -> None:
    client = page.user("chief", "administrator")
    page.add_user("sven", "quality")
    page.command("screen", "add", "wall-9")
    page.add_user("tim")
    page.command("user", "remove", "tim")
    shown = client.get("/people").text
    for words in ("sven", "quality", "wall-9", "never opened", "removed", "holdwatch user add"):
        assert words in shown


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"role": "viewer"}, {"role": "operator"}, [("role", "viewer", "operator")]),
        (
            None,
            {"role": "viewer", "screen": True},
            [("role", "", "viewer"), ("screen", "", "true")],
        ),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("b", "2", "3")]),
        (None, None, []),
        ("was", "is", [("", "was", "is")]),
        (
            None,
            {"assigned": {"who": "olga", "to": "karl", "reason": "Night shift", "at": 5}},
            [("assigned", "", "olga, karl, Night shift")],
        ),
    ],
)
def test_an_entry_tells_what_was_before_and_is_now(
    before: object, after: object, found: list[tuple[str, str, str]]
) -> None:
    entry = Entry(1, Who("a", "page"), "w", "o", before=before, after=after)
    assert [tuple(one) for one in changes(entry)] == found
