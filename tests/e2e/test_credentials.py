"""`holdwatch device`: a credential is made, used once in print, and ended, gateway or none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH, holdwatch, holdwatch_json

SETTINGS = """\
[gateway]
box = "here"
data = "data"

[[listeners]]
port = 1884
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "holdwatch.toml"
    file.write_text(SETTINGS)
    return file


def test_a_token_is_printed_once_and_kept_nowhere(config: Path) -> None:
    done = subprocess.run(
        [*HOLDWATCH, "device", "add", "fridge-1", "-c", str(config)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=True,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    (token,) = [line[1] for line in lines if line[:1] == ["password"]]
    assert len(bytes.fromhex(token)) == 16
    assert f"-u fridge-1 -P {token}" in done.stdout
    assert token not in done.stderr
    assert token not in holdwatch("device", "credentials", "-c", str(config))
    assert token not in holdwatch("device", "credentials", "--json", "-c", str(config))
    files = [one for one in (config.parent / "data").iterdir() if one.is_file()]
    assert "state.db" in {one.name for one in files}
    for one in files:
        content = one.read_bytes()
        assert token.encode() not in content, one
        assert bytes.fromhex(token) not in content, one


def test_a_name_is_taken_until_it_is_revoked_and_then_gets_another_token(config: Path) -> None:
    def add() -> str:
        return str(holdwatch_json("device", "add", "gate", *patterns, "-c", str(config))["token"])

    patterns = ("--may-speak-for", "fridge-*", "--may-speak-for", "door-1", "--may-see", "*")
    first = add()
    refused = holdwatch("device", "add", "gate", "-c", str(config), code=1)
    assert "gate is there already" in refused
    assert "holdwatch device revoke gate" in refused
    assert "is revoked" in holdwatch("device", "revoke", "gate", "-c", str(config))
    assert "is revoked already" in holdwatch("device", "revoke", "gate", "-c", str(config), code=1)
    assert add() != first
    (listed,) = holdwatch_json("device", "credentials", "-c", str(config))["credentials"]
    assert listed["speaks_for"] == ["fridge-*", "door-1"]
    assert listed["sees"] == ["*"]
    assert listed["revoked"] is None
    change = ("device", "change", "gate", "-c", str(config), "--may-speak-for", "door-2")
    assert "gate may speak for door-2." in holdwatch(*change, "--may-see", "")
    assert "such as" not in holdwatch(*change)
    (listed,) = holdwatch_json("device", "credentials", "-c", str(config))["credentials"]
    assert (listed["speaks_for"], listed["sees"]) == (["door-2"], [])


def test_what_cannot_be_is_refused_with_a_cure(config: Path) -> None:
    told = holdwatch("device", "credentials", "-c", str(config), code=1)
    assert "Begin with: holdwatch run" in told
    told = holdwatch("device", "add", "Küche 1", "-c", str(config), code=1)
    assert "such as k-che-1" in told
    told = holdwatch("device", "add", "a", "--may-speak-for", "x/#", "-c", str(config), code=1)
    assert "'x/#' matches no device id" in told
    assert "ever heard or refused" in holdwatch("device", "confirm", "fridge-9", "-c", str(config))
    undo = ("device", "confirm", "--undo", "fridge-9", "-c", str(config))
    assert "as if it had never been named" in holdwatch(*undo)
    assert "fridge-9 is not confirmed" in holdwatch(*undo, code=1)
