"""A certificate that is renewed over ACME (RFC 8555): a real server, and a real client as command.

Pebble is the ACME server that Let's Encrypt tests clients with; acme-tiny is a small client.
"""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.certificates.renewal import Renewer
from gateway.certificates.request import request
from gateway.listener.authority import Authority, certified_names, pem
from gateway.listener.certificates import server_context
from gateway.settings.listener import ListenerTls
from gateway.settings.renewal import Renewal
from tests.broker import free_port
from tests.e2e.gateway_process import until
from tests.gateway.certificates.company import NOW, Company
from tests.gateway.listener.test_authority import shake

NAME = "gateway.example.org"
PROGRAMS = ("pebble", "acme-tiny")

pytestmark = pytest.mark.skipif(
    any(shutil.which(one) is None for one in PROGRAMS), reason=f"needs {' and '.join(PROGRAMS)}"
)


class Pebble:
    """A running ACME server."""

    def __init__(self, folder: Path) -> None:
        self.port, self.management = free_port(), free_port()
        self.folder = folder
        # Pebble's own HTTPS is of an authority of ours, as step-ca's would be of the company's.
        authority = Authority.make(folder, NOW, "pebble")
        self.own = authority.server(["localhost", "127.0.0.1"], NOW)
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.own.certificate),
            "privateKey": str(self.own.key),
            "httpPort": free_port(),
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.directory = f"https://localhost:{self.port}/dir"
        self.context = ssl.create_default_context(cafile=folder / "authority.pem")

    def root(self) -> str:
        return httpx.get(f"https://localhost:{self.management}/roots/0", verify=self.context).text

    def answers(self) -> bool:
        try:
            return httpx.get(self.directory, verify=self.context).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def pebble(tmp_path: Path) -> Iterator[Pebble]:
    folder = tmp_path / "pebble"
    running = Pebble(folder)
    # It believes that we have the name: who may ask for which is between company and server.
    environment = {"PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_VA_NOSLEEP": "1", "PATH": "/usr/bin"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["pebble", "-config", str(folder / "pebble.json")],
            stdout=log,
            stderr=log,
            env=environment,
        )
        try:
            until(running.answers, "the ACME server answers")
            yield running
        finally:
            process.terminate()
            process.wait(10)


async def test_a_certificate_is_renewed_over_acme(
    tmp_path: Path, pebble: Pebble, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, company = tmp_path / "tls", Company()
    asked = request(folder, [NAME]).request
    (folder / "server.pem").write_bytes(pem(company.sign(asked)))
    account = request(tmp_path / "account", [NAME], as_rsa=True).key
    (tmp_path / "challenges").mkdir()
    (tmp_path / "root.pem").write_text(pebble.root())
    monkeypatch.setenv("SSL_CERT_FILE", str(pebble.folder / "authority.pem"))
    command = (
        *("acme-tiny", "--quiet", "--account-key", str(account), "--csr", "{request}"),
        *("--acme-dir", str(tmp_path / "challenges"), "--disable-check"),
        *("--directory-url", pebble.directory),
    )
    settings = Renewal.model_validate(
        {
            "certificate": folder / "server.pem",
            "key": folder / "server.key",
            "command": command,
            "authority": tmp_path / "root.pem",
            "before": "3650 days",
        }
    )
    key = (folder / "server.key").read_bytes()
    # What the server signs is good from now on.
    assert await Renewer(settings).look(time.time_ns() // 1_000_000) is None
    assert (folder / "server.key").read_bytes() == key
    assert certified_names(folder / "server.pem") == (NAME,)
    client = ssl.create_default_context(cafile=tmp_path / "root.pem")
    shown = ListenerTls(certificate=folder / "server.pem", key=folder / "server.key")
    shake(client, server_context(shown), NAME)
