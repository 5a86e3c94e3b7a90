"""MQTT clients that are not ours, each of which publishes; and a whole gateway for them.

async with gateway(tmp_path) as house:
    await PEERS["paho-mqtt"](house.caller("token", version=5), readings, qos=2)
    assert await house.stored(len(readings)) == readings
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import aiomqtt
import gmqtt  # type: ignore[import-untyped]  # it has no types
from gmqtt.mqtt.handler import MQTTConnectError  # type: ignore[import-untyped]  # as above
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from gateway.app import Gateway
from gateway.clock import Clock
from gateway.listener.authority import Authority, Issued
from gateway.listener.principal import Principal
from gateway.ports import ListenError
from gateway.settings import parse
from tests.broker import free_port

WITHIN = 10.0
"""Seconds that a peer may take."""
TOPIC = "cargo/quay/d-1/readings"
START = Clock().now()
"""When the first reading was taken, ms."""

_SETTINGS = """
[gateway]
box = "box"
data = "data"

[[listeners]]
port = {plain}
anonymous = true

[[listeners]]
port = {tls}
tls = {{ certificate = "tls/server.pem", key = "tls/server.key", authority = "tls/authority.pem" }}

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "0 s"
"""


def reading(number: int, temperature: float = 5.0) -> str:
    """Return a message, which carries its own number."""
    return json.dumps({"time": START + number, "temperature": temperature, "seq": number})


class Caller(NamedTuple):
    """How a peer connects. `version` is 4 for MQTT 3.1.1, or 5."""

    version: int
    port: int
    client_id: str
    user: str | None = None
    token: str | None = None
    authority: Path | None = None
    """With TLS: who signed the listener's certificate."""
    own: Issued | None = None
    """The client's own certificate."""

    def context(self) -> ssl.SSLContext | None:
        """Return what Python's own clients need for TLS."""
        if self.authority is None:
            return None
        context = ssl.create_default_context(cafile=self.authority)
        if self.own is not None:
            context.load_cert_chain(self.own.certificate, self.own.key)
        return context

    def with_aiomqtt(self) -> aiomqtt.Client:
        """Return a client of aiomqtt."""
        return aiomqtt.Client(
            "localhost",
            self.port,
            identifier=self.client_id,
            username=self.user,
            password=self.token,
            protocol=aiomqtt.ProtocolVersion(self.version),
            tls_context=self.context(),
        )

    def options(self) -> list[str]:
        """Return the options of mosquitto_pub and mosquitto_sub."""
        version = "mqttv5" if self.version == 5 else "mqttv311"
        found = ["-h", "localhost", "-p", str(self.port), "-V", version, "-i", self.client_id]
        if self.user is not None and self.token is not None:
            found += ["-u", self.user, "-P", self.token]
        if self.authority is not None:
            found += ["--cafile", str(self.authority)]
        if self.own is not None:
            found += ["--cert", str(self.own.certificate), "--key", str(self.own.key)]
        return found


