"""Certificates that we show: until when, for which names, and who may read their keys."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from gateway.doctor.case import Case, Finding, advice, ok, problem
from gateway.listener.authority import certified_names
from gateway.listener.certificates import validity
from gateway.settings.file import others_may_read
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.settings.address import OurCertificate

SOON = 30 * DAY
CURE = "holdwatch tls init, in the folder of the certificate; it is taken up without a restart"


def certificates(case: Case) -> Iterator[Finding]:
    """Look at each certificate once."""
    found: dict[Path, OurCertificate] = {
        one.tls.certificate: one.tls for one in case.settings.listeners if one.tls is not None
    }
    web = case.settings.web
    if web is not None and web.tls is not None:
        found.setdefault(web.tls.certificate, web.tls)
    for tls in found.values():
        yield from _one(case, tls)


def _one(case: Case, tls: OurCertificate) -> Iterator[Finding]:
    file = tls.certificate
    try:
        begins, ends = validity(file)
        names = set(certified_names(file))
    except (OSError, ValueError) as error:
        yield problem(f"{file} cannot be read: {error}", CURE)
        return
    left = (ends - case.now) // DAY
    if case.now < begins:
        yield problem(f"{file} is not good yet", "See that the clock is right: timedatectl")
    elif left < 0:
        yield problem(f"{file} has ended: sensors and browsers turn away", CURE)
    elif ends - case.now < SOON:
        yield advice(f"{file} ends in {left} days", CURE)
    else:
        yield ok(f"{file} is good for {left:,} days, for {', '.join(sorted(names))}")
    host = socket.gethostname()
    if names and not {host, f"{host}.local", socket.getfqdn()} & names:
        yield advice(
            f"{file} names {', '.join(sorted(names))}, and not this machine, {host}",
            f"If it is called so by sensors or browsers: holdwatch tls init {host}.local",
        )
    key = tls.key or file
    if others_may_read(key.stat()):
        yield problem(f"others on this machine may read the private key {key}", f"chmod 600 {key}")
    authority = file.parent / "authority.key"
    if authority.exists():
        yield advice(
            f"the authority's key lies beside it ({authority}): whoever takes this machine can "
            "make certificates that your sensors trust",
            "Keep it elsewhere, such as on a USB stick, until the next certificate is made",
        )
