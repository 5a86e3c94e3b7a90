"""The page and the API as one application: what is served where."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from gateway.commands.control import NotRunningError
from gateway.database import DiskError, FileError
from gateway.refusal import ControlError
from gateway.web.api import make_api, metrics
from gateway.web.bodies import Bodies
from gateway.web.headers import Headers
from gateway.web.look import STATIC, show
from gateway.web.pages import (
    account,
    acts,
    alerts,
    board,
    consignment,
    consignment_acts,
    consignment_sign,
    consignments,
    device,
    device_acts,
    devices,
    events,
    goods,
    login,
    notifications,
    quarantine,
    sensor,
)
from gateway.web.pages import gateway as gateway_page
from gateway.web.pages import map as map_page
from gateway.web.pages import oidc as oidc_page
from gateway.web.problems import Problem

if TYPE_CHECKING:
    from starlette.types import Scope

    from gateway.web.site import Site

ROUTERS = (
    board.router,
    events.router,
    alerts.router,
    acts.router,
    sensor.router,
    consignments.router,
    consignment.router,
    consignment_acts.router,
    consignment_sign.router,
    goods.router,
    devices.router,
    device.router,
    device_acts.router,
    map_page.router,
    quarantine.router,
    notifications.router,
    gateway_page.router,
    account.router,
    login.router,
    oidc_page.router,
    metrics.router,
)
"""One for each view."""
LARGE = 1_000
"""Bytes from which on an answer is packed."""


class _Static(StaticFiles):
    """Our files: their addresses change with what is in them, so browsers may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope["query_string"].startswith(b"v="):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def make_app(site: Site) -> FastAPI:
    """Return the application over a site."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.site = site
    app.state.counts = metrics.Counts()
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/api/v1", make_api(site))
    app.mount("/static", _Static(directory=str(STATIC)))
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(ControlError, _refused)
    app.add_exception_handler(NotRunningError, _alone)
    app.add_exception_handler(DiskError, _disk)
    app.add_exception_handler(FileError, _disk)
    app.add_exception_handler(RequestValidationError, _mistake)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(GZipMiddleware, minimum_size=LARGE, compresslevel=6)
    app.add_middleware(Bodies)
    # Within the headers: what the framework itself answers where we fail would have none.
    app.add_middleware(ServerErrorMiddleware, handler=_failed)
    app.add_middleware(Headers, web=site.web)
    app.add_middleware(metrics.Counted, counts=app.state.counts)
    return app


def _problem(request: Request, problem: Exception) -> Response:
    """Show what is wrong; whoever is not logged in is asked to."""
    if not isinstance(problem, Problem):
        raise problem
    part = "hx-request" in request.headers
    if problem.status == 401 and (part or "text/html" in request.headers.get("accept", "*/*")):
        # Of a part the page that asked for it is where to go back to.
        here = urlsplit(request.headers.get("hx-current-url", "") if part else str(request.url))
        asked = here.path + (f"?{here.query}" if here.query else "")
        where = f"/login?to={quote(asked or '/')}"
        if part:
            return Response(status_code=204, headers={"HX-Redirect": where})
        return RedirectResponse(where, 303)
    if part or "text/html" not in request.headers.get("accept", ""):
        return problem.response()
    return show(request, "problem.html", status=problem.status, problem=problem)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, ControlError):
        raise error
    return _problem(request, Problem(409, error.problem, error.cure))


def _alone(request: Request, _error: Exception) -> Response:
    cure = "Wait a moment, then retry. If that does not help, look at the gateway's log"
    return _problem(request, Problem(503, "the gateway does not answer", cure))


def _disk(request: Request, error: Exception) -> Response:
    if isinstance(error, FileError):
        return _problem(request, Problem(500, error.problem, error.cure))
    return _problem(request, Problem(503, str(error), "Wait a moment, then retry"))


def _failed(request: Request, _error: Exception) -> Response:
    return _problem(request, Problem(500, "the gateway's page failed at this", "Its log says why"))


def _mistake(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    told = "; ".join(
        f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()
    )
    return _problem(request, Problem(422, told, "Correct the address or the form"))


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, Problem):
        # Found while the body was read.
        return _problem(request, error.__cause__)
    words = "there is no such page" if error.status_code == 404 else str(error.detail)
    return _problem(request, Problem(error.status_code, words, "Go to the board"))
