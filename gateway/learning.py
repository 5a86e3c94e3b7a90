"""Listens to a broker's traffic for a while, or reads it from a file, to learn what is sent.

It joins as a client of its own, with a clean session and at QoS 0: nothing is taken from the
gateway or kept for us, and what we do not hear is lost to nobody.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import aiomqtt

from devices.learn.heard import Heard, look
from devices.learn.tried import Known
from devices.reading import RETAINED
from gateway import ways
from gateway.codecs.folder import CodecFolder
from gateway.mqtt.tls import Tls, client_context
from gateway.mqtt.topic import matches
from gateway.settings import parse

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

    from paho.mqtt.reasoncodes import ReasonCode

    from devices.reading import DeviceKey
    from gateway.settings import Settings
    from gateway.settings.broker import Broker

MOST_MESSAGES, MOST_BYTES = 50_000, 64_000_000
"""Messages, and bytes of them, after which enough was heard."""
TIMEOUT = 10
"""Seconds that a broker may take to answer."""
LOOK = 0.25
"""Seconds between two looks at how far it has come."""
_REFUSED = 0x80
_EMPTY = b"(null)"
"""What mosquitto_sub prints of a message without a payload."""


class LearnError(Exception):
    """Nothing can be heard there: what is wrong, and the cure."""


class Source(NamedTuple):
    """A broker to listen to. `tls`: with the authorities that are trusted; None for none."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


class Sample:
    """What was heard so far."""

    def __init__(self) -> None:
        self.messages: list[Heard] = []
        self.topics: set[str] = set()
        self.ended = ""
        """Why it ended early, "" where it did not."""
        self._bytes = 0

    def add(self, heard: Heard) -> bool:
        """Take a message in; return whether there is room for more."""
        self.messages.append(heard)
        self.topics.add(heard.topic)
        self._bytes += len(heard.payload)
        if len(self.messages) < MOST_MESSAGES and self._bytes < MOST_BYTES:
            return True
        self.ended = f"{len(self.messages):,} messages are enough"
        return False


def of_broker(broker: Broker) -> Source:
    """Return a broker of the settings. Raises OSError for certificates that cannot be used."""
    tls = broker.tls
    return Source(
        broker.host,
        broker.port,
        broker.username,
        broker.secret.get_secret_value() if broker.secret is not None else None,
        client_context(Tls(tls.ca, tls.certificate, tls.key)) if tls is not None else None,
    )


async def listen(
    source: Source, topics: Iterable[str], seconds: float, tell: Callable[[Sample, float], None]
) -> Sample:
    """Hear what is published for so long, until Ctrl-C, or until it is enough.

    `tell(sample, seconds passed)` is called now and then. Raises LearnError.
    """
    sample = Sample()
    listening = asyncio.create_task(_listen(source, topics, sample))
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    begun = loop.time()
    try:
        while (left := begun + seconds - loop.time()) > 0:
            await asyncio.wait(
                [listening, stopping],
                timeout=min(LOOK, left),
                return_when=asyncio.FIRST_COMPLETED,
            )
            tell(sample, loop.time() - begun)
            if listening.done() or stop.is_set():
                break
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        stopping.cancel()
        listening.cancel()
        (ended,) = await asyncio.gather(listening, return_exceptions=True)
    if stop.is_set():
        sample.ended = "stopped"
    if isinstance(ended, LearnError):
        if not sample.messages:
            raise ended
        # What was heard before the connection broke is worth telling.
        sample.ended = str(ended)
    elif isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
        raise ended
    return sample


async def _listen(source: Source, topics: Iterable[str], sample: Sample) -> None:
    client = aiomqtt.Client(
        source.host,
        source.port,
        identifier=f"holdwatch-learn-{secrets.token_hex(4)}",
        username=source.username,
        password=source.password,
        tls_context=source.tls,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        timeout=TIMEOUT,
    )
    where = f"{source.host}:{source.port}"
    try:
        async with client:
            for topic in topics:
                granted = await client.subscribe(topic, qos=0)
                if any(_is_refusal(code) for code in granted):
                    raise LearnError(
                        f"{where} does not let us subscribe to {topic}. Name topics that this "
                        "user may read, or another user"
                    )
            async for message in client.messages:
                flags = RETAINED if message.retain else 0
                heard = Heard(str(message.topic), bytes(message.payload), _now(), flags)
                if not sample.add(heard):
                    return
    except (aiomqtt.MqttError, OSError, TimeoutError) as error:
        raise LearnError(
            f"The connection to {where} failed: {error}. See that the broker runs there, and that "
            "user name, password and certificates are right"
        ) from error


