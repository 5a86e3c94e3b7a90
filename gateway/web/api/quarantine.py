"""The quarantine: messages that could not become readings."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from gateway.web.api.access import Whole
from gateway.web.api.answers import page
from gateway.web.api.asked import Page
from gateway.web.api.gateway_models import Messages
from gateway.web.api.paging import cursor, place
from gateway.web.visitor import site_of

if TYPE_CHECKING:
    from gateway.quarantine import Rejected

router = APIRouter()

SHOWN = 2_000
"""Bytes of a payload."""


class MessagesAsked(Page):
    """Which part of the quarantine; messages are large, so pages are small."""

    limit: int = Field(default=100, ge=1, le=500, description="Messages in a page, at most.")


@router.get("/quarantine", response_model=Messages)
async def quarantine(
    request: Request, _visitor: Whole, asked: Annotated[MessagesAsked, Query()]
) -> Response:
    """Messages that could not become readings, oldest first, and why."""
    after = place(asked.next, int) if asked.next is not None else 0
    found = await site_of(request).archive.ask(
        lambda files: files.journal.quarantine.page(after, asked.limit + 1)
    )
    shown = found[: asked.limit]
    following = cursor(shown[-1].number) if len(found) > len(shown) else None
    return page([_told(one) for one in shown], following)


def _told(one: Rejected) -> dict[str, Any]:
    return {
        "number": one.number,
        "received": one.received,
        "topic": one.topic.decode(errors="replace"),
        "owner": one.owner,
        "source": one.source,
        "reason": one.reason,
        "detail": one.detail,
        "cure": one.cure,
        "size": len(one.payload),
        "payload": base64.b64encode(one.payload[:SHOWN]).decode(),
    }
