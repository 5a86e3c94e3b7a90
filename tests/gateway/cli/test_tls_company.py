"""`holdwatch tls request`, `accept`, `renew` and `init --renewing`, as somebody types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.tls import tls_app
from gateway.listener.authority import certified_names, pem
from gateway.settings import parse
from tests.gateway.certificates.company import Company


def typed(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(tls_app, words)
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def test_from_request_to_certificate(tmp_path: Path) -> None:
    folder, company = tmp_path / "tls", Company()
    told = typed("request", "quay.example.org", "--folder", str(folder))
    assert f"Made a key, {folder}/server.key" in told
    assert "quay.example.org, " in told
    asked = folder / "server.request.pem"
    (tmp_path / "signed.pem").write_bytes(pem(company.sign(asked)))
    (tmp_path / "chain.pem").write_bytes(company.chain())
    accept = ("accept", str(tmp_path / "signed.pem"), "--folder", str(folder))
    assert "“Example Issuing”. Ask your company" in typed(*accept, code=1)
    told = typed(*accept, "--chain", str(tmp_path / "chain.pem"))
    assert "Took in the certificate of quay.example.org, signed by CN=Example Issuing" in told
    assert "must trust CN=Example Root" in told
    assert "Took the key that is there" in typed("request", "--folder", str(folder))
    assert certified_names(folder / "server.pem")[0] == "quay.example.org"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("accept", "{folder}/none.pem"), "There is no request in {folder}. Begin with"),
        (("request", "Küche 1"), "is neither a host name nor an address"),
    ],
)
def test_what_cannot_be_is_refused_with_a_cure(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    given = [one.format(folder=tmp_path) for one in words]
    assert said.format(folder=tmp_path) in typed(*given, "--folder", str(tmp_path), code=1)
    assert list(tmp_path.iterdir()) == []


def test_what_renews_is_made_once_and_then_needs_no_authority(tmp_path: Path) -> None:
    told = typed("init", "--renewing", "--folder", str(tmp_path / "tls"))
    assert "renewing.key Secret, stays here: it signs this gateway's certificates" in told
    (tmp_path / "tls" / "authority.key").unlink()
    settings = tmp_path / "holdwatch.toml"
    text = '[renewal]\ncertificate = "tls/server.pem"\nkey = "tls/server.key"\n'
    settings.write_text(text)
    before = (tmp_path / "tls" / "server.pem").read_bytes()
    assert "Renewed " in typed("renew", "-c", str(settings))
    assert (tmp_path / "tls" / "server.pem").read_bytes() != before
    (tmp_path / "tls" / "renewing.pem").unlink()
    refused = typed("renew", "-c", str(settings), code=1)
    assert "renewing.pem is not there" in refused
    assert "The old certificate stays." in refused
    settings.write_text("")
    assert "There is no [renewal] in the settings" in typed("renew", "-c", str(settings), code=1)
    assert parse(text, folder=tmp_path).renewal is not None
