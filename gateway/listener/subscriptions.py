"""What one connection has subscribed to: SUBSCRIBE and UNSUBSCRIBE, and what it is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.listener import answers
from gateway.mqtt.codec import ProtocolError, encode
from gateway.mqtt.packets import Publish, Suback, Subscribe, Unsuback, Unsubscribe
from gateway.mqtt.properties import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.listener.connecting import Entered
    from gateway.listener.listener import Listener


class Subscriptions:
    """An outbox, the wire below it, and the session that remembers both."""

    __slots__ = ("_entered", "_listener", "_outbox", "_write")

    def __init__(
        self, entered: Entered, listener: Listener, write: Callable[[bytes], None]
    ) -> None:
        """Go on with what the session has. Nothing is sent before `pump`."""
        self._entered = entered
        self._listener = listener
        self._write = write
        self._outbox = listener.outbox(self._send, entered)

    def subscribe(self, packet: Subscribe) -> None:
        """Take a SUBSCRIBE, answer it, and send what it asks for."""
        if "subscription_identifier" in parse(packet.properties, "subscribe"):
            raise ProtocolError(
                answers.NO_SUBSCRIPTION_IDENTIFIERS, "subscription identifiers are not known here"
            )
        codes = self._outbox.subscribe(packet.subscriptions)
        self._keep()
        self._write(encode(Suback(packet.packet_id, codes), self._entered.version))
        self.pump()

    def unsubscribe(self, packet: Unsubscribe) -> None:
        """Take an UNSUBSCRIBE, and answer it."""
        parse(packet.properties, "unsubscribe")
        codes = self._outbox.unsubscribe(packet.topic_filters)
        self._keep()
        self._write(encode(Unsuback(packet.packet_id, codes), self._entered.version))

    def acknowledged(self, packet_id: int) -> None:
        """Take a PUBACK."""
        if self._outbox.acknowledged(packet_id):
            self.pump()

    def blocked(self, *, full: bool) -> None:
        """Know that the client does not take what is sent, or does again."""
        self._outbox.blocked = full

    def pump(self) -> None:
        """Send what there is."""
        self._outbox.pump()

    def note(self) -> bool:
        """Note in the session what is subscribed to, and how far it got; say if that is new."""
        session = self._entered.session
        now = tuple(self._outbox.subscriptions.values()), self._outbox.cursor
        if now == (session.subscriptions, session.cursor):
            return False
        session.subscriptions, session.cursor = now
        return True

    def end(self) -> None:
        """Be told of nothing any more."""
        self._listener.announcer.detach(self._outbox)

    def _keep(self) -> None:
        """Have the session written, if it is to outlive the connection."""
        session = self._entered.session
        if self.note() and session.keep:
            self._listener.intake.along(self._listener.sessions.save(session))

    def _send(self, message: Publish) -> None:
        """Send a message of ours; one larger than the client takes is left out, as MQTT 5 asks."""
        data = encode(message, self._entered.version)
        if len(data) <= self._entered.maximum_packet:
            self._write(data)
        elif message.packet_id:
            asyncio.get_running_loop().call_soon(self.acknowledged, message.packet_id)
