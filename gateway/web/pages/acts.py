"""`/alerts/{id}/acts`: the sheet by which people take an alert, hand it over, note and mute."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from gateway.people.acts import REASONS, VERBS, Act
from gateway.web.look import address, moment, show_at
from gateway.web.pages.alerts import find_told
from gateway.web.problems import Problem
from gateway.web.told_alert import hands
from gateway.web.visitor import Operator, Viewer, Visitor, site_of
from rules.duration import parse_duration

if TYPE_CHECKING:
    from gateway.web.told_alert import Told

router = APIRouter()

Verb = Literal["acknowledge", "assign", "note", "mute", "unmute"]
KINDS = {verb: kind for kind, verb in VERBS.items()}
MUTES = ("30 min", "2 h", "8 h")
"""For how long an alert is muted by one tap."""


@router.get("/alerts/{identity}/acts")
async def sheet(request: Request, visitor: Viewer, identity: str) -> Response:
    """Show the sheet: the part alone to htmx, and a page to everybody else."""
    template = "acts.html" if "hx-request" in request.headers else "acts_page.html"
    return await _sheet(request, visitor, identity, template)


@router.post("/alerts/{identity}/{verb}")
async def act(  # noqa: PLR0913 - what the sheet's forms send
    request: Request,
    visitor: Operator,
    identity: str,
    verb: Verb,
    *,
    reason: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
    length: Annotated[str, Form()] = "",
) -> Response:
    """Do something about an alert, and say so."""
    site = site_of(request)
    one = await find_told(site, identity)
    asked: dict[str, Any] = {"to": to} if verb == "assign" else {}
    if verb == "mute":
        asked["length"] = _length(length)
    done = msgspec.convert(
        await site.ask(
            "act",
            alert=identity,
            kind=KINDS[verb],
            reason=reason,
            who=msgspec.to_builtins(visitor.who),
            **asked,
        ),
        Act,
    )
    if "hx-request" not in request.headers:
        return RedirectResponse(address("alerts", identity), 303)
    answer = await _sheet(request, visitor, identity, "acts.html")
    # JSON in ASCII: whatever a name or reason holds, it is one line of a header.
    said = {"acted": {"alert": identity}, "say": _said(done, one, site.clock.now())}
    answer.headers["HX-Trigger"] = json.dumps(said)
    return answer


async def _sheet(request: Request, visitor: Visitor, identity: str, template: str) -> Response:
    site = site_of(request)
    one = await find_told(site, identity)
    others = [name for name in hands(site.files.state) if name != visitor.name]
    return show_at(request, visitor, template, one=one, reasons=REASONS, hands=others, mutes=MUTES)


def _length(text: str) -> int:
    """Return a length of time in ms. Raises Problem."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Problem(422, str(error), "Choose one of the lengths") from error


def _said(done: Act, one: Told, now: int) -> str:
    """Return what to tell whoever did it."""
    return {
        "acknowledged": f"You have {one.name}: {done.reason}",
        "assigned": f"{done.to} has {one.name} now",
        "noted": "The note is kept",
        "muted": f"Muted until {moment(done.until, one.zone, now)}",
        "unmuted": "It makes sound again",
    }[done.kind]
