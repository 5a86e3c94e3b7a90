"""Continuous integration may not pass because the main job was skipped or is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MARK = "import pytest\n@pytest.mark.main_job\n"


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (MARK + "def test_it(): pass", 0),
        (MARK + "def test_it(): pytest.skip('no vectors')", 1),
        ("def test_another(): pass", 1),
    ],
)
def test_a_run_without_the_main_job_fails_where_it_is_required(
    source: str, status: int, tmp_path: Path
) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(source)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml")),
            *("--rootdir", str(ROOT), "-p", "tests.conftest", "-p", "no:cacheprovider", str(file)),
        ],
        env=os.environ | {"HOLDWATCH_REQUIRE_MAIN_JOB": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status, run.stdout
    assert ("no test marked main_job passed" in run.stdout) == bool(status)
