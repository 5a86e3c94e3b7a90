"""What a person is told about a new credential: where its device connects, and how to try it."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gateway.screen.devices import show_added, show_changed, show_confirmed, show_credentials
from gateway.settings import Settings, parse
from gateway.settings.listener import Clients, Listener, ListenerTls
from tests.e2e.gateway_process import holdwatch

TOKEN = "00112233445566778899aabbccddeeff"
SERVER = Path("/etc/holdwatch/tls/server.pem")
OPEN = Listener(host="127.0.0.1", port=1884)
CLOSED = Listener.model_construct(
    host="192.0.2.7",
    port=8883,
    tls=ListenerTls.model_construct(
        certificate=SERVER, key=None, authority=SERVER, require_certificate=True
    ),
)


def settings(*listeners: Listener) -> Settings:
    return parse("").model_copy(update={"listeners": listeners, "clients": Clients()})


def added(**facts: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a credential holds
    known = {"name": "gate", "speaks_for": ["fridge-*"], "certificate": False, "token": TOKEN}
    return known | {"not_before": 0, "sees": []} | facts


def shown(given: Settings, answer: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=40)
    show_added(console, given, answer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def command(text: str) -> list[str]:
    """Return the words of the command that is shown."""
    lines = [line for line in text.splitlines() if "mosquitto_" in line]
    assert len(lines) == 1, text
    return shlex.split(lines[0])


def test_a_token_is_shown_with_a_command_that_can_be_copied() -> None:
    text = shown(settings(OPEN, CLOSED), added())
    assert f"password    {TOKEN}\n" in text
    assert "1884, without TLS, on this machine alone" in text
    assert command(text) == [
        *("mosquitto_pub", "-h", "127.0.0.1", "-p", "1884", "-u", "gate", "-P", TOKEN),
        *("-q", "1", "-t", "cargo/SITE/fridge-1/readings", "-m", '{"temperature": 4.3}'),
    ]


def test_a_screen_is_told_what_it_may_subscribe_to() -> None:
    given = parse('gateway = { prefix = "hw/roof pi" }').model_copy(update={"listeners": (OPEN,)})
    text = shown(given, added(name="wall", speaks_for=[], sees=["fridge-*"]))
    assert "wall may see the alerts of fridge-*.\n" in text
    assert "cargo/" not in text
    assert "status" not in text
    assert f"password    {TOKEN}\n" in text
    assert "subscribe   hw/roof pi/alerts/+," in text
    assert command(text) == [
        *("mosquitto_sub", "-h", "127.0.0.1", "-p", "1884", "-u", "wall", "-P", TOKEN),
        *("-q", "1", "-v", "-t", "hw/roof pi/alerts/+"),
    ]
    assert "hw/roof pi/status" in shown(given, added(speaks_for=[], sees=["*"]))


def test_what_both_sends_and_sees_is_told_both() -> None:
    text = shown(settings(OPEN), added(sees=["*"]))
    assert "gate may speak for fridge-* and see the alerts of *.\n" in text
    assert "cargo/SITE/fridge-1/readings, with QoS 1" in text
    assert "/alerts/+" in text
    assert command(text)[0] == "mosquitto_pub"


def test_a_pattern_without_its_star_is_told() -> None:
    text = shown(settings(OPEN), added(speaks_for=["fridge-", "door-*"]))
    assert "! fridge- is the name of one device. For all that begin so: 'fridge-*'\n" in text
    assert "door" not in text.partition("! fridge-")[2].partition("\n")[0]
    assert "is the name of one device" not in shown(settings(OPEN), added())


@pytest.mark.parametrize("words", [["key", "add"], ["device", "add"], ["device", "change"]])
def test_the_help_shows_patterns_with_their_stars(words: list[str]) -> None:
    told = holdwatch(*words, "--help")
    assert "fridge-*" in told


def test_changed_rights_are_told() -> None:
    console = Console(file=io.StringIO(), width=40)
    show_changed(console, settings(), added(speaks_for=[], certificate=True))
    assert isinstance(console.file, io.StringIO)
    assert "gate may do nothing. Its certificate stays;" in console.file.getvalue()


def test_a_certificate_is_for_a_port_that_takes_certificates() -> None:
    text = shown(settings(OPEN, CLOSED), added(certificate=True, token=None))
    assert "holdwatch tls certificate gate" in text
    assert "password" not in text
    assert command(text)[:11] == [
        *("mosquitto_pub", "-h", "192.0.2.7", "-p", "8883", "--cafile", "AUTHORITY.pem"),
        *("--cert", "/etc/holdwatch/tls/clients/gate.pem"),
        *("--key", "/etc/holdwatch/tls/clients/gate.key"),
    ]


def test_whose_certificate_was_revoked_is_told_that_it_needs_another() -> None:
    revoked = added(certificate=True, token=None, not_before=60_000)
    assert "made before 1970-01-01 00:01:00 UTC were revoked" in shown(settings(CLOSED), revoked)
    assert "revoked" not in shown(settings(CLOSED), revoked | {"not_before": 0})


@pytest.mark.parametrize(
    ("listeners", "facts", "words"),
    [
        ((), {}, "no [[listeners]] that would let it in"),
        ((CLOSED,), {}, "no [[listeners]] that would let it in"),
        ((OPEN,), {"certificate": True, "token": None}, "[[listeners]] with tls and authority"),
    ],
)
def test_where_no_port_would_let_it_in_that_is_said(
    listeners: tuple[Listener, ...], facts: dict[str, Any], words: str
) -> None:
    text = shown(settings(*listeners), added(**facts))
    assert words in text
    assert "mosquitto_pub" not in text


@pytest.mark.parametrize(
    ("pattern", "device"),
    [("d-7", "d-7"), ("d-?", "d-1"), ("*", "1"), ("d-[ab]", "DEVICE"), ("a;b$(c)", "a;b$(c)")],
)
def test_the_command_names_a_device_that_it_may_speak_for(pattern: str, device: str) -> None:
    words = command(shown(settings(OPEN), added(speaks_for=[pattern])))
    assert words[words.index("-t") + 1] == f"cargo/SITE/{device}/readings"


KNOWN = {"device": "a$b", "already": False, "heard": True, "quarantined": 0}
MET = {"since": 0, "source": "listener/gate"}
NEVER = {"since": None, "source": None}


@pytest.mark.parametrize(
    ("facts", "words", "warned"),
    [
        (MET, "is confirmed. listener/gate brought it first, 1970-01-01 00:00:00 UTC.", False),
        (MET | {"already": True}, "a$b was confirmed already.", False),
        (NEVER, "a$b is confirmed.", False),
        (NEVER | {"heard": False, "quarantined": 2}, "2 messages may be taken in now", False),
        (NEVER | {"heard": False}, "--undo 'a$b'", True),
    ],
)
def test_a_confirmed_device_is_told_and_one_that_was_never_heard_is_doubted(
    facts: dict[str, Any], words: str, *, warned: bool
) -> None:
    console = Console(file=io.StringIO(), width=40)
    show_confirmed(console, settings(), {"devices": [KNOWN | facts], "left_out": []})
    assert isinstance(console.file, io.StringIO)
    assert words in console.file.getvalue()
    assert ("mistyped" in console.file.getvalue()) is warned


def test_devices_that_are_not_confirmed_with_all_are_named() -> None:
    console = Console(file=io.StringIO(), width=40)
    left_out = [{"device": "x[1]", "why": "nothing that it sent was understood"}]
    show_confirmed(console, settings(), {"devices": [], "left_out": left_out})
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == (
        "No device was confirmed.\n"
        "! x[1] was left out: nothing that it sent was understood\n"
        "If one is yours all the same: holdwatch device confirm ID\n"
    )


def test_how_a_credential_stands_is_told() -> None:
    end = {"at": 0, "why": "not heard for 90 s", "will": None}
    common = {"owner": "", "speaks_for": ["[x]"], "sees": ["*"], "certificate": False}
    rows = [
        common | {"name": "a", "revoked": None, "connections": 2, "end": None},
        common | {"name": "b", "revoked": None, "connections": 0, "end": end},
        common | {"name": "c", "revoked": 0, "connections": 0, "end": end | {"will": "t"}},
    ]
    console = Console(file=io.StringIO(), width=200)
    show_credentials(console, settings(), {"credentials": rows})
    assert isinstance(console.file, io.StringIO)
    _, *lines = console.file.getvalue().splitlines()
    assert [line.split(maxsplit=4)[4].strip() for line in lines] == [
        "✓ connected, 2 times",
        "not connected; broken off 1970-01-01 00:00:00 UTC: not heard for 90 s",
        "revoked 1970-01-01 00:00:00 UTC",
    ]
    assert all("[x]" in line for line in lines)
