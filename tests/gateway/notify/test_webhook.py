from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from gateway.notify.channel import NotSentError
from gateway.notify.webhook import Webhook, sign
from gateway.notify.wording import Wording
from gateway.settings import channels as settings
from gateway.settings import parse
from tests.gateway.notify import certificates
from tests.gateway.notify.receiver import never_reached, receiver
from tests.gateway.notify.test_addresses import NASTY
from tests.gateway.notify.told import MADE, alert, line, message
from tests.gateway.parts import ToldClock

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.notify.addresses import Resolve

WORDING = Wording("roof", "UTC", lambda _device: "UTC", "https://holdwatch.example.org")
KEY, OLD = "whsec_" + "A" * 32, "whsec_" + "B" * 32
ONE = message("hook", line(alert("a1", note="Close the door."), name="Fridge", site="Harbour"))
HERE = 'allow = ["127.0.0.1"]'


def webhook(url: str, *more: str, ask: Resolve | None = None, timeout: float = 10.0) -> Webhook:
    text = "\n".join(
        [
            "[[channels]]",
            'name = "hook"',
            'kind = "webhook"',
            f'url = "{url}"',
            'secret_env = "KEY"',
            *more,
        ]
    )
    (section,) = parse(text, environment={"KEY": KEY, "OLD": OLD}).channels
    assert isinstance(section, settings.Webhook)
    given: dict[str, Any] = {} if ask is None else {"ask": ask}
    return Webhook(section, WORDING, ToldClock(MADE + 5_000), timeout=timeout, **given)


def answer(status: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


def test_a_signature_is_that_of_the_specifications_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert sign([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


async def test_what_arrives_is_signed_named_and_dated() -> None:
    async with receiver() as there:
        said = await webhook(f"http://127.0.0.1:{there.port}/in?x=1", HERE).send(ONE)
    (came,) = there.requests
    assert said == "200 OK ok"
    assert came.line == "POST /in?x=1 HTTP/1.1"
    assert came.headers["webhook-id"] == ONE.id
    assert came.headers["webhook-timestamp"] == str((MADE + 5_000) // 1000)
    signed = f"{ONE.id}.{came.headers['webhook-timestamp']}.".encode() + came.body
    digest = hmac.digest(base64.b64decode("A" * 32), signed, "sha256")
    assert came.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


async def test_the_document_says_all_that_a_program_needs() -> None:
    async with receiver() as there:
        await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)
    told = json.loads(there.requests[0].body)
    assert (told["type"], told["timestamp"]) == ("alerts.told", "2026-11-18T11:06:40.000Z")
    data = told["data"]
    assert (data["id"], data["box"], data["channel"]) == (ONE.id, "roof", "hook")
    assert data["subject"].startswith("CRITICAL Fridge 11.0 °C")
    (one,) = data["alerts"]
    assert (one["id"], one["device"], one["occasion"]) == ("a1", "fridge-7", "fired")
    assert (one["name"], one["site"], one["severity"]) == ("Fridge", "Harbour", "critical")
    assert one["link"] == "https://holdwatch.example.org/alerts/a1"


async def test_while_keys_change_there_are_two_signatures() -> None:
    async with receiver() as there:
        await webhook(f"http://127.0.0.1:{there.port}/", HERE, 'old_secret_env = "OLD"').send(ONE)
    first, second = there.requests[0].headers["webhook-signature"].split(" ")
    assert first.startswith("v1,")
    assert second.startswith("v1,")
    assert first != second


async def test_a_service_of_ones_own_authority_is_reached_by_its_name(tmp_path: Path) -> None:
    ca = certificates.make(tmp_path, "hooks.example.org")
    asked: list[str] = []

    async def ask(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with receiver(certificates.server_context(tmp_path)) as there:
        url = f"https://hooks.example.org:{there.port}/"
        assert await webhook(url, HERE, f'ca = "{ca}"', ask=ask).send(ONE)
    assert asked == ["hooks.example.org"]
    assert there.requests[0].headers["host"] == f"hooks.example.org:{there.port}"


async def test_another_names_certificate_is_not_trusted(tmp_path: Path) -> None:
    ca = certificates.make(tmp_path, "other.example.org")

    async def ask(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with receiver(certificates.server_context(tmp_path)) as there:
        url = f"https://hooks.example.org:{there.port}/"
        with pytest.raises(NotSentError, match="its certificate is not to be trusted"):
            await webhook(url, HERE, f'ca = "{ca}"', ask=ask).send(ONE)
    assert there.requests == []


@pytest.mark.parametrize("address", NASTY)
async def test_an_address_that_only_we_can_reach_is_not_connected_to(address: str) -> None:
    async def ask(_host: str, _port: int) -> list[str]:
        return [address]

    with never_reached() as port:
        channel = webhook(f"https://hooks.example.org:{port}/", ask=ask)
        with pytest.raises(NotSentError, match="name its network in allow") as caught:
            await channel.send(ONE)
    assert caught.value.again


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001"],
)
async def test_this_machine_is_not_connected_to_however_it_is_written(host: str) -> None:
    with never_reached() as port, pytest.raises(NotSentError, match="which is this machine"):
        await webhook(f"https://{host}:{port}/").send(ONE)


async def test_a_name_that_leads_elsewhere_the_second_time_is_asked_only_once() -> None:
    given: Iterator[list[str]] = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def ask(_host: str, _port: int) -> list[str]:
        return next(given)

    async with receiver() as there:
        url = f"http://hooks.example.org:{there.port}/"
        channel = webhook(url, HERE, ask=ask)
        assert await channel.send(ONE) == "200 OK ok"
        with pytest.raises(NotSentError, match=r"leads to 127\.0\.0\.2"):
            await channel.send(ONE)
    assert len(there.requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    with never_reached() as port:
        async with receiver() as there:
            there.answers.append(answer(302, f"Location: http://127.0.0.1:{port}/"))
            with pytest.raises(NotSentError, match="which is not followed") as caught:
                await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)
    assert caught.value.again


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with never_reached() as port:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        async with receiver() as there:
            await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (400, False),
        (401, True),
        (403, True),
        (404, True),
        (408, True),
        (410, False),
        (413, False),
        (422, False),
        (429, True),
        (500, True),
        (502, True),
        (503, True),
    ],
)
async def test_what_is_refused_for_good_is_told_from_what_may_go_through_later(
    status: int, *, again: bool
) -> None:
    async with receiver() as there:
        there.answers.append(answer(status, body="because"))
        with pytest.raises(NotSentError, match=f"{status} .*because") as caught:
            await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)
    assert caught.value.again is again


async def test_a_service_that_asks_to_be_left_alone_is() -> None:
    async with receiver() as there:
        there.answers.append(answer(503, "Retry-After: 120"))
        with pytest.raises(NotSentError) as caught:
            await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)
    assert caught.value.after == 120


