"""MQTT 3.1.1 and 5, bytes to packets and back. Knows no socket, so that it serves both ends.

Whatever bytes arrive, `PacketReader.feed` returns packets or raises ProtocolError, in time
proportional to their number however they are cut up, and never holds more than one
incomplete packet, whose announced size was within `maximum_size`.
"""

from __future__ import annotations

from gateway.mqtt.bodies import check_first, read_body
from gateway.mqtt.encoder import encode, pubacks
from gateway.mqtt.packets import V5, V311, Connect, Packet, Publish
from gateway.mqtt.topic import Topics
from gateway.mqtt.wire import (
    PACKET_TOO_LARGE,
    QOS_NOT_SUPPORTED,
    ProtocolError,
    malformed,
    read_variable,
)

__all__ = [
    "V5",
    "V311",
    "Packet",
    "PacketReader",
    "ProtocolError",
    "Publish",
    "Topics",
    "encode",
    "pubacks",
]

# The low four bits of a PUBLISH: (QoS, retain, dup), None where they are not allowed.
_FLAGS: tuple[tuple[int, bool, bool] | None, ...] = tuple(
    None
    if bits >> 1 & 3 == 3 or bits in {8, 9}
    else (bits >> 1 & 3, bool(bits & 1), bool(bits & 8))
    for bits in range(16)
)


class PacketReader:
    """Cuts a stream of bytes into packets.

    `version` is V311 or V5; a CONNECT in the stream sets it anew. `maximum_size` is in bytes
    and counts the whole packet; a longer one is refused when its header is read. A PUBLISH
    above `maximum_qos` is refused. The reader checks every topic name (see Topics, which may
    be shared between readers); properties stay unread.
    """

    def __init__(
        self,
        version: int,
        maximum_size: int,
        *,
        maximum_qos: int = 2,
        topics: Topics | None = None,
    ) -> None:
        self.version = version
        self._maximum_size = maximum_size
        self._maximum_qos = maximum_qos
        self._topics = Topics() if topics is None else topics
        self._held = bytearray()
        self._needed = 0
        self._broken: ProtocolError | None = None

    @property
    def held(self) -> int:
        """How many bytes of an incomplete packet are in memory."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that `data` completes, in order.

        Raises ProtocolError at a packet that is not MQTT. Packets before it in the same
        data are lost with it: the connection ends, and what was not acknowledged comes
        again. From then on every call raises.
        """
        if self._broken is not None:
            raise self._broken
        held = self._held
        if held:
            # Joined only when the packet is complete, else small pieces of a large packet
            # would be copied again and again.
            held += data
            if len(held) < self._needed:
                return []
            data = bytes(held)
            held.clear()
        packets: list[Packet] = []
        try:
            rest = self._read(data, packets)
        except ProtocolError as error:
            self._broken = error
            raise
        if rest < len(data):
            held += data[rest:]
        return packets

    def _read(  # noqa: C901, PLR0912, PLR0915 - for each message: a call would be a fifth of it all
        self, data: bytes, packets: list[Packet]
    ) -> int:
        """Append the complete packets of `data`; return where the incomplete one begins."""
        append, topics, five = packets.append, self._topics, self.version == V5
        maximum_size, maximum_qos = self._maximum_size, self._maximum_qos
        at, end = 0, len(data)
        while end - at > 1:
            first, length, body = data[at], data[at + 1], at + 2
            if length > 127:
                if end > body and 0 < data[body] < 128:
                    # Two bytes: nearly every message.
                    length += (data[body] << 7) - 128
                    body += 1
                else:
                    found = read_variable(data, at + 1, end)
                    if found is None:
                        break
                    length, body = found
            stop = body + length
            if stop - at > maximum_size:
                raise ProtocolError(
                    PACKET_TOO_LARGE,
                    f"a packet of {stop - at} bytes is larger than the {maximum_size} allowed",
                )
            if first >> 4 != 3:
                if stop > end:
                    check_first(first)
                    break
                packet = read_body(first, data, body, stop, self.version)
                append(packet)
                at = stop
                if type(packet) is Connect:
                    self.version = packet.version
                    five = packet.version == V5
                continue
            flags = _FLAGS[first & 15]
            if flags is None:
                raise malformed(f"0x{first:02X} begins no PUBLISH")
            if stop > end:
                break
            qos, retain, dup = flags
            if qos > maximum_qos:
                raise ProtocolError(QOS_NOT_SUPPORTED, f"a message comes at QoS {qos}")
            if length < 2:
                raise malformed("a PUBLISH ends in the middle of its topic")
            name = body + 2
            payload = name + (data[body] << 8 | data[body + 1])
            topic = data[name:payload]
            packet_id = 0
            if qos:
                payload += 2
                if payload > stop:
                    raise malformed("a PUBLISH ends before its packet id")
                packet_id = data[payload - 2] << 8 | data[payload - 1]
                if packet_id == 0:
                    raise malformed("a PUBLISH has packet id zero")
            elif payload > stop:
                raise malformed("a PUBLISH ends in the middle of its topic")
            properties = b""
            if five:
                if payload == stop:
                    raise malformed("a PUBLISH ends before its properties")
                size = data[payload]
                payload += 1
                if size:
                    if size > 127:
                        found = read_variable(data, payload - 1, stop)
                        if found is None:
                            raise malformed("a PUBLISH ends in the middle of a length")
                        size, payload = found
                    properties = data[payload : payload + size]
                    payload += size
                    if payload > stop:
                        raise malformed("a PUBLISH ends in the middle of its properties")
            append(
                Publish(topics[topic], data[payload:stop], packet_id, qos, retain, dup, properties)
            )
            at = stop
        else:
            self._needed = 2
            return at
        self._needed = self._size(data, at)
        return at

    def _size(self, data: bytes, at: int) -> int:
        """Return how many bytes the incomplete packet at `at` needs, as far as is known."""
        found = read_variable(data, at + 1, len(data))
        if found is None:
            return len(data) - at + 1
        length, body = found
        return body - at + length
