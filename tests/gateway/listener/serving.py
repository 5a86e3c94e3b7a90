"""A listener at work on a loopback port and a real disk, and clients that speak packet by packet.

    async with serving(tmp_path) as door:
        wire = await door.enter("sensor-1", version=V5)
        await wire.send(message(1))
        assert await wire.get() == p.Puback(1)

Time stands still: `door.passes(seconds)` lets it pass, and has the listener look at everybody.
`door.disk.clear()` holds every commit back until `door.disk.set()`. `door.restart()` ends the
gateway in good order, `door.crash()` as a power cut would; both begin anew over the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from devices.envelopes import envelopes
from devices.envelopes.mapping import Mapping
from devices.reading import COUNTED
from gateway.admission import Admission
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.listener.announcer import Announcer
from gateway.listener.client import Client
from gateway.listener.ends import End, last_ends
from gateway.listener.flow import Unread
from gateway.listener.listener import Listener
from gateway.listener.principal import ANONYMOUS, Principal, anonymous
from gateway.listener.principals import Principals
from gateway.listener.sessions import Sessions
from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311, PacketReader, encode
from gateway.mqtt.properties import build
from gateway.ports import ListenError
from gateway.settings.listener import Clients
from gateway.settings.listener import Listener as Port
from gateway.state import State
from tests.broker import free_port
from tests.gateway.parts import NOW, ToldClock

WITHIN = 10.0
"""Seconds that a test waits for what must come."""
OWNER = "acme"
BLIND = Mapping(topic="blind/{device}", time="", sequence="")


def message(
    number: int,
    packet_id: int | None = None,
    *,
    qos: int = 1,
    dup: bool = False,
    retain: bool = False,
    properties: bytes = b"",
    device: str = "d-1",
) -> p.Publish:
    """Make a reading of a device, with a number of its own; its packet id is that number too."""
    content = b'{"time": %d, "temperature": 5.5, "seq": %d}' % (NOW, number)
    packet_id = (number if packet_id is None else packet_id) if qos else 0
    topic = f"cargo/site/{device}/readings".encode()
    return p.Publish(topic, content, packet_id, qos, retain, dup, properties)


def untimed(number: int, packet_id: int, *, qos: int = 2, dup: bool = False) -> p.Publish:
    """Make a reading without a time: the journal alone cannot tell it from the same once more."""
    content = b'{"temperature": %d}' % number
    return p.Publish(b"blind/d-1", content, packet_id, qos, dup=dup)


class Wire:
    """A client: what it sends and gets, packet by packet."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.version = version
        self._packets = PacketReader(version, 1 << 20)
        self._got: list[p.Packet] = []

    async def send(self, *packets: p.Packet) -> None:
        """Send packets in one piece."""
        await self.send_bytes(b"".join(encode(one, self.version) for one in packets))

    async def send_bytes(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def get(self) -> p.Packet:
        """Return the next packet."""
        try:
            async with asyncio.timeout(WITHIN):
                while not self._got:
                    data = await self.reader.read(1 << 16)
                    assert data, "the listener closed the connection"
                    self._got += self._packets.feed(data)
        except TimeoutError:
            raise AssertionError("no packet came") from None
        return self._got.pop(0)

    async def ask(self, *packets: p.Packet) -> p.Packet:
        """Send packets, and return the next answer."""
        await self.send(*packets)
        return await self.get()

    async def come(self) -> list[p.Packet]:
        """Return what came until now: all that the listener wrote before it answers a ping."""
        await self.send(p.Pingreq())
        found: list[p.Packet] = []
        while True:
            packet = await self.get()
            if isinstance(packet, p.Pingresp):
                return found
            found.append(packet)

    async def ended(self) -> list[p.Packet]:
        """Return what came until the listener closed the connection."""
        with suppress(ConnectionError):
            async with asyncio.timeout(WITHIN):
                while data := await self.reader.read(1 << 16):
                    self._got += self._packets.feed(data)
        found, self._got = self._got, []
        return found

    async def leave(self, packet: p.Disconnect | None = None) -> None:
        """Say good-bye, and wait until the listener has closed."""
        await self.send(packet or p.Disconnect())
        await self.ended()
        self.writer.close()

    def lose(self) -> None:
        """Break the connection off without a word."""
        self.writer.transport.abort()


class Door:
    """The parts of a gateway that stand behind its listener, over the files in a folder."""

    def __init__(self, folder: Path, port: dict[str, Any], limits: dict[str, Any]) -> None:
        self.folder = folder
        self.clock = ToldClock()
        self.ahead = 0.0
        """Seconds by which the listener's clock is ahead of the loop's."""
        self.disk = asyncio.Event()
        """Commits come to their end while it is set."""
        self.disk.set()
        self.limits = Clients(**limits)
        self._chosen = {"port": free_port(), "anonymous": "tls" not in port, **port}
        self._wires: list[Wire] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._chosen["port"]
        return port

    # -- its life ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the files and listen."""
        self.journal = Journal(self.folder / "journal.db")
        self.state = State(self.folder / "state.db")
        self._gate(self.journal)
        self.principals = Principals(self.state, self.clock)
        admission = Admission(self.state, {}, "unconfirmed", self.clock)
        admission.know(anonymous(OWNER))
        for principal in self.principals.all():
            admission.know(principal)
        self.ingest = Ingest(
            self.journal, envelopes([BLIND]), self.clock, admit=admission.check, interval=0.001
        )
        self.announcer = Announcer(self.state, "hw", "box", NOW)
        self.sessions = Sessions(self.journal)
        await self._listen()

        def changed(principal: Principal) -> None:
            admission.know(principal)
            self.listener.disconnect(principal.name)

        def renewed(principal: Principal) -> None:
            admission.know(principal)
            self.ingest.routes.forget_admitted(principal.source)
            self.listener.renew(principal)

        self.principals.on_change = changed
        self.principals.on_rights = renewed
        self._tasks = [asyncio.create_task(self.ingest.run())]

    async def _listen(self) -> None:
        for attempt in range(5):
            self.listener = Listener(
                [Port(**self._chosen)],
                self.limits,
                owner=OWNER,
                intake=self.ingest,
                sessions=self.sessions,
                principals=self.principals,
                announcer=self.announcer,
                clock=self.clock,
            )
            self.listener.now = self._now  # type: ignore[method-assign]  # time is told
            try:
                await self.listener.open()
            except ListenError:
                if attempt == 4:
                    raise
                # Somebody else was faster.
                self._chosen["port"] = free_port()
            else:
                return

    def _now(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead

    def _gate(self, journal: Journal) -> None:
        commit = journal.commit_aside

        async def held_back() -> None:
            await self.disk.wait()
            await commit()

        journal.commit_aside = held_back  # type: ignore[method-assign]  # a disk that waits

    async def stop(self) -> None:
        """End in good order, as the gateway does."""
        self.listener.pause()
        await self.ingest.store([])
        await self.listener.stop()
        await self._close()

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    async def crash(self) -> None:
        """End with nothing said and nothing written that was not committed, and start."""
        self._cut()
        await self._close()
        self.disk.set()
        await self.start()

    def _cut(self) -> None:
        """Break everything off; nobody is left to do anything about it."""
        for server in self.listener._servers:
            server.close()
        for client in [*self.listener._strangers, *self.listener._clients]:
            if client.channel is not None:
                channel, client.channel = client.channel, None
                channel.abort()
        self.listener._stopping = True

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in self._wires:
            wire.lose()
        self._wires.clear()
        await asyncio.sleep(0)
        self.journal.close()
        self.state.close()

    # -- time --------------------------------------------------------------------------------

    async def passes(self, seconds: float) -> None:
        """Let time pass, and have the listener look at everybody once."""
        self.ahead += seconds
        self.clock.passes(round(1000 * seconds))
        look = asyncio.create_task(self.listener.run())
        await asyncio.sleep(0)
        look.cancel()
        await asyncio.gather(look, return_exceptions=True)

    async def settle(self) -> None:
        """Have everything committed that has arrived."""
        await self.ingest.store([])

    # -- clients -----------------------------------------------------------------------------

    async def wire(self, version: int = V5, **options: Any) -> Wire:  # noqa: ANN401 - as asyncio's
        """Open a TCP connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **options)
        wire = Wire(reader, writer, version)
        self._wires.append(wire)
        return wire

    async def enter(
        self,
        client_id: str = "sensor-1",
        *,
        version: int = V5,
        present: bool | None = None,
        properties: dict[str, Any] | None = None,
        **fields: Any,  # noqa: ANN401 - those of a CONNECT
    ) -> Wire:
        """Connect a client that is welcome; `present`: whether its session has to be there."""
        wire = await self.wire(version)
        raw = build(properties) if properties else b""
        answer = await wire.ask(p.Connect(client_id, version=version, properties=raw, **fields))
        assert isinstance(answer, p.Connack)
        assert answer.code == 0
        assert present is None or answer.session_present is present
        return wire

    async def arrived(self, count: int) -> None:
        """Wait until the listener knows of so many connections."""
        await self.until(lambda: len(self.listener._clients) == count)

    async def until(self, holds: Any) -> None:  # noqa: ANN401 - a callable without arguments
        """Wait until something holds."""
        try:
            async with asyncio.timeout(WITHIN):
                while not holds():  # noqa: ASYNC110 - the listener rings no bell for tests
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise AssertionError("it did not come to pass") from None

    def client(self, name: str = "sensor-1") -> Client:
        """Return the listener's side of a client."""
        (found,) = [one for one in self.listener._clients if one.name.endswith(f"/{name}")]
        return found

    def unread(self, name: str = "sensor-1") -> Unread:
        """Return why a client's socket is left unread."""
        flow = self.client(name)._flow
        return flow.unread if flow is not None else Unread(0)

    async def add(self, name: str, **fields: Any) -> str:  # noqa: ANN401 - those of a Principal
        """Make a credential; return its token, "" where it has none."""
        fields = {"owner": OWNER, "speaks_for": ("*",), "sees": ("*",), **fields}
        return await self.principals.add(Principal(name, **fields)) or ""

    # -- what came of it ---------------------------------------------------------------------

    async def stored(self) -> list[int]:
        """Return what is in the journal: the sequence numbers, or values of what has none."""
        await self.settle()
        return [
            one.identity if one.flags & COUNTED else int(one.values[0])
            for one in self.journal.read(0, 10**6).readings
        ]

    async def ends(self) -> dict[str, End]:
        """Return how the last connection of each principal ended."""
        await self.settle()
        return last_ends(self.journal)

    async def end(self) -> End:
        """Return how the last connection without a credential ended."""
        return (await self.ends())[ANONYMOUS]


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    port: dict[str, Any] | None = None,
    **limits: Any,  # noqa: ANN401 - of [clients]
) -> AsyncIterator[Door]:
    """Serve over the files of a folder. `port` are fields of [[listeners]]."""
    door = Door(folder, port or {}, limits)
    await door.start()
    try:
        yield door
    finally:
        door.disk.set()
        await door.stop()


def reason(packet: p.Packet) -> tuple[str, int]:
    """Return the kind of a packet and its reason code."""
    return type(packet).__name__, msgspec.structs.asdict(packet).get("code", -1)


both = (V311, V5)
