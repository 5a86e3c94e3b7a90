"""What every test of the gateway may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.site import Site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A gateway without network, over a folder of its own."""
    made = Site(tmp_path)
    await made.start()
    yield made
    made.close()
