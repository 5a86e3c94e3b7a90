"""deploy/prometheus: rules that Prometheus takes, that fire when they should, on our numbers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types

from gateway.web.api.metrics import METRICS
from tests.deploy.asking import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
GUIDE = ROOT / "docs" / "api.md"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool")


def document(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")))


RULES: list[dict[str, Any]] = [
    rule for group in document("holdwatch.rules.yml")["groups"] for rule in group["rules"]
]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run(
        [PROMTOOL, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "holdwatch.rules.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("test", "rules", "tests.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_takes_it(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_a_rule_that_does_not_fire_is_found(tmp_path: Path) -> None:
    """Were promtool content with anything, the test above would say nothing."""
    for name in ("holdwatch.rules.yml", "tests.yml"):
        text = (FOLDER / name).read_text().replace("holdwatch_well == 0", "holdwatch_well == 2")
        (tmp_path / name).write_text(text)
    done = promtool("test", "rules", str(tmp_path / "tests.yml"))
    assert done.returncode != 0
    assert "GatewayUnwell" in done.stdout + done.stderr


def test_every_alert_is_tested_and_a_well_gateway_raises_none() -> None:
    names = [one["alert"] for one in RULES]
    assert len(set(names)) == len(names)
    *alone, well = document("tests.yml")["tests"]
    fired = [
        test["alertname"] for one in alone for test in one["alert_rule_test"] if test["exp_alerts"]
    ]
    assert sorted(fired) == sorted(names)
    assert sorted(test["alertname"] for test in well["alert_rule_test"]) == sorted(names)
    assert not any(test["exp_alerts"] for test in well["alert_rule_test"])


def test_every_number_of_the_rules_is_one_of_ours() -> None:
    known = set(re.findall(r"`(holdwatch_[a-z_]+)`", GUIDE.read_text(encoding="utf-8")))
    used = {name for one in RULES for name in re.findall(r"holdwatch_[a-z_]+", one["expr"])}
    assert used
    assert used <= known
    assert {f"holdwatch_{one.name}" for one in METRICS} <= known


@pytest.mark.parametrize("rule", RULES, ids=lambda one: str(one["alert"]))
def test_every_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "do"}
    assert rule["annotations"]["do"].endswith(".")


def test_the_example_reads_where_the_page_serves() -> None:
    (job,) = document("prometheus.yml")["scrape_configs"]
    assert document("prometheus.yml")["rule_files"] == ["holdwatch.rules.yml"]
    assert job["metrics_path"] == "/metrics"
    assert job["static_configs"][0]["targets"] == ["127.0.0.1:8470"]
