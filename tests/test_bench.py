"""The benchmark runs, and its load is what it says. No figure is judged here."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.benchmarks.measures.figure import figure

ROOT = Path(__file__).resolve().parent.parent


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
