"""Holds what is sent to us to a size: nothing that we take is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.web.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 * 1024
"""Bytes of a request's body."""
LARGEST_OF = {
    "/api/v1/push/": 1 << 20,
    "/api/v1/devices.csv": 8 << 20,
    "/api/v1/consignments.csv": 8 << 20,
    "/devices/import": 8 << 20,
    "/consignments/import": 8 << 20,
}
"""Bytes of what devices said, as over MQTT, and of tables, by how the path begins.
Nothing of it is read before it is known who sends it."""


class Bodies:
    """Refuses a body that is too large, before it is read where its length is told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        largest = next((size for one, size in LARGEST_OF.items() if path.startswith(one)), LARGEST)
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > largest:
            await _too_large(largest).response()(scope, receive, send)
            return
        taken = 0

        async def held() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:
                raise _too_large(largest)
            return message

        await self._app(scope, held, send)


def _too_large(largest: int) -> Problem:
    return Problem(413, f"more than {largest} bytes were sent", "Send less")
