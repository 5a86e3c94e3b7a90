"""An authority below our own that stays on the gateway, so that nobody need come to renew.

    renewing.pem, renewing.key    beside authority.pem, whose own key is kept elsewhere

It signs this gateway's certificate and nothing else: whoever steals the gateway cannot pass for a
device with it, nor for another gateway. It is limited to servers by its purpose, and to this
gateway's names and to private networks by name constraints. RFC 5280 wants those critical; they are
not, since small devices (mbedTLS) refuse a certificate with a critical part that they do not know.
OpenSSL, Go and browsers heed them either way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.listener.authority import (
    EARLIER,
    AuthorityError,
    Issued,
    Signer,
    begin,
    general_name,
    issue,
    key_pem,
    name_of,
    pem,
    read_key,
    signed_by,
    usage,
    write_file,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.listener.authority import Authority

LIFE = timedelta(days=800)
"""Of what it signs. Apple's devices refuse servers' certificates that are good for over 825 days,
also of an authority that their owner trusts."""
PRIVATE = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("127.0.0.0/8", "::1/128", "fc00::/7", "fe80::/10"),
)
"""Networks in which this gateway may get any address."""


class Renewing:
    """What signs this gateway's certificates: its own certificate and private key."""

    def __init__(
        self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.folder = folder
        self.until = certificate.not_valid_after_utc
        self._certificate = certificate
        self._key = key

    @classmethod
    def make(cls, authority: Authority, names: Sequence[str], now: datetime) -> Self:
        """Have an authority sign one, in place of any that is there.

        AuthorityError where the authority may sign none; OSError if it cannot be written.
        """
        signer = authority.signer
        limits = signer.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        if not limits.value.path_length:
            raise AuthorityError(
                f"The authority in {authority.folder} was made to sign certificates alone. Move "
                "that folder aside, make a new one with holdwatch tls init --renewing, and give "
                "the new authority.pem to every device"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name_of(f"Holdwatch renewing {names[0]} {now:%Y-%m-%d}")
        certificate = (
            begin(
                subject,
                signer.certificate.subject,
                key.public_key(),
                now - EARLIER,
                authority.until,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(signs=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.NameConstraints(permitted_subtrees=_permitted(names), excluded_subtrees=None),
                critical=False,
            )
            .add_extension(signed_by(signer.certificate), critical=False)
            .sign(signer.key, SHA256())
        )
        # The certificate last: until it is there, the pair of before is not missed.
        write_file(authority.folder / "renewing.key", key_pem(key), 0o600, new=False)
        write_file(authority.folder / "renewing.pem", pem(certificate), 0o644, new=False)
        return cls(authority.folder, certificate, key)

    @classmethod
    def open(cls, folder: Path, now: datetime) -> Self:
        """Take up the one in the folder. AuthorityError if it cannot be used, OSError."""
        certificate_file, key_file = folder / "renewing.pem", folder / "renewing.key"
        again = "Put back authority.key for the moment, and give: holdwatch tls init --renewing"
        for path in (certificate_file, key_file):
            if not path.exists():
                raise AuthorityError(f"{path} is not there. {again}")
        try:
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        except ValueError as error:
            raise AuthorityError(
                f"{certificate_file} holds no certificate ({error}). {again}"
            ) from error
        key = read_key(key_file)
        if certificate.public_key() != key.public_key():
            raise AuthorityError(f"{key_file} does not belong to {certificate_file}. {again}")
        if now >= certificate.not_valid_after_utc:
            raise AuthorityError(
                f"{certificate_file} ended on {certificate.not_valid_after_utc:%Y-%m-%d}, and with "
                "it the authority. Move the folder aside, make a new one with holdwatch tls init "
                "--renewing, and give the new authority.pem to every device"
            )
        return cls(folder, certificate, key)

    def server(self, names: Sequence[str], now: datetime) -> Issued:
        """Sign a certificate for this gateway, under those of the names that it may sign."""
        allowed = [name for name in names if self._allows(name)]
        if not allowed:
            raise AuthorityError(
                f"{self.folder / 'renewing.pem'} may sign none of {', '.join(names)}. Put back "
                "authority.key for the moment, and give: holdwatch tls init --renewing"
            )
        until = min(now + LIFE, self.until)
        signer = Signer(self._certificate, self._key, pem(self._certificate))
        subject, purpose = name_of(allowed[0]), ExtendedKeyUsageOID.SERVER_AUTH
        return issue(
            signer, self.folder / "server", subject, allowed, purpose, now - EARLIER, until
        )

    def _allows(self, name: str) -> bool:
        limits = self._certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        permitted, wanted = limits.permitted_subtrees or (), general_name(name)
        if isinstance(wanted, x509.IPAddress):
            networks = [ip_network(str(one.value)) for one in permitted if _is_address(one)]
            return any(ip_address(name) in one for one in networks)
        return any(
            isinstance(one, x509.DNSName)
            and (wanted.value == one.value or str(wanted.value).endswith(f".{one.value}"))
            for one in permitted
        )


def _is_address(one: x509.GeneralName) -> bool:
    return isinstance(one, x509.IPAddress)


def _permitted(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        one = general_name(name)
        # An address stands among constraints as the network of that one address.
        found.append(x509.IPAddress(ip_network(name)) if isinstance(one, x509.IPAddress) else one)
    return [*found, *(x509.IPAddress(ip_network(one)) for one in PRIVATE)]
