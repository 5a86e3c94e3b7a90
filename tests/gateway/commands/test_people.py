"""People, screens and keys, as they are asked for: of a gateway with its files, no network."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from gateway.commands.commands import LOOKING, Commands
from gateway.people.api_keys import find_key
from gateway.people.passwords import hashed, is_right
from gateway.people.person import find_login, find_person
from gateway.refusal import ControlError
from rules.duration import DAY, HOUR
from tests.gateway.asked import Asked
from tests.gateway.parts import NOW, ToldClock

DIGEST = sha256(b"a browser").digest()
ANNA = {"name": "anna", "via": "page", "address": "192.0.2.7"}


def passes(ask: Asked, length: int) -> None:
    """Let so many ms pass."""
    assert isinstance(ask.gateway.clock, ToldClock)
    ask.gateway.clock.passes(length)


async def test_a_password_is_answered_once_and_lets_its_person_in(ask: Asked) -> None:
    answer = await ask("user-add", name="anna", role="operator")
    found = find_person(ask.gateway.state, "anna")
    assert found is not None
    assert is_right(answer["password"], found[1])
    again = await ask("user-reset", name="anna")
    assert again["password"] != answer["password"]
    listed = await ask("user-list")
    assert [(one["name"], one["role"], one["seen"], one["removed"]) for one in listed] == [
        ("anna", "operator", None, None)
    ]
    assert "password" not in str(listed)


async def test_people_and_screens_are_listed_apart_with_when_they_were_seen(ask: Asked) -> None:
    await ask("user-add", name="ben", role="viewer")
    await ask("user-add", name="anna", role="viewer")
    token = (await ask("screen-add", name="hall"))["token"]
    await ask("screen-add", name="gate")
    passes(ask, HOUR)
    now = ask.gateway.clock.now()
    await ask("login-open", digest=DIGEST.hex(), person="anna", expires=now + HOUR, address="")
    await ask("login-seen", digest=sha256(token.encode()).hexdigest(), expires=None)
    await ask("screens", connected=["hall"])
    await ask("user-remove", name="ben")
    users = [(one["name"], one["seen"], one["removed"]) for one in await ask("user-list")]
    assert users == [("anna", now, None), ("ben", None, now)]
    screens = [(one["name"], one["seen"], one["connected"]) for one in await ask("screen-list")]
    assert screens == [("gate", None, False), ("hall", now, True)]
    await ask("screen-revoke", name="hall")
    (_, hall) = await ask("screen-list")
    assert (hall["removed"], hall["connected"]) == (now, False)


async def test_a_login_is_opened_used_and_ended(ask: Asked) -> None:
    await ask("user-add", name="anna", role="viewer")
    answer = await ask(
        "login-open", digest=DIGEST.hex(), person="anna", expires=NOW + HOUR, address="192.0.2.7"
    )
    assert (answer["opened"], answer["expires"], answer["address"]) == (
        NOW,
        NOW + HOUR,
        "192.0.2.7",
    )
    passes(ask, HOUR // 2)
    await ask("login-seen", digest=DIGEST.hex(), expires=NOW + 2 * HOUR)
    found = find_login(ask.gateway.state, DIGEST)
    assert found is not None
    assert (found[0].seen, found[0].expires) == (NOW + HOUR // 2, NOW + 2 * HOUR)
    await ask("login-end", digest=DIGEST.hex())
    assert find_login(ask.gateway.state, DIGEST) is None


async def test_who_chooses_a_password_stays_logged_in_there_and_nowhere_else(ask: Asked) -> None:
    await ask("user-add", name="anna", role="viewer")
    other = sha256(b"another").digest()
    for digest in (DIGEST, other):
        await ask("login-open", digest=digest.hex(), person="anna", expires=NOW + HOUR)
    chosen = hashed("my own")
    await ask("password", name="anna", hash=chosen, keep=DIGEST.hex(), who=ANNA)
    logins = [find_login(ask.gateway.state, one) is not None for one in (DIGEST, other)]
    assert logins == [True, False]
    await ask("password", name="anna", hash=chosen)
    assert find_login(ask.gateway.state, DIGEST) is None


async def test_a_password_that_is_changed_while_it_is_compared_lets_nobody_in(ask: Asked) -> None:
    await ask("user-add", name="anna", role="viewer")
    before = find_person(ask.gateway.state, "anna")
    assert before is not None
    login = {"digest": DIGEST.hex(), "person": "anna", "expires": NOW + HOUR, "hash": before[1]}
    await ask("user-reset", name="anna")
    with pytest.raises(ControlError, match="changed meanwhile"):
        await ask("login-open", **login)
    assert find_login(ask.gateway.state, DIGEST) is None
    after = find_person(ask.gateway.state, "anna")
    assert after is not None
    await ask("login-open", **{**login, "hash": after[1]})


async def test_another_role_is_answered(ask: Asked) -> None:
    await ask("user-add", name="anna", role="viewer")
    assert (await ask("user-role", name="anna", role="quality"))["role"] == "quality"


async def test_a_key_is_answered_once_and_does_what_was_asked_for(ask: Asked) -> None:
    answer = await ask(
        "key-add", name="reports", scopes=["read", "metrics"], devices=["a-*"], expires_days=30
    )
    key = find_key(ask.gateway.state, answer["token"], NOW)
    assert key is not None
    assert (key.scopes, key.devices, key.expires) == (
        ("read", "metrics"),
        ("a-*",),
        NOW + 30 * DAY,
    )
    plain = await ask("key-add", name="plain", scopes=None, devices=None)
    assert (plain["scopes"], plain["devices"]) == (("read",), ("*",))
    await ask("key-revoke", name="reports")
    assert find_key(ask.gateway.state, answer["token"], NOW) is None
    listed = await ask("key-list")
    assert [(one["name"], one["good"]) for one in listed] == [("plain", True), ("reports", False)]
    assert answer["token"] not in str(listed)


async def test_the_trail_says_who_asked_and_is_read_in_pages(ask: Asked) -> None:
    await ask("user-add", name="anna", role="administrator", who={"name": "eve", "via": "page"})
    await ask("screen-add", name="hall", who=ANNA)
    await ask("key-add", name="reports", who=ANNA)
    newest = await ask("audit", limit=2)
    assert [(one["who"]["name"], one["what"]) for one in newest] == [
        ("anna", "key-add"),
        ("anna", "screen-add"),
    ]
    (oldest,) = await ask("audit", before=newest[-1]["number"])
    assert (oldest["who"]["name"], oldest["object"], oldest["at"]) == ("eve", "anna", NOW)


async def test_commands_that_look_write_nothing(ask: Asked) -> None:
    await ask("user-add", name="anna", role="viewer")
    for name in ("user-list", "screen-list", "key-list", "audit"):
        assert name in LOOKING
        before = ask.gateway.state.rows("SELECT * FROM audit")
        await ask(name)
        assert ask.gateway.state.rows("SELECT * FROM audit") == before
    assert Commands(ask.gateway).by_name.keys() > LOOKING


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "user-add", "role": "viewer"}, "name is missing"),
        ({"do": "user-add", "name": 5, "role": "viewer"}, "name is missing, or no text"),
        ({"do": "user-add", "name": "anna"}, "role is missing"),
        ({"do": "user-add", "name": "x", "role": "viewer", "who": "eve"}, 'Send "who" as'),
        ({"do": "user-reset", "name": "nobody"}, "holdwatch user list"),
        ({"do": "password", "name": "nobody", "hash": "x"}, "no hash of a password"),
        ({"do": "login-open", "digest": "00", "person": "anna"}, "digest is no SHA-256"),
        ({"do": "login-open", "digest": "x" * 64, "person": "anna"}, "64 hexadecimal digits"),
        ({"do": "login-open", "digest": "0" * 64, "person": "anna"}, "expired already"),
        ({"do": "login-seen", "digest": None, "expires": None}, "digest is missing"),
        ({"do": "login-seen", "digest": "0" * 64, "expires": "soon"}, "no whole number"),
        ({"do": "screen-revoke", "name": "hall"}, "holdwatch screen list"),
        ({"do": "screens", "connected": "hall"}, "no list of texts"),
        ({"do": "key-add", "name": "k", "scopes": "read"}, "no list of texts"),
        ({"do": "key-add", "name": "k", "expires_days": 0}, "Use 1 to 3,650"),
        ({"do": "key-add", "name": "k", "expires_days": True}, "no whole number"),
        ({"do": "key-revoke", "name": "k"}, "holdwatch key list"),
        ({"do": "audit", "limit": 0}, "Use 1 to 1,000"),
        ({"do": "audit", "limit": 10**9}, "Use 1 to 1,000"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_cure_and_changes_nothing(
    ask: Asked, request_: dict[str, Any], words: str
) -> None:
    with pytest.raises(ControlError, match=words):
        await ask(**request_)
    assert await ask("audit") == []
