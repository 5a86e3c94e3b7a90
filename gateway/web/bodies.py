"""Holds what is sent to us to a size: nothing that we take is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.web.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 * 1024
"""Bytes of a request's body."""


class Bodies:
    """Refuses a body that is too large, before it is read where its length is told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > LARGEST:
            await _too_large().response()(scope, receive, send)
            return
        taken = 0

        async def held() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST:
                raise _too_large()
            return message

        await self._app(scope, held, send)


def _too_large() -> Problem:
    return Problem(413, f"more than {LARGEST} bytes were sent", "Send less")
