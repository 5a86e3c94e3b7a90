"""A page that runs, one for all tests of a file, and a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.web.running import RunningPage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPage]:
    """A gateway with its page. Tests of one file share it: each uses devices of its own."""
    with RunningPage(tmp_path_factory.mktemp("page")) as running:
        yield running
