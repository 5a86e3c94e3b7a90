"""TLS below a client: handshakes in pieces, data in the same flight, and who speaks none."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.listener.authority import Authority
from gateway.listener.channel import Above, Channel
from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311, PacketReader, encode
from tests.gateway.listener.serving import WITHIN, Door, Wire, message, serving


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    now = datetime.now(UTC)
    own = Authority.make(tmp_path / "tls", now, "test").server(["localhost"], now)
    tls = {"certificate": own.certificate, "key": own.key}
    async with serving(tmp_path, port={"tls": tls, "anonymous": True}) as made:
        yield made


class TlsWire:
    """TLS by hand over a TCP connection, so that each segment is what the test wants it to be."""

    def __init__(self, door: Door, wire: Wire, version: ssl.TLSVersion) -> None:
        context = ssl.create_default_context(cafile=door.folder / "tls" / "authority.pem")
        context.minimum_version = context.maximum_version = version
        self.wire = wire
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.packets = PacketReader(V311, 1 << 20)
        self.got: list[p.Packet] = []

    async def flush(self, size: int) -> None:
        data = self.outgoing.read()
        for at in range(0, len(data), size):
            await self.wire.send_bytes(data[at : at + size])
            await asyncio.sleep(0)

    async def hear(self) -> bool:
        """Take some bytes; False if that was the end."""
        async with asyncio.timeout(WITHIN):
            data = await self.wire.reader.read(1 << 16)
        self.incoming.write(data)
        return data != b""

    async def shake_hands(self, size: int) -> None:
        """Make the handshake; our last words of it lie ready to be sent."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.flush(size)
                assert await self.hear()
            else:
                return

    async def get(self) -> p.Packet:
        while not self.got:
            try:
                self.got += self.packets.feed(self.tls.read(1 << 16))
            except ssl.SSLWantReadError:
                assert await self.hear()
        return self.got.pop(0)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [1, 100, 100_000])
async def test_a_handshake_may_come_in_any_pieces(
    door: Door, version: ssl.TLSVersion, size: int
) -> None:
    tls = TlsWire(door, await door.wire(), version)
    await tls.shake_hands(size)
    # The end of the handshake, a CONNECT and messages in one flight.
    tls.tls.write(encode(p.Connect("a", version=V311, clean_start=True), V311))
    for number in (1, 2):
        tls.tls.write(encode(message(number), V311))
    await tls.flush(size)
    assert await tls.get() == p.Connack()
    assert [await tls.get(), await tls.get()] == [p.Puback(1), p.Puback(2)]
    tls.tls.write(encode(p.Disconnect(), V311))
    await tls.flush(size)
    await door.until(lambda: not door.listener._clients)
    assert await door.stored() == [1, 2]
    # A good end: TLS says so too, or a client could not tell it from one that was cut off.
    while await tls.hear():
        pass
    assert tls.tls.read(1) == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_large_message_is_many_records(door: Door, version: ssl.TLSVersion) -> None:
    tls = TlsWire(door, await door.wire(), version)
    await tls.shake_hands(10**6)
    tls.tls.write(encode(p.Connect("a", version=V311, clean_start=True), V311))
    large = encode(p.Publish(b"t", b"x" * 200_000, 1, 1), V311)
    for at in range(0, len(large), 10_000):
        tls.tls.write(large[at : at + 10_000])
    await tls.flush(5000)
    assert [await tls.get(), await tls.get()] == [p.Connack(), p.Puback(1)]


