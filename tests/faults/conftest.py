"""How many faults, and with which seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.copying import DATABASE
from tests.influxdb import RunningInflux

Seeds = Callable[[int, int], list[int]]


@pytest.fixture
def long_run(request: pytest.FixtureRequest) -> bool:
    """Whether the long run was asked for."""
    return bool(request.config.getoption("--long-faults"))


@pytest.fixture
def seeds(request: pytest.FixtureRequest, *, long_run: bool) -> Seeds:
    """seeds(short, long): as many seeds, always the same; printed, and any can be run alone."""
    only: int | None = request.config.getoption("--fault-seed")

    def choose(short: int, long: int) -> list[int]:
        chosen = [only] if only is not None else list(range(long if long_run else short))
        print(f"seeds {chosen[0]} to {chosen[-1]}; one again: --fault-seed N")  # noqa: T201 - the report
        return chosen

    return choose


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningInflux]:
    """An InfluxDB of the test's own, which it may kill, with a database."""
    folder = tmp_path / "influxdb"
    folder.mkdir()
    with RunningInflux(folder) as running:
        running.database(DATABASE)
        yield running
