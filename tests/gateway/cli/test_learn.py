"""`holdwatch device learn` from recorded lines and from a real broker, and what it writes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from rich.console import Console

from devices.learn.heard import Heard
from devices.learn.propose import propose
from devices.reading import DeviceKey
from gateway import learning
from gateway.learning import (
    LearnError,
    Sample,
    Source,
    _is_refusal,
    listen,
    not_subscribed,
    read_lines,
)
from gateway.screen.learn import show_learnt, verdict
from gateway.settings import SettingsError, load, parse
from tests.broker import Broker, broker, free_port  # noqa: F401 - a fixture
from tests.e2e.typed import typed

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_795_346_283_000
LINES = b"""\
farm/n1/up {"temp": 4.5, "hum": 60, "mystery": 1}
farm/n2/up {"temp": 5.5, "hum": 61, "mystery": 2}
farm/n1/status online
zigbee2mqtt/fridge {"temperature": 4, "linkquality": 9}
holdwatch/box/alerts/1 {"temperature": 1}
farm/n3/up (null)

no-space
"""
SETTINGS = """\
[gateway]
box = "box"

[[brokers]]
name = "hall"
host = "localhost"
topics = ["farm/#"]
"""


def run(
    folder: Path, *words: str, piped: bytes = b"", code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = typed("device", "learn", *words, given=piped.decode(), folder=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done


# --- from recorded lines


def test_lines_that_were_piped_in_become_settings(tmp_path: Path) -> None:
    shown = run(tmp_path, "--file", "-", piped=LINES).stdout
    assert 'topic = "farm/{device}/up"' in shown
    assert 'channels = { humidity = "hum", temperature = "temp" }' in shown
    assert "mystery" in shown
    assert "1 a Zigbee device" in shown
    assert 'topics = ["farm/+/up", "zigbee2mqtt/#"]' in shown
    assert list(tmp_path.iterdir()) == []


def test_programs_are_told_everything(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(LINES)
    told = json.loads(run(tmp_path, "--file", "lines", "--topic", "farm/#", "--json").stdout)
    assert told["messages"] == 4
    (block,) = told["blocks"]
    assert (block["decoded"], block["messages"], block["devices"]) == (2, 3, ["n1", "n2"])
    assert block["mapping"]["topic"] == "farm/{device}/up"
    assert told["ignorable"] == ["farm/n1/status"]
    assert {one["key"] for one in told["unplaced"]} == {"mystery", ""}
    assert parse(told["toml"]).mappings[0].channels == {"humidity": "hum", "temperature": "temp"}
    assert told["subscribe"] == ["farm/+/up"]


def test_a_proposal_is_appended_to_settings_and_then_known(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    settings.write_text(SETTINGS)
    settings.chmod(0o640)
    shown = run(tmp_path, "--file", "-", "--write", "holdwatch.toml", piped=LINES).stdout
    assert "Appended to holdwatch.toml" in shown
    assert settings.read_text().startswith(SETTINGS)
    assert [one.topic for one in load(settings).mappings] == ["farm/{device}/up"]
    assert settings.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [settings]
    before = settings.read_text()
    again = run(tmp_path, "--file", "-", "--write", "holdwatch.toml", piped=LINES).stdout
    assert "your mapping of farm/{device}/up" in again
    assert settings.read_text() == before


def test_settings_that_would_not_load_are_left_as_they_are(tmp_path: Path) -> None:
    settings = tmp_path / "mine.toml"
    told = 'mappings = [{ topic = "a/{device}/b" }]\n'
    settings.write_text(told)
    parse(told)
    done = run(tmp_path, "--file", "-", "--write", "mine.toml", piped=LINES, code=3)
    assert "Nothing was written" in done.stderr
    assert settings.read_text() == told
    assert list(tmp_path.iterdir()) == [settings]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "say what to listen to"),
        (("--topic", "a/#/b"), 2, "stands for one whole level"),
        (("--topic", "#", "--for", "60"), 2, "lacks a unit"),
        (("--topic", "#"), 1, "no broker in the settings"),
        (("--topic", "#", "--host", "localhost", "--broker", "hall"), 2, "say one of them"),
        (("--topic", "#", "--host", "localhost", "--password-file", "x"), 2, "--username"),
        (("--topic", "#", "--host", "localhost", "--ca", "x"), 1, "Cannot use x as an authority"),
        (("--file", "not-there"), 1, "Cannot read not-there"),
        (("--file", "-"), 1, "standard input holds no message"),
        (("--file", "-", "--write", "not-there.toml"), 3, "not-there.toml"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_cure(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = (
        run(tmp_path, *words, "--for", "1 s", code=code)
        if "--for" not in words
        else run(tmp_path, *words, code=code)
    )
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_a_broker_of_several_has_to_be_chosen(tmp_path: Path) -> None:
    port = free_port()
    other = f'[[brokers]]\nname = "dock"\nhost = "127.0.0.1"\nport = {port}\n'
    (tmp_path / "holdwatch.toml").write_text(SETTINGS + other)
    assert "several brokers (hall, dock)" in run(tmp_path, "--topic", "#", code=1).stderr
    none = run(tmp_path, "--topic", "#", "--broker", "yard", code=1)
    assert "no broker 'yard'" in none.stderr
    gone = run(tmp_path, "--topic", "#", "--broker", "dock", "--for", "1 s", code=1)
    assert f"127.0.0.1:{port} failed" in gone.stderr


def test_lines_are_read_as_mosquitto_prints_them() -> None:
    sample = read_lines(
        io.BytesIO(b'a/b 4.5\r\na/c {} x\n\nd\na/e (null)\n\xff 1\ncold room/f {"a": 1}\n'),
        lambda: 7,
    )
    assert sample.messages == [
        Heard("a/b", b"4.5", 7),
        Heard("a/c", b"{} x", 7),
        Heard("a/e", b"", 7),
        Heard("\N{REPLACEMENT CHARACTER}", b"1", 7),
        Heard("cold room/f", b'{"a": 1}', 7),
    ]


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST_MESSAGES", 3)
    sample = read_lines(io.BytesIO(b"a 1\n" * 9), lambda: 7)
    assert len(sample.messages) == 3
    assert sample.ended == "3 messages are enough"
    monkeypatch.setattr(learning, "MOST_BYTES", 5)
    assert len(read_lines(io.BytesIO(b"a 123\n" * 9), lambda: 7).messages) == 2


# --- settings


@pytest.mark.parametrize(
    ("mine", "theirs", "missing"),
    [
        (["#"], ["a/b", "+/c"], []),
        (["a/#"], ["a", "a/+/b", "b/#"], ["b/#"]),
        (["a/+"], ["a/b", "a/+", "a/#", "a/b/c"], ["a/#", "a/b/c"]),
        (["a/b"], ["a/+"], ["a/+"]),
    ],
)
def test_only_what_is_not_subscribed_to_is_told(
    mine: list[str], theirs: list[str], missing: list[str]
) -> None:
    (hall,) = parse(SETTINGS.replace('["farm/#"]', json.dumps(mine))).brokers
    assert list(not_subscribed(hall, theirs)) == missing
    assert list(not_subscribed(None, theirs)) == theirs


def test_models_and_owners_of_the_settings_count() -> None:
    told = '[[devices]]\nmatch = "acme/24*"\nmodel = "milesight-em300-th"\n'
    settings = parse(SETTINGS.replace("[gateway]", '[gateway]\nowner = "acme"') + told)
    known = learning.known(settings, settings.brokers[0])
    assert known.owner == "acme"
    assert known.assigned(DeviceKey("acme", "24e1")) == "milesight-em300-th"
    assert known.assigned(DeviceKey("acme", "x")) == ""
    event = b'{"deviceInfo":{"devEui":"24e124136b500001"},"time":"2026-11-22T11:17:00Z","fCnt":1,'
    event += b'"fPort":85,"data":"AXVkA2cQAQ=="}'
    heard = Heard("application/1/device/24e124136b500001/event/up", event, NOW)
    assert propose([heard]).unknown_makes
    assert propose([heard], known).understood[0].recognised == {"milesight-em300-th": 1}


def test_what_would_be_no_settings_is_not_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SETTINGS)
    with pytest.raises(SettingsError):
        learning.append(path, "[[mappings]]\nno = 1\n")
    assert path.read_text() == SETTINGS


# --- what is shown


def shown(messages: list[Heard]) -> str:
    console = Console(file=io.StringIO(), width=200)
    proposal = propose(messages)
    show_learnt(console, proposal, proposal.topics, "")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_nothing_that_a_stranger_sends_is_obeyed_by_the_terminal() -> None:
    evil = "\x1b]0;x\x07[bold]"
    text = shown(
        [
            Heard(f"farm/n1{evil}/up", json.dumps({"temp": 4, evil: evil}).encode(), NOW),
            Heard(f"farm/{evil}", b"hello", NOW),
            Heard(f"zigbee2mqtt/{evil}", b'{"temperature": "x"}', NOW),
        ]
    )
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]" in text


def test_the_verdict_says_how_much_is_decoded() -> None:
    known = Heard("cargo/s/d/readings", b'{"temperature": 4}', NOW)
    other = Heard("farm/n1/up", b'{"temp": 4}', NOW)
    strange = Heard("x", b"hello", NOW)
    assert verdict(propose([known])).startswith("Everything")
    assert "Of 2 messages 2 can be decoded with" in verdict(propose([known, other]))
    assert "Of 3 messages 2 can be decoded with" in verdict(propose([known, other, strange]))
    assert "Of 2 messages 1 can be decoded, and" in verdict(propose([known, strange]))


# --- from a broker


async def heard(
    source: Source, seconds: float, while_listening: Callable[[Sample], None], *topics: str
) -> Sample:
    return await listen(source, topics, seconds, lambda sample, _: while_listening(sample))


async def publish_until_heard(port: int, done: asyncio.Event) -> None:
    """Publish one retained message, and another again and again until somebody listens."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish("farm/kept", "on", retain=True)
        while not done.is_set():
            await client.publish("farm/n1/up", '{"temp": 4}')
            await asyncio.sleep(0.05)


