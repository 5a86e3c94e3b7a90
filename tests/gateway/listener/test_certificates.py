"""A port's certificate: taken up anew when it is renewed, and told of before it ends."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.listener.authority import Authority
from gateway.listener.certificates import Certificate
from gateway.settings.listener import ListenerTls
from rules.duration import DAY

NOW = datetime.now(UTC).replace(microsecond=0)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority.make(tmp_path, NOW, "roof-pi")
    made.server(["localhost"], NOW)
    return made


@pytest.fixture
def certificate(authority: Authority) -> Certificate:
    folder = authority.folder
    return Certificate(ListenerTls(certificate=folder / "server.pem", key=folder / "server.key"))


def shown(certificate: Certificate, authority: Authority) -> bytes:
    """What a client that trusts the authority is shown."""
    client = ssl.create_default_context(cafile=authority.folder / "authority.pem")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    two = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    for side in (one, two, one, two):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return one.getpeercert(binary_form=True) or b""


@pytest.mark.parametrize(
    ("left", "expected"),
    [(365 * DAY, None), (31 * DAY, None), (30 * DAY - 1, " ends on "), (-1, " ended on ")],
)
def test_its_end_is_told_a_month_before(
    certificate: Certificate, authority: Authority, left: int, expected: str | None
) -> None:
    problem = certificate.look(ms(authority.until) - left)
    assert (problem is None) == (expected is None)
    assert (expected or "") in (problem or "")


def test_a_renewed_one_is_shown_without_a_restart(
    certificate: Certificate, authority: Authority
) -> None:
    before = shown(certificate, authority)
    Authority.open(authority.folder, NOW).server(["localhost", "quay"], NOW + timedelta(seconds=1))
    assert certificate.look(ms(NOW)) is None
    after = shown(certificate, authority)
    assert before
    assert after
    assert after != before


def test_a_renewal_that_cannot_be_read_leaves_the_old_one_and_is_told(
    certificate: Certificate, authority: Authority
) -> None:
    before = shown(certificate, authority)
    file = authority.folder / "server.pem"
    file.write_text("nonsense")
    os.utime(file, (0, 0))
    assert "cannot be used, and the old one is shown" in (certificate.look(ms(NOW)) or "")
    assert shown(certificate, authority) == before
