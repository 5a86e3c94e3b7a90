"""What devices said, sent here by HTTP: by a LoRaWAN server's integration, a logger, or curl.

What is answered with 200 or 202 is on the disk: as readings, for a vendor's codec, or in the
quarantine with the reason. Nothing of that need be sent again. What is answered otherwise was not
taken, or nobody can say so yet: after 429 and 503 it is to be sent again. Twice sent, a reading
with its own time is stored once.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from gateway.web.api import push_models as models
from gateway.web.api import push_topics
from gateway.web.api.answers import answer
from gateway.web.problems import Problem
from gateway.web.visitor import Pusher, Visitor, site_of

router = APIRouter(prefix="/push")

RETRY_AFTER = 5
"""Seconds."""


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return how a route's message is described: it is passed on as it comes."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {
        "model": models.Pushed,
        "description": "Kept, and not or not all understood: `quarantine` says why",
    }
}
_CHIRPSTACK = {
    "type": "object",
    "description": "An event of ChirpStack v4, as its HTTP integration sends it.",
    "required": ["deviceInfo"],
    "properties": {
        "deviceInfo": {
            "type": "object",
            "required": ["devEui"],
            "properties": {"devEui": {"type": "string", "pattern": push_topics.EUI}},
        }
    },
}
_THINGS_STACK = {
    "type": "object",
    "description": "A message of The Things Stack v3, as its webhooks send it.",
    "required": ["end_device_ids"],
    "properties": {
        "end_device_ids": {
            "type": "object",
            "required": ["device_id"],
            "properties": {"device_id": {"type": "string", "pattern": push_topics.THINGS_ID}},
        }
    },
}
_READINGS = {
    "description": "A reading, or a list of them, as over MQTT.",
    "example": {"time": "2026-11-22T10:00:00Z", "temperature": 4.3, "seq": 17},
}
_ANYTHING = {"description": "What would be the payload."}


@router.post(
    "/chirpstack",
    response_model=models.Pushed,
    responses=_ANSWERS,
    openapi_extra=_described(_CHIRPSTACK),
)
async def chirpstack(
    request: Request,
    visitor: Pusher,
    event: Annotated[
        str, Query(pattern=push_topics.EVENT, description="What happened: up, status, join …")
    ] = "up",
) -> Response:
    """Take an event of ChirpStack's HTTP integration, in JSON."""
    body = await request.body()
    return await _push(request, visitor, push_topics.chirpstack(body, event), body)


@router.post(
    "/things-stack",
    response_model=models.Pushed,
    responses=_ANSWERS,
    openapi_extra=_described(_THINGS_STACK),
)
@router.post("/things-stack/{_kind:path}", include_in_schema=False)
async def things_stack(request: Request, visitor: Pusher) -> Response:
    """Take a message of The Things Stack's webhooks, in JSON. Any path behind it does."""
    body = await request.body()
    return await _push(request, visitor, push_topics.things_stack(body), body)


@router.post(
    "/plain/{device}",
    response_model=models.Pushed,
    responses=_ANSWERS,
    openapi_extra=_described(_READINGS),
)
async def plain(request: Request, device: str, visitor: Pusher) -> Response:
    """Take readings of a device in plain JSON: one object, or a list of them."""
    return await _push(request, visitor, push_topics.plain(device), await request.body())


@router.post(
    "/topic/{topic:path}",
    response_model=models.Pushed,
    responses=_ANSWERS,
    openapi_extra=_described(_ANYTHING),
)
async def topic(request: Request, topic: str, visitor: Pusher) -> Response:
    """Take a message as if it had been published to a topic by MQTT."""
    return await _push(request, visitor, push_topics.any_topic(topic), await request.body())


async def _push(request: Request, visitor: Visitor, topic: str, body: bytes) -> Response:
    """Have a message committed; answer what became of it. Raises Problem."""
    site = site_of(request)
    done = await site.ask("push", key=visitor.name, topic=topic, body=b64encode(body).decode())
    if "busy" in done:
        raise Problem(
            503,
            f"it cannot be said that this was taken: {done['busy']}",
            "Send it again; what has a time of its own is stored once",
            headers={"Retry-After": str(RETRY_AFTER)},
        )
    response = answer(done)
    if done["quarantine"]:
        response.status_code = 202
    return response
