"""What a company's authority hands out, read and put into order: ours first, then who signed it.

Companies send PEM, DER (.cer, .crt) and PKCS #7 (.p7b), in any order, with and without the root.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.listener.authority import AuthorityError

LONGEST_CHAIN = 8
CLOCKS = timedelta(minutes=10)
"""By so much the clock of an authority may be ahead of ours."""
READERS = (
    x509.load_pem_x509_certificates,
    lambda content: [x509.load_der_x509_certificate(content)],
    pkcs7.load_pem_pkcs7_certificates,
    pkcs7.load_der_pkcs7_certificates,
)


class Chain(NamedTuple):
    """A certificate and those that lead to its authority."""

    certificate: x509.Certificate
    between: tuple[x509.Certificate, ...]
    """Those between it and the root, from below."""
    root: x509.Certificate


def certificates_in(content: bytes, what: str) -> list[x509.Certificate]:
    """Return all certificates of a file's content. AuthorityError if it holds none."""
    for read in READERS:
        with suppress(ValueError, UnsupportedAlgorithm), warnings.catch_warnings():
            # Those of old authorities, such as a serial number of 0: they are not ours to mend.
            warnings.simplefilter("ignore")
            if found := read(content):
                return list(found)
    if b"PRIVATE KEY-----" in content:
        raise AuthorityError(f"{what} holds a private key, and no certificate. Give the other file")
    if b"CERTIFICATE REQUEST-----" in content:
        raise AuthorityError(
            f"{what} is the request itself. Hand it to your company's authority, and give here "
            "what comes back"
        )
    raise AuthorityError(
        f"{what} holds no certificate. Ask for it in PEM form (-----BEGIN CERTIFICATE-----); DER "
        "and PKCS #7 (.p7b) are read too"
    )


def system_roots() -> list[x509.Certificate]:
    """Return the authorities that this system trusts, so far as they can be read."""
    found = []
    for one in ssl.create_default_context().get_ca_certs(binary_form=True):
        with suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as above
            found.append(x509.load_der_x509_certificate(one))
    return found


def chain_of(
    key: PublicKeyTypes,
    found: Sequence[x509.Certificate],
    roots: Iterable[x509.Certificate],
) -> Chain:
    """Put what was found into order: the certificate of this key, and who signed it, to the root.

    What does not belong there is left out. AuthorityError if one is missing.
    """
    own = [one for one in found if one.public_key() == key]
    if not own:
        raise AuthorityError(
            "None of these certificates is for the key in this folder. It was made for another "
            "request: hand in the request that lies here now, or make one with holdwatch tls "
            "request"
        )
    # Of several, such as an old one in the same file, the newest.
    certificate = max(own, key=lambda one: one.not_valid_before_utc)
    between: list[x509.Certificate] = []
    here, known = certificate, [*found, *roots]
    while not _signed(here, by=here):
        above = [one for one in known if one != here and _signed(here, by=one)]
        if not above or len(between) > LONGEST_CHAIN:
            raise AuthorityError(
                f"Who signed {_called(here.subject)} is not among these files: "
                f"{_called(here.issuer)}. Ask your company for that certificate (the chain), and "
                "give it as --chain"
            )
        # An authority may have been signed again: the one that lasts longest.
        here = max(above, key=lambda one: one.not_valid_after_utc)
        between.append(here)
    if here is certificate:
        raise AuthorityError(
            "This certificate is signed by its own key, and by no authority: nobody would trust "
            "it. Hand server.request.pem to your company's authority"
        )
    return Chain(certificate, tuple(between[:-1]), here)


def check(chain: Chain, names: Iterable[str], now: datetime, *, fewer: bool = False) -> None:
    """Raise AuthorityError where clients would refuse a certificate, and say what to ask for.

    `names` are those that it must have; `fewer`: one of them is enough.
    """
    certificate = chain.certificate
    for one in (certificate, *chain.between, chain.root):
        _check_dates(one, now)
    for one in (*chain.between, chain.root):
        _check_signs(one)
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    good = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and not good & set(purposes):
        raise AuthorityError(
            "This certificate is not for a server. Ask for one with the purpose “server "
            "authentication” (1.3.6.1.5.5.7.3.1)"
        )
    limits = _extension(certificate, x509.BasicConstraints)
    if limits is not None and limits.ca:
        raise AuthorityError(
            "This certificate is an authority's. Ask for one of a server (CA: false)"
        )
    there = names_in(certificate)
    if not there:
        raise AuthorityError(
            "This certificate names no host (it has no subject alternative name), and nobody looks "
            "at the common name any more. Ask for one with all names of the request"
        )
    wanted = list(names)
    missing = [name for name in wanted if not any(_fits(name, one) for one in there)]
    if missing and (not fewer or len(missing) == len(wanted)):
        raise AuthorityError(
            f"This certificate lacks {', '.join(missing)}; it has {', '.join(there)}. Whoever "
            "connects by a name that it lacks will refuse it. Ask for one with all names of the "
            "request" + ("" if fewer else ", or take it as it is: --fewer-names")
        )


def check_trusted(chain: Chain, trusted: Collection[x509.Certificate]) -> None:
    """Raise AuthorityError unless a chain leads to one of these: what came may bring any root."""
    if not any(one in trusted for one in (*chain.between, chain.root)):
        raise AuthorityError(
            f"This certificate leads to {_called(chain.root.subject)}, which nobody here was told "
            "to trust. If it is your company's, name its file as authority in [renewal], and see "
            "that devices and browsers trust it"
        )


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses in a certificate."""
    names = _extension(certificate, x509.SubjectAlternativeName)
    kinds = (x509.DNSName, x509.IPAddress)
    return tuple(str(one.value) for one in names or () if isinstance(one, kinds))


def certificate_in(path: Path) -> x509.Certificate:
    """Return the first certificate of a PEM file. AuthorityError, OSError."""
    return certificates_in(path.read_bytes(), str(path))[0]


def _fits(name: str, there: str) -> bool:
    """Whether a name in a certificate stands for a name; *.example.org does for one level."""
    with suppress(ValueError):
        return str(ip_address(name)) == there
    name, there = name.lower(), there.lower()
    return name == there or (there[:2] == "*." and name.partition(".")[2] == there[2:])


def _signed(one: x509.Certificate, *, by: x509.Certificate) -> bool:
    if one.issuer != by.subject:
        return False
    try:
        one.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_dates(one: x509.Certificate, now: datetime) -> None:
    if now >= one.not_valid_after_utc:
        raise AuthorityError(
            f"The certificate of {_called(one.subject)} ended on "
            f"{one.not_valid_after_utc:%Y-%m-%d}. Ask for a new one"
        )
    if now + CLOCKS < one.not_valid_before_utc:
        raise AuthorityError(
            f"The certificate of {_called(one.subject)} is good from "
            f"{one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC. Wait for that, or look at this "
            "machine's clock"
        )


def _check_signs(one: x509.Certificate) -> None:
    limits = _extension(one, x509.BasicConstraints)
    # A root may be older than that extension; it is trusted by name.
    if one.subject != one.issuer and (limits is None or not limits.ca):
        raise AuthorityError(
            f"{_called(one.subject)} signed it and is no authority: clients will refuse that. Ask "
            "your company which authority signs servers"
        )


def _extension(
    certificate: x509.Certificate, kind: type[x509.extensions.ExtensionTypeVar]
) -> x509.extensions.ExtensionTypeVar | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _called(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return f"“{common[0].value!s}”" if common else f"“{name.rfc4514_string()}”"
