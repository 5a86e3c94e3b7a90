"""`holdwatch simulate` as a person runs it, against a gateway and a broker."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker, broker, free_port  # noqa: F401 - a fixture
from tests.e2e.gateway_process import (
    ENVIRONMENT,
    HOLDWATCH,
    WITHIN,
    RunningGateway,
    holdwatch,
    holdwatch_json,
    until,
)

SCENARIO = """
title = "One room"
seed = 1
weather = 2026-07-01T06:00:00Z

[[assets]]
name = "room"
kind = "cold-room"
site = "house"
place = [51.9, 4.3]
    [[assets.sensors]]
    channels = ["temperature"]

[[faults]]
kind = "door_open"
on = "room"
at = "10 min"
for = "20 min"

[[limits]]
name = "warm"
on = "room"
above = 8.0
for = "10 min"
"""
SETTINGS = """
[gateway]
data = "data"

[[listeners]]
port = {port}
anonymous = {anonymous}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "room.toml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "holdwatch.toml"
    file.write_text(SETTINGS.format(port=free_port(), anonymous="true"))
    return file


class Listening(RunningGateway):
    """A gateway that joins no broker."""

    def _joined(self) -> bool:
        return bool(self.status())


@pytest.fixture
def gateway(config: Path) -> Iterator[Listening]:
    with Listening(config) as running:
        yield running


def test_shipped_scenarios_are_listed_with_what_happens() -> None:
    assert "a compressor fails" in holdwatch("simulate", "--list")


def test_an_hour_reaches_the_listener_of_the_settings_and_the_truth_a_file(
    gateway: Listening, scenario: Path, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.jsonl"
    arguments = ("simulate", str(scenario), "--start", "2 h ago", "--for", "1 h")
    words = holdwatch(*arguments, "--truth", str(truth), "-c", str(gateway.settings))
    assert words.startswith("Sent 61 messages to 127.0.0.1:")
    assert "all are acknowledged" in words
    (device,) = holdwatch_json("device", "list", "-c", str(gateway.settings))
    assert device["device"] == "room"
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    assert [line["fault"] for line in lines if line["what"] == "fault"] == ["door_open"]
    crossed = [line["is"] for line in lines if line["what"] == "limit"]
    assert crossed[:2] == ["beyond", "exceeded"]
    assert sum(line["what"] == "asset" for line in lines) == 61
    refused = holdwatch(*arguments, "--truth", str(truth), code=1)
    assert "exists already" in refused


def test_a_series_is_sent_as_history_that_ends_now(gateway: Listening, tmp_path: Path) -> None:
    table = tmp_path / "fridge.csv"
    rows = [f"2024-05-02T10:{minute:02}:00Z,{minute / 10}" for minute in range(60)]
    table.write_text("\n".join(["time,temperature", *rows]))
    words = holdwatch(
        *("simulate", "--replay", str(table), "--device", "fridge-1"),
        *("-c", str(gateway.settings)),
    )
    assert "Sent 60 messages" in words
    days = holdwatch_json("report", "fridge-1", "-c", str(gateway.settings))
    assert "2024" not in json.dumps(days)


def test_a_listener_with_tls_and_a_token_is_spoken_to_as_its_settings_say(
    config: Path, scenario: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tls"
    holdwatch("tls", "init", "--folder", str(folder))
    files = f'{{ certificate = "{folder}/server.pem", key = "{folder}/server.key" }}'
    settings = SETTINGS.format(port=free_port(), anonymous="false")
    config.write_text(f"{settings}tls = {files}\n")
    add = ("device", "add", "simulator", "--may-speak-for", "*", "-c", str(config))
    token = tmp_path / "token"
    token.write_text(holdwatch_json(*add)["token"] + "\n")
    with Listening(config):
        login = ("--user", "simulator", "--token-file", str(token), "-c", str(config))
        words = holdwatch("simulate", str(scenario), "--for", "1 h", *login)
    assert "Sent 61 messages" in words
    assert "all are acknowledged" in words


def test_ctrl_c_ends_it_in_good_order(broker: Broker, scenario: Path) -> None:  # noqa: F811 - the fixture
    running = subprocess.Popen(
        [*HOLDWATCH, "simulate", str(scenario), "--port", str(broker.port), "--mqtt", "3.1.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    until(lambda: "simulate-" in broker.log.read_text(), "it joins the broker")
    running.send_signal(signal.SIGINT)
    words, complaints = running.communicate(timeout=WITHIN)
    assert running.returncode == 0, complaints
    assert "messages to localhost:" in words
    assert "all are acknowledged" in words
    assert complaints == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 3, "there is no such scenario"),
        (["demo", "--speed", "fast"], 2, "is no speed"),
        (["demo", "--speed", "inf"], 2, "is no speed"),
        (["demo", "--start", "yesterday"], 2, "is no start"),
        (["demo", "--for", "6"], 2, "is no length of time"),
        (["demo", "--replay", "a.csv"], 2, "has no scenario"),
        (["--replay", "missing.csv"], 1, "Cannot read missing.csv"),
        (["--user", "a", "--token-file", "missing"], 1, "Cannot read missing"),
        (["--user", "a", "--password-env", "NOT_SET"], 1, "NOT_SET, which is not in"),
        (["--token-file", "missing"], 1, "add --user"),
        (["--host", "localhost", "--cafile", "missing"], 1, "Cannot use missing"),
        (["-c", "missing.toml"], 3, "missing.toml"),
    ],
)
def test_what_is_wrong_is_told_with_its_cure(arguments: list[str], code: int, words: str) -> None:
    complaint = " ".join(holdwatch("simulate", *arguments, code=code).replace("│", "").split())
    assert words in complaint


def test_a_mistake_in_a_scenario_is_told_with_its_place(scenario: Path) -> None:
    scenario.write_text(SCENARIO.replace("cold-room", "cold-rom"))
    complaint = holdwatch("simulate", str(scenario), code=3)
    assert "assets[1] (room).kind" in complaint


def test_nothing_listens(scenario: Path) -> None:
    port = free_port()
    arguments = ("simulate", str(scenario), "--host", "127.0.0.1", "--port", str(port))
    assert f"Nothing listens on 127.0.0.1:{port}" in holdwatch(*arguments, code=1)


def test_a_listener_that_wants_a_name_says_how_to_get_one(config: Path, scenario: Path) -> None:
    config.write_text(SETTINGS.format(port=free_port(), anonymous="false"))
    complaint = holdwatch("simulate", str(scenario), "-c", str(config), code=1)
    assert "holdwatch device add simulator" in complaint


def test_a_broker_that_refuses_messages_is_not_called_a_success(
    tmp_path: Path, scenario: Path
) -> None:
    (tmp_path / "acl").write_text("topic read #\n")
    (tmp_path / "acl").chmod(0o600)
    with Broker(tmp_path, f"acl_file {tmp_path}/acl") as closed:
        arguments = ("--host", closed.host, "--port", str(closed.port), "--for", "1 h")
        complaint = holdwatch("simulate", str(scenario), *arguments, code=1)
    assert "61 of them were refused, the last for this: Not authorized" in complaint
