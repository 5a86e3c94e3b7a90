"""`/events`: what changes, as server-sent events."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from gateway.web.visitor import Viewer, site_of

router = APIRouter()


@router.get("/events")
async def events(request: Request, _visitor: Viewer) -> StreamingResponse:
    """Send what changes until the browser goes."""
    site = site_of(request)
    return StreamingResponse(site.streams.listen(), media_type="text/event-stream")
