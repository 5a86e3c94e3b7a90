"""What every test of the gateway may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.settings import parse
from tests.gateway.asked import SETTINGS, Asked
from tests.gateway.parts import ToldClock
from tests.gateway.site import Site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A gateway without network, over a folder of its own."""
    made = Site(tmp_path)
    await made.start()
    yield made
    made.close()


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asked]:
    """A gateway with its files, which answers commands, and whose clock is told the time."""
    gateway = await asyncio.to_thread(Gateway, parse(SETTINGS.format(folder=tmp_path)), join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    yield Asked(gateway)
    gateway.close()
