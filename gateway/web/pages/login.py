"""Logging in and out: by name and password, or, for a wall screen, by its link."""

from __future__ import annotations

import asyncio
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from gateway.people.passwords import is_right
from gateway.people.person import TOKEN, find_login, find_person
from gateway.web.look import show
from gateway.web.problems import Problem
from gateway.web.visitor import (
    Viewer,
    address_of,
    check_origin,
    cookie_name,
    find_visitor,
    site_of,
)

if TYPE_CHECKING:
    from gateway.web.site import Site

router = APIRouter()
LONGEST = 200
"""Characters of a password that are looked at: longer ones would only cost time."""
FOR_EVER = 400 * 24 * 3600
"""Seconds: the longest that browsers keep a cookie. Each visit begins it anew."""


def safe_path(text: str) -> str:
    """Return where to go after logging in: a path of ours, never another site."""
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) else "/"


def set_cookie(site: Site, response: Response, token: str, seconds: int = FOR_EVER) -> None:
    """Let the browser keep a login's token; how long it is good is ours to say."""
    response.set_cookie(
        cookie_name(site),
        token,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=site.web.tls is not None,
    )


@router.get("/login")
def login_page(request: Request, to: str = "/") -> Response:
    """Ask for name and password."""
    if find_visitor(request) is not None:
        return RedirectResponse(safe_path(to), 303)
    return show_login(request, to=safe_path(to))


def show_login(
    request: Request, status: int = 200, *, to: str = "/", problem: str = "", name: str = ""
) -> Response:
    """Show how one gets in, and what is wrong."""
    context = {"to": to, "problem": problem, "name": name, "oidc": site_of(request).web.oidc}
    return show(request, "login.html", status=status, **context)


@router.post("/login")
async def log_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "/",
) -> Response:
    """Let a person in."""
    site = site_of(request)
    check_origin(request)
    came_from = address_of(request)
    async with site.guesses.turn(came_from) as problem:
        if problem:
            return show_login(request, 429, to=to, problem=problem, name=name)
        found = find_person(site.files.state, name.strip())
        person, kept = found or (None, None)
        right = await asyncio.to_thread(is_right, password[:LONGEST], kept)
        if not right or person is None or person.removed is not None:
            # Whoever is not known may have typed a password in place of the name.
            site.guesses.failed(came_from, "password", person.name if person else "")
            right = False
    if not right or person is None:
        problem = "Name or password is wrong. If it is lost: holdwatch user reset NAME"
        return show_login(request, 403, to=to, problem=problem, name=name)
    if site.web.oidc is not None and not site.web.oidc.local and person.role != "administrator":
        # Only after the password: whoever guesses learns nothing of who there is.
        problem = f"Here people sign in with {site.web.oidc.name}."
        return show_login(request, 403, to=to, problem=problem, name=name)
    token = secrets.token_hex(TOKEN)
    await site.ask(
        "login-open",
        digest=sha256(token.encode()).hexdigest(),
        person=person.name,
        expires=site.clock.now() + site.web.idle,
        address=came_from,
        hash=kept,
    )
    response = RedirectResponse(safe_path(to), 303)
    set_cookie(site, response, token)
    return response


@router.post("/logout")
async def log_out(request: Request, visitor: Viewer) -> Response:
    """End this login. A screen's ends only where it is revoked: nobody could open it again."""
    site = site_of(request)
    if visitor.screen:
        raise Problem(403, "a wall screen does not log out", "Use: holdwatch screen revoke NAME")
    await site.ask("login-end", digest=visitor.digest.hex())
    response = RedirectResponse("/login", 303)
    response.delete_cookie(cookie_name(site), path="/")
    return response


@router.get("/enter")
def enter_page(request: Request) -> Response:
    """Let the page itself show the token, which stands behind the # and is never sent to us so."""
    return show(request, "enter.html")


@router.post("/enter")
async def enter(
    request: Request, token: Annotated[str, Form()], instead: Annotated[str, Form()] = ""
) -> Response:
    """Let in who has the link of a login, such as a wall screen.

    Whoever is logged in as somebody else is asked first (409), and then says `instead`: a link
    that they follow unawares could have them act under another name, or blind a screen.
    """
    site = site_of(request)
    check_origin(request)
    came_from = address_of(request)
    if site.guesses.blocked(came_from):
        raise Problem(429, "too many wrong links came from this address", "Wait a minute")
    found = find_login(site.files.state, sha256(token.encode()).digest())
    if found is None or (found[0].expires is not None and found[0].expires <= site.clock.now()):
        site.guesses.failed(came_from, "link")
        raise Problem(403, "this link is revoked, or was never good", "Ask for another one")
    visitor, person = find_visitor(request), found[1]
    if visitor is not None and person.name not in {visitor.name, instead}:
        raise Problem(
            409,
            f"you are logged in here as {visitor.name}, and this link is {person.name}'s",
            "Go on only if you meant to open it",
            instead=person.name,
        )
    response = JSONResponse({"to": "/wall" if found[1].screen else "/"})
    set_cookie(site, response, token)
    return response
