"""The box dies with a backlog, and its backup goes on elsewhere: each alert comes with its one id.

Installed into an image, heard over its own listener, and told by a webhook, with real clients and
a real receiver. What devices still hold they send again; each reading is stored once.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import defaultdict
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.journal import Journal
from gateway.state import State
from tests.broker import free_port
from tests.e2e.gateway_process import RunningGateway, holdwatch, holdwatch_json, until
from tests.gateway.http_receiver import Receiver

SETTINGS = """
[gateway]
data = "{data}"

[[listeners]]
port = {port}
anonymous = true

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "0 s"

[[channels]]
name = "office"
kind = "webhook"
url = "{url}"
allow = ["127.0.0.0/8"]
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

[[routes]]
name = "all"
channels = ["office"]
gather = "0 s"

[backup]
folder = "{backups}"
keys = ["{key}"]
"""
LONG = 60.0
"""Seconds, on a busy machine."""
HELD = 40
"""Readings that a device holds, and sends again when it connects."""


class Box(RunningGateway):
    """A gateway that listens, and joins no broker."""

    def _joined(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return bool(self.status())


class Device:
    """A real client with a memory of its own: what it has measured, and what was acknowledged."""

    def __init__(self, name: str, began: int) -> None:
        self.name = name
        self.measured: list[float] = []
        self.acknowledged = 0
        self._began = began

    def measures(self, *values: float) -> None:
        self.measured += values

    def sends(self, port: int) -> None:
        """Send what it holds, the last HELD of its readings, and wait until all is acknowledged."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.name)
        client.connect("127.0.0.1", port)
        client.loop_start()
        first = max(0, len(self.measured) - HELD)
        sent = [
            client.publish(f"cargo/hall/{self.name}/readings", self._payload(number), qos=1)
            for number in range(first, len(self.measured))
        ]
        for one in sent:
            one.wait_for_publish(20)
            assert one.is_published()
        self.acknowledged = len(self.measured)
        client.disconnect()
        client.loop_stop()

    def _payload(self, number: int) -> str:
        at = self._began + 1_000 * number
        return json.dumps({"time": at, "temperature": self.measured[number], "seq": number})


def _backup_of(settings: Path) -> int | None:
    """When the last backup was made."""
    made: int | None = holdwatch_json("backup", "status", "-c", str(settings))["backup"]["last"]
    return made


def _told(receiver: Receiver, since: int = 0) -> dict[str, set[str]]:
    """The ids of the messages in which each alert was told to have begun, of calls `since`."""
    found: dict[str, set[str]] = defaultdict(set)
    for call in receiver.calls[since:]:
        headers = {name.lower(): value for name, value in call.headers.items()}
        for alert in json.loads(call.body)["data"]["alerts"]:
            if alert["occasion"] == "fired":
                found[alert["id"]].add(headers["webhook-id"])
    return dict(found)


def _stored(data: Path) -> list[tuple[str, int]]:
    """All readings of a data folder, by device and time."""
    journal = Journal(data / "journal.db")
    found = sorted((one.device.id, one.at) for one in journal.read(0, 10**6).readings)
    journal.close()
    return found


def _alerts(data: Path) -> set[str]:
    state = State(data / "state.db")
    found = {one.id for one in state.alerts_since(0) if one.rule == "too-warm"}
    state.close()
    return found


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """As much of a system as an installation needs: accounts, and the program."""
    root = tmp_path / "image"
    for folder in ("etc", "var/lib", "usr/local/bin", "opt/holdwatch/bin"):
        (root / folder).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/shadow").write_text("root:*:19000:0:99999:7:::\n")
    (root / "etc/login.defs").write_text("SYS_UID_MIN 100\nSYS_UID_MAX 999\n")
    (root / "opt/holdwatch/bin/holdwatch").touch(mode=0o755)
    return root


def _installed(image: Path) -> Path:
    """Install into the image; return where its settings are."""
    program = "/opt/holdwatch/bin/holdwatch"
    holdwatch("install", "--root", str(image), "--program", program, "--no-start")
    settings = image / "etc/holdwatch/holdwatch.toml"
    assert settings.exists()
    return settings


@pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("useradd", "systemctl"))),
    reason="an image is made by root, with useradd and systemctl",
)
def test_a_restored_box_goes_on_without_a_gap_and_each_alert_has_its_one_id(
    tmp_path: Path, image: Path
) -> None:
    settings = _installed(image)
    public = holdwatch("backup", "key", "-o", str(tmp_path / "secret.txt")).split('"')[1]
    backups, port = tmp_path / "usb", free_port()
    backups.mkdir()
    data, new = image / "var/lib/holdwatch", tmp_path / "new"
    began = time.time_ns() // 1_000_000 - 600_000
    devices = [Device(f"fridge-{number}", began) for number in range(3)]
    with Receiver() as receiver:
        facts = {"port": port, "url": f"{receiver.url}/alerts", "backups": backups, "key": public}
        settings.write_text(SETTINGS.format(data=data, **facts))
        with Box(settings) as box:
            # The first alert is told, and begins before the backup.
            for one in devices:
                one.measures(*[5.0] * 10, 9.0 if one is devices[0] else 5.0)
                one.sends(port)
            until(lambda: len(_told(receiver)) == 1, "the first alert is told", LONG)
            # A box without any makes one as it starts; one at a time is made.
            until(lambda: _backup_of(settings) is not None, "the first backup is made", LONG)
            file = holdwatch_json("backup", "-c", str(settings))["file"]

            # The second one begins after it, and is told too.
            devices[1].measures(*[5.0] * 5, 9.5)
            devices[1].sends(port)
            until(lambda: len(_told(receiver)) == 2, "the second alert is told", LONG)
            before = _told(receiver)

            # With a backlog, and nobody there to be told, the power goes.
            receiver.status = 503
            devices[2].measures(*[5.0] * 10, 9.9)
            for one in devices:
                one.sends(port)
            box.kill()
        receiver.status, calls = 200, len(receiver.calls)

        secret = str(tmp_path / "secret.txt")
        restored = holdwatch_json("restore", file, "--key", secret, "--to", str(new))
        assert restored["readings"] == 33
        other = tmp_path / "other.toml"
        other.write_text(SETTINGS.format(data=new, **facts))
        with Box(other):
            for one in devices:
                one.sends(port)
            until(lambda: len(_told(receiver, calls)) == 2, "what the copy lacked is told", LONG)
            name = holdwatch_json("identity", "show", "-c", str(other))["box"]
            assert name == restored["box"]
        told = _told(receiver)

    assert len(told) == 3
    assert all(len(ids) == 1 for ids in told.values()), "a repetition has the same id"
    assert {alert: told[alert] for alert in before} == before
    assert _alerts(new) == set(told)
    expected = sorted(
        (one.name, began + 1_000 * number) for one in devices for number in range(one.acknowledged)
    )
    assert _stored(new) == expected, "nothing is missing, and nothing is there twice"
