"""A port's certificate: taken up anew when it is renewed, and told of before it ends."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.listener.authority import Authority
from gateway.listener.certificates import Certificate, Fault, lasting, tell_faults
from gateway.own_alerts import OwnAlerts
from gateway.settings.listener import ListenerTls
from gateway.state import State
from rules.duration import DAY, HOUR
from tests.gateway.parts import ToldClock

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
    ("left", "expected", "severity"),
    [
        (20 * 365 * DAY, " is good from ", "critical"),
        (365 * DAY, "", ""),
        (61 * DAY, "", ""),
        (60 * DAY, " ends on ", "info"),
        (30 * DAY, " ends on ", "warning"),
        (7 * DAY, " ends on ", "critical"),
        (-1, " ended on ", "critical"),
    ],
)
def test_its_end_is_told_two_months_before_and_more_gravely_as_it_comes_nearer(
    certificate: Certificate, authority: Authority, left: int, expected: str, severity: str
) -> None:
    problem, grave = certificate.look(ms(authority.until) - left) or Fault("", "")
    assert grave == severity
    assert expected in problem
    assert bool(problem) == bool(expected)


@pytest.mark.parametrize(
    ("life", "left", "severity"),
    [
        (90 * DAY, 30 * DAY, None),  # certbot renews it now
        (90 * DAY, 22 * DAY, "info"),
        (90 * DAY, 15 * DAY, "warning"),
        (90 * DAY, 7 * DAY, "critical"),
        (DAY, 8 * HOUR, None),  # step renews it now
        (DAY, 6 * HOUR, "info"),
        (DAY, 4 * HOUR, "warning"),
        (DAY, 2 * HOUR, "critical"),
    ],
)
def test_of_a_short_life_the_end_is_told_later(life: int, left: int, severity: str | None) -> None:
    fault = lasting("a.pem", 0, life, life - left)
    assert (fault.severity if fault else None) == severity


def test_while_our_clock_is_wrong_nothing_is_said_of_its_end(certificate: Certificate) -> None:
    assert certificate.look(None) is None


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
    problem, severity = certificate.look(ms(NOW)) or Fault("", "")
    assert "cannot be used, and the old one is shown" in problem
    assert severity == "warning"
    assert shown(certificate, authority) == before


def test_a_renewal_with_the_key_of_another_leaves_the_old_one_and_is_told(
    certificate: Certificate, authority: Authority
) -> None:
    before = shown(certificate, authority)
    folder = authority.folder
    foreign = Authority.make(folder / "other", NOW, "other").server(["localhost"], NOW)
    Authority.open(folder, NOW).server(["localhost"], NOW + timedelta(seconds=1))
    new = (folder / "server.key").read_bytes()
    (folder / "server.key").write_bytes(foreign.key.read_bytes())
    os.utime(folder / "server.key", (0, 0))
    for _ in range(2):
        problem, _ = certificate.look(ms(NOW)) or Fault("", "")
        assert "its key belongs to another certificate" in problem
        assert shown(certificate, authority) == before
    problem, severity = certificate.look(ms(authority.until)) or Fault("", "")
    assert " ended on " in problem
    assert severity == "critical"
    (folder / "server.key").write_bytes(new)
    assert certificate.look(ms(NOW)) is None
    assert shown(certificate, authority) not in {b"", before}


def test_a_renewed_authority_is_taken_up_too(tmp_path: Path, authority: Authority) -> None:
    clients = tmp_path / "clients.pem"
    clients.write_bytes((authority.folder / "authority.pem").read_bytes())
    folder = authority.folder
    certificate = Certificate(
        ListenerTls(certificate=folder / "server.pem", key=folder / "server.key", authority=clients)
    )
    before = certificate.context.get_ca_certs()
    other = Authority.make(tmp_path / "other", NOW, "other")
    clients.write_bytes((other.folder / "authority.pem").read_bytes())
    os.utime(clients, (0, 0))
    assert certificate.look(ms(NOW)) is None
    after = certificate.context.get_ca_certs()
    assert len(after) == 1
    assert after != before


async def test_the_alert_says_what_is_wrong_now(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    alerts = OwnAlerts("acme", "box", state, ToldClock(), [])
    for fault in (
        Fault("ends soon", "warning"),
        Fault("ends soon", "warning"),
        Fault("cannot be used", "warning"),
        Fault("ended", "critical"),
        Fault("ends soon", "warning"),
        None,
    ):
        before = alerts.open_alerts
        tell_faults(alerts, {"127.0.0.1:8883": fault})
        told = [Fault(one.reason, one.severity) for one in alerts.open_alerts]
        assert told == ([] if fault is None else [fault])
        if before and fault is not None and before[0].reason == fault.problem:
            assert alerts.open_alerts == before
    state.close()
