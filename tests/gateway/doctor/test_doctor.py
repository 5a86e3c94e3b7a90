"""Each check of the doctor finds what is wrong, and is content with what is right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.doctor import certificates, connections, folder, machine, stored
from gateway.doctor.case import Case, Check, Finding, Machine
from gateway.doctor.checks import CHECKS, examine
from gateway.listener.authority import Authority
from gateway.listener.certificates import validity
from gateway.settings import parse
from tests.broker import Broker, free_port
from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH
from tests.gateway.http_receiver import Receiver
from tests.gateway.web.running import RunningPage

WELL: dict[str, Any] = {
    "unwell": None,
    "clock_trusted": True,
    "disk": {"problem": None, "warned": False, "step": None, "free": 9e9, "says": "full soon"},
    "channels": [],
    "heartbeats": [],
    "codecs": {"problem": None},
    "backup": None,
}
DAY = 86_400_000


class Patient:
    """A gateway in a folder, and the machine around it, both of which may be ill."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self.data.mkdir(mode=0o700)
        (self.data / "journal.db").touch(0o600)
        self.root = path / "root"
        self.settings = ""
        self.running: dict[str, Any] | None = dict(WELL)
        self.synchronised: bool | None = True
        self.said: str | None = None
        self.now = time.time_ns() // 1_000_000

    def has(self, path: str, text: str) -> None:
        """Put a file of the system there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def tells(self, **facts: Any) -> None:  # noqa: ANN401 - parts of an answer
        """Let the running gateway say this."""
        self.running = {**WELL, **facts}

    def look(self, check: Check) -> list[Finding]:
        text = f'[gateway]\ndata = "{self.data}"\n{self.settings}'
        case = Case(
            settings=parse(text, folder=self.path),
            now=self.now,
            running=self.running,
            machine=Machine(self.root, lambda: self.synchronised, lambda _command: self.said),
        )
        return list(check(case))


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def mounted(kind: str, modes: str = "rw") -> Callable[[Patient], None]:
    def make(patient: Patient) -> None:
        line = f"36 35 98:0 / {{}} {modes},noatime shared:1 - {kind} /dev/root rw"
        lines = [
            "25 1 8:1 / / rw - ext4 /dev/sda1 rw",
            line.format(patient.path),
            "99 1 0:9 / /data rw - tmpfs tmpfs rw",
        ]
        patient.has("proc/self/mountinfo", "\n".join(lines))

    return make


def tells(**facts: Any) -> Callable[[Patient], None]:  # noqa: ANN401 - parts of an answer
    return lambda patient: patient.tells(**facts)


def has(path: str, text: str) -> Callable[[Patient], None]:
    return lambda patient: patient.has(path, text)


def says(settings: str) -> Callable[[Patient], None]:
    def say(patient: Patient) -> None:
        patient.settings = settings

    return say


def stopped(patient: Patient) -> None:
    patient.running = None


def no_time_server(patient: Patient) -> None:
    patient.synchronised = False


def nothing(_patient: Patient) -> None:
    """Leave all as it is."""


def both(*makes: Callable[[Patient], None]) -> Callable[[Patient], None]:
    def make(patient: Patient) -> None:
        for one in makes:
            one(patient)

    return make


def unit(active: str = "active", enabled: str = "enabled", restarts: int = 0) -> Any:  # noqa: ANN401 - a maker
    def make(patient: Patient) -> None:
        (patient.root / "run/systemd/system").mkdir(parents=True)
        patient.said = (
            f"LoadState=loaded\nActiveState={active}\nUnitFileState={enabled}\n"
            f"NRestarts={restarts}\n"
        )

    return make


def root_leaves_a_file(patient: Patient) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(patient.data, 12_345, 12_345)


def memory(left: int, swapped: int = 0) -> Callable[[Patient], None]:
    return has(
        "proc/meminfo",
        f"MemTotal: 900000 kB\nMemAvailable: {left} kB\nSwapTotal: 500000 kB\n"
        f"SwapFree: {500_000 - swapped} kB\n",
    )


ZONE = "sys/class/thermal/thermal_zone0/temp"
BACKED = '[backup]\nfolder = "/elsewhere"'
KEPT = {"problem": None, "last": 0, "next": 0}
DISK = WELL["disk"]


@pytest.mark.parametrize(
    ("check", "make", "state", "words"),
    [
        (machine.running, nothing, "ok", "does its work"),
        (machine.running, stopped, "problem", "not running"),
        (machine.running, tells(unwell="no disk"), "problem", "no disk"),
        (folder.settings, nothing, "ok", "settings are right"),
        (
            folder.settings,
            says('[[listeners]]\nhost = "0.0.0.0"\nunencrypted = true'),
            "advice",
            "in the clear",
        ),
        (folder.ownership, nothing, "ok", "alone"),
        (folder.ownership, lambda one: shutil.rmtree(one.data), "problem", "not there"),
        (folder.ownership, lambda one: one.data.chmod(0o755), "problem", "may look into"),
        (
            folder.ownership,
            lambda one: (one.data / "journal.db").chmod(0o644),
            "problem",
            "others on this machine may read",
        ),
        (folder.ownership, root_leaves_a_file, "problem", "belongs to root, and the folder to"),
        (folder.file_system, mounted("ext4"), "ok", "/dev/root (ext4)"),
        (folder.file_system, mounted("tmpfs"), "problem", "lies in memory"),
        (folder.file_system, mounted("nfs4"), "problem", "another machine"),
        (folder.file_system, mounted("overlay"), "advice", "container"),
        (folder.file_system, mounted("ext4", "ro"), "problem", "only be read"),
        (
            folder.file_system,
            both(mounted("ext4"), has("sys/fs/ext4/root/errors_count", "3\n")),
            "problem",
            "noted 3 errors",
        ),
        (folder.room, nothing, "ok", "GB are free"),
        (folder.room, tells(disk=DISK | {"problem": "no room"}), "problem", "no room"),
        (folder.room, tells(disk=DISK | {"warned": True}), "advice", "full soon"),
        (folder.room, stopped, "ok", "MB are free"),
        (
            folder.room,
            both(stopped, says('[disk]\nminimum_free = "900 TB"')),
            "problem",
            "must stay",
        ),
        (folder.syncs, lambda one: shutil.rmtree(one.data), "problem", "nothing can be written"),
        (machine.clock, nothing, "ok", "by a time server"),
        (machine.clock, no_time_server, "advice", "no time server"),
        (machine.clock, tells(clock_trusted=False), "problem", "not trusted"),
        (machine.memory, memory(600_000), "ok", "600 MB"),
        (machine.memory, memory(150_000), "advice", "150 MB"),
        (machine.memory, memory(50_000), "problem", "50 MB"),
        (machine.memory, memory(600_000, swapped=300_000), "advice", "swap"),
        (machine.heat, has(ZONE, "45000\n"), "ok", "45 °C"),
        (machine.heat, has(ZONE, "72000\n"), "advice", "72 °C"),
        (machine.heat, has(ZONE, "85000\n"), "problem", "85 °C"),
        (machine.heat, has(machine.THROTTLED, "50005\n"), "problem", "too weak"),
        (machine.heat, has(machine.THROTTLED, "40000\n"), "advice", "slowed down"),
        (machine.program, nothing, "ok", "SQLite 3."),
        (machine.service, unit(), "ok", "active"),
        (machine.service, unit(active="failed"), "problem", "failed"),
        (machine.service, unit(enabled="disabled"), "problem", "does not start with"),
        (machine.service, unit(restarts=4), "advice", "4 times"),
        (stored.backup, nothing, "advice", "no backups"),
        (
            stored.backup,
            both(says(BACKED), lambda one: one.tells(backup=KEPT | {"last": one.now - DAY})),
            "ok",
            "1 day",
        ),
        (stored.backup, both(says(BACKED), tells(backup=KEPT | {"last": None})), "advice", "yet"),
        (stored.backup, both(says(BACKED), tells(backup=KEPT | {"problem": "x"})), "problem", "x"),
        (
            stored.backup,
            both(says(BACKED), lambda one: one.tells(backup=KEPT | {"next": one.now})),
            "problem",
            "old",
        ),
        (stored.codecs, tells(codecs={"problem": "it hangs"}), "problem", "it hangs"),
        (
            connections.people,
            tells(channels=[{"name": "mail", "failing": 1, "problem": "refused"}]),
            "problem",
            "channel mail fails: refused",
        ),
        (connections.people, nothing, "advice", "when this machine dies"),
    ],
)
def test_a_check_finds_what_is_wrong_and_is_content_with_what_is_right(
    patient: Patient, check: Check, make: Callable[[Patient], object], state: str, words: str
) -> None:
    make(patient)
    found = patient.look(check)
    assert any(one.state == state and words in one.words for one in found), found
    assert all(one.cure for one in found if one.state != "ok")
    if state == "ok":
        assert {one.state for one in found} == {"ok"}


def test_an_old_sqlite_is_told(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apsw.sqlite_lib_version", lambda: "3.40.1")
    assert patient.look(machine.program)[0].state == "problem"


def test_the_disk_is_really_written_and_nothing_stays(patient: Patient) -> None:
    before = sorted(patient.data.iterdir())
    took = folder.measure(patient.data, 5)
    assert len(took) == 5
    assert min(took) > 0
    assert sorted(patient.data.iterdir()) == before


@pytest.mark.parametrize(
    ("median", "slowest", "state"),
    [
        (0.001, 0.02, "ok"),
        (0.01, 0.2, "advice"),
        (0.01, 0.8, "problem"),
        (1e-6, 1e-5, "problem"),
    ],
)
def test_times_of_the_disk_are_judged(median: float, slowest: float, state: str) -> None:
    assert folder.judged(median, slowest).state == state


def with_certificate(patient: Patient) -> tuple[Path, Path]:
    """Give the page a certificate; return its file, and that of its key."""
    place, now = patient.path / "tls", datetime.fromtimestamp(patient.now / 1000, UTC)
    place.mkdir()
    issued = Authority.make(place, now, "here").server(["localhost", "gate.example"], now)
    patient.settings = (
        f'[web]\ntls = {{ certificate = "{issued.certificate}", key = "{issued.key}" }}\n'
    )
    return issued.certificate, issued.key


@pytest.mark.parametrize(
    ("later", "state", "words"),
    [(0, "ok", "is good for"), (700 * DAY, None, "ends in"), (9_000 * DAY, "problem", "has ended")],
)
def test_a_certificate_is_told_of_before_it_ends(
    patient: Patient, later: int, state: str | None, words: str
) -> None:
    certificate, _ = with_certificate(patient)
    ends = validity(certificate)[1]
    patient.now = ends - 5 * DAY if state is None else patient.now + later
    found = patient.look(certificates.certificates)
    assert any(one.state == (state or "advice") and words in one.words for one in found), found
    assert any("authority's key lies beside it" in one.words for one in found)


def test_a_key_that_others_may_read_is_told(patient: Patient) -> None:
    _, key = with_certificate(patient)
    assert not any("private key" in one.words for one in patient.look(certificates.certificates))
    key.chmod(0o644)
    assert any(
        one.state == "problem" and f"chmod 600 {key}" in one.cure
        for one in patient.look(certificates.certificates)
    )


def test_a_broker_is_really_joined_and_its_rights_are_seen(patient: Patient) -> None:
    acl = patient.path / "acl"
    acl.write_text("topic read cargo/#\n")
    with Broker(patient.path, f"acl_file {acl}") as broker:
        patient.settings = f'[[brokers]]\nname = "main"\nhost = "127.0.0.1"\nport = {broker.port}\n'
        (found,) = patient.look(connections.brokers)
        assert (found.state, "max_queued_messages" in found.words) == ("ok", True)
    (found,) = patient.look(connections.brokers)
    assert found.state == "problem"
    assert "lets us not in" in found.words


def test_services_are_reached_and_nothing_is_sent_to_them(patient: Patient) -> None:
    with Receiver() as receiver:
        patient.settings = (
            f'[[heartbeats]]\nurl = "{receiver.url}/x"\n'
            f'[[heartbeats]]\nname = "gone"\nurl = "http://127.0.0.1:{free_port()}/secret"\n'
        )
        found = patient.look(connections.people)
        assert receiver.calls == []
    told = {one.state: one.words for one in found if "heartbeat" in one.words}
    assert "heartbeat heartbeat: 127.0.0.1" in told["ok"]
    assert "heartbeat gone: 127.0.0.1" in told["problem"]
    assert not any("secret" in one.words for one in found)


def test_an_influxdb_that_is_not_there_is_told(patient: Patient) -> None:
    patient.settings = f'[[influxdb]]\nurl = "http://127.0.0.1:{free_port()}"\n'
    (found,) = patient.look(connections.influxdb)
    assert found.state == "problem"
    assert found.cure


def test_a_check_that_may_not_look_is_a_finding(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    case = Case(
        settings=parse(f'[gateway]\ndata = "{patient.data}"'), now=patient.now, running=None
    )
    looked: list[str] = []
    found = dict(examine(case, looked.append, offline=True))
    assert "could not be looked at" in found["permissions"].words
    assert looked == [one.name for one in CHECKS if not one.connects]


def test_the_whole_of_a_gateway_that_runs(tmp_path: Path) -> None:
    with RunningPage(tmp_path) as page:
        found = json.loads(holdwatch_any("doctor", "--json", "-c", str(page.settings)))
        told = {one["about"]: one for one in found}
        assert told["gateway"]["state"] == "ok"
        assert told["permissions"]["state"] == "ok"
        assert told["disk"]["words"].startswith("the disk ")
        answers = [one["words"] for one in found if one["about"] == "ports"]
        assert answers == [
            f"[[listeners]] 127.0.0.1:{page.mqtt} answers",
            f"[web] 127.0.0.1:{page.web} answers",
        ]
    shown = holdwatch_any("doctor", "--offline", "-c", str(page.settings))
    assert "✗ gateway: the gateway is not running" in shown
    assert "▸ holdwatch run" in shown
    assert "to mend" in shown.splitlines()[-1]
    assert "ports" not in shown


def holdwatch_any(*arguments: str) -> str:
    """Run a command that may end with 0 or 1, and return what it printed."""
    done = subprocess.run(
        [*HOLDWATCH, *arguments], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout
