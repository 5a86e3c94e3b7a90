"""A request for a certificate, for a company's authority (PKCS #10).

server.key            the key, made if there is none; it never leaves this machine
server.new.key        a new key, where one was wanted; it takes the place of server.key with
the certificate that is signed for it, and not before
server.request.pem    the request, to hand in
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.listener.authority import (
    AuthorityError,
    general_name,
    key_pem,
    name_of,
    usage,
    write_file,
)

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

BITS = 3072
"""Of an RSA key: worth an EC key of P-256 until 2030 and later (NIST SP 800-57)."""


class Requested(NamedTuple):
    """A request, as a file, and its key."""

    request: Path
    key: Path
    made: bool
    """Whether the key was made now."""


def request(
    folder: Path, names: Sequence[str], *, new_key: bool = False, as_rsa: bool = False
) -> Requested:
    """Write a request for a certificate of this gateway. AuthorityError, OSError.

    `as_rsa`: a key that is made is an RSA key, for authorities that sign no other.
    """
    for name in names:
        general_name(name)  # before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    key_file = folder / ("server.new.key" if new_key else "server.key")
    made = not key_file.exists()
    if made:
        write_file(key_file, key_pem(_made(as_rsa=as_rsa)), 0o600, new=True)
    file = folder / "server.request.pem"
    write_file(file, request_pem(read_any_key(key_file), names), 0o644, new=False)
    return Requested(file, key_file, made)


def request_pem(key: Key, names: Sequence[str]) -> bytes:
    """Return a request in PEM form: for a server, under these names."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name_of(names[0]))
        .add_extension(
            x509.SubjectAlternativeName([general_name(one) for one in names]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )


def read_any_key(path: Path) -> Key:
    """Return a private key, whoever made it. AuthorityError, OSError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AuthorityError(
            f"{path} holds no private key that can be used ({error}). A key that is locked with a "
            "passphrase must be unlocked first: openssl pkey -in KEY -out NEW"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise AuthorityError(f"{path} is neither an EC nor an RSA key. Make one: --new-key")
    return key


def _made(*, as_rsa: bool) -> Key:
    if as_rsa:
        return rsa.generate_private_key(65_537, BITS)
    return ec.generate_private_key(ec.SECP256R1())
