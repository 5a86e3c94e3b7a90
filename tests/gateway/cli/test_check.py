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


TOLD = """\
[[channels]]
name = "duty"
kind = "webhook"
url = "https://example.org/secret-path"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

[[routes]]
name = "grave"
severity = "critical"

[backup]
folder = "usb"

[web]
[web.oidc]
issuer = "https://login.example.org"
page = "http://127.0.0.1:8470"
client_id = "holdwatch"
client_secret_file = "secret"
roles = { "cold-chain" = "operator" }
role = "viewer"
"""


def test_who_is_told_who_signs_in_and_where_backups_go_is_said(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    (tmp_path / "usb").mkdir()
    (tmp_path / "secret").write_text("x")
    settings.write_text(TOLD, encoding="utf-8")
    output = holdwatch("check", "--offline", "-c", str(settings))
    assert "Channel duty: web service at example.org\n" in output
    assert "Route grave: Critical alerts: duty at once." in output
    assert f"Backups go to {tmp_path / 'usb'}, not encrypted." in output
    assert (
        "People sign in at https://login.example.org with its secret: cold-chain is operator, "
        "everybody else is viewer."
    ) in output
    assert "secret-path" not in output
    settings.write_text("", encoding="utf-8")
    output = holdwatch("check", "--offline", "-c", str(settings))
    assert "there are no [[channels]]" in output
    assert "there is no [backup]" in output


def test_all_mistakes_of_signing_in_are_told_at_once(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    settings.write_text(TOLD.replace("https://login", "login"), encoding="utf-8")
    (tmp_path / "usb").mkdir()
    told = holdwatch("check", "--offline", "-c", str(settings), code=3)
    assert "web.oidc.issuer: it is no address" in told
    assert "web.oidc.client_secret_file: cannot read" in told


def test_status_names_the_last_backup_though_no_gateway_runs(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    folder = tmp_path / "usb"
    folder.mkdir()
    settings.write_text(
        f'[gateway]\nbox = "dock"\ndata = "data"\n[backup]\nfolder = "{folder}"\n', encoding="utf-8"
    )
    holdwatch("backup", "-c", str(settings))
    told = holdwatch("status", "-c", str(settings))
    assert "backup: last made 2" in told
    assert "never" not in told
