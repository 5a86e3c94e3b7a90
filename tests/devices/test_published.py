"""Decoders, held against what others have published: every example of every file."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.errors import DecodeError
from devices.models import CATALOGUE
from tests.devices.published import PUBLISHED, Published, channels, examples

MODELS = {model.id: model for model in CATALOGUE}


@pytest.mark.parametrize("model", PUBLISHED)
def test_a_decoder_reads_what_others_have_published(model: str, vectors: Path) -> None:
    published = PUBLISHED[model]
    read = 0
    for example in examples(vectors, published):
        if example.text in published.differs:
            continue
        if example.errors:
            with pytest.raises(DecodeError):
                MODELS[model].decode(example.data, example.port)
            continue
        samples = MODELS[model].decode(example.data, example.port)
        found = samples[-1].channels if samples else {}
        found = {name: value for name, value in found.items() if name not in published.more}
        expected = channels(example.output, published)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6), example.text
        read += bool(expected)
    assert read, "not one example was compared"


def test_a_name_that_nobody_has_looked_at_is_found() -> None:
    published = Published((), {"TempC": ("temperature", 0.1)}, frozenset({"Mode"}))
    assert channels({"TempC": 43, "Mode": 1}, published) == {"temperature": pytest.approx(4.3)}
    with pytest.raises(KeyError, match="Hum"):
        channels({"Hum": 60}, published)
