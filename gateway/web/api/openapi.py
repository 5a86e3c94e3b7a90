"""The API's description of itself: who may ask, and that every error is a problem document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field

from gateway.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.routing import APIRoute

ROOT = "/api/v1"
ABOUT = """\
What sensors say, what is wrong with the cargo, and what people do about it.

Send an API key with each request: `Authorization: Bearer hw_…` (`holdwatch key add NAME`). Times
are milliseconds since 1970, UTC. Lists come in pages: send `next` of one page to get the following;
the last one has `next: null`. What goes wrong is told in a problem document (RFC 9457)."""


class Mistake(BaseModel):
    """What is wrong with one part of a request."""

    where: str = Field(alias="in", description="query, path or body")
    name: str
    problem: str
    allowed: Any = Field(description="Its JSON schema; the known names for one that is not known.")


class ProblemDocument(BaseModel):
    """What is wrong with a request (RFC 9457), and what would be right."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    cure: str | None = None
    errors: list[Mistake] | None = None


_REFUSALS = {
    "400": "The body cannot be read",
    "401": "Nobody that is known asks",
    "403": "The key or the person may not do this",
    "404": "There is no such thing, or not for this key",
    "409": "It cannot be done as things stand",
    "413": "The body is too large",
    "422": "The request is not as described here",
    "429": "Too many requests: see Retry-After",
    "500": "The gateway's page failed",
    "503": "The gateway does not answer",
}


def document(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document; made once."""
    if api.openapi_schema is None:
        found = get_openapi(
            title="Holdwatch",
            version="1",
            description=ABOUT,
            routes=api.routes,
            servers=[{"url": ROOT}],
        )
        components = found["components"]
        schemas = components["schemas"]
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer"},
            "password": {"type": "http", "scheme": "basic"},
        }
        for path, operations in found["paths"].items():
            for method, operation in operations.items():
                _complete(path, method, operation)
        api.openapi_schema = found
    return api.openapi_schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add to one operation who may use it, and how it refuses."""
    possible = set(_REFUSALS)
    if "requestBody" not in operation:
        possible -= {"400", "413"}
    if method == "get" and not path.startswith(("/devices.csv", "/consignments")):
        # Only those ask the gateway, which may refuse.
        possible -= {"409"}
    if "{" not in path and "requestBody" not in operation:
        possible -= set() if "parameters" in operation else {"422"}
        possible -= {"404"} if path != "/alerts" else set()
    if path == "/health":
        possible = {"500"}
    else:
        pushes = path.startswith("/push/")
        operation["security"] = [{"key": []}, {"password": []}] if pushes else [{"key": []}]
    schema = {"$ref": "#/components/schemas/Problem"}
    answers = operation["responses"]
    answers.pop("422", None)
    for status in sorted(possible):
        answers[status] = {
            "description": _REFUSALS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
        }


def allowed(
    described: dict[str, Any], route: APIRoute, method: str, where: str, name: str
) -> object:
    """Return what a part of a request may be: its schema; of an unknown one the known names."""
    operation = described["paths"][route.path_format][method.lower()]
    if where == "body":
        (content,) = operation["requestBody"]["content"].values()
        schema = described["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        known = schema["properties"]
    else:
        known = {
            one["name"]: one["schema"]
            for one in operation.get("parameters", ())
            if one["in"] == where
        }
    return known.get(name, sorted(known))
