"""What systemd hears, on a real socket of its kind."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.service.notify_socket import NotifySocket

PROCESS = 4711


@pytest.fixture(params=["a path", "a name in no file system"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """What systemd listens on, and how it names that to us."""
    address = str(tmp_path / "notify")
    if request.param != "a path":
        address = f"@holdwatch-{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(address.replace("@", "\0", 1))
        made.settimeout(5)
        yield made, address


def test_it_is_told_that_we_work_are_well_and_stop(systemd: tuple[socket.socket, str]) -> None:
    made, address = systemd
    ours = NotifySocket({"NOTIFY_SOCKET": address}, PROCESS)
    ours.ready("all is well")
    ours.ping("still\nwell")
    ours.stopping()
    told = [made.recv(1000).decode() for _ in range(3)]
    assert told[0] == "READY=1\nSTATUS=all is well"
    assert told[1] == "WATCHDOG=1\nSTATUS=still well"
    assert told[2].startswith("STOPPING=1\nSTATUS=Stopping")


def test_a_reload_is_dated_by_the_clock_that_systemd_counts_by(
    systemd: tuple[socket.socket, str],
) -> None:
    made, address = systemd
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    NotifySocket({"NOTIFY_SOCKET": address}, PROCESS).reloading()
    first, second = made.recv(1000).decode().splitlines()
    assert first == "RELOADING=1"
    name, _, at = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(at) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "60000000"}, 0.0),
        ({"NOTIFY_SOCKET": "/x"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "60000000"}, 60.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "4711"}, 60.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_how_soon_a_ping_must_come(environment: dict[str, str], watchdog: float) -> None:
    assert NotifySocket(environment, PROCESS).watchdog == watchdog


def test_who_is_not_there_or_does_not_listen_disturbs_nobody(tmp_path: Path) -> None:
    NotifySocket({}, PROCESS).ready("nobody asked")
    NotifySocket({"NOTIFY_SOCKET": str(tmp_path / "gone")}, PROCESS).ready("nobody is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        ours = NotifySocket({"NOTIFY_SOCKET": str(tmp_path / "deaf")}, PROCESS)
        for _ in range(2000):  # more than the kernel keeps for it
            ours.ping("nobody reads")
        assert deaf.recv(1000).startswith(b"WATCHDOG=1")
