"""Joins a broker, for ever: whatever ends the connection, the session is taken up again.

What it does to lose nothing: a persistent session under a stable client id, QoS 1, and a
PUBACK only when the intake says so. What it cannot do: see what the broker itself drops
while we are away (Mosquitto keeps 1,000 messages unless `max_queued_messages` says more, and
after a crash none). `session_present` says whether the broker still knew us.

How many messages may be under way unacknowledged: all that MQTT 5 can say (65,535), since a
narrow window would tie the rate to the time of a commit (20 in 20 ms are 1,000 a second), and
our memory is bounded by not reading. Mosquitto 2.0.11 cares for neither this nor its own
`max_inflight_messages` of 20: of 20,000 messages kept for us up to 12,000 were under way at
once with a Receive Maximum of 20, and live ones up to 3,900. Brokers that keep to their
window of 20 on MQTT 3.1.1 need `max_inflight_messages 0` (or what they call it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from devices.device import Origin
from gateway.mqtt import takeover
from gateway.mqtt.codec import V5, V311, ProtocolError, Publish, Topics, encode, pubacks
from gateway.mqtt.connection import LEFT, MAXIMUM_PACKET, UNANSWERED, Connection, Ended
from gateway.mqtt.packets import Connack, Connect, Suback, Subscribe, Subscription
from gateway.mqtt.properties import Properties, build, integer, parse
from gateway.mqtt.reasons import TAKEN_OVER, VERSION_REFUSED, meaning, unreachable
from gateway.mqtt.takeover import Takeover
from gateway.mqtt.tls import Tls, client_context
from gateway.mqtt.topic import check_filter
from gateway.mqtt.wire import PROTOCOL

if TYPE_CHECKING:
    from random import Random

    from gateway.mqtt.link import Intake

RECEIVE_MAXIMUM = 65_535
ANSWER_WITHIN = 5.0
"""Seconds for the network, TLS and the CONNACK together."""
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
LASTED = 30.0
"""A connection that held for so many seconds was a good one: the next delay is short again."""
PACE = 0.004
"""Seconds that the socket is left alone after a read."""

State = Literal["connecting", "connected", "limited", "refused", "lost"]
"""How it stands with a broker. Limited: joined, but not as we asked."""
OnState = Callable[[State, str], None]


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A broker to join. `keep_alive` and `session_expiry` are in seconds.

    `client_id` names the session: it must stay the same, and no other client may use it.
    """

    name: str
    host: str
    port: int
    topics: tuple[str, ...]
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: Tls | None = None
    version: Literal["auto", "5", "3.1.1"] = "auto"
    keep_alive: int = 60
    session_expiry: int = 7 * 86_400
    owner: str = ""

    def __post_init__(self) -> None:
        """Refuse what no broker could accept (ValueError)."""
        if not self.topics or not self.client_id:
            raise ValueError("topics and client_id may not be empty")
        for topic in self.topics:
            try:
                check_filter(topic)
            except ProtocolError as error:
                raise ValueError(
                    f"{error.detail}: + stands alone in its level, # at the end"
                ) from None
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")

    def __repr__(self) -> str:
        """Leave out the password: this may stand in a log."""
        return f"BrokerSettings({self.name!r}, {self.host}:{self.port}, {self.client_id!r})"


