"""One client's connection: what MQTT asks of a server, and a Link to the intake.

What it guarantees: a PUBACK or PUBREC leaves only when the intake says that the message is
durable; a QoS 2 message is handed on once, however often it comes; what the client may not do
is answered with the right code, in its own version, and costs nobody else anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from devices.device import Origin
from gateway.listener import answers
from gateway.listener.answers import Refusal
from gateway.listener.arriving import sort
from gateway.listener.connecting import FIRST_BYTES, enter
from gateway.listener.flow import Flow, Unread
from gateway.listener.subscriptions import Subscriptions
from gateway.mqtt.codec import V5, V311, PacketReader, ProtocolError, Publish, encode, pubacks
from gateway.mqtt.packets import (
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    Subscribe,
    Unsubscribe,
)
from gateway.mqtt.properties import integer, parse
from gateway.mqtt.wire import PROTOCOL, UNSUPPORTED_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.listener.channel import Channel
    from gateway.listener.connecting import Entered
    from gateway.listener.listener import Listener
    from gateway.listener.sessions import Session

log = structlog.get_logger()

IN_FLIGHT = 32
"""Messages that clients have under way, rounded up: most libraries stop at 20."""
WHOLE = 30.0
"""Seconds in which a packet must come to its end."""
COUNTED = 1024
"""A packet counts once towards the rate for each so many bytes, and at least once."""
UNTAKEN = 30.0
"""Seconds in which a client must take something of what we write."""
CLOSING = 5.0
"""Seconds for a connection to close."""

_ONLY_MESSAGES = {Publish}


class Client:
    """The server's side of one connection, from the TCP connection to its end."""

    __slots__ = (
        "__weakref__", "_blocked_since", "_deadline", "_early", "_flow", "_incomplete_since",
        "_listener", "_reader", "_subscriptions", "_under_way", "_why", "address", "anonymous",
        "channel", "entered", "generation", "holds", "name", "origin", "window",
    )  # fmt: skip

    def __init__(self, listener: Listener, *, anonymous: bool) -> None:
        """`anonymous`: whether it may enter without a credential."""
        self.anonymous = anonymous
        self.channel: Channel | None = None
        self.address = ""
        self.name = ""
        self.origin = Origin("", "")
        self.generation = 0
        self.window = IN_FLIGHT
        self.entered: Entered | None = None
        """Who it is and how it speaks, once its CONNECT was taken."""
        self.holds = 0
        """Bytes of a packet that is not complete yet."""
        self._listener = listener
        self._reader = PacketReader(V311, listener.limits.packet_size, topics=listener.topics)
        self._early: list[Packet] | None = None
        self._subscriptions: Subscriptions | None = None
        self._flow: Flow | None = None
        self._under_way = 0
        self._incomplete_since: float | None = None
        self._blocked_since: float | None = None
        self._deadline: float | None = listener.now() + listener.limits.connect_within / 1000
        self._why: str | None = None

    # -- the Link ----------------------------------------------------------------------------

    def acknowledge(self, generation: int, packet_ids: Sequence[int]) -> None:  # noqa: ARG002 - each connection is a Client of its own
        """Tell the client that these messages are safe."""
        if self.entered is None or self._why is not None or not packet_ids:
            return
        held = self.entered.session.held
        if held:
            answered = [Pubrec(one) if one in held else Puback(one) for one in packet_ids]
            self._write(b"".join(encode(one, V311) for one in answered))
        else:
            self._write(pubacks(packet_ids))
        self._under_way -= len(packet_ids)
        self._hold_no_more(self.entered.session)
        if self._under_way < self._listener.limits.unacknowledged:
            self._read_on(Unread.WINDOW)

    def _hold_no_more(self, session: Session) -> None:
        """Forget the oldest ids of a client that does not release them, once they are answered."""
        most = max(self._listener.limits.unacknowledged, self._under_way)
        while len(session.held) > most:
            stage = self._listener.sessions.release(session, next(iter(session.held)))
            if stage is not None:
                self._listener.intake.along(stage)

    def pause(self) -> None:
        """Leave the socket unread until `resume`."""
        self._leave_unread(Unread.INTAKE)

    def resume(self) -> None:
        """Read on."""
        self._read_on(Unread.INTAKE)

    # -- what the channel tells --------------------------------------------------------------

    def opened(self, channel: Channel) -> None:
        """Begin."""
        self.channel = channel
        self.address = channel.address
        self._flow = Flow(channel, self._listener.limits.rate, self._listener.now())
        self._listener.arrived(self)

    def received(self, data: bytes) -> None:
        """Take bytes."""
        if self._why is not None or self._flow is None:
            return
        self._flow.heard = now = self._listener.now()
        began = self._reader.held
        try:
            packets = self._reader.feed(data)
            self._listener.holds(self, self._reader.held)
        except ProtocolError as error:
            self._refuse(error)
            return
        if not self._reader.held:
            self._incomplete_since = None
        elif packets or not began:
            self._incomplete_since = now
        # Packets of any kind are work for us, and large ones are more of it.
        self._flow.spend(max(len(packets), len(data) // COUNTED))
        self._contain(self._act, packets)
        if self.entered is None and self._reader.held > FIRST_BYTES:
            self._refuse(ProtocolError(PROTOCOL, f"no CONNECT within {FIRST_BYTES} bytes"))

    def blocked(self, *, full: bool) -> None:
        """Stop answering a client that does not take answers."""
        if full:
            self._blocked_since = self._listener.now()
            self._leave_unread(Unread.UNTAKEN)
        else:
            self._blocked_since = None
            self._read_on(Unread.UNTAKEN)
        if self._subscriptions is not None:
            self._subscriptions.blocked(full=full)
            self._pump()

    def closed(self, why: str) -> None:
        """Know that the connection is no more."""
        if self._flow is not None:
            self._flow.end()
        self.channel = self._flow = None
        if self._why is None:
            self._why = why
        if self._subscriptions is not None:
            self._subscriptions.end()
            self.note()
        self._listener.left(self, self._why)
        self._subscriptions, self._early = None, None

    # -- its end -----------------------------------------------------------------------------

    def end(self, why: str, code: int = 0) -> None:
        """End the connection: `why` for people, and a reason code of MQTT 5 for the client."""
        if self._why is not None or self.channel is None:
            return
        self._why = why
        # Before its CONNACK nothing may be said.
        if code and self.entered is not None and self._early is None:
            self.channel.write(self.entered.disconnect(code, why))
        # What it has sent of a packet is not needed any more, whenever the connection is gone.
        self._reader = PacketReader(V311, 0, topics=self._listener.topics)
        self._listener.holds(self, 0)
        self._deadline = self._listener.now() + CLOSING
        self.channel.close()

    def give_way(self) -> None:
        """Leave the session to another connection of the same client id."""
        self.note()
        self.end("another connection took over its client id", answers.TAKEN_OVER)

    def check(self, now: float) -> None:
        """End what has lasted too long; called every second."""
        if self.channel is None or self._flow is None:
            return
        if self._deadline is not None and now >= self._deadline:
            if self._why is None:
                self._why = answers.NO_CONNECT
            self.channel.abort()
        elif self._blocked_since is not None and now - self._blocked_since >= UNTAKEN:
            self._why = self._why or f"it took none of our answers for {UNTAKEN:.0f} s"
            self.channel.abort()
        elif self._flow.unread:
            # Nothing can be heard.
            if self._incomplete_since is not None:
                self._incomplete_since = now
        elif self._incomplete_since is not None and now - self._incomplete_since >= WHOLE:
            self._listener.dawdles(self, f"a packet was not complete within {WHOLE:.0f} s")
        elif self.entered is not None:
            keep = self.entered.keep_alive
            # One and a half times the keep alive: MQTT 5, 3.1.2.10.
            if keep and now - self._flow.heard > 1.5 * keep:
                self.end(f"nothing was heard for {1.5 * keep:.0f} s", answers.KEEP_ALIVE)

    def _refuse(self, error: ProtocolError) -> None:
        """End the connection of a client that breaks the protocol."""
        if self.entered is None and error.code == UNSUPPORTED_VERSION:
            # In the form of 3.1.1, which older clients understand.
            self._write(answers.refuse(Refusal(answers.VERSION, error.detail), V311))
        self._listener.malformed(self, error)
        self.end(error.detail, error.code)

    def _leave_unread(self, reason: Unread) -> None:
        if self._flow is not None:
            self._flow.leave(reason)

    def _read_on(self, reason: Unread) -> None:
        if self._flow is not None:
            self._flow.read_on(reason)

    # -- packets -----------------------------------------------------------------------------

    def _contain(self, act: Callable[[list[Packet]], None], packets: list[Packet]) -> None:
        """Act on packets. What is wrong with them, or with us, costs this connection alone."""
        try:
            act(packets)
        except ProtocolError as error:
            self._refuse(error)
        except Exception:
            # A mistake of ours: this client's messages stay unacknowledged, the others go on.
            log.exception("a client's packet could not be handled", client=self.name)
            self.end("a fault in the gateway: its log says more", answers.UNSPECIFIED)

    def _act(self, packets: list[Packet]) -> None:
        if self.entered is not None and set(map(type, packets)) == _ONLY_MESSAGES:
            self._publishes(self.entered, packets)  # type: ignore[arg-type]  # they are, by the line above
            return
        messages: list[Publish] = []
        for number, packet in enumerate(packets):
            if self._why is not None:
                return
            if self._early is not None:
                # Its CONNACK waits for the disk, and nothing may be answered before it.
                self._early += packets[number:]
                return
            if isinstance(packet, Publish) and self.entered is not None:
                messages.append(packet)
                continue
            if messages and self.entered is not None:
                self._publishes(self.entered, messages)
                messages = []
            self._control(packet)
        if messages and self.entered is not None and self._why is None:
            self._publishes(self.entered, messages)

    def _control(self, packet: Packet) -> None:
        if self.entered is None:
            if not isinstance(packet, Connect):
                raise ProtocolError(PROTOCOL, f"a {_name(packet)} came before CONNECT")
            self._enter(packet)
            return
        match packet:
            case Pubrel():
                self._release(self.entered, packet)
            case Pingreq():
                self._write(encode(Pingresp(), self.entered.version))
            case Puback():
                if self._subscriptions is not None:
                    self._subscriptions.acknowledged(packet.packet_id)
            case Subscribe():
                self._subscribed(self.entered).subscribe(packet)
            case Unsubscribe():
                self._subscribed(self.entered).unsubscribe(packet)
            case Disconnect():
                self._good_bye(self.entered, packet)
            case _:
                raise ProtocolError(PROTOCOL, f"a {_name(packet)} came out of turn")

    def _publishes(self, entered: Entered, messages: list[Publish]) -> None:
        """Hand messages on, also those that come before one that breaks the protocol."""
        session, sessions = entered.session, self._listener.sessions
        intake, most = self._listener.intake, self._listener.limits.unacknowledged
        # A client of MQTT 3.1.1 was told no number, and would come back with as many for ever.
        found = sort(messages, session.held, most if entered.version == V5 else None)
        if found.fresh:
            self._under_way += intake.receive(self, found.fresh)
        changes = [sessions.release(session, one) for one in found.reused]
        changes += [sessions.hold(session, one) for one in found.noted]
        for stage in changes:
            if stage is not None:
                intake.along(stage)
        if found.repeated:
            answer = b"".join(encode(Pubrec(one), V311) for one in found.repeated)
            intake.along(None, lambda: self._write(answer))
        if found.problem is not None:
            raise found.problem
        if self._under_way >= most:
            if entered.version == V5 and self._under_way > most:
                raise ProtocolError(answers.RECEIVE_MAXIMUM, f"more than {most} are under way")
            self._leave_unread(Unread.WINDOW)

    def _release(self, entered: Entered, packet: Pubrel) -> None:
        """Forget a QoS 2 message; its id is free once that is durable."""
        session, packet_id = entered.session, packet.packet_id
        known = packet_id in session.held
        code = 0 if known or entered.version != V5 else answers.PACKET_ID_NOT_FOUND
        answer = encode(Pubcomp(packet_id, code), entered.version)
        stage = self._listener.sessions.release(session, packet_id)
        if stage is None:
            self._write(answer)
        else:
            # Also for an id that is not known: an earlier release may be on its way to the disk.
            self._listener.intake.along(stage, lambda: self._write(answer))

    # -- entering and leaving ----------------------------------------------------------------

    def _enter(self, packet: Connect) -> None:
        found = enter(packet, self._listener, self)
        if isinstance(found, Refusal):
            self._write(answers.refuse(found, packet.version))
            self._listener.refused(self, packet, found)
            self.end(found.why)
            return
        session, displaced = found.session, found.opened.displaced
        if displaced is not None:
            displaced.give_way()
        session.client = self
        self.entered, self._deadline = found, None
        self.name = "/".join((found.principal.source, session.key[1]))
        self.origin = Origin(found.principal.owner, found.principal.source)
        self._listener.enters(self)
        self._listener.intake.meet(self)
        if session.subscriptions:
            self._subscribed(found)
        if found.opened.forget is None:
            self._welcome()
            return
        self._early = []
        self._leave_unread(Unread.ANSWER)
        forget, forgotten = found.opened.forget

        def committed() -> None:
            forgotten()
            early, self._early = self._early, None
            if self._why is None:
                self._contain(self._welcome_late, early or [])

        self._listener.intake.along(forget, committed)

    def _welcome(self) -> None:
        if self.entered is not None:
            self._write(self.entered.connack())
            self._pump()

    def _welcome_late(self, early: list[Packet]) -> None:
        self._welcome()
        self._read_on(Unread.ANSWER)
        self._act(early)

    def _good_bye(self, entered: Entered, packet: Disconnect) -> None:
        if packet.properties:
            properties = parse(packet.properties, "disconnect")
            keep = 1000 * integer(properties, "session_expiry_interval", 0)
            if keep and not entered.session.keep:
                raise ProtocolError(PROTOCOL, "a session that was to end is to be kept after all")
            if "session_expiry_interval" in properties:
                entered.session.keep = min(keep, self._listener.limits.session_keep)
        if packet.code == 0:
            entered.will = None
        self.end(answers.GOOD_BYE)

    # -- subscriptions -----------------------------------------------------------------------

    def note(self) -> None:
        """Note in the session what is subscribed to, and how far it got."""
        if self._subscriptions is None or self.entered is None:
            return
        session = self.entered.session
        if session.client is self and self._subscriptions.note():
            self._listener.sessions.changed(session)

    def _subscribed(self, entered: Entered) -> Subscriptions:
        if self._subscriptions is None:
            self._subscriptions = Subscriptions(entered, self._listener, self._write)
        return self._subscriptions

    def _pump(self) -> None:
        if self._subscriptions is not None and self._early is None:
            self._subscriptions.pump()

    def _write(self, data: bytes) -> None:
        if self.channel is not None and self._why is None:
            self.channel.write(data)


def _name(packet: Packet) -> str:
    return type(packet).__name__.upper()
