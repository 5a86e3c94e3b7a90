"""What renews on the gateway: devices trust what it signs for the gateway, and nothing else."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.listener.authority import (
    Authority,
    AuthorityError,
    Signer,
    certified_names,
    issue,
    name_of,
    pem,
)
from gateway.listener.certificates import server_context
from gateway.listener.renewing import LIFE, Renewing
from gateway.settings.listener import ListenerTls
from tests.gateway.listener.test_authority import NOW, shake, showing, strict, tls

NAMES = ("gateway.example.org", "localhost", "192.0.2.7", "::1")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority.make(tmp_path_factory.mktemp("ours"), NOW, "roof-pi", below=True)
    Renewing.make(authority, NAMES, NOW).server(NAMES, NOW)
    authority.client("reefer-1", NOW)
    return authority


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_trusts_the_authority_trusts_what_renews(
    host: str, version: ssl.TLSVersion, ours: Authority
) -> None:
    client = strict(ours)
    client.maximum_version = version
    shake(client, server_context(tls(ours)), host)


def test_it_renews_without_the_authoritys_key_years_later(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path, NOW, "roof-pi", below=True)
    Renewing.make(authority, NAMES, NOW)
    (tmp_path / "authority.key").unlink()
    for years in (0, 2, 4, 6, 8):
        moment = NOW + timedelta(days=365 * years)
        issued = Renewing.open(tmp_path, moment).server(NAMES, moment)
        assert issued.until == min(moment + LIFE, authority.until)
    with pytest.raises(AuthorityError, match="ended on"):
        Renewing.open(tmp_path, authority.until)


def test_apple_devices_take_what_it_signs() -> None:
    """See support.apple.com/en-us/103769: at most 825 days."""
    assert LIFE + timedelta(days=1) <= timedelta(days=825)


def test_addresses_of_private_networks_may_be_added_and_others_are_left_out(
    ours: Authority,
) -> None:
    wanted = (*NAMES, "192.168.7.9", "10.1.2.3", "fd00::7", "sub.gateway.example.org")
    Renewing.open(ours.folder, NOW).server((*wanted, "198.51.100.7", "shop.example"), NOW)
    assert certified_names(ours.folder / "server.pem") == wanted
    for name in wanted:
        shake(strict(ours), server_context(tls(ours)), name)
    with pytest.raises(AuthorityError, match=r"may sign none of 198\.51\.100\.7"):
        Renewing.open(ours.folder, NOW).server(["198.51.100.7"], NOW)


def stolen(ours: Authority, folder: Path, name: str, purpose: x509.ObjectIdentifier) -> Path:
    """What a thief of the gateway's key signs."""
    renewing = Renewing.open(ours.folder, NOW)
    signer = Signer(renewing._certificate, renewing._key, pem(renewing._certificate))
    return issue(signer, folder / "thief", name_of(name), [name], purpose, NOW, renewing.until)[0]


def test_a_thief_cannot_pass_for_another_server(ours: Authority, tmp_path: Path) -> None:
    file = stolen(ours, tmp_path, "bank.example", ExtendedKeyUsageOID.SERVER_AUTH)
    context = server_context(ListenerTls(certificate=file, key=file.with_suffix(".key")))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake(strict(ours), context, "bank.example")


def test_a_thief_cannot_pass_for_a_device(ours: Authority, tmp_path: Path) -> None:
    stolen(ours, tmp_path, "reefer-1", ExtendedKeyUsageOID.CLIENT_AUTH)
    client = strict(ours)
    client.load_cert_chain(tmp_path / "thief.pem", tmp_path / "thief.key")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake(client, server_context(tls(ours, "must")))
    shake(showing(strict(ours), ours, "clients/reefer-1"), server_context(tls(ours, "must")))


def test_a_thief_cannot_make_authorities(ours: Authority) -> None:
    limits = Renewing.open(ours.folder, NOW)._certificate.extensions
    assert limits.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_an_authority_that_signs_certificates_alone_says_so(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path, NOW, "roof-pi")
    with pytest.raises(AuthorityError, match="was made to sign certificates alone"):
        Renewing.make(authority, NAMES, NOW)
    with pytest.raises(AuthorityError, match=r"renewing\.pem is not there"):
        Renewing.open(tmp_path, NOW)


def test_a_key_of_another_is_refused(tmp_path: Path) -> None:
    Renewing.make(Authority.make(tmp_path, NOW, "roof-pi", below=True), NAMES, NOW)
    other = Authority.make(tmp_path / "other", NOW, "other", below=True)
    Renewing.make(other, NAMES, NOW)
    (tmp_path / "renewing.key").write_bytes((other.folder / "renewing.key").read_bytes())
    with pytest.raises(AuthorityError, match="does not belong to"):
        Renewing.open(tmp_path, NOW)
