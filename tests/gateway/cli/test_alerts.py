"""`holdwatch alert`, as a person types it while no gateway runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.people.acts import VERBS
from gateway.state import State
from rules.duration import MINUTE
from tests.e2e.gateway_process import holdwatch, holdwatch_json
from tests.gateway.asked import SETTINGS, alarm, recorded


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a gateway with one open alert, a1."""
    data = tmp_path / "data"
    data.mkdir()
    state = State(data / "state.db")
    asyncio.run(recorded(state, alarm("a1")))
    state.close()
    file = tmp_path / "holdwatch.toml"
    file.write_text(SETTINGS.format(folder=data), encoding="utf-8")
    return file


def typed(settings: Path, *words: str) -> Any:  # noqa: ANN401 - whatever is answered
    return holdwatch_json("alert", *words, "-c", str(settings))


@pytest.mark.parametrize("verb", ["acknowledge", "note"])
def test_what_is_typed_is_recorded(settings: Path, verb: str) -> None:
    answer = typed(settings, verb, "a1", "--reason", "On my way")
    assert (answer["alert"], answer["reason"]) == ("a1", "On my way")
    assert VERBS[answer["kind"]] == verb


def test_an_alert_is_muted_for_as_long_as_is_said_and_unmuted(settings: Path) -> None:
    answer = typed(settings, "mute", "a1", "--reason", "loading", "--for", "90 min")
    assert answer["until"] - answer["at"] == 90 * MINUTE
    assert typed(settings, "unmute", "a1", "--reason", "done")["kind"] == "unmuted"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["acknowledge", "a2", "--reason", "so"], "there is no alert a2"),
        (["mute", "a1", "--reason", "so", "--for", "90"], "--for: '90' lacks a unit"),
        (["mute", "a1", "--reason", "so", "--for", "2 days"], "cannot be muted for 2 days"),
        (["assign", "a1", "--reason", "so", "--to", "ben"], "there is no person ben"),
        (["note", "a1", "--reason", " "], "there is no note"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    settings: Path, words: list[str], told: str
) -> None:
    said = holdwatch("alert", *words, "-c", str(settings), code=1)
    assert told in " ".join(said.split())
