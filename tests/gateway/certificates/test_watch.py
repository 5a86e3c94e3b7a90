"""The certificates that a gateway lives by are watched, whoever shows them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.certificates.watch import CertificateWatch, watched
from gateway.listener.authority import Authority
from gateway.own_alerts import OwnAlerts
from gateway.settings import parse
from gateway.state import State
from rules.duration import DAY
from tests.gateway.certificates.company import NOW
from tests.gateway.parts import ToldClock

MS = int(NOW.timestamp() * 1000)
SETTINGS = """
[gateway]
box = "dock"

[web]
host = "127.0.0.1"
tls = {{ certificate = "{folder}/server.pem", key = "{folder}/server.key" }}

[renewal]
certificate = "{folder}/server.pem"
key = "{folder}/server.key"
command = ["false"]

[[brokers]]
name = "main"
host = "broker.example.org"
[brokers.tls]
ca = "{folder}/authority.pem"
certificate = "{folder}/clients/dock.pem"
key = "{folder}/clients/dock.key"

[[influxdb]]
name = "cloud"
url = "https://influx.example.org"
database = "cargo"
ca = "{folder}/authority.pem"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two days old, by an authority that ends in two months."""
    made = tmp_path / "tls"
    authority = Authority.make(made, NOW - timedelta(days=3652 - 61), "dock")
    authority.server(["localhost"], NOW)
    authority.client("dock", NOW)
    return made


async def test_each_has_an_alert_of_its_own(tmp_path: Path, folder: Path) -> None:
    settings = parse(SETTINGS.format(folder=folder))
    state = State(tmp_path / "state.db")
    alerts = OwnAlerts("", "dock", state, ToldClock(), [])
    gateway = SimpleNamespace(settings=settings, own_alerts=alerts)
    watch = CertificateWatch(cast("Any", gateway))

    def told() -> dict[str, str]:
        return {one.channel: one.severity for one in alerts.open_alerts}

    await watch.look(None)
    assert told() == {}, "a clock that cannot be trusted says nothing of an end"
    await watch.look(MS)
    assert told() == {}
    await watch.look(MS + 2 * DAY)
    assert told()["certificate authority of main"] == "info"
    await watch.look(MS + 56 * DAY)
    names = {"page", "broker main", "authority of main", "authority of cloud"}
    assert told() == dict.fromkeys(
        [*(f"certificate {one}" for one in names), "renewal"], "critical"
    )
    assert names == set(watched(settings))
    gateway.settings = parse('[gateway]\nbox = "dock"\n')
    await watch.look(MS + 56 * DAY)
    assert told() == {}, "what the settings name no more is forgotten"
    gateway.settings = settings
    (folder / "clients" / "dock.pem").unlink()
    await watch.look(MS)
    assert {one.channel: one.reason for one in alerts.open_alerts}.keys() == {
        "certificate broker main"
    }
    state.close()
