"""Our own listener: sensors connect straight to us, and a PUBACK means that it is safe.

It is an ingest point, not a broker: what clients publish goes to the intake and to nobody else,
and they can subscribe to what Holdwatch itself says.

Memory is bounded before anybody is known: connections, those that have not said who they are,
and the bytes of incomplete packets of all together have a cap each. One look at all connections
every second replaces their timers.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from gateway.listener import answers
from gateway.listener.answers import Refusal
from gateway.listener.attempts import Attempts
from gateway.listener.certificates import Certificate, Fault
from gateway.listener.channel import BUFFER, TLS, Channel, TlsChannel
from gateway.listener.client import Client
from gateway.listener.displacing import Displacing, Rivals
from gateway.listener.ends import End, note
from gateway.listener.outbox import Outbox
from gateway.listener.principal import ANONYMOUS, Principal, anonymous
from gateway.listener.wills import Wills
from gateway.mqtt.codec import Publish, Topics
from gateway.mqtt.wire import ProtocolError
from gateway.ports import cannot_listen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock
    from gateway.ingest import Ingest
    from gateway.listener.announcer import Announcer
    from gateway.listener.connecting import Entered
    from gateway.listener.principals import Principals
    from gateway.listener.sessions import Key, Sessions
    from gateway.mqtt.packets import Connect
    from gateway.settings.listener import Clients
    from gateway.settings.listener import Listener as Port

log = structlog.get_logger()

MOST_STRANGERS = 1_000
"""Connections that have not said who they are; one more, and the oldest of them goes."""
UNFINISHED = 32 * 1024 * 1024
"""Bytes of incomplete packets, of all connections together."""
BACKLOG = 1024
"""Connections that may wait to be accepted: after a power cut all sensors come at once."""
AT_ONCE = 50
"""Connections that are accepted before those that are there already are read again: a sensor's
CONNECT is seen before a thousand others have come after it."""
LONGEST_TOPIC = 256
"""Characters of a will's topic that are remembered with how its client's connection ended."""
STOPPING = 1.0
"""Seconds that clients have to take our last words when we stop."""
LOOK = 1.0
"""Seconds between two looks at all connections."""
WRITE = 60.0
"""Seconds between two writes of what sessions are not yet written."""


class Listener:
    """All ports and all clients that are connected. `open`, then `run`, then `stop`."""

    def __init__(  # noqa: PLR0913 - the parts it puts to work
        self,
        ports: Sequence[Port],
        limits: Clients,
        *,
        owner: str,
        intake: Ingest,
        sessions: Sessions,
        principals: Principals,
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self.limits = limits
        self.intake = intake
        self.sessions = sessions
        self.announcer = announcer
        self.clock = clock
        self.topics = Topics()
        self.since: int | None = None
        """Since when it listens, in ms since 1970; None: it does not."""
        self.accepted = 0
        self.refusals: Counter[str] = Counter()
        """How many were turned away, by reason, since the start."""
        self.on_blocked: Callable[[str], None] = lambda _address: None
        """Told of an address with too many wrong credentials."""
        self.on_rivals: Callable[[Rivals], None] = lambda _rivals: None
        """Told of devices that throw each other out, having one client id."""
        self._ports = tuple(ports)
        self._owner = owner
        self._principals = principals
        self._attempts = Attempts()
        self._displacing = Displacing()
        self._buffer = memoryview(bytearray(BUFFER))
        self._loop = asyncio.get_running_loop()
        self._servers: list[asyncio.Server] = []
        self._certificates: dict[str, Certificate] = {}
        # In the order of their arrival.
        self._strangers: dict[Client, None] = {}
        self._clients: set[Client] = set()
        self._connected: Counter[str] = Counter()
        self._unfinished = 0
        self._stopping = False
        self._empty = asyncio.Event()
        self.wills = Wills(intake, sessions)

    # -- its life ----------------------------------------------------------------------------

    async def open(self) -> None:
        """Listen on all ports. Raises ListenError."""
        for port in self._ports:
            certificate = None
            if port.tls is not None:
                certificate = self._certificates[port.address] = Certificate(port.tls)
            # asyncio listens on :: for IPv6 alone, and on nothing in particular for both.
            host = None if port.host == "::" else port.host
            made = partial(self._channel, anonymous=port.anonymous, certificate=certificate)
            try:
                server = await self._loop.create_server(made, host, port.port, backlog=AT_ONCE)
            except OSError as error:
                raise cannot_listen(port.address, "[[listeners]]", error) from error
            for one in server.sockets:
                # asyncio accepts as many at a time as may wait. The queue itself is to be longer.
                with socket.fromfd(one.fileno(), one.family, one.type) as same:
                    same.listen(BACKLOG)
            self._servers.append(server)
            log.info("listening", address=port.address, tls=port.tls is not None)
        self.since = self.clock.now()

    async def run(self) -> None:
        """Look after the connections, for ever."""
        written = self.now()
        while True:
            now = self.now()
            for client in [*self._strangers, *self._clients]:
                client.check(now)
            self.wills.look(now)
            if now - written >= WRITE:
                written = now
                self.write_sessions()
            await asyncio.sleep(LOOK)

    def pause(self) -> None:
        """Take no more connections, and leave all sockets unread."""
        self.since = None
        for server in self._servers:
            server.close()
        for client in self._clients:
            client.pause()
        self.write_sessions()

    async def stop(self) -> None:
        """End all connections in good order; whoever does not take it is left."""
        self._stopping = True
        for client in [*self._strangers, *self._clients]:
            # Without a DISCONNECT: many clients of MQTT 5 take it for the end and never come back.
            client.end("the gateway stops")
        if self._strangers or self._clients:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), STOPPING)

    def now(self) -> float:
        """Return the loop's clock, in seconds."""
        return self._loop.time()

    def wall(self) -> int | None:
        """Return the time in ms since 1970, UTC, None while our clock cannot be trusted."""
        return self.clock.now() if self.clock.trusted() else None

    def write_sessions(self) -> None:
        """Have what is not written yet of the sessions committed with the next readings."""
        for client in self._clients:
            client.note()
        for change in self.sessions.settle(self.wall()):
            self.intake.along(*change)

    def disconnect(self, principal: str) -> None:
        """End all connections of a principal: its rights have changed.

        Its sessions are forgotten, and what its clients wanted to be said of them is not said.
        """
        for client in list(self._clients):
            if client.entered is not None and client.entered.principal.name == principal:
                client.entered.will = None
                client.end("its credential was revoked or replaced", answers.ENDED_BY_OPERATOR)
        self.wills.forget(principal)
        for change in self.sessions.forget_principal(principal):
            self.intake.along(*change)

    def renew(self, principal: Principal) -> None:
        """Take up what a principal may say and see from now on.

        Whoever subscribes has to connect anew, without its session: so it is told all it may see.
        """
        for client in list(self._clients):
            entered = client.entered
            if entered is None or entered.principal.name != principal.name:
                continue
            entered.principal = principal
            if entered.session.subscriptions:
                entered.will = None
                client.end("what it may see was changed", answers.ENDED_BY_OPERATOR)
        for change in self.sessions.forget_principal(principal.name, subscribers=True):
            self.intake.along(*change)

    def connected(self) -> Counter[str]:
        """Count connections by principal."""
        return self._connected.copy()

    # -- what clients ask --------------------------------------------------------------------

    def authenticate(self, packet: Connect, client: Client) -> Principal | Refusal:
        """Say who connects."""
        shown = client.channel.certificate if client.channel else None
        if shown is not None:
            # One who says two names is neither.
            one = packet.username in {None, "", shown[0]}
            principal = self._principals.by_certificate(*shown) if one else None
        elif client.anonymous and packet.username is None and packet.password is None:
            return anonymous(self._owner)
        else:
            token = packet.password or b""
            principal = self._principals.by_token(packet.username or "", token)
        if principal is not None:
            return principal
        self._attempts.failed(client.address, self.now())
        if self._attempts.blocked(client.address, self.now()):
            self.on_blocked(client.address)
        if packet.username is None and shown is None:
            return Refusal(answers.NOT_ALLOWED, "a user name and a token are wanted here")
        return Refusal(answers.CREDENTIAL, "this credential is not known, or is revoked")

    def has_room(self, key: Key) -> bool:
        """Whether a client may come, without its credential having more than half of all."""
        principal = key[0]
        known = self.sessions.get(key)
        if principal == ANONYMOUS or (known is not None and known.client is not None):
            # The second takes the place of a connection that stands.
            return True
        return self._connected[principal] < max(1, self.limits.connections // 2)

    def outbox(self, send: Callable[[Publish], None], entered: Entered) -> Outbox:
        """Return what serves a client's subscriptions."""
        outbox = Outbox(
            self.announcer,
            entered.principal,
            send,
            window=entered.receive_maximum,
            version=entered.version,
            cursor=entered.session.cursor,
            subscriptions=entered.session.subscriptions,
        )
        self.announcer.attach(outbox)
        return outbox

    # -- what clients tell -------------------------------------------------------------------

    def arrived(self, client: Client) -> None:
        """Know of a connection; turn it away where a cap is reached."""
        if len(self._clients) + len(self._strangers) >= self.limits.connections:
            self._turn_away(client, "too many connections")
        elif self._attempts.blocked(client.address, self.now()):
            self._turn_away(client, "too many wrong credentials from its address")
        else:
            self._strangers[client] = None
            if len(self._strangers) > MOST_STRANGERS:
                self._turn_away(next(iter(self._strangers)), "too many without a CONNECT")

    def _turn_away(self, client: Client, why: str) -> None:
        self.refusals[why] += 1
        self._strangers.pop(client, None)
        if client.channel is not None:
            client.channel.abort()

    def enters(self, client: Client) -> None:
        """Know that a client's CONNECT was taken."""
        self._strangers.pop(client, None)
        self._clients.add(client)
        self.accepted += 1
        if client.entered is not None:
            self._connected[client.entered.principal.name] += 1
            self._displaces(client, client.entered)
        self.wills.entered(client)

    def _displaces(self, client: Client, entered: Entered) -> None:
        before = entered.opened.displaced
        if before is None:
            return
        rivals = self._displacing.displaced(
            entered.session.key, client.address, before.address, self.now()
        )
        if rivals is not None:
            self.on_rivals(rivals)

    def holds(self, client: Client, count: int) -> None:
        """Know how many bytes of an incomplete packet a client has sent."""
        if count == client.holds:
            return
        self._unfinished += count - client.holds
        client.holds = count
        if self._unfinished > UNFINISHED:
            # Whoever holds most, and not whoever happens to send now.
            most = max((*self._strangers, *self._clients), key=lambda one: one.holds)
            self.dawdles(most, "too much lies unfinished; send whole packets")

    def dawdles(self, client: Client, why: str) -> None:
        """End the connection of a client that does not send its packets to their end."""
        self.refusals[why] += 1
        client.end(why, answers.QUOTA)

    def refused(self, client: Client, packet: Connect, refusal: Refusal) -> None:
        """Know that a client may not enter."""
        self.refusals[refusal.why] += 1
        log.info(
            "a client was refused",
            address=client.address,
            user=answers.as_text(packet.username),
            client=answers.as_text(packet.client_id),
            why=refusal.why,
        )

    def malformed(self, client: Client, error: ProtocolError) -> None:
        """Know that a client broke the protocol."""
        self.refusals[f"0x{error.code:02X}"] += 1
        log.info(
            "a client broke the protocol",
            client=client.name or client.address,
            why=error.detail,
        )

    def left(self, client: Client, why: str) -> None:
        """Know that a connection is over, and say its client's will if it left one."""
        self._unfinished -= client.holds
        client.holds = 0
        self._strangers.pop(client, None)
        self._clients.discard(client)
        if self._stopping and not self._strangers and not self._clients:
            self._empty.set()
        entered = client.entered
        if entered is not None:
            name = entered.principal.name
            self._connected[name] -= 1
            if not self._connected[name]:
                del self._connected[name]
        if self._stopping:
            # Nothing has happened to the client: its will is not said.
            return
        if entered is None:
            self._never_entered(client, why)
            return
        session = entered.session
        back = session.client is not client
        self.sessions.leave(session, client, self.wall())
        self.wills.left(client, self.now(), back=back)
        if why != answers.GOOD_BYE or entered.will is not None:
            will = entered.will.topic.decode()[:LONGEST_TOPIC] if entered.will else None
            end = End(self.clock.now(), *session.key, client.address, why, will)
            self.intake.along(note(end))

    def _never_entered(self, client: Client, why: str) -> None:
        if why == answers.NO_CONNECT or why.startswith(TLS):
            self.refusals[why] += 1
            log.info("a client was refused", address=client.address, why=why)

    def certificates(self) -> dict[str, Fault | None]:
        """Take up renewed certificates; return what is wrong with each, by its port's address."""
        now = self.wall()
        return {address: one.look(now) for address, one in self._certificates.items()}

    def report(self) -> dict[str, Any]:
        """Return how it stands, as plain data."""
        return {
            "ports": [{"address": one.address, "tls": one.tls is not None} for one in self._ports],
            "since": self.since,
            "connected": len(self._clients),
            "accepted": self.accepted,
            "refused": dict(self.refusals),
        }

    def _channel(self, *, anonymous: bool, certificate: Certificate | None) -> Channel:
        client = Client(self, anonymous=anonymous)
        if certificate is None:
            return Channel(client, self._buffer)
        return TlsChannel(client, self._buffer, certificate.context)
