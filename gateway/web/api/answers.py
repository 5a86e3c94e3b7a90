"""How answers and refusals are written: JSON, and problem documents (RFC 9457)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gateway.commands.control import NotRunningError
from gateway.database import DiskError, FileError
from gateway.refusal import ControlError
from gateway.web.api.openapi import allowed, document
from gateway.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI


def answer(data: object) -> Response:
    """Return data as JSON: encoded at once, not held against its model for every request."""
    return Response(msgspec.json.encode(data), media_type="application/json")


def page(items: Sequence[object], following: str | None) -> Response:
    """Return one page of a list."""
    return answer({"items": items, "next": following})


def refuse_in_json(api: FastAPI) -> None:
    """Let everything that goes wrong be answered with a problem document."""
    for kind in (
        *(Problem, ControlError, NotRunningError, FileError, DiskError),
        *(RequestValidationError, HTTPException, Exception),
    ):
        api.add_exception_handler(kind, _refuse)


async def _refuse(request: Request, error: Exception) -> Response:
    return _problem(request, error).response()


def _problem(request: Request, error: Exception) -> Problem:
    match error:
        case Problem():
            found = error
        case ControlError():
            found = Problem(409, error.problem, error.cure)
        case NotRunningError() | DiskError():
            what = str(error) if isinstance(error, DiskError) else "the gateway does not answer"
            headers = {"Retry-After": "5"}
            found = Problem(503, what, "Wait a moment, then ask again", headers=headers)
        case FileError():
            found = Problem(500, error.problem, error.cure)
        case RequestValidationError():
            found = _mistakes(request, error)
        case HTTPException():
            found = _by_status(request, error)
        case _:
            found = Problem(500, "the gateway's page failed at this", "Its log says why")
    return found


def _by_status(request: Request, error: HTTPException) -> Problem:
    if isinstance(error.__cause__, Problem):
        # Found while the body was read.
        return error.__cause__
    words = {
        404: ("there is nothing at this address", "GET /api/v1/openapi.json lists what there is"),
        405: (f"{request.method} does nothing here", "The header Allow says what does"),
        400: ("the body cannot be read", "Send one JSON object"),
    }
    detail, cure = words.get(error.status_code, (str(error.detail), ""))
    return Problem(error.status_code, detail, cure, headers=dict(error.headers or {}))


_WORDS = {
    "extra_forbidden": "there is no such name here",
    "missing": "it is missing",
    "string_pattern_mismatch": "it does not have the form that is allowed",
    "json_invalid": "it is no JSON",
}
"""What we say in place of the validator's words."""


def _mistakes(request: Request, error: RequestValidationError) -> Problem:
    """Say of each part of a request what is wrong with it, and what is allowed in its place."""
    found: list[dict[str, Any]] = []
    described = document(request.app)
    for one in error.errors():
        where, *path = one["loc"]
        name = str(path[0]) if path and one["type"] != "json_invalid" else ""
        found.append(
            {
                "in": where,
                "name": name,
                "problem": _WORDS.get(one["type"]) or one["msg"].removeprefix("Value error, "),
                "allowed": allowed(described, request.scope["route"], request.method, where, name),
            }
        )
    told = "; ".join(f"{one['name'] or one['in']}: {one['problem']}" for one in found)
    return Problem(422, told, "See `allowed` in each of `errors`", errors=found)
