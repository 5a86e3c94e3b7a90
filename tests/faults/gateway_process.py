"""Runs the gateway as people do, with a fault built in:  gateway_process [faults] run -c FILE.

Builds that are broken on purpose:

--acknowledge-early    it acknowledges before the commit
--forget-held          which QoS 2 messages it holds is not written down
--trip-over-packets    it does not expect a wrong packet
--wait-for-ever        it has no deadline for a CONNECT
--trust-everybody      whoever speaks may speak for every device, and see every alert
--move-early           what is on its way to InfluxDB counts as there, and nothing is sent again
--drop-refused         what InfluxDB refuses is dropped, with all that was sent together with it
--believe-the-clock    the machine's clock is right, whatever it says
--forget-at-reload     what the rules know is forgotten when settings are loaded anew
--send-elsewhere       a reading that is sent to InfluxDB again gets another time

Faults around it:

--slow-while FILE      while FILE exists, every sync of the disk takes 200 ms longer
--fail-while FILE      while FILE exists, nothing can be written or synced

--hurried              what waits for seconds or a minute beside InfluxDB waits for a tenth as long
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw

from devices.reading import DeviceKey, Reading
from gateway import follow
from gateway.cli.main import main
from gateway.clock import Clock
from gateway.influxdb import copies, refill
from gateway.influxdb.delivery import Delivery
from gateway.influxdb.lines import Lines
from gateway.influxdb.server import Answer, Server, Verdict
from gateway.influxdb.sink import Sink
from gateway.ingest import Ingest
from gateway.listener.client import Client
from gateway.listener.principal import Principal
from gateway.listener.sessions import Session, Sessions
from gateway.mqtt.codec import PacketReader, ProtocolError
from gateway.mqtt.link import Link
from gateway.mqtt.packets import Packet
from rules.engine import Engine
from rules.transition import Transition

REAL = apsw.vfs_names()[0]
"""The default before there is another."""
DELAY = 0.2
"""Seconds."""


class FailingDisk(apsw.VFS):
    """The default disk of the process, slow or failing."""

    def __init__(self, slow_while: Path | None, fail_while: Path | None) -> None:
        self.slow_while = slow_while
        self.fail_while = fail_while
        super().__init__("failing", REAL, makedefault=True, iVersion=3)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: ANN401, N802 - apsw's
        return _File(self, name, flags)

    def check(self) -> None:
        if self.fail_while is not None and self.fail_while.exists():
            raise apsw.IOError("the disk fails")


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:  # noqa: ANN401 - apsw's
        super().__init__(REAL, name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's
        self._disk.check()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's
        self._disk.check()
        if self._disk.slow_while is not None and self._disk.slow_while.exists():
            time.sleep(DELAY)
        super().xSync(flags)


def acknowledge_early() -> None:
    """It acknowledges what it has only in memory."""
    expect = Ingest._expect

    def broken(self: Ingest, link: Link, packet_ids: list[int]) -> None:
        link.acknowledge(link.generation, packet_ids)
        expect(self, link, [])

    Ingest._expect = broken  # type: ignore[method-assign]  # broken on purpose


def forget_held() -> None:
    """After a crash it takes QoS 2 messages for new ones."""

    hold = Sessions.hold

    def broken(self: Sessions, session: Session, packet_id: int) -> None:
        """Hold it in memory alone: what would be written is dropped."""
        hold(self, session, packet_id)

    Sessions.hold = broken  # type: ignore[method-assign]  # broken on purpose


def trip_over_packets() -> None:
    """A wrong packet is a mistake of ours."""
    feed = PacketReader.feed

    def broken(self: PacketReader, data: bytes) -> list[Packet]:
        try:
            return feed(self, data)
        except ProtocolError as error:
            raise RuntimeError(error.detail) from error

    PacketReader.feed = broken  # type: ignore[method-assign]  # broken on purpose


def wait_for_ever() -> None:
    """Whoever connects may say nothing for as long as it likes."""

    def broken(self: Client, now: float) -> None:
        """Look at nothing."""

    Client.check = broken  # type: ignore[method-assign]  # broken on purpose


def trust_everybody() -> None:
    """A credential says who it is, and not what it may."""

    def broken(self: Principal, device: DeviceKey) -> bool:  # noqa: ARG001 - as what it stands for
        return True

    Principal.may_speak_for = Principal.may_see = broken  # type: ignore[method-assign]  # broken on purpose


def move_early() -> None:
    """The cursor moves when lines leave, and not when the server has them.

    What a server took last before it broke down is not sent again either: that would mend it.
    """
    refill.LAST = 0
    take_off = Sink._take_off

    def broken(self: Sink) -> None:
        take_off(self)
        self.sent = self.cursor

    Sink._take_off = broken  # type: ignore[method-assign]  # broken on purpose


def drop_refused() -> None:
    """A refusal is the end of it, as where nobody looks which line was bad."""
    write = Delivery._write

    async def broken(self: Delivery, lines: Sequence[bytes]) -> Answer:
        answer = await write(self, lines)
        return Answer(Verdict.WRITTEN) if answer.verdict is Verdict.REFUSED else answer

    Delivery._write = broken  # type: ignore[method-assign]  # broken on purpose


def send_elsewhere() -> None:
    """Below the ms, a point's time is told by when it is sent."""
    of_readings, numbers = Lines.of_readings, itertools.count()

    def broken(self: Lines, readings: Sequence[Reading]) -> list[bytes]:
        return [
            line[:-6] + b"%06d" % (next(numbers) % 1_000_000)
            for line in of_readings(self, readings)
        ]

    Lines.of_readings = broken  # type: ignore[method-assign]  # broken on purpose


