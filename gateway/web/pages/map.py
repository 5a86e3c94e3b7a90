"""`/map`: where everything is, and which way it came."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from gateway.web.keys import parse_key
from gateway.web.look import show
from gateway.web.now.way import fixes, way
from gateway.web.pages.sensor import unknown
from gateway.web.visitor import Viewer, site_of
from rules.duration import DAY
from rules.kinds.threshold import HOLDS

router = APIRouter()

POINTS = 800
"""Of one way."""
LENGTHS = {"day": DAY, "week": 7 * DAY}


@router.get("/map")
async def map_page(request: Request, visitor: Viewer) -> Response:
    """Show the map."""
    site = site_of(request)
    tiles = site.web.tiles
    return show(
        request,
        "map.html",
        visitor,
        tiles=tiles,
        host=urlsplit(tiles).hostname or "",
        listed=await site.map_list.text(),
    )


@router.get("/map-list")
async def map_list(request: Request, _visitor: Viewer) -> Response:
    """Show what is where as text: the map draws what it says."""
    return HTMLResponse(await site_of(request).map_list.text())


@router.get("/map-way/{key:path}")
async def map_way(
    request: Request, _visitor: Viewer, key: str, length: Literal["day", "week"] = "day"
) -> Response:
    """Return the way of a device as JSON, up to now."""
    site = site_of(request)
    device = parse_key(key)
    if site.standing.seen(device) is None:
        raise unknown(key)
    now = site.clock.now()
    start = now - LENGTHS[length]
    found = await site.archive.ask(lambda files: fixes(files, device, start, now + 1))
    alerts = site.files.state.alerts_of(device, start)
    hold = int(HOLDS * site.standing.register.known.interval(device))
    stretches = way(found, alerts, hold, POINTS)
    body = {"from": start, "to": now, "positions": len(found.when), "stretches": stretches}
    return Response(msgspec.json.encode(body), media_type="application/json")
