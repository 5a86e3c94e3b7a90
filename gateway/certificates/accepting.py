"""A certificate that was signed for us, checked and put in its place.

It is tried out beside the one in use, as a client would try it, and takes its place by one rename:
at every moment there is a whole certificate. With a new key two files change, the key first: a
start in between, after a power cut, is refused with a word, and `tls accept`, given again, ends it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from gateway.certificates.chain import (
    Chain,
    certificates_in,
    chain_of,
    check,
    check_trusted,
    system_roots,
)
from gateway.certificates.request import Key, read_any_key
from gateway.listener.authority import AuthorityError, pem, write_file

STEPS = 20
"""Handing to and fro in which two sides of TLS agree, with room to spare."""


class Accepted(NamedTuple):
    """A certificate that is in its place."""

    chain: Chain
    new_key: bool


class Place(NamedTuple):
    """Where a certificate and its key lie."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, folder: Path) -> Place:
        """Return where `holdwatch tls` puts them."""
        return cls(folder / "server.pem", folder / "server.key")

    @property
    def new_key(self) -> Path:
        """Where a key waits for its certificate."""
        return self.key.with_name(f"{self.key.stem}.new{self.key.suffix}")

    @property
    def new(self) -> Path:
        """Where a certificate lies that is tried out."""
        return self.certificate.with_name(f".{self.certificate.name}.new")


def accept(  # noqa: PLR0913 - what it is checked against
    place: Place,
    content: Sequence[tuple[bytes, str]],
    *,
    names: Sequence[str],
    roots: Iterable[x509.Certificate],
    now: datetime,
    fewer: bool = False,
    trusted: Collection[x509.Certificate] | None = None,
) -> Accepted:
    """Take in what an authority signed: contents of files, and what they are called.

    It must lead to one that is `trusted`; None where whoever hands it in says whom to trust.
    Everything is checked before anything is changed. AuthorityError, OSError.
    """
    found = [one for text, what in content for one in certificates_in(text, what)]
    keys = _keys(place)
    key_file = next((path for path, key in keys if _belongs(key, found)), None)
    if key_file is None:
        key_file = keys[0][0]  # chain_of says what is wrong
    key = dict(keys)[key_file]
    chain = chain_of(key.public_key(), found, [*roots, *system_roots()])
    check(chain, names, now, fewer=fewer)
    if trusted is not None:
        check_trusted(chain, trusted)
    text = b"".join(pem(one) for one in (chain.certificate, *chain.between))
    write_file(place.new, text, 0o644, new=False)
    try:
        _try_out(place.new, key_file, chain.root, names)
        if key_file != place.key:
            os.replace(key_file, place.key)  # noqa: PTH105 - beside the next
        place.new.replace(place.certificate)
        _keep_names(place.certificate.parent)
    finally:
        place.new.unlink(missing_ok=True)
    return Accepted(chain, key_file != place.key)


def _keys(place: Place) -> list[tuple[Path, Key]]:
    """Return the keys that a certificate may be for; the one that waits for it first."""
    files = [path for path in (place.new_key, place.key) if path.exists()]
    if not files:
        raise AuthorityError(
            f"There is no key in {place.key.parent}. Begin with: holdwatch tls request --folder "
            f"{place.key.parent}"
        )
    return [(path, read_any_key(path)) for path in files]


def _belongs(key: Key, found: Iterable[x509.Certificate]) -> bool:
    return any(one.public_key() == key.public_key() for one in found)


def _keep_names(folder: Path) -> None:
    """Have the disk keep what was renamed in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try_out(certificate: Path, key: Path, root: x509.Certificate, names: Sequence[str]) -> None:
    """Show it to a client of our own that trusts the root alone. AuthorityError if it refuses."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.create_default_context(cadata=pem(root).decode())
    client.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as everywhere: see mqtt/tls.py
    # Which of its names it has was looked at; here the chain is.
    client.check_hostname = False
    try:
        server.load_cert_chain(certificate, key)
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        one = client.wrap_bio(to_client, to_server, server_hostname=names[0])
        two = server.wrap_bio(to_server, to_client, server_side=True)
        steps = [one.do_handshake, two.do_handshake]
        for _ in range(STEPS):
            for step in tuple(steps):
                try:
                    step()
                except ssl.SSLWantReadError:
                    continue
                steps.remove(step)
    except ssl.SSLError as error:
        said = getattr(error, "verify_message", "") or error.reason or str(error)
        raise AuthorityError(
            f"Clients would refuse this certificate ({said}). Show that to your company's authority"
        ) from error
    if steps:
        raise AuthorityError("Clients would not come to an end with this certificate")
