"""One MQTT connection that many devices share, and that loses nothing on its way.

What it guarantees: a message that was put in is kept until the other side has acknowledged it,
and is sent again, before newer ones and in order, after the connection was lost. At most
ROOM messages are kept; who puts in more waits.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import ssl
from typing import Literal, NamedTuple, Protocol, Self

import aiomqtt
import paho.mqtt.client as mqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.radio import Message

ROOM = 256
"""Messages that one connection keeps, waiting or under way."""
UNDER_WAY = 128
"""Messages that are sent before one of them is acknowledged, if the other side takes as many."""
SHORTEST_DELAY, LONGEST_DELAY = 1.0, 30.0
"""Seconds before the first new attempt to connect, and before every one after some."""
KEEP_ALIVE = 30
"""Seconds: a connection that says nothing for half as long again is lost."""

_BAD_LOGIN = {4, 5, 134, 135}
_BAD_VERSION = {1, 132}
_LASTING = _BAD_LOGIN | _BAD_VERSION | {2, 133, 138}
"""Codes of a CONNACK, of both versions, that no second attempt will change."""


class Target(NamedTuple):
    """Where messages go. `tls` is made with the authorities that are trusted; None for none."""

    host: str = "localhost"
    port: int = 1883
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    version: Literal["3.1.1", "5"] = "5"
    connections: int = 1
    """All devices share them; each stays with one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Clock(Protocol):
    """Tells the time, and lets some pass."""

    def now(self) -> int:
        """Return ms since 1970, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return when so much time has passed."""


class TransmitError(Exception):
    """Nothing can be sent there, and trying again would not help: what is wrong, and the cure."""


class Count:
    """What became of the messages of all connections."""

    def __init__(self) -> None:
        self.sent = 0
        """Messages that were sent at least once."""
        self.again = 0
        """Times that one was sent once more."""
        self.answered = 0
        """Messages that need not be kept any longer."""
        self.refused = 0
        """Those among them that the other side did not take; only MQTT 5 says so."""
        self.reason = ""
        """Why the last one was refused."""


