"""Views are for people: a program's key, which may be for some devices only, opens none."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest
from fastapi.routing import APIRoute

from gateway.web import app
from tests.gateway.web.running import RunningPage

OPEN = {"/login", "/login/oidc", "/login/oidc/back", "/enter"}
"""Where nobody is known yet."""
FOR_PROGRAMS = {"/metrics"}


def routes() -> Iterator[tuple[str, str]]:
    for router in app.ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                if route.path not in OPEN | FOR_PROGRAMS:
                    yield method, route.path


@pytest.fixture(scope="module")
def key(page: RunningPage) -> str:
    token: str = page.command(
        "key", "add", "all", "--scope", "read", "--scope", "act", "--scope", "metrics"
    )["token"]
    return token


@pytest.mark.parametrize(("method", "path"), sorted(routes()))
def test_no_view_opens_to_a_key_or_to_nobody(
    page: RunningPage, key: str, method: str, path: str
) -> None:
    address = page.url + path.replace("{key:path}", "fridge-1").replace("{alert}", "a1")
    with_key = httpx.request(method, address, headers={"Authorization": f"Bearer {key}"})
    assert with_key.status_code == HTTPStatus.FORBIDDEN, with_key.text
    headers = {"Accept": "application/json"}
    assert httpx.request(method, address, headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_there_are_views_to_try() -> None:
    assert len(list(routes())) > 20
