"""Row 3: in a full trace, no PUBACK or PUBREC leaves before the sync that covers its message.

Every message carries a temperature of its own, whose eight bytes are found again in what is
written into the WAL. So for each message the trace tells: the write that holds it, the sync of
that file which ended after it, and when the answer to its packet id began to leave.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import struct
import subprocess
import time
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import aiomqtt
import pytest

from tests.broker import Broker, free_port
from tests.faults import wire
from tests.faults.running import JOINED, LISTENING, WAYS, Running, until

MESSAGES = 300
PACE = 0.005
"""Seconds between messages."""
TRACED = "fdatasync,fsync,pwrite64,sendto,sendmsg,write,writev,recvfrom,read,recvmsg"
CALL = re.compile(r"(\d+) +(?:(\w+)\(|<\.\.\. (\w+) resumed>)(.*)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
FIRST = 2.0


class Call(NamedTuple):
    """A system call: which, on what, with which bytes, and its lines in the trace."""

    name: str
    file: str
    data: bytes
    began: int
    ended: int


def calls(trace: Path) -> Iterator[Call]:
    """Read a trace, and join what strace had to break in two."""
    open_calls: dict[str, tuple[int, str]] = {}
    for line, text in enumerate(trace.read_text().splitlines()):
        match = CALL.match(text)
        if match is None:
            continue
        thread, name, resumed, rest = match.groups()
        began = line
        if rest.endswith("<unfinished ...>"):
            open_calls[thread] = (line, rest)
            continue
        if resumed:
            began, first = open_calls.pop(thread)
            name, rest = resumed, first + rest
        if " = -1" in rest or " = ?" in rest:
            continue
        file, _, arguments = rest.partition(">, ") if ">, " in rest else rest.partition(">)")
        data = b"".join(
            bytes.fromhex(found.replace("\\x", "")) for found in TEXT.findall(arguments)
        )
        yield Call(name, unescape(file), data, began, line)


def unescape(file: str) -> str:
    """`7</a/b` as strace writes it with -xx."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda one: chr(int(one[1], 16)), file)


def value(number: int) -> float:
    return FIRST + number / 1000


class Trace:
    """What a trace tells of each message."""

    def __init__(self, trace: Path, port: int) -> None:
        self.received: dict[int, int] = {}
        """Message → its packet id."""
        self.written: dict[int, int] = {}
        """Message → where its write to the WAL ended."""
        self.synced: list[tuple[int, int]] = []
        """Where syncs of the WAL began and ended."""
        self.left: dict[int, int] = {}
        """Message → where its PUBACK or PUBREC began to leave."""
        self.answers: Counter[int] = Counter()
        """How many of each kind."""
        self._version = 5
        self._waiting: dict[int, deque[int]] = {}
        self._wanted = {struct.pack("<d", value(n)): n for n in range(MESSAGES)}
        incoming, outgoing = wire.Stream(), wire.Stream()
        ours = self._connection(trace, port)
        for call in calls(trace):
            if call.file == ours and call.name in {"recvfrom", "recvmsg", "read"}:
                self._receive(incoming.feed(call.data))
            elif call.file == ours:
                self._leave(outgoing.feed(call.data), call.began)
            elif "journal.db-wal" in call.file and call.name == "pwrite64":
                self._write(call)
            elif "journal.db-wal" in call.file:
                assert call.name in {"fdatasync", "fsync"}
                self.synced.append((call.began, call.ended))

    @staticmethod
    def _connection(trace: Path, port: int) -> str:
        """The socket that subscribes, among those to the broker, or that a sensor has opened."""
        for call in calls(trace):
            if f"->127.0.0.1:{port}]" in call.file and call.data[:1] == b"\x82":
                return call.file
            if f"[127.0.0.1:{port}->" in call.file and call.data[:1] == b"\x10":
                return call.file
        raise AssertionError("the gateway neither subscribed nor was connected to")

    def _receive(self, packets: list[wire.Packet]) -> None:
        for packet in packets:
            if packet.kind == wire.CONNECT:
                self._version = wire.connect(packet).version
            elif packet.kind == wire.PUBLISH:
                found = wire.message(packet, self._version)
                number = json.loads(found.payload)["seq"]
                self.received[number] = found.packet_id
                self._waiting.setdefault(found.packet_id, deque()).append(number)

    def _leave(self, packets: list[wire.Packet], began: int) -> None:
        for packet in packets:
            if packet.kind in {wire.PUBACK, wire.PUBREC}:
                self.answers[packet.kind] += 1
                self.left[self._waiting[wire.packet_id(packet)].popleft()] = began

    def _write(self, call: Call) -> None:
        for found, number in self._wanted.items():
            if number not in self.written and found in call.data:
                self.written[number] = call.ended

    def violations(self) -> list[str]:
        """Messages whose answer began to leave before a sync that covers them had ended."""
        wrong = []
        for number, left in self.left.items():
            written = self.written.get(number)
            if written is None:
                wrong.append(f"{number} was acknowledged and never written")
            elif not any(written < began and ended < left for began, ended in self.synced):
                wrong.append(f"{number} was acknowledged before it was synced")
        return wrong


