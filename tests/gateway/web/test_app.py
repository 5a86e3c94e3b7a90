"""What is answered where something of ours fails, and whom a gateway that fails holds up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway.commands.control import ControlServer, NotRunningError, socket_path
from gateway.database import DiskError
from gateway.history import History
from gateway.journal import Journal
from gateway.live import Part, Said
from gateway.settings import parse
from gateway.state import State
from gateway.web import site as site_file
from gateway.web.app import make_app
from gateway.web.now import feed as feed_file
from gateway.web.now.feed import Feed
from gateway.web.now.streams import Streams
from gateway.web.site import Site
from tests.gateway.web.told import NOW, Told, seen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site over files that are there, and no gateway."""
    for made in (
        State(tmp_path / "state.db"),
        Journal(tmp_path / "journal.db"),
        History(tmp_path / "history.db"),
    ):
        made.close()
    settings = parse(f'[gateway]\nbox = "dock"\ndata = "{tmp_path}"\n[web]\n')
    assert settings.web is not None
    opened = Site(settings, settings.web)
    yield opened
    opened.close()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (ValueError("a bug"), 500, "page failed at this"),
        (DiskError("state.db: the disk is full"), 503, "the disk is full"),
    ],
)
async def test_a_fault_is_told_in_words_and_with_all_headers(
    site: Site, accept: str, fault: Exception, status: int, words: str
) -> None:
    app = make_app(site)

    def fail() -> None:
        raise fault

    app.add_api_route("/fails", fail)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://dock") as client:
        answer = await client.get("/fails", headers={"Accept": accept})
    assert (answer.status_code, words in answer.text) == (status, True)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "a bug" not in answer.text


async def test_a_gateway_that_hangs_holds_nobody_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_request: dict[str, Any], _progress: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(site_file, "PATIENCE", 0.05)
    folder = site.settings.gateway.data
    server = asyncio.create_task(ControlServer(folder, hang).run())
    while not socket_path(folder).exists():  # noqa: ASYNC110 - the server gives no sign
        await asyncio.sleep(0)
    with pytest.raises(NotRunningError):
        await asyncio.wait_for(site.ask("user-list"), 5)
    server.cancel()
    await asyncio.wait([server])


async def test_a_disk_that_fails_once_does_not_end_what_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(tmp_path)
    taken = asyncio.Event()
    faults = [DiskError("state.db: the disk does not answer")]

    async def watch(*_: object) -> AsyncIterator[Any]:
        yield Said(Part(NOW, (seen(temperature=4.0),), more=False))
        await asyncio.Event().wait()

    def take(_part: object) -> None:
        if faults:
            raise faults.pop()
        taken.set()

    monkeypatch.setattr(feed_file, "watch", watch)
    monkeypatch.setattr(feed_file, "AGAIN", 0)
    monkeypatch.setattr(told.standing, "take", take)
    feed = Feed(tmp_path, told.standing, Streams(told.standing, told.clock))
    task = asyncio.create_task(feed.run())
    await asyncio.wait_for(taken.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    told.close()
