"""One connection to a broker: reads at its own pace, keeps alive, says why it ended.

A broker such as Mosquitto writes every message by itself, and who reads at once wakes for
every one of them. So after a read the socket is left alone for `pace` seconds, unless the
buffer was full: then more is waiting. The first message after a rest is read at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, cast

import msgspec

from gateway.mqtt.codec import V5, PacketReader, ProtocolError, Publish, encode
from gateway.mqtt.packets import Connack, Disconnect, Pingreq, Pingresp, Suback
from gateway.mqtt.reasons import TAKEN_OVER, meaning
from gateway.mqtt.wire import PACKET_TOO_LARGE, PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.mqtt.packets import Packet
    from gateway.mqtt.topic import Topics

BUFFER = 256 * 1024
MAXIMUM_PACKET = 4 * 1024 * 1024
"""Bytes. Sensors send some hundred; beyond this a message would strain a small machine."""
PING_ANSWER = 10.0
"""Seconds that a broker may take to answer a ping."""

UNANSWERED = -1
"""In place of a reason code: the connection ended before the CONNACK, and nobody said why."""
LEAVE_WITHIN = 1.0
"""Seconds that a broker has to take what is unsent, and to close."""

_ONLY_MESSAGES = {Publish}


class Ended(msgspec.Struct, frozen=True):
    """Why a connection is no more. `code` is the broker's, 0 for none, or UNANSWERED."""

    state: Literal["refused", "lost"]
    detail: str
    code: int = 0


LEFT = Ended("lost", "We left")