async def trace(folder: Path, ways: str, *faults: str) -> Trace:
    """Publish into a traced gateway, through a real broker or straight, at QoS 1 and 2."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: apt-get install strace")
    allowed = subprocess.run(  # noqa: ASYNC221 - nothing else runs yet
        [strace, "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    if allowed.returncode:
        pytest.skip(f"strace may not trace here: {allowed.stderr.decode().strip()}")
    output = folder / "trace"
    around = (strace, "-f", "-yy", "-xx", "-s", "70000", "-e", f"trace={TRACED}", "-o", str(output))
    with Broker(folder) as broker:
        port = broker.port if ways == JOINED else free_port()
        gateway = Running(folder, port, *faults, ways=ways, around=around)
        gateway.start()
        await (gateway.joins() if ways == JOINED else gateway.listens())
        await publish(port, (1,) if ways == JOINED else (1, 2))
        await gateway.becomes(lambda status: status["received"] == MESSAGES, "all has arrived")
        await asyncio.sleep(0.2)
        # strace ends with what it traces.
        gateway.signal_inside()
        await until(lambda: not gateway.alive, "it ends")
        return Trace(output, port)


async def publish(port: int, qualities: tuple[int, ...]) -> None:
    """Publish all at a pace, however long the answers take; at each QoS in turn."""
    async with aiomqtt.Client("127.0.0.1", port) as client, asyncio.TaskGroup() as sending:
        client.pending_calls_threshold = MESSAGES
        for number in range(MESSAGES):
            sending.create_task(
                client.publish(
                    "cargo/site/d-1/readings",
                    payload(number),
                    qos=qualities[number % len(qualities)],
                )
            )
            await asyncio.sleep(PACE)


def payload(number: int) -> bytes:
    moment = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": moment, "temperature": value(number), "seq": number}).encode()


@pytest.mark.parametrize(
    ("ways", "answers"),
    [
        pytest.param(JOINED, {wire.PUBACK: MESSAGES}, id="broker"),
        pytest.param(
            LISTENING, {wire.PUBACK: MESSAGES // 2, wire.PUBREC: MESSAGES // 2}, id="listener"
        ),
    ],
)
async def test_no_puback_or_pubrec_leaves_before_the_sync_that_covers_its_message(
    tmp_path: Path, ways: str, answers: dict[int, int]
) -> None:
    found = await trace(tmp_path, ways)
    assert sorted(found.received) == list(range(MESSAGES))
    assert sorted(found.left) == list(range(MESSAGES))
    assert found.answers == answers
    assert len(found.synced) > 20, "at this pace they cannot all be one batch"
    assert found.violations() == []


@WAYS
async def test_a_build_that_acknowledges_before_its_commit_is_caught(
    tmp_path: Path, ways: str
) -> None:
    found = await trace(tmp_path, ways, "--acknowledge-early")
    wrong = found.violations()
    print(f"{len(wrong)} of {len(found.left)} answers left too early")  # noqa: T201 - the report
    assert len(wrong) > MESSAGES / 2
