"""The simulators' benchmark runs, and measures what it says. No figure is judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_quick_run_measures_the_fleet(tmp_path: Path) -> None:
    answer = tmp_path / "figures.json"
    program = ROOT / "scripts" / "benchmarks" / "simulate.py"
    done = subprocess.run(
        [sys.executable, "-P", program, "--quick", "--folder", tmp_path, "--json", answer],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "quick" in done.stdout
    assert list(tmp_path.iterdir()) == [answer], "it leaves nothing behind"
    written = json.loads(answer.read_text())
    assert written["figures"].keys() == {"sensor_seconds_per_s"}
    assert written["figures"]["sensor_seconds_per_s"] > 0
    runs = written["runs"]
    assert runs["assets"] >= 200
    assert runs["sensors"] >= 2_000
    assert runs["step_s"] <= 10
    assert runs["reading_every_s"] == [60]
    # Six minutes: a reading a minute of nearly every sensor.
    assert 0.95 < runs["messages"] / (6 * runs["sensors"]) < 1.05
