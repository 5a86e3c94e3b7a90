"""What [codecs] says, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings.codecs import Codecs


def section(text: str = "{}", folder: Path = Path("/etc/holdwatch")) -> Codecs:
    return Codecs.model_validate_json(text, strict=True, context={"folder": folder})


def test_a_folder_beside_the_settings_is_enough() -> None:
    found = section()
    assert found.folder is None
    assert found.place(Path("/etc/holdwatch")) == Path("/etc/holdwatch/codecs")
    assert found.place(None) is None
    assert (found.memory, found.time) == (16_000_000, 250)


def test_a_folder_that_is_named_counts_from_the_settings() -> None:
    found = section('{"folder": "mine", "memory": "32 MB", "time": "1 s"}')
    assert found.folder == found.place(Path("/elsewhere")) == Path("/etc/holdwatch/mine")
    assert (found.memory, found.time) == (32_000_000, 1000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"memory": "1 MB"}', "a codec cannot work with 1 MB"),
        ('{"memory": "1 GB"}', "taken from the gateway"),
        ('{"time": "1 ms"}', "cannot start in that time"),
        ('{"time": "1 min"}', "all other codecs wait so long"),
        ('{"folders": "x"}', "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        section(text)
