"""The subscriber against Debian's real Mosquitto."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from gateway.mqtt.codec import V5, V311
from gateway.mqtt.connection import BUFFER
from gateway.mqtt.tls import Tls
from tests.broker import Broker
from tests.gateway.mqtt.joining import Kept, Notes, joined, publish, settings

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", ["5", "3.1.1"])


@both
async def test_what_is_acknowledged_does_not_come_again(broker: Broker, version: str) -> None:
    chosen = settings(broker.port, version=version)
    sent = [b"%d" % number for number in range(200)]
    kept = Kept()
    async with joined(chosen, kept) as subscriber:
        await publish(broker.port, sent)
        await kept.count(200)
        assert subscriber.version == (V5 if version == "5" else V311)
    assert kept.payloads == sent
    assert {message.qos for message in kept.messages} == {1}
    again = Kept()
    async with joined(chosen, again) as subscriber:
        assert subscriber.session_present
        await publish(broker.port, [b"next"])
        await again.count(1)
    assert again.payloads == [b"next"]


@both
async def test_what_is_not_acknowledged_comes_again(broker: Broker, version: str) -> None:
    chosen = settings(broker.port, version=version)
    first = Kept(acknowledge=False)
    async with joined(chosen, first) as subscriber:
        assert subscriber.session_present is False
        await publish(broker.port, [b"1", b"2", b"3"])
        await first.count(3)
        subscriber.acknowledge(subscriber.generation, [first.messages[0].packet_id])
    second = Kept()
    async with joined(chosen, second):
        await second.count(2)
    assert second.payloads == [b"2", b"3"]
    assert all(message.dup for message in second.messages)


async def test_messages_sent_while_away_are_waiting(broker: Broker) -> None:
    kept = Kept()
    async with joined(settings(broker.port), kept):
        pass
    await publish(broker.port, [b"while away"])
    async with joined(settings(broker.port), kept):
        await kept.count(1)


async def test_an_acknowledgement_of_an_earlier_connection_is_dropped(broker: Broker) -> None:
    notes, kept = Notes(), Kept(acknowledge=False)
    async with joined(settings(broker.port), kept, notes) as subscriber:
        await publish(broker.port, [b"1"])
        await kept.count(1)
        await asyncio.to_thread(broker.stop)
        await notes.state("lost")
        subscriber.acknowledge(kept.generations[0], [kept.messages[0].packet_id])
        await asyncio.to_thread(broker.start)
        await kept.count(2)
        assert kept.generations[1] > kept.generations[0]
        subscriber.acknowledge(kept.generations[0], [kept.messages[1].packet_id])
    again = Kept()
    async with joined(settings(broker.port), again):
        await again.count(1)
    assert again.payloads == [b"1"]


async def test_a_killed_broker_is_joined_again_and_its_loss_shows(broker: Broker) -> None:
    notes, kept = Notes(), Kept()
    async with joined(settings(broker.port), kept, notes) as subscriber:
        await publish(broker.port, [b"before"])
        await kept.count(1)
        broker.kill()
        await notes.state("lost")
        assert "Nothing listens" in await notes.state("lost", 2)
        await asyncio.to_thread(broker.start)
        assert "new session" in await notes.state("connected", 2)
        assert subscriber.session_present is False
        await publish(broker.port, [b"after"])
        await kept.count(2)
    assert kept.payloads == [b"before", b"after"]


async def test_a_killed_broker_that_had_saved_gives_again_what_was_open(broker: Broker) -> None:
    notes, kept = Notes(), Kept(acknowledge=False)
    async with joined(settings(broker.port), kept, notes) as subscriber:
        await publish(broker.port, [b"1", b"2"])
        await kept.count(2)
        await asyncio.to_thread(broker.save)
        broker.kill()
        await notes.state("lost")
        await asyncio.to_thread(broker.start)
        await notes.state("connected", 2)
        assert subscriber.session_present
        await kept.count(4)
    assert kept.payloads == [b"1", b"2"] * 2
    assert [message.dup for message in kept.messages] == [False, False, True, True]


@both
async def test_a_retained_message_is_marked_and_a_fresh_one_is_not(
    broker: Broker, version: str
) -> None:
    await publish(broker.port, [b"old"], retain=True)
    kept = Kept()
    async with joined(settings(broker.port, version=version), kept):
        await kept.count(1)
        await publish(broker.port, [b"new"], retain=True)
        await kept.count(2)
    assert [(one.payload, one.retain) for one in kept.messages] == [(b"old", True), (b"new", False)]


async def test_a_retained_message_does_not_come_again_at_every_reconnect(broker: Broker) -> None:
    await publish(broker.port, [b"old"], retain=True)
    kept = Kept()
    for _ in range(2):
        async with joined(settings(broker.port), kept):
            await publish(broker.port, [b"new"])
            await kept.count(2 if not kept.messages else 3)
    assert kept.payloads == [b"old", b"new", b"new"]


async def test_a_wrong_password_names_the_cure(tmp_path: Path) -> None:
    secrets = tmp_path / "passwords"
    make = ["mosquitto_passwd", "-b", "-c", str(secrets), "ann", "right"]
    await asyncio.to_thread(subprocess.run, make, check=True)
    conf = f"allow_anonymous false\npassword_file {secrets}"
    with Broker(tmp_path, conf) as broker:
        for version in ("5", "3.1.1"):
            notes = Notes()
            wrong = settings(broker.port, version=version, username="ann", password="wrong")
            async with joined(wrong, Kept(), notes, wait=False):
                assert "username and password" in await notes.state("refused")
        right = settings(broker.port, username="ann", password="right")
        async with joined(right, Kept()):
            pass


async def test_two_clients_with_one_id_are_named_as_such(broker: Broker) -> None:
    for version in ("5", "3.1.1"):
        notes = Notes()
        chosen = settings(broker.port, version=version)
        async with (
            joined(chosen, Kept(), notes, wait=False),
            joined(chosen, Kept(), wait=False),
        ):

            def named(items: list[tuple[str, str]]) -> bool:
                return any("another client uses the same" in detail for _, detail in items)

            await notes.until(named)


async def test_a_paused_link_stops_reading_while_the_broker_goes_on(tmp_path: Path) -> None:
    kept = Kept()
    size, number = 10_000, 2_000
    with Broker(tmp_path, "max_queued_messages 0") as broker:
        async with joined(settings(broker.port), kept) as subscriber:
            await publish(broker.port, [b"first"])
            await kept.count(1)
            subscriber.pause()
            for _ in range(number // 500):
                await publish(broker.port, [bytes(size)] * 500)
            assert sum(map(len, kept.payloads)) <= BUFFER
            subscriber.resume()
            await kept.count(1 + number)


async def test_a_pause_outlasts_a_reconnect(broker: Broker) -> None:
    notes, kept = Notes(), Kept()
    async with joined(settings(broker.port), kept, notes) as subscriber:
        subscriber.pause()
        broker.kill()
        # Nothing is read, so nothing is noticed until something is written.
        subscriber.acknowledge(subscriber.generation, [1])
        subscriber.acknowledge(subscriber.generation, [1])
        await asyncio.to_thread(broker.start)
        while notes.items[-1][0] != "connected" or len(notes.items) < 4:
            subscriber.acknowledge(subscriber.generation, [1])
            await asyncio.sleep(0.01)
        await publish(broker.port, [bytes(10_000)] * 500)
        assert sum(map(len, kept.payloads)) <= BUFFER
        subscriber.resume()
        await kept.count(500)


def certificates(folder: Path) -> None:
    """An authority, and a certificate for localhost that it signed."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        subject = ("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl("req", "-x509", *curve, "-days", "2", *subject)
    openssl("req", *curve, "-subj", "/CN=quay", "-keyout", "quay.key", "-out", "quay.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "quay.csr", *signed, "-days", "2", "-out", "quay.pem")


async def test_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    listener = f"certfile {tmp_path}/quay.pem\nkeyfile {tmp_path}/quay.key\n"
    with Broker(tmp_path, f"listener 0 {tmp_path}/plain", listener=listener) as broker:
        kept = Kept()
        good = settings(broker.port, host="localhost", tls=Tls(ca=tmp_path / "ca.pem"))
        number = 3000
        async with joined(good, kept) as subscriber:
            command = ["mosquitto_pub", "-h", "localhost", "-p", str(broker.port), "-q", "1"]
            command += ["--cafile", str(tmp_path / "ca.pem"), "-t", "cargo/1", "-l"]
            publisher = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE
            )
            subscriber.pause()
            lines = b"".join(b"%0200d\n" % number for number in range(number))
            await publisher.communicate(lines)
            assert len(kept.messages) < number
            subscriber.resume()
            await kept.count(number)
        assert [int(payload) for payload in kept.payloads] == list(range(number))
        for tls, host, sentence in (
            (Tls(ca=tmp_path / "other.pem"), "localhost", "is not trusted"),
            (Tls(), "localhost", "is not trusted"),
            (Tls(ca=tmp_path / "ca.pem"), "127.0.0.1", "a name that it holds"),
            (Tls(ca=tmp_path / "missing.pem"), "localhost", "missing.pem cannot be read"),
        ):
            notes = Notes()
            wrong = settings(broker.port, host=host, tls=tls)
            async with joined(wrong, Kept(), notes, wait=False):
                assert sentence in await notes.state("refused")
        unverified = settings(broker.port, tls=Tls(verify=False))
        async with joined(unverified, Kept()):
            pass


async def test_plain_where_tls_is_wanted_names_the_cure(tmp_path: Path) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    listener = f"certfile {tmp_path}/quay.pem\nkeyfile {tmp_path}/quay.key\n"
    with Broker(tmp_path, listener=listener) as broker:
        notes = Notes()
        async with joined(settings(broker.port), Kept(), notes, wait=False):
            assert "TLS" in await notes.state("lost")
