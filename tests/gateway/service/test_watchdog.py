"""Pings come while the gateway works, and stop when any part of what it must do hangs."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.service.notify_socket import NotifySocket
from gateway.service.watchdog import COMMITTED, JUDGED, Progress, Watchdog
from gateway.settings import parse
from tests.gateway.parts import NOW, ToldClock, said

SETTINGS = (
    '[gateway]\nbox = "box"\ndata = "{folder}"\n[[listeners]]\nport = {port}\nanonymous = true'
)
WITHIN = 10.0


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(WITHIN)
        yield made


def told_to(folder: Path, within: str = "200000") -> NotifySocket:
    environment = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": within}
    return NotifySocket(environment, 1)


def heard(systemd: socket.socket) -> list[bytes]:
    """Return all that was said until now."""
    systemd.settimeout(0)
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(systemd.recv(1000))
    return found


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway with its files and no network, which is not running."""
    settings = parse(SETTINGS.format(folder=tmp_path / "data", port=1883))
    made = await asyncio.to_thread(Gateway, settings, join=False)
    made.clock = ToldClock()
    await made.compose()
    yield made
    made.close()


def passes(gateway: Gateway, length: int) -> int:
    """Let so many ms pass; return what the monotonic clock then says."""
    assert isinstance(gateway.clock, ToldClock)
    gateway.clock.passes(length)
    return gateway.clock.monotonic()


@pytest.mark.parametrize(
    ("looks", "hangs"),
    [
        ([(0, 0, 0), (0, 0, 10 * JUDGED)], False),
        ([(0, 5, 0), (0, 5, JUDGED - 1)], False),
        ([(0, 5, 0), (0, 5, JUDGED)], True),
        ([(0, 5, 0), (1, 5, JUDGED), (2, 9, 2 * JUDGED)], False),
        ([(0, 0, 0), (0, 5, JUDGED), (0, 9, 2 * JUDGED - 1)], False),
        ([(5, 5, 0), (5, 9, 1), (5, 9, JUDGED + 1)], True),
    ],
)
def test_who_is_behind_and_stands_still_hangs(
    looks: list[tuple[int, int, int]], *, hangs: bool
) -> None:
    progress = Progress()
    found = [progress.hangs(*look) for look in looks]
    assert found == [False] * (len(looks) - 1) + [hangs]


async def test_an_intake_that_does_not_commit_stops_the_pings(
    gateway: Gateway, systemd: socket.socket, tmp_path: Path
) -> None:
    # Nobody runs its task: what is to be written stays so.
    watchdog = Watchdog(gateway, told_to(tmp_path))
    watchdog.look()
    assert systemd.recv(1000).startswith(b"WATCHDOG=1")
    passes(gateway, COMMITTED)
    watchdog.look()
    assert systemd.recv(1000).startswith(b"WATCHDOG=1")
    passes(gateway, gateway.settings.journal.commit_interval)
    watchdog.look()
    assert heard(systemd) == []


async def test_an_intake_that_commits_is_well_however_seldom_something_comes(
    gateway: Gateway, tmp_path: Path
) -> None:
    running = asyncio.create_task(gateway.ingest.run())
    watchdog = Watchdog(gateway, told_to(tmp_path))
    for _ in range(3):
        assert watchdog.stuck(passes(gateway, 2 * COMMITTED)) is None
        await asyncio.wait_for(gateway.ingest.store([]), WITHIN)
    running.cancel()


async def test_who_does_not_judge_what_has_come_stops_the_pings(
    gateway: Gateway, tmp_path: Path
) -> None:
    running = asyncio.create_task(gateway.ingest.run())
    await asyncio.wait_for(gateway.ingest.store([said(at=NOW)]), WITHIN)
    watchdog = Watchdog(gateway, told_to(tmp_path))
    found = []
    for _ in range(4):
        found.append(watchdog.stuck(passes(gateway, JUDGED // 3)))
        await asyncio.wait_for(gateway.ingest.store([]), WITHIN)
    assert found == [None, None, None, "monitor"]
    running.cancel()


async def test_a_disk_that_takes_nothing_is_no_reason_to_start_anew(
    gateway: Gateway, tmp_path: Path
) -> None:
    watchdog = Watchdog(gateway, told_to(tmp_path))
    assert watchdog.stuck(gateway.clock.monotonic()) is None
    gateway.ingest.problem = "no space left"
    assert watchdog.stuck(passes(gateway, 10 * COMMITTED)) is None
    # And when it takes writes again, the time begins anew.
    gateway.ingest.problem = None
    assert watchdog.stuck(passes(gateway, 1)) is None


def test_a_gateway_tells_its_life_and_a_hung_loop_is_silent(
    tmp_path: Path, systemd: socket.socket
) -> None:
    """A whole gateway on a thread, whose event loop is then held up as an endless call would."""
    settings = parse(f'[gateway]\nbox = "box"\ndata = "{tmp_path / "data"}"\n')
    made, hung, free = threading.Event(), threading.Event(), threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    gateways: list[Gateway] = []

    async def live() -> None:
        gateway = Gateway(settings)
        gateway.watchdog = Watchdog(gateway, told_to(tmp_path))
        await gateway.compose()
        loops.append(asyncio.get_running_loop())
        gateways.append(gateway)
        made.set()
        try:
            await gateway.run()
        finally:
            gateway.close()

    def hang() -> None:
        hung.set()
        free.wait(WITHIN)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    assert made.wait(WITHIN)
    assert systemd.recv(1000).startswith(b"READY=1\nSTATUS=box: 0 received")
    assert systemd.recv(1000).startswith(b"WATCHDOG=1")
    assert systemd.recv(1000).startswith(b"WATCHDOG=1")

    loops[0].call_soon_threadsafe(hang)
    assert hung.wait(WITHIN)
    heard(systemd)  # what it said before
    systemd.settimeout(0.5)  # ten times the time between two pings
    with pytest.raises(TimeoutError):
        systemd.recv(1000)
    free.set()
    systemd.settimeout(WITHIN)
    assert systemd.recv(1000).startswith(b"WATCHDOG=1")

    loops[0].call_soon_threadsafe(gateways[0].stop)
    thread.join(WITHIN)
    assert not thread.is_alive()
    assert any(one.startswith(b"STOPPING=1") for one in heard(systemd))