class House:
    """A whole gateway over the files of a folder, with a plain port and one of TLS."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        self.folder = folder
        self.plain, self.tls = free_port(), free_port()
        authority = Authority.make(folder / "tls", now, "test")
        authority.server(["localhost", "127.0.0.1"], now)
        self._own = authority.client("certified", now)

    async def start(self) -> None:
        """Begin, or begin anew over the same files."""
        for attempt in range(5):
            text = _SETTINGS.format(plain=self.plain, tls=self.tls)
            self.gateway = Gateway(parse(text, folder=self.folder))
            try:
                await self.gateway.compose()
            except ListenError:
                self.gateway.close()
                if attempt == 4:
                    raise
                # Somebody else was faster.
                self.plain, self.tls = free_port(), free_port()
            else:
                break
        self._running = asyncio.create_task(self.gateway.run())

    async def stop(self) -> None:
        """End in good order."""
        self.gateway.stop()
        await self._running
        self.gateway.close()

    async def admit(self) -> None:
        """Make the credentials: one with a token, one with a certificate."""
        add = self.gateway.principals.add
        self.token = await add(Principal("tokened", "", ("*",), ("*",)))
        await add(Principal("certified", "", ("*",), ("*",), certificate=True))

    def caller(self, door: str, version: int) -> Caller:
        """Return how to come in: by "nobody", "token", "token over TLS" or "certificate"."""
        first = Caller(version, self.plain, f"peer-{version}")
        over_tls = first._replace(port=self.tls, authority=self.folder / "tls" / "authority.pem")
        match door:
            case "nobody":
                return first
            case "token":
                return first._replace(user="tokened", token=self.token)
            case "token over TLS":
                return over_tls._replace(user="tokened", token=self.token)
            case _:
                return over_tls._replace(own=self._own)

    async def stored(self, count: int) -> list[int]:
        """Wait until so many readings are stored; return the numbers of all."""
        ingest = self.gateway.ingest
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                while ingest.head < count:
                    await ingest.bell.wait()
        return [one.identity for one in ingest.read(0, 10**6).readings]


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[House]:
    """Run a gateway meanwhile."""
    house = House(folder)
    await house.start()
    try:
        await house.admit()
        yield house
    finally:
        await house.stop()


# -- the peers: each publishes messages, and returns when it was told that they are safe ---------


async def mosquitto_pub(caller: Caller, messages: list[str], qos: int) -> None:
    """Debian's command."""
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", *caller.options(), "-t", TOPIC, "-q", str(qos), "-l",
        stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await asyncio.wait_for(process.communicate("\n".join(messages).encode()), WITHIN)
    assert (process.returncode, told) == (0, b"")


def paho_client(caller: Caller, *, clean: bool = True) -> Paho:
    """Make a client of paho-mqtt."""
    old = caller.version == 4
    client = Paho(
        CallbackAPIVersion.VERSION2,
        caller.client_id,
        clean_session=clean if old else None,
        protocol=MQTTProtocolVersion.MQTTv311 if old else MQTTProtocolVersion.MQTTv5,
    )
    client.username_pw_set(caller.user, caller.token)
    context = caller.context()
    if context is not None:
        client.tls_set_context(context)
    return client


def _paho(caller: Caller, messages: list[str], qos: int) -> None:
    client = paho_client(caller)
    answered, left = threading.Event(), threading.Event()
    client.on_connect = lambda *_: answered.set()
    client.on_disconnect = lambda *_: left.set()
    assert client.connect("localhost", caller.port) is MQTTErrorCode.MQTT_ERR_SUCCESS
    client.loop_start()
    try:
        assert answered.wait(WITHIN)
        assert client.is_connected()
        sent: list[MQTTMessageInfo] = [client.publish(TOPIC, one, qos) for one in messages]
        for one in sent:
            one.wait_for_publish(WITHIN)
            assert one.is_published()
        client.disconnect()
        assert left.wait(WITHIN)
    finally:
        client.disconnect()
        client.loop_stop()


async def paho(caller: Caller, messages: list[str], qos: int) -> None:
    """The library that most Python devices use; it works in a thread of its own."""
    await asyncio.to_thread(_paho, caller, messages, qos)


async def with_aiomqtt(caller: Caller, messages: list[str], qos: int) -> None:
    """The library on asyncio that is built on paho."""
    async with caller.with_aiomqtt() as client:
        for one in messages:
            await client.publish(TOPIC, one, qos)


async def with_gmqtt(caller: Caller, messages: list[str], qos: int) -> None:
    """Another library on asyncio, which shares nothing with paho."""
    client = gmqtt.Client(caller.client_id, clean_session=True)
    if caller.user is not None:
        client.set_auth_credentials(caller.user, caller.token)
    context = caller.context()
    try:
        await client.connect("localhost", caller.port, ssl=context or False, version=caller.version)
        for one in messages:
            client.publish(TOPIC, one, qos)
        await asyncio.wait_for(client._persistent_storage.wait_empty(), WITHIN)
    finally:
        await client.disconnect()


REFUSED = (AssertionError, RuntimeError, aiomqtt.MqttError, MQTTConnectError)
"""What they raise if they may not enter."""

Peer = Callable[[Caller, list[str], int], Awaitable[None]]
PEERS: dict[str, Peer] = {
    "mosquitto_pub": mosquitto_pub,
    "paho-mqtt": paho,
    "aiomqtt": with_aiomqtt,
    "gmqtt": with_gmqtt,
}
