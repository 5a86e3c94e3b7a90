"""`holdwatch user`, `screen`, `key` and `audit`: as somebody types them, no gateway running."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.gateway_process import ENVIRONMENT, holdwatch, holdwatch_json

SETTINGS = """\
[gateway]
box = "here"
data = "data"

[web]
port = 8471
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "holdwatch.toml"
    file.write_text(SETTINGS)
    return file


def word_behind(label: str, text: str) -> str:
    (found,) = [line.split()[1] for line in text.splitlines() if line.split()[:1] == [label]]
    return found


def test_people_screens_and_keys_come_and_go_and_all_of_it_is_on_record(config: Path) -> None:
    at = ("-c", str(config))
    secrets = [
        word_behind("password", holdwatch("user", "add", "anna", "--role", "administrator", *at)),
        holdwatch_json("user", "add", "ben", *at)["password"],
        word_behind("password", holdwatch("user", "reset", "ben", *at)),
        word_behind("link", holdwatch("screen", "add", "hall", *at)).partition("/enter#")[2],
        word_behind("key", holdwatch("key", "add", "reports", "--devices", "fridge-*", *at)),
    ]
    assert all(len(one) > 20 for one in secrets)
    assert "viewer" in holdwatch("user", "list", *at)
    assert "ben is operator" in holdwatch("user", "role", "ben", "operator", *at)
    assert "last administrator" in holdwatch("user", "remove", "anna", *at, code=1)
    holdwatch("user", "remove", "ben", *at)
    assert "not opened yet" in holdwatch("screen", "list", *at)
    holdwatch("screen", "revoke", "hall", *at)
    assert "fridge-*" in holdwatch("key", "list", *at)
    holdwatch("key", "revoke", "reports", *at)
    trail = holdwatch_json("audit", "--limit", "20", *at)
    assert [(one["number"], one["what"], one["object"]) for one in trail] == [
        (9, "key-revoke", "reports"),
        (8, "screen-revoke", "hall"),
        (7, "user-remove", "ben"),
        (6, "user-role", "ben"),
        (5, "key-add", "reports"),
        (4, "screen-add", "hall"),
        (3, "user-reset", "ben"),
        (2, "user-add", "ben"),
        (1, "user-add", "anna"),
    ]
    assert {one["who"]["via"] for one in trail} == {"command line"}
    assert "Those before: --before 8" in holdwatch("audit", "--limit", "2", *at)
    kept = b"".join(
        file.read_bytes() for file in (config.parent / "data").iterdir() if file.is_file()
    )
    assert b"$argon2id$" not in holdwatch("audit", *at).encode()
    assert [one for one in secrets if one.encode() in kept] == []


def test_who_became_another_user_by_sudo_is_on_record_by_the_own_name(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "SUDO_USER", "anna")
    holdwatch("screen", "add", "hall", "-c", str(config))
    (entry,) = holdwatch_json("audit", "-c", str(config))
    assert entry["who"] == {"name": "anna", "via": "command line", "address": ""}
