"""Row 10: a crowd of half-open, slow and deaf clients; real devices keep their rate.

The crowd connects again whenever it is turned away. Real devices are heard at their pace all the
while, and others come anew.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from gateway.listener.authority import Authority
from tests.broker import free_port
from tests.faults import wire
from tests.faults.crowd import Crowd
from tests.faults.running import PATIENCE, Running, until
from tests.faults.sensors import Kind, Sensors
from tests.faults.standin import Sent, payload

RATE = 200
"""Messages a second of the real devices."""
KEPT = 0.95
"""Of that rate."""
MEMORY = 250 * 10**6
DEVICES = (Kind(1, 4), Kind(1, 5), Kind(2, 4), Kind(1, 4))
DEADLINE = 1.0
"""Seconds that the gateway waits for a CONNECT."""
SLACK = 4.0
"""Seconds by which it may be late on a busy machine."""
NEWCOMERS = 0.1
"""Seconds between them."""
SETTINGS = """\
[[listeners]]
port = {port}
anonymous = true

[[listeners]]
port = {tls_port}
anonymous = true
[listeners.tls]
certificate = "{folder}/tls/server.pem"
key = "{folder}/tls/server.key"

[clients]
connect_within = "1 s"
"""


class Besieged(NamedTuple):
    """What came of it. Times are in seconds, memory in bytes."""

    kept: float
    """Of the rate of real devices: what was acknowledged meanwhile."""
    slowest: float
    """The longest that a newcomer took from its connection to its first PUBACK."""
    again: int
    """How many newcomers were turned away and had to try again."""
    newcomers: int
    memory: int
    longest: float
    """That a half-open connection lasted."""
    turned_away: int
    wrong: list[str]

    def __str__(self) -> str:
        return (
            f"{100 * self.kept:.1f} % of the rate kept; {self.newcomers} newcomers got in, "
            f"the slowest in {self.slowest:.2f} s, {self.again} of them after another attempt; "
            f"half-open ones closed within {self.longest:.1f} s ({self.turned_away} in all), "
            f"peak memory {self.memory / 10**6:.0f} MB"
        )


async def besieged(
    folder: Path, count: int, seconds: float, *faults: str, slack: float = SLACK
) -> Besieged:
    """Let a crowd of `count` come for so long; `slack` is how late its end may be."""
    now = datetime.now(UTC)
    Authority.make(folder / "tls", now, "test").server(("localhost",), now)
    tls_port = free_port()
    ways = SETTINGS.replace("{tls_port}", str(tls_port)).replace("{folder}", str(folder))
    gateway = Running(folder, free_port(), *faults, ways=ways)
    devices = Sensors(gateway.port, RATE, 20, kinds=DEVICES)
    crowd = Crowd(gateway.port, tls_port, count)
    gateway.start()
    try:
        await gateway.listens()
        await devices.start()
        await until(lambda: len(devices.acknowledged) > RATE, "they publish")
        await crowd.start()
        before, began = len(devices.acknowledged), time.monotonic()
        newcomers = await _newcomers(gateway.port, seconds)
        kept = (len(devices.acknowledged) - before) / RATE / (time.monotonic() - began)
        wrong = _never_closed(crowd, slack)
        memory = gateway.peak_memory()
        turned_away = sum(len(one) for one in crowd.lasted.values())
        longest = max((max(one) for one in crowd.lasted.values()), default=0.0)
        await crowd.stop()
        devices.sending = False
        await until(lambda: not devices.unacknowledged, "everything is acknowledged")
        gateway.stop()
    finally:
        gateway.kill()
        await devices.stop()
    if longest > DEADLINE + slack:
        wrong.append(f"a half-open connection lasted {longest:.1f} s")
    log = gateway.log.read_text()
    wrong += [log[-2000:]] if "Traceback" in log else []
    return Besieged(
        kept=kept,
        slowest=max(one for one, _ in newcomers),
        again=sum(attempts > 1 for _, attempts in newcomers),
        newcomers=len(newcomers),
        memory=memory,
        longest=longest,
        turned_away=turned_away,
        wrong=wrong,
    )


def _never_closed(crowd: Crowd, slack: float) -> list[str]:
    now = asyncio.get_running_loop().time()
    return [
        f"{kind}: open for {now - since:.1f} s"
        for kind, since in crowd.open.values()
        if now - since > DEADLINE + slack
    ]


async def _newcomers(port: int, seconds: float) -> list[tuple[float, int]]:
    """Have devices connect anew and publish; return how long each took, and how many attempts."""
    end = time.monotonic() + seconds
    found: list[tuple[float, int]] = []
    while time.monotonic() < end:
        began, attempts = time.monotonic(), 1
        async with asyncio.timeout(PATIENCE):
            while not await _gets_in(port, len(found)):
                attempts += 1
                await asyncio.sleep(NEWCOMERS)
        found.append((time.monotonic() - began, attempts))
        await asyncio.sleep(NEWCOMERS)
    return found


async def _gets_in(port: int, number: int) -> bool:
    """Connect and publish; say whether that was acknowledged."""
    device = Sent(f"d-new-{number}", 0)
    body = payload(device, time.time_ns() // 1_000_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(wire.login(device.device, 4, clean=True))
        if await reader.read(4) != b"\x20\x02\0\0":
            return False
        writer.write(wire.publish(f"cargo/site/{device.device}/readings", 1, body, 4))
        assert await reader.readexactly(4) == wire.answer(wire.PUBACK, 1)
        writer.write(wire.packet(wire.DISCONNECT, b""))
    except ConnectionError:
        return False
    finally:
        writer.close()
    return True


async def test_real_devices_keep_their_rate_among_half_open_slow_and_deaf_clients(
    tmp_path: Path, *, long_run: bool
) -> None:
    count, seconds = (2_000, 45.0) if long_run else (200, 4.0)
    found = await besieged(tmp_path, count, seconds)
    print(found)  # noqa: T201 - the report
    assert found.wrong == []
    assert found.kept >= KEPT
    assert found.turned_away >= count // 2, "the crowd did not come"
    assert found.memory <= MEMORY


async def test_a_build_without_a_deadline_is_caught(tmp_path: Path) -> None:
    found = await besieged(tmp_path, 24, DEADLINE + 2.0, "--wait-for-ever", slack=1.0)
    assert found.wrong
