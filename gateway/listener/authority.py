"""A local authority: it signs the gateway's certificate and those of devices.

A folder holds it, all files in PEM form:

    authority.pem, authority.key    made once, never overwritten
    server.pem, server.key          what the gateway shows
    clients/NAME.pem, NAME.key      what a device shows

Keys are EC P-256, which small devices know too. The gateway's key is made once and kept: to renew
its certificate is then to replace one file, and at no moment does a pair not fit. A device gets
another key with each certificate: the old one may be why there is a new certificate.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

YEARS = timedelta(days=3652)
"""Ten. What the authority signs ends with it: a device in the field renews nothing."""
EARLIER = timedelta(days=1)
"""So much before now a certificate begins that devices look at, for clocks that are late. What a
device shows begins now: whether it was made before or after a revocation is told by that."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_COMMON_NAME = 64
"""Characters that a common name may have (RFC 5280, ub-common-name)."""


class AuthorityError(Exception):
    """It cannot be made, opened or used. The message says what to do."""


class Issued(NamedTuple):
    """A certificate that was signed, and its key."""

    certificate: Path
    key: Path
    until: datetime


class Authority:
    """What signs certificates: its own certificate and its private key."""

    def __init__(
        self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.folder = folder
        self.until = certificate.not_valid_after_utc
        self._certificate = certificate
        self._key = key

    @classmethod
    def make(cls, folder: Path, now: datetime, name: str, *, below: bool = False) -> Self:
        """Make a new one in a folder that has none. `name` tells people one from another.

        `below`: it may sign one more authority, which signs in its place (renewing.py).
        AuthorityError if there is one, or a part of one; OSError if it cannot be written.
        """
        for path in (folder / "authority.pem", folder / "authority.key"):
            if path.exists():
                raise AuthorityError(f"{path} exists already, and is left as it is")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name_of(f"Holdwatch authority {name} {now:%Y-%m-%d}")
        certificate = (
            begin(subject, subject, key.public_key(), now - EARLIER, now + YEARS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=int(below)), critical=True)
            .add_extension(usage(signs=True), critical=True)
            .sign(key, SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        # The key first: a certificate without its key would look like one that is kept elsewhere.
        write_file(folder / "authority.key", key_pem(key), 0o600, new=True)
        write_file(folder / "authority.pem", pem(certificate), 0o644, new=True)
        return cls(folder, certificate, key)

    @classmethod
    def open(cls, folder: Path, now: datetime) -> Self:
        """Take up the one in the folder. AuthorityError if it cannot be used."""
        certificate_file, key_file = folder / "authority.pem", folder / "authority.key"
        if not certificate_file.exists():
            if key_file.exists():
                raise AuthorityError(
                    f"{certificate_file} is not there, and its key is. Put it back from any "
                    "device that trusts it; if it was never there, remove the key and begin anew: "
                    "holdwatch tls init"
                )
            raise AuthorityError(
                f"There is no authority in {folder}. Make one: holdwatch tls init --folder {folder}"
            )
        if not key_file.exists():
            raise AuthorityError(
                f"{key_file} is not there, and nothing can be signed without it. Put it back from "
                "where you keep it, and take it away again afterwards"
            )
        try:
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        except ValueError as error:
            raise AuthorityError(
                f"{certificate_file} holds no certificate ({error}). Put it back from a copy"
            ) from error
        key = read_key(key_file)
        if certificate.public_key() != key.public_key():
            raise AuthorityError(
                f"{key_file} does not belong to {certificate_file}. Put back the two that were "
                "made together"
            )
        if now >= certificate.not_valid_after_utc:
            raise AuthorityError(
                f"The authority in {folder} ended on {certificate.not_valid_after_utc:%Y-%m-%d}. "
                "Move that folder aside, make a new one with holdwatch tls init, and give the new "
                "authority.pem to every device"
            )
        return cls(folder, certificate, key)

    @property
    def signer(self) -> Signer:
        """What signs."""
        return Signer(self._certificate, self._key)

    def server_names(self) -> tuple[str, ...]:
        """Return the names in the gateway's certificate as it is now, none if there is none."""
        return certified_names(self.folder / "server.pem")

    def server(self, names: Sequence[str], now: datetime) -> Issued:
        """Sign a certificate for this gateway, under all its names and addresses."""
        subject = name_of(names[0][:_COMMON_NAME])
        purpose = ExtendedKeyUsageOID.SERVER_AUTH
        return self._issue(self.folder / "server", subject, names, purpose, now - EARLIER)

    def client(self, name: str, now: datetime) -> Issued:
        """Sign a certificate for a device. Its common name is the name of its credential."""
        folder = self.folder / "clients"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.key").unlink(missing_ok=True)  # so that another one is made
        return self._issue(folder / name, name_of(name), (), ExtendedKeyUsageOID.CLIENT_AUTH, now)

    def _issue(
        self,
        path: Path,
        subject: x509.Name,
        names: Sequence[str],
        purpose: ObjectIdentifier,
        begins: datetime,
    ) -> Issued:
        return issue(self.signer, path, subject, names, purpose, begins, self.until)


class Signer(NamedTuple):
    """What signs: its certificate and its private key, and in PEM what leads to its authority."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: bytes = b""


def issue(  # noqa: PLR0913, PLR0917 - what a certificate says
    signer: Signer,
    path: Path,
    subject: x509.Name,
    names: Sequence[str],
    purpose: ObjectIdentifier,
    begins: datetime,
    until: datetime,
) -> Issued:
    """Write `path`.key, if it is not there, and `path`.pem."""
    alternative = [general_name(name) for name in names]
    certificate_file, key_file = (path.with_name(f"{path.name}.{kind}") for kind in ("pem", "key"))
    if key_file.exists():
        key = read_key(key_file)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        write_file(key_file, key_pem(key), 0o600, new=True)
    builder = (
        begin(subject, signer.certificate.subject, key.public_key(), begins, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(signed_by(signer.certificate), critical=False)
    )
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    content = pem(builder.sign(signer.key, SHA256())) + signer.chain
    write_file(certificate_file, content, 0o644, new=False)
    return Issued(certificate_file, key_file, until)


def signed_by(signer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Return what names the signer's key in what it signs."""
    key = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key.value)


def certified_names(path: Path) -> tuple[str, ...]:
    """Return the names and addresses in a certificate, none where it cannot be read."""
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return ()
    return tuple(str(name.value) for name in names.value)


def general_name(text: str) -> x509.GeneralName:
    """Return a host name or an address as certificates hold it. AuthorityError if it is neither."""
    with suppress(ValueError):
        return x509.IPAddress(ip_address(text))
    numbers = text.rpartition(".")[2].isdecimal()
    if not text.isascii() or not _HOST.fullmatch(text) or numbers:
        raise AuthorityError(
            f"{text!r} is neither a host name nor an address. Write it as devices will, without "
            "port and slashes: gateway.example.org, 192.168.1.4"
        )
    return x509.DNSName(text.lower())


def name_of(common_name: str) -> x509.Name:
    """Return a common name as certificates hold it, cut to what they may hold."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_COMMON_NAME])])


def begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    """Return what every certificate of ours begins with."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def usage(*, signs: bool) -> x509.KeyUsage:
    """Return what a key may be used for: to sign certificates, or to prove who one is."""
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return a key that was made here. AuthorityError if it is none, OSError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AuthorityError(
            f"{path} holds no private key that can be used ({error}). Put it back from a copy"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"{path} is no EC key, so it was not made here. Move it aside")
    return key


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate in PEM form."""
    return certificate.public_bytes(Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """Return a private key in PEM form, not locked."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_file(path: Path, content: bytes, mode: int, *, new: bool) -> None:
    """Write a file whole or not at all; if `new`, never over one that is there.

    Where root writes, it belongs to whom the folder belongs to: the gateway has to read it.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already
            os.fchmod(descriptor, mode)
            if os.geteuid() == 0:
                folder_of = path.parent.stat()
                os.fchown(descriptor, folder_of.st_uid, folder_of.st_gid)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if new:
            _link(temporary, path)
        else:
            os.replace(temporary, path)  # noqa: PTH105 - mkstemp gives a text
    finally:
        Path(temporary).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _link(temporary: str, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise AuthorityError(
            f"{path} was made by somebody else at this moment, and is left as it is"
        ) from error
