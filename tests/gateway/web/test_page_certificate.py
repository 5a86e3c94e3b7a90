"""A certificate that is renewed, by whatever tool, is shown by the page without a restart."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateway.certificates.accepting import Place, accept
from gateway.certificates.request import request
from gateway.listener.authority import Authority, certified_names, pem
from gateway.listener.renewing import LIFE, Renewing
from gateway.settings.web import WebTls
from gateway.web.shown import Shown
from tests.gateway.certificates.company import Company
from tests.gateway.listener.test_authority import shake
from tests.gateway.web.running import RunningPage, until

NOW = datetime.now(UTC).replace(microsecond=0)
END = "-----END CERTIFICATE-----\n"


def signed(folder: Path, company: Company, days: int, *, new_key: bool = False) -> bytes:
    """Have the company sign a certificate, and take it in; return it."""
    asked = request(folder, ["localhost"], new_key=new_key).request
    one = company.sign(asked, ends=NOW + timedelta(days=days))
    content = [(pem(one), "server"), (company.chain(), "chain")]
    accept(Place.of(folder), content, names=["localhost"], roots=(), now=NOW)
    return ssl.PEM_cert_to_DER_cert(pem(one).decode())


def client_of(company: Company) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pem(company.root).decode())


@pytest.mark.parametrize("new_key", [False, True])
def test_the_page_shows_the_new_one_to_whoever_connects_next(
    tmp_path: Path,
    new_key: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    company = Company()
    first = signed(tmp_path, company, 100)
    page = Shown(WebTls(certificate=tmp_path / "server.pem", key=tmp_path / "server.key"))
    standing, _ = shake(client_of(company), page.context)
    assert standing.getpeercert(binary_form=True) == first
    second = signed(tmp_path, company, 200, new_key=new_key)
    assert page._certificate.look(None) is None
    for name in ("localhost", "192.0.2.7"):  # of an address nobody tells a server
        client = client_of(company)
        client.check_hostname = name == "localhost"
        with_name, _ = shake(client, page.context, name)
        assert with_name.getpeercert(binary_form=True) == second
    assert standing.getpeercert(binary_form=True) == first


class TlsPage(RunningPage):
    """A page that speaks TLS."""

    context: ssl.SSLContext

    def _joined(self) -> bool:
        try:
            return bool(self.shown())
        except OSError:
            return False

    def shown(self) -> bytes:
        """Return the certificate that whoever connects now is shown."""
        with (
            socket.create_connection(("127.0.0.1", self.web), timeout=5) as plain,
            self.context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            return connection.getpeercert(binary_form=True) or b""


def test_a_running_page_takes_up_what_another_tool_has_renewed(tmp_path: Path) -> None:
    company, folder = Company(), tmp_path / "tls"
    first = signed(folder, company, 100)
    tls = f'tls = {{ certificate = "{folder}/server.pem", key = "{folder}/server.key" }}'
    page = TlsPage(tmp_path, more_web=tls)
    page.context = client_of(company)
    with page:
        assert page.shown() == first
        url = f"https://localhost:{page.web}"
        with httpx.Client(base_url=url, verify=page.context) as client:
            assert client.get("/login").status_code == 200
            second = signed(folder, company, 200, new_key=True)
            until(lambda: page.shown() == second, "the page shows the new certificate")
            # The connection of before stands, and goes on.
            assert client.get("/login").status_code == 200
        assert page.status()["alerts"] == []


def test_a_running_gateway_renews_its_own_certificate_and_shows_it(tmp_path: Path) -> None:
    """An authority of our own, whose key is elsewhere, and a certificate that is due."""
    folder = tmp_path / "tls"
    authority = Authority.make(folder, NOW, "dock", below=True)
    names = ["localhost", "gateway.example.org"]
    made = Renewing.make(authority, names, NOW)
    made.server(names, NOW - LIFE + timedelta(days=10))
    (folder / "authority.key").unlink()
    due = ssl.PEM_cert_to_DER_cert((folder / "server.pem").read_text().split("-----END")[0] + END)
    files = f'certificate = "{folder}/server.pem"\nkey = "{folder}/server.key"\n'
    tls = f"tls = {{ {files.strip().replace(chr(10), ', ')} }}\n\n[renewal]\n{files}"
    page = TlsPage(tmp_path, more_web=tls)
    page.context = ssl.create_default_context(cafile=folder / "authority.pem")
    with page:
        shown = until(lambda: page.shown() != due and page.shown(), "the page shows a new one")
        assert shown != due
        assert set(names) <= set(certified_names(folder / "server.pem"))
        assert page.status()["alerts"] == []
