"""`/`: how everything stands, the worst on top."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.web.look import show
from gateway.web.visitor import Viewer, site_of

router = APIRouter()


@router.get("/")
async def board(request: Request, visitor: Viewer) -> Response:
    """Show the board."""
    return show(request, "board.html", visitor, rows=site_of(request).standing.rows())
