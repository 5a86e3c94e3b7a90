"""What the tests of copies may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import follow
from gateway.influxdb import refill
from tests.gateway.influxdb.parts import House, Office


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever would wait before it tries again tries at once."""
    for module in (follow, refill):
        monkeypatch.setattr(module, "FIRST_DELAY", 0.0)
        monkeypatch.setattr(module, "LONGEST_DELAY", 0.0)
    monkeypatch.setattr(refill, "LOOK", 0.0)
