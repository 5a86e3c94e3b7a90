"""A company's authority: a root, one below it, and what it makes of our requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.listener.authority import pem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)
"""OpenSSL looks at the real clock, so what is signed must be good now."""
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Company:
    """Root ▸ issuing authority ▸ servers."""

    def __init__(self, name: str = "Example") -> None:
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._authority(f"{name} Root", self.root_key, None, None)
        self.issuing = self._authority(f"{name} Issuing", self.key, self.root, self.root_key)

    def _authority(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        by: x509.Certificate | None,
        by_key: ec.EllipticCurvePrivateKey | None,
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(by.subject if by else named(name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=100))
            .not_valid_after(NOW + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(by_key or key, SHA256())
        )

    def sign(
        self,
        request: Path | x509.CertificateSigningRequest,
        *,
        names: Sequence[str] | None = None,
        begins: datetime = NOW - timedelta(days=30),
        ends: datetime = NOW + timedelta(days=335),
        purposes: Sequence[x509.ObjectIdentifier] = SERVER,
        ca: bool = False,
    ) -> x509.Certificate:
        """Sign a request: as it asks, or otherwise."""
        if not isinstance(request, x509.CertificateSigningRequest):
            request = x509.load_pem_x509_csr(request.read_bytes())
        asked: Any = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if names is not None:
            asked = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(self.issuing.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if list(asked):
            builder = builder.add_extension(asked, critical=False)
        return builder.sign(self.key, SHA256())

    def chain(self) -> bytes:
        """What the company gives with a certificate: the root first, as some do."""
        return pem(self.root) + pem(self.issuing)