class Connection(asyncio.BufferedProtocol):
    """The protocol of one connection, in the terms of asyncio.

    `answered` gets the CONNACK, `ended` the reason of the end; it gets an exception if a
    callback raised. `deliver` is called with messages in the order of their arrival,
    `granted` with the SUBACK.
    """

    def __init__(
        self,
        *,
        version: int,
        topics: Topics,
        pace: float,
        deliver: Callable[[list[Publish]], None],
        granted: Callable[[Suback], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[Connack] = self._loop.create_future()
        self.ended: asyncio.Future[Ended] = self._loop.create_future()
        self._version = version
        # Only QoS 1 is asked for: a message at QoS 2 would be the broker's mistake.
        self._reader = PacketReader(version, MAXIMUM_PACKET, maximum_qos=1, topics=topics)
        self._buffer = memoryview(bytearray(BUFFER))
        self._pace = pace
        self._deliver = deliver
        self._granted = granted
        self._transport: asyncio.Transport | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._paused = False
        self._why: Ended | None = None
        self._fault: Exception | None = None

    def send(self, data: bytes) -> None:
        """Write bytes, or drop them if the connection is no more."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Stop reading; before the CONNACK, stop when it is here."""
        self._paused = True
        if self._transport is not None and self.answered.done():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on, at the pace."""
        self._paused = False
        if self._transport is not None and self._resting is None:
            self._transport.resume_reading()

    def keep_alive(self, seconds: float) -> None:
        """Ping the broker in time; 0 is never. End the connection if it does not answer."""
        if seconds > 0 and self._transport is not None:
            # Well before the broker's patience of one and a half of it.
            self._beat = self._loop.call_later(0.75 * seconds, self._ping, seconds)

    def end(self, why: Ended) -> None:
        """End the connection. What was written before is still sent, if the broker takes it."""
        self._why = self._why or why
        if self._transport is not None and self._closing is None:
            self._transport.close()
            # `close` waits for what is unsent; a broker that reads no more must not hold us.
            self._closing = self._loop.call_later(LEAVE_WITHIN, self._transport.abort)

    def leave(self) -> None:
        """Say good-bye, and let the broker close.

        When it closes, it has read all our acknowledgements. If we only closed and soon came
        back, Mosquitto would drop those unread with the old connection (15 of 200 came again
        in three of four tries). What still comes is read and dropped: with something unread, a
        close would reset the connection.
        """
        if self._transport is None or not self.answered.done() or self._why is not None:
            self.end(LEFT)
            return
        self._why = LEFT
        self.send(encode(Disconnect(), self._version))
        if self._resting is not None:
            self._resting.cancel()
        self._transport.resume_reading()
        self._closing = self._loop.call_later(LEAVE_WITHIN, self._transport.abort)

    def refuse(self, error: ProtocolError) -> None:
        """End the connection to a broker that breaks the protocol."""
        if self._version == V5 and self.answered.done():
            self.send(encode(Disconnect(error.code), V5))
        if error.code == PACKET_TOO_LARGE:
            cure = "Limit the size of messages there (Mosquitto: message_size_limit), or the topics"
            self.end(Ended("refused", f"The broker sends too much at once: {error.detail}. {cure}"))
            return
        cure = "Look at what listens on that port; if it is a broker, report this"
        self.end(Ended("refused", f"The broker sends what is not MQTT: {error.detail}. {cure}"))

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - ours is larger
        """Lend the buffer to the next read."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        if self._why is not None or self._transport is None:
            return
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        try:
            packets = self._reader.feed(bytes(self._buffer[:nbytes]))
            if set(map(type, packets)) == _ONLY_MESSAGES and self.answered.done():
                self._deliver(packets)  # type: ignore[arg-type]  # they are, by the line above
            else:
                self._sort(packets)
        except ProtocolError as error:
            self.refuse(error)
            return
        except Exception as error:
            # Ours, not the network's, even if it is an OSError (a full disk).
            self._fault = error
            raise
        if nbytes < BUFFER and self._pace > 0:
            self._transport.pause_reading()
            if self._resting is None:
                self._resting = self._loop.call_later(self._pace, self._rested)

    def eof_received(self) -> None:
        """Let the transport close itself."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Say why it ended."""
        self._transport = None
        for timer in (self._resting, self._beat, self._overdue, self._closing):
            if timer is not None:
                timer.cancel()
        fault = self._fault or (None if isinstance(exc, OSError) else exc)
        if fault is not None:
            self.ended.set_exception(fault)
        elif self._why is not None:
            self.ended.set_result(self._why)
        else:
            what = "The broker closed the connection"
            if exc is not None:
                what = f"The connection broke: {exc}"
            if not self.answered.done():
                cure = "Look into its log; that port may want TLS"
                self.ended.set_result(Ended("lost", f"{what} unanswered. {cure}", UNANSWERED))
            else:
                self.ended.set_result(Ended("lost", what))

    # Ours.

    def _rested(self) -> None:
        self._resting = None
        if not self._paused and self._transport is not None:
            self._transport.resume_reading()

    def _sort(self, packets: list[Packet]) -> None:
        """Hand on packets of several kinds, in their order."""
        messages: list[Publish] = []
        for packet in packets:
            if isinstance(packet, Publish) and self.answered.done():
                messages.append(packet)
                continue
            if messages:
                self._deliver(messages)
                messages = []
            self._control(packet)
        if messages:
            self._deliver(messages)

    def _control(self, packet: Packet) -> None:
        match packet:
            case Connack() if not self.answered.done():
                self.answered.set_result(packet)
                if self._paused and self._transport is not None:
                    self._transport.pause_reading()
            case Suback() if self.answered.done():
                self._granted(packet)
            case Pingresp() if self.answered.done():
                pass  # Anything read tells that the broker lives: noted already.
            case Disconnect() if self._version == V5 and self.answered.done():
                why, cure = meaning(packet.code)
                state: Literal["lost", "refused"] = (
                    "lost" if packet.code in {0x8B, TAKEN_OVER} else "refused"
                )
                self.end(
                    Ended(state, f"The broker ends the connection: {why}. {cure}", packet.code)
                )
            case _:
                name = type(packet).__name__.upper()
                raise ProtocolError(PROTOCOL, f"a {name} comes from the broker out of turn")

    def _ping(self, seconds: float) -> None:
        self.send(encode(Pingreq(), self._version))
        self.keep_alive(seconds)
        if self._overdue is None:
            self._overdue = self._loop.call_later(min(PING_ANSWER, seconds), self._unanswered)

    def _unanswered(self) -> None:
        self._overdue = None
        # While we do not read, an answer cannot be seen.
        if not self._paused and self._transport is not None:
            self._why = self._why or Ended("lost", "The broker does not answer our ping")
            self._transport.abort()