def believe_the_clock() -> None:
    """What the machine says is the time."""

    def broken(self: Clock) -> int:
        return self._wall()

    Clock._best = broken  # type: ignore[method-assign]  # broken on purpose


def forget_at_reload() -> None:
    """Rules begin anew with each device."""

    def broken(self: Engine, device: DeviceKey) -> list[Transition]:
        self._subjects.pop(device)
        return []

    Engine.renew = broken  # type: ignore[method-assign]  # broken on purpose


BROKEN = (
    acknowledge_early,
    forget_held,
    trip_over_packets,
    wait_for_ever,
    trust_everybody,
    move_early,
    drop_refused,
    send_elsewhere,
    believe_the_clock,
    forget_at_reload,
)


def hurry() -> None:
    """Wait for no time that a test has not."""
    for module in (follow, refill):
        for name, seconds in (("FIRST_DELAY", 0.05), ("LONGEST_DELAY", 0.3)):
            setattr(module, name, seconds)
    refill.LOOK = copies.KEEP = 0.1
    inits: tuple[Any, ...] = (Sink.__init__, Server.__init__)
    for init, name, seconds in zip(inits, ("linger", "timeout"), (0.05, 0.5), strict=True):
        init.__kwdefaults__[name] = seconds  # what it is where nothing is said


def _option(broken: Callable[[], None]) -> str:
    return "--" + broken.__name__.replace("_", "-")


def start() -> None:
    parser = argparse.ArgumentParser()
    for one in BROKEN:
        parser.add_argument(_option(one), dest="broken", action="append_const", const=one)
    parser.add_argument("--slow-while", type=Path)
    parser.add_argument("--fail-while", type=Path)
    parser.add_argument("--hurried", action="store_true")
    faults, rest = parser.parse_known_args()
    for one in faults.broken or ():
        one()
    if faults.hurried:
        hurry()
    if faults.slow_while or faults.fail_while:
        # Kept as long as the process lives.
        sys.modules["gateway"].failing_disk = FailingDisk(  # type: ignore[attr-defined]
            faults.slow_while, faults.fail_while
        )
    sys.argv[1:] = rest
    main()


if __name__ == "__main__":
    start()
