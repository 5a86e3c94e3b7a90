from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from gateway.notify.channel import NotSentError
from gateway.notify.mail import Mail
from gateway.notify.message import Message
from gateway.notify.wording import Wording
from gateway.settings import parse
from gateway.settings.channels import Email
from tests.broker import free_port
from tests.gateway.notify import certificates
from tests.gateway.notify.mail_server import MailServer, mail_server
from tests.gateway.notify.told import MADE, alert, line, message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDING = Wording("roof", "UTC", lambda _device: "Europe/Berlin", "https://holdwatch.example.org")
ONE = message("office", line(alert("a1", note="Close the door."), name="Impfkühlschrank"))
PASSWORD = "sesame-4711"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def mail(port: int, *more: str, timeout: float = 10.0) -> Mail:
    text = "\n".join(
        [
            "[[channels]]",
            'name = "office"',
            'kind = "email"',
            'host = "127.0.0.1"',
            f"port = {port}",
            'from = "Holdwatch <holdwatch@example.org>"',
            'to = ["Anna Õ <anna@example.org>", "ben@example.org"]',
            *(more or ('tls = "none"',)),
        ]
    )
    (section,) = parse(text, environment={"PASSWORD": PASSWORD}).channels
    assert isinstance(section, Email)
    return Mail(section, lambda told: WORDING.words(told, told.made), timeout=timeout)


async def test_a_letter_can_be_read_threaded_and_told_from_its_repeat(server: MailServer) -> None:
    said = await mail(server.port).send(ONE)
    assert said == "127.0.0.1 took it for anna@example.org, ben@example.org"
    (letter,) = server.letters
    assert letter["Subject"] == "CRITICAL Impfkühlschrank 11.0 °C, limit 8 °C, since 12:02"
    assert letter["From"] == "Holdwatch <holdwatch@example.org>"
    assert letter["To"] == "Anna Õ <anna@example.org>, ben@example.org"
    assert letter["Message-ID"] == f"<{ONE.id}@example.org>"
    assert letter["X-Holdwatch-Message"] == ONE.id
    assert letter["References"] == "<alert.a1@example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"] == "Wed, 18 Nov 2026 11:06:40 +0000"
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "What to do: Close the door." in text.get_content()
    assert "<h2" in page.get_content()


async def test_messages_about_one_alert_belong_to_one_thread(server: MailServer) -> None:
    channel = mail(server.port)
    await channel.send(ONE)
    await channel.send(message("office", line(alert("a1"), "resolved")))
    first, second = server.letters
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]


async def test_a_message_of_500_alerts_has_headers_that_end(server: MailServer) -> None:
    await mail(server.port).send(message("office", *[line(alert(f"a{n}")) for n in range(500)]))
    (letter,) = server.letters
    assert len(letter["References"].split()) == 20
    assert letter["Subject"].startswith("500 ALERTS, worst: CRITICAL")


async def test_nothing_of_an_alert_gets_into_the_headers(server: MailServer) -> None:
    nasty = line(alert("a\r\nBcc: eve@example.org"), name="x\r\nBcc: eve@example.org\r\n\r\nhello")
    told = Message(id="msg_1\r\nBcc: x", channel="office", made=MADE, lines=(nasty,))
    await mail(server.port).send(told)
    (letter,) = server.letters
    assert letter["Bcc"] is None
    assert "x Bcc: eve@example.org hello" in letter["Subject"]
    assert server.recipients == [["anna@example.org", "ben@example.org"]]


@pytest.mark.parametrize("how", ["starttls", "tls"])
async def test_it_is_encrypted_and_logs_in(tmp_path: Path, how: str) -> None:
    ca = certificates.make(tmp_path)
    context = certificates.server_context(tmp_path)
    login = ('username = "ann"', 'password_env = "PASSWORD"') if how == "starttls" else ()
    with mail_server(**{how: context}, password=PASSWORD if login else "") as server:
        await mail(server.port, f'tls = "{how}"', f'ca = "{ca}"', *login).send(ONE)
    assert server.logins == [("ann", PASSWORD)] * bool(login)
    assert len(server.letters) == 1


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    certificates.make(tmp_path)
    with (
        mail_server(certificates.server_context(tmp_path)) as server,
        pytest.raises(NotSentError, match="its certificate is not to be trusted") as caught,
    ):
        await mail(server.port, 'tls = "starttls"').send(ONE)
    assert caught.value.again
    assert server.letters == []