class Connection:
    """Sends what is put into it. `run` it as a task; cancelled, it says good-bye first."""

    def __init__(self, target: Target, number: int, clock: Clock, count: Count) -> None:
        self.connected = False
        self.trouble = ""
        """Why it is not connected, and what to do; "" while it is, or at first."""
        self._target = target
        self._clock = clock
        self._count = count
        self._name = f"simulate-{secrets.token_hex(4)}-{number}"
        self._room = asyncio.Semaphore(ROOM)
        self._waiting: asyncio.Queue[tuple[int, Message]] = asyncio.Queue()
        self._kept: dict[int, Message] = {}
        """Under way, by their number: in order."""
        self._put = 0
        self._first = 0
        """The first number that was never sent."""
        self._empty = asyncio.Event()
        self._empty.set()

    async def put(self, message: Message) -> None:
        """Take a message; wait while there is no room."""
        await self._room.acquire()
        self._empty.clear()
        self._waiting.put_nowait((self._put, message))
        self._put += 1

    async def drained(self) -> None:
        """Wait until all that was put in is acknowledged."""
        await self._empty.wait()

    async def run(self) -> None:
        """Connect, send, and connect again, until it is cancelled.

        Raises TransmitError if the first attempt fails, or any for a lasting reason.
        """
        delay = SHORTEST_DELAY
        first = True
        while True:
            try:
                async with self._client() as client:
                    first, delay = False, SHORTEST_DELAY
                    await self._serve(client)
            except aiomqtt.MqttError as error:
                self.trouble, lasting = explain(self._target, error)
                if first or lasting:
                    raise TransmitError(self.trouble) from error
            finally:
                self.connected = False
            await self._clock.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _serve(self, client: _Client) -> None:
        """Send until the connection is lost. Raises MqttError then."""
        self.connected, self.trouble = True, ""
        self._send_again()
        listening = asyncio.create_task(_listen(client))
        workers = [
            asyncio.create_task(self._work(client))
            for _ in range(min(UNDER_WAY, client.receive_maximum))
        ]
        try:
            done, _ = await asyncio.wait([listening, *workers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, *workers):
                task.cancel()
            results = await asyncio.gather(listening, *workers, return_exceptions=True)
        for result in results:
            # What is no error of MQTT is one of ours, and comes first.
            if isinstance(result, Exception) and not isinstance(result, aiomqtt.MqttError):
                raise result
        for task in done:
            task.result()

    def _send_again(self) -> None:
        """Put what was under way before what waits."""
        kept = [*self._kept.items()]
        self._kept.clear()
        while not self._waiting.empty():
            kept.append(self._waiting.get_nowait())
        for one in kept:
            self._waiting.put_nowait(one)

    async def _work(self, client: _Client) -> None:
        """Send one message after the other, each when the last is acknowledged."""
        count = self._count
        while True:
            # From here to its writing nobody else has a turn: messages leave in their order.
            number, message = await self._waiting.get()
            self._kept[number] = message
            if number < self._first:
                count.again += 1
            else:
                count.sent += 1
                self._first = number + 1
            await client.publish(message.topic, message.payload, message.qos, timeout=math.inf)
            del self._kept[number]
            count.answered += 1
            self._room.release()
            if not self._kept and self._waiting.empty():
                self._empty.set()

    def _client(self) -> _Client:
        target = self._target
        versions = aiomqtt.ProtocolVersion
        client = _Client(
            target.host,
            target.port,
            username=target.user,
            password=target.password,
            identifier=self._name,
            protocol=versions.V5 if target.version == "5" else versions.V311,
            keepalive=KEEP_ALIVE,
            # Workers are the limit, and there is nothing to warn of.
            max_inflight_messages=2 * UNDER_WAY,
            tls_context=target.tls,
        )
        client.pending_calls_threshold = UNDER_WAY
        client.count = self._count
        return client


class _Client(aiomqtt.Client):
    """A client that heeds what MQTT 5 tells of limits and refusals, which aiomqtt drops."""

    receive_maximum = 65_535
    count: Count

    async def __aenter__(self) -> Self:
        try:
            return await super().__aenter__()
        except BaseException:
            # aiomqtt would leave a connection open that was never answered.
            self._client.disconnect()
            raise

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.receive_maximum = getattr(properties, "ReceiveMaximum", self.receive_maximum)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self,
        client: mqtt.Client,
        userdata: object,
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,
    ) -> None:
        if reason_code.is_failure:
            self.count.refused += 1
            self.count.reason = str(reason_code)
        super()._on_publish(client, userdata, mid, reason_code, properties)


async def _listen(client: _Client) -> None:
    """Raise MqttError when the connection is lost; nothing else ever comes."""
    async for _ in client.messages:
        continue


def explain(target: Target, error: aiomqtt.MqttError) -> tuple[str, bool]:
    """Say what is wrong and what to do; and whether a later attempt could not change it."""
    code = getattr(error, "rc", None)
    number = getattr(code, "value", code)
    if isinstance(error, MqttConnectError):
        lasting = number in _LASTING
        return f"{target} refuses the connection: {_refusal(target, number, error)}", lasting
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        cure = (
            "name the authority's certificate with --cafile, and the host as it stands in its own"
        )
        return f"The certificate of {target} is not trusted ({text}): {cure}", True
    if "SSL" in text:
        return f"{target} does not speak TLS as we do ({text}): name its TLS port", True
    if "refused" in text:
        return f"Nothing listens on {target}: start it, or name another host and port", False
    if "timed out" in text:
        cure = "see that it is an MQTT port, and whether it wants TLS"
        return f"{target} does not answer: {cure}", False
    return f"{target} cannot be reached, or was lost: {text}", False


def _refusal(target: Target, code: int | None, error: aiomqtt.MqttError) -> str:
    if code in _BAD_LOGIN:
        who = f"{target.user} in with this password" if target.user else "in who has no user name"
        return f"it does not let {who}. Check the user name, and the password or token"
    if code in _BAD_VERSION:
        return f"it does not speak MQTT {target.version}. Choose the other version"
    return f"{error}. Look at its log"
