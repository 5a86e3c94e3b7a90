"""`holdwatch check`: what it finds without a gateway."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.gateway_process import holdwatch

CODECS = {
    "good.js": "function decodeUplink(input) { return { data: { temperature: input.bytes[0] } }; }",
    "strict.js": "function decodeUplink(input) { throw new Error('too few bytes'); }",
    "torn.js": "function decodeUplink(input { return {}; }",
    "other.js": "function somethingElse() { return {}; }",
}


def test_a_codec_that_is_no_program_is_told_and_one_that_refuses_an_empty_message_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "codecs").mkdir()
    for name, source in CODECS.items():
        (tmp_path / "codecs" / name).write_text(source, encoding="utf-8")
    settings = tmp_path / "holdwatch.toml"
    settings.write_text("", encoding="utf-8")
    output = holdwatch("check", "--offline", "-c", str(settings))
    told = [line for line in output.splitlines() if line.startswith("! the codec")]
    assert [line.split()[3] for line in told] == ["other", "torn"]
    assert "SyntaxError" in told[1]
    assert "(line 1). Get the file anew" in told[1]
