"""What all tests share: the vectors, and the watch over the main job."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from tests.influxdb import another_server as another_server  # noqa: PLC0414 - a fixture
from tests.influxdb import influxdb as influxdb  # noqa: PLC0414 - a fixture
from tests.influxdb import victoria as victoria  # noqa: PLC0414 - a fixture

ROOT = Path(__file__).resolve().parent.parent

_REQUIRED = "HOLDWATCH_REQUIRE_MAIN_JOB"

# No deadline: a busy Raspberry Pi is slow, which is no failure.
hypothesis.settings.register_profile("holdwatch", deadline=None, print_blob=True)
hypothesis.settings.load_profile("holdwatch")


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of real inputs that nobody on this project made. Skips where it is absent."""
    folder = Path(os.environ.get("HOLDWATCH_TEST_VECTORS") or ROOT.parent / "shared" / "vectors")
    if not folder.is_dir():
        pytest.skip(f"no test vectors in {folder}: set HOLDWATCH_TEST_VECTORS to their folder")
    return folder.resolve()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long-faults",
        action="store_true",
        help="tests/faults at full length (100 kills, 1,000 power cuts): ten minutes",
    )
    parser.addoption(
        "--fault-seed",
        type=int,
        default=None,
        help="tests/faults with this one seed, to see a failure again",
    )


class MainJobWatch:
    """Fails the run unless a test marked `main_job` passed. A skip is not a pass."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "main_job" in report.keywords and report.when == "call" and report.passed:
            self.passed.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.passed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.passed:
            terminalreporter.write_line(
                f"FAILED: no test marked main_job passed, and {_REQUIRED} is set. "
                "See above why it was skipped, or whether it is gone.",
                red=True,
            )


def pytest_configure(config: pytest.Config) -> None:
    # Under xdist only the controller sees all reports.
    if os.environ.get(_REQUIRED) == "1" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(MainJobWatch(), "main-job-watch")