class Subscriber:
    """A Link to one broker. `run()` returns after `stop()`, and raises what the intake raises.

    `on_state` is told of every change, with a sentence for people: what, and the cure.
    `session_present` is what the latest CONNACK said, None before the first; `version` is
    the protocol level it speaks.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        intake: Intake,
        on_state: OnState,
        *,
        random: Random,
        pace: float = PACE,
    ) -> None:
        self.name = settings.name
        self.origin = Origin(settings.owner, settings.name)
        self.window = RECEIVE_MAXIMUM + 1
        self.generation = 0
        self.session_present: bool | None = None
        self.version: int | None = None
        self._settings = settings
        self._intake = intake
        self._on_state = on_state
        self._random = random
        self._pace = pace
        self._topics = Topics()
        self._connection: Connection | None = None
        self._patience: asyncio.Timeout | None = None
        self._paused = False
        self._stopping = asyncio.Event()
        self._knows_5 = settings.version != "3.1.1"
        self._failures = 0
        self._takeover = Takeover(settings.client_id)
        self._calm: asyncio.TimerHandle | None = None

    # The Link.

    def acknowledge(self, generation: int, packet_ids: Sequence[int]) -> None:
        """Send PUBACKs, unless they belong to an earlier connection."""
        if generation == self.generation and self._connection is not None:
            self._connection.send(pubacks(packet_ids))

    def pause(self) -> None:
        """Stop reading, also after a reconnect, until `resume`."""
        self._paused = True
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        if self._connection is not None:
            self._connection.resume()

    # The life.

    def stop(self) -> None:
        """Leave the broker in good order; `run()` then returns. The session stays there."""
        self._stopping.set()
        if self._connection is not None:
            self._connection.leave()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Stay joined until `stop()`."""
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            self._on_state("connecting", f"To {self._settings.host}:{self._settings.port}")
            began = clock()
            ended = await self._join()
            if self._stopping.is_set():
                return
            lasted = self.version is not None and clock() - began >= LASTED
            self._failures = 1 if lasted else self._failures + 1
            self._count(ended, clock(), lasted=lasted)
            self._on_state(ended.state, self._tell(ended, clock()))
            try:
                await asyncio.wait_for(self._stopping.wait(), self._delay())
            except TimeoutError:
                continue

    def _delay(self) -> float:
        """Seconds until the next attempt: anything up to a cap that doubles each time.

        The whole range, so that forty gateways do not come back in step.
        """
        if self._takeover.certain and self._takeover.named(asyncio.get_running_loop().time()):
            return self._random.uniform(0, takeover.LONGEST_DELAY)
        cap = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(self._failures - 1, 10))
        return self._random.uniform(0, cap)

    def _count(self, ended: Ended, now: float, *, lasted: bool) -> None:
        """Notice whether another client throws us out."""
        if self.version is None:
            self._takeover.unreachable()
            return
        certain = ended.code == TAKEN_OVER
        # MQTT 3.1.1 has no word for it, and Mosquitto 2.0.11 does not use that of MQTT 5.
        likely = ended.state == "lost" and (not lasted or self._takeover.named(now) is not None)
        if certain or likely:
            self._takeover.thrown_out(now, ended.detail, certain=certain)

    def _tell(self, ended: Ended, now: float) -> str:
        named = self._takeover.named(now)
        if named is not None and (ended.code == TAKEN_OVER or self.version is not None):
            return named
        if ended.code == TAKEN_OVER:
            mine = self._settings.client_id
            return (
                f"A client with our client id {mine!r} joined, and the broker gave it our session"
            )
        return ended.detail

    async def _join(self) -> Ended:
        """Connect, stay, and return why it ended."""
        if not self._knows_5:
            return await self._stay(V311)
        ended = await self._stay(V5)
        decided = self._settings.version != "auto" or self._stopping.is_set()
        if decided or self.version is not None:
            return ended
        if ended.code in VERSION_REFUSED:
            self._knows_5 = False
        elif ended.code != UNANSWERED:
            return ended
        # A broker that only closes may be an old one, or one that is just starting: this
        # once 3.1.1 is tried, and next time 5 again.
        return await self._stay(V311)

    async def _stay(self, version: int) -> Ended:
        """One connection from its beginning to its end."""
        settings = self._settings
        self.version = None
        self.generation += 1
        connection = Connection(
            version=version,
            topics=self._topics,
            pace=self._pace,
            deliver=self._receive,
            granted=self._granted,
        )
        if self._paused:
            connection.pause()
        try:
            async with asyncio.timeout(ANSWER_WITHIN) as self._patience:
                context = client_context(settings.tls) if settings.tls else None
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, settings.host, settings.port, ssl=context
                )
                self._connection = connection
                connection.send(_connect(settings, version))
                either = (connection.answered, connection.ended)
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            self._patience = None
        except OSError as error:
            return Ended(*unreachable(settings.host, settings.port, error))
        else:
            if connection.answered.done():
                self._answered(connection, connection.answered.result(), version)
            return await connection.ended
        finally:
            self._connection = self._patience = None
            if self._calm is not None:
                self._calm.cancel()
            connection.end(LEFT)

    def _answered(self, connection: Connection, connack: Connack, version: int) -> None:
        """Go on from the broker's CONNACK."""
        settings = self._settings
        if self._stopping.is_set():
            connection.leave()
            return
        if connack.code:
            why, cure = meaning(connack.code, version)
            detail = f"The broker refuses us: {why}. {cure}"
            connection.end(Ended("refused", detail, connack.code))
            return
        try:
            properties = parse(connack.properties, "connack")
        except ProtocolError as error:
            connection.refuse(error)
            return
        self.version, self.session_present = version, connack.session_present
        connection.keep_alive(integer(properties, "server_keep_alive", settings.keep_alive))
        wanted = tuple(
            Subscription(topic, 1, retain_handling=1 if version == V5 else 0)
            for topic in settings.topics
        )
        connection.send(encode(Subscribe(1, wanted), version))
        loop, welcome = asyncio.get_running_loop(), self._welcome(properties)
        named = self._takeover.named(loop.time())
        if named is None:
            self._on_state("connected", welcome)
        else:
            self._on_state("limited", named)
            self._calm = loop.call_later(takeover.OVER, self._on_state, "connected", welcome)

    def _welcome(self, properties: Properties) -> str:
        spoken = "MQTT 5" if self.version == V5 else "MQTT 3.1.1"
        expiry = self._settings.session_expiry
        kept = integer(properties, "session_expiry_interval", expiry)
        shorter = f"; it keeps our session for {kept} s, not {expiry} s" if kept < expiry else ""
        if self.session_present:
            return f"{spoken}, in the session it kept for us{shorter}"
        return f"{spoken}, in a new session: it had kept nothing for us{shorter}"

    # What arrives.

    def _receive(self, publishes: list[Publish]) -> None:
        self._intake.receive(self, publishes)

    def _granted(self, suback: Suback) -> None:
        topics = self._settings.topics
        if len(suback.codes) != len(topics):
            raise ProtocolError(PROTOCOL, "the SUBACK has not one code for each topic")
        connection = self._connection
        refused = 0
        for topic, code in zip(topics, suback.codes, strict=True):
            if code == 0:
                detail = f"The broker grants {topic!r} at QoS 0 only: what it sends may be lost"
                self._on_state("limited", f"{detail}. Let its operator allow QoS 1")
            elif code > 2:
                refused += 1
                why, cure = meaning(code)
                self._on_state("limited", f"The broker refuses topic {topic!r}: {why}. {cure}")
        if refused == len(topics) and connection is not None:
            connection.end(Ended("refused", "The broker refuses all our topics. Correct topics"))


def _connect(settings: BrokerSettings, version: int) -> bytes:
    properties = b""
    if version == V5:
        properties = build(
            {
                "session_expiry_interval": settings.session_expiry,
                "receive_maximum": RECEIVE_MAXIMUM,
                "maximum_packet_size": MAXIMUM_PACKET,
            }
        )
    return encode(
        Connect(
            client_id=settings.client_id,
            version=version,
            clean_start=False,
            keep_alive=settings.keep_alive,
            username=settings.username,
            password=None if settings.password is None else settings.password.encode(),
            properties=properties,
        ),
        version,
    )
