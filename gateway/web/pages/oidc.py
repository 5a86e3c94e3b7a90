"""Signing in with a company's account: out to the provider, and back.

The browser keeps a token of the gateway's in a cookie meanwhile, so that nobody can bring another
person's answer in here; what the answer is worth is for the gateway to say.
"""

from __future__ import annotations

import asyncio
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from gateway.listener.attempts import origin_of
from gateway.people.person import TOKEN
from gateway.refusal import ControlError
from gateway.web.look import address
from gateway.web.pages.login import safe_path, set_cookie, show_login
from gateway.web.problems import Problem
from gateway.web.visitor import address_of, cookie_name, find_visitor, site_of

if TYPE_CHECKING:
    from gateway.settings.oidc import Oidc
    from gateway.web.site import Site

router = APIRouter()
MINUTES = 10
"""For which a browser may be away."""


@router.get("/login/oidc")
async def go(request: Request, to: str = "/", here: str = "") -> Response:
    """Lead the browser to the provider."""
    site, settings = _known(request)
    _count(request, site)
    if request.headers.get("host") != urlsplit(settings.page).netloc and not here:
        # It comes back to that address, and the cookie has to be there.
        return RedirectResponse(f"{settings.page}/login/oidc?here=1&to={quote(safe_path(to))}", 303)
    try:
        begun = await site.ask("oidc-begin")
    except ControlError as error:
        return _refused(request, error, safe_path(to))
    response = RedirectResponse(begun["url"], 303)
    keep_trip(site, response, begun["token"], safe_path(to))
    return response


@router.get("/login/oidc/back")
async def back(
    request: Request, state: str = "", code: str = "", iss: str = "", error: str = ""
) -> Response:
    """Let in who comes back from the provider, or show what was signed."""
    site, _ = _known(request)
    _count(request, site)
    kept, _, to = request.cookies.get(_cookie(site), "").partition("|")
    visitor = find_visitor(request)
    token = secrets.token_hex(TOKEN)
    try:
        told = await site.ask(
            "oidc-finish",
            token=kept,
            state=state,
            code=code,
            issuer=iss,
            error=error,
            digest=sha256(token.encode()).hexdigest(),
            expires=site.clock.now() + site.web.idle,
            address=address_of(request),
            login=visitor.name if visitor is not None and visitor.person else "",
        )
    except ControlError as problem:
        # Who set out here, and comes back with nonsense, has us ask the provider. Without that
        # any site could have people's browsers ask for this, until they may not log in.
        if kept:
            site.guesses.failed(address_of(request), "answer of a provider")
        response = _refused(request, problem, "/")
    else:
        if "signed" in told:
            # As after signing by a password, it is shown where it was signed.
            response = RedirectResponse(address("consignment", told["signed"]["id"]), 303)
        else:
            response = RedirectResponse(safe_path(unquote(to) or "/"), 303)
            set_cookie(site, response, token)
    response.delete_cookie(
        _cookie(site), path="/", secure=site.web.tls is not None, httponly=True, samesite="lax"
    )
    return response


def keep_trip(site: Site, response: Response, token: str, to: str) -> None:
    """Let the browser keep what it comes back with, and where it goes then."""
    response.set_cookie(
        _cookie(site),
        f"{token}|{quote(to, safe='/')}",
        max_age=60 * MINUTES,
        path="/",
        httponly=True,
        samesite="lax",
        secure=site.web.tls is not None,
    )


def _known(request: Request) -> tuple[Site, Oidc]:
    site = site_of(request)
    if site.web.oidc is None:
        raise Problem(404, "there is no such page", "Log in by name and password")
    return site, site.web.oidc


def _count(request: Request, site: Site) -> None:
    """Hold strangers to what they may ask: each costs the provider something."""
    now = asyncio.get_running_loop().time()
    came_from = address_of(request)
    allowed = site.limits.allow(origin_of(came_from), now, stranger=True)
    if not allowed or site.guesses.blocked(came_from):
        raise Problem(429, "too many sign in from this address", "Wait a moment, then retry")


def _cookie(site: Site) -> str:
    return f"{cookie_name(site)}-trip"


def _refused(request: Request, error: ControlError, to: str) -> Response:
    """Show the login page with what is wrong; whoever is logged in stays so."""
    if find_visitor(request) is not None:
        raise Problem(409, error.problem, error.cure)
    problem = f"{error.problem[:1].upper()}{error.problem[1:]}. {error.cure}."
    return show_login(request, 403, to=to, problem=problem)
