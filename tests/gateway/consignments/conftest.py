"""What the tests of consignments may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.consignments.book import Desk


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Desk]:
    """A book in which nothing stands yet."""
    made = Desk(tmp_path)
    yield made
    made.close()
