"""`/`: how everything stands, the worst on top; `/wall`: the same for a screen on a wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from gateway.people.acts import REASONS
from gateway.web.look import show
from gateway.web.now.rows import WORST
from gateway.web.now.views import VIEWS
from gateway.web.visitor import Operator, Viewer, site_of

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.web.now.standing import Line
    from gateway.web.site import Site

router = APIRouter()

FIRST = 100
"""Rows that a page holds when it comes; more are fetched at once."""
PAGE = 250
"""Rows that are fetched at a time."""
MOST = 10_000
"""Rows that a page shows."""
PATIENCE = 3.0
"""Seconds that a page waits after our start for what the gateway tells."""


@router.get("/")
async def board(request: Request, visitor: Viewer) -> Response:
    """Show the board."""
    if visitor.screen:
        return RedirectResponse("/wall", 303)
    site = site_of(request)
    await site.standing.whole(PATIENCE)
    lines = site.standing.board()
    return show(
        request,
        "board.html",
        visitor,
        lines=lines[:FIRST],
        count=len(lines),
        more=max(0, len(lines) - MOST),
        most=MOST,
        sites=sorted({one.row.site for one in lines[:MOST] if one.row.site and not one.row.own}),
        example=example(site.settings),
        **_common(site),
    )


@router.get("/wall")
async def wall(request: Request, visitor: Viewer) -> Response:
    """Show what is wrong, for a screen that nobody touches."""
    site = site_of(request)
    await site.standing.whole(PATIENCE)
    shows = VIEWS["wall"].shows
    lines = [one for one in site.standing.board() if shows(one.row)]
    return show(request, "wall.html", visitor, lines=lines[:FIRST], **_common(site))


def _common(site: Site) -> dict[str, Any]:
    standing = site.standing
    return {
        "worst": WORST,
        "states": standing.states(),
        "alerts": standing.counts(),
        "place": site.streams.place,
        "total": len(standing.board()),
    }


@router.get("/rows")
async def rows(request: Request, _visitor: Viewer, view: str = "board", after: int = 0) -> Response:
    """Return a page of rows as frames, by number: their order changes while they are fetched."""
    site = site_of(request)
    chosen = VIEWS.get(view, VIEWS["board"])
    shown = site.standing.board()[:MOST]
    page = sorted(
        (one for one in shown if one.number > after and chosen.shows(one.row)), key=_number
    )[:PAGE]
    told = {
        "frames": [chosen.frame(one) for one in page],
        "next": page[-1].number if len(page) == PAGE else None,
    }
    return JSONResponse(told)


def _number(line: Line) -> int:
    return line.number


@router.post("/rows/{alert}/have")
async def have(request: Request, visitor: Operator, alert: str) -> Response:
    """Acknowledge an alert by one tap: whoever taps has it."""
    site = site_of(request)
    who = msgspec.to_builtins(visitor.who)
    await site.ask("act", alert=alert, kind="acknowledged", reason=REASONS[0], who=who)
    if "hx-request" in request.headers or "x-csrf-token" in request.headers:
        return Response(status_code=204)
    return RedirectResponse("/", 303)


def example(settings: Settings) -> tuple[str, ...]:
    """Return what to type to send a first reading, line by line."""
    send = "-t cargo/site/fridge-1/readings -m '{\"temperature\": 4.5}'"
    for one in settings.listeners:
        if one.anonymous and one.tls is None:
            return (f"mosquitto_pub -p {one.port} -q 1 {send}",)
    if settings.listeners:
        return ("holdwatch device add fridge-1",)
    if settings.brokers:
        broker = settings.brokers[0]
        return (f"mosquitto_pub -h {broker.host} -p {broker.port} -q 1 {send}",)
    return ()
