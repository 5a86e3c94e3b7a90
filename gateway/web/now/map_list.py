"""The list beside the map, which the map is drawn from: made once for all who look.

Whoever looks fetches it again and again, so what it costs is bounded: by the number of devices in
it, by how often it is made, and by how often browsers ask.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from markupsafe import Markup

from gateway.web.look import render
from gateway.web.now.places import Places

if TYPE_CHECKING:
    from gateway.web.now.places import Place
    from gateway.web.now.rows import Row
    from gateway.web.site import Site

MOST = 1_000
"""Devices on the map: those that stand worst."""
MOST_NOWHERE = 100
"""Devices without a position that are named."""
AGAIN = 3_000
"""Browsers fetch it again after so long at least (ms)."""
AGAIN_EACH = 20
"""And after so long for each device in it (ms)."""
PART = 500
"""Devices that are looked at before others have their turn."""


class MapList:
    """What is where, as text. One for a site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._places = Places(site)
        self._making: asyncio.Task[Markup] | None = None
        self._again = 0

    async def text(self) -> Markup:
        """Return the list as it was not long ago: made again a few times between two looks."""
        making = self._making
        due = self._site.clock.monotonic() >= self._again
        if making is None or (making.done() and (due or making.exception() is not None)):
            making = self._making = asyncio.create_task(self._make(), name="map list")
        # Whoever goes meanwhile does not take it from the others.
        return await asyncio.shield(making)

    async def _make(self) -> Markup:
        found = await self._places.find()
        placed: list[tuple[Row, Place]] = []
        nowhere: list[Row] = []
        for number, row in enumerate(self._site.standing.rows()):
            if row.device in found:
                placed.append((row, found[row.device]))
            else:
                nowhere.append(row)
            if number % PART == PART - 1:
                await asyncio.sleep(0)
        shown = placed[:MOST]
        again = max(AGAIN, AGAIN_EACH * len(shown))
        text = await asyncio.to_thread(
            render,
            "map_list.html",
            placed=shown,
            more=len(placed) - len(shown),
            nowhere=nowhere[:MOST_NOWHERE],
            count=len(nowhere),
            again=again,
            now=self._site.clock.now(),
        )
        self._again = self._site.clock.monotonic() + again // 3
        return Markup(text)  # noqa: S704 - a template of ours made it, and escaped what is in it