async def test_no_more_than_a_little_of_an_answer_is_read() -> None:
    async with receiver() as there:
        there.answers.append(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000)
        said = await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)
    assert said.startswith("200 OK xxx")
    assert len(said) <= 300


@pytest.mark.parametrize(
    "answered",
    [b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000],
    ids=["another protocol", "nothing", "headers without end"],
)
async def test_what_is_no_answer_is_tried_again(answered: bytes) -> None:
    async with receiver() as there:
        there.answers.append(answered)
        with pytest.raises(NotSentError) as caught:
            await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)
    assert caught.value.again


async def test_an_announcement_is_not_taken_for_the_answer() -> None:
    async with receiver() as there:
        there.answers.append(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(422))
        with pytest.raises(NotSentError, match="422"):
            await webhook(f"http://127.0.0.1:{there.port}/", HERE).send(ONE)


async def test_who_does_not_answer_is_left_in_time() -> None:
    async with receiver() as there:
        there.hold = asyncio.Event()
        channel = webhook(f"http://127.0.0.1:{there.port}/", HERE, timeout=0.2)
        with pytest.raises(NotSentError, match=r"no answer within 0\.2 s") as caught:
            await channel.send(ONE)
        there.hold.set()
    assert caught.value.again


async def test_what_a_service_repeats_of_our_secrets_is_not_kept() -> None:
    async with receiver() as there:
        there.answers.append(answer(500, body=f"bad key {KEY} at /hooks/T0KEN-0123456789"))
        url = f"http://127.0.0.1:{there.port}/hooks/T0KEN-0123456789"
        with pytest.raises(NotSentError) as caught:
            await webhook(url, HERE).send(ONE)
    assert KEY not in caught.value.problem
    assert "T0KEN" not in caught.value.problem
