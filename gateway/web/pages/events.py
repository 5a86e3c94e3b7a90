"""`/events`: what changes, as server-sent events.

`?view=board` or `wall`: `rows` tells `{"patches": …, "frames": …, "gone": …, "states": …}`, see
views.py. `?view=sensor&device=KEY`: `rows` tells a list of how that device stands. Always: `alerts`
(how many are open), `beat` every 2 s, `reload` (the page must be loaded again), `ended` (the login
is over). `after` is the place up to which the page was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from gateway.web.keys import parse_key
from gateway.web.now.streams import Stream
from gateway.web.now.views import VIEWS
from gateway.web.problems import Problem
from gateway.web.visitor import Viewer, Visitor, site_of, still_in

if TYPE_CHECKING:
    from gateway.web.site import Site

router = APIRouter()


@router.get("/events")
async def events(  # noqa: PLR0913, PLR0917 - each is a parameter of the request
    request: Request,
    visitor: Viewer,
    view: str = "",
    device: str = "",
    after: str = "",
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Send what changes until the browser goes, or its login ends."""
    site = site_of(request)
    stream = _stream(site, visitor, view, device)
    full = site.streams.full_for(stream)
    if full:
        raise Problem(503, full, "Close some of them")
    return StreamingResponse(
        site.streams.listen(stream, last_event_id or after),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


def _stream(site: Site, visitor: Visitor, view: str, device: str) -> Stream:
    if view not in {"", "sensor", *VIEWS}:
        allowed = ", ".join(["sensor", *VIEWS])
        raise Problem(422, f"there is no view {view!r}", f"Use one of {allowed}, or none")
    key = None
    if view == "sensor":
        key = parse_key(device)
        if site.standing.row(key) is None:
            raise Problem(404, f"nothing is known of {device}", "Look for it on the board")
    return Stream(
        view=VIEWS.get(view),
        device=key,
        person=visitor.name,
        screen=visitor.name if visitor.screen else "",
        allowed=lambda: still_in(site, visitor),
    )
