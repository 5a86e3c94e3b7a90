"""What a company's authority signed: taken in where clients would take it, refused with a word."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import ValidationError

from gateway.certificates.accepting import Accepted, Place, accept
from gateway.certificates.request import read_any_key, request
from gateway.listener.authority import AuthorityError, certified_names, pem
from gateway.listener.certificates import server_context
from gateway.settings.listener import ListenerTls
from tests.gateway.certificates.company import NOW, Company
from tests.gateway.listener.test_authority import shake

NAMES = ("gateway.example.org", "localhost", "192.0.2.7", "::1")


@pytest.fixture(scope="module")
def company() -> Company:
    return Company()


def take(folder: Path, *content: bytes, fewer: bool = False) -> Accepted:
    given = [(one, f"file {number}") for number, one in enumerate(content)]
    return accept(Place.of(folder), given, names=NAMES, roots=(), now=NOW, fewer=fewer)


def client_of(company: Company) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pem(company.root).decode())


def shown(folder: Path) -> ssl.SSLContext:
    return server_context(ListenerTls(certificate=folder / "server.pem", key=folder / "server.key"))


def files(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_a_request_asks_for_a_server_with_all_its_names(tmp_path: Path) -> None:
    made = request(tmp_path, NAMES)
    asked = x509.load_pem_x509_csr(made.request.read_bytes())
    assert asked.is_signature_valid
    names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in names] == list(NAMES)
    purposes = asked.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert asked.public_key() == read_any_key(made.key).public_key()


def test_a_second_request_keeps_the_key_and_a_new_key_waits_beside_it(tmp_path: Path) -> None:
    first = request(tmp_path, NAMES).key.read_bytes()
    assert request(tmp_path, NAMES).key.read_bytes() == first
    new = request(tmp_path, NAMES, new_key=True, as_rsa=True)
    assert isinstance(read_any_key(new.key), rsa.RSAPrivateKey)
    assert (tmp_path / "server.key").read_bytes() == first
    # Whoever signs the request that was handed in first must find its key.
    assert request(tmp_path, NAMES, new_key=True).key.read_bytes() == new.key.read_bytes()


@pytest.mark.parametrize(
    "packed",
    [
        lambda one, above: (pem(one), above),
        lambda one, above: (above + pem(one),),
        lambda one, above: (one.public_bytes(Encoding.DER), above),
        lambda one, above: (
            pkcs7.serialize_certificates(
                [*x509.load_pem_x509_certificates(above), one], Encoding.DER
            ),
        ),
        lambda one, above: (
            pkcs7.serialize_certificates(
                [one, *x509.load_pem_x509_certificates(above)], Encoding.PEM
            ),
        ),
    ],
    ids=["two files", "one file", "DER", "PKCS #7", "PKCS #7 in PEM"],
)
def test_what_the_company_sends_is_read_and_put_into_order(
    tmp_path: Path, company: Company, packed: Callable[[x509.Certificate, bytes], tuple[bytes, ...]]
) -> None:
    one = company.sign(request(tmp_path, NAMES).request)
    accepted = take(tmp_path, *packed(one, company.chain()))
    assert not accepted.new_key
    there = x509.load_pem_x509_certificates((tmp_path / "server.pem").read_bytes())
    assert there == [one, company.issuing]  # the root is for those who trust it
    for name in NAMES:
        shake(client_of(company), shown(tmp_path), name)


def test_a_new_key_takes_its_place_with_its_certificate(tmp_path: Path, company: Company) -> None:
    take(tmp_path, pem(company.sign(request(tmp_path, NAMES).request)), company.chain())
    before = files(tmp_path)
    made = request(tmp_path, NAMES, new_key=True)
    assert files(tmp_path)["server.key"] == before["server.key"]
    new = made.key.read_bytes()
    assert take(tmp_path, pem(company.sign(made.request)), company.chain()).new_key
    after = files(tmp_path)
    assert after["server.key"] == new
    assert set(after) == {"server.key", "server.pem", "server.request.pem"}
    shake(client_of(company), shown(tmp_path))


def test_a_power_cut_between_key_and_certificate_is_mended_by_the_same_command(
    tmp_path: Path, company: Company
) -> None:
    take(tmp_path, pem(company.sign(request(tmp_path, NAMES).request)), company.chain())
    made = request(tmp_path, NAMES, new_key=True)
    signed = pem(company.sign(made.request))
    made.key.rename(tmp_path / "server.key")
    with pytest.raises(ValidationError, match="does not belong to the certificate"):
        shown(tmp_path)
    take(tmp_path, signed, company.chain())
    shake(client_of(company), shown(tmp_path))


def other_key(company: Company, _asked: Path) -> tuple[bytes, ...]:
    key = ec.generate_private_key(ec.SECP256R1())
    foreign = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(company.root.subject)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    return pem(company.sign(foreign.sign(key, SHA256()))), (company.chain())


REFUSED: dict[str, tuple[Callable[[Company, Path], tuple[bytes, ...]], str]] = {
    "for another key": (other_key, "None of these certificates is for the key"),
    "no chain": (lambda c, a: (pem(c.sign(a)),), "“Example Issuing”. Ask your company"),
    "no root": (
        lambda c, a: (pem(c.sign(a)), pem(c.issuing)),
        "Who signed “Example Issuing” is not among these files: “Example Root”",
    ),
    "a chain that calls itself the same": (
        lambda c, a: (pem(c.sign(a)), Company().chain()),
        "is not among these files",
    ),
    "ended": (
        lambda c, a: (pem(c.sign(a, ends=NOW - timedelta(days=1))), c.chain()),
        "“gateway.example.org” ended on",
    ),
    "not yet": (
        lambda c, a: (pem(c.sign(a, begins=NOW + timedelta(days=1))), c.chain()),
        "is good from",
    ),
    "for clients": (
        lambda c, a: (pem(c.sign(a, purposes=[ExtendedKeyUsageOID.CLIENT_AUTH])), c.chain()),
        "is not for a server",
    ),
    "an authority's": (lambda c, a: (pem(c.sign(a, ca=True)), c.chain()), "is an authority's"),
    "without names": (lambda c, a: (pem(c.sign(a, names=[])), c.chain()), "names no host"),
    "of another host": (
        lambda c, a: (pem(c.sign(a, names=["other.example.org"])), c.chain()),
        "lacks gateway.example.org, localhost, 192.0.2.7, ::1; it has other.example.org",
    ),
    "of one name less": (
        lambda c, a: (pem(c.sign(a, names=["*.example.org", "localhost"])), c.chain()),
        "lacks 192.0.2.7, ::1",
    ),
    "the request": (lambda _, a: (a.read_bytes(),), "file 0 is the request itself"),
    "the key": (
        lambda _, a: (a.with_name("server.key").read_bytes(),),
        "file 0 holds a private key",
    ),
    "a letter": (lambda *_: (b"Dear colleague,",), "file 0 holds no certificate"),
    "nothing": (lambda *_: (b"",), "file 0 holds no certificate"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_clients_would_refuse_is_refused_and_changes_nothing(
    tmp_path: Path, company: Company, case: str
) -> None:
    asked = request(tmp_path, NAMES).request
    take(tmp_path, pem(company.sign(asked)), company.chain())
    before = files(tmp_path)
    given, said = REFUSED[case]
    with pytest.raises(AuthorityError, match=re.escape(said)):
        take(tmp_path, *given(company, asked))
    assert files(tmp_path) == before


def test_fewer_names_are_taken_where_that_is_said_but_not_none(
    tmp_path: Path, company: Company
) -> None:
    asked = request(tmp_path, NAMES).request
    fewer = pem(company.sign(asked, names=["*.example.org", "localhost"]))
    take(tmp_path, fewer, company.chain(), fewer=True)
    assert certified_names(tmp_path / "server.pem") == ("*.example.org", "localhost")
    none = pem(company.sign(asked, names=["a.b.example.org"]))
    with pytest.raises(AuthorityError, match="lacks"):
        take(tmp_path, none, company.chain(), fewer=True)


def test_an_authority_that_may_sign_no_such_name_is_found_by_trying(tmp_path: Path) -> None:
    """OpenSSL knows rules of which we check none ourselves, such as name constraints."""
    asked = request(tmp_path, NAMES).request
    narrow = Company()
    narrow.issuing = (
        x509.CertificateBuilder()
        .subject_name(narrow.issuing.subject)
        .issuer_name(narrow.root.subject)
        .public_key(narrow.key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.NameConstraints([x509.DNSName("elsewhere.example")], None), critical=True
        )
        .sign(narrow.root_key, SHA256())
    )
    with pytest.raises(AuthorityError, match=r"Clients would refuse .*permitted subtree"):
        take(tmp_path, pem(narrow.sign(asked)), narrow.chain())
    assert not (tmp_path / "server.pem").exists()


def test_without_a_key_there_is_a_word_about_it(tmp_path: Path, company: Company) -> None:
    with pytest.raises(AuthorityError, match=r"There is no key in .* holdwatch tls request"):
        take(tmp_path, company.chain())
