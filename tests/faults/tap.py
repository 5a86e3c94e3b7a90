"""A tap between the gateway and its broker: passes everything on, and notes what it saw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from tests.faults import wire
from tests.faults.listening import Listening
from tests.faults.standin import Sent


class Tap(Listening):
    """Listens on `port`, and connects to `target`. It notes what the gateway acknowledged."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self.acknowledged: list[Sent] = []
        self.delivered: set[Sent] = set()
        self._target = target

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except (OSError, asyncio.CancelledError):
            writer.close()
            return
        on_their_way: dict[int, Sent] = {}
        version = 5

        def up(packet: wire.Packet) -> None:
            nonlocal version
            if packet.kind == wire.CONNECT:
                version = wire.connect(packet).version
            elif packet.kind == wire.PUBACK and wire.packet_id(packet) in on_their_way:
                self.acknowledged.append(on_their_way.pop(wire.packet_id(packet)))

        def down(packet: wire.Packet) -> None:
            if packet.kind == wire.PUBLISH:
                found = wire.message(packet, version)
                device = found.topic.split("/")[2]
                sent = Sent(device, json.loads(found.payload)["seq"])
                self.delivered.add(sent)
                on_their_way[found.packet_id] = sent

        await asyncio.gather(_pass(reader, broker_writer, up), _pass(broker_reader, writer, down))


async def _pass(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    note: Callable[[wire.Packet], None],
) -> None:
    stream = wire.Stream()
    try:
        while data := await reader.read(65536):
            for packet in stream.feed(data):
                note(packet)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        # One end is gone; the other is told by the closing below.
        return
    finally:
        writer.close()
