"""`/map`: where everything is, and which way it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.web.look import show
from gateway.web.pages.map_places import Places
from gateway.web.pages.map_way import fixes, way
from gateway.web.pages.sensor import device_of, unknown
from gateway.web.visitor import Viewer, site_of
from rules.duration import DAY
from rules.threshold import HOLDS

if TYPE_CHECKING:
    from gateway.web.site import Site

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
        **await _placed(request, site),
    )


@router.get("/map-list")
async def map_list(request: Request, visitor: Viewer) -> Response:
    """Show what is where as text: the map draws what it says."""
    site = site_of(request)
    return show(request, "map_list.html", visitor, **await _placed(request, site))


@router.get("/map-way/{key:path}")
async def map_way(
    request: Request, _visitor: Viewer, key: str, length: Literal["day", "week"] = "day"
) -> Response:
    """Return the way of a device as JSON, up to now."""
    site = site_of(request)
    device = device_of(key)
    if site.standing.seen(device) is None:
        raise unknown(key)
    now = site.clock.now()
    start = now - LENGTHS[length]
    found = await site.archive.ask(lambda files: fixes(files, device, start, now + 1))
    alerts = site.files.state.alerts_of(device, start)
    hold = int(HOLDS * site.settings.interval(device))
    stretches = way(found, alerts, hold, POINTS)
    body = {"from": start, "to": now, "positions": len(found.when), "stretches": stretches}
    return Response(msgspec.json.encode(body), media_type="application/json")


async def _placed(request: Request, site: Site) -> dict[str, Any]:
    """Return what the list shows: rows with their place, and rows without one."""
    places = getattr(request.app.state, "places", None)
    if places is None:
        places = request.app.state.places = Places(site)
    found = await places.find()
    rows = [one for one in site.standing.rows() if one.key]
    known = set(site.standing.devices())
    rows = [one for one in rows if one.device in known]
    return {
        "placed": [(one, found[one.device]) for one in rows if one.device in found],
        "nowhere": [one for one in rows if one.device not in found],
    }