async def test_a_server_without_tls_is_told_nothing(server: MailServer) -> None:
    login = ('username = "ann"', 'password_env = "PASSWORD"')
    with pytest.raises(NotSentError, match="STARTTLS extension not supported"):
        await mail(server.port, 'tls = "starttls"', *login).send(ONE)
    assert server.logins == []


async def test_a_wrong_password_is_tried_again_and_never_told(tmp_path: Path) -> None:
    ca = certificates.make(tmp_path)
    login = ('username = "ann"', 'password_env = "PASSWORD"')
    context = certificates.server_context(tmp_path)
    with (
        mail_server(context, password="another") as server,
        pytest.raises(NotSentError, match="535") as caught,
    ):
        await mail(server.port, 'tls = "starttls"', f'ca = "{ca}"', *login).send(ONE)
    assert caught.value.again
    assert PASSWORD not in caught.value.problem


@pytest.mark.parametrize(
    ("where", "answer", "again"),
    [
        ("DATA", "554 5.7.1 looks like spam", False),
        ("DATA", "451 4.3.0 try later", True),
        ("MAIL", "553 5.1.8 sender not allowed", False),
        ("MAIL", "530 5.7.0 authenticate first", True),
        ("MAIL", "421 closing", True),
    ],
)
async def test_what_a_server_refuses_for_good_is_not_tried_again(
    server: MailServer, where: str, answer: str, *, again: bool
) -> None:
    server.answers[where] = answer
    with pytest.raises(NotSentError) as caught:
        await mail(server.port).send(ONE)
    assert caught.value.again is again
    assert answer[:3] in caught.value.problem


async def test_an_address_that_is_refused_for_good_does_not_hold_up_the_others(
    server: MailServer,
) -> None:
    server.answers["ben@example.org"] = "550 5.1.1 no such user"
    channel = mail(server.port)
    said = await channel.send(ONE)
    assert "not taken for ben@example.org: 550 5.1.1 no such user" in said
    assert channel.remark == "not taken for ben@example.org: 550 5.1.1 no such user"
    assert server.recipients == [["anna@example.org"]]
    server.answers.clear()
    await channel.send(message("office", line(alert("b"))))
    assert not channel.remark


async def test_an_address_that_is_refused_for_now_is_tried_again_alone(server: MailServer) -> None:
    server.answers["ben@example.org"] = "450 4.2.0 greylisted"
    channel = mail(server.port)
    with pytest.raises(NotSentError, match="greylisted") as caught:
        await channel.send(ONE)
    assert caught.value.again
    server.answers.clear()
    await channel.send(ONE)
    assert server.recipients == [["anna@example.org"], ["ben@example.org"]]


async def test_where_every_address_is_refused_for_good_it_is_not_tried_again(
    server: MailServer,
) -> None:
    server.answers = dict.fromkeys(("anna@example.org", "ben@example.org"), "550 no such user")
    with pytest.raises(NotSentError) as caught:
        await mail(server.port).send(ONE)
    assert not caught.value.again


async def test_where_nobody_listens_it_is_tried_again() -> None:
    with pytest.raises(NotSentError, match="nobody listens there") as caught:
        await mail(free_port()).send(ONE)
    assert caught.value.again


async def test_an_attempt_that_does_not_end_is_not_joined_by_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = mail(silent.getsockname()[1], 'tls = "none"', timeout=20.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await channel.send(ONE)
        with pytest.raises(NotSentError, match="not come back from the last attempt") as caught:
            await channel.send(ONE)
    assert caught.value.again


async def test_what_arrived_after_we_had_left_is_not_sent_again(server: MailServer) -> None:
    server.holds = 0.5
    channel = mail(server.port)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await channel.send(ONE)
    async with asyncio.timeout(10):
        while True:
            try:
                assert "anna@example.org" in await channel.send(ONE)
                break
            except NotSentError:
                await asyncio.sleep(0.05)
    assert len(server.letters) == 1
