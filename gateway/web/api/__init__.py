"""The HTTP API, version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response

from gateway.web.api import (
    alerts,
    consignment_changes,
    consignments,
    devices,
    gateway,
    goods,
    notifications,
    push,
    quarantine,
    readings,
    registry,
)
from gateway.web.api.answers import answer, refuse_in_json
from gateway.web.api.openapi import document

if TYPE_CHECKING:
    from gateway.web.site import Site

ROUTERS = (
    *(gateway, readings, registry, devices, alerts),
    *(consignments, consignment_changes, goods, notifications, quarantine, push),
)
"""The first that fits serves: keys may hold slashes, so what stands behind one comes first."""


def make_api(site: Site) -> FastAPI:
    """Return the API over a site."""
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    api.state.site = site
    api.state.last = devices.LastValues(site)
    for one in ROUTERS:
        api.include_router(one.router)
    api.add_api_route("/openapi.json", _described, include_in_schema=False)
    refuse_in_json(api)
    return api


async def _described(request: Request) -> Response:
    return answer(document(request.app))
