"""The benchmark runs, and its load is what it says. No figure is judged here."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from devices.device import Origin
from devices.envelopes.plain import PlainJson
from scripts.benchmarks.measures.figure import figure
from simulators.load import BrokerError, Message, messages, publish, send
from tests.broker import Broker

ROOT = Path(__file__).resolve().parent.parent
START = 1_790_000_000_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as running:
        yield running


def test_a_quick_run_measures_every_way_in(tmp_path: Path) -> None:
    if not shutil.which("mosquitto_sub"):
        pytest.skip("mosquitto_sub is not installed: apt-get install mosquitto-clients")
    names = {"broker_ratio", "cpu_cost", "bytes_per_reading_1k", "puback_p50_ms", "week_chart_ms"}
    answer = tmp_path / "figures.json"
    program = ROOT / "scripts" / "benchmarks" / "ingest.py"
    done = subprocess.run(
        [
            *(sys.executable, program, "--quick", "--only", ",".join(names)),
            *("--folder", tmp_path, "--json", answer),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = json.loads(answer.read_text())
    assert written["figures"].keys() == names
    assert all(math.isfinite(value) and value > 0 for value in written["figures"].values())
    assert written["runs"]["stages_us"].keys() >= {"decode", "commit", "history", "rest"}
    assert "quick" in done.stdout
    assert list(tmp_path.iterdir()) == [answer], "it leaves nothing behind"


def test_an_unknown_figure_is_named_with_the_known_ones() -> None:
    program = ROOT / "scripts" / "benchmarks" / "ingest.py"
    done = subprocess.run(
        [sys.executable, program, "--only", "speed"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "no figure speed" in done.stderr
    assert "broker_ratio" in done.stderr


def test_a_payload_of_the_load_has_113_bytes_and_three_channels() -> None:
    load = list(messages(1000, 10, START, 6000.0))
    assert {len(message.payload) for message in load} == {113}
    decode = PlainJson().bind(load[0].topic.decode(), Origin("", "site"))
    assert decode is not None
    (reading,) = decode(load[0].payload, START, 0)
    assert reading.layout.channels == ("battery", "humidity", "temperature")
    assert reading.at == START


def test_the_times_of_the_load_rise_and_no_reading_comes_twice() -> None:
    load = [msgspec.json.decode(one.payload) for one in messages(500, 7, START, 0.5)]
    assert all(before["time"] <= after["time"] for before, after in pairwise(load))
    assert [one["seq"] for one in load[::7]] == [10_000_000 + n for n in range(72)]


def test_a_broker_gets_every_message_of_the_load(site: Broker) -> None:
    assert send(site.port, messages(5_000, 10, START, 1.0)) == 5_000


def test_a_paced_load_is_sent_whole(site: Broker) -> None:
    assert send(site.port, messages(50, 10, START, 1.0), rate=2_000) == 50


def test_a_broker_that_refuses_is_told_of(tmp_path: Path) -> None:
    with (
        Broker(tmp_path, "allow_anonymous false") as broker,
        pytest.raises(BrokerError, match="anonymous"),
    ):
        send(broker.port, messages(1, 1, START, 1.0))


def test_the_load_is_bounded(site: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.load.MOST", 10)
    with pytest.raises(ValueError, match="more than 10 messages"):
        send(site.port, messages(11, 1, START, 1.0))


def test_a_message_longer_than_two_length_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 16 kB"):
        publish(Message(b"t", b"x" * 20_000), 1)


@pytest.mark.parametrize(
    ("at_least", "at_most", "verdict", "target"),
    [
        (0.9, None, "pass", "≥ 0.9"),
        (1.1, None, "short", "≥ 1.1"),
        (None, 1.0, "pass", "≤ 1"),
        (None, 0.5, "short", "≤ 0.5"),
        (None, None, "", ""),
    ],
)
def test_a_figure_is_held_against_its_target(
    at_least: float | None, at_most: float | None, verdict: str, target: str
) -> None:
    one = figure("speed", [2.0, 1.0, 0.5], at_least=at_least, at_most=at_most)
    assert (one.value, one.lowest, one.highest) == (1.0, 0.5, 2.0)
    assert (one.verdict, one.target) == (verdict, target)
