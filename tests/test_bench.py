"""The benchmark runs, and its load is what it says. No figure is judged here."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.benchmarks.measures.figure import figure
from scripts.benchmarks.measures.influx import database
from scripts.benchmarks.measures.kernel import allow_files
from tests.influxdb import RunningInflux

ROOT = Path(__file__).resolve().parent.parent


def measured(folder: Path, name: str, figures: set[str]) -> dict[str, dict[str, Any]]:
    """Run a benchmark quickly, and return the JSON that it wrote."""
    if not shutil.which("mosquitto_sub"):
        pytest.skip("mosquitto_sub is not installed: apt-get install mosquitto-clients")
    answer = folder / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, "-P", ROOT / "scripts" / "benchmarks" / f"{name}.py", "--quick"),
            *("--only", ",".join(figures), "--folder", folder, "--json", answer),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "quick" in done.stdout
    assert list(folder.iterdir()) == [answer], "it leaves nothing behind"
    written: dict[str, dict[str, Any]] = json.loads(answer.read_text())
    assert written["figures"].keys() == figures
    assert all(math.isfinite(value) and value > 0 for value in written["figures"].values())
    return written


def test_a_quick_run_measures_every_way_in(tmp_path: Path) -> None:
    names = {"broker_ratio", "cpu_cost", "bytes_per_reading_1k", "puback_p50_ms", "week_chart_ms"}
    names |= {"cpu_cost_rules"}
    stages = measured(tmp_path, "ingest", names)["runs"]["stages_us"]
    assert stages.keys() >= {"decode", "commit", "history", "rest"}


def test_a_quick_run_measures_a_quiet_site(tmp_path: Path) -> None:
    names = {"quiet_cpu_percent", "quiet_written_gb_day", "quiet_spared_mb_day", "month_memory_mb"}
    evenings = measured(tmp_path, "quiet", names)["runs"]["month"]
    assert len(evenings) == 2


def test_a_quick_run_measures_the_front_door(tmp_path: Path) -> None:
    names = {"publisher_rate", "listener_ratio", "listener_ratio_4", "listener_ratio_500"}
    names |= {"puback_p99_ms", "kb_per_connection", "kb_per_connection_plain"}
    written = measured(tmp_path, "listener", names)
    values = written["figures"]
    assert values["listener_ratio"] == min(values["listener_ratio_4"], values["listener_ratio_500"])
    assert written["runs"].keys() >= {"mosquitto", "publisher_500", "listener_4", "puback_ms"}


def test_a_quick_run_measures_decoding(tmp_path: Path) -> None:
    kinds = ("json", "native", "codec_js")
    names = {f"{kind}_{what}" for kind in kinds for what in ("cost", "us", "parse_us")}
    runs = measured(tmp_path, "devices", names)["runs"]
    assert runs.keys() >= {"json_bytes", "native_bytes", "codec_js_bytes"}


def test_a_quick_run_measures_rules(tmp_path: Path) -> None:
    names = {"evaluations_per_s", "evaluations_per_s_used", "state_roundtrip_s", "backtest_year_s"}
    runs = measured(tmp_path, "rules", names)["runs"]
    assert 0.5 < runs["calm"] <= 1, "most sensors are well"
    assert runs["backtest_readings"] == 20 * 288
    assert runs["backtest_alerts"] > 0


@pytest.mark.skipif(not shutil.which("influxd"), reason="apt-get install influxdb")
def test_a_quick_run_measures_copying_to_influxdb(tmp_path: Path) -> None:
    names = {"drain_ratio", "drain_per_s", "loop_per_s", "live_ratio", "catch_up_s"}
    names |= {"outage_p99_ratio", "puback_p99_ms_frozen", "rss_peak_mb_outage"}
    runs = measured(tmp_path, "influxdb", names)["runs"]
    assert runs["copy_stages_us"].keys() >= {"journal", "lines", "HTTP"}
    assert runs.keys() >= {"copies", "loops", "attached", "outage_puback_ms", "memory_without"}


def test_a_copy_that_lacks_a_reading_gives_no_figure(influxdb: RunningInflux) -> None:
    with pytest.raises(RuntimeError, match="holds 1 of 2"), database(influxdb, 2) as name:
        influxdb.write(name, b"readings,device=a temperature=5.0 1795348800000000000")


def test_more_open_files_than_the_system_allows_are_told_of() -> None:
    with pytest.raises(RuntimeError, match=r"ulimit -Hn"):
        allow_files(1 << 40)


def test_an_unknown_figure_is_named_with_the_known_ones() -> None:
    program = ROOT / "scripts" / "benchmarks" / "ingest.py"
    done = subprocess.run(
        [sys.executable, "-P", program, "--only", "speed"],
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
