"""`/account`: who I am, my password, my logins; for administrators `/people` and `/audit`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from gateway.people import audit
from gateway.people.passwords import hashed, is_right
from gateway.people.person import Login, find_person
from gateway.web.look import local, show_at
from gateway.web.pages.login import LONGEST
from gateway.web.problems import Problem
from gateway.web.visitor import Administrator, Viewer, Visitor, address_of, site_of

if TYPE_CHECKING:
    from gateway.web.site import Site

router = APIRouter()

SHORTEST = 12
"""Characters of a password that somebody chooses."""
PAGE = 50
"""Entries of the audit trail at a time."""
MAY = (
    ("viewer", "sees everything, and changes nothing"),
    (
        "operator",
        "also acts on alerts, sees to devices, and states what happens to consignments",
    ),
    (
        "quality",
        "also calibrates and replaces devices, takes in tables, and signs for consignments",
    ),
    ("administrator", "also sees to people and the quarantine"),
)
"""What each role may, in rising order."""


class Changed(NamedTuple):
    """What one entry of the audit trail changed: a name, and what it was before and after."""

    name: str
    before: str
    after: str


class Line(NamedTuple):
    """One entry of the audit trail, ready to be shown."""

    entry: audit.Entry
    at: str
    changes: list[Changed]


@router.get("/account")
async def account_page(request: Request, visitor: Viewer) -> Response:
    """Show who is logged in."""
    if visitor.screen:
        raise Problem(403, "a wall screen has no account", "See: holdwatch screen list")
    return _account(request, visitor)


@router.post("/account/password")
async def change_password(
    request: Request,
    visitor: Viewer,
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Give somebody the password of their choice, and end their other logins."""
    site = site_of(request)
    found = find_person(site.files.state, visitor.name) if visitor.person else None
    if found is None or found[1] is None:
        return _account(request, visitor, 403, "Whoever has no password cannot change it.")
    problem = problem_of(visitor.name, old, new, again)
    if problem:
        return _account(request, visitor, 422, problem)
    came_from = address_of(request)
    async with site.guesses.turn(came_from) as words:
        if words:
            return _account(request, visitor, 429, words)
        if not await asyncio.to_thread(is_right, old[:LONGEST], found[1]):
            site.guesses.failed(came_from, "password", visitor.name)
            return _account(request, visitor, 403, "The old password is wrong.")
        kept = await asyncio.to_thread(hashed, new)
    await site.ask(
        "password",
        name=visitor.name,
        hash=kept,
        keep=visitor.digest.hex(),
        who=msgspec.to_builtins(visitor.who),
    )
    return _account(request, visitor, done="Your password is changed. Other logins are ended.")


def problem_of(name: str, old: str, new: str, again: str) -> str:
    """Return why a new password cannot be taken, "" if it can."""
    if new != again:
        return "The new password is not the same both times."
    if len(new) < SHORTEST:
        return f"The new password has {len(new)} characters: it needs {SHORTEST} or more."
    if len(new) > LONGEST:
        return f"The new password has {len(new)} characters: it may have {LONGEST}."
    if new.casefold().strip() == name:
        return "The new password is your name: others would try it first."
    return "The new password is the old one." if new == old else ""


@router.get("/people")
async def people_page(request: Request, visitor: Administrator) -> Response:
    """Show who may use the page, and which screens there are."""
    site = site_of(request)
    people = [one for one in await site.ask("user-list") if not one.get("screen")]
    return show_at(
        request, visitor, "people.html", people=people, screens=await site.ask("screen-list")
    )


@router.get("/audit")
async def audit_page(
    request: Request,
    visitor: Administrator,
    before: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
) -> Response:
    """Show who did what, newest first; to htmx that asks further back, the next page alone."""
    site = site_of(request)
    found = await site.archive.ask(lambda files: audit.page(files.state, before, PAGE + 1))
    page = found[:PAGE]
    more = before is not None and "hx-request" in request.headers
    return show_at(
        request,
        visitor,
        "audit_rows.html" if more else "audit.html",
        lines=[_line(one, site) for one in page],
        after=page[-1].number if len(found) > PAGE else None,
    )


def _account(
    request: Request, visitor: Visitor, status: int = 200, problem: str = "", done: str = ""
) -> Response:
    site = site_of(request)
    answer = show_at(
        request,
        visitor,
        "account.html",
        problem=problem,
        done=done,
        may=MAY,
        shortest=SHORTEST,
        logins=_logins(site, visitor),
    )
    answer.status_code = status
    return answer


def _logins(site: Site, visitor: Visitor) -> list[tuple[Login, bool]]:
    """Return somebody's logins, newest first, each with whether it is this one."""
    rows = site.files.state.rows("SELECT digest, body FROM login WHERE person = ?", (visitor.name,))
    now = site.clock.now()
    found = [
        (msgspec.json.decode(body, type=Login), digest == visitor.digest) for digest, body in rows
    ]
    good = [one for one in found if one[0].expires is None or one[0].expires > now]
    return sorted(good, key=lambda one: -one[0].opened)


def _line(entry: audit.Entry, site: Site) -> Line:
    zone = site.settings.gateway.timezone
    return Line(entry, local(entry.at, zone, "%d %b %Y %H:%M:%S"), changes(entry))


def changes(entry: audit.Entry) -> list[Changed]:
    """Return what an entry changed, key by key; what stayed as it was is left out."""
    before, after = entry.before, entry.after
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        return [Changed("", _words(before), _words(after))]
    before, after = before or {}, after or {}
    return [
        Changed(key, _words(before.get(key)), _words(after.get(key)))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _words(value: Any) -> str:  # noqa: ANN401 - whatever JSON has
    """Return a value of the audit trail as short as it can be told."""
    if value is None:
        return ""
    if isinstance(value, dict) and "reason" in value and "who" in value:
        # An act about an alert: who and why say it.
        return ", ".join(filter(None, (value["who"], value.get("to"), value["reason"])))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
