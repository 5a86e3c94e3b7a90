from __future__ import annotations

import asyncio
import json
import logging
import threading

import pytest

from gateway.notify.apprise import Apprise
from gateway.notify.channel import NotSentError
from gateway.notify.message import Message
from gateway.notify.wording import Wording
from gateway.settings import parse
from gateway.settings.channels import Apprise as Section
from tests.broker import free_port
from tests.gateway.notify.receiver import Receiver, receiver
from tests.gateway.notify.told import MADE, alert, line, message

WORDING = Wording("roof", "UTC", lambda _device: "UTC")
TOKEN = "T0ken-4711-abcdef"
ONE = message("phones", line(alert("a"), name="Fridge"))


def phones(url: str, *, timeout: float = 10.0) -> Apprise:
    text = '[[channels]]\nname = "phones"\nkind = "apprise"\nurl_env = "URL"\n'
    (section,) = parse(text, environment={"URL": url}).channels
    assert isinstance(section, Section)
    return Apprise(section, lambda told: WORDING.words(told, told.made, 3), timeout=timeout)


def url(there: Receiver) -> str:
    return f"json://ann:{TOKEN}@127.0.0.1:{there.port}/in"


async def test_a_service_gets_subject_text_and_the_id() -> None:
    async with receiver() as there:
        assert await phones(url(there)).send(ONE) == "the service took it"
    told = json.loads(there.requests[0].body)
    assert told["title"] == "CRITICAL Fridge 11.0 °C, limit 8 °C, since 11:02"
    assert "What: Temperature above 8 °C" in told["message"]
    assert told["message"].rstrip().endswith(f"Message {ONE.id}")
    assert told["type"] == "failure"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (message("phones", line(alert("a", severity="warning"))), "warning"),
        (message("phones", line(alert("a", ended=MADE, state="resolved"), "resolved")), "success"),
        (Message(id="msg_1", channel="phones", made=MADE, test="Anna"), "info"),
    ],
)
async def test_what_it_is_follows_from_the_gravest(told: Message, kind: str) -> None:
    async with receiver() as there:
        await phones(url(there)).send(told)
    assert json.loads(there.requests[0].body)["type"] == kind


async def test_a_phone_is_told_of_three_and_the_number_of_the_others() -> None:
    async with receiver() as there:
        await phones(url(there)).send(message("phones", *[line(alert(f"a{n}")) for n in range(9)]))
    text = json.loads(there.requests[0].body)["message"]
    assert text.count("Critical: fridge-7") == 3
    assert "And 6 more." in text


async def test_what_a_service_refuses_is_tried_again_and_no_secret_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiver() as there:
        there.answers.append(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(NotSentError) as caught:
            await phones(url(there)).send(ONE)
    assert caught.value.again
    assert "500" in caught.value.problem
    assert TOKEN not in caught.value.problem
    assert TOKEN not in caplog.text


async def test_where_nobody_listens_it_is_tried_again() -> None:
    with pytest.raises(NotSentError) as caught:
        await phones(f"json://ann:{TOKEN}@127.0.0.1:{free_port()}/").send(ONE)
    assert caught.value.again
    assert TOKEN not in caught.value.problem


async def test_an_address_that_nobody_knows_is_told_without_it() -> None:
    with pytest.raises(NotSentError, match="apprise does not know such an address") as caught:
        await phones(f"nosuchservice://{TOKEN}").send(ONE)
    assert TOKEN not in caught.value.problem


async def test_a_service_that_hangs_is_left_and_not_asked_twice_at_a_time() -> None:
    async with receiver() as there:
        there.hold = asyncio.Event()
        channel = phones(url(there), timeout=2.0)
        with pytest.raises(NotSentError, match="no answer within 2 s"):
            await channel.send(ONE)
        with pytest.raises(NotSentError, match="has not come back"):
            await channel.send(ONE)
        there.hold.set()
        for thread in threading.enumerate():
            if thread.name == "aside":
                await asyncio.to_thread(thread.join, 5)
        assert await channel.send(ONE) == "the service took it"
