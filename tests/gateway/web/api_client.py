"""Programs that use the API of a running page, each with a key of its own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import httpx

from gateway.people.api_keys import SCOPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.gateway.web.running import RunningPage

_numbers = itertools.count(1)


def api(
    page: RunningPage, *, scopes: Sequence[str] = SCOPES, devices: Sequence[str] = ()
) -> httpx.Client:
    """Return a client with a new key; without `devices` it is for all."""
    options = [part for one in scopes for part in ("--scope", one)]
    options += [part for one in devices for part in ("--devices", one)]
    key = page.command("key", "add", f"key-{next(_numbers)}", *options)
    headers = {"Authorization": f"Bearer {key['token']}"}
    return httpx.Client(base_url=f"{page.url}/api/v1", headers=headers, timeout=20)


def pages(client: httpx.Client, path: str, **asked: Any) -> list[list[dict[str, Any]]]:  # noqa: ANN401 - what may stand in an address
    """Return all pages of a list."""
    found = []
    following: dict[str, str] = {}
    while True:
        answer = client.get(path, params={**asked, **following})
        assert answer.status_code == httpx.codes.OK, answer.text
        body = answer.json()
        found.append(body["items"])
        if body["next"] is None:
            return found
        following = {"next": body["next"]}


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Expect a problem document with this status; return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "detail"} <= set(problem)
    return problem
