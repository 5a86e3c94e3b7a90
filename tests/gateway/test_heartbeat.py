"""A heart beats while the gateway is well, says why it stops, and gives away nothing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import heartbeat
from gateway.heartbeat import AGAIN, UNHEARD, Heart, Hearts
from gateway.own_alerts import OwnAlerts
from gateway.settings import SettingsError, parse
from gateway.settings.heartbeats import Heartbeat
from rules.duration import MINUTE
from tests.broker import free_port
from tests.gateway.http_receiver import Receiver
from tests.gateway.parts import ToldClock
from tests.gateway.site import Site

SECRET = "0a1b2c3d-secret-of-the-check"
STATUS = {"box": "dock", "alerts": {"critical": 1}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def section(url: str, more: str = "") -> Heartbeat:
    return parse(f'[[heartbeats]]\nname = "outside"\nurl = "{url}"\n{more}').heartbeats[0]


class Body:
    """A gateway that is well until it is told otherwise, and its heart."""

    def __init__(self, url: str, more: str = "") -> None:
        self.unwell: str | None = None
        self.clock = ToldClock()
        self.heart = Heart(
            section(url, more), self.clock, unwell=lambda: self.unwell, status=lambda: STATUS
        )


@pytest.mark.parametrize(
    ("more", "method", "body"),
    [
        ("", "GET", b""),
        ('method = "HEAD"', "HEAD", b""),
        ('method = "POST"', "POST", b""),
        ("with_status = true", "POST", json.dumps(STATUS, separators=(",", ":")).encode()),
    ],
)
async def test_a_well_gateway_beats(
    receiver: Receiver, more: str, method: str, body: bytes
) -> None:
    its = Body(f"{receiver.url}/ping/{SECRET}?status=up", more)
    assert await its.heart.beat() == MINUTE
    (call,) = receiver.calls
    assert (call.method, call.body) == (method, body)
    assert call.path == f"/ping/{SECRET}?status=up"
    assert call.headers["User-Agent"].startswith("holdwatch/")
    assert (its.heart.report.well, its.heart.report.last) == (True, its.clock.wall)


@pytest.mark.parametrize(
    ("more", "header", "value"),
    [
        ('token = "abc"', "Authorization", "Bearer abc"),
        ('token = "abc"\ntoken_header = "X-Api-Key"', "X-Api-Key", "abc"),
    ],
)
async def test_a_token_is_sent_as_the_service_wants_it(
    receiver: Receiver, more: str, header: str, value: str
) -> None:
    await Body(receiver.url, more).heart.beat()
    assert receiver.calls[0].headers[header] == value


async def test_nothing_is_sent_while_the_gateway_is_not_well(receiver: Receiver) -> None:
    its = Body(receiver.url)
    its.unwell = "the disk takes no writes"
    assert await its.heart.beat() == AGAIN
    assert receiver.calls == []
    assert its.heart.problem() is None  # the service is well, we are not
    its.unwell = None
    await its.heart.beat()
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503, 301, 302, 307])
async def test_an_answer_that_is_no_success_counts_as_not_heard(
    receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.location = status, f"{receiver.url}/elsewhere"
    its = Body(f"{receiver.url}/{SECRET}")
    assert await its.heart.beat() == AGAIN
    assert not its.heart.report.well
    assert str(status) in its.heart.report.reason
    assert len(receiver.calls) == 1  # no redirect is followed
    assert SECRET not in its.heart.report.reason


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:{port}/", "cannot connect to 127.0.0.1"),
        ("http://no-such-host.invalid/", "no such host: no-such-host.invalid"),
    ],
)
async def test_what_is_wrong_is_told_without_the_address(url: str, words: str) -> None:
    its = Body(url.format(port=free_port()) + SECRET)
    await its.heart.beat()
    assert words in its.heart.report.reason
    assert SECRET not in its.heart.report.reason


async def test_a_service_that_speaks_no_tls_is_told_as_that(receiver: Receiver) -> None:
    its = Body(receiver.url.replace("http:", "https:"))
    await its.heart.beat()
    assert "no trusted connection to 127.0.0.1" in its.heart.report.reason


async def test_a_service_that_hangs_holds_up_nothing_and_gets_one_thread(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "LONGEST", 0.2)
    receiver.hold = threading.Event()
    its = Body(receiver.url)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await its.heart.beat()
    assert loop.time() - begin < 5
    assert "no whole answer" in its.heart.report.reason
    await its.heart.beat()
    assert "has not answered the call before this one" in its.heart.report.reason
    assert len(receiver.calls) == 1


async def test_a_service_that_does_not_hear_is_an_alert_after_a_while(
    site: Site, receiver: Receiver
) -> None:
    alerts = OwnAlerts("", "dock", site.state, site.clock, [])
    its = Body(receiver.url)
    hearts = Hearts([its.heart])
    receiver.status = 500
    await its.heart.beat()
    hearts.check(alerts)
    assert alerts.open_alerts == []
    its.clock.passes(UNHEARD)
    await its.heart.beat()
    hearts.check(alerts)
    (alert,) = alerts.open_alerts
    assert (alert.channel, alert.severity) == ("heartbeat outside", "warning")
    assert "may raise an alarm" in alert.reason
    receiver.status = 200
    await its.heart.beat()
    hearts.check(alerts)
    assert alerts.open_alerts == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "there is no address to call"),
        ('url = "hc-ping.com/abc"', "is no address of a web service"),
        ('url = "https://user:pw@hc-ping.com/abc"', "more than an address"),
        ('url = "https://hc-ping.com/abc"\nevery = "1 s"', "does not beat so"),
        ('url = "https://hc-ping.com/abc"\nwith_status = true\nmethod = "GET"', "cannot be sent"),
        ('url = "http://hc-ping.com/abc"\nca = "ca.pem"', "no TLS"),
        ('url = "https://hc-ping.com/abc"\ntoken = "a\\nb"', "no token has"),
        ('url = "https://hc-ping.com/abc"\nurl_env = "X"', "given by url and url_env"),
    ],
)
def test_mistakes_are_told_and_repeat_no_address(tmp_path: Path, lines: str, words: str) -> None:
    (tmp_path / "ca.pem").write_text("x")
    with pytest.raises(SettingsError) as error:
        parse(f"[[heartbeats]]\n{lines}", folder=tmp_path, environment={"X": "y"})
    assert words in str(error.value)
    assert "abc" not in str(error.value)


def test_an_address_may_lie_in_a_file_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://hc-ping.com/in-a-file\n")
    settings = parse(
        '[[heartbeats]]\nname = "a"\nurl_file = "url"\n[[heartbeats]]\nname = "b"\nurl_env = "URL"',
        folder=tmp_path,
        environment={"URL": "https://nosnch.in/in-the-environment"},
    )
    assert [one.address for one in settings.heartbeats] == [
        "https://hc-ping.com/in-a-file",
        "https://nosnch.in/in-the-environment",
    ]
    assert [one.host for one in settings.heartbeats] == ["hc-ping.com", "nosnch.in"]


def test_two_services_want_two_names() -> None:
    beat: Any = '[[heartbeats]]\nurl = "https://hc-ping.com/abc"\n'
    with pytest.raises(SettingsError, match="already the name of another of the heartbeats"):
        parse(beat * 2)
