"""docs/codecs.md is held to the code."""

from __future__ import annotations

import re
from pathlib import Path

from devices.envelopes.codec_output import samples
from gateway.codecs import answers
from gateway.codecs.folder import Beside, CodecFolder
from gateway.settings.codecs import Codecs
from tests.gateway.codecs.conftest import MakeHost
from tests.gateway.codecs.running import GOOD, call

GUIDE = (Path(__file__).parents[3] / "docs/codecs.md").read_text(encoding="utf-8")


def test_the_guide_names_every_key_and_every_reason() -> None:
    keys = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))
    assert keys == set(Beside.model_fields)
    unnamed = {"codecs-unavailable"}  # no fault of a codec
    named = set(re.findall(r"\| `([a-z]+(?:-[a-z]+)+)`", GUIDE))
    assert named == {"codec-error", *answers._REASONS} - unnamed


def test_the_guide_tells_the_limits_as_they_are() -> None:
    limits = Codecs()
    assert f"more than {limits.time} ms" in GUIDE
    assert f"more than {limits.memory // 10**6} MB" in GUIDE


async def test_the_guides_declarations_can_be_used(host_of: MakeHost, tmp_path: Path) -> None:
    source = """
        function decodeUplink(input) {
          return { data: { t_chamber: 41, probes: [{ value: -20 }] } };
        }"""
    host = host_of(acme_th1=source)
    first, second = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    for text in (re.sub("^   ", "", first, flags=re.MULTILINE), second):
        (tmp_path / "acme-th1.toml").write_text(text, encoding="utf-8")
        folder = CodecFolder(tmp_path)
        assert folder.problems == []
        assert folder.codecs["acme-th1"].profiles == ("ACME TH1",)
    (answer,) = await host.run([call("acme-th1")])
    table = CodecFolder(tmp_path).codecs["acme-th1"].table
    (sample,) = samples(answer, table, "acme-th1")  # type: ignore[arg-type] # an Output, or it fails
    assert sample.channels == {"temperature": 5.0, "temperature.external": -20.0}


def test_a_file_that_is_called_like_its_profile_needs_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "acme-th1.js").write_text(GOOD)
    assert CodecFolder(tmp_path).problems == []