def _is_refusal(code: int | ReasonCode) -> bool:
    return (code if isinstance(code, int) else code.value) >= _REFUSED


def _now() -> int:
    return time.time_ns() // 1_000_000


# --- recorded lines


def read_lines(file: BinaryIO, received: Callable[[], int]) -> Sample:
    """Read lines of topic and payload, as `mosquitto_sub -v` prints them.

    `received` says when one arrived, ms since 1970. A topic ends at the first space, or where
    after a later one an object begins: topics may hold spaces themselves.
    """
    sample = Sample()
    for line in file:
        topic, payload = _parted(line.rstrip(b"\r\n"))
        if not topic:
            continue
        heard = Heard(
            topic.decode(errors="replace"), b"" if payload == _EMPTY else payload, received()
        )
        if not sample.add(heard):
            break
    return sample


def _parted(line: bytes) -> tuple[bytes, bytes]:
    """Return topic and payload of a line, no topic where it is none."""
    topic, space, payload = line.partition(b" ")
    if payload[:1] not in {b"{", b"["}:
        longer, found, rest = line.partition(b" {")
        if found and look(b"{" + rest).kind == "object":
            return longer, b"{" + rest
    return (topic, payload) if space else (b"", b"")


def of_topics(sample: Sample, topics: Iterable[str]) -> list[Heard]:
    """Return the messages on these topics; all of them where none is named."""
    filters = tuple(topics)
    return [
        one
        for one in sample.messages
        if not filters or any(matches(each, one.topic) for each in filters)
    ]


# --- settings


def known(settings: Settings | None, broker: Broker | None) -> Known:
    """Return what the settings say by which messages are decoded."""
    if settings is None:
        return Known()

    def assigned(device: DeviceKey) -> str:
        section = settings.device(device)
        return (section and section.model) or ""

    return Known(
        mappings=(*(one.mapping() for one in settings.mappings), *ways.mappings(settings)),
        owner=settings.gateway.owner if broker is None else settings.owner(broker),
        codecs=tuple(CodecFolder(settings.codec_folder, expected=False).recognised),
        assigned=assigned,
    )


def not_subscribed(broker: Broker | None, topics: Iterable[str]) -> Iterator[str]:
    """Yield those of the filters that a broker's `topics` do not hold yet."""
    mine = () if broker is None else broker.topics
    for topic in topics:
        if not any(_covers(one, topic) for one in mine):
            yield topic


def _covers(wide: str, narrow: str) -> bool:
    """Whether a filter matches whatever the other one matches."""
    mine, theirs = wide.split("/"), narrow.split("/")
    for place, level in enumerate(mine):
        if level == "#":
            return True
        if place >= len(theirs) or theirs[place] == "#":
            return False
        if level not in {"+", theirs[place]}:
            return False
    return len(mine) == len(theirs)


def append(path: Path, block: str) -> None:
    """Append a block to a settings file, if the whole is right then.

    Raises SettingsError, with nothing changed, and OSError.
    """
    before = path.read_text(encoding="utf-8")
    text = f"{before.rstrip()}\n\n{block}" if before.strip() else block
    parse(text, str(path), folder=path.resolve().parent)
    real = path.resolve()
    status = real.stat()
    number, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    fresh = Path(name)
    try:
        with open(number, "wb") as file:  # noqa: PTH123 - of what mkstemp has opened
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(fresh, status.st_mode & 0o7777)  # noqa: PTH101 - beside chown
        if os.geteuid() == 0:
            os.chown(fresh, status.st_uid, status.st_gid)
        fresh.replace(real)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
