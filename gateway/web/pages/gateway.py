"""`/gateway`: whether the gateway itself is well, and if not, what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.brokers import JOINED
from gateway.commands.control import NotRunningError
from gateway.refusal import ControlError
from gateway.web.health import (
    BEHIND_FROM,
    FOLLOWERS,
    faults,
    follower_name,
    is_missing,
    lasted,
    sentence,
    verdict,
)
from gateway.web.look import show_at
from gateway.web.pages.disk_picture import picture
from gateway.web.visitor import Viewer, site_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.web.files import Files
    from gateway.web.site import Site

router = APIRouter()

CORRECTIONS = 5
"""Times that the clock was set which are shown."""


class Correction(NamedTuple):
    """The clock was set: when, and by how much (ms)."""

    at: int
    moved: int


class Follower(NamedTuple):
    """Whatever follows the journal or the events, and how much of it lies before it."""

    name: str
    waiting: int
    meaning: str
    behind: bool


@router.get("/gateway")
async def gateway_page(request: Request, visitor: Viewer) -> Response:
    """Show how the gateway stands."""
    return show_at(request, visitor, "gateway.html", **await _content(site_of(request)))


@router.get("/gateway/part")
async def gateway_part(request: Request, visitor: Viewer) -> Response:
    """Show it again."""
    return show_at(request, visitor, "gateway_part.html", **await _content(site_of(request)))


async def _content(site: Site) -> dict[str, Any]:
    """Return what the template shows."""
    status = await site.health()
    screens = [one for one in await _screens(site) if one["removed"] is None] if status else []
    found = faults(status, screens)
    look, words = verdict(found, status["devices"] if status else 0)
    backlog, corrections = await site.archive.ask(_look)
    return {
        "look": look,
        "words": words,
        "chief": found[0] if look != "ok" else None,
        "others": found if look == "ok" else found[1:],
        "told": status,
        "followers": _followers(status, backlog) if status else [],
        "corrections": corrections,
        "screens": [(one, is_missing(one)) for one in screens],
        "joined": JOINED,
        "disk": picture(status["disk"]) if status else None,
        "uptime": lasted(status["now"] - status["started"]) if status else "",
        "data": str(site.settings.gateway.data),
        "page_at": site.web.address,
        "size": size,
        "lasted": lasted,
        "sentence": sentence,
    }


async def _screens(site: Site) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = await site.ask("screen-list")
    except (ControlError, NotRunningError, OSError):
        # It has just gone: the next look says so.
        return []
    return found


def _look(files: Files) -> tuple[int, list[Correction]]:
    """Return how many readings are not in the history yet, and how the clock was set last."""
    rows = files.state.rows(
        "SELECT wall, moved FROM clock WHERE moved <> 0 ORDER BY number DESC LIMIT ?",
        (CORRECTIONS,),
    )
    backlog = files.journal.head - files.history.cursor
    return max(0, backlog), [Correction(*one) for one in rows]


def _followers(status: Mapping[str, Any], backlog: int) -> list[Follower]:
    found = []
    for follower, count in {**status["waiting"], "history": backlog}.items():
        kind = follower.partition(":")[0]
        if kind == "influxdb":
            continue  # each has a card of its own
        meaning = FOLLOWERS[kind][1] if kind in FOLLOWERS else ""
        # The history gathers readings on purpose.
        behind = count > BEHIND_FROM and kind != "history"
        found.append(Follower(follower_name(follower), count, meaning, behind))
    return found


def size(count: int) -> str:
    """Return bytes for people: 12.5 MB."""
    for limit, unit in ((1e6, "kB"), (1e9, "MB"), (1e12, "GB")):
        if count < limit:
            return f"{count / limit * 1e3:,.1f} {unit}"
    return f"{count / 1e12:,.1f} TB"
