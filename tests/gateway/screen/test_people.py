"""What a person is told about people, wall screens, keys and the audit trail."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gateway.screen import people as screen
from gateway.settings import Settings, parse
from gateway.settings.web import Web, WebTls
from tests.gateway.parts import NOW

TOKEN = "00112233445566778899aabbccddeeff"
HERE = Web()
EVERYWHERE = Web(host="0.0.0.0", unencrypted=True)  # noqa: S104 - a setting, and nothing is bound
CLOSED = Web.model_construct(
    host="192.0.2.7",
    tls=WebTls.model_construct(certificate=Path("/etc/holdwatch/tls/server.pem"), key=None),
)


def shown(
    show: Callable[[Console, Settings, Any], None],
    answer: Any,  # noqa: ANN401 - whatever is answered
    web: Web | None = HERE,
) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(console, parse("").model_copy(update={"web": web}), answer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.screen.devices.own_names", lambda: ("clinic-pi", "192.0.2.7"))
    monkeypatch.setattr(
        "gateway.listener.authority.certified_names", lambda _path: ("clinic-pi.local",)
    )


@pytest.mark.parametrize(
    ("web", "address"),
    [
        (HERE, "http://127.0.0.1:8470"),
        (EVERYWHERE, "http://clinic-pi:8470"),
        (CLOSED, "https://clinic-pi.local:8470"),
    ],
)
def test_a_link_leads_to_where_the_page_is(web: Web, address: str) -> None:
    text = shown(screen.show_screen, {"name": "hall", "token": TOKEN}, web)
    assert f"{address}/enter#{TOKEN}\n" in text
    assert ("this machine alone" in text) is (web is HERE)
    assert "there is no page" not in text


def test_a_password_is_shown_with_where_it_is_used() -> None:
    answer = {"name": "anna", "role": "operator", "password": "aaaaa-bbbbb"}
    text = shown(screen.show_password, answer)
    lines = [line.split() for line in text.splitlines()]
    assert ["page", "http://127.0.0.1:8470/"] in lines
    assert ["user", "anna"] in lines
    assert ["password", "aaaaa-bbbbb"] in lines
    assert "never again" in text
    assert "as operator" in text


@pytest.mark.parametrize(
    ("show", "answer"),
    [
        (screen.show_password, {"name": "anna", "password": TOKEN}),
        (screen.show_screen, {"name": "hall", "token": TOKEN}),
        (
            screen.show_key,
            {
                "name": "k",
                "token": TOKEN,
                "scopes": ["read"],
                "devices": ["*"],
                "expires": NOW,
                "speaks_for": [],
            },
        ),
    ],
)
def test_without_a_page_the_secret_is_shown_and_what_is_missing(
    show: Callable[[Console, Settings, Any], None], answer: dict[str, Any]
) -> None:
    text = shown(show, answer, None)
    assert TOKEN in text
    assert "no [web]" in text


def test_screens_that_are_missing_stand_out() -> None:
    facts: dict[str, Any] = {"added": NOW, "seen": NOW, "removed": None, "connected": False}
    text = shown(
        screen.show_screens,
        [
            {"name": "a", **facts, "connected": True},
            {"name": "b", **facts},
            {"name": "c", **facts, "seen": None},
            {"name": "d", **facts, "removed": NOW},
        ],
    )
    states = {line.split("  ")[0].strip(): line for line in text.splitlines()[1:]}
    for name, words in (
        ("a", "✓ connected"),
        ("b", "! not connected"),
        ("c", "not opened yet"),
        ("d", "revoked 20"),
    ):
        assert words in states[name]


def test_keys_that_are_worth_nothing_say_so() -> None:
    facts = {"scopes": ["read"], "devices": ["[ab]-*"], "speaks_for": [], "expires": NOW}
    facts["revoked"] = None
    keys = [{"name": "a", **facts, "good": True}, {"name": "b", **facts, "good": False}]
    keys.append({"name": "c", **facts, "good": False, "revoked": NOW})
    _, a, b, c = shown(screen.show_keys, keys).splitlines()
    assert "[ab]-*" in a
    assert "expired" not in a
    assert "! expired" in b
    assert "revoked" in c


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"role": "viewer"}, {"role": "operator"}, "role: viewer → operator"),
        ({"role": "viewer", "x": 1}, {"role": "viewer", "x": None}, "x: 1 → nothing"),
        (None, {"role": "viewer", "devices": ["a", "b"]}, "role: viewer, devices: a b"),
        ({"role": "viewer"}, None, "role: was viewer"),
        (None, {"until": NOW}, "until: 2026-"),
        ("old", "new", "old → new"),
        (["a"], ["a", "b"], "a → a b"),
        ([{"x": 1}], None, 'was [{"x":1}]'),
    ],
)
def test_what_changed_is_told_from_what_was_before(
    before: object, after: object, words: str
) -> None:
    entry = {
        "number": 1,
        "at": NOW,
        "who": {"name": "anna", "via": "page", "address": "192.0.2.7"},
        "what": "user-role",
        "object": "ben",
        "reason": "",
        "before": before,
        "after": after,
    }
    text = shown(screen.show_audit, [entry])
    assert words in text
    assert "page 192.0.2.7" in text
    assert "--before" not in text


def test_nothing_that_somebody_typed_is_obeyed_by_a_terminal() -> None:
    hostile = "\x1b[2J[red]</b>"
    entry = {
        "number": 7,
        "at": NOW,
        "who": {"name": "anna", "via": "page", "address": ""},
        "what": "noted",
        "object": hostile,
        "reason": hostile,
        "before": None,
        "after": {hostile: hostile},
    }
    text = shown(screen.show_audit, [entry])
    assert "\x1b" not in text
    assert text.count("\\x1b[2J[red]</b>") == 4
    assert "--before 7" in text


@pytest.mark.parametrize(
    "show", [screen.show_users, screen.show_screens, screen.show_keys, screen.show_audit]
)
def test_where_there_is_nothing_a_sentence_says_so(
    show: Callable[[Console, Settings, Any], None],
) -> None:
    assert len(shown(show, []).splitlines()) == 1


def test_the_audit_trail_shows_the_last_day_of_a_calibration_and_not_its_end() -> None:
    entry = {
        "number": 1,
        "at": NOW,
        "who": {"name": "anna", "via": "page", "address": ""},
        "what": "device-calibrate",
        "object": "fridge-1",
        "reason": "",
        "before": None,
        "after": {"expires": 1_896_134_400_000},
    }
    assert "expires: 2030-01-31" in shown(screen.show_audit, [entry])
