"""The HTTP API, version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

if TYPE_CHECKING:
    from gateway.web.site import Site


def make_api(site: Site) -> FastAPI:
    """Return the API over a site."""
    api = FastAPI(title="Holdwatch", docs_url=None, redoc_url=None)
    api.state.site = site
    return api