async def test_it_hears_a_broker_until_it_is_told_to_end(broker: Broker) -> None:  # noqa: F811 - the fixture
    done = asyncio.Event()
    publishing = asyncio.create_task(publish_until_heard(broker.port, done))

    def enough(sample: Sample) -> None:
        if "farm/n1/up" in sample.topics and "farm/kept" in sample.topics and not done.is_set():
            done.set()
            os.kill(os.getpid(), signal.SIGINT)

    sample = await heard(Source("127.0.0.1", broker.port), 20, enough, "farm/#")
    await publishing
    assert sample.ended == "stopped"
    assert {(one.topic, one.payload) for one in sample.messages} == {
        ("farm/n1/up", b'{"temp": 4}'),
        ("farm/kept", b"on"),
    }
    assert {one.topic for one in sample.messages if one.flags} <= {"farm/kept"}


async def test_it_ends_when_its_time_is_over(broker: Broker) -> None:  # noqa: F811 - the fixture
    sample = await heard(Source("127.0.0.1", broker.port), 0.1, lambda _: None, "#")
    assert (sample.messages, sample.ended) == ([], "")


async def test_what_was_heard_before_a_broker_went_away_is_kept(tmp_path: Path) -> None:
    with Broker(tmp_path) as mine:
        async with aiomqtt.Client("127.0.0.1", mine.port) as client:
            await client.publish("farm/kept", "on", qos=1, retain=True)

        def gone(sample: Sample) -> None:
            if sample.messages:
                mine.kill()

        sample = await heard(Source("127.0.0.1", mine.port), 20, gone, "#")
    assert sample.messages
    assert "failed" in sample.ended


async def test_a_broker_that_lets_nobody_in_is_told(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    with Broker(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as mine:
        listening = heard(Source("127.0.0.1", mine.port, "eve", "x"), 5, lambda _: None, "#")
        with pytest.raises(LearnError, match="user name, password"):
            await listening


@pytest.mark.parametrize(("code", "refusal"), [(0, False), (1, False), (0x80, True), (0x87, True)])
def test_a_refused_subscription_is_seen_in_both_forms_of_a_code(code: int, refusal: bool) -> None:  # noqa: FBT001 - of a table
    assert _is_refusal(code) is refusal
    assert _is_refusal(ReasonCode(PacketTypes.SUBACK, identifier=code)) is refusal


def test_where_nothing_is_proposed_nothing_is_written(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    settings.write_text(SETTINGS)
    lines = b'zigbee2mqtt/fridge {"temperature": 4}\n'
    done = run(tmp_path, "--file", "-", "--write", "holdwatch.toml", piped=lines)
    assert "Nothing to append" in done.stdout
    assert settings.read_text() == SETTINGS