@pytest.mark.parametrize(
    "data",
    [encode(p.Connect("a"), V5), b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\0\xff" + bytes(255)],
    ids=["MQTT without TLS", "HTTP", "a broken hello"],
)
async def test_who_speaks_no_tls_is_turned_away_and_counted(door: Door, data: bytes) -> None:
    wire = await door.wire()
    await wire.send_bytes(data)
    async with asyncio.timeout(WITHIN):
        # At most TLS's own alert.
        assert len(await wire.reader.read()) <= 7
    await door.until(lambda: not door.listener._strangers)
    (why,) = door.listener.refusals
    assert why.startswith("TLS")


def stranger() -> ssl.SSLContext:
    """A client that trusts others."""
    return ssl.create_default_context()


def old() -> ssl.SSLContext:
    """A client of another time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def bare() -> ssl.SSLContext:
    """A client without a certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def of_another(folder: Path) -> ssl.SSLContext:
    """A client whose certificate is of another authority."""
    context = bare()
    now = datetime.now(UTC)
    own = Authority.make(folder / "another", now, "another").client("truck", now)
    context.load_cert_chain(own.certificate, own.key)
    return context


def shake_hands(context: ssl.SSLContext, port: int) -> None:
    """Connect as most programs do: asyncio closes without saying what is wrong."""
    with (
        socket.create_connection(("127.0.0.1", port), WITHIN) as plain,
        suppress(OSError),
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        # TLS 1.3: what the server thinks of it comes afterwards.
        tls.recv(1)


IN_WORDS: list[tuple[str, Callable[[Path], ssl.SSLContext | bytes], str]] = [
    ("MQTT without TLS", lambda _: encode(p.Connect("a"), V5), "it speaks no TLS on this port"),
    ("HTTP", lambda _: b"GET / HTTP/1.1\r\n\r\n", "it speaks no TLS on this port"),
    ("no trust", lambda _: stranger(), "it does not trust our certificate: give it authority.pem"),
    ("old TLS", lambda _: old(), "it speaks only older versions of TLS"),
    ("no certificate", lambda _: bare(), "it shows no certificate, and require_certificate"),
    ("another's", of_another, "its certificate is ended, or of an authority that we do not trust"),
]


@pytest.mark.parametrize(
    ("peer", "words"), [one[1:] for one in IN_WORDS], ids=[one[0] for one in IN_WORDS]
)
async def test_what_is_wrong_in_tls_is_told_in_words(
    tmp_path: Path, peer: Callable[[Path], ssl.SSLContext | bytes], words: str
) -> None:
    now = datetime.now(UTC)
    authority = Authority.make(tmp_path / "tls", now, "test")
    own = authority.server(["localhost"], now)
    tls = {
        "certificate": own.certificate,
        "key": own.key,
        "authority": tmp_path / "tls" / "authority.pem",
        "require_certificate": True,
    }
    async with serving(tmp_path, port={"tls": tls}) as door:
        client = peer(tmp_path)
        if isinstance(client, bytes):
            await (await door.wire()).send_bytes(client)
        else:
            await asyncio.to_thread(shake_hands, client, door.port)
        await door.until(lambda: door.listener.refusals)
        (why,) = door.listener.refusals
        assert why.startswith(f"TLS: {words}")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "it closed without a good-bye"),
        (
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
            "it broke the connection off",
        ),
        (
            TimeoutError(errno.ETIMEDOUT, "timed out"),
            "its device answers no more: no power, or no network",
        ),
        (OSError(errno.EIO, "x"), "the connection broke: Input/output error"),
        (RuntimeError("x"), "the connection broke: x"),
    ],
)
def test_how_a_connection_broke_is_told_in_words(error: Exception | None, words: str) -> None:
    told: list[str] = []
    above = SimpleNamespace(closed=told.append)
    Channel(cast("Above", above), memoryview(bytearray(1))).connection_lost(error)
    assert told == [words]


async def test_a_broken_record_ends_that_connection_alone(door: Door) -> None:
    tls = TlsWire(door, await door.wire(), ssl.TLSVersion.TLSv1_3)
    other = TlsWire(door, await door.wire(), ssl.TLSVersion.TLSv1_3)
    for one, name in ((tls, "a"), (other, "b")):
        await one.shake_hands(10**6)
        one.tls.write(encode(p.Connect(name, version=V311, clean_start=True), V311))
        await one.flush(10**6)
        assert await one.get() == p.Connack()
    await tls.wire.send_bytes(b"\x17\x03\x03\0\x20" + bytes(32))
    await door.until(lambda: len(door.listener._clients) == 1)
    assert (await door.end()).why.startswith("TLS: ")
    other.tls.write(encode(message(1), V311))
    await other.flush(10**6)
    assert await other.get() == p.Puback(1)


async def test_a_handshake_that_is_not_finished_is_not_awaited_for_ever(door: Door) -> None:
    tls = TlsWire(door, await door.wire(), ssl.TLSVersion.TLSv1_3)
    with pytest.raises(ssl.SSLWantReadError):
        tls.tls.do_handshake()
    await tls.flush(10**6)
    assert await tls.hear()
    await door.passes(5.1)
    while await tls.hear():
        pass
    assert not door.listener._strangers
