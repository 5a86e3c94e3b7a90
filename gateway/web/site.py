"""What pages and API share: the files, what stands now, the way to the gateway, who streams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.clock import FollowingClock
from gateway.commands.control import NotRunningError, ask
from gateway.consignments.book import Book
from gateway.goods import Goods
from gateway.web.files import Archive, Files
from gateway.web.health import Health
from gateway.web.limits import Guesses, Limits
from gateway.web.now.feed import Feed
from gateway.web.now.map_list import MapList
from gateway.web.now.noted import follow, noted
from gateway.web.now.screens import Screens
from gateway.web.now.standing import Standing
from gateway.web.now.streams import Streams

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.settings.web import Web

PATIENCE, LONG = 10, 600
"""Seconds in which the gateway has to answer a command."""
SLOW = {
    *("retry", "drop", "consignment-import"),
    *("consignment-verdict", "consignment-report", "consignment-sign"),
    *("oidc-begin", "oidc-sign", "oidc-finish"),
}
"""Commands that go through the whole quarantine, a table, or all that sensors said, or that ask
a provider of OpenID Connect."""


class Site:
    """One page over one gateway. `run` it while it is served."""

    def __init__(self, settings: Settings, web: Web) -> None:
        """Open the files to read. Raises FileError, DiskError, ProfileError."""
        self.settings = settings
        self.web = web
        self.clock = FollowingClock()
        folder = settings.gateway.data
        self.files = Files(folder)
        """For what is quickly read; on the event loop."""
        self.archive = Archive(folder)
        """For what takes a while: readings of the past; on a thread of its own."""
        self.goods = Goods(self.files.state, settings.goods.folder)
        """The profiles of goods: as the gateway has them, which started when we did."""
        self.book = Book(self.files.state, settings.gateway.owner)
        """What was stated of consignments, as of the last look at it; on the event loop."""
        self.standing = Standing(settings, self.files, self.clock)
        self.streams = Streams(self.standing, self.clock)
        self.screens = Screens(self.streams, self.files.state, self.ask)
        self.feed = Feed(folder, self.standing, self.streams)
        self.limits = Limits(web.rate)
        self.push_limits = Limits(web.push_rate)
        """Of its own: who asks much must not keep its readings out."""
        self.guesses = Guesses(self.clock.monotonic)
        self.map_list = MapList(self)
        self._health = Health(self.ask, self.clock.monotonic)

    async def ask(self, do: str, **request: Any) -> Any:  # noqa: ANN401 - whatever the command answers
        """Send the gateway a command. Raises ControlError, NotRunningError also if it hangs."""
        try:
            async with asyncio.timeout(LONG if do in SLOW else PATIENCE):
                return await ask(self.settings.gateway.data, {"do": do, **request})
        except TimeoutError as error:
            raise NotRunningError("the gateway does not answer") from error

    async def health(self) -> dict[str, Any] | None:
        """Return the gateway's status, at most 2 s old; None while it does not answer."""
        return await self._health.now()

    async def run(self) -> None:
        """Follow what changes, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.feed.run(), name="feed")
            group.create_task(self.streams.run(), name="streams")
            group.create_task(self.screens.run(), name="screens")
            group.create_task(self.standing.fill(self.archive), name="fill")
            noting = follow(self.standing, self.streams, self.archive)
            group.create_task(noting, name="noted")

    async def heed(self) -> None:
        """Take up at once what somebody has just stated of devices: they look at it next."""
        self.standing.look()
        self.standing.note(await self.archive.ask(noted))
        self.streams.told()

    def close(self) -> None:
        """Close the files."""
        self.archive.close()
        self.files.close()
