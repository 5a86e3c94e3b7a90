"""`/alerts`: what is open, the worst first, and what is over; and each alert with its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from gateway.people.acts import acts_of
from gateway.state import AlertsAsked
from gateway.web.explain import explained, history
from gateway.web.look import local, show_at
from gateway.web.pages.alert_told import who_was_told
from gateway.web.problems import Problem
from gateway.web.told_alert import Told, told
from gateway.web.visitor import Viewer, site_of

if TYPE_CHECKING:
    from gateway.web.files import Files
    from gateway.web.site import Site

router = APIRouter()

SHOWN = 100
"""Open alerts that are shown at first, and how many more at a time."""
MOST = 5_000
"""Open alerts that a page holds: more of them say nothing more."""
PAGE = 50
"""Alerts that are over, at a time."""
LOOKED_AT = 1_000
"""Alerts that are looked through for a page, where few are wanted."""

Severity = Literal["", "critical", "warning", "info"]
Words = Annotated[str, Query(max_length=100)]


class _Wanted:
    """Which alerts somebody wants to see."""

    def __init__(self, severity: Severity = "", find: Words = "") -> None:
        self.severity = severity
        self.find = find

    def query(self, **more: object) -> str:
        """Return it as an address's query, with more in it; what is empty is left out."""
        asked = {"severity": self.severity, "find": self.find, **more}
        return urlencode({key: value for key, value in asked.items() if value})


Wanted = Annotated[_Wanted, Depends(_Wanted)]


@router.get("/alerts")
async def alerts_page(
    request: Request,
    visitor: Viewer,
    wanted: Wanted,
    state: AlertsAsked = "open",
) -> Response:
    """Show the lists."""
    context: dict[str, Any] = {"state": state, "wanted": wanted}
    if state != "ended":
        context |= await _open(request, wanted, SHOWN)
    if state != "open":
        context |= await _ended(request, wanted, None)
    return show_at(request, visitor, "alerts.html", **context)


@router.get("/alerts/open")
async def open_part(
    request: Request,
    visitor: Viewer,
    wanted: Wanted,
    size: Annotated[int, Query(ge=1, le=MOST)] = SHOWN,
) -> Response:
    """Show what is open, again."""
    context = await _open(request, wanted, size)
    return show_at(request, visitor, "alerts_open.html", wanted=wanted, **context)


@router.get("/alerts/ended")
async def ended_part(
    request: Request,
    visitor: Viewer,
    wanted: Wanted,
    before: Annotated[str, Query(pattern=r"^\d{1,18}:\w{1,64}$|^$")] = "",
) -> Response:
    """Show what is over, before a place in the list: when an alert began (ms), and its id."""
    began, _, identity = before.partition(":")
    context = await _ended(request, wanted, (int(began), identity) if before else None)
    template = "alerts_more.html" if before else "alerts_ended.html"
    return show_at(request, visitor, template, wanted=wanted, **context)


@router.get("/alerts/{identity}")
async def alert_page(request: Request, visitor: Viewer, identity: str) -> Response:
    """Show one alert."""
    return show_at(request, visitor, "alert.html", **await _one(request, identity))


@router.get("/alerts/{identity}/part")
async def alert_part(request: Request, visitor: Viewer, identity: str) -> Response:
    """Show one alert, again."""
    return show_at(request, visitor, "alert_part.html", **await _one(request, identity))


async def find_told(site: Site, identity: str) -> Told:
    """Return an alert as it stands now. Raises Problem."""
    alert = site.files.state.alert(identity)
    if alert is None:
        raise Problem(404, "there is no such alert", "See the list of alerts")
    return told(site.files, site.settings, [alert], site.clock.now(), site.standing.seen)[0]


async def _open(request: Request, wanted: Wanted, size: int) -> dict[str, Any]:
    """Return what is open, the worst first, for the template."""
    site = site_of(request)
    files, now = site.files, site.clock.now()
    known = told(files, site.settings, files.state.open_alerts(), now, site.standing.seen)
    found = [one for one in known if one.has(wanted.severity, wanted.find)]
    found.sort(key=Told.rank)
    return {
        "opened": found[:size],
        "all_open": len(known),
        "found_open": len(found),
        "size": size,
        "larger": min(size + SHOWN, MOST) if len(found) > size and size < MOST else None,
    }


async def _ended(
    request: Request, wanted: Wanted, before: tuple[int, str] | None
) -> dict[str, Any]:
    """Return a page of what is over, for the template."""
    site = site_of(request)
    now = site.clock.now()

    def look(files: Files) -> tuple[list[Told], tuple[int, str] | None]:
        found: list[Told] = []
        place, left = before, LOOKED_AT
        while len(found) < PAGE and left > 0:
            page = files.state.alerts_page("ended", place, PAGE)
            known = told(files, site.settings, page, now)
            found += [one for one in known if one.has(wanted.severity, wanted.find)]
            if len(page) < PAGE:
                return found, None
            place = (page[-1].began, page[-1].id)
            left -= PAGE
        if len(found) > PAGE:
            found = found[:PAGE]
            place = (found[-1].alert.began, found[-1].alert.id)
        return found, place

    found, place = await site.archive.ask(look)
    return {"over": found, "after": f"{place[0]}:{place[1]}" if place else ""}


async def _one(request: Request, identity: str) -> dict[str, Any]:
    site = site_of(request)
    one = await find_told(site, identity)
    state, now = site.files.state, site.clock.now()
    steps = history(one, state.events_of(identity), acts_of(state, identity), now)
    return {
        "one": one,
        "sentences": explained(one, now),
        "steps": steps,
        "told": await who_was_told(site, one),
        "day": local(one.alert.began, one.zone, "%Y-%m-%d"),
    }
